#!/usr/bin/env python3
"""bench_ingest.py --dir DIR [--bin DIR] [--files N] [--rows N] [--repeats N] [--gigabytes X] [--json]

What making a bundle costs: `bundle ingest csvdir` of N files (500) of N daily bars (2800), plain and gzip, and `bundle
import zipline` of a folder that holds the same bars, beside

    pandas  pandas.read_csv of each file, or blosc and NumPy over the bcolz table, and h5py writing the same datasets
            with the same chunks and filters, in a process of its own; without the time for starting Python and
            importing modules
    disk    the bytes of the bundle and of the bars on their way, written once and synced

The three take turns, in an order that changes with each repeat (5). Cases are `bundle`, `pandas` and `disk`; `over_pandas`
and `over_disk` are quotients of the wall times of neighbours, `over_pandas_processor` of their processor times, which
others on the machine change least; two cores do the more in a second. The first time, every value of both files is
compared. `cores` is processor time over wall time.

--gigabytes X (0: not) ingests X GB of CSV, the same files under many names: `peak` is the most memory that was resident.

Inputs are made in DIR and kept. Exit status: 1 if a program fails or values differ, 77 if pandas or h5py is missing.
"""
import argparse
import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import time

try:
    import h5py
    import numpy as np
    import pandas as pd
except ImportError as error:
    print(f"SKIPPED: {error}")
    sys.exit(77)

try:
    import blosc
except ImportError:
    blosc = None

HERE = os.path.dirname(os.path.abspath(__file__))
FIELDS = ["open", "high", "low", "close", "volume"]
CHUNK_CELLS = 1 << 17 # of the writer
BYTES_OF_A_BAR = 48   # on its way
DAY_NS = 86400 * 10**9
BLOCK_ROWS = 1 << 16  # of the bcolz table

# Samples -----------------------------------------------------------------------------------------------------------


class Samples:
    """Prints measurements as benchmarks/support.h describes, and remembers them for a summary."""

    def __init__(self, as_json, **conditions):
        self.as_json, self.conditions, self.seen = as_json, conditions, {}

    def add(self, case, metric, unit, value, repeat=None, **more):
        where = {**self.conditions, **more}
        self.seen.setdefault((case, *more.values(), metric, unit), []).append(value)
        if repeat is not None:
            where["repeat"] = repeat
        if self.as_json:
            print(json.dumps({"bench": "ingest", "case": case, **where, "metric": metric, "unit": unit, "value": value}),
                  flush=True)

    def missing(self, case, metric, unit, reason):
        if self.as_json:
            print(json.dumps({"bench": "ingest", "case": case, **self.conditions, "metric": metric, "unit": unit,
                              "value": None, "reason": reason}), flush=True)
        else:
            print(f"{case}: not measured: {reason}")

    def summary(self):
        for (case, *more, metric, unit), values in self.seen.items():
            scale, name = {"ns": (1e-6, "ms"), "bytes": (1e-6, "MB"), "bytes/s": (1e-6, "MB/s")}.get(unit, (1, unit))
            mid, low, high = (scale * f(values) for f in (statistics.median, min, max))
            print(f"{' '.join([case, *map(str, more)]):16} {metric:22} {mid:10.2f} {name:6} ({low:.2f}..{high:.2f}), "
                  f"n = {len(values)}")


# Inputs ------------------------------------------------------------------------------------------------------------


def weekdays(n):
    first = np.datetime64("2010-01-04", "D")
    return np.busday_offset(first, np.arange(n), roll="forward")


def csv_text(rng, days):
    """A random walk with a close in cents and six-digit volumes, as vendors print it."""
    n = len(days)
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.015, n)))
    opens = close * np.exp(rng.normal(0, 0.005, n))
    high = np.maximum(opens, close) * (1 + np.abs(rng.normal(0, 0.004, n)))
    low = np.minimum(opens, close) * (1 - np.abs(rng.normal(0, 0.004, n)))
    volume = rng.integers(10_000, 5_000_000, n)
    rows = [f"{d},{o:.2f},{h:.2f},{l:.2f},{c:.2f},{v}" for d, o, h, l, c, v in
            zip(days.astype(str), opens, high, low, close, volume)]
    return "date,open,high,low,close,volume\n" + "\n".join(rows) + "\n"


