"""A pool of one rank: gets, settings, statistics, the end of bundles and of pools, threads, signals."""

from __future__ import annotations

import copy
import dataclasses
import gc
import os
import pickle
import signal
import subprocess
import threading
import time
import tracemalloc
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import BUILD, PRELOAD, SANITIZED, make_bundle

import bundlepool as bp


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with bundles a, b, c of one size, to be changed at will."""
    for seed, name in enumerate("abc"):
        make_bundle(tmp_path, name, "--assets", "20", "--days", "2000", "--seed", str(seed))
    return tmp_path


@pytest.fixture
def pool(root: Path) -> Iterator[bp.Pool]:
    pool = bp.Pool(root=root, max_staleness_ms=-1)
    yield pool
    gc.collect()
    pool.close()


def test_get(pool: bp.Pool, root: Path) -> None:
    with pool.get("a") as bundle, pool.get(name="a") as again:
        assert isinstance(bundle, bp.Bundle) and bundle.generation == again.generation
        assert np.array_equal(bundle.close, bp.load("a", root).close, equal_nan=True)
        assert bundle.close.__array_interface__["data"] == again.close.__array_interface__["data"]
    assert pool.stats().cluster.loads == 1 and pool.stats().rank.hits == 1
    assert str(root) in repr(pool) and "rank 0 of 1" in repr(pool) and pool.root == str(root)
    assert pool.config["max_staleness_ms"] == -1 and (pool.rank, pool.size) == (0, 1)


def test_stats_and_version(pool: bp.Pool) -> None:
    with pool.get("a"):
        stats = pool.stats()
    assert dict(stats)["pool_size"] == stats.pool_size == 1 and dict(stats.rank)["misses"] == 1
    assert stats.max_pool_size == 100 and stats.num_ranks == stats.num_nodes == 1
    assert len(stats) == len(dict(stats))
    with pytest.raises(dataclasses.FrozenInstanceError):
        stats.pool_size = 3
    version = pool.version("a")
    assert version.bundle_name == "a" and len(version.content_hash) == len(version.computed_hash) == 64
    assert len(version.asset_list) == 20 and version.date_range[0].startswith("2010-01-04")
    assert version == pool.version("a") and version != pool.version("b")
    with pytest.raises(bp.NotFound):
        pool.version("nope")


@pytest.mark.parametrize(("settings", "error", "text"), [
    ({"max_stalness_ms": 3}, TypeError, "no setting 'max_stalness_ms'; did you mean 'max_staleness_ms'?"),
    ({"xyzzy": 3}, TypeError, "there are: "),
    ({"max_staleness_ms": "soon"}, bp.InvalidArgument, "max_staleness_ms"),
    ({"max_staleness_ms": 0.5}, TypeError, "max_staleness_ms: expected a whole number"),
    ({"max_staleness_ms": None}, TypeError, "max_staleness_ms"),
    ({"pool_memory": []}, TypeError, "pool_memory"),
    ({"max_bundle_pool_size": 0}, ValueError, "out of range"),
    ({"max_bundle_pool_size": 10**30}, ValueError, "size"),
    ({"log_level": "loud"}, ValueError, "log_level"), ({"root": 3}, TypeError, "root"),
    ({"root": "x\0y"}, ValueError, "null byte"), ({"root": ""}, ValueError, "root"),
    ({"enable_bundle_pooling": "perhaps"}, ValueError, "enable_bundle_pooling"),
    ({"comm": 3}, TypeError, "comm: expected an mpi4py communicator"),
    ({"comm": "world"}, TypeError, "comm: expected an mpi4py communicator"),
])
def test_bad_settings(settings: dict, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        bp.Pool(**settings)
    assert text in str(caught.value)


def test_settings_of_every_kind(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUNDLEPOOL_MAX_STALENESS_MS", "77")
    config = bp.config(pool_memory=2e9, max_bundle_pool_size=np.int64(7), enable_bundle_pooling=False,
                       root=root, log_level="error")
    assert config == {**bp.config(), "pool_memory": 2_000_000_000, "max_bundle_pool_size": 7,
                      "log_level": "error", "enable_bundle_pooling": False, "root": str(root),
                      "max_staleness_ms": 77}
    with bp.Pool(root=root, enable_bundle_pooling=False) as private:
        bundle = private.get("a")
        assert bundle.close.size and private.stats().pool_size == 0
        bundle.release()
    with pytest.raises(TypeError, match="one communicator"):
        bp.Pool(None, None)
    with pytest.raises(TypeError, match="keywords only"):
        bp.config("root")


@pytest.mark.parametrize("name", [3, None, b"a", ["a"], object()])
def test_names_that_are_none(pool: bp.Pool, name: object) -> None:
    for method in (pool.get, pool.version):
        with pytest.raises(TypeError, match="name: expected str"):
            method(name)
    if name is not None:
        with pytest.raises(TypeError, match="name: expected str"):
            pool.invalidate(name)


def test_calls_that_are_wrong(pool: bp.Pool) -> None:
    for call in (lambda: pool.get(), lambda: pool.get("a", "b"), lambda: pool.get(names="a"),
                 lambda: pool.get("a", name="a")):
        with pytest.raises(TypeError, match="one argument, name"):
            call()
    for bad in ("", "../a", "x" * 64, "x" * 100_000, "a/b"):
        with pytest.raises(bp.InvalidArgument, match="name"):
            pool.get(bad)
        with pytest.raises(bp.InvalidArgument, match="name"):
            pool.invalidate(bad)
    with pytest.raises(ValueError, match="NUL"):
        pool.get("a\0b")
    with pytest.raises(RuntimeError, match="created already"):
        pool.__init__()
    raw = bp.Pool.__new__(bp.Pool)
    for call in (lambda: raw.get("a"), raw.stats, lambda: raw.config):
        with pytest.raises(bp.InvalidArgument, match="has not been created"):
            call()
    raw.close()
    for attempt in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError, match="cannot be pickled"):
            attempt(pool)


def test_arrays_outlive_everything(root: Path) -> None:
    """Release, invalidation, eviction, rewrite: an array shows what it showed."""
    pool = bp.Pool(root=root, max_bundle_pool_size=1, max_staleness_ms=0)
    with pool.get("a") as bundle:
        kept = bundle.close
    expected = kept.copy()
    pool.invalidate("a")
    pool.get("b").release()
    pool.get("c").release()
    make_bundle(root, "a", "--assets", "20", "--days", "2000", "--seed", "77")
    with pool.get("a") as bundle:
        assert not np.array_equal(bundle.close, expected, equal_nan=True)
    for name in "bcabc":
        pool.get(name).release()
    assert np.array_equal(kept, expected, equal_nan=True)
    assert pool.stats().pool_size == 1 and pool.stats().cluster.evictions > 0
    with pytest.raises(bp.Busy, match="still holds bundle a") as caught:
        pool.close()
    assert isinstance(caught.value, BufferError) and not pool.closed
    assert pool.get("a").generation > 0  # nothing was destroyed
    del kept
    pool.close()
    assert pool.closed


def test_garbage_does_not_keep_a_pool(root: Path) -> None:
    pool = bp.Pool(root=root)
    circle = [pool.get("a")]
    circle.append(circle)
    del circle
    pool.close()


def test_use_after_close(root: Path) -> None:
    with bp.Pool(root=root) as pool:
        pool.get("a").release()
    assert pool.closed and "closed" in repr(pool)
    pool.close()
    for call in (lambda: pool.get("a"), pool.stats, pool.invalidate, lambda: pool.version("a"),
                 pool.__enter__, lambda: pool.resize(3)):
        with pytest.raises(ValueError, match="the pool has been closed"):
            call()


def test_an_exception_leaves_the_pool(root: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        with bp.Pool(root=root) as pool:
            1 / 0
    assert not pool.closed  # other ranks would not have come
    pool.close()


def test_the_last_array_lets_the_pin_go(root: Path) -> None:
    """After its `with` block a bundle that is still referred to holds nothing, once its arrays are gone."""
    pool = bp.Pool(root=root)
    with pool.get("a") as bundle:
        array = bundle.close
    with pytest.raises(bp.Busy):
        pool.close()
    del array
    pool.close()
    assert bundle.released


def test_two_pools(root: Path) -> None:
    one, two = bp.Pool(root=root), bp.Pool(root=root, max_bundle_pool_size=3)
    kept = one.get("a").close
    two.close()
    assert kept[0, 0] == bp.load("a", root).close[0, 0]
    reference = weakref.ref(one)
    del kept
    one.close()
    del one
    gc.collect()
    assert reference() is None


def test_resize(pool: bp.Pool) -> None:
    for name in "abc":
        pool.get(name).release()
    pool.resize(2)
    assert pool.stats().pool_size == pool.stats().max_pool_size == 2
    with pytest.raises(bp.InvalidArgument, match="max_bundle_pool_size"):
        pool.resize(0)
    with pytest.raises(TypeError):
        pool.resize("3")


@pytest.mark.parametrize("use", ["get", "arrays"])
def test_nothing_leaks(pool: bp.Pool, use: str) -> None:
    """10^5 gets: memory and pins are what they were."""
    def work(times: int) -> None:
        for _ in range(times):
            bundle = pool.get("a")
            if use == "arrays":
                bundle.sids
                with bundle:
                    bundle.close[0]

    work(1000)
    gc.collect()
    tracemalloc.start()
    try:
        work(100)
        before = tracemalloc.get_traced_memory()[0]
        work(100_000 if use == "get" else 20_000)
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] - before < 4096
    finally:
        tracemalloc.stop()
    resident = int(Path("/proc/self/statm").read_text().split()[1])
    work(20_000)
    if not PRELOAD:  # a sanitizer keeps what was freed
        assert int(Path("/proc/self/statm").read_text().split()[1]) - resident < 1000  # pages
    assert pool.stats().rank.misses == 1
    pool.close()  # would be Busy


@SANITIZED
def test_a_hit_is_quick(pool: bp.Pool) -> None:
    get, best = pool.get, 1.0
    get("a")
    for _ in range(50):
        begin = time.perf_counter()
        for _ in range(2000):
            get("a")
        best = min(best, (time.perf_counter() - begin) / 2000)
    assert best < 1.5e-6


def test_threads(pool: bp.Pool) -> None:
    """Ten threads on three bundles that are loaded again and again, and others that compute meanwhile."""
    expected = {name: bp.load(name, pool.root).close[3].copy() for name in "abc"}
    wrong: list[str] = []
    done = threading.Event()

    def read() -> None:
        for i in range(30):
            name = "abc"[i % 3]
            with pool.get(name) as bundle:
                if not np.array_equal(bundle.close[3], expected[name], equal_nan=True):
                    wrong.append(name)

    def forget() -> None:
        while not done.is_set():
            pool.invalidate()

    threads = [threading.Thread(target=read) for _ in range(10)]
    other = threading.Thread(target=forget)
    for thread in [*threads, other]:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    other.join()
    assert not wrong and pool.stats().cluster.loads > 3


@pytest.fixture
def full_pool(root: Path) -> Iterator[bp.Pool]:
    """A pool with room for one bundle of root, in which a get waits for long."""
    size = bp.load("a", root).nbytes
    pool = bp.Pool(root=root, max_staleness_ms=-1, pool_memory=size * 3 // 2, room_timeout_ms=20_000)
    yield pool
    pool.close()


def test_a_get_waits_for_another_thread(full_pool: bp.Pool) -> None:
    held = full_pool.get("a")
    begun, got = threading.Event(), []

    def wait() -> None:
        begun.set()
        got.append(full_pool.get("b"))

    thread = threading.Thread(target=wait)
    thread.start()
    begun.wait()
    while full_pool.stats().cluster.evictions == 0:  # "a" is out of the directory: "b" waits for its memory
        assert held.close.sum() != 0  # the GIL is free
    assert not got
    held.release()
    thread.join()
    assert got[0].close.size
    got.clear()


@pytest.mark.parametrize("ended", ["get", "version"])
def test_a_signal_ends_a_wait(full_pool: bp.Pool, ended: str) -> None:
    held = full_pool.get("a")
    sent = []

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    def send() -> None:
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, interrupt)
    late = []
    try:
        for _ in range(10):  # the machine may be busy with others: the quickest counts
            timer = threading.Timer(0.2, send)
            timer.start()
            with pytest.raises(KeyboardInterrupt):
                getattr(full_pool, ended)("b")
            late.append(time.monotonic() - sent[-1])
            timer.join()
            if late[-1] < 0.2:
                break
    finally:
        signal.signal(signal.SIGINT, before)
    assert min(late) < 0.2
    assert full_pool.stats().rank.hits == 0  # the pool is as it was
    held.release()
    with full_pool.get("b") as bundle:
        assert bundle.close.size  # and what was waited for comes


def test_a_load_ends_by_a_signal(tmp_path: Path) -> None:
    """A file that is written to all the time is waited for; a signal ends that as well."""
    make_bundle(tmp_path, "a")
    data = (tmp_path / "a.h5").read_bytes()
    writer = subprocess.Popen(["sh", "-c", 'while :; do touch "$1"; done', "sh", tmp_path / "a.h5"])

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises((KeyboardInterrupt, bp.Changed)):
            while True:
                bp.load("a", tmp_path)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        writer.kill()
        writer.wait()
    assert (tmp_path / "a.h5").read_bytes() == data and bp.load("a", tmp_path).num_assets == 50


def test_an_update_is_seen(root: Path) -> None:
    with bp.Pool(root=root) as pool:
        first = pool.version("a").content_hash
        make_bundle(root, "a", "--assets", "20", "--days", "2000", "--seed", "99")
        assert pool.version("a").content_hash != first
        (root / "a.h5").unlink()
        with pytest.raises(bp.NotFound, match="a.h5"):
            pool.get("a")
    assert (BUILD / "bin" / "bundle").exists()


def test_the_environment_is_as_it_was(pool: bp.Pool) -> None:
    """What MPI leaves in it would make an mpirun that is started from here end at once, without a word."""
    found = subprocess.run(["env"], capture_output=True, text=True, check=True).stdout.splitlines()
    names = {line.split("=")[0] for line in found if line.startswith(("OMPI_", "ORTE_", "PMIX_"))}
    assert names <= set(os.environ)
