"""What a strategy *is*: a hash of its source, and of everything of the user's own that it reaches.

A search is resumed, and parts of one are merged, only if the strategy is the same. So the journal keeps the
hash that is made here, and the hash of each piece, by whose name a change is told: "the function helper has
changed".

A piece is a function, a class, a constant, or a module as a whole, that the strategy reaches by global names,
by closures and by defaults. What is in the standard library, in site-packages or in this package is named,
not hashed. Comments, docstrings and the layout of the source do not count.
"""

from __future__ import annotations

import ast
import dis
import enum
import functools
import hashlib
import importlib.util
import inspect
import linecache
import os
import re
import sys
import sysconfig
import types
from dataclasses import dataclass, field
from typing import Any, Callable, Iterator

__all__ = ["Identity", "identify", "is_own_module"]

_MAX_DEPTH = 20


@dataclass(frozen=True)
class Identity:
    """Hash of a strategy, and those of its pieces.

    Attributes:
        hash: SHA-256 over all pieces, 64 lower-case hex digits.
        pieces: (name, hash of 64 hex digits) of each piece: the strategy itself first, the others by name.
        reached: the objects that the strategy reaches by global names: name in its module, object.
    """

    hash: str
    pieces: tuple[tuple[str, str], ...]
    reached: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

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
    walk = _Walk()
    walk.add(_plain_name(strategy), strategy)
    first = next(iter(walk.pieces))
    for name, thing in (more or {}).items():
        walk.add(name, thing, "")
    walk.run()
    names = [first] + sorted(name for name in walk.pieces if name != first)
    pieces = tuple((name, walk.pieces[name]) for name in names)
    whole = hashlib.sha256("".join(f"{name} {digest}\n" for name, digest in pieces).encode()).hexdigest()
    return Identity(whole, pieces, walk.reached)


