#!/usr/bin/env python3
"""numpy_sma.py BUNDLE.h5 [--param fast=VALUES] [--param slow=VALUES] [--commission BPS] [--slippage BPS] [--cash X]
                [--out FILE.csv] [--json] [--batch N]

What a quant would use instead of `optimizer`: the grid search over sma_cross by the rules of docs/backtest.md, in
NumPy, one process and one thread, written for speed. VALUES are A,B,... or FROM:TO[:STEP]. Prints the number of
backtests (fast < slow; the others are skipped), the seconds that they alone took (without start-up and reading the
file), and their quotient. --out writes the CSV of `optimizer --out`.

How it works. Many combinations are simulated at once, as arrays [combination][asset], session by session:
 1. Prefix sums of adjusted closes by number of observation. From them the averages of all windows of the grid, for a
    stretch of sessions at a time, [session][window][asset]; the signals of a batch are comparisons of these.
 2. Fills are dense: all orders of a session are one difference target - shares. What sales bring and buys cost are
    its products with the row of opens. Where the cash suffices, targets become shares by the swap of two pointers.
 3. Where it does not, assets are served in order until the cash runs out. That needs a running sum, NumPy's slowest
    operation: it is taken over the last assets only, before which the cash seldom runs out. What the rest of the cash
    still buys is found by looking for the next asset that is cheap enough.
 4. Batches are so small that their arrays stay in the cache of a core (--batch: by default CELLS / assets).
Sums are not taken in the order of the rule book: results differ by some 1e-14, and tests/optimizer/compare.py --rel
1e-9 accepts them. Compare with costs: without any, money and prices are multiples of the same thousandth, quotients
that are whole numbers do occur, and come out a share higher or lower than the rules have it.
"""
import argparse
import itertools
import json
import math
import os
import sys
import time

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1" # before NumPy looks

# pylint: disable=wrong-import-position
import h5py
import numpy as np

METRICS = ["total_return", "cagr", "sharpe", "sortino", "max_drawdown", "calmar", "trades"]
STRETCH = 64    # sessions between two changes of batch; at most 255, what a byte counts
TAIL = 32       # assets among which the cash mostly runs out
CELLS = 1 << 16 # [combination][asset] of a batch: half a megabyte each

# The file ----------------------------------------------------------------------------------------------------------


def prices(dataset):
    """[asset][session] of floats, NaN where missing."""
    raw = dataset[:]
    return np.where(raw == 0, np.nan, raw * (1.0 / float(dataset.attrs["scaling_factor"])))


def adjustments(country, table, date, value, days, sids):
    """(session, asset, value) in order of date; equal dates in the order of the table."""
    if f"adjustments/{table}" not in country:
        return []
    rows = country[f"adjustments/{table}"][:]
    rows = rows[np.argsort(rows[date], kind="stable")]
    asset = np.minimum(np.searchsorted(sids, rows["sid"]), len(sids) - 1)
    good = (sids[asset] == rows["sid"]) & (rows[date] >= days[0]) & (rows[date] <= days[-1])
    good &= np.isfinite(rows[value]) & (rows[value] > 0)
    return list(zip(np.searchsorted(days, rows[date][good]).tolist(), asset[good].tolist(), rows[value][good].tolist()))


class Bundle: # pylint: disable=too-few-public-methods
    """What a backtest needs of the file."""

    def __init__(self, path):
        with h5py.File(path, "r") as h5:
            country = next(g for g in h5.values() if isinstance(g, h5py.Group) and "data" in g and "index" in g)
            days, sids = country["index/day"][:], country["index/sid"][:]
            self.open, self.close = prices(country["data/open"]), prices(country["data/close"])
            self.splits = adjustments(country, "splits", "effective_date", "ratio", days, sids)
            self.dividends = adjustments(country, "dividend_payouts", "ex_date", "amount", days, sids)
            ends = country["lifetimes/end_date"][:] if "lifetimes" in country else np.full(len(sids), -1)
            self.delisted = np.where((ends >= 0) & (ends < len(days) - 1), ends, -1)


# What all combinations share ---------------------------------------------------------------------------------------


def by_session(events, n):
    lists = [[] for _ in range(n)]
    for t, *event in events:
        lists[t].append(event)
    return lists


