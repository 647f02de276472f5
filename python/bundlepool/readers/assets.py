"""The asset finder."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Iterable, Iterator, NamedTuple

from bundlepool import _core, _dates
from bundlepool._text import clean
from bundlepool.errors import NoSid
from bundlepool.readers._base import Reader, flag, names_of

NO_CURRENCY = 3 * "X"  # ISO 4217's code for none

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class Asset:
    """A row of the asset table. Equal to, hashed and sorted as its sid; stands for it wherever a sid is asked
    for.

    Attributes:
        sid: its number.
        symbol: the last one it had.
        asset_name, exchange: "" where not known.
        start_date, end_date: first and last day listed, datetime64[ns]; NaT where not known.
        first_traded, auto_close_date: likewise.
        currency: ISO 4217; that for no currency: not known, or no daily bars.
    """

    sid: int
    symbol: str
    asset_name: str
    exchange: str
    start_date: np.datetime64
    end_date: np.datetime64
    first_traded: np.datetime64
    auto_close_date: np.datetime64
    currency: str

    def __index__(self) -> int:
        return self.sid

    __int__ = __index__

    def __hash__(self) -> int:
        return hash(self.sid)

    def __eq__(self, other: object) -> bool:
        return self.sid == other.sid if isinstance(other, Asset) else self.sid == other

    def __lt__(self, other: Any) -> bool:
        return self.sid < int(other)

    def __le__(self, other: Any) -> bool:
        return self.sid <= int(other)

    def __gt__(self, other: Any) -> bool:
        return self.sid > int(other)

    def __ge__(self, other: Any) -> bool:
        return self.sid >= int(other)

    def __repr__(self) -> str:
        return clean(f"Asset({self.sid} [{self.symbol}])")


class Ownership(NamedTuple):
    """That an asset had a symbol from start_date to end_date (datetime64[ns]; NaT: not known)."""

    sid: int
    symbol: str
    start_date: np.datetime64
    end_date: np.datetime64


class Assets(Reader):
    """The asset finder: who is who, and when. ``b.assets``, and by zipline's name ``b.asset_finder``."""

    __slots__ = ()

    def _told(self) -> str:
        return f"{len(self)} assets"

    def __len__(self) -> int:
        return len(self.sids)

    def __iter__(self) -> Iterator[Asset]:
        return iter(self.retrieve_all(self.sids))

    @property
    def sids(self) -> np.ndarray:
        """Sids of the asset table, int64 [asset], ascending; a view of the bundle's memory."""
        return self._column("assets/sid")

    equities_sids = sids

    def retrieve_asset(self, sid: int, default_none: bool = False) -> Asset | None:
        """The asset of a sid. Raises NoSid (a KeyError) if there is none, or returns None with
        default_none."""
        try:
            row = _core.reader_retrieve_asset(self._pin, sid)
        except NoSid:
            if flag(default_none, "default_none"):
                return None
            raise
        return Asset(*row[:4], *map(_dates.stamp, row[4:8]), row[8])

    def retrieve_all(self, sids: Iterable[int], default_none: bool = False) -> list[Asset | None]:
        """The assets of several sids, in their order; see retrieve_asset()."""
        return [self.retrieve_asset(sid, default_none) for sid in _dates.sids(sids, "sids").tolist()]

    retrieve_equities = retrieve_all

    def lookup_symbol(self, symbol: str, as_of_date: Any = None, fuzzy: bool = False) -> Asset:
        """The asset that had a symbol on a day; without a day, the only one that ever had it.

        A symbol belongs to the asset that took it last. Case does not matter, and one of ``. / - _`` parts a
        share class from its company; with fuzzy, that character may be missing as well.

        Raises:
            NoSymbol: nobody had it (a KeyError).
            AmbiguousSymbol: several did (a LookupError).
        """
        sid = _core.reader_lookup_symbol(self._pin, symbol, as_of_date, flag(fuzzy, "fuzzy"))
        return self.retrieve_asset(sid)

    def lookup_symbols(self, symbols: Iterable[str], as_of_date: Any = None,
                       fuzzy: bool = False) -> list[Asset]:
        """Several symbols as of one day; see lookup_symbol()."""
        return [self.lookup_symbol(symbol, as_of_date, fuzzy) for symbol in names_of(symbols, "symbols")]

    def owners(self, symbol: str, fuzzy: bool = False) -> list[Ownership]:
        """Everyone who ever had a symbol, by start date. Raises NoSymbol if nobody had."""
        return self._periods(_core.reader_owners(self._pin, symbol, flag(fuzzy, "fuzzy")))

    def symbol_of(self, sid: int, as_of_date: Any = None) -> str:
        """The symbol that an asset had on a day; without a day, the last one. Raises NoSid, NoSymbol."""
        return _core.reader_symbol_of(self._pin, sid, as_of_date)

    def symbols_of(self, sid: int) -> list[Ownership]:
        """Every symbol that an asset ever had, by start date. Raises NoSid."""
        return self._periods(_core.reader_symbols_of(self._pin, sid))

    @staticmethod
    def _periods(rows: list[tuple]) -> list[Ownership]:
        return [Ownership(sid, symbol, _dates.stamp(start), _dates.stamp(end))
                for sid, symbol, start, end in rows]

    @property
    def exchanges(self) -> list[str]:
        """Names of the exchanges, sorted; "" is one of them where some asset has none."""
        return _core.reader_exchanges(self._pin)

    def sids_of_exchange(self, exchange: str) -> np.ndarray:
        """Sids of the assets of an exchange, int64 [n], ascending; none for a name that is no exchange."""
        out = _dates.numpy().empty(_core.reader_sids_of_exchange(self._pin, exchange, None), "int64")
        _core.reader_sids_of_exchange(self._pin, exchange, out)
        return out

    equities_sids_for_exchange_name = sids_of_exchange

    def lifetimes(self, dates: Iterable[Any], include_start_date: bool = True, *,
                  sids: Iterable[int] | None = None) -> np.ndarray:
        """Which assets were listed on which dates, from start_date to end_date, both included.

        Args:
            dates: what stands for dates, in any order.
            include_start_date: False: an asset is not there yet on its first day, as nothing is known that
                morning.
            sids: of which assets; None: of all, in the order of ``self.sids``.

        Returns:
            bool [date][asset].

        Raises:
            NoSid: a sid is not in the asset table.
        """
        days = _dates.many(dates, "dates")
        chosen = None if sids is None else _dates.sids(sids, "sids")
        count = len(self) if chosen is None else len(chosen)
        out = _dates.numpy().empty((len(days), count), "bool")
        _core.reader_lifetimes(self._pin, days, chosen, flag(include_start_date, "include_start_date"), out)
        return out

    def alive(self, date: Any, include_start_date: bool = True) -> np.ndarray:
        """Sids of the assets that were listed on a date, int64 [n], ascending."""
        include = flag(include_start_date, "include_start_date")
        out = _dates.numpy().empty(_core.reader_alive(self._pin, date, include, None), "int64")
        _core.reader_alive(self._pin, date, include, out)
        return out

    def to_pandas(self) -> pd.DataFrame:
        """The asset table: a row for each asset, indexed by sid; dates are in UTC."""
        pandas = _dates.pandas()
        names = [field.name for field in dataclasses.fields(Asset)][1:]
        frame = pandas.DataFrame([[getattr(asset, name) for name in names] for asset in self], columns=names,
                                 index=pandas.Index(self.sids, name="sid"))
        for name in ("start_date", "end_date", "first_traded", "auto_close_date"):
            frame[name] = pandas.to_datetime(frame[name], utc=True)
        return frame
