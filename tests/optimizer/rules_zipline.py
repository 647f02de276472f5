"""zipline's example algorithms in the form decide, as examples/zipline has them in C. A part of reference.py."""

import math

import numpy as np

from rules_strategies import STRATEGIES, Strategy

STOCKS = ["AMD", "CERN", "COST", "DELL", "GPS", "INTC", "MMM"]


class Example(Strategy):
    form = "decide"
    days = 0

    def decide(self, view):
        self.days += 1
        self.handle_data(view)

    def history(self, view, a, k):
        """What data.history(asset, 'price', k, '1d') gives: adjusted, carried over holes, rounded to thousandths."""
        return np.around(np.array(view.window(a, "close", k, carried=True)), 3)


class BuyApple(Example):
    def handle_data(self, view):
        view.order(view.find("AAPL"), 10)


class BuyAndHold(Example):
    def handle_data(self, view):
        if self.days == 1:
            for symbol in ["AAPL", "MSFT"]:
                view.order(view.find(symbol), 100)


class DualMovingAverage(Example):
    def handle_data(self, view):
        if self.days < 300:
            return
        apple = view.find("AAPL")
        short, long = (self.history(view, apple, k).mean() for k in (100, 300))
        if short > long:
            view.order_target(apple, 100)
        elif short < long:
            view.order_target(apple, 0)


def ema(values, k):
    """As TA-Lib has it: from the mean of the first k."""
    result = sum(values[:k]) / k
    for x in values[k:]:
        result = (x - result) * (2 / (k + 1)) + result
    return result


class DualEma(Example):
    invested = False

    def handle_data(self, view):
        apple = view.find("AAPL")
        prices = self.history(view, apple, 40).tolist()
        if any(math.isnan(x) for x in prices):
            return
        short, long = ema(prices, 20), ema(prices, 40)
        if short > long and not self.invested:
            view.order(apple, 100)
            self.invested = True
        elif short < long and self.invested:
            view.order(apple, -100)
            self.invested = False


class MomentumPipeline(Example):
    """Each day long the three assets of the highest relative strength and short the three of the lowest, by the closes
    before today as they look today."""

    def handle_data(self, view):
        strength = {}
        for a, asset in enumerate(self.assets):
            if view.session > asset.end or not view.can_trade(a):
                continue
            change = np.diff(view.window(a, "close", 16)[:15])
            up, down = np.mean(np.clip(change, 0, None)), abs(np.mean(np.clip(change, None, 0)))
            strength[a] = 100.0 if down == 0.0 else 100 - 100 / (1 + up / down)
        longs = sorted(strength, key=lambda a: (-strength[a], a))[:3]
        shorts = sorted(strength, key=lambda a: (strength[a], a))[:3]
        for a in sorted(longs):
            view.order_target_percent(a, 1 / 3)
        for a in sorted(shorts):
            view.order_target_percent(a, -1 / 3)
        for a, asset in enumerate(self.assets):
            if view.position(a) and a not in longs + shorts and view.session <= asset.end:
                view.order_target_percent(a, 0.0)


def simplex_projection(v):
    """The nearest portfolio to v (Duchi et al., ICML 2008)."""
    v = np.maximum(v, 0)
    u = np.sort(v)[::-1]
    excess = np.cumsum(u) - 1
    rho = np.flatnonzero(u > excess / np.arange(1, len(v) + 1))[-1]
    return np.maximum(v - max(0, excess[rho] / (rho + 1)), 0)


class Olmar(Example):
    def handle_data(self, view):
        if self.days < 5:
            return
        assets = [view.find(symbol) for symbol in STOCKS]
        if self.days == 5:
            self.portfolio = np.ones(len(assets)) / len(assets)
            self.rebalance(view, assets, view.account.terms.cash)
            return
        x = np.array([self.history(view, a, 5).mean() / view.price(a) for a in assets])
        deviation = x - x.mean()
        variability = np.linalg.norm(deviation) ** 2
        step = max(0, (1 - np.dot(self.portfolio, x)) / variability) if variability else 0
        self.portfolio = simplex_projection(self.portfolio + step * deviation)
        self.rebalance(view, assets, view.equity)

    def rebalance(self, view, assets, value):
        for share, a in zip(self.portfolio, assets):
            view.order(a, np.round(share * value / view.price(a)) - view.position(a))


STRATEGIES.update({"buyapple": BuyApple, "zipline_buy_and_hold": BuyAndHold,
                   "dual_moving_average": DualMovingAverage, "dual_ema_talib": DualEma,
                   "momentum_pipeline": MomentumPipeline, "olmar": Olmar})
