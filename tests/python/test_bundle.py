"""Bundles without a pool: what they show, who keeps them, and what their end is."""

from __future__ import annotations

import copy
import gc
import io
import os
import pickle
import struct
import sys
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest

import bundlepool as bp
from bundlepool import _core


@pytest.fixture
def bundle(market: Path) -> bp.Bundle:
    return bp.load("quandl", root=market)


def test_shapes_and_types(bundle: bp.Bundle) -> None:
    for name in ("open", "high", "low", "close", "volume"):
        array = getattr(bundle, name)
        assert array.dtype == np.float64 and array.shape == (50, 1260) and not array.flags.writeable
        assert array.flags.c_contiguous and array.flags.aligned and not array.flags.owndata
        assert memoryview(array).tobytes() == bundle.view(name).tobytes()
    assert bundle.sids.dtype == np.int64 and (np.diff(bundle.sids) > 0).all()
    assert bundle.sessions.dtype == np.dtype("datetime64[ns]")
    assert bundle.sessions[0] == np.datetime64("2010-01-04")
    assert len(bundle.symbols) == bundle.num_assets == 50 and bundle.num_sessions == 1260
    assert bundle.name == "quandl" and bundle.nbytes > 5 * 50 * 1260 * 8 and bundle.generation > 0
    assert "'quandl'" in repr(bundle) and "50 assets" in repr(bundle)
    traded = ~np.isnan(bundle.close)
    assert (bundle.low[traded] <= bundle.close[traded]).all()
    assert (bundle.close[traded] <= bundle.high[traded]).all()


def test_no_copy(bundle: bp.Bundle) -> None:
    address = bundle.close.__array_interface__["data"][0]
    assert address == bundle.close.__array_interface__["data"][0] and address % 64 == 0


def test_every_column(market: Path) -> None:
    bundle = bp.load("small", root=market)
    kinds = {np.dtype(t) for t in ("int64", "float64", "uint32", "uint8")}
    for name in bp.columns():
        array = bundle.column(name)
        assert array.dtype in kinds and array.ndim == (2 if name.startswith("data/") and "factor" not in name
                                                       or name == "currency/code" else 1)
    assert bundle.column("minute/dt").size > 0 and bundle.column("data/scaling_factor").size == 0
    with pytest.raises(bp.NotFound, match="data/clsoe"):
        bundle.column("data/clsoe")
    with pytest.raises(TypeError, match="column"):
        bundle.column(3)


def test_read_only(bundle: bp.Bundle) -> None:
    with pytest.raises(ValueError, match="read-only"):
        bundle.close[0, 0] = 1
    with pytest.raises(ValueError):
        bundle.close.flags.writeable = True
    with pytest.raises(TypeError):
        bundle.view("close")[0, 0] = 1
    column = bundle._column("data/close")
    with pytest.raises((BufferError, TypeError)):
        io.BytesIO(bytes(8)).readinto(column)
    with pytest.raises((BufferError, TypeError)):
        struct.pack_into("d", column, 0, 1.0)


def test_array_keeps_the_bundle(market: Path) -> None:
    bundle = bp.load("quandl", root=market)
    expected = bundle.close.copy()
    kept = bundle.close[3:7, ::5].T[1:]
    seen = weakref.ref(bundle)
    del bundle
    gc.collect()
    assert seen() is None and np.array_equal(kept, expected[3:7, ::5].T[1:], equal_nan=True)


def test_release_counts_arrays(bundle: bp.Bundle) -> None:
    one, two, view = bundle.close, bundle.sessions, bundle.view("open")
    with pytest.raises(BufferError, match="3 arrays of it are in use") as caught:
        bundle.release()
    assert isinstance(caught.value, bp.Busy) and caught.value.name == "BP_EBUSY" and caught.value.code == 8
    assert not bundle.released
    del one, view
    with pytest.raises(bp.Busy, match="1 array of it is in use"):
        bundle.release()
    assert two.size and bundle.close.size  # nothing has happened to it
    del two
    bundle.release()
    bundle.release()
    assert bundle.released and "released" in repr(bundle)


@pytest.mark.parametrize("use", ["name", "nbytes", "generation", "num_assets", "num_sessions", "close",
                                 "sids", "sessions", "symbols", "column", "view", "version", "enter"])
@pytest.mark.parametrize("how", ["release", "with"])
def test_use_after_the_end(bundle: bp.Bundle, use: str, how: str) -> None:
    if how == "release":
        bundle.release()
    else:
        with bundle:
            pass
    with pytest.raises(ValueError, match="has been released") as caught:
        if use in ("column", "view"):
            getattr(bundle, use)("data/close")
        elif use == "enter":
            bundle.__enter__()
        else:
            getattr(bundle, use)
    assert isinstance(caught.value, bp.Error)


def test_with_lets_the_last_array_end_it(bundle: bp.Bundle) -> None:
    with bundle as same:
        assert same is bundle
        array = bundle.close
        column = bundle._column("data/open")
    assert bundle.released and array.sum() != 0
    with pytest.raises(ValueError, match="has been released"):
        memoryview(column)
    del array


def test_not_pickled(bundle: bp.Bundle) -> None:
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match=r"pass its name.*bundlepool\.load"):
            attempt(bundle)
    array = pickle.loads(pickle.dumps(bundle.close))  # an array is pickled as any other: a copy
    assert np.array_equal(array, bundle.close, equal_nan=True) and array.flags.writeable


