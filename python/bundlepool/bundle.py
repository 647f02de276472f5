"""Bundles: market data as read-only NumPy arrays that keep their memory alive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundlepool import _core, _dates
from bundlepool.readers import HasReaders
from bundlepool.version import Version

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Bundle"]


def _array(column: _core.Column) -> np.ndarray:
    return _dates.numpy().asarray(column)


class Bundle(HasReaders, _core.Bundle):
    """One state of a bundle, from ``pool.get(name)`` or ``bundlepool.load(name)``.

    Arrays are [asset][session], read-only, and views of the bundle's memory: nothing is copied. Each of them
    keeps the bundle, so none is ever left without its memory; the bundle's memory goes with the last of them.
    Prices are as traded, in the currency of the asset, missing ones NaN; volume is a number of shares,
    missing ones 0.

    ``with`` ends the bundle's use at the end of the block. Attributes raise InvalidArgument (a ValueError)
    after that or after release(), and Forked in a forked child of the process that got it from a pool.
    """

    __slots__ = ()

    @property
    def open(self) -> np.ndarray:
        """First prices, float64 [asset][session]."""
        return _array(self._column("data/open"))

    @property
    def high(self) -> np.ndarray:
        """Highest prices, float64 [asset][session]."""
        return _array(self._column("data/high"))

    @property
    def low(self) -> np.ndarray:
        """Lowest prices, float64 [asset][session]."""
        return _array(self._column("data/low"))

    @property
    def close(self) -> np.ndarray:
        """Last prices, float64 [asset][session]. To give the bundle back: release()."""
        return _array(self._column("data/close"))

    @property
    def volume(self) -> np.ndarray:
        """Shares traded, float64 [asset][session]; 0 where there is no bar."""
        return _array(self._column("data/volume"))

    @property
    def sids(self) -> np.ndarray:
        """Sids of the assets with daily bars, int64 [asset], ascending."""
        return _array(self._column("index/sid"))

    @property
    def sessions(self) -> np.ndarray:
        """The sessions, datetime64[ns] [session], ascending: the midnights (UTC) that name them."""
        return _array(self._column("index/day")).view("datetime64[ns]")

    @property
    def version(self) -> Version:
        """Which state of its data this is. Hashes the image: about a second per 2 GB, without the GIL."""
        return Version(**self._version())

    def column(self, name: str) -> np.ndarray:
        """Any column as an array: int64, float64, uint32 or uint8 as the file's format says; see columns().

        Times are int64 nanoseconds since the epoch, UTC: ``.view("datetime64[ns]")``. A dataset that the file
        lacks is an array without elements. Raises NotFound for a name that is none.
        """
        return _array(self._column(name))

    def view(self, name: str) -> memoryview:
        """A column as a read-only memoryview, without NumPy: ``view("close")``, or any name of columns()."""
        daily = name in ("open", "high", "low", "close", "volume")
        return memoryview(self._column("data/" + name if daily else name))

    def __repr__(self) -> str:
        if self.released:
            return "<bundlepool.Bundle, released>"
        if self._foreign:
            return "<bundlepool.Bundle of the parent process>"
        return (f"<bundlepool.Bundle {self.name!r}: {self.num_assets} assets, {self.num_sessions} sessions, "
                f"{self.nbytes / 1e6:.1f} MB>")


_core._register_bundle(Bundle)
