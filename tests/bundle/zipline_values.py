"""Every value of a folder of zipline against those of the bundle that was imported from it.

usage: zipline_values.py FOLDER BUNDLE.h5 SESSIONS

SESSIONS is a JSON file: {"sessions": [ns], "first_minutes": [ns]}, the sessions that zipline counts from 0 on and, for
minutes, when each of them begins. The rules are zipline's, written out again: a daily bar is found by calendar_offset and
first_row, a minute bar by its place, a price is x * (1.0 / ratio) and 0 is NaN.
"""

import json
import os
import sys

import h5py
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import zipline_folder as zf  # noqa: E402


def check_same(what, got, expected):
    assert len(got) == len(expected), (what, len(got), len(expected))
    for k, (x, y) in enumerate(zip(got, expected)):
        assert x == y or (x != x and y != y), (what, k, x, y)


def time(x):
    """Of an adjustment: seconds, or nothing."""
    return zf.NAT if x is None or x != x or x <= -9223372036 else int(x) * 10 ** 9


def text(values):
    return [value.decode() for value in values]


def values_of(group, frame, row=slice(None)):
    """As our files are read: the factor of the asset where there is one, else that of the dataset."""
    result = {}
    for field in zf.FIELDS:
        data = group[frame + "data/" + field]
        factor = data.attrs["scaling_factor"]
        name = frame + ("data/volume_scaling_factor" if field == "volume" else "data/scaling_factor")
        if name in group:
            factor = group[name][()].astype(float)
            factor = factor[:, None] if frame == "" else np.repeat(factor, np.diff(group["minute/index/offset"][()]))
        stored = data[()].astype(float)
        stored[stored == 0] = 0 if field == "volume" else np.nan
        result[field] = stored * (1.0 / factor)
    return result


def theirs(stored, ratio, field):
    stored = stored.astype(float)
    if field == "volume":
        return stored
    stored[stored == 0] = np.nan
    return stored * (1.0 / ratio)


def check_assets(folder, group):
    (name,) = [name for name in os.listdir(folder) if name.startswith("assets-")]
    path = os.path.join(folder, name)
    equities = sorted(zf.read_table(path, "equities"), key=lambda row: row["sid"])
    mappings = sorted(zf.read_table(path, "equity_symbol_mappings"), key=lambda row: (row["sid"], row["start_date"]))
    exchanges = {row["exchange"]: row for row in zf.read_table(path, "exchanges") or []}
    check_same("sid", group["assets/sid"][()], [row["sid"] for row in equities])
    check_same("name", text(group["assets/name"][()]), [row["asset_name"] or "" for row in equities])
    check_same("exchange", text(group["assets/exchange"][()]),
               [exchanges.get(row["exchange"], {}).get("canonical_name", row["exchange"] or "") for row in equities])
    for field in ["start_date", "end_date", "auto_close_date", "first_traded"]:
        for row, got in zip(equities, group["assets/" + field][()]):
            if row[field] not in (None, zf.NAT, 2 ** 63 - 1):
                assert got == row[field], (field, row, got)
    latest = {}
    for row in sorted(mappings, key=lambda row: row["end_date"]):
        latest[row["sid"]] = row["symbol"]
    check_same("symbol", text(group["assets/symbol"][()]), [latest[row["sid"]] for row in equities])
    got = group["assets/symbol_mappings"][()]
    check_same("mappings", sorted((r["sid"], r["start_date"], r["end_date"], r["symbol"].decode()) for r in got),
               sorted((r["sid"], r["start_date"], r["end_date"], r["symbol"]) for r in mappings))
    return {row["sid"]: row for row in equities}


