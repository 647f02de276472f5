"""Bundles without a pool."""

from bundlepool.data.bundles.core import load

__all__ = ["load"]
