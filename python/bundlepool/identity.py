"""What a strategy *is*: a hash of its source, and of everything of the user's own that it reaches.

A search is resumed, and parts of one are merged, only if the strategy is the same. So the journal keeps the
hash that is made here, and the hash of each piece, by whose name a change is told: "the function helper has
changed".

A piece is a function, a class, a value, or the file of a module, that the strategy reaches: by global names,
by closures, defaults and attributes, by what it imports when it runs, and by what values hold. What is in the
standard library, in site-packages or in this package is named, not hashed.

What does not count: comments, layout, line numbers, where files lie; docstrings, unless something that is
reached reads one (it names __doc__ or getdoc): so a corrected docstring does not refuse weeks of results.
Files that a strategy reads, the environment, and settings and versions of libraries are not known here.

Values are those of the time of asking. What a run changes by itself, such as a cache in a global dictionary,
counts as it was before the process's first run, as long as nothing else changes it: each rank may have filled
its own differently. So a piece is compared before and after each run, see learn(); an IdentityWarning names
it. Of a value of which nothing tells whether it is the same, such as an
open file, only the type counts; a piece says so, and an IdentityWarning, once.
"""

from __future__ import annotations

import builtins
import enum
import functools
import hashlib
import inspect
import os
import re
import sys
import types
from dataclasses import dataclass
from typing import Any, Callable, Iterator

from bundlepool import _sources as sources
from bundlepool._sources import is_own_module, reached_names
from bundlepool._values import Describer
from bundlepool.errors import warn
from bundlepool.launch import is_first

__all__ = ["Identity", "IdentityWarning", "check_imported", "identify", "is_own_module", "learn",
           "reached_names"]

# Names of a module that tell where it is, and how it was started.
_OF_MODULES = {
    "__name__",
    "__file__",
    "__spec__",
    "__loader__",
    "__package__",
    "__cached__",
    "__builtins__",
    "__path__",
}
# Attributes of a class that Python sets for itself.
_OF_CLASSES = {
    "__module__",
    "__dict__",
    "__weakref__",
    "__doc__",
    "__firstlineno__",
    "__slotnames__",
    "__static_attributes__",
    "__annotate__",
    "__annotate_func__",
    "__annotations_cache__",
    "_abc_impl",
}


class IdentityWarning(UserWarning):
    """A strategy depends on a value of which nothing tells whether it has changed, or changes one itself."""


@dataclass(frozen=True)
class Identity:
    """Hash of a strategy, and those of its pieces.

    Attributes:
        hash: SHA-256 over all pieces, 64 lower-case hex digits.
        pieces: (name, hash of 64 hex digits) of each piece: the strategy itself first, the others by name.
        now: the same with what runs in this process have changed: as it was when the identity was taken.
    """

    hash: str
    pieces: tuple[tuple[str, str], ...]
    now: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """The pieces, a line "NAME HASH" each; a name may have blanks in it."""
        return "".join(f"{name} {digest}\n" for name, digest in self.pieces)


def identify(strategy: Callable[..., Any], more: dict[str, Any] | None = None) -> Identity:
    """Find out what a strategy is.

    Args:
        strategy: a function or a class.
        more: further things that results depend on, by the name of their pieces: such as a condition for
            combinations.
    """
    walk = _walk(strategy, more)
    now = walk.all_pieces()
    pieces = tuple((name, digest) for name, digest in map(walk.counted, now) if digest)
    for name, kind in sorted(walk.not_clear.items()):
        if any(f"not compared: {name}" == piece for piece, _ in pieces):
            _warn(
                name,
                f"nothing tells whether this {kind} is the same when a search is resumed, so a change of it "
                "is not noticed; make it inside the strategy, or keep what the strategy needs of it in numbers, "
                "texts, tuples or arrays",
            )
    return Identity(_sha256("".join(f"{name} {digest}\n" for name, digest in pieces)), pieces, now)


