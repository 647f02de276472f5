"""What the four readers share: their Pin, their arguments, DataFrames of bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterable

from bundlepool import _core, _dates
from bundlepool.errors import NoSid

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

KINDS = {"splits": 1, "mergers": 2, "dividends": 4}  #: BP_ADJUST_…


def names_of(columns: Any, name: str) -> tuple[str, ...]:
    """Names of fields; a str is no list of them."""
    if isinstance(columns, (str, bytes)) or not hasattr(columns, "__iter__"):
        raise TypeError(f"{name}: expected a sequence of names such as ['close', 'volume'], got "
                        f"{type(columns).__name__}")
    return tuple(columns)


def flag(value: Any, name: str) -> bool:
    """True or False, also NumPy's; TypeError for anything else."""
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        return bool(value)
    raise TypeError(f"{name}: expected True or False, got {type(value).__name__}")


def count_of(value: Any, name: str) -> int:
    """A number of rows."""
    number = _dates.index(value, name)
    if not 0 <= number < 2**31:
        raise ValueError(f"{name}: {number} is not a number from 0 to {2**31 - 1}")
    return number


def kinds_of(value: Iterable[str] | bool, name: str) -> int:
    """Kinds of adjustments as BP_ADJUST_…, joined; True: all, False: none."""
    if isinstance(value, bool):
        return sum(KINDS.values()) if value else 0
    kinds = 0
    for kind in names_of(value, name):
        if kind not in KINDS:
            raise ValueError(f"{name}: {kind!r} is none of {', '.join(KINDS)}")
        kinds |= KINDS[kind]
    return kinds


def frame_of(names: str | tuple[str, ...], tables: list[np.ndarray], index: pd.DatetimeIndex, labels: list,
             label: str) -> pd.DataFrame:
    """Tables [time][asset] as a DataFrame; of several fields, columns are pairs (field, asset)."""
    pandas = _dates.pandas()
    if isinstance(names, str):
        return pandas.DataFrame(tables[0], index=index, columns=pandas.Index(labels, name=label))
    pairs = pandas.MultiIndex.from_product([names, range(len(labels))])
    pairs = pandas.MultiIndex.from_arrays([pairs.get_level_values(0), list(labels) * len(names)],
                                          names=["field", label])
    values = _dates.numpy().hstack(tables) if tables else _dates.numpy().empty((len(index), 0))
    return pandas.DataFrame(values, index=index, columns=pairs)


class Reader:
    """Over the Pin of a bundle."""

    __slots__ = ("_pin",)

    def __init__(self, pin: _core.Pin) -> None:
        self._pin = pin

    def _column(self, name: str) -> np.ndarray:
        return _dates.numpy().asarray(_core.reader_column(self._pin, name))

    def _symbol(self, sid: int) -> str:
        try:
            return _core.reader_retrieve_asset(self._pin, sid)[1]
        except NoSid:  # there are bars, but no asset table
            return str(sid)

    def _labels(self, sids: np.ndarray, label: str) -> list:
        if label == "sid":
            return sids.tolist()
        if label == "symbol":
            return [self._symbol(sid) for sid in sids.tolist()]
        raise ValueError(f"label: {label!r} is neither 'symbol' nor 'sid'")

    def __reduce_ex__(self, protocol: Any) -> None:
        raise TypeError(f"a reader ({type(self).__name__}) cannot be pickled: pass the bundle's name, and "
                        "get the bundle there with pool.get(name) or bundlepool.load(name)")

    def _told(self) -> str:
        raise NotImplementedError

    def __repr__(self) -> str:
        try:
            return f"<bundlepool.{type(self).__name__}: {self._told()}>"
        except Exception:  # released, or the parent's of this child: a repr does not fail
            return f"<bundlepool.{type(self).__name__}, released>"
