"""Tables of a bundle that contradict themselves, each other or the bars: what `bundle verify` says of each.

verify_tables.py BUNDLE FOLDER: makes a good bundle there, changes one thing in a copy, and compares the findings by kind.
"""

import datetime
import json
import math
import os
import shutil
import subprocess
import sys

import h5py
import numpy as np

bundle, folder = sys.argv[1:]
MISSING, DAY, HOUR = -(2**63), 86400 * 10**9, 3600 * 10**9
failed = 0


def make(path):
    """Three assets over twenty weekdays, with minutes in the first three, a dividend each, and the hours of New York."""
    days, day = [], datetime.date(2020, 1, 2)
    while len(days) < 20:
        if day.weekday() < 5 and day != datetime.date(2020, 1, 20):
            days.append(day)
        day += datetime.timedelta(1)
    for frame in "daily", "minute":
        os.makedirs("%s/%s" % (path, frame))
    for k, name in enumerate("ABC"):
        with open("%s/daily/%s.csv" % (path, name), "w") as daily, open("%s/minute/%s.csv" % (path, name), "w") as minute:
            daily.write("date,open,high,low,close,volume,dividend\n")
            minute.write("date,open,high,low,close,volume\n")
            for i, day in enumerate(days):
                p = 100 + k + i % 3
                daily.write("%s,%d,%d,%d,%d,1000,%d\n" % (day, p, p + 1, p - 1, p, i == 5))
                for m in (0, 1) if i < 3 else ():
                    minute.write("%s 15:0%d:00Z,%d,%d,%d,%d,10\n" % (day, m, p, p, p, p))


