"""Which state of its data a bundle is."""

from __future__ import annotations

from bundlepool import _core
from bundlepool.optimization.bundle_pool import BundleConnectionPool
from bundlepool.version import Version

__all__ = ["get_bundle_version"]


def get_bundle_version(bundle_name: str) -> Version:
    """The version of a bundle: its hashes, symbols, dates and schema; see bundlepool.Version.

    ``computed_hash`` covers the sorted symbols, the dates and the schema; ``content_hash`` changes when any
    value does. With the pool in use it is the version that a get would return now. Otherwise the whole bundle
    is read for this process alone: so any rank, or a worker process, may call it by itself.

    Raises NotFound, FormatError, ReadError, NoMemory.
    """
    pool = BundleConnectionPool.get_instance().live
    if pool is not None:
        return pool.version(bundle_name)
    with _core.load(bundle_name) as bundle:
        return bundle.version
