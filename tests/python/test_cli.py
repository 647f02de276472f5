"""`python3 -m bundlepool`: the program, with strategies of Python."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from conftest import RUN_MPI, SANITIZED, make_bundle, python_command

RULES = '''
import sys, time
def sma_cross(m, fast: int, slow: int = 50):
    """Holds an asset while its fast average is above the slow one."""
    return m.sma(fast) > m.sma(slow)

def slow(m, k):
    time.sleep(0.05)
    return m.close > m.sma(k)

def fails(market, k):
    if k > 4:
        raise ValueError("five\\nis too much")
    return market.close > 1

class Buyer:
    def __init__(self, share: float = 0.5): self.share = share
    def decide(self, view, orders):
        if view.t == 0: orders.order_percent(0, self.share)

def _hidden(m): ...
def helper(x): return x
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("cli")
    make_bundle(root, "demo", "--assets", "7", "--days", "150")
    (root / "rules.py").write_text(RULES)
    (root / "one.py").write_text("def rule(m): return m.close > m.sma(5)\n")
    (root / "none.py").write_text("def helper(x): return x\n")
    (root / "broken.py").write_text("def rule(m):\n    return (\n")
    (root / "stops.py").write_text("raise KeyboardInterrupt\n")
    talks = "print('one')\ndef rule(m, k=5):\n    print('two')\n    return m.close > k\n"
    (root / "talks.py").write_text(talks)
    (root / "exits.py").write_text("import sys\nsys.exit(5)\n")
    (root / "raises.py").write_text("import nothing_of_that_name\n")
    return root


def run(folder: Path, *arguments: str, ranks: int | None = None, code: int = 0) -> str:
    start = [] if ranks is None else [str(RUN_MPI), str(ranks)]
    done = subprocess.run(
        [*start, *python_command(), "-m", "bundlepool", *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "BUNDLEPOOL_ROOT": str(folder)},
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("ranks", [None, 3])
def test_a_rule_that_changes_folder(folder: Path, ranks: int | None) -> None:
    """Files are those that the command line names, from where it was given."""
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    (folder / "wanders.py").write_text(
        f"import os\ndef rule(m, k=5):\n    os.chdir({str(elsewhere)!r})\n    return m.close > m.sma(k)\n"
    )
    outputs = [f"wanders{ranks}.{kind}" for kind in ("csv", "trades.csv")]
    run(
        folder, "--bundle", "demo", "--strategy", "wanders.py:rule", "--param", "k=2:9",
        "--out", outputs[0], "--trades", outputs[1], ranks=ranks,
    )  # fmt: skip
    for name in outputs:
        assert (folder / name).stat().st_size > 0
    assert not any(elsewhere.iterdir())


def test_help_and_lists(folder: Path) -> None:
    assert "--strategy takes a file" in run(folder, "--help")
    out = run(folder, "--list-strategies", "rules.py")
    assert (
        "Holds an asset while its fast average" in out
        and "Buyer" in out
        and "hidden" not in out
        and "helper" not in out
    )
    out = run(folder, "--list-strategies", "rules.py:sma_cross")
    assert "fast        has to be given; a whole number\n" in out
    assert "slow        may be left out; a whole number, default 50\n" in out
    (told,) = json.loads(run(folder, "--list-strategies", "rules.py:sma_cross", "--json"))
    fast, slow = told["parameters"]
    assert fast["required"] and "default" not in fast and slow["default"] == 50 and "required" not in slow
    run(folder, "--version")


def test_search_run_and_lookahead(folder: Path) -> None:
    out = run(
        folder,
        "--bundle",
        "demo",
        "--strategy",
        "./rules.py:sma_cross",
        "--param",
        "fast=3:5",
        "--param",
        "slow=20",
    )
    assert "3 done" in out
    out = run(
        folder, "run", "--bundle", "demo", "--strategy", "rules.py:Buyer", "--param", "share=0.25", "--json"
    )
    assert json.loads(out)["parameters"] == {"share": 0.25}
    out = run(
        folder, "--bundle", "demo", "--strategy", "one.py", "--check-lookahead", "--lookahead-cuts", "6"
    )
    assert "look-ahead: one.py:rule, combination 0: none in 6 runs" in out
    run(folder, "--bundle", "demo", "--strategy", "rules.py:sma_cross", "--param", "fast=3:9", "--dry-run")


@pytest.mark.parametrize(
    "strategy, text, code",
    [
        ("nofile.py", "nofile.py: there is no such file", 2),
        ("rules.py:nope", "there is no strategy 'nope'; it has sma_cross", 2),
        ("none.py", "there is no strategy in it", 2),
        ("broken.py", "error: broken.py: SyntaxError: '(' was never closed (broken.py:2); try", 2),
        ("stops.py", "error: stops.py: interrupted while it was imported; try", 130),
        ("exits.py", "sys.exit(5)", 2),
        ("raises.py", "ModuleNotFoundError: No module named 'nothing_of_that_name' (raises.py:1)", 2),
    ],
)
def test_wrong_files(folder: Path, strategy: str, text: str, code: int) -> None:
    out = run(folder, "--bundle", "demo", "--strategy", strategy, code=code)
    assert text in out and "importlib" not in out


def test_a_long_traceback_of_a_file_is_whole(folder: Path) -> None:
    calls = "".join(f"def f{i}(): f{i + 1}()  # {'x' * 30}\n" for i in range(30))
    (folder / "deep.py").write_text(f"{calls}def f30(): raise ValueError('deep ' + 'x' * 1000)\nf0()\n")
    out = run(folder, "--bundle", "demo", "--strategy", "deep.py", code=2)
    assert all(f"in f{i}\n" in out for i in range(31)) and f"ValueError: deep {'x' * 1000}\n" in out
    assert "x [...] x" in out and " (deep.py:31); try 'optimizer --help'" in out


@pytest.mark.parametrize("ranks", [None, 2])
def test_prints_are_beside_the_json(folder: Path, ranks: int | None) -> None:
    if ranks and shutil.which("mpirun") is None:
        pytest.skip("mpirun is missing (Debian: openmpi-bin)")
    start = [] if ranks is None else [str(RUN_MPI), str(ranks)]
    for more in ["--param", "k=5:8"], ["--list-strategies", "talks.py"]:
        done = subprocess.run(
            [*start, *python_command(), "-m", "bundlepool", "--bundle", "demo", "--strategy", "talks.py", *more,
             "--json"],
            capture_output=True, text=True, cwd=folder, env={**os.environ, "BUNDLEPOOL_ROOT": str(folder)},
        )
        assert done.returncode == 0, done.stderr
        json.loads(done.stdout)
        assert done.stderr.count("one") >= 1 and ("two" in done.stderr) == (more[0] == "--param")


def test_several_and_none_named(folder: Path) -> None:
    out = run(folder, "--bundle", "demo", "--strategy", "rules.py", code=2)
    assert "sma_cross" in out and "Buyer" in out


def test_a_parameter_without_default_is_missing(folder: Path) -> None:
    out = run(folder, "--bundle", "demo", "--strategy", "rules.py:sma_cross", code=2)
    assert "--param" in out and "fast" in out and "default" in out


def test_failures_have_their_traceback_in_json(folder: Path) -> None:
    out = run(
        folder,
        "--bundle",
        "demo",
        "--strategy",
        "rules.py:fails",
        "--param",
        "k=4:6",
        "--out",
        "f.csv",
        code=1,
    )
    assert "ValueError: five is too much (rules.py:" in out
    assert "2 of 3 combinations failed" in out
    done = subprocess.run(
        [*python_command(), "-m", "bundlepool", "merge", "f.csv.journal", "--out", "g.csv", "--json"],
        capture_output=True,
        text=True,
        cwd=folder,
    )
    first, second = json.loads(done.stdout)["failures"]
    assert first["index"] == 1 and first["combination"] == "k=5" and second["combination"] == "k=6"
    assert first["why"].endswith("ValueError: five\nis too much") and "Traceback" in first["why"]
    out = run(folder, "merge", "f.csv.journal", "--out", "g.csv", code=1)
    assert "ValueError: five is too much (rules.py:" in out


@SANITIZED
@pytest.mark.skipif(shutil.which("mpirun") is None, reason="mpirun is missing (Debian: openmpi-bin)")
@pytest.mark.parametrize(
    "number, ranks",
    [(signal.SIGUSR1, None), (signal.SIGTERM, None), (signal.SIGINT, None), (signal.SIGUSR1, 2)],
)
def test_signals_end_it_with_75(folder: Path, tmp_path: Path, number: int, ranks: int | None) -> None:
    start = [] if ranks is None else [str(RUN_MPI), str(ranks)]
    out = tmp_path / "s.csv"
    arguments = ["--bundle", "demo", "--strategy", "rules.py:slow", "--param", "k=2:201", "--out", str(out)]
    process = subprocess.Popen(
        [*start, *python_command(), "-m", "bundlepool", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "BUNDLEPOOL_ROOT": str(folder)},
    )
    journal, end = Path(f"{out}.journal"), time.monotonic() + 120
    while not (journal.exists() and journal.stat().st_size > 3000):
        assert process.poll() is None and time.monotonic() < end, process.communicate()
        time.sleep(0.02)
    process.send_signal(number)
    text = "".join(process.communicate(timeout=60))
    assert process.returncode == 75 and "stopped" in text, text
    assert "resumed: " in run(folder, *arguments, "--resume") and out.exists()


def test_a_class_by_the_name_that_lists_have(folder: Path) -> None:
    (folder / "cases.py").write_text(
        "class Twice:\n    def __init__(self, k=3): pass\n    def decide(self, view, orders): pass\n"
    )
    listed = run(folder, "--list-strategies", "cases.py")
    assert "Twice" in listed and "a whole number, default 3" in listed
    run(folder, "--bundle", "demo", "--strategy", "cases.py:Twice")
    out = run(folder, "--bundle", "demo", "--strategy", "rules.py", code=2)
    assert "sma_cross, slow, fails, Buyer; choose one" in out
