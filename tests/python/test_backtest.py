"""One backtest: what it keeps is what the account did, and it runs here."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from conftest import BUILD, make_bundle

import bundlepool as bp


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    make_bundle(folder, "demo", "--assets", "13", "--days", "301")
    return folder


@pytest.fixture(autouse=True)
def environment(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUNDLEPOOL_ROOT", str(root))


def sma_cross(m, fast, slow=50):
    return m.sma(fast) > m.sma(slow)


def program(root: Path, *options: str) -> dict:
    done = subprocess.run(
        [
            BUILD / "bin" / "optimizer",
            "run",
            "--root",
            root,
            "--bundle",
            "demo",
            "--strategy",
            "sma_cross",
            "--param",
            "fast=5",
            "--param",
            "slow=20",
            "--json",
            *options,
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def day(stamp) -> str:
    return str(stamp)[:10]


def test_the_program_s_sheets(root: Path) -> None:
    theirs = program(root, "--commission", "5", "--cash", "1e6", "--slippage", "2")
    run = bp.backtest("demo", sma_cross, fast=5, slow=20, cash=1e6, commission=5, slippage=2)
    assert run.params == {"fast": 5, "slow": 20} and run.strategy == "sma_cross" and run.bundle == "demo"
    for name, value in theirs["metrics"].items():
        assert run.metrics[name] == value or value is None and np.isnan(run.metrics[name])
    assert run.equity.tolist() == [row["equity"] for row in theirs["equity"]]
    assert [day(x) for x in run.equity.index] == [row["session"][:10] for row in theirs["equity"]]
    assert len(run.trades) == len(theirs["trades"]) == run.metrics["trades"]
    assert run.trades["price"].tolist() == [row["price"] for row in theirs["trades"]]
    assert len(run.unfilled) == len(theirs["unfilled"])
    assert run.equity.index.tz is not None and run.content_hash == theirs["content_hash"]


def test_tables_fit_together() -> None:
    run = bp.backtest("demo", sma_cross, fast=5, slow=20, commission=5)
    assert np.allclose(run.positions.sum(axis=1), run.equity)
    assert len(run.returns) == len(run.equity) - 1
    assert np.isclose(run.returns.mean() / run.returns.std() * 252**0.5, run.metrics["sharpe"])
    first = bp.backtest("demo", sma_cross, fast=5, slow=20, first_return=True)
    assert len(first.returns) == len(first.equity) and first.returns.iloc[0] == 0
    assert set(run.shares.columns) == set(run.positions.columns) - {"cash"}
    assert run.orders["order"].is_monotonic_increasing and (run.trades["commission"] > 0).all()
    assert "sharpe" in repr(run) and "fast=5" in repr(run)


def test_without_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    run = bp.backtest("demo", sma_cross, fast=5, slow=20)
    with_it = run.equity.tolist(), run.trades["amount"].tolist(), run.positions["cash"].tolist()
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert (
        run.equity["equity"].tolist(),
        run.trades["amount"].tolist(),
        run.positions["cash"].tolist(),
    ) == with_it
    assert run.equity["session"].dtype == "M8[ns]" and run.returns.dtype.names == ("session", "returns")


def test_an_exception_comes_through_as_itself() -> None:
    class Odd(Exception):
        pass

    def rule(m):
        raise Odd("mine")

    class Rule:
        def decide(self, view, orders):
            raise Odd(view.t)

    with pytest.raises(Odd, match="mine") as caught:
        bp.backtest("demo", rule)
    assert caught.traceback[-1].name == "rule"
    with pytest.raises(Odd, match="0"):
        bp.backtest("demo", Rule)
    with pytest.raises(SystemExit):
        bp.backtest("demo", lambda m: sys.exit(4))
    with pytest.raises(KeyboardInterrupt):
        bp.backtest("demo", lambda m: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(bp.InvalidArgument, match="the weight of"):
        bp.backtest("demo", lambda m: np.full(m.close.shape, np.nan))


def test_it_runs_in_this_thread_and_prints(capsys: pytest.CaptureFixture) -> None:
    seen = []

    def rule(m):
        seen.append(threading.current_thread())
        print("asked")
        return m.close > 1

    bp.backtest("demo", rule)
    assert seen == [threading.current_thread()] and capsys.readouterr().out == "asked\n"


def test_parameters_win_over_options() -> None:
    seen = []

    def rule(m, cash, root=3):
        seen.append(cash)
        return m.close > 1

    run = bp.backtest("demo", rule, cash=7)
    assert seen == [7] and run.equity.iloc[0] == 1e7


@pytest.mark.parametrize(
    "arguments, error, text",
    [
        (dict(fst=3), TypeError, "no argument 'fst'; did you mean 'fast'"),
        (dict(), TypeError, "'fast' has no default"),
        (dict(fast=3, comission=1), TypeError, "did you mean 'commission'"),
        (dict(fast=[3, 4]), bp.InvalidArgument, "2 combinations"),
        (dict(fast=3, start="2030-01-01"), bp.OutOfRange, "leave no session"),
        (dict(fast=3, resume=True), TypeError, "no argument 'resume'"),
    ],
)
def test_wrong_arguments(arguments: dict, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        bp.backtest("demo", sma_cross, **arguments)


def test_what_a_strategy_sees(root: Path) -> None:
    """The market against the bundle; helpers against plain NumPy where nothing is missing."""
    seen = {}

    def rule(m, k: int):
        seen.update(
            start=m.start,
            symbols=m.symbols,
            sids=m.sids,
            sessions=m.sessions,
            close=m.close,
            volume=m.volume,
            sma=m.sma(k),
            std=m.std(k),
            returns=m.returns(),
            shifted=m.shift(m.close, 2),
            rank=m.rank(m.close),
            z=m.zscore(m.close),
            tradable=m.tradable,
            shape=(m.num_assets, m.num_sessions),
            found=m.index(m.symbols[3]),
            again=m.sma(k, m.close),
            of_volume=m.sma(k, m.volume),
            nested=m.sma(2, m.sma(k)),
            plain=m.sma(2, np.array(m.sma(k))),
        )
        return m.close > 0

    bp.backtest("demo", rule, k=5, start="2010-03-01", end="2010-12-31")
    with bp.load("demo") as b:
        held = b.sessions <= np.datetime64("2010-12-31")
        sessions, symbols, sids = b.sessions[held], b.symbols, b.sids.copy()
        raw = np.array(b.close[:, held])
    assert seen["shape"] == seen["close"].shape == raw.shape and seen["symbols"] == symbols
    assert (seen["sids"] == sids).all() and (seen["sessions"] == sessions).all()
    assert sessions[seen["start"]] >= np.datetime64("2010-03-01") > sessions[seen["start"] - 1]
    whole = [a for a in range(len(raw)) if not np.isnan(raw[a]).any() and (seen["close"][a] == raw[a]).all()]
    assert len(whole) > 2  # neither holes nor splits
    for a in whole:
        x = raw[a]
        windows = np.lib.stride_tricks.sliding_window_view(x, 5)
        assert np.allclose(seen["sma"][a][4:], windows.mean(axis=1)) and np.isnan(seen["sma"][a][:4]).all()
        assert np.allclose(seen["std"][a][4:], windows.std(axis=1, ddof=1))
        assert (seen["returns"][a][1:] == x[1:] / x[:-1] - 1).all() and (
            seen["shifted"][a][2:] == x[:-2]
        ).all()
    t = raw.shape[1] - 1
    there = ~np.isnan(seen["close"][:, t])
    assert (
        sorted(seen["rank"][there, t]) == list(range(1, there.sum() + 1))
        and np.isnan(seen["rank"][~there, t]).all()
    )
    column = seen["close"][there, t]
    assert np.allclose(seen["z"][there, t], (column - column.mean()) / column.std(ddof=1))
    assert seen["found"] == 3
    assert np.array_equal(seen["again"], seen["sma"], equal_nan=True)
    assert np.array_equal(seen["nested"], seen["plain"], equal_nan=True)
    assert seen["of_volume"].shape == raw.shape and seen["tradable"].dtype == bool
    assert not seen["close"].flags.writeable and not seen["tradable"].flags.writeable


def test_what_a_class_sees() -> None:
    seen = []

    class Rule:
        def decide(self, view, orders):
            if view.t == 5:
                number = orders.order(0, 10)
                other = orders.order(view.symbols[1], 10)
                waiting = orders.open
                assert orders.cancel(other) and not orders.cancel(10**6)
                seen.append((view.t, view.session, view.cash, view.equity, number, waiting, orders.open))
            if view.t == 7:
                seen.append(
                    (
                        view.position(0),
                        view.positions[0],
                        view.price(0),
                        view.prices[0],
                        view.cash,
                        view.equity,
                        view.window(0, 3),
                        view.window(None, 3)[0],
                        view.mean(0, 3),
                        view.std(0, 3),
                        view.observations(0),
                        view.can_trade(0),
                        view.index(view.symbols[1]),
                        view.num_assets,
                        view.window(0, 20, "volume"),
                    )
                )

    bp.backtest("demo", Rule, cash=1e6)
    (t, session, cash, equity, number, waiting, left), then = seen
    assert t == 5 and session.dtype == "M8[ns]" and cash == equity == 1e6 and number == 1
    assert waiting == [(1, 0, 10.0), (2, 1, 10.0)] and left == [(1, 0, 10.0)]
    (
        position,
        positions,
        price,
        prices,
        cash,
        equity,
        window,
        row,
        mean,
        std,
        observations,
        can,
        index,
        assets,
        volume,
    ) = then
    assert position == positions == 10 and price == prices and np.isclose(cash + 10 * price, equity)
    assert (window == row).all() and window[-1] == price and np.isclose(mean, window.mean())
    assert (
        np.isclose(std, window.std(ddof=1)) and observations == 8 and can and index == 1 and assets == 13
    )
    assert volume.shape == (20,) and (volume[:12] == 0).all()


def test_a_refused_order_may_be_caught() -> None:
    """An order that is refused is an exception of its line; one that is caught is none of the run's."""

    class Careful:
        def decide(self, view, orders):
            if view.t > 0:
                return
            for amount in (float("nan"), float("inf")):
                with pytest.raises(ValueError, match=f"for {amount} shares"):
                    orders.order(0, amount)
            assert orders.order_percent(0, 0.5) > 0

    class Careless:
        def decide(self, view, orders):
            orders.order(0, float("nan"))  # here

    assert bp.backtest("demo", Careful).metrics["trades"] >= 1
    with pytest.raises(ValueError, match="nan shares"):
        bp.backtest("demo", Careless)
    with pytest.warns(UserWarning, match="nan shares"):
        r = bp.sweep("demo", Careless)
    assert "orders.order(0, float(\"nan\"))  # here" in r.failures[0].text


