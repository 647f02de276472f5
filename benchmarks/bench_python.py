#!/usr/bin/env python3
"""bench_python.py --root DIR --bundle NAME [--small NAME] [--repeats N] [--backtests N] [--ranks N] [--json] [--only A,B]

What the pool costs from Python, each beside what one would use instead, in the same run, in turns:

    hit       pool.get() and release of a bundle that is resident, beside a C program's (bench_hit), and a Python dict's look-up
    sum       close.sum() over the bundle's view and over a private copy of it: `ratio` of the two
    cold      from a barrier after the imports until every one of N ranks has read all closes: `pool`, `h5py` (each rank
              reads the file) and `window` (rank 0 reads it by h5py into mpi4py's own shared window). With --json also
              `loads`, how often the pool read
    memory    what N ranks take that have read every price of the bundle, beyond what N ranks take that have not: by PSS,
              in images
    sweep     N combinations (default 2000) of sma_cross, one process: the rule in C (`c`), as a Python function
              (`python`), and vectorised NumPy (numpy_sma.py; `numpy`); on 2 ranks: `python` and a multiprocessing.Pool of two
              whose tasks get the arrays by pickle (`pickle`), over the same rule and account
    workers   the Python sweep on 2, 4, 8, 16 ranks: backtests/s
    caches    that sweep with `enable_caching` off, and a `decide` rule with `enable_history_cache` off: time and memory

The bundle should have some 240 MB for cold and memory, and --small (default: the same) 500 assets x 2520 sessions for sweeps.
Exit status: 1 if a program fails, or if results differ that must not; 77: mpi4py, NumPy or h5py is missing.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))

# Ranks: what the programs below do that mpirun starts ----------------------------------------------------------------

COLD = '''
import sys, time
from mpi4py import MPI
import h5py, numpy as np
import bundlepool as bp
how, root, name = sys.argv[1:4]
comm = MPI.COMM_WORLD
def read(file):
    country = next(g for g in file.values() if isinstance(g, h5py.Group) and "data" in g)
    d = country["data/close"]
    raw = d[:]
    return np.where(raw == 0, np.nan, raw * (1.0 / float(d.attrs["scaling_factor"])))
def pool():
    p = bp.Pool(comm, root=root, max_staleness_ms=1000)
    b = p.get(name)
    s = np.nansum(b.close)
    return s, (p, b)
def own():
    with h5py.File(f"{root}/{name}.h5") as f:
        a = read(f)
    return np.nansum(a), a
def window():
    node = comm.Split_type(MPI.COMM_TYPE_SHARED)
    shape = np.zeros(2, "i8")
    if node.rank == 0:
        with h5py.File(f"{root}/{name}.h5") as f:
            a = read(f)
        shape[:] = a.shape
    node.Bcast(shape)
    win = MPI.Win.Allocate_shared(int(shape.prod()) * 8 if node.rank == 0 else 0, 8, comm=node)
    b = np.ndarray(shape, "f8", win.Shared_query(0)[0])
    if node.rank == 0:
        b[:] = a
    node.Barrier()
    return np.nansum(b), (win, b)
comm.Barrier()
began = time.perf_counter()
s, held = {"pool": pool, "h5py": own, "window": window}[how]()
comm.Barrier()
took = time.perf_counter() - began
sums = comm.gather(s)
if comm.rank == 0:
    assert len(set(sums)) == 1, sums
    loads = held[0].stats().cluster["loads"] if how == "pool" else 0
    print(took, sums[0], loads)
'''

MEMORY = '''
import sys
from mpi4py import MPI
import numpy as np
import bundlepool as bp
how, root, name = sys.argv[1:4]
comm = MPI.COMM_WORLD
pool = bp.Pool(comm, root=root, max_staleness_ms=1000)
size = 0
if how == "full":
    b = pool.get(name)
    size = b.nbytes
    for column in (b.open, b.high, b.low, b.close, b.volume):
        for row in column:
            row.sum()
comm.Barrier()
pss = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in open("/proc/self/smaps_rollup") if line.startswith("Pss")}
all_of = comm.gather(pss["Pss"])
if comm.rank == 0:
    print(sum(all_of), size)
'''


def run_mpi(ranks, *command):
    """What rank 0 prints. Ends this program where it fails."""
    runner = os.path.join(HERE, "..", "tests", "support", "run_mpi.sh")
    clean = dict(os.environ) # as this program was started: MPI, which may have begun in here, has set more
    done = subprocess.run([runner, str(ranks), *command], capture_output=True, text=True, check=False, env=clean)
    if done.returncode:
        sys.exit(f"bench_python: {' '.join(command[:3])}: exit {done.returncode}: {(done.stderr or done.stdout)[-900:]}")
    return done.stdout


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


class Bench:
    def __init__(self, asked):
        self.asked, self.seen = asked, {}

    def add(self, case, by, metric, unit, value, **where):
        self.seen.setdefault((case, by, *where.values(), metric, unit), []).append(value)
        if self.asked.json:
            print(json.dumps({"bench": "python", "case": case, "by": by, "bundle": self.asked.bundle, **where,
                              "metric": metric, "unit": unit, "value": value}), flush=True)

    def summary(self):
        if self.asked.json:
            return
        for (case, by, *where, metric, unit), values in self.seen.items():
            middle = statistics.median(values)
            print(f"{case:8} {by:12} {' '.join(map(str, where)):8} {metric:16} {middle:14.6g} {unit:6} "
                  f"({min(values):.6g}..{max(values):.6g}), n = {len(values)}")


def in_turns(repeats, *sides):
    """Call each side once per repeat, in an order that changes: no side has the quieter half of the machine."""
    for repeat in range(repeats):
        order = sides if repeat % 2 == 0 else sides[::-1]
        yield repeat, {side: None for side in order}


# Cases -----------------------------------------------------------------------------------------------------------


def bench_hit(bench, bp):
    asked = bench.asked
    pool = bp.Pool(root=asked.root, max_staleness_ms=1000)
    first = pool.get(asked.small)
    table, name, rounds = {asked.small: first}, asked.small, 100_000

    def gets():
        get = pool.get
        for _ in range(rounds):
            get(name)

    def looks():
        get = table.get
        for _ in range(rounds):
            get(name)

    def withs():
        get = pool.get
        for _ in range(rounds):
            with get(name):
                pass

    for _ in range(asked.repeats):
        for by, work in (("get", gets), ("with", withs), ("dict", looks)):
            began = time.perf_counter()
            work()
            bench.add("hit", by, "time", "ns", (time.perf_counter() - began) / rounds * 1e9)
    first.release()
    pool.close()


def bench_sum(bench, bp, np):
    pool = bp.Pool(root=bench.asked.root, max_staleness_ms=1000)
    bundle = pool.get(bench.asked.small)
    view = bundle.close
    copy = np.array(view)
    assert np.array_equal(view, copy, equal_nan=True)
    for repeat in range(4 * bench.asked.repeats):
        took = {}
        for by, array in (("view", view), ("copy", copy))[::1 if repeat % 2 else -1]:
            began = time.perf_counter()
            for _ in range(10):
                array.sum()
            took[by] = (time.perf_counter() - began) / 10
            bench.add("sum", by, "rate", "GB/s", array.nbytes / took[by] / 1e9)
        bench.add("sum", "view/copy", "ratio", "x", took["view"] / took["copy"])
    del view, array
    bundle.release()
    pool.close()


def bench_cold(bench, folder, ranks):
    asked, sums = bench.asked, set()
    program = write(folder, "cold.py", COLD)
    for repeat in range(asked.repeats):
        took = {}
        for by in ("pool", "h5py", "window")[::1 if repeat % 2 else -1]:
            seconds, total, loads = run_mpi(ranks, sys.executable, program, by, asked.root, asked.bundle).split()
            took[by] = float(seconds)
            sums.add(total)
            bench.add("cold", by, "time", "s", took[by], ranks=ranks)
            if by == "pool":
                bench.add("cold", by, "loads", "1", int(loads), ranks=ranks)
        bench.add("cold", "pool/h5py", "ratio", "x", took["pool"] / took["h5py"], ranks=ranks)
        bench.add("cold", "pool/window", "ratio", "x", took["pool"] / took["window"], ranks=ranks)
    if len(sums) != 1:
        sys.exit(f"bench_python: the three read different closes: {sums}")


def bench_memory(bench, folder, ranks):
    asked, program = bench.asked, write(folder, "memory.py", MEMORY)
    empty = int(run_mpi(ranks, sys.executable, program, "empty", asked.root, asked.bundle).split()[0])
    full, image = map(int, run_mpi(ranks, sys.executable, program, "full", asked.root, asked.bundle).split())
    bench.add("memory", "ranks", "empty", "bytes", empty, ranks=ranks)
    bench.add("memory", "ranks", "full", "bytes", full, ranks=ranks)
    bench.add("memory", "full-empty", "images", "x", (full - empty) / image, ranks=ranks)


RULE = '''
import bundlepool as bp


def sma_cross(m, fast, slow):
    return m.sma(fast) > m.sma(slow)


class Rebound:
    def __init__(self, drop: float = 0.05, hold: int = 10):
        self.drop, self.hold, self.bought = drop, hold, {}

    def decide(self, view, orders):
        if view.t % 5:
            return
        week = view.window(None, 21)
        for asset in (week[:, -1] < week[:, 0] * (1 - self.drop)).nonzero()[0][:5]:
            if view.can_trade(int(asset)):
                orders.order_target_percent(int(asset), 0.02)
'''

SWEEP = '''
import json, resource, sys, time
import bundlepool as bp
import rule
from bundlepool.optimization.config import OptimizationConfig
asked = json.loads(sys.argv[1])
strategy = asked["strategy"] if asked["built_in"] else getattr(rule, asked["strategy"])
began = time.perf_counter()
config = OptimizationConfig.create_default()
for name, value in asked["config"].items():
    setattr(config, name, value)
r = bp.sweep(asked["bundle"], strategy, asked["grid"], root=asked["root"], out=asked["out"], no_journal=True, replace=True,
             progress=False, config=config, **asked["options"])
took = time.perf_counter() - began
if r.has_all:
    print(json.dumps({"seconds": r.seconds, "wall": took, "done": r.done,
                      "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
'''

# What one writes with a Pool: every task gets its arrays by pickle. The account is bp.backtest's, so that only the way
# in which the data comes differs: the arrays are what the task gets, and a bundle in a worker is loaded once.
PICKLE = '''
import json, sys, time
import multiprocessing
import numpy as np
import bundlepool as bp
asked = json.loads(sys.argv[1])
held = {}


def run(task):
    close, fast, slow = task
    total = np.nancumsum(close, axis=1)
    def mean(k):
        out = np.full_like(close, np.nan)
        out[:, k - 1:] = total[:, k - 1:]
        out[:, k:] -= total[:, :-k]
        return out / k
    held_now = mean(fast) > mean(slow)
    returns = np.diff(close, axis=1, prepend=np.nan) / np.roll(close, 1, axis=1)
    each = np.where(np.roll(held_now, 1, axis=1), np.nan_to_num(returns), 0.0)
    portfolio = each.sum(axis=0) / np.maximum(np.roll(held_now, 1, axis=1).sum(axis=0), 1)
    return float(portfolio.mean() / (portfolio.std() or 1) * 252 ** 0.5)


if __name__ == "__main__":
    bundle = bp.load(asked["bundle"], root=asked["root"])
    close = np.array(bundle.close)
    tasks = [(f, s) for f in asked["grid"]["fast"] for s in asked["grid"]["slow"]][:asked["tasks"]]
    with multiprocessing.get_context("spawn").Pool(asked["processes"]) as workers:
        workers.map(len, [()] * asked["processes"])
        began = time.perf_counter()
        workers.map(run, [(close, f, s) for f, s in tasks], chunksize=1)
        took = time.perf_counter() - began
    print(json.dumps({"seconds": took, "done": len(tasks)}))
'''


def grid_of(backtests):
    """About so many combinations, all of which make sense."""
    slow = max(1, backtests // 10)
    return {"fast": list(range(2, 12)), "slow": list(range(20, 20 + slow))}


class Sweeps:
    """Runs sweeps in a folder that has the rules."""

    def __init__(self, bench, folder):
        self.bench, self.folder = bench, folder
        for name, text in (("rule.py", RULE), ("sweep.py", SWEEP), ("pickled.py", PICKLE)):
            write(folder, name, text)
        self.root = os.path.abspath(bench.asked.root)

    def run(self, strategy, grid, out, ranks=1, built_in=False, config=None, **options):
        asked = {"bundle": self.bench.asked.small, "root": self.root, "strategy": strategy, "grid": grid, "built_in": built_in,
                 "out": f"{self.folder}/{out}", "options": options, "config": config or {}}
        return json.loads(run_mpi(ranks, sys.executable, f"{self.folder}/sweep.py", json.dumps(asked)))

    def pickled(self, grid, tasks, processes):
        asked = {"bundle": self.bench.asked.small, "root": self.root, "grid": grid, "tasks": tasks, "processes": processes}
        done = subprocess.run([sys.executable, f"{self.folder}/pickled.py", json.dumps(asked)], capture_output=True, text=True,
                              check=False)
        if done.returncode:
            sys.exit(f"bench_python: pickled.py: {done.stderr[-600:]}")
        return json.loads(done.stdout)

    def same(self, a, b):
        with open(f"{self.folder}/{a}", "rb") as one, open(f"{self.folder}/{b}", "rb") as other:
            if one.read() != other.read():
                sys.exit(f"bench_python: {a} and {b} differ")


def rate(bench, case, by, found, **where):
    bench.add(case, by, "rate", "1/s", found["done"] / found["seconds"], **where)
    return found["done"] / found["seconds"]


def bench_sweep(bench, folder):
    asked, sweeps = bench.asked, Sweeps(bench, folder)
    grid = grid_of(asked.backtests)
    costs = {"commission": 5, "slippage": 2}
    numpy_grid = [f"--param=fast={','.join(map(str, grid['fast']))}", f"--param=slow={','.join(map(str, grid['slow'][:20]))}"]
    for repeat in range(asked.repeats):
        got = {}
        for by in ("c", "python")[::1 if repeat % 2 else -1]:
            found = sweeps.run("sma_cross", grid, f"{by}.csv", built_in=by == "c", **costs)
            got[by] = rate(bench, "sweep", by, found, ranks=1)
        sweeps.same("c.csv", "python.csv")
        done = subprocess.run([sys.executable, f"{HERE}/numpy_sma.py", f"{asked.root}/{asked.small}.h5", *numpy_grid, "--commission",
                               "5", "--slippage", "2", "--json"], capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"bench_python: numpy_sma.py: {done.stderr[-600:]}")
        found = json.loads(done.stdout)
        got["numpy"] = found["backtests"] / found["seconds"]
        bench.add("sweep", "numpy", "rate", "1/s", got["numpy"], ranks=1)
        bench.add("sweep", "python/c", "ratio", "x", got["python"] / got["c"], ranks=1)
        bench.add("sweep", "python/numpy", "ratio", "x", got["python"] / got["numpy"], ranks=1)
        two = rate(bench, "sweep", "python", sweeps.run("sma_cross", grid, "two.csv", ranks=2, **costs), ranks=2)
        sweeps.same("c.csv", "two.csv")
        pickled = rate(bench, "sweep", "pickle", sweeps.pickled(grid, asked.backtests // 10, 2), ranks=2)
        bench.add("sweep", "python/pickle", "ratio", "x", two / pickled, ranks=2)


def bench_workers(bench, folder):
    sweeps = Sweeps(bench, folder)
    grid = grid_of(bench.asked.backtests)
    for ranks in (2, 4, 8, 16):
        for _ in range(max(1, bench.asked.repeats // 2)):
            rate(bench, "workers", "python", sweeps.run("sma_cross", grid, "workers.csv", ranks=ranks, commission=5), ranks=ranks)


def bench_caches(bench, folder):
    sweeps = Sweeps(bench, folder)
    cases = (("caching", "sma_cross", grid_of(bench.asked.backtests // 4), "enable_caching"),
             ("history", "Rebound", {"drop": [0.03, 0.04, 0.05, 0.06], "hold": [5, 10]}, "enable_history_cache"))
    for repeat in range(bench.asked.repeats):
        for name, strategy, grid, switch in cases:
            took = {}
            for on in (True, False)[::1 if repeat % 2 else -1]:
                found = sweeps.run(strategy, grid, f"{name}-{on}.csv", config={switch: on})
                took[on] = found["seconds"]
                bench.add("caches", f"{name} {'on' if on else 'off'}", "time", "s", found["seconds"])
                bench.add("caches", f"{name} {'on' if on else 'off'}", "peak", "bytes", found["peak"])
            sweeps.same(f"{name}-True.csv", f"{name}-False.csv")
            bench.add("caches", f"{name} off/on", "ratio", "x", took[False] / took[True])


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", default="bundles")
    parser.add_argument("--bundle", required=True)
    parser.add_argument("--small")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--backtests", type=int, default=2000)
    parser.add_argument("--ranks", type=int, default=16)
    parser.add_argument("--only", default="hit,sum,cold,memory,sweep,workers,caches")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    asked.small = asked.small or asked.bundle
    return asked


def main():
    asked = options()
    try:
        import h5py # pylint: disable=unused-import
        import mpi4py # pylint: disable=unused-import
        import numpy as np

        import bundlepool as bp
    except ImportError as error:
        print(f"SKIPPED: {error}")
        sys.exit(77)
    bench = Bench(asked)
    with tempfile.TemporaryDirectory() as folder:
        for case, work in (("hit", lambda: bench_hit(bench, bp)), ("sum", lambda: bench_sum(bench, bp, np)),
                           ("cold", lambda: bench_cold(bench, folder, asked.ranks)), ("memory", lambda: bench_memory(bench, folder, asked.ranks)),
                           ("sweep", lambda: bench_sweep(bench, folder)), ("workers", lambda: bench_workers(bench, folder)),
                           ("caches", lambda: bench_caches(bench, folder))):
            if case in asked.only.split(","):
                work()
    bench.summary()


if __name__ == "__main__":
    main()
