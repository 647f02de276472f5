"""Keywords as options of the program `optimizer`: one table of options serves both."""

from __future__ import annotations

import contextlib
import datetime
import difflib
import functools
import itertools
import math
import os
import re
from typing import Any, Iterable, Iterator, Mapping

from bundlepool import _core, launch
from bundlepool.errors import Error, warn
from bundlepool.strategy import Strategy, number_text, plain

__all__ = ["grid_arguments", "near", "option_arguments", "values_of"]

SEARCH, RUN = 1, 8

# What has no meaning where nothing is printed, or is an argument of its own.
_NOT_HERE = frozenset(
    {
        "help",
        "version",
        "json",
        "list-strategies",
        "list-metrics",
        "strategy",
        "param",
        "bundle",
        "bundles",
        "where",
        "resume",
        "out",
        "dry-run",
        "ranks",
        "check-lookahead",
        "progress",
        "stats-every",
        "timeout",
        "results",
        "row",
        "input",
        "lookahead-cuts",
        "lookahead-seed",
    }
)
# Files of a search: a run has attributes of these names.
_FILES = frozenset({"equity", "trades", "positions", "unfilled", "replace"})


# Arguments whose names are not those of the options.
_OTHERWISE = {"param": "grid", "lookahead-cuts": "cuts", "lookahead-seed": "seed"}

_PATHS = frozenset({"journal", *_FILES} - {"replace"})


def whole_path(path: str | bytes | os.PathLike[Any]) -> str:
    """A path of what is written in the end, by when a strategy may have gone to another folder."""
    text = os.fsdecode(os.fspath(path))
    return os.path.abspath(text) if text else text


@functools.lru_cache(maxsize=1)
def _table() -> dict[str, tuple[bool, int, str]]:
    return {name: (takes_value, uses, text) for name, takes_value, uses, text in _core.options()}


def near(name: str, names: Iterable[str]) -> str:
    """A hint at a name that was meant perhaps."""
    found = difflib.get_close_matches(name, list(names), n=1, cutoff=0.6)
    return f"; did you mean {found[0]!r}?" if found else ""


def as_keywords(text: str) -> str:
    """A text of the library with options named as keywords: short=True for --short."""

    def keyword(match: re.Match) -> str:
        known = _table().get(match[1])
        if match[1] in _OTHERWISE:
            return _OTHERWISE[match[1]]
        return match[1].replace("-", "_") + ("" if known[0] else "=True") if known else match[0]

    text = re.sub(r"(?<![\w-])--([a-z][a-z-]*[a-z])\b", keyword, text)
    text = re.sub(r"'bundle (verify|info) (\S+)'", r"bundlepool.\1('\2')", text)
    text = text.replace("see 'optimizer run'", "see bundlepool.backtest()")
    return text.replace("'bundle list' shows", "bundlepool.bundles() tells")


@contextlib.contextmanager
def keywords_in_errors() -> Iterator[None]:
    """Errors that are raised inside name options as keywords."""
    try:
        yield
    except Error as error:
        error.text = as_keywords(error.text)
        error.args = (error.text,)
        raise


def _without(use: int) -> frozenset[str]:
    return _NOT_HERE | _FILES if use == RUN else _NOT_HERE


def known_options(use: int) -> list[str]:
    """Keywords that stand for options of a command."""
    return [
        name.replace("-", "_")
        for name, (_, uses, _) in _table().items()
        if uses & use and name not in _without(use)
    ]


def option_arguments(
    options: Mapping[str, Any], use: int, caller: str, others: Iterable[str] = ()
) -> list[str]:
    """Options as the command line has them: cash=1e7 is --cash=1e7, short=True is --short.

    Raises:
        TypeError: there is no such option; the text has one that is near. Or its value is of the wrong type.
    """
    arguments = []
    for keyword, value in options.items():
        value = _plain_option(caller, keyword, value)
        name = keyword.rstrip("_").replace("_", "-")
        takes_value, uses, _ = _table().get(name, (False, 0, ""))
        if name in _without(use) or not uses & use:
            raise TypeError(
                f"{caller}() has no argument {keyword!r}{near(keyword, [*others, *known_options(use)])}"
            )
        if value is None or value is False and not takes_value:
            continue
        if not takes_value:
            if value is not True:
                raise TypeError(f"{caller}(): {keyword} is True or False, not {value!r}")
            arguments.append(f"--{name}")
        else:
            text = _option_text(caller, keyword, value)
            arguments.append(f"--{name}={whole_path(text) if name in _PATHS else text}")
    return arguments