class Market: # pylint: disable=too-few-public-methods,too-many-instance-attributes
    """Arrays [session][asset]; assets are padded to a multiple of 8, so that 8 flags are one word."""

    def __init__(self, bundle):
        count, self.sessions = bundle.open.shape
        n = self.sessions
        self.assets = (count + 7) // 8 * 8
        pad = ((0, 0), (0, self.assets - count))
        opens = np.pad(bundle.open.T, pad, constant_values=np.nan)
        close = np.pad(bundle.close.T, pad, constant_values=np.nan)
        has_close = np.isfinite(close) & (close > 0)
        has_open = np.isfinite(opens) & (opens > 0)
        self.splits = by_session(bundle.splits, n)
        self.dividends = [day and [np.array(c) for c in zip(*day)] for day in by_session(bundle.dividends, n)]
        self.delistings = by_session([(int(e), a) for a, e in enumerate(bundle.delisted) if e >= 0], n)

        # marks carry closes forward, splits applied; growth is G
        self.mark = np.zeros((n, self.assets))
        growth, mark, divisor = np.ones(self.assets), np.zeros(self.assets), np.ones((n, self.assets))
        for t in range(n):
            for a, ratio in self.splits[t]:
                growth[a] *= ratio
                mark[a] *= ratio
            np.copyto(mark, close[t], where=has_close[t])
            self.mark[t], divisor[t] = mark, growth

        # prefix[cnt] is the sum of the first cnt observations of each asset
        self.count = np.cumsum(has_close, axis=0)
        self.prefix = np.zeros((n + 1, self.assets))
        t, a = np.nonzero(has_close)
        self.prefix[self.count[t, a], a] = close[t, a] / divisor[t, a]
        np.cumsum(self.prefix, axis=0, out=self.prefix)

        alive = self.count > 0
        for a, e in enumerate(bundle.delisted):
            if e >= 0:
                alive[e:, a] = False
                self.count[e:, a] = 0 # nothing to signal from then on
        self.open = np.where(has_open, opens, 0.0)
        self.waits = [np.flatnonzero(row) for row in ~has_open & alive] # who may have an order, but no open


class Averages: # pylint: disable=too-few-public-methods
    """Simple moving averages of all windows, for a stretch of sessions at a time."""

    def __init__(self, market, windows):
        n, self.assets = market.sessions, market.assets
        self.windows = windows
        self.reach = [min(k, n + 1) for k in windows]
        # before the first observation -inf: an average that does not exist yet is +inf, and inf > inf is false
        self.prefix = np.concatenate((np.full((n + 1, self.assets), -np.inf), market.prefix)).ravel()
        self.at = (market.count + n + 1) * self.assets + np.arange(self.assets)

    def stretch(self, first, last):
        """[session][window][asset]"""
        at = self.at[first:last]
        now = self.prefix[at]
        result = np.empty((last - first, len(self.windows), self.assets))
        index, before = np.empty_like(at), np.empty_like(now)
        for w, (k, reach) in enumerate(zip(self.windows, self.reach)):
            np.subtract(at, reach * self.assets, out=index)
            np.take(self.prefix, index, out=before, mode="clip")
            np.subtract(now, before, out=before)
            np.divide(before, k, out=result[:, w])
        return result


def fastest_product():
    """[combination][asset] times [asset]: NumPy's own loop, or that of the BLAS it was built with."""
    matrix, vector = np.ones((64, 504)), np.ones(504)
    best = {}
    for product in (lambda m, v: np.einsum("ca,a->c", m, v), np.matmul):
        times = []
        for _ in range(20):
            began = time.perf_counter()
            product(matrix, vector)
            times.append(time.perf_counter() - began)
        best[min(times)] = product
    return best[min(best)]


# The account -------------------------------------------------------------------------------------------------------


class Costs: # pylint: disable=too-few-public-methods
    def __init__(self, commission, slippage):
        self.rate = commission / 10000
        self.up, self.down = 1 + slippage / 10000, 1 - slippage / 10000
        self.sale = self.down * (1 - self.rate) # of an open, what a sale brings
        self.buy = self.up * (1 + self.rate)


