#!/usr/bin/env python3
"""The backtests of docs/backtest.md, computed a second time and independently of the C code.

usage: reference.py BUNDLE.h5 STRATEGY [--param NAME=A,B,... | --param NAME=FROM:TO[:STEP] ...]
                    [--start YYYY-MM-DD] [--end YYYY-MM-DD] [--symbols A,B]
                    [--cash X] [--commission BPS] [--slippage BPS] --out FILE.csv

Writes the same CSV as `optimizer --out`. Slow and plain on purpose: one loop over the sessions, in the
order and with the words of the rule book. Needs numpy and h5py.
"""

import argparse
import itertools
import math
import sys

import h5py
import numpy as np

NAN = math.nan
METRICS = ["total_return", "cagr", "sharpe", "sortino", "max_drawdown", "calmar", "trades"]

# strategy -> [(parameter, type, least value, default)], in declared order
STRATEGIES = {
    "sma_cross": [("fast", int, 1, 20), ("slow", int, 1, 50)],
    "momentum": [("lookback", int, 1, 126), ("top", int, 1, 10), ("rebalance", int, 1, 21)],
    "mean_reversion": [("lookback", int, 2, 20), ("entry", float, None, 2.0), ("exit", float, None, 0.5)],
    "buy_and_hold": [],
}


class Refused(Exception):
    """The request or the file is not one that can be computed."""


# ---- arithmetic as C does it, where Python would raise -------------------------------------------

def divide(a, b):
    if b != 0.0:
        return a / b
    if a == 0.0 or math.isnan(a):
        return NAN
    return math.copysign(math.inf, a) * math.copysign(1.0, b)


def power(a, b):
    try:
        return math.pow(a, b)
    except OverflowError:
        return math.inf


def floor(x):
    return float(math.floor(x)) if math.isfinite(x) else x


def is_price(x):
    return math.isfinite(x) and x > 0.0


# ---- the file ------------------------------------------------------------------------------------

class Bundle:
    """The whole file: every asset and every session."""

    def __init__(self, path):
        with h5py.File(path, "r") as h5:
            groups = [g for g in h5.values() if isinstance(g, h5py.Group) and "data" in g and "index" in g]
            if len(groups) != 1:
                raise Refused("expected one country group, found %d" % len(groups))
            country = groups[0]
            self.days = [int(d) for d in country["index/day"][:]]
            self.sids = [int(s) for s in country["index/sid"][:]]
            if self.sids != sorted(set(self.sids)):
                raise Refused("the sids are not in ascending order")
            if self.days != sorted(set(self.days)):
                raise Refused("the sessions are not in ascending order")
            self.open = read_prices(country["data/open"])
            self.close = read_prices(country["data/close"])
            self.symbols = self.read_symbols(country)
            self.delisted = self.read_delistings(country)
            # per asset: {session: [ratio or amount, ...]}, each list in order of date
            self.splits = self.read_adjustments(country, "splits", "effective_date", "ratio")
            self.dividends = self.read_adjustments(country, "dividend_payouts", "ex_date", "amount")

    def read_symbols(self, country):
        symbol_of = {}
        if "assets" in country and "symbol" in country["assets"]:
            for sid, symbol in zip(country["assets/sid"][:], country["assets/symbol"][:]):
                symbol_of[int(sid)] = symbol.decode("utf-8") if isinstance(symbol, bytes) else str(symbol)
        return [symbol_of.get(sid, str(sid)) for sid in self.sids]

    def read_delistings(self, country):
        """Per asset the session at which it is delisted, or None."""
        last = len(self.days) - 1
        if "lifetimes" in country:
            ends = [int(e) for e in country["lifetimes/end_date"][:]]
        else:
            ends = [last] * len(self.sids)
        return [e if 0 <= e < last else None for e in ends]

    def read_adjustments(self, country, table, date_column, value_column):
        found = [{} for _ in self.sids]
        if "adjustments" not in country or table not in country["adjustments"]:
            return found
        asset_of = {sid: a for a, sid in enumerate(self.sids)}
        rows = country["adjustments"][table][:]
        rows = [(int(r[date_column]), int(r["sid"]), float(r[value_column])) for r in rows]
        rows.sort(key=lambda row: row[0])  # stable: equal dates stay in the order of the table
        for date, sid, value in rows:
            if sid not in asset_of or not self.days or not (math.isfinite(value) and value > 0.0):
                continue
            if date < self.days[0] or date > self.days[-1]:
                continue
            session = next(i for i, day in enumerate(self.days) if day >= date)
            found[asset_of[sid]].setdefault(session, []).append(value)
        return found


