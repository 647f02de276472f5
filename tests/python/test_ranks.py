"""Pools over several ranks, by processes of their own: communicators, ends of all kinds, the default pool."""

from __future__ import annotations

import importlib.util
import shutil
import textwrap

import pytest
from conftest import Program

needs_mpi4py = pytest.mark.skipif(importlib.util.find_spec("mpi4py") is None,
                                  reason="mpi4py is missing (Debian: python3-mpi4py)")
pytestmark = pytest.mark.skipif(shutil.which("mpirun") is None,
                                reason="mpirun is missing (Debian: openmpi-bin)")

#: How a program begins: with mpi4py, or with MPI left to the package.
BEGINNINGS = {"mpi4py": "from mpi4py import MPI\ncomm = MPI.COMM_WORLD\n", "alone": "comm = None\n"}
beginnings = pytest.mark.parametrize("begin", [pytest.param("mpi4py", marks=needs_mpi4py), "alone"])


def text(begin: str, body: str) -> str:
    before = "import sys, os\n" + BEGINNINGS[begin] + "import bundlepool as bp\nroot = sys.argv[1]\n"
    return before + textwrap.dedent(body)


@beginnings
@pytest.mark.parametrize("ranks", [None, 1, 4])
def test_one_load_for_all(program: Program, begin: str, ranks: int | None) -> None:
    out = program(text(begin, """
        with bp.Pool(comm, root=root, max_staleness_ms=1000) as pool:
            with pool.get("quandl") as b:
                total = b.close[b.close == b.close].sum()
                line = f"{total:.3f} {pool.stats().cluster.loads} of {pool.size}"
        os.write(1, (line + "\\n").encode())
    """), ranks)
    lines = out.splitlines()
    assert len(lines) == (ranks or 1) and len(set(lines)) == 1 and lines[0].endswith(f" 1 of {ranks or 1}")


@beginnings
@pytest.mark.parametrize("ranks", [None, 1, 4])
def test_exit_with_pins_and_arrays(program: Program, begin: str, ranks: int | None) -> None:
    """Nothing is closed, and everything that can hold something holds it."""
    out = program(text(begin, """
        import builtins
        pool = bp.Pool(comm, root=root, max_staleness_ms=1000)
        bundle = pool.get("quandl")
        array, view = bundle.close, bundle.view("open")
        builtins.kept = [bundle.sids, pool]
        circle = [bundle.volume]
        circle.append(circle)

        class Late:
            def __del__(self, array=array, pool=pool, write=os.write):
                write(1, b"late %r\\n" % bool(array[0, 0] > 0))

        late = Late()
    """), ranks)
    assert out.count("late True") == (ranks or 1)


@beginnings
def test_exit_with_a_thread_in_a_get(program: Program, begin: str) -> None:
    """A daemon thread that waits when the interpreter ends, for what then comes, holds nothing up.

    What it has is lost with it: no leak of ours."""
    out = program(text(begin, """
        import threading, time
        room = bp.load("quandl", root=root).nbytes + bp.load("small", root=root).nbytes // 2
        pool = bp.Pool(comm, root=root, max_staleness_ms=-1, pool_memory=room, room_timeout_ms=3000)
        held = pool.get("quandl")
        thread = threading.Thread(target=lambda: pool.get("small"), daemon=True)
        thread.start()
        while pool.stats().cluster.evictions == 0:  # it waits for the room that "quandl" has
            time.sleep(0.001)
        os.write(1, f"{held.close[0, 0] > 0} {thread.is_alive()}\\n".encode())
    """), ASAN_OPTIONS="detect_leaks=0")
    assert out == "True True\n"


