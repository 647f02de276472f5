"""Sweeps of strategies in Python: the results of `optimizer`, byte for byte, on any number of ranks."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from conftest import BUILD, PRELOAD, RUN_MPI, SANITIZED, Program, make_bundle, python_command

import bundlepool as bp

RULES = '''
import math
import sys
import time
from typing import Literal

import numpy as np

import bundlepool as bp


def sma_cross(m, fast, slow):
    """Holds an asset while its fast average is above the slow one."""
    return m.sma(fast) > m.sma(slow)


def deviation(x):
    mean, total = math.fsum(x) / len(x), 0.0
    for value in x:
        total += (value - mean) * (value - mean)
    return math.sqrt(total / (len(x) - 1))


def inverse_volatility(m, lookback: int = 60, rebalance: int = 21):
    weights, when = np.zeros((m.num_assets, m.num_sessions)), np.zeros(m.num_sessions, dtype=bool)
    close, tradable = m.close, m.tradable
    for t in range(m.start, m.num_sessions, rebalance):
        when[t], total = True, 0.0
        for a in range(m.num_assets):
            known = close[a, :t + 1]
            known = known[~np.isnan(known)]
            if len(known) < lookback + 1 or not tradable[a, t]:
                continue
            s = deviation((known[-lookback:] / known[-lookback - 1:-1] - 1).tolist())
            if s > 0:
                weights[a, t] = 1 / s
                total += 1 / s
        if total:
            weights[:, t] /= total
    return weights, when


class Pairs:
    """The built-in strategy of that name."""

    def __init__(self, lookback: int = 60, entry: float = 2.0, exit: float = 0.5,
                 side: Literal["long", "both"] = "long"):
        self.lookback, self.entry, self.exit, self.both = lookback, entry, exit, side == "both"
        self.pairs = None

    def decide(self, view, orders):
        if self.pairs is None:
            self.pairs = [{"state": 0, "noted": []} for _ in range(view.num_assets // 2)]
        for i, pair in enumerate(self.pairs):
            self.one(view, orders, pair, 2 * i, 2 * i + 1)

    def one(self, view, orders, pair, first, second):
        if pair["state"] == 3:
            return
        if any(view.observations(a) > 0 and not view.can_trade(a) for a in (first, second)):
            self.give_up(view, orders, first, second)
            pair["state"] = 3
            return
        if not all(view.window(a, 1, adjusted=False)[0] > 0 for a in (first, second)):
            return
        x = math.log(view.mean(first, 1)) - math.log(view.mean(second, 1))
        pair["noted"] = (pair["noted"] + [x])[-self.lookback:]
        if len(pair["noted"]) == self.lookback and deviation(pair["noted"]) > 0:
            mean = math.fsum(pair["noted"]) / self.lookback
            self.act(view, orders, pair, first, second, (x - mean) / deviation(pair["noted"]))

    def act(self, view, orders, pair, first, second, z):
        if pair["state"] == 0 and z < -self.entry:
            self.take(view, orders, first, second)
            pair["state"] = 1
        elif pair["state"] == 0 and z > self.entry:
            self.take(view, orders, second, first)
            pair["state"] = 2
        elif (pair["state"] == 1 and z > -self.exit) or (pair["state"] == 2 and z < self.exit):
            self.give_up(view, orders, first, second)
            pair["state"] = 0

    def take(self, view, orders, bought, other):
        share = 1 / (view.num_assets // 2)
        orders.order_target_percent(bought, share / 2 if self.both else share)
        if self.both:
            orders.order_target_percent(other, -share / 2)

    def give_up(self, view, orders, *assets):
        for a in assets:
            if view.can_trade(a):
                orders.order_target(a, 0)


def slow(m, k):
    time.sleep(0.05)
    return m.close > m.sma(k)
'''
GRIDS = {
    "sma_cross": (
        "sma_cross",
        "dict(fast=range(5, 26, 5), slow=range(20, 61, 20))",
        "'fast < slow'",
        "",
        ["--param", "fast=5:25:5", "--param", "slow=20:60:20"],
    ),
    "inverse_volatility": (
        "inverse_volatility",
        "dict(lookback=[20, 60], rebalance=[21, 63])",
        "None",
        "",
        ["--param", "lookback=20,60", "--param", "rebalance=21,63"],
    ),
    "Pairs": (
        "pairs",
        "dict(lookback=[20, 40], side=['long', 'both'])",
        "None",
        "short=True, start='2010-06-01'",
        ["--param", "lookback=20,40", "--param", "side=long,both", "--short", "--start", "2010-06-01"],
    ),
}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a bundle `demo`, and rules.py."""
    root = tmp_path_factory.mktemp("demo")
    make_bundle(root, "demo", "--assets", "13", "--days", "301")
    make_bundle(root, "other", "--assets", "9", "--days", "200", "--seed", "7")
    make_bundle(root, "twin", "--assets", "13", "--days", "301", "--seed", "8")
    (root / "rules.py").write_text(RULES)
    return root


