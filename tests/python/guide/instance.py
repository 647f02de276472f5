from bundlepool.optimization.bundle_pool import BundleConnectionPool

pool = BundleConnectionPool.get_instance(max_pool_size=200)
assert BundleConnectionPool.get_instance() is pool

bundle_data = pool.get_bundle("quandl")
stats = pool.get_pool_stats()
print(f"Pool size: {stats['pool_size']}/{stats['max_pool_size']}")
if stats["num_ranks"] == 1:  # others may be further on
    assert (stats["pool_size"], stats["max_pool_size"], stats["num_versions_tracked"]) == (1, 200, 1)

pool.force_invalidate("quandl")
pool.force_invalidate()
assert pool.get_bundle("quandl").symbols == bundle_data.symbols

BundleConnectionPool.get_instance(max_pool_size=50)
stats = pool.get_pool_stats()
assert stats["max_pool_size"] == 50 or stats["num_ranks"] > 1
BundleConnectionPool.get_instance()
stats = pool.get_pool_stats()
assert stats["max_pool_size"] == 50 or stats["num_ranks"] > 1
print("done")