def test_a_symbol_that_is_not_there() -> None:
    """None as an index would be all assets, and -1 the last one: there is an exception instead."""
    asked = []

    def ask(what) -> None:
        for symbol in what.symbols[0].lower(), what.symbols[1] + "X", "", "\udc80":
            with pytest.raises(KeyError) as caught:
                what.index(symbol)
            assert isinstance(caught.value, bp.NoSymbol) and repr(symbol) in str(caught.value)
            asked.append(str(caught.value))
        for value in None, 0, b"A":
            with pytest.raises(TypeError, match="a symbol is a str"):
                what.index(value)
        assert what.index(np.str_(what.symbols[2])) == 2
        symbols.extend(what.symbols)

    def rule(m):
        ask(m)
        return m.close > 0

    class Rule:
        def decide(self, view, orders):
            if view.t == 0:
                ask(view)
                with pytest.raises(bp.NoSymbol):
                    orders.order("NOPE", 1)
                with pytest.raises(TypeError, match="a symbol .str. or a number"):
                    orders.order(1.0, 1)

    for strategy in rule, Rule:
        symbols: list[str] = []
        bp.backtest("demo", strategy)
        hints = [repr(symbols[0]), repr(symbols[1]), "there are 13", "there are 13"]
        assert all(hint in text for hint, text in zip(hints, asked, strict=True))
        asked.clear()
