"""Daily bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterable, Sequence

from bundlepool import _core, _dates
from bundlepool.readers._base import Reader, count_of, frame_of, kinds_of, names_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class Daily(Reader):
    """Daily bars. ``b.daily``, and by zipline's name ``b.equity_daily_bar_reader``.

    Prices are in the currency of the asset as traded, volumes numbers of shares; a missing price is NaN, a
    missing volume 0. A session is the midnight (UTC) that names it.
    """

    __slots__ = ()

    data_frequency = "session"

    def _told(self) -> str:
        return f"{len(self.sids)} assets, {len(self.sessions)} sessions"

    @property
    def sids(self) -> np.ndarray:
        """Sids with daily bars, int64 [asset], ascending; a view of the bundle's memory."""
        return self._column("index/sid")

    @property
    def sessions(self) -> np.ndarray:
        """The sessions, datetime64[ns] [session], ascending; a view of the bundle's memory."""
        return _dates.stamps(self._column("index/day"))

    @property
    def first_trading_day(self) -> np.datetime64:
        """First session; NaT if there is none."""
        return _dates.stamp(_core.reader_facts(self._pin)[0])

    @property
    def last_available_dt(self) -> np.datetime64:
        """Last session; NaT if there is none."""
        return _dates.stamp(_core.reader_facts(self._pin)[1])

    def get_value(self, sid: int, dt: Any, field: str) -> float:
        """One value of one session: a price, NaN where it is missing, or a number of shares, 0 where missing.

        Raises:
            NoSid: no daily bars of this sid.
            NoDataOnDate: dt is no session.
            NoDataBeforeDate, NoDataAfterDate: nothing there, and the asset's first bar is later, or its last
                earlier.
        """
        return _core.reader_daily_value(self._pin, sid, dt, field)

    def get_last_traded_dt(self, asset: int, dt: Any) -> np.datetime64:
        """The last session at or before dt on which an asset had a volume; NaT: none. Raises NoSid.

        The first call passes over all volumes once.
        """
        return _dates.stamp(_core.reader_daily_last_traded(self._pin, asset, dt))

    def load_raw_arrays(self, columns: Sequence[str], start_date: Any, end_date: Any,
                        assets: Iterable[int]) -> list[np.ndarray]:
        """Bars of several assets over the sessions from start_date to end_date, both included.

        Returns:
            A list with an array for each column, float64 [session][asset]: zipline's shape, not that of
            ``b.close``.

        Raises:
            NoDataOnDate: start_date or end_date is no session.
            NoSid: no daily bars of one of the assets.
            InvalidArgument: start_date is after end_date.
        """
        names, sids = names_of(columns, "columns"), _dates.sids(assets, "assets")
        start, end = _dates.ns(start_date, "start_date"), _dates.ns(end_date, "end_date")
        _, num = _core.reader_daily_range(self._pin, start, end)
        out = _dates.numpy().empty((len(names), num, len(sids)))
        _core.reader_daily_load(self._pin, names, start, end, sids, out)
        return list(out)

    def window(self, asset: int, session: Any, k: int, field: str = "close", *, as_of: Any = None,
               adjusted: Iterable[str] | bool = True) -> np.ndarray:
        """The last k sessions of an asset up to a session, as they looked at a later time.

        Args:
            as_of: adjustments that became effective after it are not applied; None: after `session`.
            adjusted: True: by splits, mergers and dividends; False: as traded; or some of these names.

        Returns:
            float64 [k]; sessions before the bundle's first are NaN, or 0.

        Raises:
            NoSid, NoDataOnDate; InvalidArgument: as_of is before session.
        """
        out = _dates.numpy().empty(count_of(k, "k"))
        _core.reader_window(self._pin, asset, field, session, as_of, kinds_of(adjusted, "adjusted"), out)
        return out

    def currency(self, sid: int) -> str:
        """Currency of an asset's prices, ISO 4217; that for no currency: not known. Raises NoSid."""
        return _core.reader_currency(self._pin, sid)

    def currency_codes(self, sids: Iterable[int]) -> np.ndarray:
        """Currencies of several assets, str [n]; see currency()."""
        codes = [self.currency(sid) for sid in _dates.sids(sids, "sids").tolist()]
        return _dates.numpy().array(codes, dtype="U3")

    def to_pandas(self, fields: str | Sequence[str] = "close", start_date: Any = None, end_date: Any = None,
                  assets: Iterable[int] | None = None, *, label: str = "symbol") -> pd.DataFrame:
        """Bars as a DataFrame: a row for each session, a column for each asset.

        Args:
            fields: one of them, or several: then columns are pairs (field, asset).
            start_date, end_date: both are sessions and included; None: from the first, to the last.
            assets: None: all.
            label: "symbol": columns are called by the last symbol; "sid".

        Returns:
            float64, a copy; the index is a DatetimeIndex in UTC of the midnights that name the sessions.
        """
        pandas = _dates.pandas()
        names = (fields,) if isinstance(fields, str) else names_of(fields, "fields")
        sids = self.sids if assets is None else _dates.sids(assets, "assets")
        labels, sessions = self._labels(sids, label), self.sessions
        if len(sessions) == 0:
            tables, index = [_dates.numpy().empty((0, len(sids)))] * len(names), sessions
        else:
            start = sessions[0] if start_date is None else start_date
            end = sessions[-1] if end_date is None else end_date
            tables = self.load_raw_arrays(names, start, end, sids)
            first, num = _core.reader_daily_range(self._pin, start, end)
            index = sessions[first:first + num]
        index = pandas.DatetimeIndex(index, tz="UTC", name="session")
        return frame_of(fields if isinstance(fields, str) else names, tables, index, labels, label)
