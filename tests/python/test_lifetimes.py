"""Arrays of strategies that lie in the bundle: nothing is copied, they live on, and they hold up nobody else."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from conftest import BUILD, SANITIZED, Program, python_command

BARS = 60

# What each program begins with: `shared` tells how many windows of shared memory this process reads, as each pool is one.
BEGIN = """
    import gc, os, sys
    import numpy as np
    import bundlepool as bp

    def shared():
        return sum(line.split()[1] == "r--s" for line in open("/proc/self/maps"))

    def say(*words):
        os.write(1, (" ".join(map(str, words)) + "\\n").encode())

    def address(array):
        return array.__array_interface__["data"][0]

    sys.kept = kept = []  # a list of the module's own would be a part of the rule

    def keeps(m, k=1):
        sys.kept.append(m.open)
        return m.close > m.open

    def keeps_nothing(m, k=1):
        circle = [m.open, m.high]
        circle.append(circle)
        return m.close > m.open

    class Keeps:
        def __init__(self, k: int = 1):
            self.k, self.seen = k, []

        def decide(self, view, orders):
            self.seen.append(view.window(None, 2, "high"))
            if len(self.seen) == 7:
                raise LookupError("it has seen enough")
"""


@pytest.fixture(scope="module")
def flat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with bundles `flat` and `other`, in which there is nothing to be adjusted."""
    root = tmp_path_factory.mktemp("flat")
    for name, first in (("flat", 10), ("other", 90)):
        folder = root / f"csv-{name}" / "daily"
        folder.mkdir(parents=True)
        for asset in range(5):
            lines = ["date,open,high,low,close,volume"]
            for i in range(BARS):
                price = first + asset + (i * 7 % 5)
                day = f"2024-{1 + i // 20:02}-{1 + i % 20:02}"
                lines.append(f"{day},{price},{price + 2},{price - 2},{price + i % 3 - 1},{100 + i}")
            (folder / f"S{asset}.csv").write_text("\n".join(lines) + "\n")
        subprocess.run(
            [BUILD / "bin" / "bundle", "ingest", "csvdir", folder.parent, name, "--root", root],
            check=True,
            capture_output=True,
        )
    return root


