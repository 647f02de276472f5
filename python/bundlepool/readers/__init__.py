"""The four readers of a bundle: assets, daily bars, minute bars, adjustments.

``b.assets``, ``b.daily``, ``b.minute`` and ``b.adjustments`` have the names that zipline's readers have, and
answer by the same rules (docs/readers.md compares them). A reader keeps its bundle pinned; after
``b.release()`` or the end of the bundle's ``with`` block it raises InvalidArgument.

Dates go in as str in ISO 8601, datetime, numpy.datetime64, pandas.Timestamp, or int of nanoseconds; without a
zone they are UTC. They come out as numpy.datetime64[ns], with NaT for none, whether or not pandas is there:
``pandas.Timestamp(x)`` makes a Timestamp of one, and the two compare equal. Assets go in as sids or as Asset.
"""

from __future__ import annotations

from bundlepool.readers.adjustments import Adjustment, Adjustments, Dividend, StockDividend
from bundlepool.readers.assets import Asset, Assets, Ownership
from bundlepool.readers.daily import Daily
from bundlepool.readers.minute import Minute

__all__ = ["Adjustment", "Adjustments", "Asset", "Assets", "Daily", "Dividend", "Minute", "Ownership",
           "HasReaders", "StockDividend"]


class HasReaders:
    """The readers of a bundle, by their own names and by zipline's."""

    __slots__ = ()

    @property
    def assets(self) -> Assets:
        """Who is who, and when."""
        return Assets(self._pin)

    @property
    def daily(self) -> Daily:
        """Daily bars."""
        return Daily(self._pin)

    @property
    def minute(self) -> Minute:
        """Minute bars."""
        return Minute(self._pin)

    @property
    def adjustments(self) -> Adjustments:
        """Splits, mergers and dividends."""
        return Adjustments(self._pin)

    @property
    def asset_finder(self) -> Assets:
        """`assets`, by zipline's name."""
        return self.assets

    @property
    def equity_daily_bar_reader(self) -> Daily:
        """`daily`, by zipline's name."""
        return self.daily

    @property
    def equity_minute_bar_reader(self) -> Minute:
        """`minute`, by zipline's name."""
        return self.minute

    @property
    def adjustment_reader(self) -> Adjustments:
        """`adjustments`, by zipline's name."""
        return self.adjustments
