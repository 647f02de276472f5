"""Sweeps on ranks that they start, from scripts and from what is typed in: what is sent there, and how it ends."""

from __future__ import annotations

import json
import shutil
import subprocess
import textwrap
from pathlib import Path

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