@needs_mpi4py
@pytest.mark.parametrize("ranks", [None, 4])
def test_mpi_finalised_first(program: Program, ranks: int | None) -> None:
    out = program(text("mpi4py", """
        pool = bp.Pool(comm, root=root, max_staleness_ms=-1)
        other = bp.Pool(comm, root=root)
        other.get("small").release()
        bundle = pool.get("quandl")
        array = bundle.close
        expected = array.copy()
        MPI.Finalize()
        same = ((array == expected) | (array != array)).all() and bundle.open[0, 0] > 0
        lines = [f"same {same}"]
        for call in (lambda: pool.get("quandl"), pool.stats, pool.invalidate, lambda: pool.version("quandl"),
                     lambda: bp.Pool(), lambda: bp.Pool(comm), lambda: other.get("small")):
            try:
                call()
            except bp.MPIError as error:
                lines.append(f"MPIError {'has been finalised' in str(error)}")
        del array
        bundle.release()
        pool.close()
        other.close()
        lines.append(f"{bundle} {pool}")
        os.write(1, "; ".join(lines + [""]).encode() + b"\\n")
    """), ranks)
    lines = set(out.splitlines())
    assert lines == {"same True; " + "MPIError True; " * 7
                     + "<bundlepool.Bundle, released> <bundlepool.Pool, closed>; "}
    assert len(out.splitlines()) == (ranks or 1)


@needs_mpi4py
@pytest.mark.parametrize("ranks", [1, 4])
def test_bad_communicators(program: Program, ranks: int) -> None:
    out = program(text("mpi4py", """
        freed = comm.Dup()
        twice = MPI.Comm(freed)
        freed.Free()
        bad = {"null": MPI.COMM_NULL, "freed": freed, "twice": twice, "group": comm.Get_group(),
               "win": MPI.WIN_NULL, "info": MPI.INFO_NULL, "class": MPI.Comm, "int": comm.py2f(),
               "str": "world"}
        if comm.size > 1:  # memory of a freed one may be another's by then
            del bad["twice"]
            bad["inter"] = comm.Split(comm.rank % 2).Create_intercomm(0, comm, 1 - comm.rank % 2)
        for name, it in bad.items():
            try:
                bp.Pool(it, root=root)
                result = "nothing"
            except Exception as error:
                result = f"{type(error).__name__} {error}"
            if comm.rank == 0:
                print(name, result)
        bp.Pool(comm, root=root).close()
    """), ranks)
    said = dict(line.split(" ", 1) for line in out.splitlines())
    for name in ("null", "freed") + (("twice",) if ranks == 1 else ()):
        assert said[name].startswith("InvalidArgument comm: it is MPI.COMM_NULL, or has been freed")
    for name in ("group", "win", "info", "class", "int", "str"):
        assert said[name].startswith("TypeError comm: expected an mpi4py communicator")
    assert ranks == 1 or said["inter"].startswith("InvalidArgument comm: it is an intercommunicator")


@needs_mpi4py
def test_sub_communicators(program: Program) -> None:
    out = program(text("mpi4py", """
        half = comm.Split(comm.rank % 2)
        pool, own = bp.Pool(half, root=root), bp.Pool(MPI.COMM_SELF, root=root)
        a, b = pool.get("quandl"), own.get("small")
        loads = f"{pool.stats().cluster.loads} {own.stats().cluster.loads}"
        os.write(1, f"{pool.size} {own.size} {loads}\\n".encode())
        half.Free()  # it was duplicated
        a.close.sum(), b.close.sum()
        a.release(), b.release()
        own.close(), pool.close()
    """), 4)
    assert out.splitlines() == ["2 1 1 1"] * 4


@needs_mpi4py
@pytest.mark.parametrize("level", ["single", "funneled", "serialized"])
def test_mpi4py_without_threads(program: Program, level: str) -> None:
    out = program(f"""
        import sys, mpi4py
        mpi4py.rc.thread_level = {level!r}
        from mpi4py import MPI
        import bundlepool as bp
        for comm in (MPI.COMM_WORLD, None):
            try:
                bp.Pool(comm, root=sys.argv[1])
            except bp.MPIError as error:
                print(error)
    """)
    assert out.count('mpi4py.rc.thread_level = "multiple"') == 2


