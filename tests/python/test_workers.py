"""Sweeps on ranks that they start, from scripts and from what is typed in: what is sent there, and how it ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import textwrap
import time
from pathlib import Path
from typing import Callable

import pytest
from conftest import SANITIZED, make_bundle, python_command

cloudpickle = pytest.importorskip("cloudpickle", reason="there is no cloudpickle (Debian: python3-cloudpickle)")
pytestmark = [
    SANITIZED,
    pytest.mark.skipif(shutil.which("mpirun") is None, reason="mpirun is missing (Debian: openmpi-bin)"),
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An own folder of files that come and go, and of the bundle `demo`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BUNDLEPOOL_ROOT", str(tmp_path))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    make_bundle(tmp_path, "demo", "--assets", "3", "--days", "90")
    return tmp_path


def run(text: str, typed: bool = False) -> subprocess.CompletedProcess[str]:
    """A program to its end: a script, or what comes by a pipe."""
    text = textwrap.dedent(text)
    Path("script.py").write_text(text)
    return subprocess.run(
        [*python_command(), "-" if typed else "script.py"],
        input=text if typed else None,
        text=True,
        capture_output=True,
        timeout=120,
    )


def check(text: str, typed: bool = False) -> list[str]:
    """One that must do well; the lines that it writes."""
    done = run(text, typed)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


# What is sent -----------------------------------------------------------------------------------------------

SENT = """
    from __future__ import annotations
    import abc, collections, dataclasses, enum, functools, json, sys
    from typing import Literal
    import bundlepool as bp

    class Base(abc.ABC):
        @abc.abstractmethod
        def shares(self): ...
    class Plain(Base):
        kind = "plain"
        def __init__(self, k: int = 5): self.k, self.said = k, {}
        @property
        def half(self): return self.k // 2
        @functools.cached_property
        def twice(self): return 2 * self.k
        @staticmethod
        def one(): return 1
        @classmethod
        def size(cls): return len(cls.kind) + cls.one()
        def shares(self): return self.size() + self.half + self.twice
        def decide(self, view, orders):
            if view.t == self.k: orders.order(0, self.shares())
    class Derived(Plain):
        def __init__(self, k: int = 5): super().__init__(k)
        def shares(self): return super().shares() + 1
    @dataclasses.dataclass
    class Data:
        k: int = 5
        def decide(self, view, orders):
            if view.t == self.k: orders.order(0, sum(dataclasses.asdict(self).values()))
    @dataclasses.dataclass(slots=True)
    class SlotData(Data):
        more: int = 3
    class Slots:
        __slots__ = ("k",)
        def __init__(self, k: int = 5): self.k = k
        def decide(self, view, orders):
            if view.t == self.k: orders.order(0, 7)
    class Length(enum.Enum):
        SHORT = 4
        LONG = 9
    Pair = collections.namedtuple("Pair", "a b")
    pair = Pair(3, 4)
    @functools.lru_cache(maxsize=None)
    def factorial(n): return 1 if n < 2 else n * factorial(n - 1)
    Way = Literal["up", "down"]
    def helpers(m, k=5): return m.close > m.sma(factorial(3) + pair.b + Length(4).value + k)
    def way(m, k: int = 5, way: Way = "down"):
        return m.close > m.sma(k) if way == "up" else m.close < m.sma(k)
    rules = [Plain, Derived, Data, SlotData, Slots, helpers, way, lambda m, k=5: helpers(m, k + 1)]
    print(json.dumps([bp.backtest("demo", rule, k=6).metrics for rule in rules]))
    from bundlepool.parcel import pack
    open("parcel", "wb").write(pack(rules, "rules"))
    found = [bp.sweep("demo", way, {"way": ["up", "down"]}, workers=w, progress=False) for w in (None, 2)]
    assert found[1].num_ranks == 2 and [c.metrics for c in found[0]] == [c.metrics for c in found[1]]
"""

RECEIVED = """
    import json, sys
    import bundlepool as bp
    from bundlepool.parcel import unpack
    rules = unpack(open("parcel", "rb").read())
    print(json.dumps([bp.backtest("demo", rule, k=6).metrics for rule in rules]))