def read_prices(dataset):
    """A list per asset of floats, NaN where missing."""
    factor = 1.0 / float(dataset.attrs["scaling_factor"])
    raw = dataset[:].astype(np.float64)
    prices = raw * factor
    prices[raw == 0.0] = np.nan
    return prices.tolist()


class Asset:
    """One selected asset, with what the signals need of it."""

    def __init__(self, bundle, row, first, last):
        self.open = bundle.open[row]
        self.close = bundle.close[row]
        self.splits = bundle.splits[row]
        self.dividends = bundle.dividends[row]
        self.delisted = bundle.delisted[row]
        self.adj = []              # adjusted closes, by number of observation
        self.prefix = [0.0]        # P
        self.observations = []     # by session: how many there are up to and including it (j + 1)
        self.first_mark = NAN      # the mark just before session `first`
        mark = NAN
        growth = 1.0               # G
        for session in range(last + 1):
            if session == first:
                self.first_mark = mark
            for ratio in self.splits.get(session, ()):
                growth = growth * ratio
                mark = mark * ratio
            close = self.close[session]
            if is_price(close):
                mark = close
                self.adj.append(divide(close, growth))
                self.prefix.append(self.prefix[-1] + self.adj[-1])
            self.observations.append(len(self.adj))

    def has_close(self, session):
        return is_price(self.close[session])

    def is_delisted(self, session):
        return self.delisted is not None and session >= self.delisted


# ---- strategies: after the close of each session, which assets are signalled -----------------------

class SmaCross:
    def __init__(self, parameters):
        self.fast, self.slow = parameters

    @staticmethod
    def is_skipped(parameters):
        fast, slow = parameters
        return fast >= slow

    def is_rebalance(self, t):
        return False

    def signalled(self, assets, t, session):
        result = set()
        for a, asset in enumerate(assets):
            if asset.is_delisted(session):
                continue
            count = asset.observations[session]
            if count >= self.slow:
                p = asset.prefix
                fast = (p[count] - p[count - self.fast]) / self.fast
                slow = (p[count] - p[count - self.slow]) / self.slow
                if fast > slow:
                    result.add(a)
        return result


class Momentum:
    def __init__(self, parameters):
        self.lookback, self.top, self.rebalance = parameters
        self.chosen = set()

    @staticmethod
    def is_skipped(parameters):
        return False

    def is_rebalance(self, t):
        return t % self.rebalance == 0

    def signalled(self, assets, t, session):
        if self.is_rebalance(t):
            ranking = []
            for a, asset in enumerate(assets):
                count = asset.observations[session]
                if asset.is_delisted(session) or count < self.lookback + 1:
                    continue
                j = count - 1
                score = divide(asset.adj[j], asset.adj[j - self.lookback]) - 1
                ranking.append((-score, a))
            ranking.sort()
            self.chosen = {a for _, a in ranking[:self.top]}
        return {a for a in self.chosen if not assets[a].is_delisted(session)}


class MeanReversion:
    def __init__(self, parameters):
        self.lookback, self.entry, self.exit = parameters
        self.held = set()

    @staticmethod
    def is_skipped(parameters):
        _, entry, exit_ = parameters
        return exit_ >= entry

    def is_rebalance(self, t):
        return False

    def signalled(self, assets, t, session):
        for a, asset in enumerate(assets):
            if asset.is_delisted(session):
                self.held.discard(a)
                continue
            count = asset.observations[session]
            if not asset.has_close(session) or count < self.lookback:
                continue
            window = asset.adj[count - self.lookback:count]
            total = 0.0
            for x in window:
                total = total + x
            mean = total / self.lookback
            squares = 0.0
            for x in window:
                squares = squares + (x - mean) * (x - mean)
            sd = math.sqrt(squares / (self.lookback - 1))
            if sd == 0.0:
                continue
            z = (window[-1] - mean) / sd
            if a not in self.held and z < -self.entry:
                self.held.add(a)
            elif a in self.held and z > -self.exit:
                self.held.discard(a)
        return set(self.held)


class BuyAndHold:
    def __init__(self, parameters):
        self.chosen = set()

    @staticmethod
    def is_skipped(parameters):
        return False

    def is_rebalance(self, t):
        return False

    def signalled(self, assets, t, session):
        if t == 0:
            self.chosen = {a for a, asset in enumerate(assets) if asset.has_close(session)}
        return {a for a in self.chosen if not assets[a].is_delisted(session)}


KERNELS = {"sma_cross": SmaCross, "momentum": Momentum, "mean_reversion": MeanReversion,
           "buy_and_hold": BuyAndHold}


# ---- one backtest ----------------------------------------------------------------------------------

def after_split(quantity, ratio):
    """Shares after a split, and the fraction of a share that is paid out."""
    x = quantity / ratio
    nearest = floor(x + 0.5)
    if abs(x - nearest) <= 1e-6 * max(1.0, x):
        return nearest, 0.0
    return floor(x), x - floor(x)


