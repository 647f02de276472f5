"""What a strategy is made of: what changes its hash, and which piece is named."""

from __future__ import annotations

import importlib
import sys
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Callable

import pytest

from bundlepool.identity import identify

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
    import subprocess

    text = (
        "from bundlepool.identity import identify; import rules; "
        "print(identify(rules.rule).hash, identify(rules.Rule).hash)"
    )
    rules = load()
    ours = f"{identify(rules.rule).hash} {identify(rules.Rule).hash}"
    for seed in ("1", "2"):  # sets in another order
        env = {**__import__("os").environ, "PYTHONHASHSEED": seed, "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [sys.executable, "-c", text], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
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
