"""metrics.py SOURCE : the lines of Python in docs/metrics.md give what the libraries give.

What the libraries compute stands here as it does in their sources, but for missing values. Our metrics are computed by
docs/backtest.md, section 6. Every row of the page's tables of lines must be known here.
"""
import re
import sys

import numpy as np
import pandas as pd

C, R = 1000.0, 0.03  # cash, a risk-free rate


def curve():
    """Equity of four years, with sessions on which nothing happens."""
    random = np.random.default_rng(7)
    step = 0.0005 + 0.01 * random.standard_t(4, size=1000)
    step[random.random(1000) < 0.1] = 0
    days = pd.bdate_range("2019-01-02", periods=1001)
    return pd.Series(C * np.cumprod(np.r_[1, 1 + step]), index=days)


def ours(E, first_return, Y):
    """Our columns."""
    r = (E / E.shift(1, fill_value=C) - 1 if first_return else E.pct_change().dropna()).to_numpy()
    level = np.r_[C, E] if first_return else E.to_numpy()
    m, d = len(r), r - r.mean()
    v = (d**2).sum() / m
    x = {
        "cagr": (E.iloc[-1] / C) ** (Y / m) - 1,
        "sharpe": r.mean() / np.sqrt((d**2).sum() / (m - 1)) * np.sqrt(Y),
        "sortino": r.mean() / np.sqrt((np.minimum(r, 0) ** 2).sum() / (m - 1)) * np.sqrt(Y),
        "max_drawdown": (1 - level / np.maximum.accumulate(level)).max(),
        "volatility": np.sqrt((d**2).sum() / (m - 1)) * np.sqrt(Y),
        "tail_ratio": abs(np.percentile(r, 95)) / abs(np.percentile(r, 5)),
        "skew": (d**3).sum() / m / (v * np.sqrt(v)),
        "kurtosis": (d**4).sum() / m / v**2 - 3,
    }
    x["calmar"] = x["cagr"] / x["max_drawdown"]
    return x


# ---- the libraries, by the names that the page has -------------------------------------------------------------


def downside(r, Y):
    return np.sqrt((np.clip(r, None, 0) ** 2).mean()) * np.sqrt(Y)


def drawdown(r):
    level = 100 * np.cumprod(np.r_[1, 1 + r])
    return ((level - np.maximum.accumulate(level)) / np.maximum.accumulate(level)).min()


def growth(r, Y):
    return np.prod(1 + r) ** (Y / len(r)) - 1


def sharpe(r, Y):
    return r.mean() / r.std(ddof=1) * np.sqrt(Y)


def population(r, Y):
    return [r.mean() / r.std(ddof=0) * np.sqrt(Y), r.std(ddof=0) * np.sqrt(Y)]


def excess(r, Y):
    x = r - ((1 + R) ** (1 / Y) - 1)
    return sharpe(x, Y)


def three_years(E, Y):
    e = E.to_numpy()[-3 * Y - 1 :]
    return ((e[-1] / e[0]) ** (1 / 3) - 1) / -drawdown(e[1:] / e[:-1] - 1)


