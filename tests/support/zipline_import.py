#!/usr/bin/env python3
"""Turns a bundle of zipline (a folder with daily_equities.bcolz and two SQLite files) into one of ours.

usage: zipline_import.py FOLDER OUT.h5 [--symbols A,B]

FOLDER is one ingestion, or holds some, of which the last by name is taken. What zipline knows is kept as it is:
prices in thousandths, symbols, splits, mergers, dividends, both as ratios and as payments, and pay dates that are
missing. Needs numpy, h5py and blosc; exits with 77, and says so, where one of them or the folder is missing.
"""

import argparse
import json
import os
import sqlite3
import struct
import sys

try:
    import blosc
    import h5py
    import numpy as np
except ImportError as error:
    print("SKIPPED: %s (Debian: python3-blosc, python3-h5py)" % error)
    sys.exit(77)

MISSING = -2 ** 63
PRICES = ["open", "high", "low", "close"]
MOMENT = [("effective_date", "<i8")]
PAYMENT = [("ex_date", "<i8"), ("declared_date", "<i8"), ("record_date", "<i8"), ("pay_date", "<i8")]
TABLES = {
    "splits": [("sid", "<i8")] + MOMENT + [("ratio", "<f8")],
    "mergers": [("sid", "<i8")] + MOMENT + [("ratio", "<f8")],
    "dividends": [("sid", "<i8")] + MOMENT + [("ratio", "<f8")],
    "dividend_payouts": [("sid", "<i8")] + PAYMENT + [("amount", "<f8")],
    "stock_dividend_payouts": [("sid", "<i8")] + PAYMENT + [("payment_sid", "<i8"), ("ratio", "<f8")],
}


def ingestion(folder):
    """The folder that holds the three, of an ingestion or of the last of several."""
    if not os.path.isdir(folder):
        print("SKIPPED: no folder %s" % folder)
        sys.exit(77)
    candidates = [folder] + sorted((os.path.join(folder, name) for name in os.listdir(folder)), reverse=True)
    for candidate in candidates:
        if os.path.isdir(os.path.join(candidate, "daily_equities.bcolz")):
            return candidate
    sys.exit("zipline_import: error: %s: no daily_equities.bcolz in it" % folder)