def learn(strategy: Callable[..., Any], more: dict[str, Any] | None, before: Identity) -> None:
    """Find out what a run of a strategy has changed of it.

    Args:
        strategy, more: as for identify().
        before: what it was when the run began.
    """
    walk, was, counted = _walk(strategy, more), dict(before.now), dict(before.pieces)
    for name, digest in walk.all_pieces():
        if was.get(name) == digest:
            continue
        _left_by_runs[walk.home, name] = digest, counted.get(name, "")
        if name in counted:
            _warn(
                name,
                "the strategy changes it while it runs; when a search is resumed, what it held before "
                "counts, and results must not depend on the rest. For a memo, functools.lru_cache is the better way",
            )


def check_imported(strategy: Callable[..., Any], more: dict[str, Any] | None, there: Identity) -> None:
    """In a process that has been sent a strategy: what it imports is what it is where that was sent from.

    Raises:
        RuntimeError: a module was changed there after it was imported; the text names what.
    """
    walk, sent = _walk(strategy, more), dict(there.pieces)
    is_program = walk.home in (None, "__main__") or walk.home not in sys.modules
    for name, digest in walk.all_pieces():
        module = name.partition(" ")[2].partition(".")[0]
        is_imported = not is_program or (module in sys.modules and is_own_module(module))
        if is_imported and sent.get(name, digest) != digest:
            raise RuntimeError(
                f"{name} is not in the ranks what it is in the process that starts them: they import its "
                "module anew, and it has been changed since it was imported; set it in the module's file, or "
                "pass it as a parameter; for a memo, use functools.lru_cache"
            )


# What runs in this process have left: (home of the strategy, name of a piece) → its hash now, and the one
# that counts as long as that is so; "": none.
_left_by_runs: dict[tuple[str | None, str], tuple[str, str]] = {}


def _walk(strategy: Any, more: dict[str, Any] | None) -> "_Walk":
    walk = _Walk(strategy, more or {}, with_docstrings=False)
    if walk.reads_docstrings:  # which is known only now
        walk = _Walk(strategy, more or {}, with_docstrings=True)
    return walk


_warned: set[tuple[str, str]] = set()


def _warn(name: str, text: str) -> None:
    if (name, text) in _warned or not is_first():  # one rank tells it
        return
    _warned.add((name, text))
    warn(f"{name}: {text}", IdentityWarning)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


# Names --------------------------------------------------------------------------------------------------


def _kind_of(thing: Any) -> str:
    if inspect.isclass(thing):
        return "class"
    return "function" if isinstance(thing, types.FunctionType) else "constant"


def _plain_name(thing: Any) -> str:
    name = (
        getattr(thing, "__qualname__", None) or getattr(thing, "__name__", None) or type(thing).__qualname__
    )
    return re.sub(r"\s", "_", str(name).replace("<locals>.", "").replace("<lambda>", "lambda"))


def _module_of(thing: Any) -> str | None:
    if isinstance(thing, types.FunctionType):
        return sources.home_of(thing)
    return thing.__module__ if inspect.isclass(thing) else None


def _home_of(strategy: Any) -> str | None:
    """The module that a strategy is of: names of pieces are without it."""
    if isinstance(strategy, functools.partial):
        return _home_of(strategy.func)
    if isinstance(strategy, types.MethodType):
        return _home_of(strategy.__func__)
    module = _module_of(strategy)
    if module is not None and is_own_module(module):
        return module
    return getattr(strategy, "__module__", None)  # such as a function that a library has decorated


def _is_users(thing: Any) -> bool:
    """Whether it is the user's own wherever it is: a function that replaces one of a library."""
    module = _module_of(thing)
    return is_own_module(type(thing).__module__ if module is None else module)


def _is_found_by_name(thing: Any) -> bool:
    """Whether its name leads to it: that of a closure leads nowhere, of a decorated one to the wrapper."""
    found: Any = sys.modules.get(_module_of(thing) or "")
    for name in thing.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is thing


