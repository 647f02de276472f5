"""Signatures as parameters, grids as options, and what strategies may return."""

from __future__ import annotations

import inspect
from typing import Literal

import numpy as np
import pytest

import bundlepool as bp
from bundlepool import arguments
from bundlepool.strategy import failure_text, strategy_of


def parameters(thing, given=None):
    return [
        (p.name, p.kind, None if p.is_required else p.default) for p in strategy_of(thing, given).parameters
    ]


def test_kinds_of_parameters() -> None:
    def rule(
        m, a: int, b: float, c, d=5, e=0.5, f: Literal["long", "both"] = "both", g=True, *, h: int = 1, i=None
    ):
        ...

    assert parameters(rule) == [
        ("a", "int", None),
        ("b", "float", None),
        ("c", "number", None),
        ("d", "int", 5),
        ("e", "float", 0.5),
        ("f", "word", "both"),
        ("g", "word", True),
        ("h", "int", 1),
    ]
    assert parameters(lambda m, side: 0, {"side": ["long", "both"]}) == [("side", "word", None)]
    assert parameters(lambda m, k=2: 0, {"k": [1, 2.5]}) == [("k", "number", 2)]

    class Rule:
        def __init__(self, k: "int" = 5):
            ...

        def decide(self, view, orders):
            ...

    assert parameters(Rule) == [("k", "int", 5)]


@pytest.mark.parametrize(
    "thing, text",
    [
        (5, "a function, a class, or a name"),
        (lambda: 0, "its first parameter is the market"),
        (type("Empty", (), {}), "needs a method decide"),
        (lambda m, Big: 0, "parameter Big"),
        (lambda m, k: (yield), "generator"),
    ],
)
def test_what_is_no_strategy(thing, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        strategy_of(thing)


def test_an_instance_is_no_strategy() -> None:
    class Rule:
        def decide(self, view, orders):
            ...

        def __call__(self, m):
            ...

    with pytest.raises(TypeError, match="pass the class"):
        strategy_of(Rule())


@pytest.mark.parametrize(
    "values, text",
    [
        (range(5, 51, 5), "5:50:5"),
        (range(3, 6), "3:5"),
        (range(10, 0, -5), "10:5:-5"),
        (range(4, 5), "4"),
        ([5, 10], "5,10"),
        (7, "7"),
        ((0.1, 0.2), "0.1,0.2"),
        (np.array([1, 2]), "1,2"),
        (np.float64(0.5), "0.5"),
        (np.arange(3), "0,1,2"),
        ("5:50:5", "5:50:5"),
        ([1e-7], "1e-07"),
        (2.0, "2"),
    ],
)
def test_grids(values, text: str) -> None:
    grid = arguments.as_grid({"k": values})
    strategy = strategy_of(lambda m, k: 0)
    assert arguments.grid_arguments(grid, strategy) == [f"--param=k={text}"]


def test_grids_of_words() -> None:
    def rule(m, side: Literal["long", "both"], flag=True):
        ...

    strategy = strategy_of(rule)
    grid = arguments.as_grid({"side": ["both", "long"], "flag": [True, False]})
    assert arguments.grid_arguments(grid, strategy) == ["--param=side=both,long", "--param=flag=true,false"]
    with pytest.raises(ValueError, match="'short' is none of 'long', 'both'"):
        arguments.grid_arguments({"side": ["short"], "flag": True}, strategy)


@pytest.mark.parametrize(
    "grid, error, text",
    [
        ({"kk": [1]}, TypeError, "no parameter 'kk'; did you mean 'k'"),
        ({}, TypeError, "'k' has no default"),
        ({"k": []}, ValueError, "k has no values"),
        ({"k": [float("nan")]}, ValueError, "not finite"),
        ({"k": [2**60 + 1]}, ValueError, "float64"),
        ({"k": [object()]}, TypeError, "is no number"),
        ({"k": {1: 2}}, TypeError, "a list"),
        ({5: [1]}, TypeError, "named by a str"),
        (3, TypeError, "a dict"),
    ],
)
def test_wrong_grids(grid, error, text: str) -> None:
    with pytest.raises(error, match=text):
        arguments.grid_arguments(arguments.as_grid(grid), strategy_of(lambda m, k: 0))


def test_options() -> None:
    import datetime

    got = arguments.option_arguments(
        {
            "cash": 1e7,
            "commission": 5,
            "short": True,
            "first_return": False,
            "start": "2011-01-03",
            "end": datetime.date(2012, 1, 3),
            "symbols": ["A", "B"],
            "max_leverage": float("inf"),
            "objective": None,
            "slippage": 0.5,
        },
        arguments.SEARCH,
        "sweep",
    )
    assert got == [
        "--cash=10000000",
        "--commission=5",
        "--short",
        "--start=2011-01-03",
        "--end=2012-01-03",
        "--symbols=A,B",
        "--max-leverage=none",
        "--slippage=0.5",
    ]
    for wrong, text in [
        ({"comission": 5}, "did you mean 'commission'"),
        ({"short": 3}, "True or False"),
        ({"cash": True}, "a value"),
        ({"json": True}, "no argument"),
        ({"cash": object()}, "no text, number"),
    ]:
        with pytest.raises(TypeError, match=text):
            arguments.option_arguments(wrong, arguments.SEARCH, "sweep")


def test_failure_texts() -> None:
    def deep(n):
        return deep(n - 1) if n else 1 / 0

    for action, first in [
        (lambda: deep(3), "ZeroDivisionError: division by zero (test_strategy.py:"),
        (lambda: deep(100000), "RecursionError: maximum recursion"),
        (lambda: (_ for _ in ()).throw(SystemExit(3)), "SystemExit: the strategy calls sys.exit(): 3"),
        (lambda: (_ for _ in ()).throw(ValueError("x" * 5000 + "é")), "ValueError: xxx"),
    ]:
        try:
            action()
        except BaseException as error:
            text = failure_text(error)
        assert (
            text.startswith(first)
            and len(text.encode()) <= 2000
            and "Traceback (most recent call last):" in text
        )


def test_descriptions_keep_positions() -> None:
    def rule(m, a: int, hidden=None, *, b: int = 2):
        return a, b, hidden

    description = strategy_of(rule).description()
    assert [p[0] for p in description["params"]] == ["a", "b"]
    assert description["call"]("m", 1, 7) == (1, 7, None)
    assert inspect.signature(rule).parameters["hidden"].default is None


def test_the_faces_cannot_be_made() -> None:
    for face in (bp.Market, bp.View, bp.Orders):
        with pytest.raises(TypeError):
            face()
