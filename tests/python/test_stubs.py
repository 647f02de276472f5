"""What the stub of the C part says, is there: names, and what functions take."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import bundlepool
from bundlepool import _core

STUB = ast.parse((Path(bundlepool.__file__).parent / "_core.pyi").read_text())
HIDDEN = ("__doc__", "__file__", "__loader__", "__name__", "__package__", "__spec__")  # of every module


def declared(body: list[ast.stmt]) -> dict[str, ast.stmt]:
    """Functions, classes and variables of a stub, by name."""
    found: dict[str, ast.stmt] = {}
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found[node.name] = node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = node
    return found


def parameters_of(node: ast.FunctionDef, of_class: bool) -> list[tuple[str, bool]]:
    """Names, and whether each may be left out; of positional ones the names are nobody's business."""
    takes = node.args
    plain = [*takes.posonlyargs, *takes.args]
    optional = [False] * (len(plain) - len(takes.defaults)) + [True] * len(takes.defaults)
    listed = [("/" if arg in takes.posonlyargs else arg.arg, free) for arg, free in zip(plain, optional)]
    listed += [(arg.arg, default is not None) for arg, default in zip(takes.kwonlyargs, takes.kw_defaults)]
    listed += [("**", True)] if takes.kwarg else []
    return listed[1:] if of_class else listed


def taken_by(thing: object, of_class: bool) -> list[tuple[str, bool]] | None:
    try:
        takes = list(inspect.signature(thing).parameters.values())
    except ValueError:
        return None  # its doc does not tell
    listed = [
        ("**", True)
        if p.kind is p.VAR_KEYWORD
        else ("/" if p.kind is p.POSITIONAL_ONLY else p.name, p.default is not p.empty)
        for p in takes
    ]
    return listed[1:] if of_class and takes and takes[0].name == "self" else listed


def public(names: list[str]) -> set[str]:
    return {name for name in names if not name.startswith("_")}


CLASSES = {name: node for name, node in declared(STUB.body).items() if isinstance(node, ast.ClassDef)}


def test_the_module_has_what_the_stub_has() -> None:
    stub = declared(STUB.body)
    there = {name for name in dir(_core) if name not in HIDDEN}
    told = {name for name, node in stub.items() if not isinstance(node, ast.AnnAssign)}  # those are for types
    assert told <= there
    assert not {name for name in there - told if not isinstance(getattr(_core, name), int)}  # the codes


@pytest.mark.parametrize("name", CLASSES)
def test_classes_have_what_the_stub_has(name: str) -> None:
    cls = getattr(_core, name)
    stub = declared(CLASSES[name].body)
    assert not {member for member in stub if not hasattr(cls, member) and member != "__buffer__"}
    assert public(dir(cls)) <= set(stub)
    for member, node in stub.items():
        is_property = any(isinstance(d, ast.Name) and d.id == "property" for d in node.decorator_list)
        assert is_property == inspect.isgetsetdescriptor(getattr(cls, member, None)), member


def functions() -> list[tuple[str, object, ast.FunctionDef, bool]]:
    found = [(n, getattr(_core, n, None), node, False) for n, node in declared(STUB.body).items()
             if isinstance(node, ast.FunctionDef)]
    for name, cls in CLASSES.items():
        for member, node in declared(cls.body).items():
            if isinstance(node, ast.FunctionDef) and not node.decorator_list:
                found.append((f"{name}.{member}", getattr(getattr(_core, name), member, None), node, True))
    untold = ("_", "reader_")  # what the package has for itself, without signatures
    return [one for one in found if not one[0].split(".")[-1].startswith(untold)]


def test_functions_take_what_the_stub_says() -> None:
    wrong = {}
    for name, thing, node, of_class in functions():
        there, said = taken_by(thing, of_class), parameters_of(node, of_class)
        if there != said:
            wrong[name] = (there or "its doc has no signature", said)
    assert not wrong and len(functions()) > 30
