"""The names of rustybt's guide: its blocks, on one rank and on several, and what wrong uses are told."""

from __future__ import annotations

import ast
import importlib.util
import os
from pathlib import Path

import pytest
from conftest import BUILD, Program, make_bundle

GUIDE = Path(__file__).parent / "guide"
BLOCKS = sorted(path.stem for path in GUIDE.glob("*.py"))
NAMES = {  # what rustybt has under these names
    "bundlepool.optimization.bundle_pool": {"BundleConnectionPool", "get_bundle_from_pool"},
    "bundlepool.optimization.config": {"OptimizationConfig"},
    "bundlepool.optimization.cache_invalidation": {"get_bundle_version"},
    "bundlepool.optimization.parallel_optimizer": {"ParallelOptimizer"},
    "bundlepool.data.bundles.core": {"load"},
}


@pytest.fixture
def guide(tmp_path: Path) -> Program:
    """Programs over a folder with the bundles of the guide, that may be changed."""
    root = tmp_path / "bundles"
    for i in range(1, 6):
        make_bundle(root, f"bundle_{i}", "--assets", "2", "--days", "20", "--seed", str(i))
    make_bundle(root, "quandl", "--assets", "8", "--days", "300", "--minute")
    return Program(tmp_path, root)


def environment(guide: Program) -> dict[str, str]:
    ingest = f"{BUILD}/bin/bundle demo quandl --root '{guide.root}' --assets 8 --days 301 --minute >/dev/null"
    values = {"BUNDLEPOOL_ROOT": str(guide.root), "INGEST": ingest}
    if importlib.util.find_spec("structlog") is None:
        values["PYTHONPATH"] = os.pathsep.join([os.environ["PYTHONPATH"], str(GUIDE / "stand_ins")])
    return values


@pytest.mark.parametrize("ranks", [None, 4])
@pytest.mark.parametrize("block", BLOCKS)
def test_block(guide, block, ranks):
    if block == "parallel" and importlib.util.find_spec("bundlepool.sweep") is None:
        pytest.skip("the package cannot sweep yet")
    out = guide((GUIDE / f"{block}.py").read_text(), ranks=ranks, **environment(guide))
    assert out.count("done") == (ranks or 1)


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_changes_one_word(block):
    text = (GUIDE / f"{block}.py").read_text()
    imports = [node for node in ast.walk(ast.parse(text))
               if isinstance(node, ast.ImportFrom) and node.module.startswith("bundlepool")]
    assert imports and text.count("bundlepool") == len(imports)
    for node in imports:
        assert {alias.name for alias in node.names} <= NAMES[node.module]


def test_statistics_in_a_log(guide):
    out = guide((GUIDE / "structured_log.py").read_text(), **environment(guide))
    assert "bundle_pool_stats" in out and "bytes_resident" in out and "hits" in out


def test_pooling_switched_off(guide):
    out = guide("""
        import sys
        from bundlepool.optimization.bundle_pool import BundleConnectionPool, get_bundle_from_pool
        one, two = get_bundle_from_pool("quandl"), get_bundle_from_pool("quandl")
        print(BundleConnectionPool.get_instance().live, one.close.ctypes.data == two.close.ctypes.data)
        BundleConnectionPool.get_instance().force_invalidate()
        """, BUNDLEPOOL_ROOT=str(guide.root), RUSTYBT_ENABLE_BUNDLE_POOLING="false")
    assert out.split() == ["None", "False"]


def test_the_size_of_the_environment(guide):
    out = guide("""
        from bundlepool.optimization.bundle_pool import BundleConnectionPool
        pool = BundleConnectionPool.get_instance()
        print(pool.max_pool_size)
        BundleConnectionPool.get_instance(max_pool_size=2)
        print(pool.max_pool_size)
        for wrong in (0, 5000, "many", 1.5, -1):
            try:
                BundleConnectionPool.get_instance(max_pool_size=wrong)
            except (ValueError, TypeError) as error:
                print(str(error).startswith("max_bundle_pool_size: "))
        print(pool.max_pool_size)
        """, BUNDLEPOOL_ROOT=str(guide.root), RUSTYBT_MAX_BUNDLE_POOL_SIZE="50")
    assert out.split() == ["50", "2", *["True"] * 5, "2"]


def test_a_large_size(guide):
    out = guide("""
        from bundlepool.optimization.bundle_pool import BundleConnectionPool, get_bundle_from_pool
        get_bundle_from_pool("quandl", 2000)
        print(BundleConnectionPool.get_instance().max_pool_size)
        """, BUNDLEPOOL_ROOT=str(guide.root))
    assert out.split() == ["2000"]


