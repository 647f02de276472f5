"""The market of docs/backtest.md, section 1: sessions, observations, marks, delistings, windows, means.

A part of reference.py, which says what all of it is for.
"""

import bisect
import math
import os

import h5py
import numpy as np

NAN = math.nan
COLUMNS = ["open", "high", "low", "close", "volume"]
MISSING = -2 ** 63


class Refused(Exception):
    """The request or the file is not one that can be computed."""


class Failed(Exception):
    """This combination has failed."""


# ---- arithmetic as C does it, where Python would raise -------------------------------------------

def divide(a, b):
    if b != 0.0:
        return a / b
    if a == 0.0 or math.isnan(a):
        return NAN
    return math.copysign(math.inf, a) * math.copysign(1.0, b)


def floor(x):
    return float(math.floor(x)) if math.isfinite(x) else x


def trunc(x):
    return float(math.trunc(x)) if math.isfinite(x) else x


def is_price(x):
    return math.isfinite(x) and x > 0.0


# ---- exact sums: every double is a whole number of 2**-1074 ----------------------------------------

UNIT = 1074


def exact(x):
    numerator, denominator = x.as_integer_ratio()
    return numerator * ((1 << UNIT) // denominator)


def exact_prefix(values):
    """Prefix sums without any rounding."""
    total, sums = 0, [0]
    for x in values:
        total += exact(x)
        sums.append(total)
    return sums


def rounded_once(total, count):
    """total / count of an exact sum: Python rounds the quotient of two integers once."""
    return total / (count << UNIT)


def mean_of(values):
    return rounded_once(exact_prefix(values)[-1], len(values))


def deviation_of(values, mean):
    """The sample deviation."""
    squares = 0.0
    for x in values:
        squares = squares + (x - mean) * (x - mean)
    return math.sqrt(squares / (len(values) - 1))


# ---- the file ------------------------------------------------------------------------------------

def read_column(country, name):
    """A list per asset of floats; a price of 0 is missing."""
    dataset = country["data/" + name]
    raw = dataset[:].astype(np.float64)
    values = raw * (1.0 / float(dataset.attrs["scaling_factor"]))
    factors = "data/volume_scaling_factor" if name == "volume" else "data/scaling_factor"
    if factors in country:
        values = raw * (1.0 / country[factors][:].astype(np.float64))[:, None]
    if name != "volume":
        values[raw == 0.0] = np.nan
    return values.tolist()


class Bundle:
    """The whole file: every asset and every day."""

    def __init__(self, path):
        if not os.path.isfile(path):
            raise Refused("%s: no such file" % path)
        with h5py.File(path, "r") as h5:
            groups = [g for g in h5.values() if isinstance(g, h5py.Group) and "data" in g and "index" in g]
            if len(groups) != 1:
                raise Refused("expected one country group, found %d" % len(groups))
            country = groups[0]
            self.days = [int(d) for d in country["index/day"][:]]
            self.sids = [int(s) for s in country["index/sid"][:]]
            if self.sids != sorted(set(self.sids)) or self.days != sorted(set(self.days)):
                raise Refused("sids or days are not in ascending order")
            self.columns = {name: read_column(country, name) for name in COLUMNS}
            self.symbols = self.read_symbols(country)
            if "lifetimes" in country:
                self.ends = [int(e) for e in country["lifetimes/end_date"][:]]
            else:
                self.ends = [len(self.days) - 1] * len(self.sids)
            self.tables = {name: self.read_table(country, name) for name in
                           ["splits", "mergers", "dividends", "dividend_payouts"]}

    def read_symbols(self, country):
        """Per asset every symbol that it bears."""
        symbols = {sid: set() for sid in self.sids}
        if "assets" not in country:
            return [{str(sid)} for sid in self.sids]
        for sid, symbol in zip(country["assets/sid"][:], country["assets/symbol"][:]):
            if int(sid) in symbols:
                symbols[int(sid)].add(symbol.decode() if isinstance(symbol, bytes) else str(symbol))
        return [symbols[sid] for sid in self.sids]

    def read_table(self, country, name):
        if "adjustments" not in country or name not in country["adjustments"]:
            return []
        table = country["adjustments"][name][:]
        return [{field: table[field][i] for field in table.dtype.names} for i in range(len(table))]


# ---- the selected market ---------------------------------------------------------------------------

class Market:
    """The selected assets over their own sessions. Session numbers here count from the first one of all; the range
    is first ... last."""

    def __init__(self, bundle, symbols, start, end, delisted_after):
        rows = self.select(bundle, symbols)
        kept = [d for d in range(len(bundle.days))
                if any(is_price(bundle.columns[c][row][d]) for row in rows for c in ("open", "close"))]
        self.days = [bundle.days[d] for d in kept]
        inside = [i for i, day in enumerate(self.days)
                  if (start is None or day >= start) and (end is None or day <= end)]
        if len(inside) < 2:
            raise Refused("fewer than two sessions in the range")
        self.first, self.last = inside[0], inside[-1]
        self.num_bars = self.last - self.first + 1
        self.assets = [Asset(self, bundle, row, kept, delisted_after) for row in rows]

    @staticmethod
    def select(bundle, symbols):
        if not symbols:
            return list(range(len(bundle.sids)))
        wanted = set(symbols.split(","))
        unknown = wanted - set().union(*bundle.symbols)
        if unknown:
            raise Refused("no such symbol: %s" % ", ".join(sorted(unknown)))
        return [row for row, names in enumerate(bundle.symbols) if names & wanted]

    def session_of(self, date):
        """The first session at or after a date; None: there is none, or the date is before the first session."""
        if date < self.days[0] or date > self.days[-1]:
            return None
        return bisect.bisect_left(self.days, date)

    def weekend_share(self):
        """How many of the sessions up to the last of the range are Saturdays and Sundays. 1970-01-01 was a Thursday."""
        weekdays = [(day // 86400000000000 + 3) % 7 for day in self.days[:self.last + 1]]
        return sum(weekday >= 5 for weekday in weekdays) / len(weekdays)


class Asset:
    def __init__(self, market, bundle, row, kept, delisted_after):
        self.market = market
        self.sid = bundle.sids[row]
        self.symbol = min(bundle.symbols[row], default=str(self.sid))
        for name in COLUMNS:
            setattr(self, name, [bundle.columns[name][row][d] for d in kept])
        self.end = bisect.bisect_right(market.days, bundle.days[bundle.ends[row]]) - 1   # the last session of its life
        self.delisted = self.delisting(market.days, bundle, row, delisted_after)
        self.splits = self.by_session(bundle, "splits", "effective_date", "ratio")
        self.mergers = self.by_session(bundle, "mergers", "effective_date", "ratio")
        self.dividends = self.by_session(bundle, "dividends", "effective_date", "ratio")
        self.payouts = self.read_payouts(bundle)
        self.observe()

    @staticmethod
    def delisting(days, bundle, row, delisted_after):
        """The session at which it is delisted, or None."""
        end = bundle.ends[row]
        if delisted_after is None or not 0 <= end < len(bundle.days):
            return None
        e = bisect.bisect_right(days, bundle.days[end]) - 1
        return e if 0 <= e and len(days) - 1 - e >= delisted_after else None

    def rows_of(self, bundle, table, date_field, value_field):
        """Those of this asset which count, in order of date."""
        rows = [r for r in bundle.tables[table] if int(r["sid"]) == self.sid and is_price(float(r[value_field]))]
        return sorted(rows, key=lambda r: int(r[date_field]))  # stable: equal dates stay in the order of the table

    def by_session(self, bundle, table, date_field, value_field):
        found = {}
        for r in self.rows_of(bundle, table, date_field, value_field):
            session = self.market.session_of(int(r[date_field]))
            if session is not None:
                found.setdefault(session, []).append(float(r[value_field]))
        return found

    def read_payouts(self, bundle):
        """{ex session: [(amount, session of the payment or None), ...]}"""
        found = {}
        for r in self.rows_of(bundle, "dividend_payouts", "ex_date", "amount"):
            ex = self.market.session_of(int(r["ex_date"]))
            if ex is None:
                continue
            date = int(r["pay_date"])
            pay = None
            if date != MISSING and date <= self.market.days[-1]:
                pay = max(ex, bisect.bisect_left(self.market.days, date))
            found.setdefault(ex, []).append((float(r["amount"]), pay))
        return found

    def observe(self):
        """Adjusted closes, and which observation is the last at each session, up to the end of the range."""
        self.adj = []
        self.session_of = []     # of an observation
        self.observations = []   # by session: how many there are up to and including it (j + 1)
        self.first_mark = NAN    # just before the range
        mark, growth = NAN, 1.0
        for session in range(self.market.last + 1):
            if session == self.market.first:
                self.first_mark = mark
            for ratio in self.splits.get(session, ()):
                growth = growth * ratio
                mark = mark * ratio
            if self.has_close(session):
                mark = self.close[session]
                if not self.is_delisted(session):
                    self.adj.append(divide(mark, growth))
                    self.session_of.append(session)
            self.observations.append(len(self.adj))
        self.prefix = exact_prefix(self.adj)

    def has_close(self, session):
        return is_price(self.close[session])

    def is_delisted(self, session):
        return self.delisted is not None and session >= self.delisted

    def mean(self, count, k):
        """Of the k observations that end with number count - 1."""
        return rounded_once(self.prefix[count] - self.prefix[count - k], k)

    def deviation(self, count, k):
        return deviation_of(self.adj[count - k:count], self.mean(count, k))

    def window(self, session, column, k, adjusted=True, carried=False):
        """The last k bars up to a session as they look from there."""
        return [self.seen_from(session, column, s, adjusted, carried) for s in range(session - k + 1, session + 1)]

    def seen_from(self, session, column, s, adjusted, carried):
        values, is_volume = getattr(self, column), column == "volume"
        while carried and not is_volume and s >= 0 and not is_price(values[s]):
            s -= 1
        value = values[s] if s >= 0 else NAN
        if is_volume:
            value = 0.0 if math.isnan(value) else value
        elif not is_price(value):
            return NAN
        for table in [self.splits] if is_volume else [self.splits, self.mergers, self.dividends]:
            for later in range(s + 1, session + 1) if adjusted and s >= 0 else ():
                for ratio in table.get(later, ()):
                    value = value / ratio if is_volume else value * ratio
        return value