# Whose it is --------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=1)
def _foreign_folders() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    folders = {paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    folders.update(path for path in sys.path if os.path.basename(path) in ("site-packages", "dist-packages"))
    folders.add(os.path.dirname(os.path.abspath(__file__)))
    return tuple(os.path.join(os.path.realpath(folder), "") for folder in folders)


def is_own_module(name: str | None) -> bool:
    """Whether a loaded module is the user's own: neither built in, of the standard library, installed nor
    ours.
    """
    module = sys.modules.get(name or "")
    if module is None:
        return True  # made on the fly
    if name == "__main__":
        return True
    if name.partition(".")[0] in ("bundlepool", *sys.builtin_module_names):
        return False
    file = getattr(module, "__file__", None)
    if file is None:
        return isinstance(getattr(module, "__spec__", None), type(None))
    return not os.path.realpath(file).startswith(_foreign_folders())


def _kind_of(thing: Any) -> str:
    if isinstance(thing, types.ModuleType):
        return "module"
    return (
        "class"
        if inspect.isclass(thing)
        else "function"
        if isinstance(thing, types.FunctionType)
        else "constant"
    )


def _plain_name(thing: Any) -> str:
    name = (
        getattr(thing, "__qualname__", None) or getattr(thing, "__name__", None) or type(thing).__qualname__
    )
    return re.sub(r"\s", "_", name.replace("<locals>.", "").replace("<lambda>", "lambda"))


# Sources ------------------------------------------------------------------------------------------------


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


@functools.lru_cache(maxsize=256)
def _parsed(filename: str, text: str) -> tuple[ast.Module, tuple[types.CodeType, ...]] | None:
    try:
        tree = ast.parse(text)
        return tree, tuple(_codes(compile(text, filename, "exec", dont_inherit=True)))
    except (SyntaxError, ValueError):
        return None


def _file_text(filename: str) -> str:
    linecache.checkcache(filename)
    return "".join(linecache.getlines(filename))


class _NoDocstrings(ast.NodeTransformer):
    def visit(self, node: ast.AST) -> ast.AST:
        self.generic_visit(node)
        body = getattr(node, "body", None)
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        if isinstance(node, documented) and body and ast.get_docstring(node, clean=False) is not None:
            node.body = body[1:] or [ast.Pass()]
        return node


def _normal(node: ast.AST) -> str:
    copy = ast.parse(ast.unparse(node))
    return ast.unparse(_NoDocstrings().visit(copy))


def _node_of(code: types.CodeType) -> ast.AST | None:
    """The node that a code object is compiled from; None: there is no source, or another one by now."""
    parsed = _parsed(code.co_filename, _file_text(code.co_filename))
    if parsed is None or code not in parsed[1]:
        return None  # an edited file: what runs is not what stands there
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    found = [
        node
        for node in ast.walk(parsed[0])
        if isinstance(node, kinds)
        and _begins(node) == code.co_firstlineno
        and getattr(node, "name", "<lambda>") == code.co_name
    ]
    return found[0] if len(found) == 1 else None


def _begins(node: ast.AST) -> int:
    decorators = getattr(node, "decorator_list", [])
    return min([node.lineno] + [decorator.lineno for decorator in decorators])


def source_of(thing: Any) -> str | None:
    """Normalised source of a function or a class; None: there is none, or the file has changed since it was
    read.
    """
    if inspect.isclass(thing):
        return _class_source(thing)
    node = _node_of(thing.__code__)
    return None if node is None else _normal(node)


def _class_source(thing: type) -> str | None:
    module = sys.modules.get(thing.__module__)
    functions = [value for value in vars(thing).values() if isinstance(value, types.FunctionType)]
    names = {function.__code__.co_filename for function in functions}
    file = getattr(module, "__file__", None)
    filename = names.pop() if len(names) == 1 else file
    parsed = _parsed(filename, _file_text(filename)) if filename else None
    if parsed is None or any(
        function.__code__ not in parsed[1]
        for function in functions
        if function.__code__.co_filename == filename
    ):
        return None
    found = [
        node for node in ast.walk(parsed[0]) if isinstance(node, ast.ClassDef) and node.name == thing.__name__
    ]
    return _normal(found[0]) if len(found) == 1 else None


def _code_text(code: types.CodeType) -> str:
    """Everything of a code object that tells what it does, but for the lines of its source."""
    consts = [_code_text(c) if isinstance(c, types.CodeType) else _constant_text(c) for c in code.co_consts]
    parts = (
        code.co_code.hex(),
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_cellvars,
        code.co_argcount,
        code.co_kwonlyargcount,
        code.co_posonlyargcount,
        code.co_flags,
        consts,
        getattr(code, "co_exceptiontable", b"").hex(),
    )
    return "code " + repr(parts)


def _constant_text(value: Any) -> str:
    if isinstance(value, (set, frozenset)):
        return f"{type(value).__name__} {sorted(map(repr, value))}"
    if isinstance(value, tuple):
        return "(" + ",".join(map(_constant_text, value)) + ")"
    return f"{type(value).__name__} {value!r}"


# What is reached ----------------------------------------------------------------------------------------


class _Walk:
    """Goes from a strategy to all that it reaches, each once."""

    def __init__(self) -> None:
        self.pieces: dict[str, str] = {}
        self.reached: dict[str, Any] = {}
        self._seen: dict[int, Any] = {}
        self._todo: list[Callable[[], None]] = []
        self._home: str | None = None

    def run(self) -> None:
        while self._todo:
            self._todo.pop()()

    def add(self, name: str, thing: Any, kind: str | None = None) -> None:
        """A piece, unless it is known.

        Args:
            name: what texts call it.
            kind: a word before the name; None: the one that fits; "": none.
        """
        if id(thing) in self._seen and not self._is_value(thing):
            return
        self._seen[id(thing)] = thing  # kept: an id is that of a live object
        if self._home is None:
            self._home = getattr(thing, "__module__", None)
        kind = _kind_of(thing) if kind is None else kind
        text = _module_text(thing) if isinstance(thing, types.ModuleType) else self._text(thing, name, 0)
        self._put(f"{kind} {name}".strip(), text)

    def _put(self, name: str, text: str) -> None:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        if self.pieces.get(name, digest) != digest:  # two things of one name
            digest = hashlib.sha256((self.pieces[name] + digest).encode()).hexdigest()
        self.pieces[name] = digest

    @staticmethod
    def _is_value(thing: Any) -> bool:
        return not (inspect.isclass(thing) or isinstance(thing, (types.FunctionType, types.ModuleType)))

    def _named(self, thing: Any) -> str:
        module = getattr(thing, "__module__", None)
        name = _plain_name(thing)
        return name if module in (self._home, None) else f"{module}.{name}"

    def _text(self, thing: Any, name: str, depth: int) -> str:
        """What stands for a thing in the hash of the piece that has it."""
        if depth > _MAX_DEPTH:
            return f"deep {type(thing).__qualname__}"
        if isinstance(thing, types.FunctionType):
            return self._function(thing, name)
        if inspect.isclass(thing):
            return self._class(thing, name)
        return self._value(thing, name, depth)

    def _function(self, function: types.FunctionType, name: str) -> str:
        if not is_own_module(function.__module__):
            return f"function {function.__module__}.{function.__qualname__}"
        self._reach(function, name)
        return source_of(function) or _code_text(function.__code__)

    def _reach(self, function: types.FunctionType, name: str) -> None:
        """Everything that a function refers to becomes a piece, later."""
        for inner in (
            f for f in (inspect.unwrap(function), getattr(function, "py_func", None)) if f is not None
        ):
            if inner is not function:
                self._later(self._named(inner), inner)
        defaults = inspect.signature(function, follow_wrapped=False).parameters.values()
        for parameter in defaults:
            if parameter.default is not parameter.empty:
                self._later(f"{parameter.name} of {name}", parameter.default, "default")
        for free, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
            try:
                self._later(f"{free} of {name}", cell.cell_contents, "variable")
            except ValueError:
                pass  # not set yet
        for chain in _global_chains(function.__code__):
            self._follow(function.__globals__, chain)

    def _follow(self, scope: dict[str, Any], chain: tuple[str, ...]) -> None:
        """`module.helper` is the helper; `module` by itself all of the module."""
        if chain[0].startswith("import "):
            self._import(chain[0][7:])
            return
        if chain[0] not in scope:
            return  # a builtin, or an error when it runs
        thing, name = scope[chain[0]], chain[0]
        self.reached.setdefault(name, thing)
        for attribute in chain[1:]:
            if not isinstance(thing, types.ModuleType) or not is_own_module(thing.__name__):
                break
            if not hasattr(thing, attribute):
                break
            thing, name = getattr(thing, attribute), f"{thing.__name__}.{attribute}"
        if isinstance(thing, types.ModuleType):
            if is_own_module(thing.__name__):
                self._later(thing.__name__, thing)
            else:
                self._later(name, thing)
        else:
            self._later(self._named(thing) if not self._is_value(thing) else name, thing)

    def _import(self, module: str) -> None:
        loaded = sys.modules.get(module)
        if loaded is not None and is_own_module(module):
            self._later(module, loaded)
        elif loaded is None:
            try:
                spec = importlib.util.find_spec(module)
            except (ImportError, ValueError):
                return
            if spec and spec.origin and not os.path.realpath(spec.origin).startswith(_foreign_folders()):
                self._put(f"module {module}", _text_of_file(spec.origin))

    def _later(self, name: str, thing: Any, kind: str | None = None) -> None:
        self._todo.append(lambda: self.add(name, thing, kind))

    def _class(self, thing: type, name: str) -> str:
        if not is_own_module(thing.__module__):
            return f"class {thing.__module__}.{thing.__qualname__}"
        for base in (*thing.__bases__, type(thing)):
            if base not in (object, type) and is_own_module(base.__module__):
                self._later(self._named(base), base)
        texts = []
        for attribute, value in vars(thing).items():
            for function in _functions_of(value):
                if function.__module__ == thing.__module__:
                    self._reach(function, f"{name}.{attribute}")
                    texts.append(f"{attribute}={_code_text(function.__code__)}")
                else:
                    self._later(self._named(function), function)
        return source_of(thing) or "class " + " ".join(texts) + self._attributes(thing, name)

    def _attributes(self, thing: type, name: str) -> str:
        plain = {
            key: value
            for key, value in vars(thing).items()
            if not key.startswith("__") and not list(_functions_of(value))
        }
        return self._value(plain, name, 1)

    def _value(self, value: Any, name: str, depth: int) -> str:
        """A constant: in an order that does not depend on the process."""

        def inner(x: Any) -> str:
            return self._text(x, name, depth + 1)

        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        if isinstance(value, enum.Enum):
            return f"{kind} {value.name} {inner(value.value)}"
        if value is None or isinstance(value, (bool, int, float, complex, str, bytes, bytearray)):
            return f"{kind} {value!r}"
        if isinstance(value, (list, tuple)):
            return f"{kind} [{','.join(map(inner, value))}]"
        if isinstance(value, dict):
            return f"{kind} {{{','.join(inner(k) + ':' + inner(v) for k, v in value.items())}}}"
        if isinstance(value, (set, frozenset)):
            return f"{kind} {{{','.join(sorted(map(inner, value)))}}}"
        if isinstance(value, functools.partial):
            return f"{kind} {inner(value.func)} {inner(value.args)} {inner(value.keywords)}"
        if isinstance(value, types.ModuleType):
            return f"module {value.__name__}" + (_module_text(value) if is_own_module(value.__name__) else "")
        if isinstance(value, types.MethodType):
            return f"{kind} {inner(value.__func__)} {inner(value.__self__)}"
        if type(value).__module__ == "numpy":
            return f"{kind} {_numpy_text(value)}"
        for unwrapped in ("__wrapped__", "py_func"):
            if hasattr(value, unwrapped):
                return f"{kind} {inner(getattr(value, unwrapped))}"
        if callable(value) and hasattr(value, "__qualname__"):
            return f"{kind} {getattr(value, '__module__', '')}.{value.__qualname__}"
        if is_own_module(type(value).__module__):
            self._later(self._named(type(value)), type(value))
            return f"{kind} {inner(vars(value)) if hasattr(value, '__dict__') else ''}"
        return f"{kind} {_reduced(value)}"


def _reduced(value: Any) -> str:
    """A date, a Decimal, a Path, a frame: what pickle would keep, where that is the same in every process."""
    if type(value).__module__.partition(".")[0] in (
        "datetime",
        "decimal",
        "fractions",
        "pathlib",
        "uuid",
        "re",
    ):
        return repr(value)
    if hasattr(value, "to_numpy"):  # pandas, polars
        return (
            _numpy_text(value.to_numpy())
            + repr(list(getattr(value, "columns", [])))
            + repr(list(map(str, getattr(value, "index", []))))
        )
    return ""


def _numpy_text(value: Any) -> str:
    dtype, shape = getattr(value, "dtype", None), getattr(value, "shape", None)
    if dtype is None or shape is None or not hasattr(value, "tobytes"):
        name = getattr(value, "__name__", "")
        return str(name)
    data = repr(value.tolist()).encode() if dtype.hasobject else value.tobytes()
    return f"{dtype} {shape} {hashlib.sha256(data).hexdigest()}"


def _functions_of(value: Any) -> Iterator[types.FunctionType]:
    """Functions behind an attribute of a class."""
    if isinstance(value, types.FunctionType):
        yield value
    elif isinstance(value, (staticmethod, classmethod)):
        yield from _functions_of(value.__func__)
    elif isinstance(value, property):
        for function in (value.fget, value.fset, value.fdel):
            yield from _functions_of(function)
    elif isinstance(value, functools.cached_property):
        yield from _functions_of(value.func)


def _global_chains(code: types.CodeType) -> set[tuple[str, ...]]:
    """Global names that a function uses, each with the attributes that are asked of it at once; and its
    imports.
    """
    chains: set[tuple[str, ...]] = set()
    for part in _codes(code):
        chain: list[str] = []
        for instruction in dis.get_instructions(part):
            name = instruction.opname
            if chain and name in ("LOAD_ATTR", "LOAD_METHOD"):
                chain.append(instruction.argval)
                continue
            if chain:
                chains.add(tuple(chain))
                chain = []
            if name in ("LOAD_GLOBAL", "LOAD_NAME"):
                chain = [instruction.argval]
            elif name == "IMPORT_NAME":
                chains.add((f"import {instruction.argval}",))
        if chain:
            chains.add(tuple(chain))
    return chains


def reached_names(code: types.CodeType) -> set[str]:
    """Global names that a function uses."""
    return {chain[0] for chain in _global_chains(code) if not chain[0].startswith("import ")}


def _text_of_file(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return _normal(ast.parse(file.read()))
    except (OSError, SyntaxError, ValueError):
        return f"file {path}"


def _module_text(module: types.ModuleType) -> str:
    file = getattr(module, "__file__", None)
    if not is_own_module(module.__name__):
        return f"module {module.__name__}"
    return _text_of_file(file) if file and file.endswith(".py") else f"module {module.__name__}"