def test_ranks_that_want_different_sizes(guide):
    """Only one of them says so: the pool has that size afterwards, and nobody waits."""
    out = guide("""
        import os
        from bundlepool.optimization.bundle_pool import BundleConnectionPool
        first = os.environ["OMPI_COMM_WORLD_RANK"] == "0"
        pool = BundleConnectionPool.get_instance(max_pool_size=7 if first else None)
        pool.get_bundle("quandl")
        if first:
            print(pool.max_pool_size)
        """, ranks=3, BUNDLEPOOL_ROOT=str(guide.root))
    assert out.split() == ["7"]


@pytest.mark.parametrize("arguments, error", [
    ({"num_workers": 0}, ValueError), ({"num_workers": True}, TypeError), ({"num_workers": 2.0}, TypeError),
    ({"config": {"enable_caching": True}}, TypeError)])
def test_wrong_arguments_of_the_optimizer(arguments, error):
    from bundlepool.optimization.parallel_optimizer import ParallelOptimizer
    with pytest.raises(error, match=f"^{next(iter(arguments))}: "):
        ParallelOptimizer(strategy_class=print, bundle_name="quandl", **arguments)


def test_the_optimizer_passes_on_what_was_changed():
    from bundlepool.optimization.config import OptimizationConfig
    from bundlepool.optimization.parallel_optimizer import ParallelOptimizer
    config = OptimizationConfig.create_default()
    assert ParallelOptimizer(print, "quandl", config=config)._settings() == {}
    config.enable_bundle_pooling = False
    config.max_bundle_pool_size = 7
    optimizer = ParallelOptimizer(print, "quandl", config=config)
    assert optimizer._settings() == {"enable_bundle_pooling": "false", "max_bundle_pool_size": "7"}
    assert optimizer.num_workers == len(os.sched_getaffinity(0))


def test_there_is_one(guide):
    out = guide("""
        from bundlepool.optimization.bundle_pool import BundleConnectionPool, get_bundle_from_pool
        try:
            BundleConnectionPool()
        except TypeError as error:
            print("get_instance()" in str(error))
        try:
            get_bundle_from_pool("nope")
        except KeyError as error:
            print("nope.h5" in str(error))
        try:
            get_bundle_from_pool(3)
        except TypeError as error:
            print("name" in str(error))
        """, BUNDLEPOOL_ROOT=str(guide.root))
    assert out.split() == ["True"] * 3


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_are_told_of_mpirun(guide, method):
    """Also where the parent has used the pool, and where workers inherit nothing; a private load works."""
    out = guide("""
        import multiprocessing
        from bundlepool.data.bundles.core import load
        from bundlepool.optimization.bundle_pool import get_bundle_from_pool
        from bundlepool.optimization.cache_invalidation import get_bundle_version
        def work(name):
            try:
                get_bundle_from_pool(name)
            except RuntimeError as error:
                told = "mpirun" in str(error) and "bundlepool.load" in str(error)
                return told, load(name).num_assets, len(get_bundle_version(name).asset_list)
        if __name__ == "__main__":
            mine = get_bundle_from_pool("quandl")
            with multiprocessing.get_context(METHOD).Pool(2) as workers:
                print(set(workers.map(work, ["quandl"] * 4)))
            print(get_bundle_from_pool("quandl").num_assets)
        """ .replace("METHOD", repr(method)), BUNDLEPOOL_ROOT=str(guide.root))
    assert out.splitlines() == ["{(True, 8, 8)}", "8"]


def test_the_first_use_is_collective(guide):
    """One rank alone is told so in time, and so is who comes later; when all call, all is well."""
    out = guide("""
        import bundlepool.pool
        bundlepool.pool.PATIENCE = 1.0
        from bundlepool.optimization.bundle_pool import get_bundle_from_pool
        from mpi4py import MPI
        for alone in (0, 1):
            if MPI.COMM_WORLD.rank == alone:
                try:
                    get_bundle_from_pool("quandl")
                except TimeoutError as error:
                    print("told:", error)
            MPI.COMM_WORLD.Barrier()
        bundlepool.pool.PATIENCE = 60.0
        assets = get_bundle_from_pool("quandl").num_assets
        print(str(assets) + chr(10), end="")  # at once: the other rank prints, too
        """, ranks=2, BUNDLEPOOL_ROOT=str(guide.root))
    told = [line for line in out.splitlines() if line.startswith("told:")]
    assert len(told) == 2 and all("so is the first use of the default pool" in line for line in told)
    assert out.splitlines().count("8") == 2
