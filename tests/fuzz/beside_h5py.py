"""What this project reads of damaged bundle files that it accepts, and what h5py reads of them.

beside_h5py.py BUNDLE MUTANTS COUNT [SEED]: makes mutants (mutants.c) until COUNT of them were accepted, and compares every
value of each with what h5py, and so libhdf5, reads from the same file. h5py may crash of them, hang, or need much memory: it
works in a child for each file, within limits. What it cannot read, or does not read whole, is counted, and is no failure.
"""

import collections
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile

import h5py
import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import originals

bundle, mutants, wanted = sys.argv[1:4]
wanted, seed = int(wanted), int(sys.argv[4]) if len(sys.argv) > 4 else 1
BATCH, LIMIT_S, MEMORY = 400, 10, 1 << 30
MISSING = -(2**63)
TYPES = {1: "<i8", 2: "<f8", 3: "<u4", 4: "u1"}
EQUAL, DIFFERS, UNREADABLE = 0, 1, 2
PRICES, FIELDS = ("open", "high", "low", "close"), ("open", "high", "low", "close", "volume")
TEXTS = "assets/symbol", "assets/name", "assets/exchange"
RATIO, PAYOUT = ("sid", "effective_date", "ratio"), ("sid", "ex_date", "declared_date", "record_date", "pay_date")
TABLES = {
    "assets/symbol_mappings": ("sid", "symbol", "start_date", "end_date"),
    "adjustments/splits": RATIO,
    "adjustments/mergers": RATIO,
    "adjustments/dividends": RATIO,
    "adjustments/dividend_payouts": (*PAYOUT, "amount"),
    "adjustments/stock_dividend_payouts": (*PAYOUT, "payment_sid", "ratio"),
}


class Differs(Exception):
    pass


