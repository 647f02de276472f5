"""What stands for a date, and what for an asset, in arguments of the package."""

from __future__ import annotations

import datetime
import functools
import operator
import re
from typing import TYPE_CHECKING, Any, Iterable

if TYPE_CHECKING:
    import numpy as np

MISSING = -(2**63)  #: what stands for "no date" in memory; NaT in NumPy

_EPOCH = datetime.datetime(1970, 1, 1)
_FRACTION = re.compile(r"[.,](\d+)")
_MICROSECOND = datetime.timedelta(microseconds=1)


def numpy():
    """The module numpy, or an ImportError that says what wants it."""
    try:
        import numpy
    except ImportError as error:
        raise ImportError("arrays need NumPy, which is not installed (Debian: python3-numpy; pip install "
                          "numpy); Bundle.view() gives a memoryview without it") from error
    return numpy


def pandas():
    """The module pandas, or an ImportError that says what wants it."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError("to_pandas() needs pandas, which is not installed (Debian: python3-pandas; "
                          "pip install pandas)") from error
    return pandas


def _in_range(value: int, name: str) -> int:
    if value == MISSING:
        raise ValueError(f"{name}: is no date (NaT)")
    if not MISSING < value < 2**63:
        raise ValueError(f"{name}: beyond the years that 64 bits of nanoseconds reach, 1677 to 2262")
    return value


def _of_datetime(value: datetime.datetime) -> int:
    if value.tzinfo is not None:
        value = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    return (value - _EPOCH) // _MICROSECOND * 1000


@functools.lru_cache(maxsize=4096)
def _read(text: str) -> int:
    """Raises ValueError or OverflowError."""
    fraction = _FRACTION.search(text)
    if fraction is None:
        return _of_datetime(datetime.datetime.fromisoformat(text))
    digits = fraction[1]
    if len(digits) > 9:  # datetime would cut them off
        raise ValueError
    whole = _of_datetime(datetime.datetime.fromisoformat(text[:fraction.start()] + text[fraction.end():]))
    return whole + int(digits.ljust(9, "0"))


def _of_text(text: str, name: str) -> int:
    try:
        return _read(text)
    except (ValueError, OverflowError):
        raise ValueError(f"{name}: {text!r} is not a date; examples: '2014-06-30', '2014-06-30 14:31', "
                         "'2014-06-30T14:31:00Z'") from None


def _of_datetime64(value: np.datetime64, name: str) -> int:
    np = numpy()
    if np.isnat(value):
        raise ValueError(f"{name}: is no date (NaT)")
    exact = value.astype("datetime64[ns]")
    if exact.astype(value.dtype) != value:  # NumPy wraps around without a word
        raise ValueError(f"{name}: {value} is beyond the years that 64 bits of nanoseconds reach, "
                         "1677 to 2262")
    return int(exact.astype("int64"))


def ns(value: Any, name: str) -> int:
    """Nanoseconds since the epoch, UTC, of what stands for a date.

    Args:
        value: a str in ISO 8601, datetime.date, datetime.datetime, numpy.datetime64 or pandas.Timestamp;
            without a time zone it is UTC, and a day is its midnight. An int is nanoseconds already.
        name: of the argument, for errors.

    Raises:
        TypeError: it is something else.
        ValueError: it is no date (NaT), cannot be read, or lies before 1677 or after 2262.
    """
    if isinstance(value, str):
        return _in_range(_of_text(value, name), name)
    if isinstance(value, datetime.datetime):
        exact = getattr(value, "value", None)  # pandas.Timestamp and NaT, to the nanosecond
        return _in_range(_of_datetime(value) if exact is None else int(exact), name)
    if isinstance(value, datetime.date):
        return _in_range(_of_datetime(datetime.datetime(value.year, value.month, value.day)), name)
    if type(value).__module__ == "numpy" and type(value).__name__ == "datetime64":
        return _of_datetime64(value, name)
    if not isinstance(value, bool):
        try:
            return _in_range(operator.index(value), name)
        except TypeError:
            pass
    raise TypeError(f"{name}: expected a date (str, datetime, numpy.datetime64, pandas.Timestamp, or int of "
                    f"nanoseconds), got {type(value).__name__}")


def many(values: Iterable[Any], name: str) -> np.ndarray:
    """Dates as int64 nanoseconds [n]; elements are what ns() takes, errors name the place."""
    np = numpy()
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        raise TypeError(f"{name}: expected a sequence of dates, got {type(values).__name__}")
    if isinstance(values, np.ndarray) or hasattr(values, "dtype"):
        array = np.asarray(values)
        if array.ndim != 1:
            raise ValueError(f"{name}: expected one dimension, got {array.ndim}")
        if array.dtype == "datetime64[ns]":
            out = np.require(array, requirements=["C", "A"]).view("int64")
            if (out == MISSING).any():
                raise ValueError(f"{name}[{int(np.argmax(out == MISSING))}]: is no date (NaT)")
            return out
        values = array
    return np.array([ns(value, f"{name}[{i}]") for i, value in enumerate(values)], dtype="int64")


def stamp(value: int | None) -> np.datetime64:
    """Nanoseconds as numpy.datetime64[ns]; None as NaT."""
    return numpy().datetime64("NaT" if value is None else value, "ns")


def stamps(values: np.ndarray) -> np.ndarray:
    """int64 nanoseconds as datetime64[ns], of the same memory; what is missing is NaT."""
    return values.view("datetime64[ns]")


def index(value: Any, name: str) -> int:
    """A whole number; TypeError, which names the argument, for what is none."""
    if not isinstance(value, bool):
        try:
            return operator.index(value)
        except TypeError:
            pass
    raise TypeError(f"{name}: expected an integer, got {type(value).__name__}")


def sids(values: Iterable[Any], name: str) -> np.ndarray:
    """Sids of assets, int64 [n]: of ints, NumPy integers or Assets, in their order."""
    np = numpy()
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        raise TypeError(f"{name}: expected a sequence of sids or Assets, got {type(values).__name__}")
    if isinstance(values, np.ndarray) and values.dtype.kind == "i":
        if values.ndim != 1:
            raise ValueError(f"{name}: expected one dimension, got {values.ndim}")
        return np.require(values, "int64", ["C", "A"])
    numbers = [index(value, f"{name}[{i}]") for i, value in enumerate(values)]
    for i, number in enumerate(numbers):
        if not -2**63 <= number < 2**63:
            raise ValueError(f"{name}[{i}]: {number} does not fit into 64 bits")
    return np.array(numbers, dtype="int64")
