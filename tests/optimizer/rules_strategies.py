"""The strategies of docs/backtest.md, section 2, and the examples of zipline that examples/zipline has in C.

A part of reference.py. A strategy is made for one run. One of the form signals has signalled(session, t), the set of
assets after that close, and is_rebalance(t); weights has row(session, t), a list of weights or None; decide has
decide(view).
"""

import math

from rules_market import NAN, deviation_of, divide, mean_of


class Strategy:
    parameters = []   # (name, int, float or a list of words, least value, default)

    def __init__(self, market, values):
        self.market = market
        self.assets = market.assets
        for (name, *_), value in zip(self.parameters, values):
            setattr(self, name.rstrip("_"), value)

    @classmethod
    def is_skipped(cls, **values):
        return False

    def is_rebalance(self, t):
        return False


class Signals(Strategy):
    form = "signals"

    def listed(self, session):
        return [(a, asset) for a, asset in enumerate(self.assets) if not asset.is_delisted(session)]


class SmaCross(Signals):
    parameters = [("fast", int, 1, 20), ("slow", int, 1, 50)]

    @classmethod
    def is_skipped(cls, fast, slow):
        return fast >= slow

    def signalled(self, session, t):
        result = set()
        for a, asset in self.listed(session):
            count = asset.observations[session]
            if count >= self.slow and asset.mean(count, self.fast) > asset.mean(count, self.slow):
                result.add(a)
        return result


class Momentum(Signals):
    parameters = [("lookback", int, 1, 126), ("top", int, 1, 10), ("rebalance", int, 1, 21)]
    chosen = frozenset()

    def is_rebalance(self, t):
        return t % self.rebalance == 0

    def signalled(self, session, t):
        if self.is_rebalance(t):
            ranking = []
            for a, asset in self.listed(session):
                count = asset.observations[session]
                if count >= self.lookback + 1:
                    score = divide(asset.adj[count - 1], asset.adj[count - 1 - self.lookback]) - 1
                    ranking.append((-score, a))
            self.chosen = {a for _, a in sorted(ranking)[:self.top]}
        return {a for a, _ in self.listed(session) if a in self.chosen}


class Stateful(Signals):
    """In or out, asset by asset, changed at observations within the range only."""

    def __init__(self, market, values):
        super().__init__(market, values)
        self.held = set()

    def signalled(self, session, t):
        for a, asset in enumerate(self.assets):
            if asset.is_delisted(session):
                self.held.discard(a)
            elif asset.has_close(session):
                change = self.change(asset, asset.observations[session], a in self.held)
                if change:
                    self.held ^= {a}
        return set(self.held)


class MeanReversion(Stateful):
    parameters = [("lookback", int, 2, 20), ("entry", float, None, 2.0), ("exit", float, None, 0.5)]

    @classmethod
    def is_skipped(cls, lookback, entry, exit):
        return exit >= entry

    def change(self, asset, count, held):
        if count < self.lookback:
            return False
        deviation = asset.deviation(count, self.lookback)
        if deviation == 0.0:
            return False
        z = (asset.adj[count - 1] - asset.mean(count, self.lookback)) / deviation
        return z > -self.exit if held else z < -self.entry


class BuyAndHold(Signals):
    chosen = frozenset()

    def signalled(self, session, t):
        if t == 0:
            self.chosen = {a for a, asset in self.listed(session) if asset.has_close(session)}
        return {a for a, _ in self.listed(session) if a in self.chosen}