def read_values(path):
    """@return {column: array}, and the texts of the head: what mutants.c has written down"""
    with open(path, "rb") as f:
        head, image = f.read().split(b"\n\n", 1)
    column = {}
    lines = head.decode().split("\n")
    texts = {line.split()[0]: bytes.fromhex((line.split() + [""])[1]) for line in lines[:2]}
    for line in lines[2:]:
        name, kind, rows, cols, offset, size = line.split()
        data = np.frombuffer(image, TYPES[int(kind)], int(size) // np.dtype(TYPES[int(kind)]).itemsize, int(offset))
        column[name] = data.reshape(int(rows), int(cols)) if int(cols) > 1 else data
    strings = column.pop("strings").tobytes()
    for name in (*TEXTS, "assets/symbol_mappings/symbol"):
        column[name] = [strings[at : strings.index(b"\0", at)] for at in column[name]]
    return column, texts


def same(what, ours, theirs):
    theirs = np.asarray(theirs)
    if ours.size == 0 and theirs.size == 0:
        return
    if ours.shape != theirs.shape or not np.array_equal(ours, theirs, equal_nan=ours.dtype.kind == "f"):
        raise Differs("%s: %s instead of %s" % (what, str(ours)[:300], str(theirs)[:300]))


def text(value):
    """As C sees it."""
    value = value.encode() if isinstance(value, str) else bytes(value)
    return value.split(b"\0", 1)[0]


def dataset(group, path):
    """@return its values; None: there is none"""
    if path not in group:
        return None
    data = group[path][...]
    if data.dtype.kind == "u" and data.size and data.max() >= 2**63:
        raise Differs("%s: %s are no int64" % (path, data.dtype))
    return data


def check_small(ours, us):
    sid = dataset(us, "index/sid")
    same("index/sid", ours["index/sid"], sid)
    same("index/day", ours["index/day"], dataset(us, "index/day"))
    last = len(ours["index/day"]) - 1
    for name, default in ("start_date", 0), ("end_date", last):
        theirs = dataset(us, "lifetimes/" + name)
        same(name, ours["lifetimes/" + name], np.full(len(sid), default) if theirs is None else theirs)
    code = dataset(us, "currency/code")
    mine = [bytes(row).rstrip(b"\0") for row in ours["currency/code"].reshape(-1, 3)]
    theirs = [b"XXX"] * len(sid) if code is None else [text(value) or b"XXX" for value in code.astype(object)]
    if mine != theirs:
        raise Differs("currency/code: %s instead of %s" % (mine[:9], theirs[:9]))
    for name in "session", "market_open", "market_close":
        theirs = dataset(us, "calendar/" + name) if "calendar" in us else None
        same(name, ours["calendar/" + name], [] if theirs is None else theirs)


def check_assets(ours, us):
    if "assets" not in us or "sid" not in us["assets"]:
        same("assets/sid", ours["assets/sid"], ours["index/sid"])  # the table is made of the index
        if ours["assets/symbol"] != [b"%d" % sid for sid in ours["index/sid"]]:
            raise Differs("assets/symbol: %s" % ours["assets/symbol"][:9])
        return
    order = np.argsort(us["assets/sid"][...], kind="stable")  # rows are put in order when they are read
    for name in "sid", "start_date", "end_date", "first_traded", "auto_close_date":
        theirs = dataset(us, "assets/" + name)
        if theirs is not None:
            same("assets/" + name, ours["assets/" + name], theirs[order])
    for name in TEXTS:
        theirs = dataset(us, name)
        theirs = None if theirs is None else [text(value) for value in theirs[order].astype(object)]
        if theirs is not None and ours[name] != theirs:
            raise Differs("%s: %s instead of %s" % (name, ours[name][:9], theirs[:9]))


def check_tables(ours, us):
    """As sets of rows."""
    for path, fields in TABLES.items():
        theirs = dataset(us, path)
        rows = [] if theirs is None else [tuple(text(row[f]) if f == "symbol" else row[f].item() for f in fields) for row in theirs]
        mine = list(zip(*[[x if isinstance(x, bytes) else x.item() for x in ours[path + "/" + f]] for f in fields]))
        if sorted(map(repr, mine)) != sorted(map(repr, rows)):
            raise Differs("%s: %s instead of %s" % (path, mine[:9], rows[:9]))


def check_bars(ours, us, folder, owner):
    for name in FIELDS:
        path = folder + "/" + name
        stored = us[path][...]
        factor = us[path].attrs.get("scaling_factor", 1)
        by_asset = dataset(us, folder + "/" + ("scaling_factor" if name in PRICES else "volume_scaling_factor"))
        scale = 1.0 / (np.float64(factor) if by_asset is None else by_asset.astype("f8"))
        if by_asset is not None:
            scale = scale[:, None] if owner is None else scale[owner]
        value = stored.astype("f8") * scale
        if name in PRICES:
            value[stored == 0] = np.nan
        same(path, ours[path], value)


def check_minutes(ours, us):
    if "minute" not in us:
        return same("minute", ours["minute/index/sid"], [])
    offset = dataset(us, "minute/index/offset")
    same("minute/index/sid", ours["minute/index/sid"], dataset(us, "minute/index/sid"))
    same("minute/index/offset", ours["minute/index/offset"], offset)
    same("minute/dt", ours["minute/dt"], dataset(us, "minute/dt"))
    check_bars(ours, us, "minute/data", np.repeat(np.arange(len(offset) - 1), np.diff(offset)))


def check_texts(texts, f):
    for name, default in ("schema_version", b"v1"), ("calendar_name", b""):
        theirs = text(f.attrs.get(name, default))
        if texts[name] != theirs[: 15 if name == "schema_version" else 31]:
            raise Differs("%s: %s instead of %s" % (name, texts[name], theirs))


def countries(f):
    """Groups that make a bundle, as the file names them."""
    return [name for name in f if isinstance(f.get(name), h5py.Group) and "index" in f[name] and "data" in f[name]]


def compare(path):
    """In a child: @return EQUAL, DIFFERS or UNREADABLE, and prints why."""
    ours, texts = read_values(path + ".values")
    try:
        with h5py.File(path, "r") as f:
            found = countries(f)
            if len(found) != 1:
                raise Differs("countries: %s" % found)
            us = f[found[0]]
            check_texts(texts, f)
            check_small(ours, us)
            check_assets(ours, us)
            check_tables(ours, us)
            check_bars(ours, us, "data", None)
            check_minutes(ours, us)
    except Differs as e:
        print("%s: %s" % (path, e), flush=True)
        return DIFFERS
    except MemoryError:
        return UNREADABLE
    except Exception as e:
        print("unreadable: %s: %s: %s" % (os.path.basename(path), type(e).__name__, str(e)[:200]), flush=True)
        return UNREADABLE
    return EQUAL


def in_child(path):
    """@return "equal", "differs", "not read by h5py", "crashed h5py", "h5py timed out" """
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            resource.setrlimit(resource.RLIMIT_CPU, (LIMIT_S, LIMIT_S + 1))
            signal.alarm(6 * LIMIT_S)
            code = compare(path)
        finally:
            sys.stdout.flush()
            os._exit(code)
    status = os.waitpid(pid, 0)[1]
    if os.WIFSIGNALED(status):
        return "h5py timed out" if os.WTERMSIG(status) in (signal.SIGALRM, signal.SIGXCPU, signal.SIGKILL) else "crashed h5py"
    return {EQUAL: "equal", DIFFERS: "differs", UNREADABLE: "not read by h5py"}.get(os.WEXITSTATUS(status), "failed")


def batch(folder, own, number):
    """@return how many mutants came to what"""
    count = collections.Counter()
    os.mkdir(folder + "/files")
    done = subprocess.run([mutants, "--write", folder + "/files", "--accepted", "--values", str(number), str(BATCH), *own],
                          capture_output=True, text=True, errors="replace")
    if done.returncode != 0:
        raise SystemExit("mutants: %d: %s%s" % (done.returncode, done.stdout, done.stderr))
    for name in sorted(os.listdir(folder + "/files")):
        if name.startswith("m") and name.endswith(".h5"):
            outcome = in_child(folder + "/files/" + name)
            count[outcome] += 1
            if outcome in ("differs", "failed"):
                print("FAILED: %s, seed %d" % (name, number), flush=True)
                if os.environ.get("KEEP"):
                    shutil.copy(folder + "/files/" + name, os.environ["KEEP"] + "/%d-%s" % (number, name))
    shutil.rmtree(folder + "/files")
    return count


def main():
    count, number = collections.Counter(), seed
    with tempfile.TemporaryDirectory() as folder:
        own = originals.make(bundle, folder)
        while sum(count.values()) < wanted:
            count += batch(folder, own, number)
            number += 1
    print("seeds %d to %d: %d accepted mutants: %s" % (seed, number - 1, sum(count.values()),
                                                       ", ".join("%d %s" % (n, what) for what, n in sorted(count.items()))))
    return count["differs"] + count["failed"] > 0 or count["equal"] == 0


sys.exit(main())