@pytest.mark.parametrize(("name", "error", "text"), [
    (3, TypeError, "name: expected str, got <class 'int'>"), (None, TypeError, "name"),
    (b"quandl", TypeError, "name"),
    ("a\0b", ValueError, "NUL"), ("\udc80", ValueError, "UTF-8"), ("", bp.InvalidArgument, "name"),
    ("../quandl", bp.InvalidArgument, "name"), ("x" * 64, bp.InvalidArgument, "too long"),
    ("x" * 100000, bp.InvalidArgument, "too long"), ("nope", bp.NotFound, "nope.h5"),
    ("nope", KeyError, "nope.h5"),
])
def test_bad_names(market: Path, name: object, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        bp.load(name, root=market)
    assert text in str(caught.value)


def test_bad_files(tmp_path: Path) -> None:
    (tmp_path / "text.h5").write_text("no bundle")
    with pytest.raises(bp.FormatError, match="text.h5") as caught:
        bp.load("text", root=tmp_path)
    assert isinstance(caught.value, ValueError) and caught.value.name == "BP_EFORMAT"
    with pytest.raises(TypeError, match="root: expected str, bytes or os.PathLike"):
        bp.load("text", root=3)
    with pytest.raises(ValueError, match="root"):
        bp.load("text", root="x" * 5000)


def test_root(market: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUNDLEPOOL_ROOT", str(market))
    assert bp.load("small").num_assets == bp.load("small", os.fsencode(market)).num_assets == 5
    assert bp.config()["root"] == str(market)


def test_errors_are_what_python_people_catch() -> None:
    for code, cls in ((1, ValueError), (2, KeyError), (3, ValueError), (4, OSError), (5, MemoryError),
                      (6, MemoryError), (7, TimeoutError), (8, BufferError), (9, RuntimeError),
                      (10, RuntimeError), (11, ValueError), (12, RuntimeError), (13, OSError), (14, KeyError),
                      (15, LookupError), (16, LookupError), (17, LookupError), (18, RuntimeError),
                      (19, KeyError), (20, LookupError)):
        error = bp.errors.from_status(code, "BP_X", "what: why")
        assert isinstance(error, bp.Error) and isinstance(error, cls) and type(error).code == code
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error) and str(again) == "what: why" and again.name == "BP_X"
    unknown = bp.errors.from_status(99, "BP_NEW", "new")
    assert type(unknown) is bp.Error and unknown.code == 99
    known = {getattr(_core, name) for name in dir(_core) if name.startswith("E") and name.isupper()}
    assert known == {cls.code for cls in bp.errors._CLASSES.values()}


def test_threads_on_one_bundle(bundle: bp.Bundle) -> None:
    expected = np.nansum(bundle.close)
    wrong = []

    def work() -> None:
        for _ in range(50):
            if np.nansum(bundle.close) != expected or len(bundle.symbols) != 50:
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    bundle.release()


def test_import_starts_nothing(program) -> None:
    out = program("""
        import sys, threading
        import bundlepool
        print(*(name in sys.modules for name in ("numpy", "mpi4py", "pandas")), threading.active_count())
        print(len(__import__("os").listdir("/proc/self/task")))
    """)
    assert out.split() == ["False", "False", "False", "1", "1"]


def test_without_numpy(program) -> None:
    out = program("""
        import sys
        sys.modules["numpy"] = None  # as where there is none
        import bundlepool as bp
        bundle = bp.load("small", root=sys.argv[1])
        view = bundle.view("close")
        print(view.format, view.shape, view.readonly, bundle.symbols[0] != "", round(view[0, 0], 6) > 0)
        try:
            bundle.close
        except ImportError as error:
            print("ImportError", "python3-numpy" in str(error))
    """)
    assert out.splitlines() == ["d (5, 1260) True True True", "ImportError True"]


def test_a_child_has_a_copy(bundle: bp.Bundle) -> None:
    expected = bundle.close[0, 0]
    pid = os.fork()
    if pid == 0:
        os._exit(0 if bundle.close[0, 0] == expected and bp.load else 1)
    assert os.waitpid(pid, 0)[1] == 0 and bundle.close[0, 0] == expected


def test_exit_with_arrays_everywhere(program) -> None:
    program("""
        import os, sys, builtins, threading, bundlepool as bp
        bundle = bp.load("quandl", root=sys.argv[1])
        array = bundle.close
        builtins.kept = bundle.open
        circle = [bundle, array]
        circle.append(circle)

        class Late:
            def __del__(self, array=array, bundle=bundle, os=os):
                if not (array[0, 0] > 0 and bundle.view("close")[0, 0] > 0):
                    os._exit(3)

        late = Late()
        local = threading.local()
        local.bundle = bundle
    """)


def test_one_interpreter(program) -> None:
    out = program("""
        import _xxsubinterpreters as interpreters
        import sys, bundlepool
        other = interpreters.create()
        try:
            interpreters.run_string(other, f"import sys; sys.path[:] = {sys.path!r}; import bundlepool")
        except interpreters.RunFailedError as error:
            print(error)
        print(bundlepool.load("small", root=sys.argv[1]).num_assets)
    """)
    assert "ImportError" in out and "another interpreter" in out and out.endswith("5\n")


def test_imported_anew(market: Path) -> None:
    bundle = bp.load("small", root=market)
    kept = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == "bundlepool"}
    try:
        import bundlepool as again
        assert again.load("small", root=market).num_assets == bundle.num_assets == 5
    finally:
        sys.modules.update(kept)
        kept["bundlepool._core"]._register_bundle(kept["bundlepool"].Bundle)
