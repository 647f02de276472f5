import multiprocessing

from bundlepool.optimization.bundle_pool import get_bundle_from_pool


def worker_function(bundle_name):
    try:
        get_bundle_from_pool(bundle_name)
    except RuntimeError as error:
        return str(error)
    return "got it"


if __name__ == "__main__":
    with multiprocessing.Pool(processes=8) as pool:
        results = pool.starmap(worker_function, [("quandl",) for _ in range(100)])
    assert len(set(results)) == 1 and "mpirun -n N python3" in results[0], set(results)
    print("done")