# beginning of a row's left side: what it is, of returns r, equity E and Y sessions a year
THEIRS = {
    "`empyrical.sharpe_ratio(r)`": lambda r, E, Y: [
        sharpe(r, Y),
        r.std(ddof=1) * Y**0.5,
        growth(r, Y),
        growth(r, Y),
        growth(r, Y) / -drawdown(r),
        abs(np.percentile(r, 95)) / abs(np.percentile(r, 5)),
    ],
    "`empyrical.sortino_ratio(r)`": lambda r, E, Y: [r.mean() * Y / downside(r, Y)],
    "`empyrical.max_drawdown(r)`": lambda r, E, Y: [drawdown(r)],
    "of a zipline run": lambda r, E, Y: [sharpe(r, Y)],
    'pyfolio "Skew"': lambda r, E, Y: [
        ((r - r.mean()) ** 3).mean() / r.var() ** 1.5,
        ((r - r.mean()) ** 4).mean() / r.var() ** 2 - 3,
    ],
    'pyfolio "Common': lambda r, E, Y: [
        abs(np.percentile(r, 95)) / abs(np.percentile(r, 5)) * (1 + growth(r, Y))
    ],
    "vectorbt `pf.sharpe_ratio()`": lambda r, E, Y: [
        sharpe(r, Y),
        np.prod(r + 1) ** (Y / len(r)) - 1,
        r.std(ddof=1) * Y ** (1 / 2),
    ],
    "vectorbt `pf.sortino_ratio()`": lambda r, E, Y: [r.mean() * Y / downside(r, Y)],
    "`quantstats.stats.sharpe(r)`": lambda r, E, Y: [
        sharpe(r, Y),
        pd.Series(r).std() * np.sqrt(Y),
        pd.Series(r).add(1).prod() ** (1 / (len(r) / Y)) - 1,
    ],
    "`quantstats.stats.sortino(r)`": lambda r, E, Y: [
        r.mean() / np.sqrt((r[r < 0] ** 2).sum() / len(r)) * np.sqrt(Y)
    ],
    "`quantstats.stats.win_rate(r)`": lambda r, E, Y: [len(r[r > 0]) / len(r[r != 0])],
    "`quantstats.stats.profit_factor(r)`": lambda r, E, Y: [r[r >= 0].sum() / abs(r[r < 0].sum())],
    "`quantstats.stats.skew(r)`": lambda r, E, Y: [pd.Series(r).skew()],
    "`quantstats.stats.kurtosis(r)`": lambda r, E, Y: [pd.Series(r).kurtosis()],
    "a risk-free rate": lambda r, E, Y: [excess(r, Y)],
    "deviations over *m*": lambda r, E, Y: population(r, Y),
    "Sortino's deviation of": lambda r, E, Y: [r.mean() / r[r < 0].std(ddof=1) * np.sqrt(Y)],
    "CAGR by the calendar": lambda r, E, Y: [
        (E.iloc[-1] / C) ** (1 / ((E.index[-1] - E.index[0]).days / 365.25)) - 1
    ],
    "logarithmic returns": lambda r, E, Y: [sharpe(np.log(1 + r), Y)],
    "Calmar ratio of": lambda r, E, Y: [three_years(E, Y)],
}
ELSEWHERE = ["vectorbt `pf.trades.closed"]  # of trades, not of a curve


def rows(page):
    """Left and right side of the tables of lines."""
    for line in page[page.index("## One line each") :].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| ") and len(cells) == 2 and "---" not in line and "`" in cells[1]:
            yield cells


def evaluate(line, names):
    """A line of Python: statements, then an expression."""
    *before, last = line.split("; ")
    for statement in before:
        exec(statement, names)
    return eval(last, names)


def main():
    with open(sys.argv[1] + "/docs/metrics.md", encoding="utf-8") as file:
        page = file.read()
    E, used, wrong = curve(), set(), 0
    for left, right in rows(page):
        if any(left.startswith(begin) for begin in ELSEWHERE):
            continue
        key = next((begin for begin in THEIRS if left.startswith(begin)), None)
        if key is None:
            sys.exit("FAILED: docs/metrics.md has a row that %s does not know: %s" % (__file__, left))
        used.add(key)
        options = right + (page if "the same options" in right else "")
        first_return = "--first-return" in options
        Y = 365 if "--sessions-per-year 365" in options else 252
        r = E / E.shift(1, fill_value=C) - 1 if first_return else E.pct_change().dropna()
        names = dict(ours(E, first_return, Y), np=np, pd=pd, E=E, r=r, m=len(r), C=C, R=R, Y=Y)
        lines = [x for x in re.findall("`([^`]*)`", right) if not x.startswith("--")]
        for line, expected in zip(lines, THEIRS[key](r.to_numpy(), E, Y), strict=True):
            value = evaluate(line, dict(names))
            if not abs(value - expected) <= 1e-9 * (1 + abs(expected)):
                print("FAILED: %s: '%s' is %.12g, theirs %.12g" % (left, line, value, expected))
                wrong += 1
    if used != set(THEIRS):
        sys.exit("FAILED: docs/metrics.md lacks %s" % ", ".join(sorted(set(THEIRS) - used)))
    sys.exit(1 if wrong else 0)


main()
