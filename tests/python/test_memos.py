"""Strategies that keep something from run to run: they stay the same strategy, and what only they read counts."""

from __future__ import annotations

import subprocess
import textwrap
from pathlib import Path

import pytest
from conftest import RUN_MPI, make_bundle, python_command

MEMOS = """
    import functools, os, sys, warnings
    import numpy as np
    import bundlepool as bp

    LIMITS = {"fast": 2}
    table = {}
    calls = 0
    buffer = np.zeros(300)
    class Store:
        known = []
        def __init__(self): self.value = None
    store = Store()

    def memoized(f):
        kept = {}
        def inner(k):
            if k not in kept: kept[k] = f(k)
            return kept[k]
        return inner

    @memoized
    def double(k): return 2 * k

    def heavy(k, _memo={}):
        global calls
        calls += 1
        alias = table
        alias[k] = store.value = k
        Store.known.append(k)
        buffer[k] += 1
        return _memo.setdefault(k, double(k) + LIMITS["fast"])

    def rule(m, k=5): return m.close > m.sma(heavy(k))

    def sweep(k, out): return bp.sweep("demo", rule, {"k": k}, out=out, resume=True, progress=False).resumed

    if __name__ == "__main__":
        warnings.simplefilter("always")
        exec(sys.argv[1])
"""
KEPT = (
    "constant table", "constant calls", "constant buffer", "constant store", "class Store", "variable kept of double",
    "default _memo of heavy",
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BUNDLEPOOL_ROOT", str(tmp_path))
    make_bundle(tmp_path, "demo", "--assets", "3", "--days", "90")
    Path("memos.py").write_text(textwrap.dedent(MEMOS))


def run(text: str, ranks: int | None = None) -> tuple[int, str, str]:
    start = [] if ranks is None else [str(RUN_MPI), str(ranks)]
    done = subprocess.run([*start, *python_command(), "memos.py", text], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def test_what_runs_leave_does_not_count() -> None:
    """In the process of the sweep, in one that has run the rule otherwise, and in a new one."""
    code, out, err = run("print([sweep([5, 6], 'a.csv'), sweep([7, 8], 'b.csv'), sweep([5, 6], 'a.csv')])")
    assert (code, out) == (0, "[0, 0, 2]\n"), err
    for name in KEPT:
        assert f"IdentityWarning: {name}: the strategy changes it while it runs" in err, name
    assert err.count("IdentityWarning: ") == len(KEPT)
    code, out, err = run("bp.backtest('demo', rule, k=9)\nprint([sweep([5, 6], 'a.csv'), sweep([7, 8], 'b.csv')])")
    assert (code, out) == (0, "[2, 2]\n"), err
    assert run("print(sweep([5, 6], 'a.csv'))")[:2] == (0, "2\n")


def test_what_is_only_read_counts() -> None:
    assert run("sweep([5, 6], 'a.csv')")[0] == 0
    file = Path("memos.py")
    before = file.read_text()
    for was, now, name in (('{"fast": 2}', '{"fast": 3}', "constant LIMITS"),
                           ("table = {}", "table = {5: 1}", "constant table"),
                           ("2 * k", "3 * k", "variable f of double")):
        file.write_text(before.replace(was, now))
        code, _, err = run("sweep([5, 6], 'a.csv')")
        assert code == 1 and f"results of another search (piece {name}: " in err, err
    Path("a.csv").unlink()  # as after an interrupt
    code, _, err = run("sweep([5, 6], 'a.csv')")
    assert code == 1 and "the strategy has changed since: variable f of double has changed" in err, err
    file.write_text(before)
    code, _, err = run("sweep([7], 'b.csv')\nLIMITS['fast'] = 4\nsweep([5, 6], 'a.csv')")
    assert code == 1 and "the strategy has changed since: constant LIMITS has changed" in err, err


def test_what_something_else_has_changed_counts() -> None:
    """It is refused, and named, with what to do."""
    assert run("sweep([5, 6], 'a.csv')")[0] == 0
    for text in ("table[5] = 5", "bp.backtest('demo', rule, k=9)\ntable[5] = 5"):
        code, _, err = run(text + "\nsweep([5, 6], 'a.csv')")
        assert code == 1 and "(piece constant table: " in err and "functools.lru_cache" in err, err


def test_ranks_agree_though_each_has_its_own() -> None:
    code, _, err = run("for n in 'ab': sweep(range(5, 15), f'{n}.csv')", 3)
    assert code == 0, err
    code, _, err = run("table[int(os.environ['OMPI_COMM_WORLD_RANK'])] = 1\nsweep([5], 'c.csv')", 2)
    assert code != 0 and "constant table differs between a rank on node" in err and "functools.lru_cache" in err, err
