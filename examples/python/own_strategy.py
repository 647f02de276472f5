"""A strategy in each of the three forms, and one that looks ahead.

    python3 own_strategy.py --bundle demo

The rules are those of ../rsi.c, ../inverse_volatility.c and ../pairs.c, and give the same results.
"""

import argparse
import math
from collections import deque
from typing import Literal

import numpy as np

import bundlepool as bp


def rsi(m, lookback: int = 14, low: float = 30, high: float = 70):
    """Signals: buys what is oversold, sells what is overbought.

    What is held after each close: bool [asset][session].
    """
    strength = m.rsi(lookback)
    moved = (m.returns() != 0) & ~np.isnan(m.close)  # an equal close, or none, is no signal
    buys, sells = moved & (strength < low), moved & (strength > high)
    held = np.zeros(strength.shape, dtype=bool)
    now = held[:, 0]
    for t in range(m.start, m.num_sessions):
        now = np.where(now, ~sells[:, t], buys[:, t])
        held[:, t] = now
    return held


def inverse_volatility(m, lookback: int = 60, rebalance: int = 21):
    """Weights: the steadier an asset, the more of it is held.

    Which share of the equity each asset is to have: float64 [asset][session], and where that is to be brought
    about: bool [session].
    """
    risk = m.std(lookback, np.where(np.isnan(m.close), np.nan, m.returns()))
    weights = np.divide(1, risk, out=np.zeros_like(risk), where=m.tradable & (risk > 0))
    total = weights.sum(axis=0)
    weights /= np.where(total > 0, total, 1)
    return weights, (np.arange(m.num_sessions) - m.start) % rebalance == 0


class Pairs:
    """Decisions: of two assets that are far apart buys the cheaper one, until they have come back.

    An instance of its own for each run remembers what it likes. decide() is called after each close, and sees
    nothing later.
    """

    def __init__(self, lookback: int = 60, entry: float = 2.0, exit: float = 0.5,
                 side: Literal["long", "both"] = "long"):
        if exit >= entry:
            raise bp.InvalidArgument("exit must be less than entry")
        self.lookback, self.entry, self.exit, self.side = lookback, entry, exit, side
        self.gone = set()       # pairs of which one is delisted
        self.bought = {}        # pair → +1: its first asset is bought; -1: its second
        self.differences = {}   # pair → the last differences of logarithms

    def decide(self, view, orders):
        for first in range(0, view.num_assets - 1, 2):
            if first not in self.gone:
                self.one_pair(view, orders, first)

    def one_pair(self, view, orders, first):
        pair = (first, first + 1)
        if any(view.observations(a) > 0 and not view.can_trade(a) for a in pair):
            self.give_up(view, orders, first)
            self.gone.add(first)
            return
        if not all(view.window(a, 1, adjusted=False)[-1] > 0 for a in pair):
            return  # one of them has no close
        last = self.differences.setdefault(first, deque(maxlen=self.lookback))
        last.append(math.log(view.mean(first, 1)) - math.log(view.mean(first + 1, 1)))
        if len(last) < self.lookback:
            return
        mean = math.fsum(last) / self.lookback
        deviation = math.sqrt(math.fsum((x - mean) ** 2 for x in last) / (self.lookback - 1))
        if deviation > 0:
            self.act(view, orders, first, (last[-1] - mean) / deviation)

    def act(self, view, orders, first, z):
        bought = self.bought.get(first, 0)
        if bought == 0 and abs(z) > self.entry:
            self.bought[first] = 1 if z < 0 else -1
            share = 1 / (view.num_assets // 2) / (2 if self.side == "both" else 1)
            cheap, dear = (first, first + 1) if z < 0 else (first + 1, first)
            orders.order_target_percent(cheap, share)
            if self.side == "both":
                orders.order_target_percent(dear, -share)
        elif bought != 0 and z * bought > -self.exit:
            self.give_up(view, orders, first)
            self.bought[first] = 0

    def give_up(self, view, orders, first):
        for a in (first, first + 1):
            if view.can_trade(a):
                orders.order_target(a, 0)


def cheat(m, days: int = 5):
    """Looks ahead: holds what will have risen in a few days' time."""
    later = np.full_like(m.close, np.nan)
    later[:, :-days] = m.close[:, days:]
    return later > m.close


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bundle", default="demo", help="the name of a bundle (default: demo)")
    asked = parser.parse_args()
    for rule, grid in ((rsi, {"lookback": [2, 14], "low": [20, 30]}),
                       (inverse_volatility, {"lookback": [20, 60], "rebalance": [5, 21]}),
                       (Pairs, {"lookback": [20, 60], "entry": [1.5, 2.0]})):
        r = bp.sweep(asked.bundle, rule, grid, commission=5)
        if r.has_all:
            print(r, end="\n\n")
            print(bp.check_lookahead(asked.bundle, rule)[0].text, end="\n\n")
    if r.has_all:
        print(bp.check_lookahead(asked.bundle, cheat)[0].text)
