"""Tasks of any kind on ranks that share bundles: mpirun -n 4 python3 executor.py

mpi4py's MPICommExecutor has one rank give out tasks and the others do them. A task takes the *name* of a
bundle, never the bundle: the pool of its rank has it in memory already. Alone, without mpirun, this process
does all tasks itself.
"""

import argparse

import numpy as np
from mpi4py import MPI
from mpi4py.futures import MPICommExecutor

import bundlepool as bp


def correlation(name: str, a: int, b: int) -> tuple[str, str, float]:
    """How the daily returns of two assets go together."""
    with pool.get(name) as bundle:
        closes = bundle.close[[a, b]]
        pair = closes[:, 1:] / closes[:, :-1] - 1
        both = pair[:, ~np.isnan(pair).any(axis=0)]
        return bundle.symbols[a], bundle.symbols[b], float(np.corrcoef(both)[0, 1])


def main():
    with MPICommExecutor(MPI.COMM_WORLD, root=0) as executor:
        if executor is None:
            return  # a rank that has done tasks; they are all done
        with pool.get(asked.bundle) as bundle:
            count = min(bundle.num_assets, 12)
        pairs = [(a, b) for a in range(count) for b in range(a)]
        found = list(executor.map(correlation, [asked.bundle] * len(pairs), *zip(*pairs), chunksize=8))
    for one, other, r in sorted(found, key=lambda row: -row[2])[:5]:
        print(f"{one} {other} {r:.3f}")
    print(f"{len(found)} pairs on {MPI.COMM_WORLD.size} ranks, loads: {pool.stats().cluster.loads}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bundle", default="demo", help="the name of a bundle (default: demo)")
    asked = parser.parse_args()
    # Created and closed by all ranks together; between that, each uses it whenever it likes.
    with bp.Pool(MPI.COMM_WORLD) as pool:
        main()
