import threading

from bundlepool.optimization.bundle_pool import BundleConnectionPool

pool = BundleConnectionPool.get_instance()
sums = []


def worker_thread(bundle_name):
    bundle = pool.get_bundle(bundle_name)
    sums.append(float(bundle.volume.sum()))


threads = [threading.Thread(target=worker_thread, args=("quandl",)) for _ in range(10)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()

assert len(sums) == 10 and len(set(sums)) == 1
assert pool.get_pool_stats()["cluster"]["loads"] == 1
print("done")