@pytest.fixture
def run(program: Program, flat: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs a program after BEGIN, on a number of ranks."""
    monkeypatch.setenv("BUNDLEPOOL_ROOT", str(flat))

    def start(text: str, ranks: int | None = None, **more) -> list[str]:
        return sorted(program(BEGIN + text, ranks, BUNDLEPOOL_ROOT=str(flat), **more).splitlines())

    return start


@pytest.mark.parametrize("ranks", [None, 3])
def test_nothing_is_copied(run, ranks: int | None) -> None:
    """The caller's pool: addresses are those of the bundle; it can be closed once nobody keeps an array."""
    lines = run(
        """
    pool = bp.Pool()
    bundle = pool.get("flat")
    names = ("open", "high", "low", "close", "volume")
    there = [address(getattr(bundle, name)) for name in names]

    def rule(m, k):
        sys.kept.append([address(array) for array in (m.open, m.high, m.low, m.close, m.volume)])
        assert not m.open.flags.writeable
        return m.close > m.sma(k, m.open)

    r = bp.sweep("flat", rule, {"k": range(2, 14)}, pool=pool)
    assert r.done == 12 and all(seen == there for seen in kept), (kept, there)
    if bp.launch.num_ranks() == 1:
        assert len(kept) == 12
    kept.clear()
    bp.sweep("flat", keeps, {"k": [1, 2, 3, 4, 5, 6]}, pool=pool)  # some rank keeps some
    bundle.release()
    try:
        pool.close()
        say("closed")
    except bp.Busy as error:
        say("still holds bundle flat" in str(error))
    assert not kept or (kept[-1] == bp.load("flat").open).all()
    kept.clear()
    pool.close()
    say(pool.closed)
    """,
        ranks,
    )
    assert lines == ["True"] * 2 * (ranks or 1)


@SANITIZED
@pytest.mark.parametrize("ranks", [None, 3])
def test_what_is_kept_outlives_its_sweep(run, ranks: int | None) -> None:
    """The pool of a sweep's own stays while a rank keeps an array, and goes with the next sweep after that."""
    lines = run(
        """
    expected = bp.load("flat").open.copy()
    bp.sweep("flat", keeps_nothing)
    alone = shared()
    for turn in range(2):
        r = bp.sweep("flat", keeps, {"k": range(9)}, progress=False)
        assert r.done == 9
    assert all((array == expected).all() for array in kept)
    say("more pools", shared() > alone)
    kept.clear()
    bp.sweep("flat", keeps_nothing)
    say("as many pools", shared() == alone)
    """,
        ranks,
    )
    assert lines == ["as many pools True"] * (ranks or 1) + ["more pools True"] * (ranks or 1)


@pytest.mark.parametrize("strategy", ["keeps_nothing", "Keeps"])
def test_a_pool_with_room_for_one(run, strategy: str) -> None:
    """Circles of garbage, and instances of runs that have failed, do not hold a bundle while the next one needs
    its room."""
    lines = run(
        f"""
    bp.sweep("flat", lambda m: m.close > 1)
    alone = shared()
    gc.set_threshold(0)  # garbage stays until somebody asks for a collection
    r = bp.sweep(["flat", "other"], {strategy}, {{"k": [1, 2]}}, max_bundle_pool_size=1, room_timeout_ms=2000)
    say(r.done, r.failed, shared() == alone)
    """
    )
    assert lines == ["4 0 True" if strategy == "keeps_nothing" else "0 4 True"]


def test_backtest_and_lookahead(run) -> None:
    """The private bundle of one run is kept by its arrays alone, and unmapped with the last."""
    lines = run(
        """
    expected = bp.load("flat").open.copy()

    def mapping(at):
        for line in open("/proc/self/maps"):
            begin, end = (int(x, 16) for x in line.split()[0].split("-"))
            if begin <= at < end:
                return line.split()[1]

    bp.backtest("flat", keeps)
    array, = kept
    kept.clear()
    at = address(array)
    say((array == expected).all(), mapping(at))
    del array
    say(mapping(at))
    bp.check_lookahead("flat", keeps, cuts=6)
    say(len(kept) > 1 and all((array == expected[:, : array.shape[1]]).all() for array in kept))
    """
    )
    assert lines == sorted(["True r--p", "None", "True"])


@pytest.mark.parametrize("ranks", [None, 3])
def test_at_the_end_of_the_interpreter(run, ranks: int | None) -> None:
    """What lies in a pool of a sweep's own can be read until the very end."""
    lines = run(
        """
    import atexit
    expected = bp.load("flat").open.copy()
    atexit.register(lambda: say(all((array == expected).all() for array in kept)))
    bp.sweep("flat", keeps, {"k": range(9)}, progress=False)
    """,
        ranks,
    )
    assert lines == ["True"] * (ranks or 1)


def test_in_a_forked_child(run) -> None:
    """A child may read, and its end gives nothing back."""
    lines = run(
        """
    pool = bp.Pool()
    bp.sweep("flat", keeps, pool=pool)
    pid = os.fork()
    if pid == 0:
        say("child", kept[0][0, 0] > 0)
        kept.clear()
        os._exit(0)
    os.waitpid(pid, 0)
    try:
        pool.close()
    except bp.Busy:
        say("held")
    kept.clear()
    pool.close()
    """
    )
    assert lines == ["child True", "held"]


def test_the_program(flat: Path, tmp_path: Path) -> None:
    """python3 -m bundlepool with a rule that keeps arrays."""
    (tmp_path / "mine.py").write_text("kept = []\n\n\ndef rule(m):\n    kept.append(m.open)\n    return m.close > 1\n")
    done = subprocess.run(
        [*python_command(), "-m", "bundlepool", "--bundle", "flat", "--strategy", "mine.py", "--root", flat],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and done.stderr == "", done
