"""Splits, mergers and dividends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterable, NamedTuple, Sequence

from bundlepool import _core, _dates
from bundlepool.errors import NoSid
from bundlepool.readers._base import KINDS, Reader, flag, names_of
from bundlepool.readers.assets import NO_CURRENCY, Asset, Assets

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

# The structs of <bundlepool/reader.h>, as _core fills them in.
_RATIO = [("effective_date", "i8"), ("ratio", "f8")]
_ADJUSTMENT = [("row", "i8"), ("first_row", "i8"), ("last_row", "i8"), ("first_col", "i8"),
               ("last_col", "i8"), ("value", "f8"), ("kind", "u4"), ("reserved", "u4")]
_PAID = [("sid", "i8"), ("ex_date", "M8[ns]"), ("declared_date", "M8[ns]"), ("record_date", "M8[ns]"),
         ("pay_date", "M8[ns]")]
_DIVIDEND = [*_PAID, ("amount", "f8")]
_STOCK_DIVIDEND = [*_PAID, ("payment_sid", "i8"), ("ratio", "f8")]


class Dividend(NamedTuple):
    """A dividend in cash: zipline's three fields, and the other dates. amount is per share, dates are
    datetime64[ns]."""

    asset: Asset
    amount: float
    pay_date: np.datetime64
    ex_date: np.datetime64
    declared_date: np.datetime64
    record_date: np.datetime64


class StockDividend(NamedTuple):
    """A dividend in shares: `ratio` shares of payment_asset per share; dates are datetime64[ns]."""

    asset: Asset
    payment_asset: Asset | None
    ratio: float
    pay_date: np.datetime64
    ex_date: np.datetime64
    declared_date: np.datetime64
    record_date: np.datetime64


class Adjustment(NamedTuple):
    """Rows first_row … last_row and columns first_col … last_col of a table are multiplied by value."""

    first_row: int
    last_row: int
    first_col: int
    last_col: int
    value: float


class Adjustments(Reader):
    """Splits, mergers and dividends. ``b.adjustments``, and by zipline's name ``b.adjustment_reader``.

    Prices before the effective date of a ratio are multiplied by it; volumes are divided by it, for splits
    alone. """

    __slots__ = ()

    _TABLES = {
        "splits": ("sid", "effective_date", "ratio"),
        "mergers": ("sid", "effective_date", "ratio"),
        "dividends": ("sid", "effective_date", "ratio"),
        "dividend_payouts": ("sid", "ex_date", "declared_date", "record_date", "pay_date", "amount"),
        "stock_dividend_payouts": ("sid", "ex_date", "declared_date", "record_date", "pay_date",
                                   "payment_sid", "ratio"),
    }

    def _told(self) -> str:
        return ", ".join(f"{len(self._column(f'adjustments/{table}/sid'))} {table}" for table in self._TABLES)

    def get_adjustments_for_sid(self, table_name: str, sid: int) -> list[tuple[np.datetime64, float]]:
        """Rows (effective_date, ratio) of "splits", "mergers" or "dividends" for a sid, by date; [] for
        none."""
        if table_name not in KINDS:
            raise ValueError(f"table_name: {table_name!r} is none of {', '.join(KINDS)}")
        out = _dates.numpy().empty(_core.reader_ratios_of(self._pin, KINDS[table_name], sid, None), _RATIO)
        _core.reader_ratios_of(self._pin, KINDS[table_name], sid, out)
        return [(_dates.stamp(None if date == _dates.MISSING else date), ratio)
                for date, ratio in out.tolist()]

    def _multiplications(self, dates: np.ndarray, sids: np.ndarray, field: str,
                         kinds: int) -> dict[int, list[Adjustment]]:
        count = _core.reader_load_adjustments(self._pin, dates, sids, field, kinds, None)
        out = _dates.numpy().empty(count, _ADJUSTMENT)
        _core.reader_load_adjustments(self._pin, dates, sids, field, kinds, out)
        rows: dict[int, list[Adjustment]] = {}
        for row, *place, _, _ in out.tolist():
            rows.setdefault(row, []).append(Adjustment(*place))
        return rows

    def load_adjustments(self, dates: Iterable[Any], assets: Iterable[int],
                         should_include_splits: bool = True, should_include_mergers: bool = True,
                         should_include_dividends: bool = True,
                         adjustment_type: str = "all") -> dict[str, dict[int, list[Adjustment]]]:
        """Multiplications of a table of dates by assets.

        Args:
            dates: ascending.
            adjustment_type: "price", "volume" or "all": which keys the answer has.

        Returns:
            ``{"price": {row: [Adjustment, …]}, "volume": …}``: from row on it is known. As zipline's,
            last_row is the row of the effective date itself, since its pipeline holds in each row the bars of
            the session before.

        Raises:
            InvalidArgument: dates are not ascending.
        """
        types = {"price": ("price",), "volume": ("volume",), "all": ("price", "volume")}
        if adjustment_type not in types:
            raise ValueError(f"adjustment_type: {adjustment_type!r} is none of price, volume, all")
        days, sids = _dates.many(dates, "dates"), _dates.sids(assets, "assets")
        kinds = (KINDS["splits"] * flag(should_include_splits, "should_include_splits")
                 + KINDS["mergers"] * flag(should_include_mergers, "should_include_mergers")
                 + KINDS["dividends"] * flag(should_include_dividends, "should_include_dividends"))
        fields = {"price": "close", "volume": "volume"}
        return {key: self._multiplications(days, sids, fields[key], kinds) for key in types[adjustment_type]}

    def load_pricing_adjustments(self, columns: Sequence[str], dates: Iterable[Any],
                                 assets: Iterable[int]) -> list[dict[int, list[Adjustment]]]:
        """For each column by its name, what load_adjustments() says of it."""
        days, sids = _dates.many(dates, "dates"), _dates.sids(assets, "assets")
        kinds = sum(KINDS.values())
        return [self._multiplications(days, sids, name, kinds) for name in names_of(columns, "columns")]

    def _paid(self, ask: Any, dtype: list, start: Any, end: Any, assets: Iterable[int] | None) -> np.ndarray:
        sids = None if assets is None else _dates.sids(assets, "assets")
        first, last = _dates.ns(start, "start_date"), _dates.ns(end, "end_date")
        out = _dates.numpy().empty(ask(self._pin, first, last, sids, None), dtype)
        ask(self._pin, first, last, sids, out.view("V%d" % out.dtype.itemsize))
        return out

    def dividends(self, start_date: Any, end_date: Any, assets: Iterable[int] | None = None) -> np.ndarray:
        """Cash dividends with ex-dates from start_date to end_date, both included, by asset and date.

        Returns:
            A structured array: sid, ex_date, declared_date, record_date, pay_date, amount per share.
        """
        return self._paid(_core.reader_dividends, _DIVIDEND, start_date, end_date, assets)

    def stock_dividends(self, start_date: Any, end_date: Any,
                        assets: Iterable[int] | None = None) -> np.ndarray:
        """Dividends in shares likewise: sid, ex_date, declared_date, record_date, pay_date, payment_sid,
        ratio."""
        return self._paid(_core.reader_stock_dividends, _STOCK_DIVIDEND, start_date, end_date, assets)

    def _asset(self, sid: int, asset_finder: Any) -> Asset:
        finder = Assets(self._pin) if asset_finder is None else asset_finder
        try:
            return finder.retrieve_asset(sid)
        except NoSid:  # a payout of what the asset table does not have
            none = _dates.stamp(None)
            return Asset(sid, str(sid), "", "", none, none, none, none, NO_CURRENCY)

    def get_dividends_with_ex_date(self, assets: Iterable[int], date: Any,
                                   asset_finder: Any = None) -> list[Dividend]:
        """Cash dividends of some assets whose ex-date is a day. asset_finder: None: this bundle's."""
        day = _dates.ns(date, "date")
        return [Dividend(self._asset(int(row["sid"]), asset_finder), float(row["amount"]), row["pay_date"],
                         row["ex_date"], row["declared_date"], row["record_date"])
                for row in self.dividends(day, day, assets)]

    def get_stock_dividends_with_ex_date(self, assets: Iterable[int], date: Any,
                                         asset_finder: Any = None) -> list[StockDividend]:
        """Dividends in shares of some assets whose ex-date is a day. payment_asset is None where it is not
        known."""
        day = _dates.ns(date, "date")
        out = []
        for row in self.stock_dividends(day, day, assets):
            paid = int(row["payment_sid"])
            payment = None if paid == _dates.MISSING else self._asset(paid, asset_finder)
            asset = self._asset(int(row["sid"]), asset_finder)
            out.append(StockDividend(asset, payment, float(row["ratio"]), row["pay_date"], row["ex_date"],
                                     row["declared_date"], row["record_date"]))
        return out

    def to_pandas(self, table_name: str = "splits") -> pd.DataFrame:
        """A whole table: splits, mergers, dividends, dividend_payouts or stock_dividend_payouts; dates in
        UTC."""
        pandas = _dates.pandas()
        if table_name not in self._TABLES:
            raise ValueError(f"table_name: {table_name!r} is none of {', '.join(self._TABLES)}")
        columns = {}
        for name in self._TABLES[table_name]:
            values = self._column(f"adjustments/{table_name}/{name}")
            if name.endswith("_date"):
                columns[name] = pandas.to_datetime(_dates.stamps(values), utc=True)
            else:
                columns[name] = values.copy()
        return pandas.DataFrame(columns)
