"""plugins/noise.c in Python: strategies that do anything at any time. A part of reference.py."""

import math

from rules_market import COLUMNS
from rules_strategies import STRATEGIES, Strategy

WORD = 2 ** 64 - 1


class Noise(Strategy):
    parameters = [("seed", int, 1, 1), ("short", int, 0, 0)]

    def choice(self, t, asset, what):
        x = self.seed * 1000003 + t * 4096 + asset * 8 + what
        x = x * 0x9e3779b97f4a7c15 & WORD
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9 & WORD
        x = (x ^ (x >> 27)) * 0x94d049bb133111eb & WORD
        return x ^ (x >> 31)

    def one_in(self, t, asset, what, n):
        return self.choice(t, asset, what) % n == 0


class NoiseSignals(Noise):
    form = "signals"

    def __init__(self, market, values):
        super().__init__(market, values)
        self.held = set()

    def is_rebalance(self, t):
        return self.one_in(t, 0, 1, 15)

    def signalled(self, session, t):
        for a, asset in enumerate(self.assets):
            if asset.is_delisted(session):
                self.held.discard(a)
            elif asset.observations[session] > 0 and self.one_in(t, a, 0, 9):
                self.held ^= {a}
        return set(self.held)


class NoiseWeights(Noise):
    form = "weights"

    def row(self, session, t):
        if not self.one_in(t, 0, 2, 5):
            return None
        row = [0.0] * len(self.assets)
        for a, asset in enumerate(self.assets):
            if asset.is_delisted(session) or asset.observations[session] == 0:
                continue
            share = (self.choice(t, a, 3) % 1001) / 1000 / len(self.assets)
            row[a] = -share if self.short and self.one_in(t, a, 4, 2) else share
        return row


class NoiseOrders(Noise):
    form = "decide"

    def decide(self, view):
        if self.one_in(view.t, 0, 7, 6):
            view.cancel_middle()
        for a in range(len(self.assets)):
            if view.can_trade(a):
                self.order_one(view, a)

    def order_one(self, view, a):
        size = float(self.choice(view.t, a, 5) % 4001)
        case = self.choice(view.t, a, 6) % 12
        if case == 0:
            view.order(a, size)
        elif case == 1:
            view.order(a, -size)
        elif case == 2:
            view.order_target(a, size)
        elif case == 3:
            view.order_target_percent(a, size / 8000)
        elif case == 4 and self.short:
            view.order_target_percent(a, -size / 8000)
        elif case == 5:
            view.order(a, size * 7.5 / view.price(a))


class NoiseWindows(Noise):
    form = "decide"

    def decide(self, view):
        for a, asset in enumerate(self.assets):
            if view.can_trade(a):
                view.order_target(a, math.fmod(self.digest(view, a, asset), 500.0))

    def digest(self, view, a, asset):
        """A number that depends on all that a view shows of an asset."""
        k = 1 + self.choice(view.t, a, 1) % 25
        column = COLUMNS[self.choice(view.t, a, 2) % 5]
        how = self.choice(view.t, a, 3) % 4
        window = view.window(a, column, k, adjusted=not how & 1, carried=bool(how & 2))
        total = float(min(k, view.session + 1))
        for i, x in enumerate(window):
            if not math.isnan(x):
                total = total + (x / 1000 if column == "volume" else x) * (i + 1)
        count = asset.observations[view.session]
        total = total + count
        if count >= k:
            total = total + asset.mean(count, k)
            if k > 1:
                total = total + asset.deviation(count, k)
        return total


STRATEGIES.update({"noise_signals": NoiseSignals, "noise_weights": NoiseWeights, "noise_orders": NoiseOrders,
                   "noise_windows": NoiseWindows})
