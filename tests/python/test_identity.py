"""What a strategy is made of: what changes its hash, and which piece is named."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path
from types import ModuleType
from typing import Callable

import pytest

from bundlepool.identity import IdentityWarning, identify
from conftest import python_command
from identity_cases import CASES, PANDAS, USE

RULE = '''
    import math
    import numpy as np
    import helpers
    from helpers import scale

    LIMIT = 3
    TABLE = {"a": [1, 2], "b": {"x", "y", "z"}}
    WEIGHTS = np.arange(4.0)

    def helper(x):
        """Twice x."""
        return scale(x) * LIMIT   # a comment

    def rule(m, fast, slow=50):
        return helper(m.sma(fast)) > m.sma(slow) + TABLE["a"][0] + WEIGHTS[0] + helpers.offset() + math.pi

    def make(limit):
        def inner(m, k):
            return m.close > limit * m.sma(k)
        return inner

    class Base:
        def size(self):
            return LIMIT

    class Rule(Base):
        share = 0.5
        def __init__(self, k: int = 5):
            self.k = k
        def decide(self, view, orders):
            orders.order_percent(0, helper(self.share) * self.size())
'''
HELPERS = """
    def scale(x):
        return 2 * x

    def offset():
        return 1

    def unused():
        return 0
"""


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ModuleType]:
    """The two files as modules: with replacements, each time anew."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def load_(*edits: tuple[str, str]) -> ModuleType:
        texts = {"rules": textwrap.dedent(RULE), "helpers": textwrap.dedent(HELPERS)}
        for was, now in edits:
            assert any(was in text for text in texts.values()), was
            texts = {name: text.replace(was, now) for name, text in texts.items()}
        for name, text in texts.items():
            (tmp_path / f"{name}.py").write_text(text)
            sys.modules.pop(name, None)
        for cached in tmp_path.glob("__pycache__/*"):
            cached.unlink()
        importlib.invalidate_caches()
        return importlib.import_module("rules")

    yield load_
    for name in ("rules", "helpers"):
        sys.modules.pop(name, None)


def changed(load: Callable[..., ModuleType], edit: tuple[str, str], name: str = "rule") -> set[str]:
    """Names of the pieces that an edit changes."""
    before = dict(identify(getattr(load(), name)).pieces)
    after = dict(identify(getattr(load(edit), name)).pieces)
    return {piece for piece in before.keys() | after.keys() if before.get(piece) != after.get(piece)}


@pytest.mark.parametrize(
    "edit, piece",
    [
        (("m.sma(slow)", "m.ema(slow)"), "function rule"),
        (("* LIMIT   # a comment", "/ LIMIT"), "function helper"),
        (("LIMIT = 3", "LIMIT = 4"), "constant LIMIT"),
        (('"a": [1, 2]', '"a": [1, 3]'), "constant TABLE"),
        (("np.arange(4.0)", "np.arange(5.0)"), "constant WEIGHTS"),
        (("return 2 * x", "return 3 * x"), "function helpers.scale"),
        (("return 1\n", "return 2\n"), "function helpers.offset"),
    ],
)
def test_an_edit_changes_the_piece_it_is_in(load, edit, piece) -> None:
    assert changed(load, edit) == {piece}


def test_a_default_is_a_piece(load) -> None:
    assert changed(load, ("slow=50", "slow=51")) == {"function rule", "default slow of rule"}


@pytest.mark.parametrize(
    "edit",
    [
        ("# a comment", "# another"),
        ('"""Twice x."""', '"""Two times x."""'),
        ("return 0", "return 9"),
        ("return scale(x) * LIMIT   # a comment", "return (scale(x)\n            * LIMIT)"),
        ("    import math\n"[4:], "import math\n\n\n"),
    ],
)
def test_what_does_not_matter_changes_nothing(load, edit) -> None:
    assert changed(load, edit) == set()


@pytest.mark.parametrize(
    "edit, piece",
    [
        (("self.k = k", "self.k = k + 1"), "class Rule"),
        (("share = 0.5", "share = 0.6"), "class Rule"),
        (("return LIMIT", "return LIMIT + 1"), "class Base"),
        (("return 2 * x", "return 3 * x"), "function helpers.scale"),
    ],
)
def test_classes(load, edit, piece) -> None:
    assert changed(load, edit, "Rule") == {piece}


def test_what_a_closure_holds_is_a_piece(load) -> None:
    rules = load()
    one, other, same = rules.make(1.0), rules.make(2.0), rules.make(1.0)
    assert identify(one).hash == identify(same).hash != identify(other).hash
    differ = set(identify(one).pieces) ^ set(identify(other).pieces)
    assert {name for name, _ in differ} == {"variable limit of make.inner"}


def test_the_same_in_another_process(load, tmp_path: Path) -> None:
    text = (
        "from bundlepool.identity import identify; import rules; "
        "print(identify(rules.rule).hash, identify(rules.Rule).hash)"
    )
    rules = load()
    ours = f"{identify(rules.rule).hash} {identify(rules.Rule).hash}"
    for seed in ("1", "2"):  # sets in another order
        env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [*python_command(), "-c", text], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == ours


def test_a_file_that_was_edited_after_it_was_read_is_not_believed(load, tmp_path: Path) -> None:
    rules = load()
    before = identify(rules.rule).hash
    file = tmp_path / "rules.py"
    file.write_text(file.read_text().replace("m.sma(slow)", "m.ema(slow)"))
    stale = identify(rules.rule).hash  # what runs is the old one: its code tells what it is
    importlib.reload(sys.modules["rules"])
    assert len({before, stale, identify(sys.modules["rules"].rule).hash}) == 3


