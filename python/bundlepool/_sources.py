"""Sources of functions and modules, and whose they are.

A source is compared as `ast.unparse` has it: without comments, docstrings and layout.
"""

from __future__ import annotations

import ast
import dis
import functools
import hashlib
import importlib.machinery
import importlib.util
import linecache
import os
import sys
import sysconfig
import types
from typing import Iterator

# A function that names one of these reads its module's globals by texts, which nothing here can follow.
_BY_TEXT = {"eval", "exec", "globals", "locals", "vars"}
_BY_TEXT_IMPORTS = {"import_module", "__import__", "run_module", "reload"}
_DOCSTRING_READERS = {"__doc__", "getdoc"}


# Whose it is --------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=1)
def _foreign_folders() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    folders = {paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    folders.update(path for path in sys.path if os.path.basename(path) in ("site-packages", "dist-packages"))
    folders.add(os.path.dirname(os.path.abspath(__file__)))
    return tuple(os.path.join(os.path.realpath(folder), "") for folder in folders)


def _is_own_path(path: str) -> bool:
    return not os.path.realpath(path).startswith(_foreign_folders())


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
    if file is not None:
        return _is_own_path(file)
    folders = list(getattr(module, "__path__", []))  # a package without an __init__.py
    return any(map(_is_own_path, folders)) if folders else getattr(module, "__spec__", None) is None


def home_of(function: types.FunctionType) -> str | None:
    """The module whose globals a function uses: functools.wraps() makes __module__ that of another."""
    return function.__globals__.get("__name__", function.__module__)


def own_file(module: str) -> str | None:
    """File of a module of the user's own, loaded or not; None: it is not theirs, or there is none."""
    loaded = sys.modules.get(module)
    if loaded is not None:
        return getattr(loaded, "__file__", None) if is_own_module(module) else None
    spec = _spec(module)
    if spec is None or not spec.has_location or not spec.origin or not _is_own_path(spec.origin):
        return None
    return spec.origin


def _spec(module: str) -> importlib.machinery.ModuleSpec | None:
    """Where a module is. importlib.util.find_spec() would run the packages that it is in."""
    package = module.rpartition(".")[0]
    try:
        if not package:
            return importlib.util.find_spec(module)
        above = _spec(package)
        folders = above.submodule_search_locations if above else None
        return importlib.machinery.PathFinder.find_spec(module, folders) if folders else None
    except (ImportError, ValueError, AttributeError):  # such as __main__, which has no spec
        return None


# Functions ----------------------------------------------------------------------------------------------


def codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """A code object, and those of the functions and classes inside."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes(constant)


@functools.lru_cache(maxsize=256)
def _parsed(filename: str, text: str) -> tuple[ast.Module, tuple[types.CodeType, ...]] | None:
    try:
        tree = ast.parse(text)
        return tree, tuple(codes(compile(text, filename, "exec", dont_inherit=True)))
    except (SyntaxError, ValueError):
        return None


def _file_lines(filename: str) -> str:
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


def _begins(node: ast.AST) -> int:
    decorators = getattr(node, "decorator_list", [])
    return min([node.lineno] + [decorator.lineno for decorator in decorators])


def _node_of(code: types.CodeType) -> ast.AST | None:
    """The node that a code object is compiled from; None: there is no source, or another one by now."""
    parsed = _parsed(code.co_filename, _file_lines(code.co_filename))
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


def source_of(function: types.FunctionType, with_docstrings: bool) -> str:
    """Normalised source of a function. Where there is none, or the file has changed since it was read, the
    code itself.
    """
    node = _node_of(function.__code__)
    if node is None:
        return code_text(function.__code__)
    return ast.unparse(node) if with_docstrings else _normal(node)


def code_text(code: types.CodeType) -> str:
    """Everything of a code object that tells what it does, but for the lines of its source."""
    consts = [code_text(c) if isinstance(c, types.CodeType) else _constant_text(c) for c in code.co_consts]
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


def _constant_text(value: object) -> str:
    if isinstance(value, (set, frozenset)):
        return f"{type(value).__name__} {sorted(map(_constant_text, value))}"
    if isinstance(value, tuple):
        return "(" + ",".join(map(_constant_text, value)) + ")"
    return f"{type(value).__name__} {value!r}"


# What code names ----------------------------------------------------------------------------------------


def global_chains(code: types.CodeType) -> list[tuple[str, ...]]:
    """Global names that a function uses, each with the attributes that are asked of it at once; sorted, so
    that every process goes through them in one order.
    """
    chains: set[tuple[str, ...]] = set()
    for part in codes(code):
        chain: list[str] = []
        for instruction in dis.get_instructions(part):
            name = instruction.opname
            if chain and name in ("LOAD_ATTR", "LOAD_METHOD"):
                chain.append(instruction.argval)
                continue
            if chain:
                chains.add(tuple(chain))
                chain = []
            if name in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"):
                chain = [instruction.argval]
        if chain:
            chains.add(tuple(chain))
    return sorted(chains)


def reached_names(code: types.CodeType) -> set[str]:
    """Global names that a function uses."""
    return {chain[0] for chain in global_chains(code)}


def _names_and_texts(code: types.CodeType) -> tuple[set[str], set[str]]:
    names, texts = set(), set()
    for part in codes(code):
        names.update(part.co_names)
        texts.update(constant for constant in part.co_consts if isinstance(constant, str))
    return names, texts


def reads_globals_by_text(code: types.CodeType) -> bool:
    return not _BY_TEXT.isdisjoint(_names_and_texts(code)[0])


def reads_docstrings(code: types.CodeType) -> bool:
    names, texts = _names_and_texts(code)
    return not _DOCSTRING_READERS.isdisjoint(names | texts)


def imported_by_code(code: types.CodeType, package: str) -> set[str]:
    """Modules that a function imports when it runs.

    Args:
        package: the one that relative imports start from.
    """
    found: set[str] = set()
    for part in codes(code):
        before: list[object] = [None, None]  # level and names: the two constants that IMPORT_NAME takes
        for instruction in dis.get_instructions(part):
            if instruction.opname == "IMPORT_NAME":
                level, names = before
                found |= _imported(instruction.argval, names or (), level or 0, package)
            before = [before[1], instruction.argval]
    names, texts = _names_and_texts(code)
    if not _BY_TEXT_IMPORTS.isdisjoint(names):
        found |= {text for text in texts if all(part.isidentifier() for part in text.split("."))}
    return found


def _imported(module: str, names: tuple[str, ...], level: int, package: str) -> set[str]:
    """What `from module import names` may load: the module, or modules in it."""
    if level:
        parts = package.split(".")
        base = parts[: len(parts) - level + 1]
        module = ".".join([*base, module] if module else base)
    return {module, *(f"{module}.{name}" for name in names if name != "*")}


# Modules as a whole -------------------------------------------------------------------------------------


def module_files(name: str, file: str, package: str) -> dict[str, str]:
    """The file of a module, and those of all of the user's own that it imports, wherever it does: by the
    names of the modules. Nothing is run, so that it is the same before and after an import.
    """
    files: dict[str, str] = {}
    waiting = [(name, file, package)]
    while waiting:
        name, file, package = waiting.pop()
        if name in files:
            continue
        files[name] = file
        for imported in sorted(_imported_by_file(file, package)):
            waiting += own_chain(imported)
    return files


def own_chain(module: str) -> list[tuple[str, str, str]]:
    """Name, file and package of a module and of the packages that it is in, as far as they are own."""
    found = []
    parts = module.split(".")
    for i in range(len(parts)):
        name = ".".join(parts[: i + 1])
        file = own_file(name)
        if file is not None:
            is_package = os.path.basename(file).startswith("__init__.")
            found.append((name, file, name if is_package else name.rpartition(".")[0]))
    return found


def _imported_by_file(file: str, package: str) -> set[str]:
    tree = _tree_of(file)
    found: set[str] = set()
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= _imported(node.module or "", tuple(a.name for a in node.names), node.level, package)
    return found


def _tree_of(file: str) -> ast.Module | None:
    parsed = _parsed(file, _file_lines(file)) if file.endswith(".py") else None
    return None if parsed is None else parsed[0]


def file_text(file: str, with_docstrings: bool) -> str:
    """What stands for a file: its normalised source; of one that is no Python, a hash."""
    tree = _tree_of(file)
    if tree is not None:
        return ast.unparse(tree) if with_docstrings else _normal(tree)
    try:
        with open(file, "rb") as data:
            return f"file {hashlib.sha256(data.read()).hexdigest()}"
    except OSError:
        return "file that cannot be read"
