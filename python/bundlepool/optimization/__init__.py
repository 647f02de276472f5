"""The modules of rustybt's guide: a script changes the word ``rustybt`` to ``bundlepool`` and runs.

bundle_pool: get_bundle_from_pool, BundleConnectionPool. config: OptimizationConfig. cache_invalidation:
get_bundle_version. parallel_optimizer: ParallelOptimizer. Loading without a pool is
bundlepool.data.bundles.core.load. """
