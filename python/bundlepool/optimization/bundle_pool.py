"""The pool by the names of rustybt's guide: get_bundle_from_pool() and BundleConnectionPool.

They are a face of the default pool, over all ranks. Under ``mpirun`` its first use is collective: a rank that
waits for others in vain gets PoolTimeout after 30 s, see bundlepool.Pool. Importing this starts nothing.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

from bundlepool import _core
from bundlepool.bundle import Bundle
from bundlepool.errors import Forked
from bundlepool.pool import Pool, default_pool

__all__ = ["BundleConnectionPool", "get_bundle_from_pool"]

_ALWAYS = 1024  # bundles that a pool can be resized to, whatever it began with
_pid = os.getpid()


def _refuse_children() -> None:
    """A pool of its own in each worker would be a copy of the data in each: what the pool is there to
    avoid."""
    processes = sys.modules.get("multiprocessing.process")
    if os.getpid() == _pid and (processes is None or processes.parent_process() is None):
        return
    raise Forked("the bundle pool is used in a worker process of multiprocessing or fork, which cannot "
                 "share it yet: start the script with 'mpirun -n N python3 SCRIPT', whose ranks share one "
                 "copy; or let a worker load a copy of its own with bundlepool.load(NAME)")


class BundleConnectionPool:
    """The only one of its kind: BundleConnectionPool.get_instance(). Any thread may use it."""

    _instance: BundleConnectionPool | None = None
    _lock = threading.RLock()

    def __init__(self) -> None:
        raise TypeError("there is one BundleConnectionPool: use BundleConnectionPool.get_instance()")

    @classmethod
    def get_instance(cls, max_pool_size: int | None = None) -> BundleConnectionPool:
        """The instance.

        Args:
            max_pool_size: how many bundles the pool holds at most, 1 to 4096. None: of a live pool nothing is
                changed; a new one holds 100, or what the environment says. A size that differs from a live
                pool's resizes it on all nodes, evicting by least recent use.

        Raises:
            InvalidArgument: the size is out of range, or beyond what the live pool was created for.
        """
        if max_pool_size is not None:
            max_pool_size = _core.config(max_bundle_pool_size=max_pool_size)["max_bundle_pool_size"]
        with cls._lock:
            if cls._instance is None:
                cls._instance = object.__new__(cls)
                cls._instance._size = None
                cls._instance._live = None
            instance = cls._instance
            if max_pool_size is not None and max_pool_size != instance._size:
                if instance._is_live() and instance._live.stats().max_pool_size != max_pool_size:
                    instance._live.resize(max_pool_size)
                instance._size = max_pool_size
        return instance

    @property
    def live(self) -> Pool | None:
        """The pool behind it; None where this process has not used it yet."""
        return self._live if self._is_live() else None

    def _is_live(self) -> bool:
        return self._live is not None and not self._live.closed and os.getpid() == _pid

    def _pool(self) -> Pool:
        if self._is_live():
            return self._live
        _refuse_children()
        with self._lock:
            if not self._is_live():
                # all ranks create it alike: one that wants another size says so afterwards
                large = self._size is not None and self._size > _ALWAYS
                pool = default_pool(**({"max_bundle_pool_size": self._size} if large else {}))
                if self._size is not None and pool.stats().max_pool_size != self._size:
                    pool.resize(self._size)
                self._live = pool
        return self._live

    @property
    def max_pool_size(self) -> int:
        """How many bundles the pool holds at most."""
        return self.get_pool_stats()["max_pool_size"]

    def get_bundle(self, bundle_name: str) -> Bundle:
        """The current version of a bundle: loaded once for all ranks of a node, read-only, pinned as long as
        it lives.

        With pooling switched off (RUSTYBT_ENABLE_BUNDLE_POOLING=false) it is loaded for this process alone.

        Raises NotFound, FormatError, PoolFull, PoolTimeout …, see Pool.get(); Forked in a worker of
        multiprocessing. """
        if not self._is_live() and not _core.config()["enable_bundle_pooling"]:
            return _core.load(bundle_name)
        return self._pool().get(bundle_name)

    def get_pool_stats(self) -> dict[str, Any]:
        """Plain values, fit for a structured log: pool_size, max_pool_size, num_versions_tracked,
        utilization_percent, bytes_resident …, and the counters of rank, node and cluster as dicts; see
        bundlepool.Stats."""
        stats = dict(self._pool().stats())
        return {name: dict(value) if hasattr(value, "keys") else value for name, value in stats.items()}

    def force_invalidate(self, bundle_name: str | None = None) -> None:
        """Forget a bundle, or all: a get that starts afterwards, on any rank, loads it again."""
        if self._is_live() or _core.config()["enable_bundle_pooling"]:
            self._pool().invalidate(bundle_name)

    def __repr__(self) -> str:
        return f"<bundlepool.BundleConnectionPool over {self._live!r}>"


def get_bundle_from_pool(bundle_name: str, max_pool_size: int | None = None) -> Bundle:
    """BundleConnectionPool.get_instance(max_pool_size).get_bundle(bundle_name)."""
    return BundleConnectionPool.get_instance(max_pool_size).get_bundle(bundle_name)