# What is reached ----------------------------------------------------------------------------------------


class _Walk(Describer):
    """Goes from a strategy to all that it reaches."""

    def __init__(self, strategy: Any, more: dict[str, Any], with_docstrings: bool) -> None:
        super().__init__()
        self.reads_docstrings = False
        self.not_clear: dict[str, str] = {}  # name, and of what type
        self._with_docstrings = with_docstrings
        self._pieces: dict[str, set[str]] = {}  # several things may have one name
        self._seen: dict[tuple[str, int], Any] = {}  # with the object: an id is that of a live one
        self._files: set[str] = set()
        self._waiting: list[Callable[[], None]] = []
        self.home = _home_of(strategy)
        file = getattr(sys.modules.get(self.home or ""), "__file__", None)
        self._folder = os.path.dirname(os.path.abspath(file)) if file else ""
        self._add(_plain_name(strategy), strategy)
        for name, thing in more.items():
            self._add(name, thing, "")
        while self._waiting:
            self._waiting.pop()()

    def all_pieces(self) -> tuple[tuple[str, str], ...]:
        first = next(iter(self._pieces))
        names = [first] + sorted(name for name in self._pieces if name != first)
        return tuple((name, self._digest(name)) for name in names)

    def counted(self, piece: tuple[str, str]) -> tuple[str, str]:
        """A piece without what runs have left in it."""
        name, digest = piece
        left, before = _left_by_runs.get((self.home, name), ("", ""))
        return (name, before) if left == digest else piece

    def _digest(self, name: str) -> str:
        digests = sorted(self._pieces[name])
        return digests[0] if len(digests) == 1 else _sha256(" ".join(digests))

    def _put(self, name: str, text: str) -> None:
        self._pieces.setdefault(name, set()).add(_sha256(text))

    def _add(self, name: str, thing: Any, kind: str | None = None) -> None:
        """A piece, unless it is known.

        Args:
            name: what texts call it.
            kind: a word before the name; None: the one that fits; "": none.
        """
        full = f"{_kind_of(thing) if kind is None else kind} {name}".strip()
        if (full, id(thing)) in self._seen:
            return
        self._seen[full, id(thing)] = thing
        self._pieces.setdefault(full, set())  # the first that is begun is the first of all
        if kind is None and isinstance(thing, types.FunctionType):
            self._put(full, self._function(thing, name, inline=False))
        elif kind is None and inspect.isclass(thing):
            self._put(full, self._class(thing, name, inline=False))
        elif kind == "" and isinstance(thing, types.FunctionType):
            self._put(full, self._function(thing, name, inline=True))
        else:
            self._put(full, self.text(thing, full))

    def _later(self, name: str, thing: Any, kind: str | None = None) -> None:
        self._waiting.append(lambda: self._add(name, thing, kind))

    def _named(self, name: str, module: str | None) -> str:
        return name if module in (self.home, None) else f"{module}.{name}"

    # What values refer to.

    def unclear(self, value: Any, name: str) -> None:
        self.not_clear[name] = type(value).__qualname__
        self._put(f"not compared: {name}", type(value).__qualname__)

    def of_function(self, function: types.FunctionType, name: str) -> str:
        if not _is_found_by_name(function):
            return self._function(function, name, inline=True)
        return self._reference(function)

    def of_class(self, thing: type, name: str) -> str:
        if not is_own_module(thing.__module__) or _is_found_by_name(thing):
            return self._reference(thing)
        return self._class(thing, name, inline=True)

    def _reference(self, thing: Any) -> str:
        """The name of a function or a class, which is a piece by itself."""
        name = self._named(_plain_name(thing), _module_of(thing))
        if is_own_module(_module_of(thing)):
            self._later(name, thing)
        return f"{_kind_of(thing)} {name}"

    # Functions.

    def _function(self, function: types.FunctionType, name: str, inline: bool) -> str:
        """A function, and all that it refers to.

        Args:
            inline: what it holds is part of the text: one function of several that differ in that alone. Else
                it makes pieces.
        """
        home = sources.home_of(function)
        is_own = is_own_module(home)
        texts = [self._body(function) if is_own else f"function {home}.{function.__qualname__}"]
        for kind, key, value in self._held(function, is_own):
            if inline or not is_own:
                texts.append(f"{kind} {key}={self.text(value, name)}")
            else:
                self._later(f"{key} of {name}", value, kind)
        for attribute in ("__wrapped__", "py_func"):
            inner = getattr(function, attribute, None)
            if isinstance(inner, types.FunctionType):
                self._later(self._named(_plain_name(inner), sources.home_of(inner)), inner)
        return "\n".join(texts)

    def _body(self, function: types.FunctionType) -> str:
        """What a function of the user's does, and what the names in it stand for."""
        code, scope = function.__code__, function.__globals__
        texts = [sources.source_of(function, self._with_docstrings)]
        self.reads_docstrings |= sources.reads_docstrings(code)
        if self._with_docstrings:
            texts.append(repr(function.__doc__))
        for chain in sources.global_chains(code) + list(self._chains_of_annotations(function)):
            bound = self._follow(scope, chain)
            if bound:
                texts.append(f"{'.'.join(chain)}={bound}")
        module = sys.modules.get(sources.home_of(function) or "")
        if sources.reads_globals_by_text(code) and module is not None:
            self.of_module(module)
        package = scope.get("__package__") or (scope.get("__name__") or "").rpartition(".")[0]
        for imported in sorted(sources.imported_by_code(code, package)):
            for part in sources.own_chain(imported):
                self._put_files(*part)
        return "\n".join(texts)

    @staticmethod
    def _held(function: types.FunctionType, is_own: bool) -> Iterator[tuple[str, str, Any]]:
        """What a function holds besides its code: kind, name and value."""
        if is_own or function.__closure__:  # a library's decorator holds what is decorated
            for free, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
                if free != "__class__" and cell != types.CellType():  # not set yet
                    yield "variable", free, cell.cell_contents
        if not is_own:
            return
        names = function.__code__.co_varnames[: function.__code__.co_argcount]
        defaults = function.__defaults__ or ()
        yield from (("default", *x) for x in zip(names[len(names) - len(defaults) :], defaults))
        yield from (("default", *x) for x in (function.__kwdefaults__ or {}).items())
        yield from (("attribute", *x) for x in vars(function).items() if x[0] != "__wrapped__")
        hints = {key: hint for key, hint in function.__annotations__.items() if not isinstance(hint, str)}
        if hints:
            yield "annotations", "parameters", hints

    @staticmethod
    def _chains_of_annotations(function: types.FunctionType) -> Iterator[tuple[str, ...]]:
        for hint in function.__annotations__.values():
            if isinstance(hint, str):
                try:
                    yield from sources.global_chains(compile(hint, "annotation", "eval"))
                except (SyntaxError, ValueError):
                    pass

    def _follow(self, scope: dict[str, Any], chain: tuple[str, ...]) -> str:
        """What a global name stands for: `module.helper` is the helper, `module` by itself all of the module.
        "": a value, which is a piece, or nothing that is there.
        """
        if chain[0] in _OF_MODULES:
            return ""
        home = scope.get("__name__")
        if chain[0] not in scope:  # a builtin, or an error when it runs
            scope, home = vars(builtins), "builtins"
        thing, name = scope.get(chain[0]), self._named(chain[0], home)
        for attribute in chain[1:]:
            if not isinstance(thing, types.ModuleType) or not hasattr(thing, attribute):
                break
            home = thing.__name__
            thing, name = getattr(thing, attribute), self._named(attribute, home)
        if not is_own_module(home) and not _is_users(thing):
            return f"{home}.{chain[-1]}"
        if isinstance(thing, types.ModuleType):
            return self.of_module(thing)
        if isinstance(thing, (type, types.FunctionType)):
            if _is_found_by_name(thing) or (inspect.isclass(thing) and not is_own_module(thing.__module__)):
                return self._reference(thing)
            self._later(name, thing)
            return f"{_kind_of(thing)} {name}"
        self._later(name, thing, "constant")
        return ""

    # Classes.

    def _class(self, thing: type, name: str, inline: bool) -> str:
        """A class: what it has now, whether its source says so or it was set from outside."""
        if not is_own_module(thing.__module__):
            return f"class {thing.__module__}.{thing.__qualname__}"
        texts = [f"class {self._all((*thing.__bases__, type(thing)), name)}"]
        own = {key: value for key, value in vars(thing).items() if key not in _OF_CLASSES}
        if issubclass(thing, enum.Enum):
            members = thing.__members__
            texts.append(self._pairs(((key, member.value) for key, member in members.items()), name))
            own = {key: own[key] for key in own if key not in members and not re.fullmatch("_[^_].*_", key)}
        if self._with_docstrings:
            own["__doc__"] = thing.__doc__
        for key, value in sorted(own.items()):
            texts.append(f"{key}={self._attribute(thing, value, f'{name}.{key}', inline)}")
        return "\n".join(texts)

    def _attribute(self, thing: type, value: Any, name: str, inline: bool) -> str:
        functions = _functions_of(value)
        if functions is None:
            return self.text(value, f"attribute {name}")
        texts = [type(value).__name__]
        for function in functions:
            is_method = function.__qualname__.startswith(f"{thing.__qualname__}.")
            if is_method and sources.home_of(function) == thing.__module__:
                texts.append(self._function(function, name, inline))
            else:
                texts.append(self.text(function, name))
        return "\n".join(texts)

    # Modules.

    def of_module(self, module: types.ModuleType) -> str:
        """All of a module: its file, what it imports, and what its names stand for now."""
        if not is_own_module(module.__name__):
            return f"module {module.__name__}"
        name = self._module_name(module.__name__)
        file = getattr(module, "__file__", None)
        if file:
            self._put_files(module.__name__, file, getattr(module, "__package__", None) or "")
        if module.__name__ not in ("__main__", "__mp_main__"):  # a program's are those of its results, too
            for key, value in vars(module).items():
                if key not in _OF_MODULES | {"__doc__"} and not isinstance(value, types.ModuleType):
                    self._later(f"{name}.{key}", value, "constant")
        elif not file:
            self.unclear(module, "the names that the strategy makes by itself")
        return f"module {name}"

    def _module_name(self, name: str) -> str:
        """The same whether the strategy's file is a program or imported by one."""
        file = getattr(sys.modules.get(name), "__file__", None) if name == self.home else None
        return os.path.splitext(os.path.basename(file))[0] if file else name

    def _put_files(self, name: str, file: str, package: str) -> None:
        if file in self._files:
            return
        self._files.add(file)
        for module, path in sources.module_files(name, file, package).items():
            text = sources.file_text(path, self._with_docstrings)
            self.reads_docstrings |= bool(re.search(r"\b(__doc__|getdoc)\b", text))
            self._put(f"module {self._module_name(module)}", text)


def _functions_of(value: Any) -> list[types.FunctionType] | None:
    """Functions behind an attribute of a class; None: it is something else."""
    if isinstance(value, types.FunctionType):
        return [value]
    if isinstance(value, (staticmethod, classmethod)):
        return _functions_of(value.__func__)
    if type(value) is property:
        accessors = [x for x in (value.fget, value.fset, value.fdel) if x is not None]
        return accessors if all(isinstance(x, types.FunctionType) for x in accessors) else None
    if type(value) is functools.cached_property:
        return _functions_of(value.func)
    return None