def _plain_option(caller: str, keyword: str, value: Any) -> Any:
    """A number of NumPy as Python's own; a date is left as it is."""
    if _day_text(value) is not None:
        return value
    try:
        return plain(keyword, value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{caller}(): {error}".replace("parameter ", "")) from None


def _option_text(caller: str, keyword: str, value: Any) -> str:
    if isinstance(value, bool):
        raise TypeError(f"{caller}(): {keyword} takes a value, not {value!r}")
    if isinstance(value, str):
        return value
    if hasattr(value, "__fspath__"):
        return os.fsdecode(os.fspath(value))
    day = _day_text(value)
    if day is not None:
        return day
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value) if isinstance(value, (set, frozenset)) else value
        return ",".join(_option_text(caller, keyword, item) for item in items)
    if isinstance(value, float) and value == math.inf:
        return "none"
    if hasattr(value, "__float__"):
        try:
            return number_text(keyword, value)
        except (TypeError, ValueError) as error:
            raise TypeError(f"{caller}(): {error}".replace("parameter ", "")) from None
    raise TypeError(f"{caller}(): {keyword}: {value!r} is no text, number, date or list")


def _day_text(value: Any) -> str | None:
    if isinstance(value, datetime.datetime):
        return value.date().isoformat()
    if isinstance(value, datetime.date):
        return value.isoformat()
    if type(value).__module__ == "numpy" and getattr(getattr(value, "dtype", None), "kind", "") == "M":
        return str(value.astype("datetime64[D]"))
    return None


def plain_bundles(bundle: Any, caller: str, root: Any = None) -> tuple[str | list[str], str | None]:
    """A bundle, or a list of them, by name, and the folder that they are of; None: as the environment says.

    Args:
        bundle: a name, a path that ends in .h5, or a Bundle, which is of the folder that it is from; a list.
        root: the folder as the caller has given it, or None.
    """

    def name_of(one: Any) -> str:
        if isinstance(one, _core.Bundle):
            return one.name
        if isinstance(one, str) or hasattr(one, "__fspath__"):
            return os.fsdecode(os.fspath(one))
        raise TypeError(f"{caller}(): a bundle is a name, a path, or a Bundle, not {one!r}")

    several = isinstance(bundle, (list, tuple))
    given = bundle if several else [bundle]
    if not given:
        raise ValueError(f"{caller}(): the list of bundles is empty")
    names = [name_of(one) for one in given]
    roots = [one.root for one in given if isinstance(one, _core.Bundle)]
    roots += [] if root is None else [os.fsdecode(os.fspath(root))]
    folders = {os.path.realpath(folder): folder for folder in roots}
    if len(folders) > 1:
        raise ValueError(
            f"{caller}(): a bundle is of the folder {roots[0]}, but not all of this is: {roots[-1]}"
        )
    return names if several else names[0], roots[-1] if roots else None


def bundle_arguments(bundle: Any, caller: str, root: Any = None) -> list[str]:
    """What plain_bundles() finds, as options."""
    names, folder = plain_bundles(bundle, caller, root)
    named = f"--bundle={names}" if isinstance(names, str) else "--bundles=" + ",".join(names)
    return [named] if folder is None else [named, f"--root={folder}"]


# Grids ------------------------------------------------------------------------------------------------------


_MAX_VALUES = 10_000_000  # of one parameter, and combinations of a grid: as in C, BP__VALUES_MAX
_WORD = "[A-Za-z_][A-Za-z0-9_.-]*"


def values_of(values: Any) -> list[Any]:
    """The values of a parameter of as_grid(); of a text in the manner of --param none."""
    if isinstance(values, str):
        return [values] if re.fullmatch(_WORD, values) else []
    return list(values)