def read_column(table, name):
    """A column of a bcolz table: chunks of the Blosc format, each behind a header of 16 bytes."""
    folder = os.path.join(table, name)
    with open(os.path.join(folder, "meta", "storage")) as file:
        storage = json.load(file)
    with open(os.path.join(folder, "meta", "sizes")) as file:
        (rows,) = json.load(file)["shape"]
    parts = []
    for chunk in range(-(-rows // storage["chunklen"])):
        path = os.path.join(folder, "data", "__%d.blp" % chunk)
        with open(path, "rb") as file:
            content = file.read()
        magic, chunks = struct.unpack("<4s4xq", content[:16])
        if magic != b"blpk" or chunks != 1:
            sys.exit("zipline_import: error: %s: not a chunk of bcolz" % path)
        parts.append(np.frombuffer(blosc.decompress(content[16:]), dtype=storage["dtype"]))
    column = np.concatenate(parts)[:rows] if parts else np.empty(0, storage["dtype"])
    if len(column) != rows:
        sys.exit("zipline_import: error: %s: %d rows instead of %d" % (folder, len(column), rows))
    return column


def read_table(folder, name, query):
    """Rows as dictionaries; of a file that nothing may be written beside."""
    path = os.path.join(os.path.abspath(folder), name)
    uri = "file:%s?immutable=1" % path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    with sqlite3.connect(uri, uri=True) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute(query)]


def nanoseconds(x):
    """zipline keeps adjustments in seconds, and times of assets in nanoseconds."""
    if x is None or x == MISSING:
        return MISSING
    return int(x) * 10 ** 9 if abs(int(x)) < 10 ** 11 else int(x)


def strings(values):
    return np.array([(value or "").encode() for value in values], dtype="S%d" % max(
        [1] + [len((value or "").encode()) for value in values]))


def calendar(sid, day):
    """zipline finds a bar by its place, not by its day: the k-th of an asset is that of the k-th session since its
    first. The sessions of its calendar are those that most of the assets have which live then."""
    days, having = np.unique(day, return_counts=True)
    spans = [day[sid == s][[0, -1]] for s in np.unique(sid)]
    living = np.array([sum(first <= d <= last for first, last in spans) for d in days])
    return days[2 * having > living]


def read_adjustments(folder, name, sids):
    fields = TABLES[name]
    rows = read_table(folder, "adjustments.sqlite", "select * from %s order by rowid" % name)
    result = np.zeros(sum(row["sid"] in sids for row in rows), dtype=fields)
    for out, row in zip(result, (row for row in rows if row["sid"] in sids)):
        for field, _ in fields:
            out[field] = nanoseconds(row[field]) if field.endswith("_date") else row[field]
    return result


def main():
    parser = argparse.ArgumentParser(description="Turn a bundle of zipline into one of ours.")
    parser.add_argument("folder")
    parser.add_argument("out")
    parser.add_argument("--symbols")
    args = parser.parse_args()

    folder = ingestion(args.folder)
    (assets_file,) = [name for name in os.listdir(folder) if name.startswith("assets-")]
    assets = read_table(folder, assets_file, "select * from equities order by sid")
    mappings = read_table(folder, assets_file, "select * from equity_symbol_mappings order by sid, start_date")
    if args.symbols:
        wanted = set(args.symbols.split(","))
        unknown = wanted - {row["symbol"] for row in mappings}
        if unknown:
            sys.exit("zipline_import: error: no such symbol: %s" % ", ".join(sorted(unknown)))
        mappings = [row for row in mappings if row["symbol"] in wanted]
        assets = [row for row in assets if row["sid"] in {mapping["sid"] for mapping in mappings}]
    sids = [row["sid"] for row in assets]
    symbol_of = {row["sid"]: row["symbol"] for row in mappings}

    table = os.path.join(folder, "daily_equities.bcolz")
    sid, day = read_column(table, "id").astype(np.int64), read_column(table, "day").astype(np.int64)
    days = calendar(sid, day)
    data = {name: np.zeros((len(sids), len(days)), dtype=np.uint32) for name in PRICES + ["volume"]}
    first, last = np.zeros(len(sids), dtype=np.int64), np.zeros(len(sids), dtype=np.int64)
    columns = {name: read_column(table, name) for name in data}
    for a, asset in enumerate(assets):
        rows = np.flatnonzero(sid == asset["sid"])
        end = np.searchsorted(days, nanoseconds(asset["end_date"]) // 10 ** 9, side="right") - 1
        first[a] = np.searchsorted(days, day[rows[0]])
        last[a] = min(first[a] + len(rows) - 1, end)
        rows = rows[:last[a] - first[a] + 1]
        if (day[rows] != days[first[a]:last[a] + 1]).any():
            print("note: %s has bars on days that are no sessions; placed as zipline does"
                  % symbol_of[asset["sid"]])
        for name in data:
            data[name][a, first[a]:last[a] + 1] = columns[name][rows]

    with h5py.File(args.out, "w") as h5:
        h5.attrs["version"] = 0
        us = h5.create_group("US")
        us["index/sid"] = np.array(sids, dtype=np.int64)
        us["index/day"] = days * 10 ** 9
        for name, values in data.items():
            us["data/" + name] = values
            us["data/" + name].attrs["scaling_factor"] = 1 if name == "volume" else 1000
        us["lifetimes/start_date"] = first
        us["lifetimes/end_date"] = last
        us["currency/code"] = np.array([b"USD"] * len(sids), dtype="S3")
        us["assets/sid"] = np.array(sids, dtype=np.int64)
        us["assets/symbol"] = strings([symbol_of[s] for s in sids])
        us["assets/name"] = strings([row["asset_name"] for row in assets])
        us["assets/exchange"] = strings([row["exchange"] for row in assets])
        for name in ["start_date", "end_date", "first_traded", "auto_close_date"]:
            us["assets/" + name] = np.array([nanoseconds(row[name]) for row in assets], dtype=np.int64)
        symbols = strings([row["symbol"] for row in mappings])
        rows = np.zeros(len(mappings), dtype=[("sid", "<i8"), ("symbol", symbols.dtype), ("start_date", "<i8"),
                                              ("end_date", "<i8")])
        rows["symbol"] = symbols
        for name in ["sid", "start_date", "end_date"]:
            rows[name] = [row[name] for row in mappings]
        us["assets/symbol_mappings"] = rows
        for name in TABLES:
            us["adjustments/" + name] = read_adjustments(folder, name, set(sids))
    print("%s: %d assets, %d sessions" % (args.out, len(sids), len(days)))


if __name__ == "__main__":
    main()