def check_daily(folder, group, sessions, equities):
    table = os.path.join(folder, "daily_equities.bcolz")
    with open(os.path.join(table, "__attrs__")) as file:
        attrs = json.load(file)
    columns = {field: zf.read_column(os.path.join(table, field)) for field in zf.FIELDS}
    expected = {}
    for sid, row in equities.items():
        if str(sid) not in attrs["first_row"]:
            continue
        for k in range(attrs["first_row"][str(sid)], attrs["last_row"][str(sid)] + 1):
            session = sessions[attrs["calendar_offset"][str(sid)] + k - attrs["first_row"][str(sid)]]
            if row["start_date"] <= session <= row["end_date"] and any(columns[f][k] for f in zf.FIELDS):
                expected[sid, session] = k
    sids, days, ours = list(group["index/sid"][()]), list(group["index/day"][()]), values_of(group, "")
    check_same("days", days, sorted({session for _, session in expected}))
    check_same("daily sids", sids, sorted(sid for sid in equities if str(sid) in attrs["first_row"]))
    rows = np.full((len(sids), len(days)), -1)
    for (sid, session), k in expected.items():
        rows[sids.index(sid), days.index(session)] = k
    for field in zf.FIELDS:
        there = theirs(columns[field], 1000, field)[rows]
        there[rows < 0] = 0 if field == "volume" else np.nan
        assert np.array_equal(ours[field], there, equal_nan=True), field
    return len(expected)


def check_minute(folder, group, first_minutes, sessions, equities):
    table = os.path.join(folder, "minute_equities.bcolz")
    if not os.path.isdir(table):
        return 0
    with open(os.path.join(table, "metadata.json")) as file:
        data = json.load(file)
    per_day = data.get("minutes_per_day", 390)
    start = int(np.searchsorted(sessions, zf.day_ns(data["first_trading_day"])))
    expected = []
    for sid, row in equities.items():
        digits = "%06d" % sid
        path = os.path.join(table, digits[:2], digits[2:4], digits + ".bcolz")
        if not os.path.isdir(path):
            continue
        ratio = (data.get("ohlc_ratios_per_sid") or {}).get(str(sid), data["ohlc_ratio"])
        columns = {field: zf.read_column(os.path.join(path, field)) for field in zf.FIELDS}
        decoded = {field: theirs(columns[field], ratio, field) for field in zf.FIELDS}
        for k in np.flatnonzero(sum(columns[field] for field in zf.FIELDS)):
            session = start + k // per_day
            if row["start_date"] <= sessions[session] <= row["end_date"]:
                expected.append((sid, first_minutes[session] + k % per_day * 60 * 10 ** 9,
                                 *(decoded[field][k] for field in zf.FIELDS)))
    if not expected:
        assert "minute" not in group or len(group["minute/dt"]) == 0
        return 0
    ours = values_of(group, "minute/")
    sid = np.repeat(group["minute/index/sid"][()], np.diff(group["minute/index/offset"][()]))
    got = list(zip(sid, group["minute/dt"][()], *(ours[field] for field in zf.FIELDS)))
    assert len(got) == len(expected), (len(got), len(expected))
    assert np.array_equal(np.array(got, dtype=float), np.array(expected, dtype=float), equal_nan=True)
    check_same("dt", [row[1] for row in got], [row[1] for row in expected])
    return len(expected)


def check_adjustments(folder, group, equities):
    count = 0
    for name, columns in zf.TABLES.items():
        path = os.path.join(folder, "adjustments.sqlite")
        rows = (zf.read_table(path, name) if os.path.exists(path) else None) or []
        got = group["adjustments/" + name][()]
        convert = [time if column.endswith("_date") else (lambda x: x) for column in columns]
        expected = [tuple(f(row[c]) for f, c in zip(convert, columns)) for row in rows if row["sid"] in equities]
        check_same(name, sorted(tuple(row[c] for c in columns) for row in got), sorted(expected))
        count += len(expected)
    return count


def main():
    folder, bundle, path = sys.argv[1:]
    with open(path) as file:
        calendar = json.load(file)
    with h5py.File(bundle, "r") as h5:
        (group,) = h5.values()
        equities = check_assets(folder, group)
        daily = check_daily(folder, group, calendar["sessions"], equities)
        minute = check_minute(folder, group, calendar.get("first_minutes"), calendar["sessions"], equities)
        adjustments = check_adjustments(folder, group, equities)
    print("%d assets, %d daily bars, %d minute bars, %d adjustments are the same"
          % (len(equities), daily, minute, adjustments))


if __name__ == "__main__":
    main()
