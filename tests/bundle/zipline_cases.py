"""Folders of zipline that are imported: good ones, of which every value is compared, and bad ones, which are refused.

usage: zipline_cases.py BUNDLE DATA, in an empty folder
"""

import json
import os
import shutil
import sqlite3
import struct
import subprocess
import sys

import blosc
import h5py
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import zipline_folder as zf  # noqa: E402

PROGRAM, DATA = sys.argv[1:3]
SESSIONS = zf.weekdays("2019-01-02", 60, but=["2019-01-21", "2019-02-18"])
# 9:31 in New York, where clocks went forward on 10 March
MINUTES = [day + (871 if day < zf.day_ns("2019-03-10") else 811) * 60 * 10 ** 9 for day in SESSIONS]
SATURDAY = zf.day_ns("2019-02-02")
SIDS = {1: (0, 60), 7: (10, 30), 1234567: (25, 35)}
DAILY, MINUTE = "daily_equities.bcolz", "minute_equities.bcolz"
failures = 0


def fail(*what):
    global failures
    failures += 1
    print("FAILED:", *what)


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True)


# Making folders -----------------------------------------------------------------------------------

def bars(n, seed):
    """Prices and volumes as they are stored, with holes and blank rows, and with the largest values there are."""
    random = np.random.default_rng(seed)
    values = {field: random.integers(1, 2 ** 32, n, dtype=np.uint32) >> random.integers(0, 20) for field in zf.FIELDS}
    for field in zf.FIELDS:
        values[field][random.integers(0, n, n // 5)] = 0
    blank = random.integers(1, n - 1, n // 6)
    for field in zf.FIELDS:
        values[field][blank] = 0
    for row in (0, n - 1):
        for field in zf.FIELDS:
            values[field][row] = 2 ** 32 - 1 if field == "close" else 1
    return values


def daily(sids=None):
    return {sid: (first, bars(n, sid)) for sid, (first, n) in (sids or SIDS).items()}


def equities():
    result = []
    for sid, (first, n) in SIDS.items():
        end = SESSIONS[first + n - 1]
        result.append((sid, "S%d" % sid, "Name of %d" % sid, SESSIONS[first], end, None if sid == 7 else SESSIONS[first],
                       zf.NAT if sid == 1 else end + 86400 * 10 ** 9, "NYSE"))
    return result


def hours():
    """Half the day of the 30th session, closed three hours early."""
    return [(m // (60 * 10 ** 9), m // (60 * 10 ** 9) + (209 if k == 30 else 389)) for k, m in enumerate(MINUTES)]


def minutes(sids=(1, 1234567), per_day=390, last=None):
    result = {}
    for sid in sids:
        first, n = SIDS[sid]
        rows = (first + n) * per_day - 100
        values = {field: np.zeros(rows, np.uint32) for field in zf.FIELDS}
        some = bars(rows - first * per_day, sid + 1)
        for field in zf.FIELDS:
            values[field][first * per_day:] = some[field]
            values[field][30 * per_day + 210:31 * per_day] = 0 # after the early close
        result[sid] = values
    return result


def seconds(day):
    return SESSIONS[day] // 10 ** 9


def adjustments():
    ratio = [{"sid": 1, "effective_date": seconds(5), "ratio": 0.5}, {"sid": 7, "effective_date": seconds(12), "ratio": 1 / 3}]
    pay = {"ex_date": seconds(7), "record_date": zf.NAT, "declared_date": None, "pay_date": seconds(20)}
    return {"splits": ratio, "mergers": ratio[:1], "dividends": ratio[1:],
            "dividend_payouts": [dict(pay, sid=1, amount=0.25), dict(pay, sid=7, amount=1, pay_date=float(zf.NAT)),
                                 dict(pay, sid=1, amount=0.1, ex_date=float(seconds(9)), pay_date=-9223372037)],
            "stock_dividend_payouts": [dict(pay, sid=7, payment_sid=1, ratio=0.05)]}


def make(folder, version=7, minute=None, assets=None, attributes=None, events=None, **how):
    if os.path.isdir(folder):
        shutil.rmtree(folder)
    os.makedirs(folder)
    zf.write_assets(folder, equities(), version=version, **(assets or {}))
    zf.write_adjustments(folder, adjustments() if events is None else events)
    zf.write_daily(folder, daily(), SESSIONS, attributes, **how)
    if minute is not None:
        zf.write_minute(folder, minutes(), SESSIONS, **minute)


# Checking -----------------------------------------------------------------------------------------

def good(what, folder, *options, tells=(), inner=None):
    got = run("import", "zipline", folder, "x", *options)
    if got.returncode != 0:
        return fail(what, got.stderr)
    for text in tells:
        if text not in got.stderr:
            fail(what, "does not tell '%s' but:" % text, got.stderr)
    values = subprocess.run([sys.executable, os.path.join(HERE, "zipline_values.py"), inner or folder, "bundles/x.h5",
                             "sessions.json"], capture_output=True, text=True)
    print("%s: %s" % (what, values.stdout.strip()))
    if values.returncode != 0:
        fail(what, values.stderr)
    return got


def bad(what, text, folder="z", *options, codes=(1, 2)):
    if os.path.exists("bundles/x.h5"):
        os.remove("bundles/x.h5")
    got = run("import", "zipline", folder, "x", *options)
    if got.returncode not in codes or text not in got.stderr:
        fail(what, "ends with %d, without '%s' but:" % (got.returncode, text), got.stderr)
    if os.listdir("bundles"):
        fail(what, "leaves", os.listdir("bundles"))
        shutil.rmtree("bundles")
        os.mkdir("bundles")


def change_json(path, **changes):
    with open(path) as file:
        data = json.load(file)
    for key, value in changes.items():
        if value is None:
            data.pop(key)
        else:
            data[key] = value
    with open(path, "w") as file:
        json.dump(data, file)


def sql(path, *statements):
    with sqlite3.connect(path) as database:
        for statement in statements:
            database.execute(statement)
    database.close()


def content(name="x"):
    return json.loads(run("version", name, "--json").stdout)["content_hash"]


# Good folders -------------------------------------------------------------------------------------

def versions():
    seen = set()
    for version in range(5, 11):
        make("z", version)
        good("version %d" % version, "z")
        seen.add(content())
    assert len(seen) == 2, "versions differ" # of an exchange, 5 and 6 have another name
    make("z", 7)
    zf.write_assets("z", equities()[:1], version=5)
    os.rename("z/assets-5.sqlite", "y.sqlite")
    good("the newest version wins", "z")
    os.rename("z/assets-7.sqlite", "z/assets-11.sqlite")
    bad("a version of the future", "assets-11.sqlite: versions 5 to 10 are read")
    os.rename("z/assets-11.sqlite", "z/assets-9.sqlite")
    bad("a name that lies", "assets-9.sqlite: is version 7")
    make("z", 5)
    sql("z/assets-5.sqlite", "drop table equity_symbol_mappings", "alter table equities add column symbol text",
        "update equities set symbol = 'S' || sid")
    if run("import", "zipline", "z", "x").returncode != 0:
        fail("symbols in the table of equities")


def blocks():
    seen = set()
    for codec in blosc.compressor_list():
        for shuffle in (blosc.NOSHUFFLE, blosc.SHUFFLE, blosc.BITSHUFFLE):
            make("z", codec=codec, shuffle=shuffle)
            good("%s, shuffle %d" % (codec, shuffle), "z")
            seen.add(content())
    for chunklen in (1, 7, 125, 32768):
        make("z", chunklen=chunklen)
        good("blocks of %d rows" % chunklen, "z", "--threads", "3")
        seen.add(content())
    make("z", level=0)
    good("not compressed", "z", "--threads", "1")
    seen.add(content())
    for dtype in ("<u4", "int64", "uint64"):
        make("z", dtype=dtype)
        good(dtype, "z")
        seen.add(content())
    if len(seen) != 1:
        fail("blocks: how they are stored changes what is read")


def texts():
    names = [(e[0], "Zürich" if e[0] == 7 else e[1], "株式会社" if e[0] == 1 else None, *e[3:]) for e in equities()]
    for encoding in ("UTF-16le", "UTF-16be", "UTF-8"):
        make("z")
        os.remove("z/assets-7.sqlite")
        zf.write_assets("z", names, encoding=encoding)
        good("names in " + encoding, "z")


def symbols():
    make("z", assets={"mappings": [(1, "OLD", SESSIONS[0], SESSIONS[9]), (1, "NEW", SESSIONS[10], SESSIONS[59]),
                                   (7, "OLD", SESSIONS[10], SESSIONS[39]), (1234567, "X.A", SESSIONS[25], SESSIONS[59])],
                      "futures": [(100, "ESZ19"), (101, "CLF20")]})
    good("histories of symbols", "z", tells=["2 futures (ESZ19, CLF20) are skipped"])
    got = run("import", "zipline", "z", "x", "--symbols", "NEW, X.A")
    if got.returncode != 0 or ": 2 assets" not in got.stdout or "sid " in got.stderr:
        fail("--symbols", got.stdout, got.stderr)
    bad("--symbols that is nobody's", "has no symbol 'NOBODY', 'new'", "z", "--symbols", "NEW, NOBODY,new",
        codes=(2,))
    make("z", assets={"mappings": [(1, "A", SESSIONS[0], SESSIONS[59]), (7, "A", SESSIONS[10], SESSIONS[39])]})
    bad("two owners", "symbol A belongs to sid 1 and to sid 7 on 2019-01-16")
    make("z", assets={"mappings": [(1, "A", SESSIONS[0], SESSIONS[59])]})
    got = run("import", "zipline", "z", "x")
    if got.returncode != 0 or "sid 7 has no symbol" not in got.stderr:
        fail("no symbol", got.stderr)


def left_out():
    """What --splits ignore and --dividends ignore leave of the adjustments."""
    make("z")
    for what, kinds in (("--splits", {"merger", "dividend_ratio", "dividend", "stock_dividend"}),
                        ("--dividends", {"split", "merger", "stock_dividend"})):
        got = run("import", "zipline", "z", "x", what, "ignore")
        if got.returncode != 0 or "is left out, as %s ignore says" % what not in got.stderr:
            fail(what, got.stderr)
        shutil.rmtree("left_out", ignore_errors=True)
        run("export", "csvdir", "x", "left_out")
        with open("left_out/adjustments.csv") as file:
            found = {line.split(",")[0] for line in list(file)[1:]}
        if found != kinds:
            fail(what, "leaves", str(found))


def folders():
    for name in ("2019-04-01T00;00;00", "2019-04-02T00;00;00.5", "2019-03-31T23;59;59.999999"):
        make(os.path.join("all", name))
    os.makedirs("all/2019-05-01T00;00;00")
    os.makedirs("all/zzz")
    good("the newest ingestion", "all", inner="all/2019-04-02T00;00;00.5",
         tells=["the newest of 3 ingestions is taken: 2019-04-02T00;00;00.5", "2019-05-01T00;00;00 is empty, and passed over"])
    make("z")
    os.remove("z/adjustments.sqlite")
    good("without adjustments", "z", tells=["has no adjustments.sqlite"])
    make("z", events={"splits": adjustments()["splits"]})
    good("some tables only", "z", tells=["has no table mergers"])
    left_out()
    make("z")
    sql("z/assets-7.sqlite", "insert into equities values (9, '', %d, %d, null, null, 'NYSE')" % (SESSIONS[0], SESSIONS[9]),
        "insert into equity_symbol_mappings values (9, 9, 'EMPTY', '', '', %d, %d)" % (SESSIONS[0], SESSIONS[9]))
    good("an asset without bars", "z")
    os.makedirs("parquet/daily_bars/year=2024/month=01")
    open("parquet/daily_bars/year=2024/month=01/data.parquet", "w").close()
    bad("rustybt's tables", "holds Parquet tables of rustybt", "parquet")
    os.mkdir("nothing")
    bad("an empty folder", "neither an ingestion of zipline", "nothing")
    bad("no folder", "nowhere: cannot be opened", "nowhere")
    bad("a file", "not a folder", "sessions.json")


# Sessions -----------------------------------------------------------------------------------------

def write_days(path, days):
    with open(path, "w") as file:
        file.write("".join(str(np.datetime64(day, "ns"))[:10] + "\n" for day in days))


def sessions():
    make("z")
    good("sessions of the bars", "z")
    whole = content()
    write_days("days.txt", SESSIONS)
    good("sessions of a file", "z", "--sessions", "days.txt")
    make("z", attributes={"calendar": SESSIONS, "calendar_name": None, "start_session_ns": None, "end_session_ns": None})
    good("sessions of an old table", "z")
    make("z")
    for k, what in ((3, "no session, but"), (30, "no session, but"), (59, "no session, but")):
        write_days("days.txt", SESSIONS[:k] + SESSIONS[k + 1:])
        bad("a file without session %d" % k, "is " + what, "z", "--sessions", "days.txt")
    write_days("days.txt", sorted(SESSIONS + [SATURDAY]))
    bad("a file with one too many", "2019-02-02 is", "z", "--sessions", "days.txt")
    write_days("days.txt", SESSIONS[:12])
    bad("a file that ends early", "is no session, but", "z", "--sessions", "days.txt")
    for text, what in (("2019-01-02\n2019-01-02\n", "days.txt:2: 2019-01-02 is not later"), ("x\n", "days.txt:1: 'x' is no day"),
                       ("2019-02-30\n", "is no day"), ("\n\n", "there is no day in it")):
        with open("days.txt", "w") as file:
            file.write(text)
        bad("sessions " + repr(text), what, "z", "--sessions", "days.txt")
    bad("sessions in a folder", "not a regular file", "z", "--sessions", "z")
    make("z", attributes={"calendar_offset": {"1": 0, "7": 11, "1234567": 25}})
    bad("an offset that does not fit", "there are 11 sessions by calendar_offset and 10 by")
    # a session in which nobody lives cannot be told from the bars
    make("z")
    shutil.rmtree("z/" + DAILY)
    zf.write_daily("z", daily({1: (0, 20), 7: (25, 15)}), SESSIONS)
    bad("a hole", "there are 25 sessions by calendar_offset and 20 by")
    write_days("days.txt", SESSIONS)
    good("a hole, and a file", "z", "--sessions", "days.txt")
    # zipline places by position, whatever the day says
    make("z")
    shutil.rmtree("z/" + DAILY)
    moved = daily()
    moved[7][1]["day"] = [day // 10 ** 9 for day in sorted(SESSIONS[10:39] + [SATURDAY])]
    zf.write_daily("z", moved, SESSIONS)
    good("bars of other days", "z", tells=["sid 7: ", "daily bars have another day than that of their place, from "])
    make("z")
    sql("z/assets-7.sqlite", "update equities set start_date = %d, end_date = %d where sid = 1" % (SESSIONS[3], SESSIONS[50]))
    good("bars outside an asset's life", "z", tells=["before its start_date 2019-01-07 are left out",
                                                    "after its end_date 2019-03-15 are left out"])
    if content() == whole:
        fail("bars outside an asset's life are kept")


# Minutes ------------------------------------------------------------------------------------------

def minute_bars():
    seen = set()
    for version in range(4):
        make("z", minute={"version": version, "hours": hours()})
        good("minutes, version %d" % version, "z")
        seen.add(content())
    if len(seen) != 1:
        fail("minutes: versions differ")
    make("z", minute={"hours": hours(), "ratio": 100, "ratios": {1: 10000, 1234567: 25}})
    good("a ratio for each sid", "z")
    make("z", minute={"hours": hours(), "chunklen": 1000, "dtype": "int64", "codec": "zstd"})
    good("minutes in other blocks", "z", "--threads", "1")
    make("z", minute={"hours": hours()})
    path = "z/%s/00/00/000001.bcolz" % MINUTE
    for field in zf.FIELDS:
        values = zf.read_column(os.path.join(path, field))
        values[30 * 390 + 209:30 * 390 + 220] = 5
        shutil.rmtree(os.path.join(path, field))
        zf.write_column(os.path.join(path, field), values)
    got = run("import", "zipline", "z", "x")
    if got.returncode != 0 or "10 minute bars after the close are left out, the first: 2019-02-14 18:01" not in got.stderr:
        fail("minutes after an early close", got.stderr)
    shutil.rmtree("z/" + DAILY)
    got = run("import", "zipline", "z", "x")
    if got.returncode != 0 or "no daily bars" not in got.stderr:
        fail("minutes without daily bars", got.stderr)


def stated_hours():
    """Hours that the calendar's name alone tells are stated only for days on which it has no others."""
    for calendar, minute, open_at, unknown in (
            ("XNYS", None, None, []), ("XNYS", {"hours": hours()}, None, []), ("XNYS", {}, None, []),
            ("XLON", None, 8 * 60, SESSIONS[:2]), # 2 and 3 January may be holidays
            ("XTKS", None, 9 * 60, SESSIONS), # other hours since then
            ("XFRA", None, 7 * 60, SESSIONS), ("BVMF", None, 12 * 60, SESSIONS)): # nobody knows since when
        make("z", attributes={"calendar_name": calendar}, minute=minute)
        tells = ["z: the hours of %d sessions are not stated, the first one is 2019-01-02" % len(unknown)] if unknown else []
        got = good("hours of " + calendar, "z", tells=tells)
        if got and not unknown and "are not stated" in got.stderr:
            fail("hours of " + calendar, got.stderr)
        with h5py.File("bundles/x.h5") as file:
            group = file[list(file)[0]]["calendar"]
            session, opens, closes = (group[name][()] for name in ("session", "market_open", "market_close"))
        missing = [int(day) for day, a, b in zip(session, opens, closes) if a == zf.NAT and b == zf.NAT]
        if list(session) != SESSIONS or missing != unknown or any((a == zf.NAT) != (b == zf.NAT) for a, b in zip(opens, closes)):
            fail("hours of " + calendar, "%d sessions without hours" % len(missing))
        begin = [m - 60 * 10 ** 9 for m in MINUTES] if open_at is None else [d + open_at * 60 * 10 ** 9 for d in SESSIONS]
        if any(a not in (zf.NAT, b) for a, b in zip(opens, begin)):
            fail("hours of " + calendar, opens[:3])


def minutes_by_calendar():
    """As zipline-reloaded writes them: the file names its calendar and nothing more."""
    seen = set()
    for calendar in ("XNYS", "NYSE", "XNAS"):
        make("z", minute={"calendar": calendar})
        good("minutes of %s" % calendar, "z", tells=["early closes are not known"])
        seen.add(content())
    make("z", minute={"calendar": "XFOO"})
    change_json("z/%s/__attrs__" % DAILY, calendar_name="XFOO")
    bad("a calendar that is not known", "when the sessions of calendar 'XFOO' open is not known")
    good("a calendar that is given", "z", "--calendar", "XNYS")
    seen.add(content())
    write_days("days.txt", SESSIONS)
    make("z", minute={})
    good("minutes, and a file of sessions", "z", "--sessions", "days.txt")
    seen.add(content())
    if len(seen) != 1:
        fail("minutes by calendar differ")
    make("z", minute={"hours": hours()})
    good("minutes with hours", "z")
    # the daily bars begin later than the calendar of both
    later = {7: (10, 30), 1234567: (25, 35)}
    for value, text in ((0, None), (5, "row 1000 is of session 2, of which")):
        make("z")
        shutil.rmtree("z/" + DAILY)
        zf.write_daily("z", daily(later), SESSIONS)
        early = minutes((7, 1234567))
        early[7]["close"][1000] = value
        zf.write_minute("z", early, SESSIONS)
        if text:
            bad("minutes before the first known session", text)
            good("and the sessions from a file", "z", "--sessions", "days.txt", tells=["before the asset's start_date"])
        else:
            good("minutes that begin with zeros", "z")
    # one day less in the daily file than the minutes count on
    make("z", minute={"attributes": {"end_session": "2019-06-28"}})
    good("minutes that may go on longer than daily bars", "z")
    for changes, text in (({"end_session": "2019-02-02"}, "the last session, 2019-02-02, is none by"),
                          ({"start_session": "2019-01-01"}, "the first session, 2019-01-01, is none by"),
                          ({"start_session": "2019-01-21"}, "the first session, 2019-01-21, is none by"),
                          ({"end_session": "2019-01-02"}, "behind the last of 1 sessions"),
                          ({"start_session": "2019-01-03"}, "behind the last of 59 sessions"),
                          ({"start_session": "2019-03-01", "end_session": "2019-02-01"}, "lies before the first"),
                          ({"minutes_per_day": 1440}, "'minutes_per_day' is 1440, a session of calendar XNYS has 390")):
        make("z", minute={})
        change_json("z/%s/metadata.json" % MINUTE, **changes)
        bad("minutes by calendar: %s" % changes, text)
    make("z", minute={})
    shutil.rmtree("z/" + DAILY)
    bad("minutes without anything that tells sessions", "is none by")
    if run("import", "zipline", "z", "x", "--sessions", "days.txt").returncode != 0:
        fail("minutes and a file of sessions only")


def minute_defects():
    def make_good(**changes):
        make("z", minute={"hours": hours()})
        if changes:
            change_json("z/%s/metadata.json" % MINUTE, **changes)

    for changes, text in (({"version": 4}, "version 4"), ({"version": "3"}, "'version' is a text"),
                          ({"minutes_per_day": 0}, "'minutes_per_day' is 0"), ({"minutes_per_day": 10 ** 12}, "minutes_per_day"),
                          ({"ohlc_ratio": 0}, "'ohlc_ratio' has a ratio"), ({"ohlc_ratio": None}, "'ohlc_ratio' has a ratio"),
                          ({"ohlc_ratios_per_sid": {"1": -5}}, "'1' has a ratio"), ({"start_session": "x"}, "not a day"),
                          ({"market_opens": [1, 2]}, "2 market_opens and 60 market_closes"),
                          ({"market_closes": None}, "has no 'market_closes'"),
                          ({"market_closes": [b for _, b in hours()][::-1]}, "not in order"),
                          ({"start_session": "2019-01-03"}, "not with the first session"),
                          ({"end_session": "2019-01-03"}, "not with the last session")):
        make_good(**changes)
        bad("metadata %s" % changes, text)
    # one session that is missing shifts all minutes behind it
    short = [pair for k, pair in enumerate(hours()) if k != 20]
    make_good(market_opens=[a for a, _ in short], market_closes=[b for _, b in short])
    bad("hours without a session", "sessions by")
    write_days("days.txt", SESSIONS)
    bad("hours without a session, and a file", "2019-01-31 is a session of days.txt only", "z", "--sessions", "days.txt")
    make("z", minute={"hours": hours()})
    shutil.rmtree("z/" + MINUTE)
    zf.write_minute("z", minutes(), SESSIONS[:50], hours=hours()[:50])
    bad("more rows than sessions", "lies behind the last of 50 sessions with 390 minutes each")
    make_good()
    os.remove("z/%s/metadata.json" % MINUTE)
    bad("no metadata", "has no metadata.json")
    make_good()
    shutil.rmtree("z/%s/00/00/000001.bcolz/high" % MINUTE)
    bad("a column is missing", "000001.bcolz/high: is missing")
    got = run("import", "zipline", "z", "x", "--keep-going")
    if got.returncode != 1 or not os.path.exists("bundles/x.h5") or "minute bars" not in got.stdout:
        fail("--keep-going", got.returncode, got.stdout, got.stderr)
    make_good()
    shutil.rmtree("z/%s/00/00/000001.bcolz/high" % MINUTE)
    zf.write_column("z/%s/00/00/000001.bcolz/high" % MINUTE, [1, 2, 3])
    bad("columns of other lengths", "high: has 3 rows")
    make_good()
    os.makedirs("z/%s/00/00/000009.bcolz" % MINUTE)
    os.makedirs("z/%s/00/00/000700.bcolz" % MINUTE)
    good("tables that are nobody's", "z", tells=["000009.bcolz: its sid is no equity", "000700.bcolz: is no table that zipline"])


# Damage -------------------------------------------------------------------------------------------

def damaged_blocks():
    path = "z/%s/close/data/__0.blp" % DAILY
    make("z", chunklen=64)
    with open(path, "rb") as file:
        whole = file.read()

    def with_bytes(what, raw, text):
        with open(path, "wb") as file:
            file.write(raw)
        bad(what, text)

    with_bytes("no bytes", b"", "__0.blp: cut off")
    with_bytes("half a block", whole[:len(whole) // 2], "the block is damaged or cut off")
    with_bytes("another magic", b"BLPK" + whole[4:], "does not begin with 'blpk'")
    with_bytes("two blocks", whole[:8] + struct.pack("<q", 2) + whole[16:], "holds more or less than one")
    with_bytes("a block of 4 GB", whole[:20] + struct.pack("<I", 2 ** 32 - 1) + whole[24:], "__0.blp: the block")
    with_bytes("a block of 1 GB", whole[:20] + struct.pack("<I", 2 ** 30) + whole[24:], "__0.blp: the block")
    with_bytes("bytes behind it", whole + bytes(8), "the block is damaged or cut off")
    with_bytes("a long file", whole + bytes(10 ** 6), "at most are expected")
    random = np.random.default_rng(5)
    for k in range(60): # whatever is changed in it: an error, or a value that nobody can know to be wrong; never a crash
        raw = bytearray(whole)
        for at in random.integers(16, len(raw), 1 + k % 5):
            raw[at] = random.integers(0, 256)
        with open(path, "wb") as file:
            file.write(raw)
        got = run("import", "zipline", "z", "x")
        if got.returncode not in (0, 1) or (got.returncode == 1 and "close/data/__0.blp" not in got.stderr):
            fail("changed bytes", k, got.returncode, got.stderr)
    if os.path.exists("bundles/x.h5"):
        os.remove("bundles/x.h5")
    os.remove(path)
    bad("no block", "__0.blp: is missing")


def lies():
    column = "z/%s/close/meta/" % DAILY
    for file, changes, text in (
            ("sizes", {"shape": [10 ** 15]}, "not that of a column"), ("sizes", {"shape": [10 ** 14]}, ".blp: is missing"),
            ("sizes", {"shape": [-1]}, "'shape'"), ("sizes", {"shape": [5, 5]}, "'shape'"), ("sizes", {"shape": 5}, "'shape'"),
            ("sizes", {"shape": [124]}, "close: has 124 rows"), ("sizes", {"shape": [126]}, "close: has 126 rows"),
            ("sizes", {"shape": [1.5]}, "not a whole number"), ("sizes", {"shape": None}, "has no 'shape'"),
            ("storage", {"chunklen": 0}, "'chunklen' is 0"), ("storage", {"chunklen": 2 ** 40}, "'chunklen' is"),
            ("storage", {"chunklen": 128}, "the block holds 256 bytes, 500 are expected"),
            ("storage", {"dtype": "float64"}, "'dtype' is 'float64'"), ("storage", {"dtype": "int64"}, "bytes"),
            ("storage", {"dtype": 5}, "'dtype' is a whole number")):
        make("z", chunklen=64)
        change_json(column + file, **changes)
        bad("%s %s" % (file, changes), text)
    for text, what in (("", "not JSON"), ("{", "not JSON"), ("[1]", "not a JSON object"), ('{"shape": [1], "shape": [2]}', "not JSON"),
                       ("[" * 10 ** 5, "not JSON"), ('{"shape": [99999999999999999999]}', "not JSON")):
        make("z")
        with open(column + "sizes", "w") as file:
            file.write(text)
        bad("sizes " + text[:30], what)
    offsets = {str(sid): first for sid, (first, _) in SIDS.items()}
    for attributes, text in (
            ({"first_row": {"1": 0, "7": 59, "1234567": 90}}, "row 59 belongs to sid 1 and to sid 7"),
            ({"first_row": {"1": 0, "x": 60, "1234567": 90}}, "'x' in 'first_row' is no sid"),
            ({"last_row": {"1": 59, "7": 89, "1234567": 125}}, "rows 90 to 125, the columns have 125 rows"),
            ({"last_row": {"1": 59, "7": 10, "1234567": 124}}, "sid 7 has rows 60 to 10"),
            ({"last_row": {"1": 59, "1234567": 124}}, "'last_row' has no whole number for sid 7"),
            ({"calendar_offset": dict(offsets, **{"7": -1})}, "'calendar_offset' of sid 7 is -1"),
            ({"calendar_offset": dict(offsets, **{"7": "1"})}, "no whole number for sid 7"),
            ({"calendar_offset": dict(offsets, **{"7": 2 ** 40})}, "'calendar_offset' of sid 7"),
            ({"first_row": [1]}, "'first_row' is a list"), ({"first_row": None}, "has no 'first_row'"),
            ({"calendar": [5]}, "no midnight"), ({"calendar": SESSIONS[:30]}, "session")):
        make("z", attributes=attributes)
        bad("attributes %s" % list(attributes.items())[0][0], text)
    for day, text in ((SESSIONS[12] // 10 ** 9, "is there twice"), (SESSIONS[2] // 10 ** 9, "is before that of the row before"),
                      (SESSIONS[13] // 10 ** 9 + 1, "is no midnight")):
        make("z")
        shutil.rmtree("z/" + DAILY)
        moved = daily()
        moved[7][1]["day"] = [d // 10 ** 9 for d in SESSIONS[10:40]]
        moved[7][1]["day"][3] = day
        zf.write_daily("z", moved, SESSIONS)
        bad("day %d" % day, "day: row 63, sid 7: " + text)
    make("z")
    shutil.rmtree("z/%s/id" % DAILY)
    zf.write_column("z/%s/id" % DAILY, [1] * 61 + [7] * 29 + [1234567] * 35)
    bad("rows of another", "id: row 60, sid 7: is not the sid that __attrs__ tells")
    make("z")
    shutil.rmtree("z/%s/close" % DAILY)
    zf.write_column("z/%s/close" % DAILY, [5] * 40 + [2 ** 32] + [5] * 84, dtype="int64")
    bad("a price beyond uint32", "close: row 40 is not within")
    make("z")
    sql("z/assets-7.sqlite", "delete from equities where sid = 7", "delete from equity_symbol_mappings where sid = 7")
    good("bars of a stranger", "z", tells=["the bars of 1 sids that are no equities", "rows of sids that are no equities"])


def tables():
    assets, events = "z/assets-7.sqlite", "z/adjustments.sqlite"
    for path, statement, text in (
            (assets, "update equities set sid = -1 where sid = 7", "column sid: is negative"),
            (assets, "update equities set end_date = 'x' where sid = 7", "equities, row 2, column end_date: is a text"),
            (assets, "update equities set end_date = x'0102' where sid = 7", "column end_date: is bytes"),
            (assets, "update equities set end_date = start_date - 1 where sid = 7", "end_date: lies before start_date"),
            (assets, "update equities set start_date = 1.5 where sid = 7", "column start_date: is a real number"),
            (assets, "update equities set asset_name = x'414200' where sid = 7", "column asset_name: is not a text"),
            (assets, "update equities set asset_name = cast(x'41ff42' as text) where sid = 7", "asset_name: is not UTF-8"),
            (assets, "update equities set asset_name = cast(x'410042' as text) where sid = 7", "asset_name: has a NUL"),
            (assets, "update equity_symbol_mappings set sid = 5 where sid = 7", "column sid: is no sid of the table equities"),
            (assets, "update equity_symbol_mappings set symbol = '' where sid = 7", "column symbol: is empty"),
            (assets, "update equity_symbol_mappings set start_date = null where sid = 7", "column start_date: is missing"),
            (assets, "drop table equities", "has no table equities"),
            (assets, "delete from version_info", "version_info has no row"),
            (assets, "alter table equities rename column end_date to finish", "equities has no column end_date"),
            (events, "update splits set ratio = 0 where sid = 7", "splits, row 2, column ratio: is not positive"),
            (events, "update splits set ratio = null where sid = 7", "splits, row 2, column ratio: is NULL"),
            (events, "update splits set ratio = 9e999 where sid = 7", "splits, row 2, column ratio: is infinite"),
            (events, "update splits set sid = null where sid = 7", "splits, row 2, column sid: is NULL"),
            (events, "update splits set effective_date = null where sid = 7", "column effective_date: is missing"),
            (events, "update splits set effective_date = 9223372037 where sid = 7", "effective_date: is beyond what int64 ns"),
            (events, "update dividend_payouts set amount = -1 where sid = 7", "column amount: is negative"),
            (events, "alter table dividends drop column ratio", "dividends has no column ratio")):
        make("z")
        sql(path, statement)
        bad(statement, text)
    make("z")
    sql(events, "update splits set ratio = -1", "update mergers set ratio = 'x'")
    got = run("import", "zipline", "z", "x")
    if got.stderr.count("error: ") != 4: # three rows, and that no bundle was made
        fail("all defects in one go", got.stderr)
    make("z")
    sql(assets, "alter table equities rename to e", "create view equities as with recursive n(x) as (select 0 union all "
        "select x + 1 from n) select x as sid, '' as asset_name, 0 as start_date, 0 as end_date, 0 as first_traded, "
        "0 as auto_close_date, '' as exchange from n")
    bad("a view without an end", "equities is a view")
    for where in (0, 20, 4096, 8192): # the header, its fields, pages
        make("z")
        with open(assets, "r+b") as file:
            file.seek(where)
            file.write(b"\xa5" * 200)
        bad("damage at %d" % where, "assets-7.sqlite")
    make("z")
    with open(assets, "r+b") as file:
        file.truncate(5000)
    bad("half a database", "assets-7.sqlite")
    make("z")
    database = sqlite3.connect(assets)
    database.execute("pragma journal_mode = wal")
    database.execute("pragma wal_autocheckpoint = 0")
    database.execute("update equities set asset_name = 'only in the log'")
    database.commit()
    bad("a log beside it", "assets-7.sqlite-wal lies beside it")
    database.close()
    before = sorted(os.listdir("z"))
    good("a database that had a log", "z")
    if sorted(os.listdir("z")) != before:
        fail("files beside a database", os.listdir("z"))
    make("z")
    with sqlite3.connect(assets) as database:
        database.execute("update equities set start_date = start_date / 1000000000, end_date = end_date / 1000000000")
    database.close()
    got = run("import", "zipline", "z", "x")
    if got.returncode != 0 or "start_date is in seconds" not in got.stderr:
        fail("seconds", got.stderr)


def elsewhere():
    os.makedirs("outside")
    for name in ("assets-7.sqlite", "adjustments.sqlite", DAILY + "/close/data/__0.blp", DAILY + "/close/meta/sizes",
                 DAILY + "/__attrs__"):
        path = os.path.join("z", name)
        for what, text in (("link", "leads out of the folder"), ("fifo", "is a FIFO where a file should be"),
                           ("folder", "is a folder where a file should be"), ("device", "leads out of the folder"),
                           ("inside", None), ("dangling", "")):
            make("z")
            os.rename(path, "outside/file")
            if what == "link":
                os.symlink(os.path.abspath("outside/file"), path)
            elif what == "fifo":
                os.mkfifo(path)
            elif what == "folder":
                os.mkdir(path)
            elif what == "device":
                os.symlink("/dev/zero", path)
            elif what == "dangling":
                os.symlink("nowhere", path)
            elif what == "inside":
                shutil.copy("outside/file", "z/copy")
                os.symlink(os.path.abspath("z/copy"), path)
            if what == "device": # it is none of a folder's files, and no file either
                text = "is a device where a file should be"
            if what == "dangling" and name == "adjustments.sqlite":
                continue # as if it were not there
            if what == "inside":
                if run("import", "zipline", "z", "x").returncode != 0:
                    fail("a link within the folder", name)
            else:
                bad("%s: %s" % (name, what), text)
    make("z")
    shutil.move("z/" + DAILY, "outside/daily")
    os.symlink(os.path.abspath("outside/daily"), "z/" + DAILY)
    bad("a folder elsewhere", "leads out of the folder")
    os.makedirs("links")
    os.symlink(os.path.abspath("z"), "links/2019-01-01T00;00;00")
    bad("an ingestion elsewhere", "leads out of the folder", "links")
    os.symlink("z", "link")
    make("z")
    good("the folder itself is a link", "link")


# Everything ---------------------------------------------------------------------------------------

def real():
    folder = os.path.join(DATA, "zipline_bundle")
    if not os.path.isdir(folder):
        return print("not tried: no zipline_bundle in the folder of shared test data")
    (name,) = os.listdir(folder)
    inner = os.path.join(folder, name)
    with open(os.path.join(inner, MINUTE, "metadata.json")) as file:
        closes = json.load(file)["market_closes"]
    with open("sessions.json", "w") as file:
        json.dump({"sessions": [close // 1440 * zf.DAY * 10 ** 9 for close in closes]}, file)
    good("zipline's own", folder, inner=inner, tells=["sid 3: 504 daily bars have another day than that of their place",
                                                     "sid 3: 20 daily bars after its end_date 2013-10-29 are left out"])


# the most telling ones come first: scripts/test.sh runs those, scripts/test.sh --all all of them
FIRST = [versions, sessions, stated_hours, minute_bars, damaged_blocks]
REST = [blocks, texts, symbols, folders, minutes_by_calendar, minute_defects, lies, tables, elsewhere]


def main():
    os.mkdir("bundles")
    real()
    with open("sessions.json", "w") as file:
        json.dump({"sessions": SESSIONS, "first_minutes": MINUTES}, file)
    for part in FIRST + (REST if "all" in sys.argv[3:] else []):
        part()
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
