"""Exceptions: one class for each status of the library, each also what Python people catch."""

from __future__ import annotations

import sys
import types
import warnings

from bundlepool._text import clean_lines

__all__ = [
    "AmbiguousSymbol", "Busy", "Changed", "Error", "Forked", "FormatError", "InvalidArgument", "MPIError",
    "NoDataAfterDate", "NoDataBeforeDate", "NoDataForDate", "NoDataOnDate", "NoMemory", "NoSid", "NoSymbol",
    "NotFound", "OutOfRange", "PoolFull", "PoolTimeout", "ReadError", "Stopped", "SystemFailure",
    "from_status",
]


class Error(Exception):
    """What every failure of the library is.

    Attributes:
        code: number of the status, as in ``<bundlepool/status.h>``.
        name: its name, such as ``"BP_ENOTFOUND"``.

    ``str()`` is the library's full text: which file, dataset, option or line it concerns, and what to do.
    """

    code: int = 0
    name: str = "BP_?"

    def __init__(self, text: str = "") -> None:
        text = clean_lines(text)
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return self.text  # KeyError would give its repr

    def __reduce__(self):
        return from_status, (self.code, self.name, self.text)


class InvalidArgument(Error, ValueError):
    """An argument or a setting is not valid."""

    code, name = 1, "BP_EINVAL"


class NotFound(Error, KeyError):
    """There is no such bundle, column or file."""

    code, name = 2, "BP_ENOTFOUND"


class FormatError(Error, ValueError):
    """A file is not a bundle, or a damaged one."""

    code, name = 3, "BP_EFORMAT"


class ReadError(Error, OSError):
    """Reading or writing failed."""

    code, name = 4, "BP_EIO"


class NoMemory(Error, MemoryError):
    """There is not enough memory."""

    code, name = 5, "BP_ENOMEM"


class PoolFull(Error, MemoryError):
    """The pool has no room: the image is larger than the budget, or what is pinned leaves none."""

    code, name = 6, "BP_EFULL"


class PoolTimeout(Error, TimeoutError):
    """Something was not finished in time; it may be tried again."""

    code, name = 7, "BP_ETIMEOUT"


class Busy(Error, BufferError):
    """Something is still in use: arrays of a bundle, or bundles of a pool."""

    code, name = 8, "BP_EBUSY"


class Forked(Error, RuntimeError):
    """A forked child used what belongs to its parent."""

    code, name = 9, "BP_EFORKED"


class MPIError(Error, RuntimeError):
    """MPI failed, or lacks what is needed."""

    code, name = 10, "BP_EMPI"


class OutOfRange(Error, ValueError):
    """A value is out of range."""

    code, name = 11, "BP_ERANGE"


class Changed(Error, RuntimeError):
    """A file kept changing while it was read."""

    code, name = 12, "BP_ECHANGED"


class SystemFailure(Error, OSError):
    """A system call failed."""

    code, name = 13, "BP_ESYS"


class NoSid(Error, KeyError):
    """There is no such sid."""

    code, name = 14, "BP_ENOSID"


class NoDataForDate(Error, LookupError):
    """There is no bar for a date: the base of the three below."""


class NoDataBeforeDate(NoDataForDate):
    """The date is before the asset's first bar."""

    code, name = 15, "BP_ENODATA_BEFORE"


class NoDataOnDate(NoDataForDate):
    """The asset has no bar on the date."""

    code, name = 16, "BP_ENODATA_ON"


class NoDataAfterDate(NoDataForDate):
    """The date is after the asset's last bar."""

    code, name = 17, "BP_ENODATA_AFTER"


class Stopped(Error, RuntimeError):
    """The pool is shutting down."""

    code, name = 18, "BP_ESTOPPED"


class NoSymbol(Error, KeyError):
    """There is no such symbol."""

    code, name = 19, "BP_ENOSYMBOL"


class AmbiguousSymbol(Error, LookupError):
    """A symbol is one of several assets."""

    code, name = 20, "BP_EAMBIGUOUS"


_CLASSES: dict[int, type[Error]] = {
    cls.code: cls
    for cls in (InvalidArgument, NotFound, FormatError, ReadError, NoMemory, PoolFull, PoolTimeout, Busy,
                Forked, MPIError, OutOfRange, Changed, SystemFailure, NoSid, NoDataBeforeDate, NoDataOnDate,
                NoDataAfterDate, Stopped, NoSymbol, AmbiguousSymbol)
}


def from_status(code: int, name: str, text: str) -> Error:
    """The exception for a status: of the class of ``code``, or a plain Error for one that is new."""
    error = _CLASSES.get(code, Error)(text)
    error.code, error.name = code, name
    return error


def no_symbol(symbol: str, symbols: list[str]) -> NoSymbol:
    """That no asset of a market has a symbol: the text has one that is near."""
    import difflib  # where it is needed, and no earlier

    alike = [known for known in symbols if known.casefold() == symbol.casefold()]
    if not alike:  # of thousands only some are compared: a rule may catch this once in each session
        near = [known for known in symbols if known[:1].casefold() == symbol[:1].casefold()]
        alike = difflib.get_close_matches(symbol, near, n=1, cutoff=0.6)
    hint = f"did you mean {alike[0]!r}?" if alike else f"there are {len(symbols)}, which .symbols lists"
    return NoSymbol(f"no asset has the symbol {symbol!r}; {hint}")


def warn(text: str, category: type[Warning] = UserWarning) -> None:
    """A warning at the line outside of this package that has called it."""
    level = 1
    frame: types.FrameType | None = sys._getframe()
    ours = "bundlepool", "contextlib"  # the latter calls what begins and ends a run
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] in ours:
        level, frame = level + 1, frame.f_back
    warnings.warn(text, category, stacklevel=level)
