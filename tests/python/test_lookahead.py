"""Strategies that look ahead are named, with session and asset; others are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import make_bundle

import bundlepool as bp


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ahead")
    make_bundle(folder, "demo", "--assets", "7", "--days", "200")
    return folder


def check(strategy, root: Path, params=None, **options) -> bp.Lookahead:
    (found,) = bp.check_lookahead("demo", strategy, params, root=root, cuts=12, **options)
    return found


def shifted(m):
    """Holds what will have risen by the next session."""
    ahead = np.full(m.close.shape, np.nan)
    ahead[:, :-1] = m.close[:, 1:]
    return ahead > m.close


def normalised(m):
    """Weights by closes that are normalised with the whole range's mean."""
    filled = np.where(np.isnan(m.close), 0.0, m.close)
    score = filled / filled.mean(axis=1, keepdims=True)
    score[~m.tradable] = 0.0
    total = score.sum(axis=0)
    return np.divide(score, total, out=np.zeros_like(score), where=total > 0)


class Clock:
    """Depends on how often it has been asked."""

    asked = 0

    def decide(self, view, orders):
        type(self).asked += 1
        if view.t == 20:
            orders.order(0, type(self).asked)


@pytest.mark.parametrize("strategy", [shifted, normalised, Clock])
def test_one_that_looks_ahead_is_named(strategy, root: Path) -> None:
    found = check(strategy, root)
    assert found and found.looks_ahead and found.session is not None and found.asset is not None
    assert found.session in found.text and found.asset in found.text and "with later data" in found.text


def test_one_that_does_not_is_not(root: Path) -> None:
    for strategy, params in [
        (lambda m, k: m.sma(k) > m.ema(2 * k), {"k": 5}),
        (lambda m: m.rsi(14) < 30, None),
        (lambda m: np.where(m.tradable, 1 / m.num_assets, 0.0), None),
        (lambda m: m.zscore(m.volume, 10) > 1, None),
        (lambda m: m.shift(m.close) < m.close, None),
    ]:
        found = check(strategy, root, params)
        assert not found and found.cuts == 12 and found.failed == 0, found.text


def test_several_combinations(root: Path) -> None:
    def rule(m, ahead):
        return shifted(m) if ahead else m.close > m.sma(5)

    found = bp.check_lookahead("demo", rule, {"ahead": [0, 1]}, root=root, cuts=12)
    assert [bool(one) for one in found] == [False, True] and [one.index for one in found] == [0, 1]


def test_failures(root: Path) -> None:
    def on_short_data(m):
        if m.num_sessions < 200:
            raise ValueError("too short")
        return m.close > 1

    found = check(on_short_data, root)
    assert not found and found.cuts == 0 and "too short" in found.text
    with pytest.raises(ZeroDivisionError):
        check(lambda m: 1 / 0, root)
    with pytest.raises(TypeError, match="cust"):
        check(shifted, root, cust=5)
