import os

from bundlepool.optimization.bundle_pool import BundleConnectionPool
from bundlepool.optimization.cache_invalidation import get_bundle_version

version = get_bundle_version("quandl")
print(f"Hash: {version.computed_hash}")
print(f"Assets: {len(version.asset_list)}")
print(f"Date range: {version.date_range}")
assert get_bundle_version("quandl").computed_hash == version.computed_hash
assert (version.bundle_name, version.schema_version, len(version.content_hash)) == ("quandl", "v1", 64)

pool = BundleConnectionPool.get_instance()
bundle = pool.get_bundle("quandl")
before = bundle.num_sessions

assert os.system(os.environ["INGEST"]) == 0  # new data, one session more

bundle = pool.get_bundle("quandl")
assert bundle.num_sessions == before + 1
assert get_bundle_version("quandl").computed_hash != version.computed_hash
print("done")