def run(*words):
    return subprocess.run([bundle, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True)


def check(what, expected, change, texts=()):
    """Findings of the changed bundle, by kind, are the expected ones, and say what the texts say."""
    global failed
    path = folder + "/changed.h5"
    shutil.copy(folder + "/base.h5", path)
    with h5py.File(path, "r+") as f:
        change(f["US"])
        # what is changed by hand has no checksum of ours; what becomes of one is looked at elsewhere
        del f["US"].attrs["checksum"], f.attrs["checksums"]
    done = run("verify", path, "--json")
    found = json.loads(done.stdout) if done.returncode == 0 else {"counts": done.stderr, "warnings": []}
    missing = [text for text in texts if not any(text in warning for warning in found["warnings"])]
    if found["counts"] != expected or missing:
        failed += 1
        print("FAILED: %s: %s instead of %s, without %s: %s" % (what, found["counts"], expected, missing, found["warnings"]))


def put(path, *changes):
    """Values of a dataset at places; a name of a field comes first where it is a table."""

    def change(us):
        data = us[path][...]
        for *field, at, value in changes:
            (data[field[0]] if field else data)[at] = value
        us[path][...] = data

    return change


def replace(path, data):
    def change(us):
        kind = us[path].dtype
        del us[path]
        us[path] = np.array(data, dtype=None if kind.kind == "S" else kind)

    return change


def both(*changes):
    return lambda us: [change(us) for change in changes]


make(folder + "/in")
done = run("ingest", "csvdir", folder + "/in", folder + "/base.h5", "--calendar", "XNYS")
if done.returncode != 0:
    sys.exit(done.stderr)
with h5py.File(folder + "/base.h5", "r") as f:
    us = f["US"]
    day, closes, opens = us["index/day"][...], us["calendar/market_close"][...], us["calendar/market_open"][...]
    payout, dividend = us["adjustments/dividend_payouts"][0], us["adjustments/dividends"][0]
    split = np.dtype([("sid", "i8"), ("effective_date", "i8"), ("ratio", "f8")])
    stock = us["adjustments/stock_dividend_payouts"].dtype
check("nothing", {}, lambda us: None)

# sessions
check("a session that is a missing time", {"session-time": 1, "calendar-days": 2, "minute-session": 3, "bars-outside-life": 3},
      put("index/day", (0, MISSING)), ["session 0 is a missing time"])
check("sessions that are no midnights", {"session-time": 1, "calendar-days": 2, "minute-session": 3, "bars-outside-life": 3},
      replace("index/day", day + HOUR), ["20 of 20 sessions are at no midnight"])
check("one session that is none", {"session-time": 1, "calendar-days": 2}, put("index/day", (9, day[9] + 1)))
check("a session of the calendar that is a missing time", {"session-time": 1, "calendar-days": 1, "calendar-hours": 1},
      put("calendar/session", (0, MISSING)))

# the calendar beside the sessions
check("a session that the calendar lacks", {"calendar-days": 1},
      both(*(replace("calendar/" + c, np.delete(x, 9)) for c, x in (("session", day), ("market_open", opens), ("market_close", closes)))),
      ["1 of 20 sessions is not in the calendar"])
check("a session that only the calendar has", {"calendar-days": 1},
      both(*(replace("calendar/" + c, np.insert(x, 12, day[12] - 3 * DAY + o))  # a holiday
             for c, x, o in (("session", day, 0), ("market_open", opens, 15 * HOUR), ("market_close", closes, 21 * HOUR)))),
      ["1 session of the calendar, within the daily bars"])
for what, told, *changes in (
    ("ends before it begins", "ends before it begins", ("market_close", 9, opens[9] - 1)),
    ("ends when it begins", "ends before it begins", ("market_close", 9, opens[9])),
    ("has no end", "has an end or a beginning, not both", ("market_close", 9, MISSING)),
    ("has no beginning", "has an end or a beginning, not both", ("market_open", 9, MISSING)),
    ("begins too early", "begins before the one before has ended", ("market_open", 10, closes[9] - 1), ("market_close", 10, day[10] + HOUR)),
    ("lasts for two days", "hours that are of another day", ("market_close", 4, opens[4] + 2 * DAY)),
    ("has hours of another day", "hours that are of another day", ("market_open", 4, day[4] - 2 * DAY)),
    ("is open at the end of all times", "hours that are of another day", ("market_close", 19, 2**63 - 1)),
):
    check("a session that " + what, {"calendar-hours": 1},
          both(*(put("calendar/" + column, (at, value)) for column, at, value in changes)), [told])
check("hours that nobody knows", {}, both(put("calendar/market_open", (9, MISSING)), put("calendar/market_close", (9, MISSING))))

# lifetimes
for first, last in ((-1, 19), (0, 20), (0, -1), (MISSING, 2**63 - 1), (0, MISSING), (2**62, 19)):
    check("a lifetime of %d to %d" % (first, last), {"lifetime": 1},
          both(put("lifetimes/start_date", (1, first)), put("lifetimes/end_date", (1, last))), ["sessions are counted from 0 to 19"])
check("a lifetime that ends before it begins", {"lifetime": 1},
      both(put("lifetimes/start_date", (1, 9)), put("lifetimes/end_date", (1, 3))), ["before it begins"])
check("a lifetime of one session", {"lifetime-bars": 1}, put("lifetimes/end_date", (1, 0)), ["while it trades"])
check("a lifetime that begins late", {"lifetime-bars": 1}, put("lifetimes/start_date", (1, 1)))
check("a lifetime beyond the bars", {"lifetime-bars": 1, "ends-early": 1},
      both(*(put("data/" + c, ((2, 19), 0)) for c in ("open", "high", "low", "close", "volume"))))
check("an asset without bars", {"no-bars": 1},
      both(*(put("data/" + c, ((2, slice(None)), 0)) for c in ("open", "high", "low", "close", "volume"))))

# dates of assets
check("an asset that starts at noon", {"asset-date": 1}, put("assets/start_date", (0, day[0] - DAY // 2)))
check("an asset that ends before it starts", {"life-backwards": 1, "asset-date": 1}, put("assets/end_date", (0, day[0] - DAY)))
check("an asset that is closed before its end", {"asset-date": 1}, put("assets/auto_close_date", (0, day[3])), ["automatic close"])
check("an asset that is traded after its end", {"asset-date": 1}, put("assets/first_traded", (0, day[19] + DAY)), ["first trade"])
check("a negative sid", {"negative-sid": 1, "unknown-sid": 2, "mapping-unknown-sid": 1},
      both(*(put(path, (0, -7)) for path in ("assets/sid", "index/sid", "minute/index/sid"))))
check("minutes of nobody", {"no-asset": 1}, put("minute/index/sid", (2, 77)), ["minute bars, but is not"])

# events
for number in 0.0, -5.0, math.nan, math.inf, -math.inf:
    for table, field, kind in (("dividends", "ratio", "dividend"), ("dividend_payouts", "amount", "dividend")):
        check("%s of %g" % (table, number), {"ratio": 1}, put("adjustments/" + table, (field, 1, number)), ["is no positive number"])
    for table in "splits", "mergers":
        row = np.array([(1, day[7], number)], split)
        check("%s of %g" % (table, number), {"ratio": 1}, replace("adjustments/" + table, row), ["is no positive number"])
    row = np.array([(1, day[7], MISSING, MISSING, MISSING, 2, number)], stock)
    check("a stock dividend of %g" % number, {"ratio": 1}, replace("adjustments/stock_dividend_payouts", row), ["stock dividend"])
check("a dividend that raises prices", {"ratio": 1}, put("adjustments/dividends", ("ratio", 1, 1.5)), ["above 1"])
for table, field in ("dividends", "effective_date"), ("dividend_payouts", "ex_date"):
    check(table + " at a missing time", {"event-date": 1}, put("adjustments/" + table, (field, 0, MISSING)), ["without a date"])
    check(table + " at noon", {"event-date": 1}, put("adjustments/" + table, (field, 0, day[5] + DAY // 2)), ["no midnight"])
    check(table + " before all sessions", {"event-outside": 1}, put("adjustments/" + table, (field, 0, day[0] - DAY)))
    check(table + " after all sessions", {"event-outside": 1}, put("adjustments/" + table, (field, 0, day[19] + DAY)))
check("a dividend that is paid before", {"event-date": 1}, put("adjustments/dividend_payouts", ("pay_date", 0, 0)), ["paid on 1970-01-01"])
check("a dividend that is paid on its day", {}, put("adjustments/dividend_payouts", ("pay_date", 0, day[5])))
row = np.array([(1, day[7], MISSING, MISSING, MISSING, 99, 0.1)], stock)
check("a dividend in shares of nobody", {"unknown-sid": 1}, replace("adjustments/stock_dividend_payouts", row), ["shares of sid 99"])

# minute bars
with h5py.File(folder + "/base.h5", "r") as f:
    dt = f["US/minute/dt"][...]
check("a minute at a missing time", {"minute-seconds": 1, "minute-hours": 1}, put("minute/dt", (0, MISSING)))
check("minutes that go back", {"minute-order": 1}, put("minute/dt", (0, dt[1]), (1, dt[0])))
check("a minute that is there twice", {"minute-order": 1}, put("minute/dt", (1, dt[0])))
check("a minute at night", {"minute-hours": 1}, put("minute/dt", (0, day[0] + 3 * HOUR)))
check("a minute of another century", {"minute-hours": 1}, put("minute/dt", (17, dt[17] + 36525 * DAY)))

# bars: the order of four prices, and their size
check("a high below the low", {"high-below-low": 1}, put("data/high", ((0, 3), 98000)))
check("an open above the high", {"outside-range": 1}, put("data/open", ((0, 3), 102500)))
check("a close below the low", {"outside-range": 1}, put("data/close", ((0, 3), 98500)))


def tiny(us):
    for c in "open", "high", "low", "close":
        us["data/" + c].attrs["scaling_factor"] = 1e18
        us["minute/data/" + c].attrs["scaling_factor"] = 1e18
    for path in "adjustments/dividends", "adjustments/dividend_payouts":
        kind = us[path].dtype
        del us[path]
        us[path] = np.zeros(0, kind)


check("prices that nothing has", {"price-size": 3}, tiny, ["a wrong scaling factor"])

# texts
for text, why in ((b"A\x1b[2J", "control"), ("A\u0085".encode(), "control"), ("A\u202eB".encode(), "direction"), (b"A\x7f", "control"),
                  (b"A\n", "control")):
    check("a symbol %r" % text, {"text": 1}, replace("assets/symbol", [text, b"B", b"C"]), [why])
    check("a name %r" % text, {"text": 1}, replace("assets/name", [b"A", text, b"C"]), [why])
    check("an exchange %r" % text, {"text": 1}, replace("assets/exchange", [b"X", b"X", text]), [why])
check("names that are in order", {}, replace("assets/name", ["Soci\u00e9t\u00e9 G\u00e9n\u00e9rale".encode(), "\u4e2d\u56fd".encode(), b"C"]))
check("a currency of small letters", {"currency": 1}, put("currency/code", (0, b"usd")))
check("a calendar with a name of its own", {"text": 1}, lambda us: us.parent.attrs.__setitem__("calendar_name", np.bytes_(b"X\x1b[31m")))

# symbols
check("one symbol on three sids", {"symbol-shared": 2}, lambda us: us["assets"].__delitem__("symbol_mappings") or replace("assets/symbol", [b"A", b"A", b"A"])(us))
sys.exit(failed > 0)
