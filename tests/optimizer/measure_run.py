"""measure_run.py RUN.json EQUITY.csv TRADES.csv CASH SESSIONS_PER_YEAR : all metrics of a run that is long only, computed
from what it wrote, as docs/backtest.md defines them; compared with those that it told, to 1e-9."""
import json
import sys

import numpy as np
import pandas as pd

told = json.load(open(sys.argv[1]))["metrics"]
equity = pd.read_csv(sys.argv[2], index_col=0, parse_dates=True)
trades = pd.read_csv(sys.argv[3])
cash, year = float(sys.argv[4]), float(sys.argv[5])

trades = trades[trades.kind.isin(["fill", "delisting"])]
E = equity["equity"]
r = E.pct_change().dropna()
n, m, last = len(E), len(r), E.iloc[-1]
below, longest, deep = 0, 0, 1 - E / E.cummax()
for is_below in deep > 0:
    below = below + 1 if is_below else 0
    longest = max(longest, below)
closings = trades[trades.shares < 0]
loss = -closings.gain[closings.gain < 0].sum()
gain = closings.gain[closings.gain > 0].sum()
cagr = (last / cash) ** (year / m) - 1
computed = {
    "total_return": last / cash - 1,
    "cagr": cagr,
    "sharpe": r.mean() / r.std() * np.sqrt(year),
    "sortino": r.mean() / np.sqrt((r.clip(upper=0) ** 2).sum() / (m - 1)) * np.sqrt(year),
    "max_drawdown": deep.max(),
    "calmar": cagr / deep.max(),
    "trades": len(trades),
    "win_rate": (r > 0).mean(),
    "volatility": r.std() * np.sqrt(year),
    "profit_factor": gain / loss,
    "average_trade": (gain - loss) / len(closings),
    "exposure": (equity.positions > 0).mean(),
    "turnover": trades.value.abs().sum() / E.mean() / (m / year),
    "longest_drawdown": longest,
    "tail_ratio": abs(np.percentile(r, 95)) / abs(np.percentile(r, 5)),
    "skew": r.skew() * (m - 2) / np.sqrt(m * (m - 1)),
    "kurtosis": (r.kurtosis() * (m - 2) * (m - 3) / (m - 1) - 6) / (m + 1),
    "costs_paid": (trades.commission + trades.slippage).sum(),
}
wrong = [
    "%s is %r, computed %r" % (name, told[name], value)
    for name, value in computed.items()
    if not abs(told[name] - value) <= 1e-9 * (1 + abs(value))
]
if set(told) != set(computed):
    wrong.append("other metrics: %s" % (set(told) ^ set(computed)))
sys.exit("\n".join(wrong) or 0)
