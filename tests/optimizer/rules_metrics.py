"""The metrics of docs/backtest.md, section 6. A part of reference.py."""

import math

from rules_market import NAN, divide, floor

COUNTS = ["trades", "longest_drawdown"]
DEFAULTS = ["total_return", "cagr", "sharpe", "sortino", "max_drawdown", "calmar", "trades"]


def power(a, b):
    try:
        return math.pow(a, b)
    except OverflowError:
        return math.inf


def total_of(values):
    total = 0.0
    for x in values:
        total = total + x
    return total


def ratio(a, b):
    """Undefined where it would divide by zero."""
    return a / b if b != 0.0 else NAN


def percentile(returns, k):
    """As numpy has it."""
    ascending = sorted(returns)
    x = (len(ascending) - 1) * (k / 100)
    i = int(floor(x))
    a, b, f = ascending[i], ascending[min(i + 1, len(ascending) - 1)], x - i
    return a + (b - a) * f if f < 0.5 else b - (b - a) * (1 - f)


def drawdowns(equity, cash, first_return):
    """The largest, and the most sessions in a row below a peak."""
    largest, longest, running = 0.0, 0, 0
    peak = cash if first_return else -math.inf
    for e in equity:
        largest = max(largest, 1 - e / max(peak, e))
        running = running + 1 if e < peak else 0
        longest = max(longest, running)
        peak = max(peak, e)
    return largest, longest


def all_metrics(record, cash, year, first_return):
    """Every metric by its name."""
    E, n = record.equity, len(record.equity)
    before = [cash] + E if first_return else E
    r = [before[t] / before[t - 1] - 1 for t in range(1, len(before))]
    m = len(r)
    mean = total_of(r) / m
    S2 = total_of([(x - mean) * (x - mean) for x in r])
    sd = math.sqrt(S2 / (m - 1)) if m >= 2 else NAN
    dd = math.sqrt(total_of([min(x, 0.0) * min(x, 0.0) for x in r]) / (m - 1)) if m >= 2 else NAN
    d = [x - mean for x in r]
    v = S2 / m
    cagr = power(E[-1] / cash, year / m) - 1
    largest, longest = drawdowns(E, cash, first_return)
    return {
        "total_return": E[-1] / cash - 1,
        "cagr": cagr,
        "sharpe": ratio(mean, sd) * math.sqrt(year),
        "sortino": ratio(mean, dd) * math.sqrt(year),
        "max_drawdown": largest,
        "calmar": ratio(cagr, largest),
        "trades": record.trades,
        "win_rate": sum(x > y for x, y in zip(before[1:], before)) / m,
        "volatility": sd * math.sqrt(year),
        "profit_factor": ratio(record.gains, record.losses),
        "average_trade": ratio(record.gains - record.losses, record.closings),
        "exposure": record.held / n,
        "turnover": divide(record.traded, total_of(E) / n) / (m / year),
        "longest_drawdown": longest,
        "tail_ratio": ratio(abs(percentile(r, 95)), abs(percentile(r, 5))),
        "skew": ratio(total_of([x * x * x for x in d]) / m, v * math.sqrt(v)),
        "kurtosis": ratio(total_of([(x * x) * (x * x) for x in d]) / m, v * v) - 3,
        "costs_paid": record.costs,
    }
