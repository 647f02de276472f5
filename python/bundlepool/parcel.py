"""Strategies on their way to other processes.

What can be imported there goes by its name. What cannot, such as anything that a notebook or a script has
defined, goes as it is now, with everything that it reaches: cloudpickle does that. So a script is not run
again there. Both sides are the same Python.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.machinery
import io
import linecache
import os
import pickle
import sys
import types
from typing import Any, Iterator

from bundlepool import strategy
from bundlepool._sources import is_own_module, reached_names

try:
    import cloudpickle
except ImportError:  # then what can be imported may be sent
    cloudpickle = None

__all__ = ["pack", "unpack"]

_MAIN = "__main__"
_PROGRAMS = (_MAIN, "__mp_main__")  # the latter: in children of multiprocessing
_WAY_OUT = (
    "put what it needs into a module of its own and import that, or pass it as a parameter, or make it "
    "inside the strategy"
)


def pack(thing: Any, what: str) -> bytes:
    """As bytes for another process.

    Args:
        thing: anything; strategies may be in it.
        what: what it is, for the text of a failure.

    Raises:
        TypeError: something in it cannot be sent; the text names it.
        ImportError: cloudpickle is needed for it, and is not there.
    """
    buffer = io.BytesIO()
    pickler = _Pickler(buffer)
    folders = _folders()
    nowhere = [module for module in _own_modules() if cloudpickle and not _is_found(module, folders)]
    for module in nowhere:
        cloudpickle.register_pickle_by_value(module)
    try:
        pickler.dump(thing)
        pickler.dump(pickler.named)
    except ImportError:
        raise
    except Exception as error:  # what cannot be pickled raises what it likes
        why = str(error) if isinstance(error, (TypeError, pickle.PicklingError)) else repr(error)
        raise TypeError(
            f"{what} cannot be sent to other processes: {pickler.culprit()}{why}; {_WAY_OUT}"
        ) from None
    finally:
        for module in nowhere:
            cloudpickle.unregister_pickle_by_value(module)
    file = getattr(sys.modules[_MAIN], "__file__", None)
    return pickle.dumps((folders, file and os.path.abspath(file), pickler.lines, buffer.getvalue()))


def unpack(data: bytes) -> Any:
    """The thing, in the other process. Its __main__ is from then on that of the first one, as far as it was
    sent.
    """
    folders, file, lines, body = pickle.loads(data)
    sys.path[:] = [*folders, *(folder for folder in sys.path if folder not in folders)]
    for name, text in lines.items():
        linecache.cache[name] = (sum(map(len, text)), None, text, name)
    stream = io.BytesIO(body)
    unpickler = pickle.Unpickler(stream)  # of both parts: what is in both is the same
    strategy._loading.append("a module that the strategy imports")
    try:
        thing, named = unpickler.load(), unpickler.load()
    finally:
        strategy._loading.pop()
    main = types.ModuleType(_MAIN)
    vars(main).update(named)
    if file:
        main.__file__ = file
    sys.modules[_MAIN] = main
    return thing


def _own_modules() -> Iterator[types.ModuleType]:
    """Modules and packages of the user's own, but for the program."""
    for name, module in list(sys.modules.items()):
        if isinstance(module, types.ModuleType) and module.__name__ == name and "." not in name:
            if name != _MAIN and is_own_module(name):
                yield module


def _folders() -> list[str]:
    """Where this process imports from, and where it has found the user's modules: the working directory may
    have been another one then.
    """
    folders = [os.path.abspath(folder) for folder in sys.path]
    for module in _own_modules():
        if getattr(module, "__file__", None):
            folder = os.path.dirname(os.path.abspath(module.__file__))
            folders.append(os.path.dirname(folder) if hasattr(module, "__path__") else folder)
    return list(dict.fromkeys(folders))


def _is_found(module: types.ModuleType, folders: list[str]) -> bool:
    """Whether the other process can import it: not if a program has made it, or another one has its name."""
    try:
        found = importlib.machinery.PathFinder.find_spec(module.__name__, folders)
    except (ImportError, ValueError):
        return False
    if found is None or module.__spec__ is None:
        return False
    return found.origin == module.__spec__.origin


def _is_found_by_name(thing: Any) -> bool:
    found: Any = sys.modules.get(thing.__module__ or "")
    for name in thing.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is thing


class _Pickler(cloudpickle.CloudPickler if cloudpickle else pickle.Pickler):
    """Remembers what was sent: for names, sources, and texts of failures."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self.named: dict[str, Any] = {}  # of the program
        self.lines: dict[str, list[str]] = {}  # of what is in no file
        self._functions: list[types.FunctionType] = []

    def reducer_override(self, thing: Any) -> Any:
        if isinstance(thing, (type, types.FunctionType)):
            self._note(thing)
        reduced = _reduced(thing)
        if reduced is not NotImplemented:
            return reduced
        return super().reducer_override(thing) if cloudpickle else NotImplemented

    def _note(self, thing: Any) -> None:
        is_found, is_program = _is_found_by_name(thing), thing.__module__ in _PROGRAMS
        if cloudpickle is None and (is_program or not is_found):
            raise ImportError(
                f"{thing.__qualname__} cannot be imported by other processes; to send it to them takes the "
                "package cloudpickle (Debian: python3-cloudpickle); or put it into a module and import that"
            )
        if is_found and is_program and "." not in thing.__qualname__:
            self.named[thing.__qualname__] = thing
        if isinstance(thing, types.FunctionType) and is_own_module(thing.__module__):
            self._functions.append(thing)
            name = thing.__code__.co_filename
            if not os.path.exists(name) and linecache.getlines(name):  # as a notebook has them
                self.lines[name] = linecache.getlines(name)

    def culprit(self) -> str:
        """What of the last function that was tried cannot be sent."""
        for function in reversed(self._functions):
            for name, value in _held(function):
                if isinstance(value, (type, types.FunctionType)) and is_own_module(value.__module__):
                    continue  # it was tried by itself
                try:
                    type(self)(io.BytesIO()).dump(value)
                except Exception:
                    return f"{name}, which {function.__qualname__} uses: "
        return ""


def _held(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    scope = function.__globals__
    yield from ((name, scope[name]) for name in sorted(reached_names(function.__code__)) if name in scope)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
        if cell != types.CellType():  # not set yet
            yield name, cell.cell_contents
    yield from ((f"the default {value!r:.40}", value) for value in function.__defaults__ or ())
    yield from (function.__kwdefaults__ or {}).items()


# What the standard library has and cloudpickle does not send ----------------------------------------------


def _reduced(thing: Any) -> Any:
    if isinstance(thing, functools._lru_cache_wrapper):
        if thing.__module__ in _PROGRAMS or not _is_found_by_name(thing):
            return _cached, (thing.__wrapped__, thing.cache_parameters())
    elif isinstance(thing, functools.cached_property):  # until Python 3.12 it has a lock
        return _cached_property, (thing.func, thing.attrname)
    elif isinstance(thing, type(dataclasses._FIELD)):  # it is compared by what object it is
        return thing.name
    return NotImplemented


def _cached(function: Any, parameters: dict[str, Any]) -> Any:
    return functools.lru_cache(**parameters)(function)


def _cached_property(function: Any, name: str | None) -> Any:
    made: Any = functools.cached_property(function)
    made.attrname = name
    return made
