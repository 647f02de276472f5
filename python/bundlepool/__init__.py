"""Market-data bundles, held once per node, for parameter sweeps.

    import bundlepool as bp

    pool = bp.Pool(max_staleness_ms=1000)     # all ranks call it
    with pool.get("quandl") as b:
        b.close                               # float64 [asset][session], read-only, not copied

    b = bp.load("quandl", root="bundles")     # without MPI

    def sma_cross(m, fast, slow):             # a strategy: which assets are held after each close
        return m.sma(fast) > m.sma(slow)

    r = bp.sweep("quandl", sma_cross, {"fast": range(5, 51, 5), "slow": range(20, 201, 20)})
    run = bp.backtest("quandl", sma_cross, fast=20, slow=100)

Importing this starts nothing, and imports neither NumPy nor mpi4py. Under mpirun, an exception that nobody
catches ends all ranks, not this one alone, from then on.
"""

from __future__ import annotations

from bundlepool import _abort, export, ingest, launch
from bundlepool._config import Config
from bundlepool._core import columns, config, load
from bundlepool.backtest import Run, backtest
from bundlepool.bundle import Bundle
from bundlepool.checks import bundles, diff, info, sync, verify
from bundlepool.errors import *  # noqa: F403: one class for each status
from bundlepool.errors import __all__ as _errors
from bundlepool.identity import IdentityWarning
from bundlepool.lookahead import Lookahead, check_lookahead
from bundlepool.market import Market, Orders, View
from bundlepool.pool import Counters, Pool, Stats
from bundlepool.results import Combination, Failure, Results
from bundlepool.sweep import SweepInterrupted, sweep
from bundlepool.version import Version

__all__ = ["Bundle", "Combination", "Config", "Counters", "Failure", "IdentityWarning", "Lookahead", "Market",
           "Orders", "Pool", "Results", "Run", "Stats", "SweepInterrupted", "Version", "View", "backtest",
           "bundles", "check_lookahead", "columns", "config", "diff", "export", "info", "ingest", "load", "sweep",
           "sync", "verify", *(name for name in _errors if name != "from_status")]

if launch.under_launcher():
    _abort.install()