@needs_mpi4py
def test_another_mpi_library(program: Program) -> None:
    out = program(text("mpi4py", """
        MPI.Get_library_version = lambda: "MPICH Version: 4.0.2"
        try:
            bp.Pool(comm, root=root)
        except ImportError as error:
            print(error)
    """))
    assert "MPICH Version: 4.0.2" in out and "Open MPI v" in out


@needs_mpi4py
def test_mpi4py_that_initialises_nothing(program: Program) -> None:
    """mpi4py.rc.initialize = False: the package starts MPI, and a handle of mpi4py works."""
    out = program("""
        import sys, mpi4py
        mpi4py.rc.initialize = False
        from mpi4py import MPI
        import bundlepool as bp
        with bp.Pool(MPI.COMM_WORLD, root=sys.argv[1]) as pool:
            said = pool.get("small").num_assets, MPI.Is_initialized(), MPI.COMM_WORLD.size
        sys.stdout.write(f"{said}\\n")  # in one piece: two ranks write
    """, 2)
    assert out.splitlines() == ["(5, True, 2)"] * 2


@beginnings
def test_busy_on_every_rank(program: Program, begin: str) -> None:
    out = program(text(begin, """
        pool = bp.Pool(comm, root=root)
        bundle = pool.get("quandl")
        array = bundle.close if pool.rank == 2 else None
        if array is None:
            bundle.release()
        try:
            pool.close()
            os.write(1, b"closed\\n")
        except bp.Busy as error:
            os.write(1, f"{error}\\n".encode())
        assert pool.get("small").num_assets == 5
        del array, bundle
        pool.close()
    """), 4)
    assert len(out.splitlines()) == 4
    assert all(line.startswith("rank 2 still holds bundle quandl") for line in out.splitlines())


def test_settings_that_differ(program: Program) -> None:
    out = program(text("alone", """
        rank = int(os.environ["OMPI_COMM_WORLD_RANK"])
        try:
            bp.Pool(root=root, max_bundle_pool_size=3 + rank)
        except bp.InvalidArgument as error:
            os.write(1, f"{error}\\n".encode())
    """), 3)
    assert len(out.splitlines()) == 3 and out.count("max_bundle_pool_size differs between ranks") == 3


@beginnings
def test_an_exception_ends_all_ranks(program: Program, begin: str) -> None:
    """Whoever has initialised MPI: the traceback, and nobody hangs."""
    out = program(text(begin, """
        pool = bp.Pool(root=root)
        if pool.rank == 1:
            raise LookupError("the cause of it all")
        pool.close()  # waits for rank 1
    """), 3, code=1)
    assert "LookupError: the cause of it all" in out and "Traceback" in out


@needs_mpi4py
def test_an_exception_before_the_first_pool(program: Program) -> None:
    """The others wait in Pool() for a rank that has never come to it."""
    out = program(text("mpi4py", """
        if MPI.COMM_WORLD.rank == 1:
            raise LookupError("the cause of it all")
        bp.Pool(root=root)
    """), 3, code=1)
    assert "LookupError: the cause of it all" in out


def test_default_pool(program: Program) -> None:
    out = program(text("alone", """
        from bundlepool.pool import default_pool
        pool = default_pool(root=root)
        assert default_pool() is pool and pool.size == 4
        os.write(1, f"{pool.get('small').num_assets} {pool.size}\\n".encode())
        pool.close()
        again = default_pool(root=root)
        assert again is not pool
    """), 4)
    assert out.splitlines() == ["5 4"] * 4


def test_default_pool_of_one(program: Program) -> None:
    out = program(text("alone", """
        from bundlepool.pool import default_pool
        print(default_pool(root=root).get("small").num_assets)
    """))
    assert out == "5\n"


