#!/usr/bin/env python3
"""Writes small bundles that hold what accounts stumble over.

usage: hostile_markets.py FOLDER

  hostile.h5   holes in opens, closes and both; no volume, little volume; jumps; splits both ways, of odd ratios, two at
               once, in holes and on days that are no sessions; dividends with pay dates that are late, missing, early or
               beyond the end; mergers; assets that end with orders open, one that never trades, two of one symbol, and one
               that trades at weekends too
  thin.h5      so little volume that orders wait for weeks, through splits
  quiet.h5     closes that never change, or change once, at prices that no double holds
  always.h5    a market that never closes
Needs numpy and h5py.
"""

import os
import sys

import h5py
import numpy as np

DAY = 86400 * 10 ** 9
START = 17897 * DAY   # 2019-01-01, a Tuesday
MISSING = -2 ** 63
TABLES = {
    "splits": [("sid", "<i8"), ("effective_date", "<i8"), ("ratio", "<f8")],
    "mergers": [("sid", "<i8"), ("effective_date", "<i8"), ("ratio", "<f8")],
    "dividends": [("sid", "<i8"), ("effective_date", "<i8"), ("ratio", "<f8")],
    "dividend_payouts": [("sid", "<i8"), ("ex_date", "<i8"), ("declared_date", "<i8"), ("record_date", "<i8"),
                         ("pay_date", "<i8"), ("amount", "<f8")],
    "stock_dividend_payouts": [("sid", "<i8"), ("ex_date", "<i8"), ("declared_date", "<i8"), ("record_date", "<i8"),
                               ("pay_date", "<i8"), ("payment_sid", "<i8"), ("ratio", "<f8")],
}