"""


@pytest.mark.parametrize("typed", (False, True))
def test_what_a_program_defines_is_sent(typed: bool) -> None:
    sent = check(SENT, typed)
    assert len(set(map(str, json.loads(sent[0])))) == 8  # each does something of its own
    assert check(RECEIVED) == sent


@pytest.mark.parametrize(
    "text, name",
    (
        ("import threading\nX = {'lock': threading.Lock()}", "X"),
        ("def made():\n    yield 1\nX = made()", "X"),
        ("X = bp.load('demo')", "X"),
        ("import functools\n@functools.singledispatch\ndef X(x): return 1", "dispatch"),
    ),
)
def test_what_cannot_be_sent_is_named(text: str, name: str) -> None:
    rule = "def rule(m, k=5): return X and m.close > 0\n"
    done = run(f"import bundlepool as bp\n{text}\n{rule}bp.sweep('demo', rule, {{'k': [5, 6]}}, workers=2)\n")
    last = done.stderr.splitlines()[-1]
    assert last.startswith("TypeError: sweep(workers=2): the strategy cannot be sent to other processes: ")
    assert f": {name}, which " in last and "a module" in last


def test_a_script_is_not_run_again() -> None:
    """One without a guard, from a folder that it leaves; what it has set is what its rule sees."""
    Path("helper.py").write_text("def length(): return 20\n")
    check(
        """
        import os
        open("log", "a").write("started\\n")
        import bundlepool as bp, helper
        os.mkdir("elsewhere"); os.chdir("elsewhere")
        K = 1
        def rule(m, k): return m.close > m.sma(helper.length() + K * k)
        K = 2
        found = [bp.sweep("demo", rule, {"k": [5, 6]}, workers=w, progress=False) for w in (None, 2)]
        assert found[0].done == 2 and [c.metrics for c in found[0]] == [c.metrics for c in found[1]]
        """
    )
    assert Path("log").read_text() == "started\n"


def test_a_module_that_starts_a_sweep_is_refused_in_workers() -> None:
    """Nothing runs without an end, nor twice."""
    Path("unguarded.py").write_text(
        "import bundlepool as bp\n"
        "def rule(m, k=5): return m.close > m.sma(k)\n"
        "print(bp.sweep('demo', rule, {'k': [5, 6]}, workers=2, progress=False).done)\n"
    )
    done = run("import unguarded")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("RuntimeError: ")
    assert "__name__ == '__main__'" in done.stderr.splitlines()[-1]
    assert len(done.stderr) < 4000


def test_a_child_of_multiprocessing_sends_what_its_parent_has_defined() -> None:
    for method in ("fork", "spawn"):
        check(
            f"""
            import multiprocessing
            import bundlepool as bp
            def rule(m, k): return m.close > m.sma(k)
            def job(k): return bp.sweep("demo", rule, {{"k": [k, k + 1]}}, workers=2, progress=False).done
            if __name__ == "__main__":
                with multiprocessing.get_context("{method}").Pool(1) as pool:
                    assert pool.map(job, [5]) == [2]
            """
        )


def test_without_cloudpickle_rules_of_modules_are_sent() -> None:
    Path("cloudpickle.py").write_text("raise ImportError\n")
    Path("rules.py").write_text("def rule(m, k): return m.close > m.sma(k)\n")
    check(
        """
        import bundlepool as bp, rules
        assert bp.sweep("demo", rules.rule, {"k": [5, 6]}, workers=2, progress=False).done == 2
        for mine in (lambda m, k: rules.rule(m, k), type("Rule", (), {"decide": print})):
            try:
                bp.sweep("demo", mine, {"k": [5, 6]} if mine.__name__ != "Rule" else {}, workers=2)
            except ImportError as error:
                assert "python3-cloudpickle" in str(error), error
            else:
                assert False
        """
    )


# How it ends ------------------------------------------------------------------------------------------------

SLOW = """
    import os, time
    import bundlepool as bp

    def slow(m, k):
        time.sleep(0.05)
        return m.close > m.sma(k)

    if __name__ == "__main__":
        r = bp.sweep("demo", slow, {"k": range(2, 102)}, out="s.csv", resume=True, workers=2,
                     progress=lambda done, total: open("begun", "w").close())
        print(r.done, r.resumed, sum(c.status == "done" for c in r))
