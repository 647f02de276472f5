"""Values as texts: equal in every process and every run for the same value, different for another one.

No text has an address, an order of a set, or a folder that depends on where a program lies.
"""

from __future__ import annotations

import array
import collections
import copyreg
import enum
import functools
import hashlib
import os
import pathlib
import sys
import threading
import types
import weakref
from typing import Any, Iterable

from bundlepool._sources import code_text, is_own_module

__all__ = ["Describer"]

_PLAIN = (bool, int, float, complex, bytes, bytearray, range, type(None), type(...), type(NotImplemented))
_DESCRIPTORS = (
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
    types.WrapperDescriptorType,
    types.MethodDescriptorType,
    types.ClassMethodDescriptorType,
)
_BUILT_IN = (list, tuple, set, frozenset, dict, str, int, float, complex, bytes, bytearray)
_ABSTRACT = ("abc", "collections.abc", "typing")  # modules of classes whose instances hold nothing
# What differs from process to process and decides nothing: caches, and what threads wait for.
_EPHEMERAL = (
    weakref.ref,
    weakref.WeakKeyDictionary,
    weakref.WeakValueDictionary,
    weakref.WeakSet,
    type(threading.Lock()),
    type(threading.RLock()),
    threading.local,
)


class Describer:
    """Makes texts of values. Functions, classes and modules in them are for a subclass to tell of."""

    def __init__(self) -> None:
        self._done: dict[int, tuple[Any, str]] = {}  # with the object: an id is that of a live one
        self._open: list[int] = []  # what is being described, from the outside to the inside
        self._folder = ""

    # For subclasses.

    def of_function(self, function: types.FunctionType, name: str) -> str:
        raise NotImplementedError

    def of_class(self, thing: type, name: str) -> str:
        raise NotImplementedError

    def of_module(self, module: types.ModuleType) -> str:
        raise NotImplementedError

    def unclear(self, value: Any, name: str) -> None:
        """Nothing tells whether a value is the same another time."""
        raise NotImplementedError

    # Texts.

    def text(self, value: Any, name: str) -> str:
        """What stands for a value.

        Args:
            value: anything.
            name: what it belongs to, for the user.
        """
        if isinstance(value, str) and type(value) is str:
            return f"str {self._portable(value)!r}"
        if type(value) in _PLAIN:
            return f"{type(value).__name__} {value!r}"
        if id(value) in self._done:
            return self._done[id(value)][1]
        if id(value) in self._open:
            return f"circle {len(self._open) - self._open.index(id(value))}"
        self._open.append(id(value))
        try:
            text = self._structure(value, name)
        except Exception:  # nested too deep; or attributes that are programs, and raise what they like
            self.unclear(value, name)
            text = f"{type(value).__qualname__} that is not compared"
        finally:
            self._open.pop()
        if len(text) > 100:  # else what is shared again and again would grow without an end
            text = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        self._done[id(value)] = (value, text)
        return text

    def _portable(self, text: str) -> str:
        """A path in the strategy's own folder, which may be another one the next time."""
        folder = self._folder
        inside = folder and (text + os.sep).startswith(folder + os.sep)
        return "<folder>" + text[len(folder) :] if inside else text

    def _all(self, values: Iterable[Any], name: str) -> str:
        return ",".join(self.text(value, name) for value in values)

    def _pairs(self, pairs: Iterable[tuple[Any, Any]], name: str) -> str:
        return ",".join(f"{self.text(key, name)}:{self.text(value, name)}" for key, value in pairs)

    def _structure(self, value: Any, name: str) -> str:
        if isinstance(value, types.FunctionType):
            return self.of_function(value, name)
        if isinstance(value, type):
            return self.of_class(value, name)
        if isinstance(value, types.ModuleType):
            return self.of_module(value)
        if value is os.environ or value is sys.argv or value is sys.path or value is sys.modules:
            return "of the process"
        if isinstance(value, enum.Enum):
            own = {k: v for k, v in vars(value).items() if not (k.startswith("_") and k.endswith("_"))}
            return (
                f"{self.text(type(value), name)} {value.name} {self.text(value.value, name)}"
                + self._pairs(own.items(), name)
            )
        if is_own_module(type(value).__module__):
            return self._own_object(value, name)
        return self._known(value, name) or self._reduced(value, name)

    def _own_object(self, value: Any, name: str) -> str:
        """An object of the user's class: what it holds, whatever its own __reduce__() makes of that."""
        held = {slot: getattr(value, slot) for slot in _slots_of(type(value)) if hasattr(value, slot)}
        held.update(getattr(value, "__dict__", None) or {})
        foreign = [base for base in type(value).__mro__[:-1] if not is_own_module(base.__module__)]
        base = next((base for base in foreign if base.__module__ not in _ABSTRACT), None)
        if base is None:
            content = ""
        elif base in _BUILT_IN:
            content = self.text(_content(base, value), name)
        else:
            content = self._known(value, name) or self._reduced(value, name)
        return f"{self.text(type(value), name)} {content} {self._pairs(held.items(), name)}"

    def _known(self, value: Any, name: str) -> str:
        """Values whose structure is clear; "": it is none of them."""
        kind = _kind_of(value)
        exact = type(value)
        if exact in (list, tuple, collections.deque):
            return f"{kind} [{self._all(value, name)}] {getattr(value, 'maxlen', '')}"
        if exact in (dict, collections.OrderedDict, collections.Counter, types.MappingProxyType):
            return f"{kind} {{{self._pairs(value.items(), name)}}}"
        if exact in (set, frozenset):
            return f"{kind} {sorted(self.text(x, name) for x in value)}"
        if exact is array.array:
            return f"{kind} {value.typecode} {hashlib.sha256(value.tobytes()).hexdigest()}"
        if exact is memoryview:
            return f"{kind} {value.format} {value.shape} {hashlib.sha256(value.tobytes()).hexdigest()}"
        if isinstance(value, pathlib.PurePath):
            return f"{kind} {self._portable(str(value))}"
        if isinstance(value, types.CodeType):
            return code_text(value)
        if isinstance(value, types.CellType):
            return f"{kind} {'' if value == types.CellType() else self.text(value.cell_contents, name)}"
        streams = (sys.stdin, sys.stdout, sys.stderr, sys.__stdin__, sys.__stdout__, sys.__stderr__)
        if isinstance(value, _EPHEMERAL) or any(value is stream for stream in streams):
            return kind
        if isinstance(value, _DESCRIPTORS):
            return f"{kind} {value.__qualname__}"
        return self._callable(value, kind, name) or self._array(value, kind, name)

    def _callable(self, value: Any, kind: str, name: str) -> str:
        if isinstance(value, types.MethodType):
            return f"{kind} {self.text(value.__func__, name)} {self.text(value.__self__, name)}"
        if isinstance(value, property):
            return f"{kind} {self._all((value.fget, value.fset, value.fdel), name)}"
        if isinstance(value, (staticmethod, classmethod)):
            return f"{kind} {self.text(value.__func__, name)}"
        if isinstance(value, functools.cached_property):
            return f"{kind} {self.text(value.func, name)}"
        if isinstance(value, functools.partialmethod):
            return f"{kind} {self.text(value.func, name)} {self._all((value.args, value.keywords), name)}"
        if kind == "numpy.vectorize":  # it keeps more for itself when it has been called
            return f"{kind} " + self._all((value.pyfunc, value.otypes, value.signature, value.excluded), name)
        for wrapped in ("py_func", "__wrapped__"):  # Numba's; functools'
            if callable(value) and getattr(value, wrapped, None) is not None:
                return f"{kind} {self.text(getattr(value, wrapped), name)}"
        if isinstance(value, types.BuiltinFunctionType):
            owner = value.__self__
            if owner is None or isinstance(owner, types.ModuleType):
                owner = sys.modules.get(value.__module__ or "", value.__module__)
            return f"{kind} {value.__qualname__} {self.text(owner, name)}"
        module = sys.modules.get(getattr(value, "__module__", None) or "")
        named = getattr(value, "__qualname__", None)
        if callable(value) and isinstance(named, str) and getattr(module, named, None) is value:
            return f"{kind} {named} {self.text(module, name)}"  # such as a function of Cython
        return ""

    def _array(self, value: Any, kind: str, name: str) -> str:
        """What is of NumPy and pandas, and what turns into that."""
        numpy = sys.modules.get("numpy")
        if numpy is None:
            return ""
        if isinstance(value, numpy.ufunc):
            if value.__name__.endswith("(vectorized)"):  # numpy.frompyfunc() does not give its function away
                self.unclear(value, name)
            return f"{kind} {value.__name__}"
        if isinstance(value, numpy.dtype):
            return f"{kind} {value!r} {self.text(dict(value.metadata), name) if value.metadata else ''}"
        if isinstance(value, numpy.ma.MaskedArray):
            return f"{kind} {self._all((value.data, value.mask, value.fill_value), name)}"
        if isinstance(value, (numpy.ndarray, numpy.generic)):
            data = numpy.asarray(value)
            if data.dtype.hasobject:
                content = self.text(data.tolist(), name)
            else:
                content = hashlib.sha256(data.tobytes()).hexdigest()
            return f"{kind} {data.dtype!r} {data.shape} {content}"
        if type(value).__module__.partition(".")[0] in ("pandas", "polars") and hasattr(value, "to_numpy"):
            keys = ("name", "names", "columns", "index", "attrs", "dtype")
            about = [x for x in (getattr(value, key, None) for key in keys) if not callable(x)]
            if hasattr(value, "get_columns"):  # a frame of polars
                parts = value.get_columns()
            else:  # pandas: columns may have the same name
                parts = [column for _, column in value.items()] if hasattr(value, "columns") else None
            content = self.text(value.to_numpy() if parts is None else parts, name)
            return f"{kind} {content} {self._all(about, name)}"
        return ""

    def _reduced(self, value: Any, name: str) -> str:
        """Whatever else: as pickle takes it apart, with sets in order; what cannot be, is unclear."""
        kind = _kind_of(value)
        try:
            reducer = copyreg.dispatch_table.get(type(value))  # pickle asks there first
            parts = reducer(value) if reducer else value.__reduce_ex__(4)
            if isinstance(parts, str):
                return f"{kind} {parts}"
            make, arguments, state, items, pairs = (*parts, None, None, None)[:5]
            arguments, items, pairs = arguments or (), list(items or ()), list(pairs or ())
        except RecursionError:
            raise
        except Exception:  # what cannot be pickled raises what it likes
            self.unclear(value, name)
            return f"{kind} that is not compared"
        return f"{kind} {self._all((make, arguments, state, items), name)} {self._pairs(pairs, name)}"


def _kind_of(value: Any) -> str:
    """Type of a value; the user's own types are told of with what they are."""
    module = type(value).__module__
    return "own" if is_own_module(module) else f"{module}.{type(value).__qualname__}"


def _content(base: type, value: Any) -> Any:
    """What an object that derives from a built-in type holds, past the methods of its own class."""
    if base is dict:
        return [(key, dict.__getitem__(value, key)) for key in dict.__iter__(value)]
    if base in (list, tuple):
        return list(base.__iter__(value))
    if base in (set, frozenset):
        return frozenset(base.__iter__(value))
    if base is str:
        return str.__str__(value)
    if base in (int, float):
        return getattr(base, f"__{base.__name__}__")(value)
    return base(value)


def _slots_of(thing: type) -> list[str]:
    """Names of the attributes that instances have without a dictionary."""
    names = []
    for base in thing.__mro__:
        slots = vars(base).get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            private = slot.startswith("__") and not slot.endswith("__")
            names.append(f"_{base.__name__.lstrip('_')}{slot}" if private else slot)
    return [name for name in names if name not in ("__dict__", "__weakref__")]
