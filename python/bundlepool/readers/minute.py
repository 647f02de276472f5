"""Minute bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterable, Sequence

from bundlepool import _core, _dates
from bundlepool.readers._base import Reader, frame_of, names_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class Minute(Reader):
    """Minute bars. ``b.minute``, and by zipline's name ``b.equity_minute_bar_reader``.

    A minute is the time of its end, in UTC; those of a session are after its open, up to its close.
    """

    __slots__ = ()

    data_frequency = "minute"

    def _told(self) -> str:
        return f"{len(self.sids)} assets, {len(self._column('minute/dt'))} bars"

    @property
    def sids(self) -> np.ndarray:
        """Sids with minute bars, int64 [asset], ascending; a view of the bundle's memory."""
        return self._column("minute/index/sid")

    @property
    def sessions(self) -> np.ndarray:
        """Sessions of the calendar from the first with minute bars to the last, datetime64[ns] [session]."""
        first, last = self.first_trading_day, self.last_session
        sessions = _dates.stamps(self._column("calendar/session"))
        return sessions[(sessions >= first) & (sessions <= last)]

    @property
    def first_trading_day(self) -> np.datetime64:
        """First session with minute bars (where hours are not known, a UTC day); NaT if there is no bar."""
        return _dates.stamp(_core.reader_facts(self._pin)[2])

    @property
    def last_session(self) -> np.datetime64:
        """Last session with minute bars, likewise."""
        return _dates.stamp(_core.reader_facts(self._pin)[3])

    @property
    def last_available_dt(self) -> np.datetime64:
        """Close of the last session with minute bars, or the last minute with a bar; NaT if there is no
        bar."""
        return _dates.stamp(_core.reader_facts(self._pin)[4])

    def session_hours(self, session: Any) -> tuple[np.datetime64, np.datetime64]:
        """Open and close of a session of the calendar; NaT where they are not known. Raises NoDataOnDate."""
        opens, closes = _core.reader_session_hours(self._pin, session)
        return _dates.stamp(opens), _dates.stamp(closes)

    def session_of(self, dt: Any) -> np.datetime64:
        """The session to which a minute belongs. Raises NoDataOnDate: it belongs to none, or hours are not
        known."""
        return _dates.stamp(_core.reader_session_of(self._pin, dt))

    def get_value(self, sid: int, dt: Any, field: str) -> float:
        """One value of one minute: NaN, or 0 for a volume, where the asset has no bar.

        Raises:
            NoSid: no minute bars of this sid.
            NoDataOnDate: no bar, and dt is no minute of any session.
        """
        return _core.reader_minute_value(self._pin, sid, dt, field)

    def get_last_traded_dt(self, asset: int, dt: Any) -> np.datetime64:
        """The last minute at or before dt with a volume; NaT: none. Raises NoSid."""
        return _dates.stamp(_core.reader_minute_last_traded(self._pin, asset, dt))

    def minutes(self, start_dt: Any, end_dt: Any, *, axis: str = "market",
                assets: Iterable[int] | None = None) -> np.ndarray:
        """Minutes from start_dt to end_dt, both included; these may be any times.

        Args:
            axis: "market": every minute of every session (where hours are not known, as "bars"); "bars":
                every minute at which one of the assets has a bar, also outside of the hours.
            assets: whose bars count; None: those of all.

        Returns:
            datetime64[ns] [minute], ascending.
        """
        if axis not in ("market", "bars"):
            raise ValueError(f"axis: {axis!r} is neither 'market' nor 'bars'")
        sids = None if assets is None else _dates.sids(assets, "assets")
        start, end = _dates.ns(start_dt, "start_dt"), _dates.ns(end_dt, "end_dt")
        count = _core.reader_minutes(self._pin, axis == "bars", start, end, sids, None)
        out = _dates.numpy().empty(count, "int64")
        _core.reader_minutes(self._pin, axis == "bars", start, end, sids, out)
        return _dates.stamps(out)

    def load_raw_arrays(self, fields: Sequence[str], start_dt: Any, end_dt: Any, sids: Iterable[int], *,
                        axis: str = "market") -> list[np.ndarray]:
        """Bars of several assets at the minutes(start_dt, end_dt): for each field float64 [minute][asset].

        Raises NoSid: no minute bars of one of them; InvalidArgument: start_dt is after end_dt.
        """
        names, chosen = names_of(fields, "fields"), _dates.sids(sids, "sids")
        minutes = self.minutes(start_dt, end_dt, axis=axis, assets=chosen)
        out = _dates.numpy().empty((len(names), len(minutes), len(chosen)))
        _core.reader_minute_load(self._pin, names, minutes.view("int64"), chosen, out)
        return list(out)

    def to_pandas(self, fields: str | Sequence[str] = "close", start_dt: Any = None, end_dt: Any = None,
                  assets: Iterable[int] | None = None, *, axis: str = "market",
                  label: str = "symbol") -> pd.DataFrame:
        """Bars as a DataFrame: a row for each minute, a column for each asset; see Daily.to_pandas().

        Without start_dt and end_dt: from the first minute with a bar to the last available one.
        """
        pandas = _dates.pandas()
        names = (fields,) if isinstance(fields, str) else names_of(fields, "fields")
        sids = self.sids if assets is None else _dates.sids(assets, "assets")
        labels = self._labels(sids, label)
        bars = self._column("minute/dt")
        if len(bars) == 0:
            minutes, tables = _dates.stamps(bars), [_dates.numpy().empty((0, len(sids)))] * len(names)
        else:
            start = int(bars.min()) if start_dt is None else start_dt
            last = max(int(bars.max()), _dates.ns(self.last_available_dt, "end_dt"))
            end = last if end_dt is None else end_dt
            minutes = self.minutes(start, end, axis=axis, assets=sids)
            tables = self.load_raw_arrays(names, start, end, sids, axis=axis)
        index = pandas.DatetimeIndex(minutes, tz="UTC", name="minute")
        return frame_of(fields if isinstance(fields, str) else names, tables, index, labels, label)
