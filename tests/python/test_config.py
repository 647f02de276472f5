"""Settings: defaults, environment, checks."""

from __future__ import annotations

import copy
import os
import pickle
from decimal import Decimal

import pytest

import bundlepool as bp
from bundlepool import _core, caches
from bundlepool.caches import kept_bytes
from bundlepool.optimization.config import OptimizationConfig


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    for name in list(os.environ):
        if name.startswith(("BUNDLEPOOL_", "RUSTYBT_")) and name != "BUNDLEPOOL_BIN":
            monkeypatch.delenv(name)


def test_defaults():
    config = OptimizationConfig.create_default()
    assert config.enable_bundle_pooling is True and config.max_bundle_pool_size == 100
    assert config.enable_caching is True and Decimal("0.0625") <= config.cache_size_gb <= 1
    assert isinstance(config.cache_size_gb, Decimal)
    assert config.enable_history_cache is True and config.cache_size_limit == 64 * 1024 * 1024
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


def test_what_a_process_keeps(monkeypatch):
    """Without a configuration as with a default one; keywords override; each rank has its share."""
    usual = {"panel_bytes": int(OptimizationConfig().cache_size_gb * 2**30), "window_bytes": 64 << 20}
    assert kept_bytes() == kept_bytes(OptimizationConfig.create_default()) == usual
    half = OptimizationConfig(cache_size_gb="0.5", enable_history_cache=False)
    assert kept_bytes(half) == {"panel_bytes": 512 << 20, "window_bytes": 0}
    given = {"enable_history_cache": True, "cache_size_limit": 5}
    assert kept_bytes(half, given) == {"panel_bytes": 512 << 20, "window_bytes": 5}
    monkeypatch.setenv("BUNDLEPOOL_CACHE_SIZE_GB", "0.25")
    monkeypatch.setenv("BUNDLEPOOL_ENABLE_HISTORY_CACHE", "off")
    assert kept_bytes() == {"panel_bytes": 256 << 20, "window_bytes": 0}
    assert kept_bytes(None, {"enable_caching": False})["panel_bytes"] == 0
    with pytest.raises(TypeError, match="expected an OptimizationConfig, got dict"):
        kept_bytes({"enable_caching": False})


@pytest.mark.parametrize("ranks, memory, expected", [
    (1, 256 << 30, 1 << 30), (16, 256 << 30, 1 << 30), (16, 64 << 30, 512 << 20), (64, 64 << 30, 128 << 20),
    (256, 64 << 30, 64 << 20)])
def test_the_share_of_a_rank(monkeypatch, ranks, memory, expected):
    monkeypatch.setenv("OMPI_COMM_WORLD_LOCAL_SIZE", str(ranks))
    monkeypatch.setattr(_core, "memory_limit", lambda: memory)
    caches.default_bytes.cache_clear()
    assert caches.default_bytes() == expected
    # a default is no setting: with more ranks elsewhere it is another number
    config = pickle.dumps(OptimizationConfig())
    monkeypatch.setattr(_core, "memory_limit", lambda: 0)
    caches.default_bytes.cache_clear()
    assert pickle.loads(config).cache_size_gb == Decimal("0.0625")
    caches.default_bytes.cache_clear()


def test_memory_limit():
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 0 < _core.memory_limit() <= pages


def test_copies():
    config = OptimizationConfig(max_bundle_pool_size=3, cache_size_gb="0.1")
    for other in (copy.copy(config), copy.deepcopy(config), pickle.loads(pickle.dumps(config))):
        assert other == config and other.cache_size_gb == Decimal("0.1") and type(other) is OptimizationConfig
        other.enable_caching = False
        assert other != config and config.enable_caching
    assert "max_bundle_pool_size=3" in repr(config) and "cache_size_gb=Decimal('0.1')" in repr(config)
    assert bp.Config() == bp.Config() and bp.Config() != config
