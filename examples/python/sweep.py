"""A sweep: python3 sweep.py and mpirun -n 16 python3 sweep.py give the same results.csv.

The rule is that of ../sma_cross.c, and so is every number in the file.
"""

import argparse

import bundlepool as bp


def sma_cross(m, fast: int = 20, slow: int = 50):
    """Holds an asset while its fast moving average is above the slow one."""
    return m.sma(fast) > m.sma(slow)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bundle", default="demo", help="the name of a bundle (default: demo)")
    parser.add_argument("--out", default="results.csv", help="the file of all results (default: results.csv)")
    asked = parser.parse_args()

    # All ranks call it with equal arguments. The journal beside the file lets an interrupted sweep go on.
    r = bp.sweep(asked.bundle, sma_cross, {"fast": range(5, 51, 5), "slow": range(20, 201, 20)},
                 where="fast < slow", commission=5, slippage=2, out=asked.out, resume=True)
    if r.has_all:  # rank 0
        print(r)