def make_inputs(folder, files, rows):
    """DIR/plain-F-R/daily/S0000.csv …, DIR/gzip-F-R/daily/S0000.csv.gz …; @return both folders."""
    made = [f"{folder}/{kind}-{files}-{rows}" for kind in ("plain", "gzip")]
    if all(os.path.exists(f"{path}.complete") for path in made):
        return made
    days, rng = weekdays(rows), np.random.default_rng(20261126)
    for path in made:
        os.makedirs(f"{path}/daily", exist_ok=True)
    for i in range(files):
        text = csv_text(rng, days).encode()
        with open(f"{made[0]}/daily/S{i:04d}.csv", "wb") as file:
            file.write(text)
        with open(f"{made[1]}/daily/S{i:04d}.csv.gz", "wb") as file:
            file.write(gzip.compress(text, 6, mtime=0))
    for path in made:
        with open(f"{path}.complete", "wb"):
            pass
    return made


def make_bcolz(folder, bars, files, rows):
    """zipline's folder of the bars that a file of write_h5() holds."""
    path = f"{folder}/bcolz-{files}-{rows}"
    if os.path.exists(f"{path}.complete"):
        return path
    import zipline_folder # pylint: disable=import-outside-toplevel
    with h5py.File(bars) as file:
        days = [int(day) for day in file["US/index/day"][:]]
        cells = {name: file[f"US/data/{name}"][:] for name in FIELDS}
    os.makedirs(path, exist_ok=True)
    zipline_folder.write_assets(path, [(i, f"S{i:04d}", "", days[0], days[-1], days[0], days[-1] + DAY_NS, "NYSE")
                                       for i in range(files)])
    zipline_folder.write_adjustments(path, {})
    zipline_folder.write_daily(path, {i: (0, {name: cells[name][i] for name in FIELDS}) for i in range(files)}, days,
                               chunklen=BLOCK_ROWS)
    with open(f"{path}.complete", "wb"):
        pass
    return path


def make_large(folder, plain, gigabytes):
    """The files of `plain` under as many names as it takes: hard links, no space."""
    path = f"{folder}/large-{gigabytes:g}-{os.path.basename(plain)}"
    names = sorted(os.listdir(f"{plain}/daily"))
    size = sum(os.stat(f"{plain}/daily/{name}").st_size for name in names)
    os.makedirs(f"{path}/daily", exist_ok=True)
    total, k = 0, 0
    while total < gigabytes * 1e9:
        for name in names:
            to = f"{path}/daily/{k:03d}{name}"
            if not os.path.exists(to):
                os.link(f"{plain}/daily/{name}", to)
        total, k = total + size, k + 1
    return path, total, k * len(names)


# Running -----------------------------------------------------------------------------------------------------------


# A process begins as a copy of the one that starts it, and its peak counts that: so a small one does.
LAUNCH = """
import json, os, subprocess, sys, time
began = time.monotonic()
process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
output = process.stdout.read()
_, status, usage = os.wait4(process.pid, 0)
print(json.dumps([time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024,
                  os.waitstatus_to_exitcode(status), output.decode(errors="replace")]))
"""


def measure(command):
    """(seconds, processor seconds, peak bytes, output) of a program that must not fail."""
    done = subprocess.run([sys.executable, "-S", "-c", LAUNCH, *command], capture_output=True, check=True)
    *figures, code, output = json.loads(done.stdout)
    if code != 0:
        sys.exit(f"bench_ingest.py: {' '.join(command)}: exit code {code}\n{output[-2000:]}")
    return *figures, output


def ingest(tool, source, root, kind):
    return measure([tool, *(["import", "zipline"] if kind == "bcolz" else ["ingest", "csvdir"]), source, "ours", "--root",
                    root])


