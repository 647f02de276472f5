"""Settings: defaults, environment, checks."""

from __future__ import annotations

import copy
import os
import pickle
from decimal import Decimal

import pytest

import bundlepool as bp
from bundlepool.optimization.config import OptimizationConfig


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    for name in list(os.environ):
        if name.startswith(("BUNDLEPOOL_", "RUSTYBT_")) and name != "BUNDLEPOOL_BIN":
            monkeypatch.delenv(name)


def test_defaults():
    config = OptimizationConfig.create_default()
    assert config.enable_bundle_pooling is True and config.max_bundle_pool_size == 100
    assert config.enable_caching is True and config.cache_size_gb == Decimal("2.0")
    assert isinstance(config.cache_size_gb, Decimal)
    assert config.enable_history_cache is True and config.cache_size_limit == 200 * 1024 * 1024
    assert config.should_use_bundle_pool() and config.root == "bundles"
    assert dict(bp.Config()) == bp.config()


def test_environment(monkeypatch):
    monkeypatch.setenv("RUSTYBT_ENABLE_BUNDLE_POOLING", "false")
    monkeypatch.setenv("RUSTYBT_MAX_BUNDLE_POOL_SIZE", "50")
    monkeypatch.setenv("BUNDLEPOOL_CACHE_SIZE_GB", "0.5")
    monkeypatch.setenv("BUNDLEPOOL_ENABLE_HISTORY_CACHE", "No")
    monkeypatch.setenv("BUNDLEPOOL_CACHE_SIZE_LIMIT", "3M")
    config = OptimizationConfig.create_default()
    assert not config.should_use_bundle_pool() and config.max_bundle_pool_size == 50
    assert (config.cache_size_gb, config.enable_history_cache, config.cache_size_limit) == \
        (Decimal("0.5"), False, 3 << 20)
    assert OptimizationConfig(max_bundle_pool_size=7, cache_size_limit=1).max_bundle_pool_size == 7
    monkeypatch.setenv("BUNDLEPOOL_MAX_BUNDLE_POOL_SIZE", "60")
    assert OptimizationConfig.create_default().max_bundle_pool_size == 60


@pytest.mark.parametrize("variable, value", [
    ("RUSTYBT_MAX_BUNDLE_POOL_SIZE", "many"), ("RUSTYBT_ENABLE_BUNDLE_POOLING", "maybe"),
    ("BUNDLEPOOL_CACHE_SIZE_GB", "lots"), ("BUNDLEPOOL_ENABLE_CACHING", "2"),
    ("BUNDLEPOOL_CACHE_SIZE_LIMIT", "1X"),
    ("BUNDLEPOOL_CACHE_SIZE_GB", "nan"), ("BUNDLEPOOL_CACHE_SIZE_LIMIT", "")])
def test_a_wrong_variable_is_named(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    with pytest.raises(bp.InvalidArgument, match=f"^{variable}: "):
        OptimizationConfig.create_default()


def test_fields_are_set_and_checked():
    config = OptimizationConfig.create_default()
    config.enable_bundle_pooling = False
    config.max_bundle_pool_size = 200
    config.enable_caching = False
    config.cache_size_gb = Decimal("1.5")
    config.enable_history_cache = False
    config.cache_size_limit = 10 * 1024 * 1024
    config.pool_memory = "2G"
    assert not config.should_use_bundle_pool() and config.max_bundle_pool_size == 200
    assert config.caches() == {"enable_caching": False, "cache_size_gb": Decimal("1.5"),
                               "enable_history_cache": False, "cache_size_limit": 10485760}
    assert config.pool_memory == 2 << 30
    assert dict(config) == bp.config(enable_bundle_pooling=False, max_bundle_pool_size=200, pool_memory="2G")


@pytest.mark.parametrize("field, value, error", [
    ("max_bundle_pool_size", 0, ValueError), ("max_bundle_pool_size", 5000, ValueError),
    ("max_bundle_pool_size", 1.5, TypeError), ("max_bundle_pool_size", None, TypeError),
    ("max_staleness_ms", -2, ValueError), ("transfer", "fast", ValueError), ("cache_size_gb", -1, ValueError),
    ("cache_size_gb", "x", ValueError), ("cache_size_gb", float("inf"), ValueError),
    ("cache_size_gb", None, TypeError), ("cache_size_gb", True, TypeError),
    ("cache_size_limit", -1, ValueError), ("cache_size_limit", 1.5, TypeError),
    ("cache_size_limit", True, TypeError), ("cache_size_limit", [], TypeError),
    ("cache_size_limit", float("nan"), TypeError), ("cache_size_limit", float("inf"), TypeError),
    ("enable_caching", 1, TypeError), ("enable_history_cache", None, TypeError)])
def test_a_wrong_value_is_named_and_changes_nothing(field, value, error):
    config = OptimizationConfig.create_default()
    before = getattr(config, field)
    with pytest.raises(error, match=f"^{field}: "):
        setattr(config, field, value)
    assert getattr(config, field) == before and config == OptimizationConfig()
    with pytest.raises(error, match=f"^{field}: "):
        OptimizationConfig(**{field: value})


def test_wrong_names():
    config = OptimizationConfig.create_default()
    with pytest.raises(AttributeError, match="'max_bundle_poolsize'; did you mean 'max_bundle_pool_size'?"):
        config.max_bundle_poolsize = 3
    with pytest.raises(AttributeError, match="'cache_size'"):
        config.cache_size
    with pytest.raises(TypeError, match="max_bundle_poolsize"):
        OptimizationConfig(max_bundle_poolsize=3)


def test_copies():
    config = OptimizationConfig(max_bundle_pool_size=3, cache_size_gb="0.1")
    for other in (copy.copy(config), copy.deepcopy(config), pickle.loads(pickle.dumps(config))):
        assert other == config and other.cache_size_gb == Decimal("0.1") and type(other) is OptimizationConfig
        other.enable_caching = False
        assert other != config and config.enable_caching
    assert "max_bundle_pool_size=3" in repr(config) and "cache_size_gb=Decimal('0.1')" in repr(config)
    assert bp.Config() == bp.Config() and bp.Config() != config