class Batch: # pylint: disable=too-many-instance-attributes
    """The accounts of some combinations: `fast` and `slow` number their windows."""

    def __init__(self, market, costs, cash, fast, slow, product):
        size, assets = len(fast), market.assets
        self.market, self.costs, self.product = market, costs, product
        # (rows, fast, slow) of consecutive combinations with one fast and consecutive slow windows
        self.groups, at = [], 0
        for k in range(1, size + 1):
            if k == size or fast[k] != fast[at] or slow[k] != slow[k - 1] + 1:
                self.groups.append((slice(at, k), fast[at], slice(slow[at], slow[at] + k - at)))
                at = k
        self.cash = np.full(size, float(cash))
        self.equity = np.empty((market.sessions, size))
        self.trades = np.zeros(size, np.int64)
        self.shares, self.target = np.zeros((size, assets)), np.zeros((size, assets))
        self.signal, self.before = np.zeros((size, assets), bool), np.zeros((size, assets), bool)
        self.ordered = False # otherwise `target` means nothing
        self.waiting = None  # (assets, targets): orders that the session has left unfilled

    def advance(self, first, averages, work):
        """Through the sessions of these averages."""
        work = work[:len(self.cash)]
        last = self.market.sessions - 1
        for t, average in enumerate(averages, first):
            self.split(t)
            self.pay(t)
            self.waiting = None
            if self.ordered:
                self.fill(t, work)
            self.delist(t)
            np.add(self.cash, self.product(self.shares, self.market.mark[t]), out=self.equity[t])
            if t < last:
                self.decide(t, average, work)
        self.trades += work.filled.sum(axis=1, dtype=np.int64)
        work.filled[:] = 0

    def split(self, t):
        mark = {}
        for a, ratio in self.market.splits[t]:
            mark[a] = mark.get(a, self.market.mark[t - 1, a] if t else 0.0) * ratio
            self.shares[:, a], fraction = after_split(self.shares[:, a], ratio)
            self.target[:, a], _ = after_split(self.target[:, a], ratio)
            self.cash += fraction * mark[a]

    def pay(self, t):
        if self.market.dividends[t]:
            assets, amounts = self.market.dividends[t]
            self.cash += np.einsum("ca,a->c", self.shares[:, assets], amounts)

    def fill(self, t, work):
        opens, waits = self.market.open[t], self.market.waits[t]
        np.subtract(self.target, self.shares, out=work.order)
        if len(waits):
            self.waiting = waits, self.target[:, waits]
            work.order[:, waits] = 0.0
            self.target[:, waits] = self.shares[:, waits]
        np.not_equal(work.order, 0.0, out=work.flag)
        np.add(work.filled, work.flag.view(np.uint8), out=work.filled)
        np.abs(work.order, out=work.other) # minimum(order, 0) takes three times as long
        net, turnover = self.product(work.order, opens), self.product(work.other, opens)
        need = (turnover + net) * (0.5 * self.costs.buy)
        self.cash += (turnover - net) * (0.5 * self.costs.sale)
        short = (need > self.cash * (1 - 1e-12)).nonzero()[0]
        if len(short):
            cash = self.ration(t, work, short, need[short])
            self.cash -= need
            self.cash[short] = cash
        else:
            self.cash -= need
        self.shares, self.target = self.target, self.shares # what was the target is held now

    def ration(self, t, work, rows, need):
        """Buys of accounts that cannot pay them all, in order of assets. Returns what cash they have left."""
        low = max(self.market.assets - TAIL, 0)
        opens = self.market.open[t, low:]
        bought = self.product(np.maximum(work.order[:, low:][rows], 0.0), opens * self.costs.buy)
        cash = self.cash[rows] - (need - bought) # when the first of the tail is to be bought
        early = (cash < 0).nonzero()[0] if low else ()
        if len(early):
            late = (cash >= 0).nonzero()[0]
            cash[early] = self.ration_from(t, work, rows[early], self.cash[rows[early]], 0)
            cash[late] = self.ration_from(t, work, rows[late], cash[late], low)
            return cash
        return self.ration_from(t, work, rows, cash, low)

    def ration_from(self, t, work, rows, cash, low):
        opens, rate = self.market.open[t, low:], self.costs.rate
        price = opens * self.costs.up
        unit = price + rate * price
        order = work.order[:, low:][rows]
        want = np.maximum(order, 0.0)
        left = np.empty((len(rows), len(unit) + 1)) # cash before each asset
        left[:, 0] = cash
        np.multiply(want, -unit, out=left[:, 1:])
        np.cumsum(left, axis=1, out=left)
        row = np.arange(len(rows))
        over = left[:, 1:] < 0
        cut = np.where(over.any(axis=1), over.argmax(axis=1), len(unit))
        cash = left[row, cut]

        # from there on only what is cheap enough for what is left
        after = np.arange(len(unit)) >= cut[:, None]
        open_orders = after & (want > 0)
        cheap = np.where(open_orders, unit, np.inf)
        got = np.where(after, 0.0, want)
        dropped = open_orders.sum(axis=1)
        while True:
            hit = cheap <= cash[:, None]
            column = hit.argmax(axis=1)
            found = hit[row, column].nonzero()[0]
            if not len(found):
                break
            column, have = column[found], cash[found]
            q = np.minimum(want[found, column], np.floor(have / unit[column]))
            value = q * price[column]
            q -= value + rate * value > have
            value = q * price[column]
            cash[found] = have - (value + rate * value)
            got[found, column] = q
            cheap[found, column] = np.inf
            dropped[found] -= q > 0
        self.trades[rows] -= dropped
        self.target[rows, low:] = self.shares[:, low:][rows] + np.minimum(order, 0.0) + got
        return cash

    def delist(self, t):
        for (a,) in self.market.delistings[t]:
            self.cash += self.shares[:, a] * (self.market.mark[t, a] * self.costs.sale)
            self.trades += self.shares[:, a] > 0
            self.shares[:, a] = 0.0
            self.before[:, a] = False
            if self.waiting is not None:
                self.waiting[1][:, self.waiting[0] == a] = 0.0

    def decide(self, t, average, work):
        for rows, fast, slow in self.groups:
            np.greater(average[fast], average[slow], out=self.signal[rows])
        changed = (self.signal.view(np.uint64) != self.before.view(np.uint64)).any(axis=1)
        some = changed.any()
        if some:
            members = count_flags(self.signal)
            np.divide((self.equity[t] / members)[:, None], self.market.mark[t], out=self.target)
            np.floor(self.target, out=self.target)
            # 0 or 1 to no bits or all bits, which is quicker than to multiply by a flag
            np.negative(self.signal.view(np.int8), out=work.flag.view(np.int8))
            np.copyto(work.mask, work.flag.view(np.int8))
            np.bitwise_and(self.target.view(np.int64), work.mask, out=self.target.view(np.int64))
            if not changed.all():
                same = (~changed).nonzero()[0]
                self.target[same] = self.shares[same]
                if self.waiting is not None:
                    self.target[same[:, None], self.waiting[0]] = self.waiting[1][same]
        elif self.waiting is not None:
            np.copyto(self.target, self.shares)
            self.target[:, self.waiting[0]] = self.waiting[1]
        self.ordered = some or self.waiting is not None
        self.signal, self.before = self.before, self.signal