def as_grid(grid: Mapping[str, Any] | None) -> dict[str, str | range | list[Any]]:
    """A grid whose values can be read more than once, and are Python's own.

    Raises:
        TypeError, ValueError: it is none; the text names the parameter.
    """
    if grid is None:
        return {}
    if not isinstance(grid, Mapping):
        raise TypeError(f"a grid is a dict, parameter: values, not {grid!r}")
    for name in grid:
        if not isinstance(name, str):
            raise TypeError(f"a parameter of a grid is named by a str, not {name!r}")
    return {name: _readable(name, values) for name, values in grid.items()}


def _readable(name: str, values: Any) -> str | range | list[Any]:
    if isinstance(values, str):
        return str.__str__(values)
    if isinstance(values, (bytes, bytearray, memoryview, Mapping, set, frozenset)):
        raise TypeError(f"grid: values of {name} are a list, in an order, not {type(values).__name__}")
    ndim = getattr(values, "ndim", None)
    if ndim == 0 or not isinstance(values, Iterable):
        return [plain(name, values)]
    if isinstance(ndim, int) and ndim > 1:
        raise TypeError(f"grid: values of {name} are a list, not an array of {ndim} dimensions")
    if isinstance(values, range):
        count = (values[-1] - values[0]) // values.step + 1 if values else 0  # len() of a long one overflows
        _check_count(name, count)
        return values
    found = [plain(name, value) for value in itertools.islice(values, _MAX_VALUES + 1)]
    _check_count(name, len(found))
    return _once(name, found)


def _check_count(name: str, count: int) -> None:
    if count == 0:
        raise ValueError(f"grid: {name} has no values")
    if count > _MAX_VALUES:
        raise ValueError(f"grid: {name} has more than {_MAX_VALUES} values; search in several runs")


def _once(name: str, values: list[Any]) -> list[Any]:
    """A value that is given twice is tested once, where it stands first: as in C."""
    once: dict[tuple[bool, Any], Any] = {}
    try:
        for value in values:
            once.setdefault((isinstance(value, bool), value), value)
    except TypeError:
        return values  # one is not hashable: it is no number and no word
    if len(once) < len(values) and launch.is_first():
        warn(f"grid: values of {name} are there more than once; each is tested once")
    return list(once.values())


def _values_text(name: str, values: str | range | list[Any], strategy: Strategy | None) -> str:
    parameter = strategy.parameter(name) if strategy else None
    if isinstance(values, str) and not values_of(values):
        return values
    if isinstance(values, range) and len(values) > 1:
        first, last = (number_text(name, end) for end in (values[0], values[-1]))
        return f"{first}:{last}" + (f":{values.step}" if values.step != 1 else "")
    found = values_of(values)
    if parameter:
        return ",".join(parameter.text_of(value) for value in found)
    for value in found:
        if isinstance(value, str) and not re.fullmatch(_WORD, value):
            raise ValueError(f"parameter {name}: {value!r} is not a word: letters, digits, _, . or -")
    return ",".join(value if isinstance(value, str) else number_text(name, value) for value in found)


def grid_arguments(grid: Mapping[str, Any], strategy: Strategy | None) -> list[str]:
    """A grid as options --param.

    Args:
        grid: of as_grid().
        strategy: whose parameters they are; None: it is not of Python, and the C part knows them.

    Raises:
        TypeError: there is no such parameter, or one that has no default is missing.
        ValueError: a value is not one of the parameter's.
    """
    if strategy:
        names = [p.name for p in strategy.parameters]
        for name in grid:
            if name not in names:
                has = f"it has {', '.join(names)}" if names else "it has none"
                raise TypeError(
                    f"strategy {strategy.name} has no parameter {name!r}{near(name, names)} ({has})"
                )
        for parameter in strategy.parameters:
            if parameter.is_required and parameter.name not in grid:
                raise TypeError(
                    f"strategy {strategy.name}: parameter {parameter.name!r} has no default, and is not given"
                )
    return [f"--param={name}={_values_text(name, values, strategy)}" for name, values in grid.items()]
