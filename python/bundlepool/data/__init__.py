"""``bundlepool.data.bundles.core.load``: the name of rustybt's guide."""
