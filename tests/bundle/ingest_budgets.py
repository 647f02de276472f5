"""Inputs that unpack to more than anybody has memory for, or claim to: an ingest refuses each by name, in little memory.

ingest_budgets.py BUNDLE FOLDER SUPPORT: what is packed is some hundred times smaller than what it stands for.
"""

import bz2
import gzip
import lzma
import os
import shutil
import sqlite3
import subprocess
import sys

bundle, folder, support = sys.argv[1:]
os.chdir(folder)
MIB = 1 << 20
HEADER = b"date,open,high,low,close,volume\n"
failed = 0


def zstd(data):
    return subprocess.run(["zstd", "-1", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout


PACK = {"gz": lambda data: gzip.compress(data, 1), "bz2": bz2.compress, "xz": lambda data: lzma.compress(data, preset=0)}
if shutil.which("zstd"):
    PACK["zst"] = zstd


def put(path, *parts):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb") as file:
        file.writelines(parts)


def begin():
    shutil.rmtree("in", ignore_errors=True)
    put("in/daily/GOOD.csv", HEADER, b"2020-01-02,1,1,1,1,1\n")


def refused(expected, most, *words):
    """In a process of its own the largest memory of all children is that of the one."""
    global failed
    if os.path.exists("x.h5"):
        os.remove("x.h5")
    code = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, capture_output=True, text=True)\n"
        "print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)\n"
        "print(done.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, bundle, *words], capture_output=True, text=True)
    numbers, _, told = done.stdout.partition("\n")
    status, used = map(int, numbers.split())
    if status != 1 or expected not in told or used > most or os.path.exists("x.h5"):
        failed += 1
        print("FAILED: %s: ends with %d, %d MiB; '%s' is wanted, in %d MiB at most: %s" % (words, status, used, expected, most, told))


# one line of a GiB; a quote that is never closed; all four kinds of compression, and members one behind the other
for suffix, pack in PACK.items():
    for what, text, error in (("line", b"1" * (8 * MIB), ":2: a row of more than 65536 bytes"),
                              ("quote", b"a,\n" * (3 * MIB), ":2: a row of more than 65536 bytes: a quote is opened"),
                              ("commas", b"," * (8 * MIB), ":2: a row of more than 65536 bytes")):
        begin()
        path = "in/daily/A.csv." + suffix
        put(path, pack(HEADER + (b'"' if what == "quote" else b"")), *[pack(text)] * 128)
        refused(path + error, 400, "ingest", "csvdir", "in", "x.h5")
put("t.csv.gz", PACK["gz"](b"date,symbol,open,high,low,close,volume\n"), *[PACK["gz"](b"1" * (8 * MIB))] * 128)
refused("t.csv.gz:2: a row of more than 65536 bytes", 400, "ingest", "table", "t.csv.gz", "x.h5")

# headers
begin()
put("in/daily/A.csv", b"date" + b",x" * 1000000 + b"\n")
refused("in/daily/A.csv:1: a row of more than 65536 bytes", 400, "ingest", "csvdir", "in", "x.h5")
put("in/daily/A.csv", b"date" + b",x" * 1000 + b"\n")
refused("in/daily/A.csv:1: more than 128 columns", 400, "ingest", "csvdir", "in", "x.h5")

# rows that have to wait, because the newest come first
begin()
minutes = b"".join(b"%d,1,1,1,1,1\n" % (1577934000 - 60 * i) for i in range(4200000))
put("in/minute/A.csv.gz", PACK["gz"](HEADER + minutes))
del minutes
refused("in/minute/A.csv.gz:4194306: begins with its newest rows", 700, "ingest", "csvdir", "in", "x.h5")

# tables that are held in memory: rows, bytes, assets
begin()
put("in/symbols.csv", PACK["gz"](b"sid,symbol\n"), *[PACK["gz"](b"0,GOOD\n" * 500000)] * 10)
refused("in/symbols.csv:4194306: more than 4194304 rows", 1100, "ingest", "csvdir", "in", "x.h5")
begin()
put("in/assets.csv", PACK["gz"](b"sid,symbol,name\n"), *[PACK["gz"]((b"0,GOOD," + b"n" * 60000 + b"\n") * 1000)] * 10)
refused("in/assets.csv: more than 256 MiB of text", 1100, "ingest", "csvdir", "in", "x.h5")
rows = b"".join(b"2020-01-02,S%d,1,1,1,1,1\n" % i for i in range(1050000))
put("t.csv.gz", PACK["gz"](b"date,symbol,open,high,low,close,volume\n" + rows))
refused("t.csv.gz:1048578: more than 1048576 assets", 1400, "ingest", "table", "t.csv.gz", "x.h5")

# zipline's folders: what JSON lists, what a cell holds
sys.path.insert(0, support)
try:
    import zipline_folder as zf
except ImportError as error:
    print("no folder of zipline is tried:", error)
    sys.exit(failed > 0)
os.mkdir("z")
days = zf.weekdays("2020-01-02", 5)
zf.write_assets("z", [(1, "A", "", days[0], days[-1], None, None, "NYSE")])
zf.write_adjustments("z", {})
zf.write_daily("z", {1: (0, {field: [1, 2, 3, 4, 5] for field in zf.FIELDS})}, days)
attrs = "z/daily_equities.bcolz/__attrs__"
with open(attrs, "rb") as file:
    good = file.read()
put(attrs, b'{"first_row": [', b"0," * 5000000, b"0]}")
refused(attrs + ": more than 4194304 values", 400, "import", "zipline", "z", "x.h5")
put(attrs, b'{"first_row": "', b"0" * (65 * MIB), b'"}')
refused(attrs + ": has ", 400, "import", "zipline", "z", "x.h5")
put(attrs, b"[" * 1000000)
refused(attrs + ":1: not JSON", 400, "import", "zipline", "z", "x.h5")
put(attrs, good)
known = [name for name in os.listdir("z") if name.startswith("assets-") and name.endswith(".sqlite")][0]
with sqlite3.connect("z/" + known) as db:
    db.execute("update equities set asset_name = ?", ("n" * (200 * MIB),))
db.close()
refused("z/" + known, 400, "import", "zipline", "z", "x.h5")
sys.exit(failed > 0)