@pytest.mark.parametrize("begin", [pytest.param("mpi4py", marks=needs_mpi4py), "alone"])
@pytest.mark.parametrize("ranks", [None, 2])
def test_forked_children(program: Program, begin: str, ranks: int | None) -> None:
    """A child can use nothing of a pool, before and after the parent's close(); its end takes nothing."""
    out = program(text(begin, """
        pool = bp.Pool(comm, root=root, max_staleness_ms=-1)
        bundle = pool.get("quandl")
        array = bundle.close

        def child(*calls):
            said = []
            pid = os.fork()
            if pid:
                assert os.waitpid(pid, 0)[1] == 0
                return
            try:
                for call in calls:
                    try:
                        call()
                        said.append("nothing")
                    except bp.Forked as error:
                        said.append(f"{type(error).__name__} {'mpirun -n' in str(error)}")
                repr(bundle), repr(pool)
            except BaseException as error:
                said.append(repr(error))
            os.write(1, ("; ".join(said) + "\\n").encode())
            for name in ("array", "bundle", "pool"):  # their ends are none
                globals().pop(name, None)
            os._exit(0)

        child(lambda: pool.get("quandl"), pool.stats, pool.invalidate, lambda: pool.version("quandl"),
              pool.close, lambda: bp.Pool(comm, root=root), pool.__enter__)
        child(lambda: bundle.open, bundle.release, lambda: bundle.name, lambda: bundle.view("close"))
        assert bundle.open[0, 0] > 0 and array[0, 0] > 0 and pool.get("quandl").num_assets == 50
        try:
            pool.close()
        except bp.Busy:
            os.write(1, b"held\\n")
        del array
        bundle.release()
        pool.close()
        child(lambda: pool.get("quandl"), pool.stats)
    """), ranks)
    lines = sorted(out.splitlines())
    expected = ["; ".join(["Forked True"] * n) for n in (7, 4, 2)] + ["held"]
    assert lines == sorted(expected * (ranks or 1))


@pytest.mark.parametrize("how", ["sys.exit(0)", "pass", "raise SystemExit"])
def test_a_child_that_exits(program: Program, how: str) -> None:
    """The interpreter's whole end in a child: the parent's pool lives on.

    What only the parent's threads refer to is no leak of the child."""
    out = program(text("alone", f"""
        pool = bp.Pool(comm, root=root, max_staleness_ms=-1)
        bundle = pool.get("quandl")
        array = bundle.close
        pid = os.fork()
        if pid:
            print(os.waitpid(pid, 0)[1], array[0, 0] > 0, pool.get("quandl").num_assets,
                  pool.stats().rank.hits)
        else:
            {how}
    """), ASAN_OPTIONS="detect_leaks=0")
    assert out == "0 True 50 1\n"


@needs_mpi4py
def test_a_child_that_ends_mpi(program: Program) -> None:
    """mpi4py finalises MPI at exit, in a child too, where it hangs: the child ends, the parent goes on."""
    out = program(text("mpi4py", """
        pool = bp.Pool(comm, root=root, max_staleness_ms=-1)
        array = pool.get("quandl").close
        pid = os.fork()
        if pid == 0:
            sys.exit(0)
        print(os.waitpid(pid, 0)[1] != 0, array[0, 0] > 0, pool.get("quandl").num_assets)
    """))
    assert out == "True True 50\n"


def test_multiprocessing(program: Program) -> None:
    """The exception of a worker comes back as itself."""
    out = program(text("alone", """
        import multiprocessing
        pool = bp.Pool(root=root)

        def work(i):
            return pool.get("quandl").num_assets

        with multiprocessing.get_context("fork").Pool(2) as workers:
            try:
                workers.map(work, range(4))
            except bp.Forked as error:
                print("mpirun -n" in str(error), error.name)
        print(pool.get("quandl").num_assets)
        pool.close()
    """))
    assert out == "True BP_EFORKED\n50\n"


def test_interrupted_while_others_do_not_come(program: Program) -> None:
    """Ctrl-C while a pool is created that another rank does not create."""
    out = program(text("alone", """
        import signal, time
        comm = bp.Pool(root=root)
        if comm.rank == 0:
            signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            signal.setitimer(signal.ITIMER_REAL, 0.5)
            bp.Pool(root=root)
        time.sleep(3600)
    """), 2, code=1)
    assert "KeyboardInterrupt" in out
