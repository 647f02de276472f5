"""The checksum that a file states of itself: what `bundle verify` says when the file is not as it was written any more.

verify_checksum.py BUNDLE FOLDER: makes bundles there, in each way that there is, changes one thing in a copy, and looks for
the finding.
"""

import json
import os
import shutil
import subprocess
import sys

import h5py
import numpy as np

bundle, folder = sys.argv[1:]
failed = 0


def run(*words):
    done = subprocess.run([bundle, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit("FAILED: bundle %s: %s" % (" ".join(words), done.stderr))
    return done.stdout


def found(path):
    return json.loads(run("verify", path, "--json"))["counts"].get("checksum", 0)


def check(what, expected, base, change=lambda f, us: None):
    global failed
    path = folder + "/changed.h5"
    shutil.copy(base, path)
    with h5py.File(path, "r+") as f:
        change(f, f["US"])
    if found(path) != expected:
        failed += 1
        print("FAILED: %s: %d findings instead of %d" % (what, found(path), expected))


def put(path, at, value):
    def change(f, us):
        data = us[path][...]
        data[at] = value
        us[path][...] = data

    return change


def drop(*paths):
    return lambda f, us: [us.__delitem__(path) for path in paths]


def make(path):
    os.makedirs(path + "/daily")
    for name, price in ("A", 0.0123), ("B", 612345.67):  # one factor cannot do for both
        with open("%s/daily/%s.csv" % (path, name), "w") as f:
            f.write("date,open,high,low,close,volume,split,dividend\n")
            for i in range(9 if name == "A" else 8):
                p = price * (1 + i / 100)
                f.write("2020-01-%02d,%.6g,%.6g,%.6g,%.6g,100,%d,%d\n" % (6 + i, p, p, p, p, 2 if i == 4 else 1, 0))


make(folder + "/in")
csv, demo, copy, export = (folder + "/" + name for name in ("csv.h5", "demo.h5", "copy.h5", "out/export.h5"))
run("ingest", "csvdir", folder + "/in", csv, "--calendar", "24/7", "--currency", "EUR")
run("demo", demo, "--assets", "7", "--days", "300", "--minute-days", "2", "--filter", "none")
run("import", "hdf5", demo, copy)
os.mkdir(folder + "/out")
run("export", "zipline-hdf5", csv, export)

# nothing is changed: each way of making a file; what is no part of its content; a copy by another writer; one without
for path in csv, demo, copy, export:
    check("as %s was made" % path, 0, path)
check("another origin", 0, csv, lambda f, us: f.attrs.__setitem__("source_time", np.int64(7)))
check("another name", 0, csv, lambda f, us: f.attrs.__setitem__("bundle_name", np.bytes_(b"other")))


def store_otherwise(f, us):
    data, kept = us["data/close"][...], dict(us["data/close"].attrs)
    del us["data/close"]
    us.create_dataset("data/close", data=data, chunks=(1, 5), compression="lzf").attrs.update(kept)


check("other chunks", 0, csv, store_otherwise)


def unstated(f, us):
    del us.attrs["checksum"], f.attrs["checksums"]


def both(*changes):
    return lambda f, us: [change(f, us) for change in changes]


check("a file that states none", 0, csv, both(unstated, put("data/close", (0, 0), 7)))

# values
for name in "open", "high", "low", "close", "volume":
    check("a value of " + name, 1, csv, put("data/" + name, (0, 0), 7))
    check("a minute's " + name, 1, demo, put("minute/data/" + name, 5, 7))
check("a minute", 1, demo, lambda f, us: put("minute/dt", 5, us["minute/dt"][5] + 1)(f, us))
check("a factor of all", 1, demo, lambda f, us: us["data/close"].attrs.__setitem__("scaling_factor", np.int64(10000)))
check("a factor of one", 1, csv, put("data/scaling_factor", 0, 1234))
check("factors that are gone", 1, csv, drop("data/scaling_factor"))
check("a session", 1, csv, lambda f, us: put("index/day", 8, us["index/day"][8] + 10 * 86400 * 10**9)(f, us))
check("a sid", 1, csv, both(put("index/sid", 1, 77), put("assets/sid", 1, 77)))
check("a lifetime", 1, csv, put("lifetimes/end_date", 0, 5))
check("a currency", 1, csv, put("currency/code", 0, b"GBP"))
check("a symbol", 1, csv, put("assets/symbol", 0, b"Z"))
check("an asset's date", 1, csv, lambda f, us: put("assets/end_date", 0, us["assets/end_date"][0] + 1)(f, us))
check("a mapping", 1, csv, lambda f, us: us["assets/symbol_mappings"].__setitem__(0, (1, b"Z", 0, 1)))


def other_ratio(f, us):
    data = us["adjustments/splits"][...]
    data["ratio"][0] = 0.25
    us["adjustments/splits"][...] = data


check("a ratio", 1, csv, other_ratio)
check("a market's hours", 1, demo, lambda f, us: put("calendar/market_open", 1, us["calendar/market_open"][1] + 1)(f, us))
check("the calendar's name", 1, csv, lambda f, us: f.attrs.__setitem__("calendar_name", np.bytes_(b"XLON")))
check("the schema", 1, csv, lambda f, us: f.attrs.__setitem__("schema_version", np.bytes_(b"v2")))

# what is optional is not found under its name any more
for path in ("adjustments", "adjustments/splits", "assets", "assets/symbol_mappings", "lifetimes", "currency"):
    check(path + " is gone", 1, csv, drop(path))
for path in "calendar", "minute":
    check(path + " is gone", 1, demo, drop(path))

# the checksum itself
check("another checksum", 1, csv, lambda f, us: us.attrs.__setitem__("checksum", np.bytes_(b"0" * 64)))
check("a longer one", 1, csv, lambda f, us: us.attrs.__setitem__("checksum", np.bytes_(us.attrs["checksum"] + b"0")))
check("a shorter one", 1, csv, lambda f, us: us.attrs.__setitem__("checksum", np.bytes_(us.attrs["checksum"][:9])))
check("one that is no text", 1, csv, lambda f, us: us.attrs.__setitem__("checksum", 7))
check("a lost one", 1, csv, lambda f, us: us.attrs.__delitem__("checksum"))
check("one that nobody promised", 0, csv, lambda f, us: f.attrs.__delitem__("checksums"))
check("that, and a value", 1, csv, both(lambda f, us: f.attrs.__delitem__("checksums"), put("data/close", (0, 0), 7)))

# a finding is told first, and is one of those for which --strict fails
shutil.copy(csv, folder + "/changed.h5")
with h5py.File(folder + "/changed.h5", "r+") as f:
    put("data/close", (0, 0), 7)(f, f["US"])
done = subprocess.run([bundle, "verify", folder + "/changed.h5", "--strict", "--weight", "5"], capture_output=True, text=True)
if done.returncode != 1 or not done.stdout.startswith("heavy: the file is not as it was written: its checksum is "):
    failed += 1
    print("FAILED: told as", done.returncode, done.stdout, done.stderr)
sys.exit(failed > 0)