class Work: # pylint: disable=too-few-public-methods
    """Arrays that all batches use one after the other."""

    def __init__(self, size, assets):
        self.order, self.other = np.empty((size, assets)), np.empty((size, assets))
        self.flag, self.mask = np.empty((size, assets), bool), np.empty((size, assets), np.int64)
        self.filled = np.zeros((size, assets), np.uint8)

    def __getitem__(self, rows):
        part = object.__new__(Work)
        for name, array in vars(self).items():
            setattr(part, name, array[rows])
        return part


def after_split(quantity, ratio):
    x = quantity / ratio
    nearest = np.floor(x + 0.5)
    is_whole = np.abs(x - nearest) <= 1e-6 * np.maximum(1.0, x)
    return np.where(is_whole, nearest, np.floor(x)), np.where(is_whole, 0.0, x - np.floor(x))


def count_flags(flags):
    """Per row; 8 flags are added at once as bytes of a word, while a byte can count them."""
    words = flags.shape[1] // 8
    if words > 255:
        return flags.sum(axis=1, dtype=np.int64)
    return np.add.reduce(flags.view(np.uint64), axis=1).view(np.uint8).reshape(-1, 8).sum(axis=1)


def metrics(equity, cash):
    """Of [session][combination]: a column per metric but `trades`."""
    m = len(equity) - 1
    r = equity[1:] / equity[:-1] - 1
    mean = r.sum(axis=0) / m
    growth = equity[-1] / cash
    cagr = growth ** (252 / m) - 1
    undefined = np.full(len(mean), np.nan)
    sharpe = sortino = undefined
    if m >= 2:
        sd = np.sqrt(((r - mean) ** 2).sum(axis=0) / (m - 1))
        dd = np.sqrt((np.minimum(r, 0) ** 2).sum(axis=0) / (m - 1))
        sharpe = np.where(sd == 0, np.nan, mean / sd * math.sqrt(252))
        sortino = np.where(dd == 0, np.nan, mean / dd * math.sqrt(252))
    drawdown = np.maximum((1 - equity / np.maximum.accumulate(equity, axis=0)).max(axis=0), 0)
    calmar = np.where(drawdown == 0, np.nan, cagr / drawdown)
    return [growth - 1, cagr, sharpe, sortino, drawdown, calmar]