def weekdays(count):
    days = [START + i * DAY for i in range(2 * count)]
    return [d for d in days if (d // DAY + 3) % 7 < 5][:count]


def every_day(count):
    return [START + i * DAY for i in range(count)]


class Market:
    def __init__(self, days):
        self.days = np.array(days, dtype=np.int64)
        self.symbols, self.ends = [], []
        self.data = {name: [] for name in ("open", "high", "low", "close", "volume")}
        self.tables = {name: [] for name in TABLES}

    def add(self, symbol, opens, closes, volume, end=None):
        """Prices in thousandths, 0 where there is none. Returns the sid."""
        opens, closes = np.asarray(opens, dtype=np.int64), np.asarray(closes, dtype=np.int64)
        columns = {"open": opens, "close": closes, "high": np.maximum(opens, closes),
                   "low": np.where((opens > 0) & (closes > 0), np.minimum(opens, closes), np.maximum(opens, closes)),
                   "volume": volume}
        for name, values in columns.items():
            values = np.array(values, dtype=np.int64)
            if end is not None:
                values[end + 1:] = 0
            self.data[name].append(values)
        self.symbols.append(symbol)
        self.ends.append(len(self.days) - 1 if end is None else end)
        return 10 * len(self.symbols)

    def split(self, sid, date, ratio):
        self.tables["splits"].append((sid, date, ratio))

    def payout(self, sid, ex, pay, amount):
        self.tables["dividend_payouts"].append((sid, ex, MISSING, MISSING, pay, amount))

    def write(self, path):
        n = len(self.symbols)
        sids = np.arange(1, n + 1, dtype=np.int64) * 10
        starts = [next((i for i in range(len(self.days)) if close[i]), 0) for close in self.data["close"]]
        with h5py.File(path, "w") as h5:
            h5.attrs["version"] = 0
            us = h5.create_group("US")
            us["index/sid"], us["index/day"] = sids, self.days
            for name, columns in self.data.items():
                us["data/" + name] = np.array(columns, dtype=np.uint32)
                us["data/" + name].attrs["scaling_factor"] = 1 if name == "volume" else 1000
            us["lifetimes/start_date"] = np.array(starts, dtype=np.int64)
            us["lifetimes/end_date"] = np.array(self.ends, dtype=np.int64)
            us["currency/code"] = np.array([b"USD"] * n, dtype="S3")
            us["assets/sid"] = sids
            for name in ("symbol", "name"):
                us["assets/" + name] = np.array([s.encode() for s in self.symbols])
            us["assets/exchange"] = np.array([b"TEST"] * n)
            us["assets/start_date"] = self.days[np.array(starts)]
            us["assets/end_date"] = self.days[np.array(self.ends)]
            us["assets/first_traded"] = us["assets/start_date"][:]
            us["assets/auto_close_date"] = us["assets/end_date"][:] + DAY
            for name, fields in TABLES.items():
                us["adjustments/" + name] = np.array(self.tables[name], dtype=fields)


def walk(random, count, price, spread=0.02, trend=0.0):
    """Opens and closes of a random walk, in thousandths."""
    closes = price * np.exp(np.cumsum(random.normal(trend, spread, count)))
    opens = closes * np.exp(random.normal(0, spread / 2, count))
    return np.maximum(1, np.rint(opens * 1000)), np.maximum(1, np.rint(closes * 1000))


def apply_split(opens, closes, volume, session, ratio):
    """What a split does to prices from a session on."""
    for prices in (opens, closes):
        prices[session:] = np.maximum(1, np.rint(prices[session:] * ratio))
    volume[session:] = np.rint(volume[session:] / ratio)


def hostile():
    random = np.random.default_rng(7)
    days = every_day(320)
    market = Market(days)
    working = np.array([(d // DAY + 3) % 7 < 5 for d in days])
    working[[40, 41, 42, 150]] = False   # days on which nobody trades, beside weekends
    for a in range(8):
        opens, closes = walk(random, len(days), 5 + 40 * random.random(), trend=0.001 * (a % 3 - 1))
        volume = random.integers(200, 400000, len(days))
        volume[random.random(len(days)) < 0.1] = 0
        volume[random.random(len(days)) < 0.1] = random.integers(1, 90)
        opens[::50], closes[25::50] = opens[::50] * 3, np.maximum(1, closes[25::50] // 3)   # jumps, back the day after
        begin = [0, 0, 0, 30, 0, 100, 0, 0][a]
        end = [None, None, 200, 262, None, 140, 318, None][a]
        events = []
        for k, ratio in enumerate([0.5, 1 / 7, 1.5, 10.0, 2 / 3, 0.3333]):
            if (a + k) % 3 == 0:
                session = int(random.integers(begin + 5, (end or len(days)) - 5))
                events.append((session, ratio))
        for session, ratio in events:
            apply_split(opens, closes, volume, session, ratio)
        for prices in (opens, closes, volume):
            prices[:begin] = 0
            prices[~working] = 0
        opens[random.random(len(days)) < 0.08] = 0
        closes[random.random(len(days)) < 0.08] = 0
        holes = random.integers(begin, len(days), 4)
        for hole in holes:
            opens[hole:hole + 9] = closes[hole:hole + 9] = volume[hole:hole + 9] = 0
        sid = market.add("H%d" % (a if a != 7 else 6), opens, closes, volume, end)
        for session, ratio in events:
            market.split(sid, days[session], ratio)   # some of these days are no sessions
        for ex in random.integers(begin, len(days), 6):
            pay = [days[ex] + 9 * DAY, MISSING, days[ex] - 30 * DAY, days[-1] + 90 * DAY, days[ex], days[ex] + DAY][ex % 6]
            market.payout(sid, days[ex], pay, round(0.01 + random.random(), 2))
            market.tables["dividends"].append((sid, days[ex], 0.98))
    market.split(10, days[60], 0.5)
    market.split(10, days[60], 3.0)              # two at once
    market.split(20, days[0] - DAY, 0.5)         # before anything
    market.split(20, days[-1] + DAY, 0.5)        # after everything
    market.split(30, days[70], float("nan"))
    market.split(30, days[70], -1.0)
    market.split(30, days[70], 0.0)
    market.payout(30, days[70], days[80], float("inf"))
    market.tables["mergers"].append((40, days[120], 0.9))
    nothing = np.zeros(len(days))
    market.add("NEVER", nothing, nothing, nothing)
    market.add("COIN", *walk(random, len(days), 900.0, 0.04), random.integers(1, 10 ** 6, len(days)))
    return market


def thin():
    random = np.random.default_rng(11)
    days = weekdays(260)
    market = Market(days)
    for a in range(5):
        opens, closes = walk(random, len(days), 8.0, 0.03)
        volume = random.integers(0, [30, 300, 3000, 900, 60][a], len(days))
        for session, ratio in [(50 + 30 * a, 0.5), (120 + 10 * a, 3.0)]:
            apply_split(opens, closes, volume, session, ratio)
        sid = market.add("T%d" % a, opens, closes, volume, end=[None, 180, None, None, 258][a])
        market.split(sid, days[50 + 30 * a], 0.5)
        market.split(sid, days[120 + 10 * a], 3.0)
        market.payout(sid, days[90], days[100], 0.25)
    return market


def quiet():
    days = weekdays(200)
    market = Market(days)
    full = np.full(len(days), 1)
    for price in [87, 1001, 10100, 20000, 123456789, 1, 33333]:
        market.add("Q%d" % price, full * price, full * price, full * 10 ** 6)
    once = full * 10100
    once[120:] = 10099
    market.add("ONCE", once, once, full * 10 ** 6)
    after = full * 70700
    after[90:] = 10100   # nothing but a split
    sid = market.add("SPLIT", after, after, full * 10 ** 6)
    market.split(sid, days[90], 1 / 7)
    return market


def always():
    random = np.random.default_rng(13)
    days = every_day(300)
    market = Market(days)
    for a in range(3):
        market.add("C%d" % a, *walk(random, len(days), 100.0 * 10 ** a, 0.04), random.integers(1, 10 ** 7, len(days)))
    return market


if __name__ == "__main__":
    for make in (hostile, thin, quiet, always):
        make().write(os.path.join(sys.argv[1], make.__name__ + ".h5"))
