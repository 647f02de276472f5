import structlog

from bundlepool.optimization.bundle_pool import BundleConnectionPool

logger = structlog.get_logger()
pool = BundleConnectionPool.get_instance()
bundle = pool.get_bundle("quandl")

stats = pool.get_pool_stats()
logger.info(
    "bundle_pool_stats",
    pool_size=stats["pool_size"],
    max_pool_size=stats["max_pool_size"],
    utilization_percent=stats["pool_size"] / stats["max_pool_size"] * 100,
)
logger.info("all_of_it", **stats)
print("done")