def run(assets, strategy, first, last, start_cash, slip, rate):
    """Equity after each session, and the number of trades."""
    cash = start_cash
    shares = [0.0] * len(assets)
    target = [None] * len(assets)      # of the unfilled order; None: no order
    mark = [asset.first_mark for asset in assets]
    trades = 0
    equity = []
    decided = set()                    # the signalled set of the previous decision

    for session in range(first, last + 1):
        t = session - first

        # 1. splits
        for a, asset in enumerate(assets):
            for ratio in asset.splits.get(session, ()):
                if shares[a] > 0.0:
                    shares[a], fraction = after_split(shares[a], ratio)
                    if fraction > 0.0:
                        cash = cash + fraction * (mark[a] * ratio)
                if target[a] is not None:
                    target[a], _ = after_split(target[a], ratio)
                mark[a] = mark[a] * ratio

        # 2. dividends
        for a, asset in enumerate(assets):
            for amount in asset.dividends.get(session, ()):
                cash = cash + amount * shares[a]

        # 3. open: all sales, then all buys
        for a, asset in enumerate(assets):
            if target[a] is None or not is_price(asset.open[session]):
                continue
            if target[a] < shares[a]:
                quantity = shares[a] - target[a]
                price = asset.open[session] * (1 - slip)
                value = quantity * price
                cash = cash + (value - rate * value)
                shares[a] = target[a]
                target[a] = None
                trades += 1
        for a, asset in enumerate(assets):
            if target[a] is None or not is_price(asset.open[session]):
                continue
            if target[a] > shares[a]:
                quantity = target[a] - shares[a]
                price = asset.open[session] * (1 + slip)
                value = quantity * price
                cost = value + rate * value
                if cost > cash:
                    quantity = floor(cash / (price + rate * price))
                    value = quantity * price
                    cost = value + rate * value
                    if cost > cash:
                        quantity = quantity - 1.0
                        value = quantity * price
                        cost = value + rate * value
                if quantity > 0.0:
                    cash = cash - cost
                    shares[a] = shares[a] + quantity
                    trades += 1
            target[a] = None

        # 4. close
        for a, asset in enumerate(assets):
            if asset.has_close(session):
                mark[a] = asset.close[session]

        # 5. delistings
        for a, asset in enumerate(assets):
            if asset.delisted == session:
                if shares[a] > 0.0:
                    price = mark[a] * (1 - slip)
                    value = shares[a] * price
                    cash = cash + (value - rate * value)
                    shares[a] = 0.0
                    trades += 1
                target[a] = None
                decided.discard(a)

        # 6. equity
        total = cash
        for a in range(len(assets)):
            if shares[a] > 0.0:
                total = total + shares[a] * mark[a]
        equity.append(total)
        if not (math.isfinite(total) and total > 0.0):
            return None, trades        # failed

        # 7. decision
        signalled = strategy.signalled(assets, t, session)
        if session < last and (signalled != decided or strategy.is_rebalance(t)):
            for a in range(len(assets)):
                if a in signalled:
                    wanted = floor(divide(total / len(signalled), mark[a]))
                else:
                    wanted = 0.0
                target[a] = wanted if wanted != shares[a] else None
            decided = signalled

    return equity, trades


def metrics(equity, trades, start_cash):
    n = len(equity)
    m = n - 1
    returns = [equity[t] / equity[t - 1] - 1 for t in range(1, n)]
    total = 0.0
    for r in returns:
        total = total + r
    mean = total / m

    total_return = equity[n - 1] / start_cash - 1
    cagr = power(equity[n - 1] / start_cash, 252 / m) - 1

    sharpe = sortino = NAN
    if m >= 2:
        squares = 0.0
        for r in returns:
            squares = squares + (r - mean) * (r - mean)
        sd = math.sqrt(squares / (m - 1))
        if sd != 0.0:
            sharpe = mean / sd * math.sqrt(252)
        squares = 0.0
        for r in returns:
            squares = squares + min(r, 0.0) * min(r, 0.0)
        dd = math.sqrt(squares / (m - 1))
        if dd != 0.0:
            sortino = mean / dd * math.sqrt(252)

    max_drawdown = 0.0
    peak = equity[0]
    for e in equity:
        peak = max(peak, e)
        max_drawdown = max(max_drawdown, 1 - e / peak)
    calmar = cagr / max_drawdown if max_drawdown != 0.0 else NAN

    return [total_return, cagr, sharpe, sortino, max_drawdown, calmar, trades]


# ---- the request -----------------------------------------------------------------------------------