def search(bundle, pairs, costs, cash, batch_size):
    """Equity [session][pair] and trades of all pairs (fast, slow), of which fast < slow."""
    market = Market(bundle)
    batch_size = batch_size or max(CELLS // market.assets, 1)
    batch_size = math.ceil(len(pairs) / math.ceil(len(pairs) / batch_size)) # all about the same
    windows = sorted({k for pair in pairs for k in pair})
    number = {k: w for w, k in enumerate(windows)}
    averages = Averages(market, windows)
    # pairs that share windows are neighbours: a batch of 128 needs some 24 windows
    side = max(math.isqrt(batch_size), 16)
    order = sorted(range(len(pairs)), key=lambda i: (number[pairs[i][1]] // side, number[pairs[i][0]], pairs[i][1]))
    product = fastest_product()
    batches = []
    for at in range(0, len(order), batch_size):
        part = [pairs[i] for i in order[at:at + batch_size]]
        fast, slow = (np.array([number[pair[side]] for pair in part]) for side in (0, 1))
        batches.append(Batch(market, costs, cash, fast, slow, product))
    work = Work(min(batch_size, len(pairs)), market.assets)
    for first in range(0, market.sessions, STRETCH):
        stretch = averages.stretch(first, min(first + STRETCH, market.sessions))
        for batch in batches:
            batch.advance(first, stretch, work)
    equity, trades = np.empty((market.sessions, len(pairs))), np.empty(len(pairs), np.int64)
    equity[:, order] = np.concatenate([batch.equity for batch in batches], axis=1)
    trades[order] = np.concatenate([batch.trades for batch in batches])
    return equity, trades


# The request -------------------------------------------------------------------------------------------------------


def values_of(text):
    """A,B,... or FROM:TO[:STEP], TO included."""
    if ":" not in text:
        values = [int(part) for part in text.split(",")]
    else:
        first, last, step = ([int(part) for part in text.split(":")] + [1])[:3]
        values = list(range(first, last + 1, step))
    if not values or min(values) < 1:
        raise ValueError(f"no values of at least 1: {text}")
    return values


def write(path, grid, done, columns, good):
    rows = {}
    for k, index in enumerate(done):
        rows[index] = ["failed"] + [""] * len(METRICS)
        if good[k]:
            rows[index] = ["done"] + ["nan" if math.isnan(c[k]) else f"{c[k]:.17g}" for c in columns[:-1]]
            rows[index].append(str(columns[-1][k]))
    with open(path, "w", encoding="ascii") as out:
        out.write(",".join(["index", "status", "fast", "slow"] + METRICS) + "\n")
        for index, (fast, slow) in enumerate(grid):
            status, *cells = rows.get(index, ["skipped"] + [""] * len(METRICS))
            out.write(",".join([str(index), status, str(fast), str(slow)] + cells) + "\n")


def main():
    parser = argparse.ArgumentParser(description="sma_cross over a grid of parameters, in NumPy")
    parser.add_argument("bundle")
    parser.add_argument("--param", action="append", default=[], metavar="NAME=VALUES")
    parser.add_argument("--commission", type=float, default=0.0)
    parser.add_argument("--slippage", type=float, default=0.0)
    parser.add_argument("--cash", type=float, default=10000000.0)
    parser.add_argument("--batch", type=int, default=0)
    parser.add_argument("--out")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    axes = {"fast": [20], "slow": [50]}
    for text in args.param:
        name, _, values = text.partition("=")
        if name not in axes:
            parser.error(f"no such parameter: {name}")
        try:
            axes[name] = values_of(values)
        except ValueError as error:
            parser.error(str(error))
    if args.batch < 0 or not args.cash > 0:
        parser.error("--batch is not negative, --cash is positive")
    if not (0 <= args.commission < 10000 and 0 <= args.slippage < 10000):
        parser.error("costs are at least 0 and below 10000 basis points")

    grid = list(itertools.product(axes["fast"], axes["slow"]))
    done = [index for index, (fast, slow) in enumerate(grid) if fast < slow]
    bundle = Bundle(args.bundle)
    began, cpu_began = time.perf_counter(), time.process_time()
    columns, good = [[] for _ in METRICS], []
    if done:
        with np.errstate(all="ignore"):
            pairs = [grid[index] for index in done]
            equity, trades = search(bundle, pairs, Costs(args.commission, args.slippage), args.cash, args.batch)
            good = (np.isfinite(equity) & (equity > 0)).all(axis=0)
            columns = metrics(equity, args.cash) + [trades]
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu_began
    if args.out:
        write(args.out, grid, done, columns, good)
    rate = len(done) / seconds
    if args.json:
        print(json.dumps({"backtests": len(done), "seconds": seconds, "cpu_seconds": cpu, "rate": rate}))
    else:
        print(f"backtests: {len(done)}\nseconds: {seconds:.3f}, of a processor {cpu:.3f}\nbacktests/s: {rate:.1f}")


if __name__ == "__main__":
    try:
        main()
    except (OSError, KeyError, StopIteration) as problem:
        sys.exit(f"numpy_sma.py: {type(problem).__name__}: {problem}")
