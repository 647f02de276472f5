"""Loading a bundle for this process alone."""

from __future__ import annotations

import os

from bundlepool import _core
from bundlepool.bundle import Bundle

__all__ = ["load"]


def load(name: str, root: str | os.PathLike | None = None) -> Bundle:
    """Load a bundle into memory of this process: no pool, no MPI. root: None: $BUNDLEPOOL_ROOT, else
    ./bundles."""
    return _core.load(name, root)