"""


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Callable[[str], list[int]]:
    """Processes that a program has started, by a word in their command."""
    mark = f"MARK_OF_TEST={folder}"
    monkeypatch.setenv(*mark.split("="))

    def has(pid: str, word: str) -> bool:
        try:
            home = Path("/proc") / pid
            return mark.encode() in (home / "environ").read_bytes() and word in (home / "cmdline").read_text()
        except OSError:
            return False

    return lambda word: [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc")))
                         if pid != os.getpid() and has(str(pid), word)]


def wait_until(what: Callable[[], object], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it has not come about"
        time.sleep(0.02)


def begin(text: str) -> subprocess.Popen[str]:
    Path("script.py").write_text(textwrap.dedent(text))
    return subprocess.Popen([*python_command(), "script.py"], text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


# How a process ends that such a signal has stopped.
ENDS = {signal.SIGINT: -signal.SIGINT, signal.SIGTERM: 75, signal.SIGKILL: -signal.SIGKILL}


@pytest.mark.parametrize("number", (signal.SIGTERM, signal.SIGKILL))
def test_nothing_outlives_the_starter(number: int, marked: Callable[[str], list[int]]) -> None:
    process = begin(SLOW)
    wait_until(lambda: Path("begun").exists() and Path("s.csv.journal").stat().st_size > 3000)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == ENDS[number] and not err
    wait_until(lambda: not marked(""), 20)
    assert not list(Path("tmp").glob("bundlepool-*"))
    done, resumed, all_done = map(int, check(SLOW)[-1].split())
    assert all_done == 100 and resumed >= 20


@pytest.mark.parametrize("number", (signal.SIGINT, signal.SIGTERM))
def test_a_signal_before_the_ranks_are_there_is_not_lost(number: int, marked: Callable[[str], list[int]]) -> None:
    process = begin(SLOW)
    wait_until(lambda: marked("mpirun"))
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == ENDS[number] and ("KeyboardInterrupt" in err) == (number == signal.SIGINT)
    assert not Path("s.csv").exists() and not list(Path("tmp").glob("bundlepool-*"))
    wait_until(lambda: not marked(""), 20)


@pytest.mark.parametrize("victim", ("mpirun", "bundlepool._worker"))
def test_a_killed_rank_ends_the_sweep_with_an_error(victim: str, marked: Callable[[str], list[int]]) -> None:
    process = begin(SLOW)
    wait_until(lambda: Path("begun").exists() and marked("bundlepool._worker"))
    pids = [pid for pid in marked(victim) if victim == "mpirun" or pid not in marked("mpirun")]
    os.kill(pids[-1], signal.SIGKILL)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "RuntimeError: the ranks have ended without a result" in err
    wait_until(lambda: not marked(""), 20)
    assert not list(Path("tmp").glob("bundlepool-*"))


def test_an_exception_of_progress_stops_the_ranks() -> None:
    check(
        """
        import bundlepool as bp
        def rule(m, k): return m.close > m.sma(k)
        try:
            bp.sweep("demo", rule, {"k": range(2, 9)}, workers=2, progress=lambda done, total: 1 / 0)
        except ZeroDivisionError:
            pass
        else:
            assert False
        """
    )
    assert not list(Path("tmp").glob("bundlepool-*"))


def test_sweeps_of_several_threads_have_ranks_of_their_own() -> None:
    check(
        """
        from concurrent.futures import ThreadPoolExecutor
        import bundlepool as bp
        def rule(m, k): return m.close > m.sma(k)
        def job(k): return bp.sweep("demo", rule, {"k": [k, k + 1]}, workers=2, progress=False).done
        assert list(ThreadPoolExecutor(2).map(job, [5, 9])) == [2, 2]
        """
    )