@pytest.fixture(autouse=True)
def here(demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BUNDLEPOOL_ROOT", str(demo))
    monkeypatch.syspath_prepend(str(demo))


def optimizer(*arguments: str | Path, code: int = 0) -> str:
    done = subprocess.run([BUILD / "bin" / "optimizer", *arguments], capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def module(*arguments: str | Path, ranks: int | None = None, code: int = 0) -> str:
    start = [] if ranks is None else [str(RUN_MPI), str(ranks)]
    done = subprocess.run(
        [*start, *python_command(), "-m", "bundlepool", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=dict(os.environ),
    )  # without what MPI has set in this process
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", GRIDS)
def test_the_same_file_as_the_program(name: str, demo: Path) -> None:
    import rules

    builtin, grid, where, options, arguments = GRIDS[name]
    optimizer("--bundle", "demo", "--strategy", builtin, *arguments, "--out", "c.csv")
    r = bp.sweep(
        "demo", getattr(rules, name), eval(grid), where=eval(where), out="py.csv", **eval(f"dict({options})")
    )
    assert Path("py.csv").read_bytes() == Path("c.csv").read_bytes()
    assert r.done > 0 and r.failed == 0
    module(
        "--bundle",
        "demo",
        "--strategy",
        f"{demo}/rules.py:{name}",
        *arguments,
        "--out",
        "m.csv",
        *([] if where == "None" else ["--where", eval(where)]),
    )
    assert Path("m.csv").read_bytes() == Path("c.csv").read_bytes()


@SANITIZED
@pytest.mark.skipif(shutil.which("mpirun") is None, reason="mpirun is missing (Debian: openmpi-bin)")
@pytest.mark.parametrize("ranks", [1, 4, 16])
def test_the_same_file_on_any_number_of_ranks(ranks: int, program: Program, demo: Path) -> None:
    optimizer("--bundle", "demo", "--strategy", "sma_cross", *GRIDS["sma_cross"][4], "--out", "c.csv")
    program(
        """
        import rules, bundlepool as bp
        r = bp.sweep("demo", rules.sma_cross, dict(fast=range(5, 26, 5), slow=range(20, 61, 20)),
                     out="py.csv", where=lambda fast, slow: fast < slow)
        assert r.done == 13 and r.skipped == 2 and (len(r) == 15 if r.has_all else r.num_ranks > 1)
    """,
        ranks,
        PYTHONPATH=f"{demo}:{os.environ['PYTHONPATH']}",
    )
    module(
        "--bundle",
        "demo",
        "--strategy",
        f"{demo}/rules.py:sma_cross",
        *GRIDS["sma_cross"][4],
        "--out",
        "m.csv",
        "--where",
        "fast < slow",
        ranks=ranks,
    )
    assert Path("py.csv").read_bytes() == Path("m.csv").read_bytes() == Path("c.csv").read_bytes()


@SANITIZED
@pytest.mark.skipif(shutil.which("mpirun") is None, reason="mpirun is missing (Debian: openmpi-bin)")
def test_what_every_rank_knows(program: Program, demo: Path) -> None:
    """The best one, of two bundles too, and with words; what is rank 0's says what to do."""
    out = program(
        """
        import os
        import rules, bundlepool as bp

        def say(*words):
            os.write(1, (" ".join(map(str, words)) + "\\n").encode())

        cross = dict(fast=[5, 10], slow=[20, 40])
        sweeps = [
            bp.sweep("demo", rules.sma_cross, cross, objective="trades", metrics="sharpe,trades"),
            bp.sweep(["other", "demo"], rules.sma_cross, cross),
            bp.sweep("demo", rules.Pairs, dict(side=["both", "long"], lookback=40), short=True),
            bp.sweep("demo", "buy_and_hold"),
            bp.sweep("demo", lambda m, k: 1 / 0, dict(k=[1, 2])),
        ]
        for number, r in enumerate(sweeps):
            if r.has_all:
                assert r.best == (r.ranked[0] if r.ranked else None) and bool(r.ranked) == (number < 4)
            say(number, r.best, r.params, r.metrics, r.objective)
        r = sweeps[0]
        if r.has_all:
            raise SystemExit
        assert "best: fast=5 slow=40, over demo, sharpe 1.4427; the rows" in repr(sweeps[1])
        assert "nothing is ranked; the rows" in repr(sweeps[4])
        assert "; best: sharpe 1.0585; the rows" in repr(sweeps[3])
        trades = r.best.metrics["trades"]
        assert repr(r) == (
            "<bundlepool.Results of sma_cross: 4 done, 0 skipped, 0 failed; best: "
            f"fast={r.best.params['fast']} slow={r.best.params['slow']}, trades {trades:.0f}; "
            "the rows are on rank 0>"
        ), r
        for ask in (lambda: r[0], lambda: len(r), lambda: list(r), lambda: r.ranked, lambda: r.failures,
                    lambda: r.table, lambda: r.to_pandas(), lambda: r.report("x.html"), lambda: r.bundles):
            try:
                ask()
                say("wrong")
            except RuntimeError as error:
                assert "`if r.has_all:`" in str(error)
    """,
        3,
        PYTHONPATH=f"{demo}:{os.environ['PYTHONPATH']}",
    )
    lines = sorted(out.splitlines())
    assert len(lines) == 15 and lines == sorted(lines[::3] * 3), out
    assert lines[-1].startswith("4 None ") and "'side': '" in lines[6]


def test_two_bundles_and_a_plug_in_by_name() -> None:
    r = bp.sweep(["demo", "other"], "buy_and_hold")
    assert [c.bundle for c in r] == ["demo", "other"] and r.table.dtype.names[:3] == (
        "bundle",
        "index",
        "status",
    )


def test_results() -> None:
    import rules

    r = bp.sweep(
        "demo",
        rules.sma_cross,
        {"fast": [5, 10, 30], "slow": [20]},
        where="fast < slow",
        metrics=["sharpe", "trades"],
    )
    assert (r.done, r.skipped, r.failed, r.resumed, len(r)) == (2, 1, 0, 0, 3)
    assert r.params == ("fast", "slow") and r.metrics == ("sharpe", "trades") and r.objective == "sharpe"
    assert [c.status for c in r] == ["done", "done", "skipped"] and r[-1].params == {"fast": 30, "slow": 20}
    assert type(r[0].params["fast"]) is int and r[2].metrics == {}
    assert r.best == r.ranked[0] == max((c for c in r if c.metrics), key=lambda c: c.metrics["sharpe"])
    table = r.table
    assert table["status"].tolist() == ["done", "done", "skipped"] and np.isnan(table["sharpe"][2])
    assert table["fast"].tolist() == [5, 10, 30] and table["fast"].dtype == np.int64
    frame = r.to_pandas()
    assert frame.loc[1, "sharpe"] == r[1].metrics["sharpe"] and frame.index.name == "index"
    assert "2 done, 1 skipped" in repr(r) and "<table" in r._repr_html_()
    r.report("page.html")
    page = Path("page.html").read_text()
    assert "sma_cross over demo" in page and "src=" not in page and "href=" not in page
    r.report("page.html")  # a page replaces a page, and nothing else
    Path("empty.html").touch()
    r.report("empty.html")
    Path("thesis.html").write_text("<p>mine")
    Path("link.html").symlink_to("thesis.html")
    Path("prices.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    for name in ("thesis.html", "link.html", "prices.h5", ".", os.devnull):
        with pytest.raises(bp.InvalidArgument, match="is there already, and no page"):
            r.report(name)
    assert Path("thesis.html").read_text() == "<p>mine" and not list(Path().glob(".*html*"))
    with pytest.raises(IndexError):
        r[3]


def test_caches_by_keywords(monkeypatch: pytest.MonkeyPatch) -> None:
    """They reach the C part, override a configuration, and change no result."""
    import rules
    from bundlepool import _core
    from bundlepool.optimization.config import OptimizationConfig

    told = []
    for name, place in (("sweep", 2), ("backtest", 1)):
        real = getattr(_core, name)

        def spy(*args, real=real, place=place):
            told.append((args[place]["panel_bytes"], args[place]["window_bytes"]))
            return real(*args)

        monkeypatch.setattr(_core, name, spy)
    config = OptimizationConfig(cache_size_gb="0.5", cache_size_limit=7)
    usual = (int(OptimizationConfig().cache_size_gb * 2**30), 64 << 20)
    cases = [
        ({}, usual),
        (dict(config=config), (512 << 20, 7)),
        (dict(config=config, enable_caching=False, cache_size_limit="1M"), (0, 1 << 20)),
        (dict(cache_size_gb=0.25, enable_history_cache=False), (256 << 20, 0)),
        (dict(config=config, cache_size_gb=None), (512 << 20, 7)),
    ]
    tables = []
    for keywords, expected in cases:
        r = bp.sweep("demo", rules.sma_cross, dict(fast=[5, 10], slow=[20]), **keywords)
        run = bp.backtest("demo", rules.sma_cross, fast=5, slow=20, **keywords)
        assert told == [expected] * 2 and run.metrics["sharpe"] == r[0].metrics["sharpe"]
        tables.append(r.table.tobytes())
        told.clear()
    assert len(set(tables)) == 1
    for call in (lambda **k: bp.sweep("demo", rules.sma_cross, dict(fast=5, slow=20), **k),
                 lambda **k: bp.backtest("demo", rules.sma_cross, fast=5, slow=20, **k)):
        for wrong, error, text in (
            (dict(cache_size_gb=-1), ValueError, r"\(\): cache_size_gb: -1 is out of range"),
            (dict(cache_size_limit=1.5), TypeError, r"\(\): cache_size_limit: expected a whole number"),
            (dict(enable_caching=1), TypeError, r"\(\): enable_caching: expected True or False"),
            (dict(enable_cachin=False), TypeError, "did you mean 'enable_caching'"),
            (dict(config={"enable_caching": False}), TypeError, "expected an OptimizationConfig, got dict"),
        ):
            with pytest.raises(error, match=text):
                call(**wrong)

    def rule(m, config: int = 1, cache_size_gb: int = 2):
        return m.close > config + cache_size_gb

    assert bp.backtest("demo", rule, config=3, cache_size_gb=4).params == {"config": 3, "cache_size_gb": 4}


def test_what_values_a_strategy_gets() -> None:
    seen = []

    def rule(m, a: int, b: float, c, d: "bool" = True, side="long"):
        seen.append((a, b, c, d, side))
        return m.close > 1

    bp.sweep("demo", rule, {"a": [1, 2], "b": [3], "c": [1, 0.5], "d": [False], "side": ["both"]})
    assert sorted(set(seen), key=repr) == sorted(
        [(a, 3.0, c, False, "both") for a in (1, 2) for c in (1, 0.5)], key=repr
    )
    assert {type(x[1]) for x in seen} == {float} and {type(x[2]) for x in seen} == {int, float}


# Failures ---------------------------------------------------------------------------------------------------

BAD = {
    "an exception": (lambda m: 1 / 0, "ZeroDivisionError: division by zero (test_sweep.py:"),
    "None": (lambda m: None, "TypeError: returned None; expected bool"),
    "float32": (
        lambda m: m.close.astype("f4"),
        "returned ndarray float32 [13][301]; expected bool (the set that is held) or "
        "float64 (target weights), of shape [13][301]",
    ),
    "a wrong shape": (lambda m: m.close[:, :7] > 1, "returned ndarray bool [13][7]; expected"),
    "a frame the other way": (lambda m: m.close.T > 1, "returned ndarray bool [301][13]"),
    "a list": (lambda m: [[True]], "returned list"),
    "objects": (lambda m: (m.close > 1).astype(object), "returned ndarray object"),
    "a masked array": (lambda m: np.ma.array(m.close > 1), "fill what is masked first"),
    "the other byte order": (lambda m: m.close.astype(">f8"), "returned ndarray >f8"),
    "NaN weights": (lambda m: np.full(m.close.shape, np.nan), "the weight of"),
    "infinite weights": (lambda m: np.full(m.close.shape, np.inf), "the weight of"),
    "too much weight": (lambda m: np.where(m.tradable, 1.0, 0.0), "add up to"),
    "a set and when": (lambda m: (m.close > 1, m.close[0] > 1), "goes with weights"),
    "weights and a wrong when": (
        lambda m: (m.close * 0, np.ones(3, bool)),
        "when to rebalance: bool, of shape [301]",
    ),
    "three things": (lambda m: (1, 2, 3), "returned tuple"),
    "a write": (lambda m: m.close.__setitem__((0, 0), 1), "assignment destination is read-only"),
    "a flag": (lambda m: setattr(m.close.flags, "writeable", True), "ValueError: cannot set WRITEABLE"),
    "sys.exit": (lambda m: sys.exit(3), "SystemExit: the strategy calls sys.exit(): 3"),
    "no window": (lambda m: m.sma(0) > 1, "sma"),
    "half a window": (lambda m: m.sma(5.5) > 1, "a number of observations is an int, not 5.5"),
    "a huge window": (lambda m: m.sma(10**30) > 1, "sma"),
    "x of another shape": (
        lambda m: m.sma(5, np.zeros((2, 2))) > 1,
        "sma: x has format 'd' and shape [2][2]; expected float64",
    ),
    "x of another type": (lambda m: m.sma(5, m.close > 1) > 1, "sma: x has format '?'"),
    "no attribute": (lambda m: m.closes, "AttributeError"),
    "an attribute is set": (lambda m: setattr(m, "close", 1), "AttributeError"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_failure_is_one_combination_s(what: str) -> None:
    strategy, text = BAD[what]

    def rule(m, k):
        return m.close > m.sma(5) if k == 1 else strategy(m)

    r = bp.sweep("demo", rule, {"k": [0, 1]}, out="f.csv")
    assert [c.status for c in r] == ["failed", "done"]
    (failure,) = r.failures
    index, params, why = failure
    assert index == 0 and params == {"k": 0} and text in why
    again = bp.sweep("demo", rule, {"k": [0, 1]}, out="f.csv", resume=True)
    assert again.resumed == 2 and again.failures[0].text == why


def test_endless_recursion() -> None:
    def rule(m):
        return rule(m)

    with pytest.warns(UserWarning, match=r"no combination is done, 1 of 1 failed\. The first: .*Recursion"):
        (failure,) = bp.sweep("demo", rule).failures
    assert "RecursionError" in failure.text and "Traceback" in failure.text


@pytest.mark.parametrize(
    "body, text",
    [
        ("raise ValueError('no')", "ValueError: no (test_sweep.py:"),
        ("return 5", "decide() returned <class 'int'>"),
        ("orders.order('NOPE', 5)", "no asset has the symbol 'NOPE'"),
        ("orders.order(99, 5)", "asset 99: there are 13"),
        ("orders.order(-1, 5)", "asset -1"),
        ("orders.order(1.5, 5)", "a symbol (str) or a number (int), not 1.5"),
        ("orders.order(0, float('nan'))", "nan"),
        ("orders.order(0, 'x')", "real number"),
        ("view.window(0, 0)", "window: 0 bars"),
        ("view.window(0, 5, 'closes')", "'closes' is none of open, high, low, close, volume"),
        ("view.mean(0, 5.5)", "is an int"),
        ("view.cash = 3", "AttributeError"),
        ("sys.exit()", "SystemExit"),
    ],
)
def test_a_class_that_fails(body: str, text: str) -> None:
    scope: dict = {"sys": sys}
    exec(
        "class Rule:\n    def __init__(self, k: int):\n        self.k = k\n"
        "    def decide(self, view, orders):\n"
        f"        if self.k == 0 and view.t == 3:\n            {body}\n",
        scope,
    )
    r = bp.sweep("demo", scope["Rule"], {"k": [0, 1]})
    assert [c.status for c in r] == ["failed", "done"]
    assert text.replace("(test_sweep.py:", "(") in r.failures[0].text.replace("(<string>:", "(")


def test_a_class_that_cannot_be_made() -> None:
    class Rule:
        def __init__(self, k):
            raise KeyError(k)

        def decide(self, view, orders):
            ...

    assert "KeyError: 3" in bp.sweep("demo", Rule, {"k": 3}).failures[0].text


# Lifetimes --------------------------------------------------------------------------------------------------


def test_what_is_kept_is_valid_or_says_so() -> None:
    kept: list = []

    def rule(m, k):
        kept.append(
            (
                m,
                m.close,
                m.sma(k),
                m.shift(m.volume, 2),
                m.rank(m.close),
                m.tradable,
                m.sids,
                m.sessions,
                m.symbols,
            )
        )
        return m.sma(k) > m.close

    class Rule:
        def decide(self, view, orders):
            kept.append((view, orders, view.window(None, 3), view.prices, view.positions))

    bp.sweep("demo", rule, {"k": [5, 6]})
    bp.sweep("demo", Rule)
    market, *arrays, symbols = kept[0]
    with bp.load("demo") as b:
        row = b.close[0]
        assert symbols == b.symbols
    assert np.isclose(arrays[0][0][~np.isnan(arrays[0][0])][-1], row[~np.isnan(row)][-1])
    assert all(np.isfinite(array.astype(float)).any() for array in arrays)
    for use in (
        lambda: market.close,
        lambda: market.sma(3),
        lambda: market.symbols,
        lambda: kept[-1][0].cash,
        lambda: kept[-1][1].order(0, 1),
        lambda: kept[-1][1].open,
    ):
        with pytest.raises(RuntimeError):
            use()
    assert kept[-1][2].shape == (13, 3) and "ended" in repr(market)


def test_nothing_is_printed_by_the_library(program: Program, demo: Path) -> None:
    out = program(
        """
        import io, sys, rules, bundlepool as bp
        sys.stdout = captured = io.StringIO()  # as a notebook's kernel does
        r = bp.sweep("demo", lambda m: print("asked") or m.close > 1, progress=False)
        run = bp.backtest("demo", rules.sma_cross, fast=3, slow=9)
        sys.stdout = sys.__stdout__
        assert captured.getvalue() == "asked\\n", captured.getvalue()
        """,
        PYTHONPATH=f"{demo}:{os.environ['PYTHONPATH']}",
    )
    assert out == ""


def test_an_array_of_another_bundle_is_just_an_array() -> None:
    kept: list = []
    same: list = []

    def rule(m):
        kept.append(m.sma(5))
        foreign = m.sma(3, kept[0])
        same.append(np.array_equal(foreign, m.sma(3, np.array(kept[0])), equal_nan=True))
        own = m.sma(3, m.sma(5))
        same.append(np.array_equal(own, m.sma(3, np.array(m.sma(5))), equal_nan=True))
        return own > m.close

    assert bp.sweep(["demo", "twin"], rule).done == 2
    assert len(kept) == 2 and not np.array_equal(kept[0], kept[1], equal_nan=True) and all(same)


def test_a_strategy_with_threads() -> None:
    import threading

    late: list = []

    def rule(m):
        inner = [threading.Thread(target=lambda k=k: m.sma(k)) for k in range(2, 12)]
        for thread in inner:
            thread.start()
        for thread in inner:
            thread.join()
        event = threading.Event()

        def afterwards():
            event.wait(30)
            try:
                m.sma(3)
            except RuntimeError as error:
                late.append(error)

        thread = threading.Thread(target=afterwards)
        thread.start()
        late.append((event, thread))
        return m.sma(2) > m.sma(5)

    assert bp.sweep("demo", rule).done == 1
    event, thread = late[0]
    event.set()
    thread.join()
    assert isinstance(late[1], RuntimeError)


def test_nothing_is_kept_between_sweeps() -> None:
    import gc
    import tracemalloc
    import rules

    def once() -> None:
        bp.sweep("demo", rules.sma_cross, {"fast": [5, 6], "slow": [20]})

    once()
    tracemalloc.start()
    for _ in range(30):  # what is kept between sweeps is there by then
        once()
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(40):
        once()
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 40_000, grown  # an object for each call would be as much as that; an array far more


# Answers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("days, assets", [("37", "3"), ("64", "8"), ("65", "9"), ("130", "64"), ("99", "71")])
def test_sets_of_all_shapes(days: str, assets: str, tmp_path: Path) -> None:
    make_bundle(tmp_path, "shape", "--days", days, "--assets", assets)
    answers = {
        "plain": lambda m: m.close > m.sma(3),
        "range only": lambda m: (m.close > m.sma(3))[:, m.start :],
        "columns first": lambda m: np.asfortranarray(m.close > m.sma(3)),
        "every other": lambda m: np.repeat(m.close > m.sma(3), 2, axis=1)[:, ::2],
        "backwards": lambda m: (m.close > m.sma(3))[:, ::-1].copy()[:, ::-1],
        "other bytes": lambda m: np.where(m.close > m.sma(3), 200, 0).astype("u1").view(bool),
        "true where nothing trades": lambda m: (m.close > m.sma(3)) | ~m.tradable,
    }
    results = {
        name: bp.sweep("shape", rule, root=tmp_path, start="2010-01-20")[0] for name, rule in answers.items()
    }
    assert all(c.status == "done" and c.metrics["trades"] > 0 for c in results.values())
    expected = results.pop("plain").metrics
    for name, c in results.items():
        assert c.metrics == expected, name
    options = {"root": tmp_path, "start": "2010-01-20"}
    crossed = bp.sweep("shape", lambda m: m.sma(2) > m.sma(5), **options)[0]
    assert crossed.metrics == bp.sweep("shape", "sma_cross", {"fast": 2, "slow": 5}, **options)[0].metrics


def test_batches_are_as_single_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    import rules

    many = bp.sweep("demo", rules.sma_cross, {"fast": range(2, 40), "slow": [50]})
    assert [c.metrics for c in many][::7] == [
        bp.sweep("demo", rules.sma_cross, {"fast": fast, "slow": 50})[0].metrics for fast in range(2, 40)[::7]
    ]


def test_weights_for_some_and_a_set_for_others() -> None:
    def rule(m, k):
        held = m.close > m.sma(5)
        return held if k % 2 else np.where(held, 1 / m.num_assets, 0.0)

    r = bp.sweep("demo", rule, {"k": range(6)})
    assert r.done == 6 and r[0].metrics == r[2].metrics != r[1].metrics == r[3].metrics


# The journal ------------------------------------------------------------------------------------------------


def rule_file(folder: Path, text: str) -> str:
    file = folder / "mine.py"
    file.write_text(text)
    return f"{file}:rule"


MINE = "def helper(m, k):\n    return m.sma(k)\n\n\ndef rule(m, k):\n    return m.close > helper(m, k)\n"


def test_an_edited_rule_is_refused_and_the_change_named(tmp_path: Path) -> None:
    name = rule_file(tmp_path, MINE)
    arguments = ["--bundle", "demo", "--strategy", name, "--param", "k=3:9"]
    module(*arguments, "--journal", "r.journal")
    rule_file(tmp_path, MINE.replace("m.sma(k)", "m.ema(k)"))
    assert "function helper has changed" in module(*arguments, "--journal", "r.journal", "--resume", code=1)
    rule_file(tmp_path, MINE.replace("return m.close", "# a comment\n    return m.close"))
    assert "resumed: 7 of 7" in module(*arguments, "--journal", "r.journal", "--resume")
    module(*arguments, "--out", "r.csv")
    rule_file(tmp_path, MINE.replace(">", ">="))
    assert "piece function rule" in module(*arguments, "--out", "r.csv", code=2)


def test_a_changed_condition_is_refused() -> None:
    import rules

    grid = {"fast": [5, 10], "slow": [20]}
    bp.sweep("demo", rules.sma_cross, grid, where=lambda fast: fast > 5, journal="w.journal")
    with pytest.raises(bp.InvalidArgument, match="condition where has changed"):
        bp.sweep("demo", rules.sma_cross, grid, where=lambda fast: fast > 6, journal="w.journal", resume=True)


@SANITIZED
def test_killed_and_resumed(program: Program, demo: Path, tmp_path: Path) -> None:
    text = """
        import sys, rules, bundlepool as bp
        r = bp.sweep("demo", rules.slow, {"k": range(2, 142)}, out="k.csv", resume=True)
        print("resumed", r.resumed, r.done)
    """
    environment = {"PYTHONPATH": f"{demo}:{os.environ['PYTHONPATH']}"}
    process = program.start(text, **environment)
    wait_until(
        lambda: Path("k.csv.journal").exists() and Path("k.csv.journal").stat().st_size > 6000, process
    )
    process.kill()
    program.end(process)
    assert not Path("k.csv").exists()
    out = program(text, **environment)
    word, resumed, done = out.split()
    assert 0 < int(resumed) < 140 and done == "140"
    import rules

    bp.sweep("demo", rules.slow, {"k": range(2, 142)}, out="whole.csv")
    assert Path("k.csv").read_bytes() == Path("whole.csv").read_bytes()


def wait_until(holds, process: subprocess.Popen) -> None:
    end = time.monotonic() + 120
    while not holds():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)


@SANITIZED
@pytest.mark.parametrize(
    "number, code",
    [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 75), (signal.SIGUSR1, 75)],
)
def test_a_signal_stops_a_script(number: int, code: int, program: Program, demo: Path) -> None:
    process = program.start(
        """
        import sys, rules, bundlepool as bp
        try:
            bp.sweep("demo", rules.slow, {"k": range(2, 402)}, out="s.csv")
        except KeyboardInterrupt:
            print("interrupted", flush=True)
            raise
        except bp.SweepInterrupted as stop:
            print("stopped by", stop.signal, flush=True)
            raise
    """,
        PYTHONPATH=f"{demo}:{os.environ['PYTHONPATH']}",
    )
    wait_until(
        lambda: Path("s.csv.journal").exists() and Path("s.csv.journal").stat().st_size > 4000, process
    )
    process.send_signal(number)
    rc, out, err = program.end(process, 60)
    assert rc == code, err
    assert out == ("interrupted\n" if number == signal.SIGINT else f"stopped by {number}\n")
    import rules

    assert (
        bp.sweep(
            "demo",
            rules.slow,
            {"k": range(2, 402)},
            out="s.csv",
            resume=True,
            on_update="fail",
            progress=lambda done, total: done >= 0,
        ).resumed
        > 0
    )


def test_a_handler_that_raises_stops_a_sweep_and_one_that_does_not_does_not() -> None:
    import rules

    calls: list = []

    def handler(number, frame):
        calls.append(number)
        if len(calls) > 1:
            raise OSError("enough")

    def progress(done, total):
        if done > 1:
            signal.raise_signal(signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with pytest.raises(OSError, match="enough"):
            bp.sweep("demo", rules.slow, {"k": range(2, 102)}, progress=progress)
        assert len(calls) == 2 and signal.getsignal(signal.SIGUSR1) is handler
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_ctrl_c_in_a_strategy_is_no_failure_of_it() -> None:
    import rules

    def rule(m, k):
        if k == 5:
            signal.raise_signal(signal.SIGINT)
        return rules.sma_cross(m, 2, k)

    with pytest.raises(KeyboardInterrupt):
        bp.sweep("demo", rule, {"k": range(3, 40)}, out="i.csv")
    again = bp.sweep("demo", lambda m, k: rules.sma_cross(m, 2, k), {"k": range(3, 40)}, out="other.csv")
    assert again.done == 37 and signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupted_combination_has_no_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    def rule(m, k):
        if k == 5 and "CALM" not in os.environ:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)  # somebody who does not want to wait
        return m.close > m.sma(k)

    with pytest.raises(KeyboardInterrupt):
        bp.sweep("demo", rule, {"k": range(3, 9)}, out="i.csv")
    monkeypatch.setenv("CALM", "1")
    r = bp.sweep("demo", rule, {"k": range(3, 9)}, out="i.csv", resume=True)
    assert (r.done, r.failed) == (6, 0)


def test_an_exception_of_progress_comes_through() -> None:
    import rules

    with pytest.raises(ZeroDivisionError):
        bp.sweep("demo", rules.slow, {"k": range(2, 60)}, progress=lambda done, total: 1 / 0)


# Several ranks, started here --------------------------------------------------------------------------------


@SANITIZED
@pytest.mark.skipif(shutil.which("mpirun") is None, reason="mpirun is missing (Debian: openmpi-bin)")
def test_workers(program: Program, demo: Path) -> None:
    pytest.importorskip("cloudpickle")
    optimizer("--bundle", "demo", "--strategy", "sma_cross", *GRIDS["sma_cross"][4], "--out", "c.csv")
    out = program(
        """
        import bundlepool as bp

        def sma_cross(m, fast, slow):
            return m.sma(fast) > m.sma(slow)

        if __name__ == "__main__":
            grid = dict(fast=range(5, 26, 5), slow=range(20, 61, 20))
            r = bp.sweep("demo", sma_cross, grid, out="w.csv", where=lambda fast, slow: fast < slow, workers=3)
            print(r.num_ranks, r.done, r.best.params)
            for wrong, error in (("nope", bp.NotFound), ("demo", TypeError)):
                try:
                    bp.sweep(wrong, sma_cross, {**grid, **({} if wrong == "nope" else {"x": 1})}, workers=2)
                except error as e:
                    print(type(e).__name__)
    """
    )
    assert out.splitlines()[0].startswith("3 13 ") and out.splitlines()[1:] == ["NotFound", "TypeError"]
    assert Path("w.csv").read_bytes() == Path("c.csv").read_bytes()


@SANITIZED
@pytest.mark.skipif(shutil.which("mpirun") is None, reason="mpirun is missing (Debian: openmpi-bin)")
def test_ctrl_c_reaches_workers_and_nothing_is_left(program: Program, demo: Path, tmp_path: Path) -> None:
    process = program.start(
        """
        import tempfile, rules, bundlepool as bp
        tempfile.tempdir = "."
        if __name__ == "__main__":
            bp.sweep("demo", rules.slow, {"k": range(2, 402)}, out="s.csv", workers=2)
    """,
        PYTHONPATH=f"{demo}:{os.environ['PYTHONPATH']}",
        MARK_OF_TEST=str(tmp_path),
    )
    wait_until(
        lambda: Path("s.csv.journal").exists() and Path("s.csv.journal").stat().st_size > 4000, process
    )
    process.send_signal(signal.SIGINT)
    rc, out, err = program.end(process, 90)
    assert rc == -signal.SIGINT and "KeyboardInterrupt" in err
    assert not list(tmp_path.glob("bundlepool-*"))
    assert not [pid for pid in os.listdir("/proc") if pid.isdigit() and has_mark(pid, str(tmp_path))]


def has_mark(pid: str, mark: str) -> bool:
    try:
        return f"MARK_OF_TEST={mark}".encode() in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False


def test_workers_have_no_effect_on_ranks_that_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    import rules

    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "2")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with pytest.raises(bp.Error):
            bp.sweep("nope", rules.sma_cross, {"fast": 5, "slow": 20}, workers=4)
    assert any("workers=4 has no effect" in str(w.message) for w in told)


def test_a_file_that_sweeps_when_it_is_imported(tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text(
        "import bundlepool as bp\ndef rule(m): return m.close > 1\nbp.sweep('demo', rule)\n"
    )
    with pytest.raises(RuntimeError, match="__main__"):
        bp.sweep("demo", f"{tmp_path}/loud.py")


@pytest.mark.skipif(shutil.which("mpirun") is None, reason="mpirun is missing (Debian: openmpi-bin)")
@SANITIZED
def test_sub_communicators_of_mpi4py(program: Program, demo: Path) -> None:
    pytest.importorskip("mpi4py")
    out = program(
        """
        from mpi4py import MPI
        import rules, bundlepool as bp
        world = MPI.COMM_WORLD
        half = world.Split(world.rank % 2)
        with bp.Pool(half) as pool:
            for k in (5, 6):
                grid = {"fast": [k + world.rank % 2], "slow": [20, 30]}
                r = bp.sweep("demo", rules.sma_cross, grid, comm=half, pool=pool)
                if half.rank == 0:
                    print(r.done, r.num_ranks, pool.stats().cluster.loads, flush=True)
    """,
        4,
        PYTHONPATH=f"{demo}:{os.environ['PYTHONPATH']}",
    )
    assert sorted(out.splitlines()) == ["2 2 1"] * 4


@pytest.mark.parametrize(
    "options, said",
    [
        ({"cash": -1}, r"^cash: -1 is not greater than 0"),
        ({"max_leverage": 0}, r"^max_leverage: '0' is not a leverage"),
        ({"start": "1999-13-01"}, r"^start: "),
        ({"out": "other.csv"}, r"^out: .*other.csv .*; give replace=True"),
    ],
)
def test_errors_name_keywords(here: None, options: dict, said: str) -> None:
    """Who calls a function is not told of the options of a program."""
    import rules

    Path("other.csv").write_text("somebody's own\n")
    with pytest.raises(bp.Error, match=said) as told:
        bp.sweep("demo", rules.sma_cross, {"fast": [5], "slow": [20]}, **options)
    assert "--" not in str(told.value)


def test_failures_name_keywords(here: None) -> None:
    def short(m):
        return -1.0 * m.tradable / m.num_assets

    with pytest.warns(UserWarning, match="short=True"):
        r = bp.sweep("demo", short)
    assert "short positions need short=True" in r.failures[0].text


def test_a_bundle_is_of_its_own_folder(demo: Path, tmp_path: Path) -> None:
    """A Bundle is tested as it is, not another one of its name in the folder that the environment names."""
    import rules

    make_bundle(tmp_path, "demo", "--assets", "3", "--days", "90")
    grid = {"fast": [5], "slow": [20]}
    with bp.load("demo", root=tmp_path) as b:
        assert b.root == str(tmp_path)
        r = bp.sweep(b, rules.sma_cross, grid)
        assert r.bundles[0]["num_sessions"] == 90
        assert len(bp.backtest(b, rules.sma_cross, fast=5, slow=20).equity) == 90
        assert bp.sweep([b], rules.sma_cross, grid).bundles[0]["num_sessions"] == 90
        if not PRELOAD:  # ranks that are started are not given a sanitizer
            assert bp.sweep(b, rules.sma_cross, grid, workers=2).best.metrics == r.best.metrics
        with pytest.raises(ValueError, match="of the folder .* but not all of this is"):
            bp.sweep([b, bp.load("demo")], rules.sma_cross, grid)
        with pytest.raises(ValueError, match="of the folder"):
            bp.backtest(b, rules.sma_cross, root=demo, fast=5, slow=20)
        with bp.Pool(root=tmp_path) as pool, pool.get("demo") as pooled:
            assert bp.sweep(pooled, rules.sma_cross, grid, pool=pool).bundles[0]["num_sessions"] == 90


def test_sent_functions_keep_their_own_globals(demo: Path, tmp_path: Path) -> None:
    """Functions of several modules may have globals of one name: in started ranks each sees its own."""
    pytest.importorskip("cloudpickle")
    (tmp_path / "other.py").write_text("K = 20\ndef make():\n    return lambda m, x=1: m.close > m.sma(K)\n")
    text = """
import bundlepool as bp, other
K = 100
one, two = {"__name__": "one"}, {"__name__": "two"}
exec("K = 20\\ndef rule(m, x=1): return m.close > m.sma(K)", one)
exec("K = 3\\ndef where(x): return K == 3", two)
found = [bp.sweep("demo", rule, {"x": [1]}, workers=workers, progress=False, where=where)[0].metrics
         for rule, where in ((other.make(), lambda x: x * 50 < K), (one["rule"], two["where"]))
         for workers in (None, 2)]
assert found[0] and found[0] == found[1] == found[2] == found[3], found
"""
    done = subprocess.run([*python_command(), "-"], input=text, text=True, capture_output=True,
                          env={**os.environ, "PYTHONPATH": f"{tmp_path}:{os.environ['PYTHONPATH']}"})
    assert done.returncode == 0, done.stderr


def test_resume_is_a_bool() -> None:
    import rules

    with pytest.raises(TypeError, match="resume is True or False, not 'no'"):
        bp.sweep("demo", rules.sma_cross, {"fast": [5], "slow": [20]}, resume="no")