class Rsi(Stateful):
    parameters = [("lookback", int, 1, 14), ("low", float, None, 30.0), ("high", float, None, 70.0)]

    @classmethod
    def is_skipped(cls, lookback, low, high):
        return low >= high

    def __init__(self, market, values):
        super().__init__(market, values)
        self.index = {id(asset): self.relative_strength(asset.adj) for asset in self.assets}

    def relative_strength(self, adj):
        """By number of observation; NaN where it is not defined."""
        k = self.lookback
        result = [NAN] * len(adj)
        up = down = 0.0
        for j in range(1, len(adj)):
            d = adj[j] - adj[j - 1]
            u, v = (d if d > 0 else 0.0), (-d if d < 0 else 0.0)
            if j <= k:
                up, down = up + u, down + v
                if j == k:
                    up, down = up / k, down / k
            else:
                up, down = (up * (k - 1) + u) / k, (down * (k - 1) + v) / k
            if j >= k:
                result[j] = divide(100 * up, up + down)
        return result

    def change(self, asset, count, held):
        j = count - 1
        if j < self.lookback or asset.adj[j] == asset.adj[j - 1]:
            return False
        rsi = self.index[id(asset)][j]
        return rsi > self.high if held else rsi < self.low


class InverseVolatility(Strategy):
    form = "weights"
    parameters = [("lookback", int, 2, 60), ("rebalance", int, 1, 21)]

    def row(self, session, t):
        if t % self.rebalance:
            return None
        inverse = [0.0] * len(self.assets)
        for a, asset in enumerate(self.assets):
            count = asset.observations[session]
            if asset.is_delisted(session) or count < self.lookback + 1:
                continue
            adj = asset.adj[count - self.lookback - 1:count]
            returns = [adj[i] / adj[i - 1] - 1 for i in range(1, len(adj))]
            s = deviation_of(returns, mean_of(returns))
            if s != 0.0:
                inverse[a] = 1 / s
        total = 0.0
        for x in inverse:
            total = total + x
        return [x / total if x else 0.0 for x in inverse]


class Pairs(Strategy):
    form = "decide"
    parameters = [("lookback", int, 2, 60), ("entry", float, 0, 2.0), ("exit", float, 0, 0.5),
                  ("side", ["long", "both"], None, "long")]

    @classmethod
    def is_skipped(cls, lookback, entry, exit, side):
        return exit >= entry

    def __init__(self, market, values):
        super().__init__(market, values)
        self.pairs = [(a, a + 1) for a in range(0, len(self.assets) - 1, 2)]
        self.noted = [[] for _ in self.pairs]
        self.taken = [0] * len(self.pairs)   # 1: the first was taken, -1: the second
        self.over = [False] * len(self.pairs)

    def decide(self, view):
        for p, legs in enumerate(self.pairs):
            if self.over[p]:
                continue
            if any(self.assets[a].is_delisted(view.session) for a in legs):
                self.over[p] = True
                self.give_up(view, legs)
            elif all(self.assets[a].has_close(view.session) for a in legs):
                self.trade(view, p, legs)

    def trade(self, view, p, legs):
        x, y = (self.assets[a].adj[self.assets[a].observations[view.session] - 1] for a in legs)
        self.noted[p].append(math.log(x) - math.log(y))
        last = self.noted[p][-self.lookback:]
        if len(last) < self.lookback:
            return
        mean = mean_of(last)
        deviation = deviation_of(last, mean)
        if deviation == 0.0:
            return
        z = (last[-1] - mean) / deviation
        if self.taken[p] == 0 and (z < -self.entry or z > self.entry):
            self.taken[p] = 1 if z < -self.entry else -1
            share = 1 / len(self.pairs)
            bought, sold = legs[::self.taken[p]]
            if self.side == "both":
                share = share / 2
            view.order_target_percent(bought, share)
            if self.side == "both":
                view.order_target_percent(sold, -share)
        elif (self.taken[p] == 1 and z > -self.exit) or (self.taken[p] == -1 and z < self.exit):
            self.taken[p] = 0
            self.give_up(view, legs)

    def give_up(self, view, legs):
        for a in legs:
            if view.can_trade(a):
                view.order_target(a, 0.0)


STRATEGIES = {"sma_cross": SmaCross, "momentum": Momentum, "mean_reversion": MeanReversion,
              "buy_and_hold": BuyAndHold, "rsi": Rsi, "inverse_volatility": InverseVolatility, "pairs": Pairs}