def pandas_ingest(source, path, kind):
    _, _, peak, output = measure([sys.executable, os.path.abspath(__file__), "--beside", kind, source, path])
    seconds, used = map(float, output.split())
    return seconds, used, peak


def disk(path, size):
    block = os.urandom(1 << 20)
    began = time.monotonic()
    with open(path, "wb", buffering=0) as file:
        for at in range(0, size, len(block)):
            file.write(block[:size - at])
        os.fsync(file.fileno())
    seconds = time.monotonic() - began
    os.unlink(path)
    return seconds


# Beside it ---------------------------------------------------------------------------------------------------------


def write_h5(path, sids, days, cells):
    """The daily part of a bundle file, as a careful user of h5py would write it."""
    with h5py.File(path + ".part", "w") as file:
        country = file.create_group("US")
        country["index/sid"], country["index/day"] = sids, days
        n, d = len(sids), len(days)
        for name in FIELDS:
            made = country.create_dataset(f"data/{name}", data=cells[name], compression="gzip", compression_opts=4,
                                          shuffle=True, chunks=(max(1, min(n, CHUNK_CELLS // d)), d))
            made.attrs["scaling_factor"] = 1 if name == "volume" else 1000
    with open(path + ".part", "rb") as file:
        os.fsync(file.fileno())
    os.rename(path + ".part", path)


def as_pandas(source, path):
    """Read every file, put values where they belong, write."""
    names = sorted(os.listdir(f"{source}/daily"))
    frames = [pd.read_csv(f"{source}/daily/{name}", index_col="date", parse_dates=["date"]) for name in names]
    days = frames[0].index
    for frame in frames[1:]:
        if not frame.index.equals(days):
            days = days.union(frame.index)
    cells = {name: np.zeros((len(frames), len(days)), dtype=np.uint32) for name in FIELDS}
    for i, frame in enumerate(frames):
        column = days.get_indexer(frame.index)
        for name in FIELDS:
            scale = 1 if name == "volume" else 1000
            cells[name][i, column] = np.rint(np.nan_to_num(frame[name].to_numpy(dtype=float)) * scale)
    ns = days.to_numpy().astype("datetime64[ns]").astype(np.int64)
    write_h5(path, np.arange(len(frames)), ns, cells)


def as_numpy(source, path):
    """The same of a bcolz table."""
    table = f"{source}/daily_equities.bcolz"
    with open(f"{table}/__attrs__", encoding="utf-8") as file:
        attrs = json.load(file)
    import zipline_folder # pylint: disable=import-outside-toplevel
    column = {name: zipline_folder.read_column(f"{table}/{name}") for name in FIELDS + ["day"]}
    days, at = np.unique(column["day"], return_inverse=True)
    sids = sorted(map(int, attrs["first_row"]))
    cells = {name: np.zeros((len(sids), len(days)), dtype=np.uint32) for name in FIELDS}
    for i, sid in enumerate(map(str, sids)):
        rows = slice(attrs["first_row"][sid], attrs["last_row"][sid] + 1)
        for name in FIELDS:
            cells[name][i, at[rows]] = column[name][rows]
    write_h5(path, np.array(sids), days * 10**9, cells)


def beside(kind, source, path):
    """Prints the seconds it took, and those of the processor."""
    began, used = time.monotonic(), time.process_time()
    (as_numpy if kind == "bcolz" else as_pandas)(source, path)
    print(time.monotonic() - began, time.process_time() - used)


def same_values(ours, theirs):
    with h5py.File(ours) as a, h5py.File(theirs) as b:
        return np.array_equal(a["US/index/day"][:], b["US/index/day"][:]) and all(
            np.array_equal(a[f"US/data/{name}"][:], b[f"US/data/{name}"][:]) for name in FIELDS)


# Cases -------------------------------------------------------------------------------------------------------------


def one_repeat(samples, tool, root, source, kind, files, rows, repeat):
    """bundle, pandas and disk, in an order of the repeat's own."""
    took, used, peaks = {}, {}, {}
    made = f"{root}/ours.h5"

    def ours():
        took["bundle"], used["bundle"], peaks["bundle"], _ = ingest(tool, source, root, kind)

    def pandas():
        took["pandas"], used["pandas"], peaks["pandas"] = pandas_ingest(source, f"{root}/pandas.h5", kind)

    def plain_disk():
        size = os.stat(made).st_size if os.path.exists(made) else 0
        took["disk"] = disk(f"{root}/disk", size + files * rows * BYTES_OF_A_BAR)

    turns = [ours, pandas, plain_disk]
    for turn in turns[repeat % 3:] + turns[:repeat % 3]:
        turn()
    for metric, unit, scale, of in (("time", "ns", 1e9, took), ("processor", "ns", 1e9, used), ("peak", "bytes", 1, peaks)):
        for case, value in of.items():
            samples.add(case, metric, unit, value * scale, repeat, input=kind)
    size = sum(os.stat(os.path.join(at, name)).st_size for at, _, names in os.walk(source) for name in names)
    for metric, unit, value in (("over_pandas", "ratio", took["pandas"] / took["bundle"]),
                                ("over_pandas_processor", "ratio", used["pandas"] / used["bundle"]),
                                ("over_disk", "ratio", took["disk"] / took["bundle"]),
                                ("cores", "ratio", used["bundle"] / took["bundle"]),
                                ("rate", "bytes/s", size / took["bundle"])):
        samples.add("bundle", metric, unit, value, repeat, input=kind)


def large(samples, tool, root, folder, plain, gigabytes):
    source, size, files = make_large(folder, plain, gigabytes)
    seconds, used, peak, _ = ingest(tool, source, root, "plain")
    bundle = os.stat(f"{root}/ours.h5").st_size
    shutil.rmtree(source)
    where = {"input": f"{size / 1e9:.1f} GB in {files} files"}
    samples.add("large", "time", "ns", seconds * 1e9, **where)
    samples.add("large", "rate", "bytes/s", size / seconds, **where)
    samples.add("large", "peak", "bytes", peak, **where)
    samples.add("large", "cores", "ratio", used / seconds, **where)
    samples.add("large", "bundle", "bytes", bundle, **where)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--dir")
    parser.add_argument("--bin", default=f"{HERE}/../build/bin")
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--rows", type=int, default=2800)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--gigabytes", type=float, default=2)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--beside", nargs=3, metavar=("KIND", "SOURCE", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.beside and not options.dir:
        parser.error("--dir is missing")
    return options


def main():
    options = arguments()
    sys.path.insert(0, f"{HERE}/../tests/support")
    if options.beside:
        return beside(*options.beside)
    tool = os.path.abspath(f"{options.bin}/bundle")
    samples = Samples(options.json, files=options.files, rows=options.rows)
    root = f"{options.dir}/root"
    os.makedirs(root, exist_ok=True)
    made = make_inputs(options.dir, options.files, options.rows)
    sources = dict(zip(("plain", "gzip"), made))
    pandas_ingest(sources["plain"], f"{root}/pandas.h5", "plain")
    if blosc is None:
        samples.missing("bcolz", "time", "ns", "python3-blosc is missing")
    else:
        sources["bcolz"] = make_bcolz(options.dir, f"{root}/pandas.h5", options.files, options.rows)
    for kind, source in sources.items():
        ingest(tool, source, root, kind) # what is read for the first time, is read here
        pandas_ingest(source, f"{root}/pandas.h5", kind)
        if not same_values(f"{root}/ours.h5", f"{root}/pandas.h5"):
            sys.exit(f"bench_ingest.py: {kind}: the values of the two files differ")
        for repeat in range(options.repeats):
            one_repeat(samples, tool, root, source, kind, options.files, options.rows, repeat)
    if options.gigabytes > 0:
        large(samples, tool, root, options.dir, sources["plain"], options.gigabytes)
    shutil.rmtree(root)
    if not options.json:
        samples.summary()
    return 0


if __name__ == "__main__":
    sys.exit(main())
