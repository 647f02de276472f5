"""Writes and reads folders of zipline, for tests: SQLite by sqlite3, bcolz by blosc and json, and nothing of this project."""

import json
import os
import sqlite3
import struct

import blosc
import numpy as np

PRICES = ["open", "high", "low", "close"]
FIELDS = PRICES + ["volume"]
NAT = -2 ** 63
DAY = 86400


def day_ns(text):
    return int(np.datetime64(text, "ns").astype(np.int64))


def weekdays(first, n, but=()):
    """n weekdays from a day on, as ns, but some."""
    days, day = [], np.datetime64(first, "D")
    while len(days) < n:
        if day.astype(object).weekday() < 5 and str(day) not in but:
            days.append(day_ns(str(day)))
        day += 1
    return days


# bcolz --------------------------------------------------------------------------------------------

def write_block(path, raw, size, codec="blosclz", shuffle=blosc.SHUFFLE, level=5):
    with open(path, "wb") as file:
        file.write(struct.pack("<4sB3xq", b"blpk", 1, 1))
        file.write(blosc.compress(raw, typesize=size, clevel=level, shuffle=shuffle, cname=codec))


def write_column(folder, values, dtype="uint32", chunklen=256, **how):
    values = np.asarray(values, dtype=dtype)
    for name in ["meta", "data"]:
        os.makedirs(os.path.join(folder, name))
    with open(os.path.join(folder, "meta", "storage"), "w") as file:
        json.dump({"cparams": {"clevel": 5, "shuffle": True}, "expectedlen": len(values), "chunklen": chunklen, "dflt": 0,
                   "dtype": dtype}, file)
    with open(os.path.join(folder, "meta", "sizes"), "w") as file:
        json.dump({"shape": [len(values)], "cbytes": 0, "nbytes": values.nbytes}, file)
    with open(os.path.join(folder, "__attrs__"), "w") as file:
        file.write("{}\n")
    for k in range(-(-len(values) // chunklen)):
        raw = values[k * chunklen:(k + 1) * chunklen].tobytes()
        write_block(os.path.join(folder, "data", "__%d.blp" % k), raw, values.itemsize, **how)


def read_column(folder):
    with open(os.path.join(folder, "meta", "storage")) as file:
        storage = json.load(file)
    with open(os.path.join(folder, "meta", "sizes")) as file:
        (rows,) = json.load(file)["shape"]
    parts = [np.empty(0, storage["dtype"])]
    for k in range(-(-rows // storage["chunklen"])):
        with open(os.path.join(folder, "data", "__%d.blp" % k), "rb") as file:
            parts.append(np.frombuffer(blosc.decompress(file.read()[16:]), storage["dtype"]))
    column = np.concatenate(parts)
    assert len(column) == rows, folder
    return column.astype(np.int64)


# bars ---------------------------------------------------------------------------------------------

def write_daily(folder, bars, sessions, attributes=None, **how):
    """@param bars  {sid: (index of the first session, {field: values})}"""
    table = os.path.join(folder, "daily_equities.bcolz")
    columns = {name: [] for name in FIELDS + ["day", "id"]}
    attrs = {"first_row": {}, "last_row": {}, "calendar_offset": {}, "calendar_name": "XNYS",
             "start_session_ns": sessions[0], "end_session_ns": sessions[-1], "first_trading_day": sessions[0] // 10 ** 9}
    for sid, (first, values) in bars.items():
        n = len(values["close"])
        attrs["first_row"][str(sid)] = len(columns["id"])
        attrs["last_row"][str(sid)] = len(columns["id"]) + n - 1
        attrs["calendar_offset"][str(sid)] = first
        for name in FIELDS:
            columns[name].extend(values[name])
        columns["day"].extend(values.get("day", [day // 10 ** 9 for day in sessions[first:first + n]]))
        columns["id"].extend([sid] * n)
    attrs.update(attributes or {})
    for name, values in columns.items():
        write_column(os.path.join(table, name), values, **how)
    with open(os.path.join(table, "__rootdirs__"), "w") as file:
        json.dump({"names": list(columns)}, file)
    with open(os.path.join(table, "__attrs__"), "w") as file:
        json.dump({key: value for key, value in attrs.items() if value is not None}, file)


def write_minute(folder, bars, sessions, hours=None, version=3, per_day=390, ratio=1000, ratios=None, calendar="XNYS",
                 attributes=None, **how):
    """@param bars   {sid: {field: values}}, from the first minute of the first session on
    @param hours  [(open, close)] in minutes since the epoch; None: not told, as zipline-reloaded has it"""
    table = os.path.join(folder, "minute_equities.bcolz")
    os.makedirs(table)
    text = [str(np.datetime64(day, "ns"))[:10] for day in (sessions[0], sessions[-1])]
    data = {"ohlc_ratio": ratio, "first_trading_day": text[0]}
    if version >= 1:
        data.update(version=version, minutes_per_day=per_day)
    if version >= 2:
        data.update(calendar_name=calendar, start_session=text[0], end_session=text[1])
    if version >= 3:
        data["ohlc_ratios_per_sid"] = ratios and {str(sid): value for sid, value in ratios.items()}
    if hours:
        data.update(market_opens=[a for a, _ in hours], market_closes=[b for _, b in hours])
    data.update(attributes or {})
    with open(os.path.join(table, "metadata.json"), "w") as file:
        json.dump({key: value for key, value in data.items() if value is not None or key == "ohlc_ratios_per_sid"}, file)
    for sid, values in bars.items():
        digits = "%06d" % sid
        for name in FIELDS:
            write_column(os.path.join(table, digits[:2], digits[2:4], digits + ".bcolz", name), values[name], **how)


# SQLite -------------------------------------------------------------------------------------------

def create(database, table, columns, rows):
    database.execute("create table %s (%s)" % (table, ", ".join(columns)))
    database.executemany("insert into %s values (%s)" % (table, ", ".join("?" * len(columns))), rows)


def write_assets(folder, equities, version=7, mappings=None, futures=(), exchanges=(("NYSE", "NEW YORK", "US"),),
                 encoding="UTF-8", name=None):
    """@param equities  [(sid, symbol, name, start, end, first_traded, auto_close, exchange)]"""
    path = os.path.join(folder, name or "assets-%d.sqlite" % version)
    database = sqlite3.connect(path)
    database.execute("pragma encoding = '%s'" % encoding)
    create(database, "version_info", ["id integer primary key", "version integer"], [(1, version)])
    columns = ["sid integer primary key", "asset_name text", "start_date integer", "end_date integer", "first_traded integer",
               "auto_close_date integer", "exchange text"]
    rows = [(sid, *rest) for sid, _, *rest in equities]
    if version < 7:
        columns.append("exchange_full text")
        rows = [row + ("the whole name",) for row in rows]
    else:
        create(database, "exchanges", ["exchange text primary key", "canonical_name text", "country_code text"], exchanges)
    create(database, "equities", columns, rows)
    if mappings is None:
        mappings = [(e[0], e[1], e[3], e[4]) for e in equities]
    create(database, "equity_symbol_mappings",
           ["id integer primary key", "sid integer", "symbol text", "company_symbol text", "share_class_symbol text",
            "start_date integer", "end_date integer"],
           [(k + 1, sid, symbol, symbol, "", start, end) for k, (sid, symbol, start, end) in enumerate(mappings)])
    if version >= 6:
        create(database, "equity_supplementary_mappings",
               ["sid integer", "field text", "start_date integer", "end_date integer", "value text"], [])
    if version >= 8:
        create(database, "bundle_metadata", ["id integer primary key", "bundle_name text"], [(1, "x")])
    create(database, "futures_contracts", ["sid integer primary key", "symbol text"], futures)
    database.commit()
    database.close()


TABLES = {
    "splits": ["effective_date", "sid", "ratio"],
    "mergers": ["ratio", "sid", "effective_date"],
    "dividends": ["effective_date", "ratio", "sid"],
    "dividend_payouts": ["ex_date", "sid", "amount", "record_date", "declared_date", "pay_date"],
    "stock_dividend_payouts": ["sid", "pay_date", "payment_sid", "ratio", "record_date", "declared_date", "ex_date"],
}


def write_adjustments(folder, tables):
    """@param tables  {name: [{column: value}]}; one that is not named is not made"""
    database = sqlite3.connect(os.path.join(folder, "adjustments.sqlite"))
    for name, rows in tables.items():
        create(database, name, ['"index"'] + TABLES[name],
               [[k] + [row[column] for column in TABLES[name]] for k, row in enumerate(rows)])
    database.commit()
    database.close()


def read_table(path, table):
    with sqlite3.connect("file:%s?immutable=1" % path.replace("?", "%3f").replace("#", "%23"), uri=True) as database:
        database.row_factory = sqlite3.Row
        if not database.execute("select 1 from sqlite_master where name = ?", [table]).fetchone():
            return None
        return [dict(row) for row in database.execute("select * from %s" % table)]
