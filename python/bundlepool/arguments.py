"""Keywords as options of the program `optimizer`: one table of options serves both."""

from __future__ import annotations

import contextlib
import datetime
import difflib
import functools
import math
import os
import re
from typing import Any, Iterable, Iterator, Mapping, Sequence

from bundlepool import _core
from bundlepool.errors import Error
from bundlepool.strategy import Strategy, number_text

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
    }
)


@functools.lru_cache(maxsize=1)
def _table() -> dict[str, tuple[bool, int, str]]:
    return {name: (takes_value, uses, text) for name, takes_value, uses, text in _core.options()}


def near(name: str, names: Iterable[str]) -> str:
    """A hint at a name that was meant perhaps."""
    found = difflib.get_close_matches(name, list(names), n=1, cutoff=0.6)
    return f"; did you mean {found[0]!r}?" if found else ""


def as_keywords(text: str) -> str:
    """A text of the library with options named as keywords: short=True for --short, max_leverage for --max-leverage."""

    def keyword(match: re.Match) -> str:
        known = _table().get(match[1])
        if match[1] == "param":
            return "grid"
        return match[1].replace("-", "_") + ("" if known[0] else "=True") if known else match[0]

    text = re.sub(r"(?<![\w-])--([a-z][a-z-]*[a-z])\b", keyword, text)
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


def known_options(use: int) -> list[str]:
    """Keywords that stand for options of a command."""
    return [
        name.replace("-", "_")
        for name, (_, uses, _) in _table().items()
        if uses & use and name not in _NOT_HERE
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
        name = keyword.rstrip("_").replace("_", "-")
        takes_value, uses, _ = _table().get(name, (False, 0, ""))
        if name in _NOT_HERE or not uses & use:
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
            arguments.append(f"--{name}={_option_text(caller, keyword, value)}")
    return arguments


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
    if isinstance(value, float) and math.isinf(value):
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
        bundle: a name, a path that ends in .h5, or a Bundle, which is one of the folder that it is from; or a list.
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
        raise ValueError(f"{caller}(): a bundle is of the folder {roots[0]}, but not all of this is: {roots[-1]}")
    return names if several else names[0], roots[-1] if roots else None


def bundle_arguments(bundle: Any, caller: str, root: Any = None) -> list[str]:
    """What plain_bundles() finds, as options."""
    names, folder = plain_bundles(bundle, caller, root)
    named = f"--bundle={names}" if isinstance(names, str) else "--bundles=" + ",".join(names)
    return [named] if folder is None else [named, f"--root={folder}"]


# Grids ------------------------------------------------------------------------------------------------------


def values_of(values: Any) -> list[Any]:
    """The values that a grid gives to a parameter: of one by itself that one; of a text in the manner of
    --param none.
    """
    if isinstance(values, str):
        return [values] if re.fullmatch(r"[a-z][a-z0-9_]*", values) else []
    if not isinstance(values, Iterable) or getattr(values, "ndim", 1) == 0:
        return [values]
    return [v.item() if hasattr(v, "item") and getattr(v, "ndim", 0) == 0 else v for v in values]


def as_grid(grid: Mapping[str, Any] | None) -> dict[str, Any]:
    """A grid whose values can be read more than once."""
    if grid is None:
        return {}
    if not isinstance(grid, Mapping):
        raise TypeError(f"a grid is a dict, parameter: values, not {grid!r}")
    for name in grid:
        if not isinstance(name, str):
            raise TypeError(f"a parameter of a grid is named by a str, not {name!r}")
    for name, values in grid.items():
        if isinstance(values, (bytes, Mapping, set, frozenset)):
            raise TypeError(f"grid: values of {name} are a list, in an order, not {type(values).__name__}")
    return {
        name: values
        if isinstance(values, (str, range, Sequence)) or not isinstance(values, Iterable)
        else list(values)
        if getattr(values, "ndim", 1) != 0
        else values
        for name, values in grid.items()
    }


def _values_text(name: str, values: Any, strategy: Strategy | None) -> str:
    parameter = strategy.parameter(name) if strategy else None
    if isinstance(values, str) and not values_of(values):
        return values
    if isinstance(values, range) and len(values) > 1:
        step = f":{values.step}" if values.step != 1 else ""
        return f"{values[0]}:{values[-1]}{step}"
    found = values_of(values)
    if not found:
        raise ValueError(f"grid: {name} has no values")
    if parameter:
        return ",".join(parameter.text_of(value) for value in found)
    return ",".join(value if isinstance(value, str) else number_text(name, value) for value in found)


def grid_arguments(grid: Mapping[str, Any], strategy: Strategy | None) -> list[str]:
    """A grid as options --param.

    Args:
        grid: parameter → values: a range, a list, an array, a single value, or a text as --param has it.
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
