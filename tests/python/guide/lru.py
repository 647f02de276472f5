from bundlepool.optimization.bundle_pool import BundleConnectionPool

pool = BundleConnectionPool.get_instance(max_pool_size=3)

pool.get_bundle("bundle_1")
pool.get_bundle("bundle_2")
pool.get_bundle("bundle_3")
pool.get_bundle("bundle_4")  # evicts bundle_1
pool.get_bundle("bundle_2")  # is the most recently used now
pool.get_bundle("bundle_5")  # evicts bundle_3

stats = pool.get_pool_stats()
assert stats["pool_size"] <= stats["max_pool_size"] == 3
if stats["num_ranks"] == 1:  # others use the pool as well, and at other moments
    assert (stats["cluster"]["loads"], stats["cluster"]["evictions"]) == (5, 2)
    for name in ("bundle_2", "bundle_4", "bundle_5"):
        pool.get_bundle(name)
    assert pool.get_pool_stats()["cluster"]["loads"] == 5
    pool.get_bundle("bundle_1")
    pool.get_bundle("bundle_3")
    assert pool.get_pool_stats()["cluster"]["loads"] == 7
print("done")
