#!/usr/bin/env python3
"""numba_sma.py BUNDLE.h5 [--param fast=VALUES] [--param slow=VALUES] [--commission BPS] [--slippage BPS] [--cash X]
                [--out FILE.csv] [--json]

The grid search of numpy_sma.py, whose options and output it has, as loops that Numba compiles: one combination after the other,
one thread. Compiling is not part of the seconds that are printed.

How it works. A combination goes through the sessions; each step of a session is a loop over the assets, whose prices lie side by
side. Moving averages are differences of prefix sums, found where they are compared. Orders are made when the set changes; sales
and buys are two passes, as cash from sales pays for buys.
"""
import json
import sys
import time

# pylint: disable=wrong-import-position
import numpy_sma as base # it limits NumPy's threads before NumPy looks
import numpy as np
from numba import njit


def flat(lists, n):
    """Events by session, as arrays: where those of a session begin, and their columns."""
    begin = np.zeros(n + 1, np.int64)
    rows = []
    for t, day in enumerate(lists):
        rows.extend(day)
        begin[t + 1] = len(rows)
    asset = np.array([row[0] for row in rows], np.int64)
    value = np.array([row[1] if len(row) > 1 else 0.0 for row in rows], np.float64)
    return begin, asset, value


@njit(cache=False)
def split(x, ratio):
    """Whole shares and the rest."""
    x = x / ratio
    nearest = np.floor(x + 0.5)
    if abs(x - nearest) <= 1e-6 * max(1.0, x):
        return nearest, 0.0
    return np.floor(x), x - np.floor(x)


@njit(cache=False)
def run(opens, mark, prefix, count, splits, dividends, delistings, fast, slow, up, down, rate, cash, equity):
    """One combination. equity: [session], filled in. Returns the number of fills."""
    sessions, assets = mark.shape
    shares, target, wanted = np.zeros(assets), np.zeros(assets), np.zeros(assets, np.bool_)
    fills, ordered = 0, False
    for t in range(sessions):
        first = -1
        at_mark = 0.0
        for e in range(splits[0][t], splits[0][t + 1]):
            a, ratio = splits[1][e], splits[2][e]
            if a != first:
                first, at_mark = a, (mark[t - 1, a] if t > 0 else 0.0)
            at_mark *= ratio
            shares[a], rest = split(shares[a], ratio)
            target[a], _ = split(target[a], ratio)
            cash += rest * at_mark
        for e in range(dividends[0][t], dividends[0][t + 1]):
            cash += shares[dividends[1][e]] * dividends[2][e]
        waits = False
        if ordered:
            for a in range(assets):
                if target[a] < shares[a]:
                    if opens[t, a] == 0.0:
                        waits = True
                        continue
                    value = (shares[a] - target[a]) * (opens[t, a] * down)
                    cash += value - rate * value
                    shares[a] = target[a]
                    fills += 1
            for a in range(assets):
                if target[a] > shares[a]:
                    if opens[t, a] == 0.0:
                        waits = True
                        continue
                    price = opens[t, a] * up
                    q = target[a] - shares[a]
                    cost = q * price + rate * (q * price)
                    if cost > cash:
                        q = np.floor(cash / (price + rate * price))
                        cost = q * price + rate * (q * price)
                        if cost > cash:
                            q -= 1
                            cost = q * price + rate * (q * price)
                    target[a] = shares[a]
                    if q > 0:
                        cash -= cost
                        shares[a] += q
                        target[a] = shares[a]
                        fills += 1
        ordered = waits
        for e in range(delistings[0][t], delistings[0][t + 1]):
            a = delistings[1][e]
            if shares[a] > 0:
                value = shares[a] * (mark[t, a] * down)
                cash += value - rate * value
                fills += 1
            shares[a] = target[a] = 0.0
            wanted[a] = False
        worth = cash
        for a in range(assets):
            worth += shares[a] * mark[t, a]
        equity[t] = worth
        if t == sessions - 1:
            break
        members, changed = 0, False
        for a in range(assets):
            c, now = count[t, a], prefix[count[t, a], a]
            above = c >= slow and (now - prefix[c - fast, a]) / fast > (now - prefix[c - slow, a]) / slow
            changed |= above != wanted[a]
            wanted[a] = above
            members += above
        if changed:
            ordered = True
            for a in range(assets):
                target[a] = np.floor(worth / members / mark[t, a]) if wanted[a] else 0.0
    return fills


def search(bundle, pairs, costs, cash, _batch):
    """As numpy_sma.search()."""
    market = base.Market(bundle)
    n = market.sessions
    dividends = [list(zip(*day)) if day else [] for day in market.dividends]
    events = [flat(lists, n) for lists in (market.splits, dividends, market.delistings)]
    equity, trades = np.empty((n, len(pairs))), np.empty(len(pairs), np.int64)
    one = np.empty(n)
    for k, (fast, slow) in enumerate(pairs):
        trades[k] = run(market.open, market.mark, market.prefix, market.count, *events, fast, slow, costs.up, costs.down,
                        costs.rate, float(cash), one)
        equity[:, k] = one
    return equity, trades


def compile_all():
    """By a run over one asset and two sessions."""
    none = np.zeros(3, np.int64), np.zeros(0, np.int64), np.zeros(0)
    ones = np.ones((2, 1))
    run(ones, ones, np.zeros((3, 1)), np.zeros((2, 1), np.int64), none, none, none, 1, 2, 1.0, 1.0, 0.0, 1.0, np.empty(2))


if __name__ == "__main__":
    try:
        compile_all()
        base.search = search
        base.main()
    except (OSError, KeyError, StopIteration) as problem:
        sys.exit(f"numba_sma.py: {type(problem).__name__}: {problem}")
