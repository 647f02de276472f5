"""Strategies on their way to other processes.

What can be imported there goes by its name, as pickle has it. What cannot, such as a function of a notebook,
a lambda or a closure, goes as its code with everything that it reaches, and with its source, so that it is
the same strategy there. Both sides are the same Python.
"""

from __future__ import annotations

import importlib
import io
import linecache
import marshal
import os
import pickle
import runpy
import sys
import types
from typing import Any

from bundlepool._sources import reached_names

__all__ = ["pack", "unpack"]

_MAIN = "__main__"
_namespaces: dict[int, dict[str, Any]] = {}  # of functions that were made by exec(), by the sender's id


def pack(thing: Any, what: str) -> bytes:
    """As bytes for another process.

    Args:
        thing: anything; strategies may be in it.
        what: what it is, for the text of a failure.

    Raises:
        TypeError: something in it cannot be sent; the text names it.
    """
    buffer = io.BytesIO()
    path = _main_file()
    module = getattr(getattr(sys.modules[_MAIN], "__spec__", None), "name", None)
    try:
        _Pickler(buffer).dump(thing)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise TypeError(
            f"{what} cannot be sent to other processes: {error}; put the strategy into a file of its own "
            "and import it"
        ) from None
    return pickle.dumps((list(sys.path), path, module, buffer.getvalue()))


def _main_file() -> str | None:
    """The file that this program is; None: it is typed in, or comes from a pipe."""
    path = getattr(sys.modules[_MAIN], "__file__", None)
    return os.path.abspath(path) if path and os.path.isfile(path) else None


def unpack(data: bytes) -> Any:
    """The thing, in the other process. Its main file is run there, as multiprocessing does it: not as
    __main__.
    """
    folders, path, module, body = pickle.loads(data)
    _namespaces.clear()
    sys.path[:] = [*folders, *(folder for folder in sys.path if folder not in folders)]
    if path is not None and b"__main__" in body:
        _load_main(path, module)
    return pickle.loads(body)


def _load_main(path: str, module: str | None) -> None:
    from bundlepool import strategy

    strategy._loading.append(path)
    try:
        if module and not module.endswith("__main__"):
            scope = runpy.run_module(module, run_name="__mp_main__", alter_sys=True)
        else:
            scope = runpy.run_path(path, run_name="__mp_main__")
    finally:
        strategy._loading.pop()
    main = types.ModuleType("__mp_main__")
    main.__dict__.update(scope)
    sys.modules[_MAIN] = sys.modules["__mp_main__"] = main


def _is_importable(thing: Any) -> bool:
    """Whether the other process finds it by its name."""
    if thing.__module__ == _MAIN and _main_file() is None:
        return False
    return _is_found_by_name(thing)


def _is_found_by_name(thing: Any) -> bool:
    found: Any = sys.modules.get(thing.__module__ or "")
    for name in thing.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is thing


def _tell_name(thing: Any, is_found: bool) -> None:
    """Have its name lead to it, if it did before: bundlepool.identity goes by that."""
    home = sys.modules.get(thing.__module__ or "", sys.modules[_MAIN])
    if is_found and "." not in thing.__qualname__:
        setattr(home, thing.__qualname__, thing)


class _Pickler(pickle.Pickler):
    def reducer_override(self, thing: Any) -> Any:
        if isinstance(thing, types.ModuleType):
            return importlib.import_module, (thing.__name__,)
        if isinstance(thing, types.FunctionType) and not _is_importable(thing):
            return _function_parts(thing)
        if isinstance(thing, type) and thing.__module__ == _MAIN and not _is_importable(thing):
            return _class_parts(thing)
        return NotImplemented


def _home_of(scope: dict[str, Any]) -> tuple[str, int]:
    """Whose globals these are: a module's, by its name, or nobody's. Functions that share them share them there."""
    name = scope.get("__name__", "")
    module = sys.modules.get(name) if isinstance(name, str) else None
    found = module is not None and vars(module) is scope and (name == _MAIN or module.__spec__ is not None)
    return (name, 0) if found else ("", id(scope))


def _globals_of(home: tuple[str, int]) -> dict[str, Any]:
    name, number = home
    if not name:
        return _namespaces.setdefault(number, {"__builtins__": __builtins__})
    return vars(sys.modules[_MAIN] if name == _MAIN else importlib.import_module(name))


def _function_parts(function: types.FunctionType) -> Any:
    code = function.__code__
    lines = linecache.getlines(code.co_filename)
    scope = {name: function.__globals__[name] for name in reached_names(code) if name in function.__globals__}
    cells = tuple(cell.cell_contents for cell in function.__closure__ or ())
    state = (
        _is_found_by_name(function),
        scope,
        cells,
        function.__defaults__,
        function.__kwdefaults__,
        function.__annotations__,
        function.__doc__,
        vars(function),
    )
    return (
        _make_function,
        (
            marshal.dumps(code),
            _home_of(function.__globals__),
            function.__module__,
            function.__name__,
            function.__qualname__,
            len(cells),
            lines,
        ),
        state,
        None,
        None,
        _fill_function,
    )


def _make_function(
    code: bytes, home: tuple[str, int], module: str, name: str, qualname: str, cells: int, lines: list[str]
) -> Any:
    body = marshal.loads(code)
    if lines and not linecache.getlines(body.co_filename):
        linecache.cache[body.co_filename] = (sum(map(len, lines)), None, lines, body.co_filename)
    function = types.FunctionType(
        body, _globals_of(home), name, None, tuple(types.CellType() for _ in range(cells)) or None
    )
    function.__module__, function.__qualname__ = module, qualname
    return function


def _fill_function(function: Any, state: Any) -> None:
    (
        is_found,
        scope,
        cells,
        function.__defaults__,
        function.__kwdefaults__,
        function.__annotations__,
        function.__doc__,
        attributes,
    ) = state
    vars(function).update(attributes)
    _tell_name(function, is_found)
    function.__globals__.update(scope)  # a module's own values may have been changed since it was imported
    for cell, value in zip(function.__closure__ or (), cells):
        cell.cell_contents = value


def _class_parts(thing: type) -> Any:
    body = {name: value for name, value in vars(thing).items() if name not in ("__dict__", "__weakref__")}
    return (
        _make_class,
        (type(thing), thing.__name__, thing.__qualname__, thing.__bases__),
        (_is_found_by_name(thing), body),
        None,
        None,
        _fill_class,
    )


def _make_class(meta: Any, name: str, qualname: str, bases: tuple[type, ...]) -> type:
    return meta(name, bases, {"__qualname__": qualname, "__module__": _MAIN})


def _fill_class(thing: type, state: tuple[bool, dict[str, Any]]) -> None:
    is_found, body = state
    _tell_name(thing, is_found)
    for name, value in body.items():
        setattr(thing, name, value)
