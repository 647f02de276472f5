"""Market-data bundles, held once per node, for parameter sweeps.

    import bundlepool as bp

    pool = bp.Pool(max_staleness_ms=1000)     # all ranks call it
    with pool.get("quandl") as b:
        b.close                               # float64 [asset][session], read-only, not copied

    b = bp.load("quandl", root="bundles")     # without MPI

Importing this starts nothing, and imports neither NumPy nor mpi4py.
"""

from __future__ import annotations

from bundlepool._core import columns, config, load
from bundlepool.bundle import Bundle
from bundlepool.errors import *  # noqa: F403: one class for each status
from bundlepool.errors import __all__ as _errors
from bundlepool.pool import Counters, Pool, Stats
from bundlepool.version import Version

__all__ = ["Bundle", "Counters", "Pool", "Stats", "Version", "columns", "config", "load",
           *(name for name in _errors if name != "from_status")]