def number(text, kind):
    try:
        value = float(text)
    except ValueError:
        raise Refused("not a number: '%s'" % text)
    if not math.isfinite(value) or (kind is int and value != int(value)):
        raise Refused("not %s: '%s'" % ("an integer" if kind is int else "finite", text))
    return kind(value)


def values_of(text, kind, least):
    """A,B,... or FROM:TO[:STEP]; TO is included if it is on the grid."""
    parts = [number(part, kind) for part in text.split(":")] if ":" in text else []
    if not parts:
        values = [number(part, kind) for part in text.split(",")]
    elif len(parts) in (2, 3):
        a, b, s = (parts + [1])[:3]
        if s <= 0 or b < a:
            raise Refused("empty grid: '%s'" % text)
        if kind is int:
            values = list(range(a, b + 1, s))
        else:
            # b counts as on the grid within a billionth of a step
            count = int(math.floor((b - a) / s + 1e-9)) + 1
            values = [a + i * s for i in range(count)]
    else:
        raise Refused("neither A,B,... nor FROM:TO[:STEP]: '%s'" % text)
    if least is not None and min(values) < least:
        raise Refused("below %d: '%s'" % (least, text))
    return values


def grid_of(strategy, arguments):
    given = {}
    for argument in arguments:
        name, equals, text = argument.partition("=")
        if not equals or name in given or name not in [p[0] for p in STRATEGIES[strategy]]:
            raise Refused("bad parameter: '%s'" % argument)
        given[name] = text
    axes = []
    for name, kind, least, default in STRATEGIES[strategy]:
        axes.append(values_of(given[name], kind, least) if name in given else [default])
    return list(itertools.product(*axes))   # first parameter slowest, last fastest


def day_number(text):
    try:
        return int(np.datetime64(text, "D").astype("datetime64[ns]").astype(np.int64))
    except ValueError:
        raise Refused("not a date: '%s'" % text)


def select(bundle, symbols, start, end):
    """The selected assets and the first and last session, as indices into the bundle."""
    start = day_number(start) if start else None
    end = day_number(end) if end else None
    sessions = [i for i, day in enumerate(bundle.days)
                if (start is None or day >= start) and (end is None or day <= end)]
    if len(sessions) < 2:
        raise Refused("fewer than two sessions in the range")
    first, last = sessions[0], sessions[-1]
    rows = range(len(bundle.sids))
    if symbols:
        wanted = set(symbols.split(","))
        unknown = wanted - set(bundle.symbols)
        if unknown:
            raise Refused("no such symbol: %s" % ", ".join(sorted(unknown)))
        rows = [row for row in rows if bundle.symbols[row] in wanted]
    return [Asset(bundle, row, first, last) for row in rows], first, last


def cell(value):
    return "%d" % value if isinstance(value, int) else "nan" if math.isnan(value) else "%.17g" % value


def main():
    parser = argparse.ArgumentParser(description="The backtests of docs/backtest.md, computed independently.")
    parser.add_argument("bundle")
    parser.add_argument("strategy", choices=list(STRATEGIES))
    parser.add_argument("--param", action="append", default=[])
    parser.add_argument("--start")
    parser.add_argument("--end")
    parser.add_argument("--symbols")
    parser.add_argument("--cash", type=float, default=10000000.0)
    parser.add_argument("--commission", type=float, default=0.0)
    parser.add_argument("--slippage", type=float, default=0.0)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()

    if not (math.isfinite(args.cash) and args.cash > 0.0):
        raise Refused("cash must be positive")
    if not (0.0 <= args.commission < 10000.0 and 0.0 <= args.slippage < 10000.0):
        raise Refused("costs must be at least 0 and below 10000 basis points")
    slip = args.slippage / 10000
    rate = args.commission / 10000

    grid = grid_of(args.strategy, args.param)
    assets, first, last = select(Bundle(args.bundle), args.symbols, args.start, args.end)
    kernel = KERNELS[args.strategy]
    names = [p[0] for p in STRATEGIES[args.strategy]]

    with open(args.out, "w", newline="") as out:
        out.write(",".join(["index", "status"] + names + METRICS) + "\n")
        for index, parameters in enumerate(grid):
            cells = [""] * len(METRICS)
            if kernel.is_skipped(parameters):
                status = "skipped"
            else:
                equity, trades = run(assets, kernel(parameters), first, last, args.cash, slip, rate)
                if equity is None:
                    status = "failed"
                else:
                    status = "done"
                    cells = [cell(v) for v in metrics(equity, trades, args.cash)]
            out.write(",".join(["%d" % index, status] + [cell(p) for p in parameters] + cells) + "\n")


if __name__ == "__main__":
    try:
        main()
    except (Refused, OSError, KeyError) as error:
        sys.exit("reference: error: %s" % error)
