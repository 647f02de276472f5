from decimal import Decimal

from bundlepool.data.bundles.core import load
from bundlepool.optimization.bundle_pool import get_bundle_from_pool
from bundlepool.optimization.config import OptimizationConfig

config = OptimizationConfig.create_default()
print(config.enable_bundle_pooling, config.max_bundle_pool_size)

config.enable_caching = True
config.cache_size_gb = Decimal("2.0")
config.enable_history_cache = True
config.cache_size_limit = 200 * 1024 * 1024
config.enable_bundle_pooling = True
config.max_bundle_pool_size = 200

for config.enable_bundle_pooling in (True, False):
    if config.should_use_bundle_pool():
        bundle = get_bundle_from_pool("quandl")
    else:
        bundle = load("quandl")
    assert bundle.name == "quandl"
print("done")
