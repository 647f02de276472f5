"""Pools: one copy of each bundle per node, for all ranks."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from bundlepool import _core
from bundlepool.errors import InvalidArgument
from bundlepool.version import Version

__all__ = ["Counters", "Pool", "Stats", "default_pool"]

#: Seconds that a call of all ranks (Pool(), default_pool(), sweep()) waits for the next of them; for all
#: of them, where there are more than 128. None: what the environment says, BUNDLEPOOL_PATIENCE, or 30.
PATIENCE: float | None = None
_PATIENCE_S = 30.0


def patience() -> float:
    """How many seconds a call of all ranks waits for the next of them to come; inf: any time.

    Raises InvalidArgument: PATIENCE, or the variable BUNDLEPOOL_PATIENCE, is not a number above 0.
    """
    origin, value = "bundlepool.pool.PATIENCE", PATIENCE
    if value is None:
        origin, value = "BUNDLEPOOL_PATIENCE", os.environ.get("BUNDLEPOOL_PATIENCE", _PATIENCE_S)
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = 0.0
    if not seconds > 0:
        raise InvalidArgument(
            f"{origin}: {value!r} is not a number of seconds above 0; examples: 30, 600, inf"
        )
    return seconds


class _Record(Mapping):
    """A frozen dataclass that is a mapping of its fields as well: ``dict(record)``."""

    __slots__ = ()

    def __getitem__(self, key: str) -> Any:
        if key not in self.__dataclass_fields__:
            raise KeyError(key)
        return getattr(self, key)

    def __iter__(self) -> Iterator[str]:
        return (field.name for field in fields(self))

    def __len__(self) -> int:
        return len(self.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Counters(_Record):
    """What happened since the pool was created, as a rank, a node or the cluster counts it."""

    hits: int  #: gets answered from shared memory, with or without a check of the file
    misses: int  #: gets that had to wait for a load, or found no bundle
    loads: int  #: bundles read from disk and published
    failures: int  #: loads that failed
    checks: int  #: checks of a file's identity
    evictions: int  #: bundles taken out to make room
    invalidations: int  #: bundles taken out by invalidate()
    load_seconds: float  #: spent loading, summed over all loads
    wait_seconds: float  #: spent waiting in gets, summed over all threads


@dataclass(frozen=True, slots=True)
class Stats(_Record):
    """What a pool has done and holds: a snapshot. ``dict(stats)`` has the same names."""

    pool_size: int  #: bundles resident and listed
    max_pool_size: int
    num_versions_tracked: int  #: bundles whose version the coordinator knows
    utilization_percent: float
    bytes_resident: int  #: claimed on each node now
    bytes_peak: int  #: the most that was ever claimed
    bytes_limit: int  #: the budget
    limit_from: str  #: where the budget comes from, in words
    num_nodes: int
    num_ranks: int
    rank: Counters
    node: Counters
    cluster: Counters


class Pool(_core.Pool):
    """One read-only copy of each bundle per node, shared by the ranks of a communicator.

    Pool(comm=None, **settings)

    comm: an mpi4py communicator (3.1 or later), or None: all ranks, MPI_COMM_WORLD. It is duplicated, never
    used. MPI is initialised with MPI_THREAD_MULTIPLE if nobody has, and then finalised at exit.
    settings: fields of the configuration, such as ``max_staleness_ms=1000``, ``pool_memory="2G"``,
    ``root="bundles"``: they win over the environment (BUNDLEPOOL_ROOT and so on). config() shows them all.

    Collective: every rank of comm creates it with the same settings. Everything else but close() is not. A
    rank waits for the others until none has come for 30 s (BUNDLEPOOL_PATIENCE is another number of seconds),
    and then raises PoolTimeout, which names those that have not; Ctrl-C ends the wait. close() waits as long
    as it takes.
    Raises InvalidArgument, MPIError, NoMemory, SystemFailure, the same on every rank; TypeError for what is
    no communicator or no setting; ImportError where mpi4py uses another MPI library; RuntimeError where the
    others could not come: in a strategy that a sweep calls, or in a second thread over the same communicator.
    """

    def stats(self) -> Stats:
        """Statistics of this rank, its node and the cluster. Waits for the coordinator's answer."""
        values = self._stats()
        return Stats(**{**values, **{part: Counters(**values[part]) for part in ("rank", "node", "cluster")}})

    def version(self, name: str) -> Version:
        """The version that a get would return now. Hashes the image: about a second per 2 GB."""
        return Version(**self._version(name))

    @property
    def root(self) -> str:
        """Folder of the bundles."""
        return self.config["root"]

    def __repr__(self) -> str:
        if self.closed:
            return "<bundlepool.Pool, closed>"
        return f"<bundlepool.Pool of {self.root!r}: rank {self.rank} of {self.size}>"


_default: Pool | None = None
_lock = threading.Lock()


def default_pool(**settings: Any) -> Pool:
    """The pool of this process over all ranks, created by the first call.

    The first call is collective over MPI_COMM_WORLD: every rank makes it, with the same settings. One that
    waits for others in vain, see Pool, raises PoolTimeout, and may call again. Later calls only return the
    pool; their settings are ignored. A pool that was closed is created anew.
    """
    global _default
    with _lock:
        if _default is None or _default.closed:
            _default = Pool(**settings)
        return _default