def test_functions_without_a_source() -> None:
    scope: dict = {"__name__": "made"}
    exec("K = 2\ndef rule(m, k):\n    return m.sma(k) > K\n", scope)
    one = identify(scope["rule"]).hash
    scope["K"] = 3
    assert identify(scope["rule"]).hash != one
    exec("def rule(m, k):\n    return m.sma(k) >= K\n", scope)
    scope["K"] = 2
    assert identify(scope["rule"]).hash != one


def test_lambdas_partials_and_circles() -> None:
    import functools

    def even(n):
        return n == 0 or odd(n - 1)

    def odd(n):
        return n != 0 and even(n - 1)

    assert identify(even).hash == identify(even).hash
    one, other = functools.partial(even, 1), functools.partial(even, 2)
    assert identify(one).hash != identify(other).hash
    assert identify(lambda m, k: m.sma(k) > 1).hash != identify(lambda m, k: m.sma(k) > 2).hash


def hash_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """That of `rule` in the file s.py of a folder, with all that the folder has read anew."""
    for name in ("s", "a", "b", *(name for name in sys.modules if name.partition(".")[0] == "pk")):
        sys.modules.pop(name, None)
    importlib.invalidate_caches()
    with monkeypatch.context() as patch:
        patch.syspath_prepend(str(folder))
        patch.setattr(sys, "dont_write_bytecode", True)  # an edit of the same length in the same second
        return identify(importlib.import_module("s").rule).hash


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.mark.parametrize("name", [*CASES, *PANDAS])
def test_an_edit_makes_another_strategy(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if name in PANDAS:
        pytest.importorskip("pandas")
    files, (file, was, now) = {**CASES, **PANDAS}[name]
    write(tmp_path, files)
    before = hash_of(tmp_path, monkeypatch)
    assert hash_of(tmp_path, monkeypatch) == before
    assert files[file].count(was) >= 1
    write(tmp_path, {file: files[file].replace(was, now)})
    with warnings.catch_warnings():
        warnings.simplefilter("error", IdentityWarning)
        assert hash_of(tmp_path, monkeypatch) != before


EVERYWHERE = """
    import importlib, sys
    from bundlepool.identity import identify
    from bundlepool.strategy import load_file
    class Market:
        close = 1
        def sma(self, k): return 1
    how, *folders = sys.argv[1:]
    for folder in folders:
        for name in [name for name in sys.modules if name.partition(".")[0] in ("s", "a", "b", "pk")]:
            del sys.modules[name]
        importlib.invalidate_caches()
        sys.path.insert(0, folder)
        if how == "import":
            rule = importlib.import_module("s").rule
        else:
            sys.modules["s"] = sys  # the name is taken
            rule = load_file(folder + "/s.py").rule
        before = identify(rule).hash
        try:
            rule(Market())
        except Exception:
            pass
        print(before, identify(rule).hash)
"""
CHANGED_BY_RUNNING = ("random", "generator of NumPy", "iterator")


def test_it_is_the_same_everywhere(tmp_path: Path) -> None:
    """In another process and folder, with sets in another order, under another name, and when it has run."""
    cases = {name: case for name, case in CASES.items() if name not in CHANGED_BY_RUNNING}
    answers = []
    for how, path, more in (("import", tmp_path, ""), ("load", tmp_path / "deeper" / "x", "\n# moved\n")):
        folders = [path / f"case{i}" for i in range(len(cases))]
        for folder, (files, _) in zip(folders, cases.values()):
            write(folder, {name: more + text for name, text in files.items()})
        env = {**os.environ, "PYTHONHASHSEED": str(len(how)), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [*python_command(), "-c", textwrap.dedent(EVERYWHERE), how, *map(str, folders)]
        done = subprocess.run(command, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        answers.append(done.stdout.splitlines())
    assert len(answers[0]) == len(answers[1]) == len(cases)
    for name, *hashes in zip(cases, *answers):
        assert len(set(" ".join(hashes).split())) == 1, name


@pytest.mark.parametrize(
    "what", ["open(__file__)", "(x for x in [1])", "__import__('numpy').frompyfunc(len, 1, 1)"]
)
def test_what_nothing_is_known_of_is_told_once(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = "D" + str(abs(hash(what)))
    write(tmp_path, {"s.py": f"{variable} = [{what}]\n" + USE.format(variable)})
    with pytest.warns(IdentityWarning, match=f"constant {variable}: nothing tells whether this") as caught:
        hash_of(tmp_path, monkeypatch)
        hash_of(tmp_path, monkeypatch)
    assert len(caught) == 1
    pieces = dict(identify(sys.modules["s"].rule).pieces)
    assert f"not compared: constant {variable}" in pieces


def test_a_docstring_counts_only_where_one_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for use, same in (("g()", True), ("g(len(g.__doc__))", False), ("g(len(getattr(g, '__doc__')))", False)):
        text = "def g(n=0):\n    'twice'\n    return n\n" + USE.format(use)
        write(tmp_path, {"s.py": text})
        before = hash_of(tmp_path, monkeypatch)
        write(tmp_path, {"s.py": text.replace("twice", "thrice")})
        assert (hash_of(tmp_path, monkeypatch) == before) == same


def test_what_threads_and_the_process_have_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        "import threading, sys, logging, weakref\nfrom os import environ\n"
        "L = [threading.Lock(), sys.stderr, logging.getLogger('x'), weakref.WeakKeyDictionary(), environ]\n"
        + USE.format("L")
    )
    write(tmp_path, {"s.py": text})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before = hash_of(tmp_path, monkeypatch)
        monkeypatch.setenv("SOMETHING", "else")
        assert hash_of(tmp_path, monkeypatch) == before
