"""Signatures as parameters, grids as options, and what strategies may return."""

from __future__ import annotations

import inspect
from decimal import Decimal
from fractions import Fraction
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
        (lambda m, größe: 0, "parameter größe: a name is a letter of ASCII"),
        (lambda m, a_name_of_more_than_thirty_one_letters: 0, "at most 31"),
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
        (np.float32(5.5), "5.5"),
        (np.float32(0.1), "0.10000000149011612"),
        (np.int8(5), "5"),
        (np.array(5), "5"),
        (Decimal("0.1"), "0.1"),
        (Fraction(1, 4), "0.25"),
        ((x for x in (5, 6)), "5,6"),
        ({"a": 5, "b": 6}.values(), "5,6"),
        ([np.float32(0.5), np.array(2)], "0.5,2"),
        (range(0, 10**7), "0:9999999"),
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
        ({"k": None}, TypeError, "parameter k: None is no number"),
        ({"k": range(5, 5)}, ValueError, "k has no values"),
        ({"k": iter(())}, ValueError, "k has no values"),
        ({"k": np.array([])}, ValueError, "k has no values"),
        ({"k": range(10**20)}, ValueError, "k has more than 10000000 values"),
        ({"k": range(2**60, 2**60 + 2)}, ValueError, "parameter k: .* float64"),
        ({"k": np.array([[5, 6]])}, TypeError, "values of k are a list, not an array of 2 dim"),
        ({"k": [np.array([5])]}, TypeError, "parameter k: .* is no number"),
        ({"k": [[5]]}, TypeError, "parameter k: .* is no number"),
        ({"k": np.bool_(True)}, TypeError, "parameter k: True is no number"),
        ({"k": float("nan")}, ValueError, "parameter k: nan is not finite"),
        ({"k": np.float32("inf")}, ValueError, "parameter k: inf is not finite"),
        ({"k": Decimal("sNaN")}, TypeError, "parameter k: .* is no number"),
        ({"k": 10**400}, ValueError, "parameter k: .* float64"),
        ({"k": 1 + 2j}, TypeError, "parameter k: .* is no number"),
        ({"k": np.datetime64("2020-01-01")}, TypeError, "parameter k: .* is no number"),
        ({"k": np.array(["2020-01-01"], "M8[ns]")}, TypeError, "parameter k: .* is no number"),
        ({"k": np.ma.array([1, 2], mask=[False, True])}, ValueError, "parameter k: a value is masked"),
        ({"k": {5, 6}}, TypeError, "values of k are a list, in an order, not set"),
        ({"k": b"5"}, TypeError, "values of k are a list, in an order, not bytes"),
    ],
)
def test_wrong_grids(grid, error, text: str) -> None:
    with pytest.raises(error, match=text):
        arguments.grid_arguments(arguments.as_grid(grid), strategy_of(lambda m, k: 0))


@pytest.mark.parametrize("nothing", [float("nan"), np.float64("inf"), np.array(float("nan"))])
def test_a_default_does_not_hide_what_is_not_finite(nothing) -> None:
    grid = arguments.as_grid({"k": [nothing]})
    with pytest.raises(ValueError, match="parameter k: .* is not finite"):
        strategy = strategy_of(lambda m, k=5: 0, grid)
        arguments.grid_arguments(grid, strategy)


def test_fractions_where_the_default_is_whole(market) -> None:
    for value in np.float32(5.5), Decimal("5.5"), Fraction(11, 2), np.array(5.5):
        grid = arguments.as_grid({"k": value})
        assert arguments.grid_arguments(grid, strategy_of(lambda m, k=5: 0, grid)) == ["--param=k=5.5"]
        assert bp.backtest("quandl", lambda m, k=5: m.close > k, root=market, k=value).params == {"k": 5.5}


def test_a_value_that_is_given_twice() -> None:
    with pytest.warns(UserWarning, match="values of k are there more than once") as told:
        grid = arguments.as_grid({"k": [5, 6, 5.0, np.int8(6)], "flag": [True, False]})
    assert told[0].filename == __file__ and grid == {"k": [5, 6], "flag": [True, False]}
    assert arguments.as_grid({"k": [1, True]}) == {"k": [1, True]}


def test_words_of_a_strategy_in_c_are_words() -> None:
    for values in ["5:50"], ["5,6"], ["5"]:
        with pytest.raises(ValueError, match="parameter k: .* is not a word"):
            arguments.grid_arguments({"k": values}, None)


def test_options_of_numpy() -> None:
    options = {"short": np.bool_(1), "cash": np.float32(1e6), "lots": np.str_("whole"), "grace": np.array(5)}
    assert arguments.option_arguments(options, arguments.SEARCH, "sweep") == [
        "--short", "--cash=1000000", "--lots=whole", "--grace=5"
    ]
    wrong = -np.inf, np.nan, np.bool_(True), np.timedelta64(5, "D"), 10**400, np.array([1.0]), [[1], 3 + 1j]
    for value in wrong:
        with pytest.raises(TypeError, match="cash"):
            arguments.option_arguments({"cash": value}, arguments.SEARCH, "sweep")


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


def test_long_tracebacks_lose_whole_lines() -> None:
    def outer(n):
        return inner(n - 1) + 1 if n else {}["the end"]

    def inner(n):
        return outer(n - 1) + 2 if n else {}["the end"]

    with pytest.raises(KeyError) as caught:
        outer(40)
    lines = failure_text(caught.value).split("\n")
    first, last = lines[0], lines[-1]
    assert first.startswith("KeyError: 'the end' (test_strategy.py:") and last == "KeyError: 'the end'"
    assert lines[1] == "Traceback (most recent call last):" and lines.count("[...]") == 1
    told = {line.strip() for line in inspect.getsource(test_long_tracebacks_lose_whole_lines).split("\n")}
    file = f'File "{__file__}", line '
    for line in lines[2:-1]:
        said = line.strip()
        assert said == "[...]" or said in told or said.startswith(file) or set(said) <= set("~^")


def test_names_of_any_case(market) -> None:
    def Rule(m, K, Fast=5, _x: Literal["Long", "long-only", "v1.0"] = "Long"):
        return m.close > m.sma(K + Fast)

    grid = {"K": [5, 6], "Fast": [1, 2], "_x": ["v1.0"]}
    r = bp.sweep("small", Rule, grid, root=market, where="K > Fast + 3", objective="sharpe + K")
    assert (r.done, r.skipped) == (3, 1) and r.strategy == "Rule" and r.params == ("K", "Fast", "_x")
    assert r.best.params["_x"] == "v1.0" and "K" in r.table.dtype.names
    assert bp.backtest("small", Rule, root=market, K=5, Fast=2, _x="long-only").params["K"] == 5


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
