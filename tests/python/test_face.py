"""Edges of the face: names of arguments, paths, what may be pickled, and what is missing without NumPy."""

from __future__ import annotations

import copy
import os
import pickle
import shutil
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import Program, make_bundle

import bundlepool as bp


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("face")
    make_bundle(folder, "demo", "--assets", "5", "--days", "120")
    return folder


@pytest.fixture(autouse=True)
def there(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUNDLEPOOL_ROOT", str(root))


def rule(m, k=5, limit=1.0):
    return m.close > m.sma(int(k)) * limit


# Names ------------------------------------------------------------------------------------------------------


def test_a_parameter_may_have_any_name(root: Path) -> None:
    got = []

    def odd(m, bundle, strategy, params, root, config=0, cash=0, cache_size_gb=0):
        got.append((bundle, strategy, params, root, config, cash, cache_size_gb))
        return m.close > 0

    values = dict(bundle=1, strategy=2, params=3, root=4, config=5, cash=6, cache_size_gb=7)
    run = bp.backtest("demo", odd, **values)
    assert got.pop() == (1, 2, 3, 4, 5, 6, 7) and run.params == values
    run = bp.backtest("demo", odd, values, cash=1e6, cache_size_gb=0.25, root=root)
    assert got.pop() == (1, 2, 3, 4, 5, 6, 7) and run.positions["cash"].iloc[0] == 1e6
    bp.backtest("demo", odd, {"root": 4, "params": 3}, bundle=1, strategy=2)
    assert got.pop() == (1, 2, 3, 4, 0, 0, 0)


def test_a_parameter_is_given_once() -> None:
    with pytest.raises(TypeError, match="k is given twice"):
        bp.backtest("demo", rule, {"k": 5}, k=6)
    with pytest.raises(TypeError, match="no parameter 'kk'"):
        bp.backtest("demo", rule, {"kk": 5})
    with pytest.raises(TypeError, match="a grid is a dict"):
        bp.backtest("demo", rule, 5)
    with pytest.raises(TypeError, match="no argument 'bundle'"):
        bp.backtest("demo", rule, bundle="demo")
    assert bp.backtest("demo", "sma_cross", {"fast": 5}, slow=20).params == {"fast": 5, "slow": 20}


def test_check_lookahead_takes_what_a_sweep_takes() -> None:
    from bundlepool.optimization.config import OptimizationConfig

    told = {}
    for how in (dict(), dict(enable_caching=False, cache_size_gb=0.5), dict(config=OptimizationConfig()),
                dict(enable_history_cache=False, cache_size_limit=1 << 20)):
        (found,) = bp.check_lookahead("demo", rule, cuts=3, **how)
        told[found.text] = how
    assert len(told) == 1
    for wrong in dict(cache_size_gb="x"), dict(enable_caching=5), dict(config=5):
        with pytest.raises((TypeError, ValueError), match="cache_size_gb|enable_caching|config"):
            bp.check_lookahead("demo", rule, **wrong)
    with pytest.raises(TypeError, match="did you mean 'cache_size_gb'"):
        bp.check_lookahead("demo", rule, cache_sise_gb=5)
    with pytest.raises(ValueError, match="^cuts"):
        bp.check_lookahead("demo", rule, cuts="x")


# Paths ------------------------------------------------------------------------------------------------------


def test_files_are_written_where_the_call_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "before", "after":
        (tmp_path / name).mkdir()

    def leaves(m, k=5):
        os.chdir(tmp_path / "after")
        return rule(m, k)

    monkeypatch.chdir(tmp_path / "before")
    bp.sweep("demo", leaves, {"k": [5, 10]}, out="a.csv", equity="b.csv", progress=False)
    monkeypatch.chdir(tmp_path / "before")
    bp.sweep("demo", leaves, {"k": [5, 10]}, out=Path("c.csv"), journal="d.journal", progress=False)
    assert not os.listdir(tmp_path / "after")
    assert {"a.csv", "a.csv.journal", "b.csv", "c.csv", "d.journal"} <= set(
        os.listdir(tmp_path / "before")
    )


# Results ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def results(root: Path) -> bp.Results:
    return bp.sweep("demo", rule, {"k": [3, 5, 8, 13]}, root=root, progress=False)


def test_combinations_are_chosen_as_of_a_list(results: bp.Results) -> None:
    all_of_them = list(results)
    assert [results[np.int64(2)], results[np.uint8(0)], results[-1]] == [all_of_them[i] for i in (2, 0, 3)]
    for some in slice(1, 3), slice(None, None, -1), slice(-2, None), slice(9, 20), slice(np.int8(0), None, 2):
        assert results[some] == all_of_them[some]
    assert results[np.argmax(results.table["sharpe"])].metrics == results.best.metrics
    for wrong in 1.0, "a", None, [1], np.array([0, 1]):
        with pytest.raises(TypeError, match="chosen by its number"):
            results[wrong]
    for wrong in 4, -5, 2**70:
        with pytest.raises(IndexError):
            results[wrong]


def test_what_would_have_no_effect_is_refused() -> None:
    for wrong in dict(trades="a.csv"), dict(equity="a.csv"), dict(replace=True), dict(lookahead_cuts=5):
        with pytest.raises(TypeError, match="backtest.. has no argument"):
            bp.backtest("demo", rule, **wrong)
    for wrong in dict(out="a.csv"), dict(metrics="sharpe"), dict(top=5), dict(trades="a.csv"):
        with pytest.raises(TypeError, match="check_lookahead.. has no argument"):
            bp.check_lookahead("demo", rule, **wrong)
    for wrong in dict(lookahead_cuts=5), dict(check_lookahead=True):
        with pytest.raises(TypeError, match="sweep.. has no argument"):
            bp.sweep("demo", rule, **wrong)


def test_results_and_runs_can_be_pickled(results: bp.Results, root: Path) -> None:
    local = lambda m, k=5: rule(m, k)  # noqa: E731: what cannot be pickled itself
    other = [bp.sweep("demo", local, {"k": k}, progress=False) for k in ([3, 5], 900)]
    for r in results, *other:
        for other in pickle.loads(pickle.dumps(r)), copy.deepcopy(r), copy.copy(r):
            assert repr(list(other)) == repr(list(r)) and repr(other.best) == repr(r.best)  # NaN is not NaN
            assert repr(other.ranked) == repr(r.ranked)
            assert other.table.tobytes() == r.table.tobytes() and repr(other) == repr(r)
            assert other.failures == r.failures and other._map() == r._map()
    run = bp.backtest("demo", local, root=root)
    again = pickle.loads(pickle.dumps(run))
    assert (again.equity == run.equity).all() and again.metrics == run.metrics and repr(again) == repr(run)
    assert again.trades.equals(run.trades) and again.positions.equals(run.positions)


def test_what_a_run_gives_may_be_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    run = bp.backtest("demo", rule)
    for give in (lambda: run.equity, lambda: run.returns, lambda: run.sessions):
        first = give()
        kept = first.copy()
        first[:] = first[:][::-1]
        assert (give() == kept).all() and not (np.asarray(first) == np.asarray(kept)).all()
    run.positions.iloc[0, 0] = run.trades.iloc[0, 2] = 0
    monkeypatch.setitem(sys.modules, "pandas", None)
    run.equity["equity"][0] = run.trades["amount"][0] = 0


# Without NumPy and pandas -----------------------------------------------------------------------------------


def test_what_is_missing_is_named(program: Program) -> None:
    for name in "numpy", "pandas":
        (program.folder / name).mkdir()
        (program.folder / name / "__init__.py").write_text("raise ImportError('not here')")
    out = program("""
        import sys
        import bundlepool as bp

        def hint(ask, *words):
            try:
                ask()
            except ImportError as error:
                assert all(word in str(error) for word in words), error
            else:
                raise SystemExit("no error")

        class Rule:
            def decide(self, view, orders):
                if view.t == 30:
                    orders.order_target_percent(0, .5)

        of = dict(root=sys.argv[1])
        numpy, pandas = "python3-numpy", "python3-pandas"
        b = bp.load("small", **of)
        hint(lambda: b.close, numpy)
        run = bp.backtest("small", Rule, **of)
        assert run.metrics["trades"] > 0
        hint(lambda: run.equity, numpy)
        hint(lambda: run.trades, numpy)
        hint(lambda: bp.backtest("small", lambda m: m.close > 0, **of), numpy)
        hint(lambda: bp.check_lookahead("small", lambda m: m.close > 0, **of), numpy)
        r = bp.sweep("small", "sma_cross", {"fast": [5], "slow": [20, 30]}, progress=False, **of)
        print(r, r.best)
        hint(lambda: r.table, numpy)
        hint(r.to_pandas, pandas)
        failed = bp.sweep("small", lambda m: m.sma(5), progress=False, **of).failures
        assert numpy in failed[0].text
        print("done")
    """)
    assert out.endswith("done\n")


# How a script ends ------------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("mpirun") is None, reason="mpirun is missing (Debian: openmpi-bin)")
@pytest.mark.parametrize(
    "number, told", [(signal.SIGUSR1, "SweepInterrupted"), (signal.SIGINT, "KeyboardInterrupt")]
)
def test_a_signal_of_one_rank_is_that_of_all(program: Program, number: int, told: str) -> None:
    code, out, err = program.end(program.start(f"""
        import os, sys, time
        import bundlepool as bp

        def rule(m, k):
            time.sleep(0.01)
            return m.close > m.sma(k)

        def progress(done, total):  # of rank 0 alone
            if done > 1:
                os.kill(os.getpid(), {int(number)})

        try:
            bp.sweep("small", rule, {{"k": range(2, 202)}}, root=sys.argv[1], progress=progress)
        except BaseException as error:
            os.write(1, f"{{type(error).__name__}}\\n".encode())
            raise error if isinstance(error, SystemExit) else SystemExit(7)
    """, 2))
    assert out.split() == [told, told] and code == (75 if told == "SweepInterrupted" else 7), err


def test_a_stop_tells_what_it_was() -> None:
    stop = pickle.loads(pickle.dumps(bp.SweepInterrupted(signal.SIGTERM)))
    assert isinstance(stop, SystemExit) and stop.code == 75 and stop.signal == signal.SIGTERM
    assert "resume=True" in str(stop)
