"""Two groups of ranks, each with a pool and a sweep of its own: mpirun -n 4 python3 subcommunicators.py

Any communicator of mpi4py will do. What is collective, is so for the ranks of that communicator.
"""

import argparse

from mpi4py import MPI

import bundlepool as bp
from sweep import sma_cross


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bundle", default="demo", help="the name of a bundle (default: demo)")
    asked = parser.parse_args()

    world = MPI.COMM_WORLD
    group = "fast" if world.rank < (world.size + 1) // 2 else "slow"
    comm = world.Split(color=group == "slow", key=world.rank)
    grid = {"fast": {"fast": [5, 10, 15], "slow": [20, 30, 40]},
            "slow": {"fast": [50, 75, 100], "slow": [150, 200]}}[group]

    # A look at a file that is a second old is good enough: then a get costs a microsecond on every node.
    with bp.Pool(comm, max_staleness_ms=1000) as pool:
        # Two sweeps over one pool load the bundle once.
        costs = [bp.sweep(asked.bundle, sma_cross, grid, comm=comm, pool=pool, commission=commission)
                 for commission in (0, 10)]
        loads = pool.stats().cluster.loads
    if comm.rank == 0:
        for r, commission in zip(costs, (0, 10)):
            print(f"{group}, {comm.size} ranks, commission {commission}: {r.best.params}, "
                  f"sharpe {r.best.metrics['sharpe']:.3f}; loads so far: {loads}", flush=True)
    comm.Free()


if __name__ == "__main__":
    main()
