"""Calls of all ranks that not all ranks make: nobody waits for ever, and Ctrl-C ends a wait."""

from __future__ import annotations

import importlib.util
import shutil
import textwrap
import time

import pytest
from conftest import PRELOAD, Program

needs_mpi4py = pytest.mark.skipif(importlib.util.find_spec("mpi4py") is None,
                                  reason="mpi4py is missing (Debian: python3-mpi4py)")
pytestmark = pytest.mark.skipif(shutil.which("mpirun") is None,
                                reason="mpirun is missing (Debian: openmpi-bin)")

LONG = 240.0 if PRELOAD else 60.0  # seconds in which ranks come that are on their way
PROMPT = 3.0 if PRELOAD else 1.0  # seconds that a signal may take on a machine that has other things to do

BEFORE = {"mpi4py": "from mpi4py import MPI\ncomm = MPI.COMM_WORLD\n", "alone": "comm = None\n"}
AFTER = f"""
import sys, os, time
os.environ["BUNDLEPOOL_ROOT"] = sys.argv[1]
import bundlepool as bp
import bundlepool.pool as module
from bundlepool.optimization.bundle_pool import get_bundle_from_pool
rank = int(os.environ.get("OMPI_COMM_WORLD_RANK", "0"))
LONG = {LONG}

def rule(m, k=5):
    return m.close > m.sma(k)

def sweep(comm=None):
    return bp.sweep("small", rule, {{"k": [5, 10]}}, comm=comm, progress=False).done

CALLS = {{"sweep": sweep, "pool": lambda comm=None: bp.Pool(comm).size,
         "default": lambda comm=None: get_bundle_from_pool("small").num_assets}}

def attempt(call, comm=None):
    try:
        return str(call(comm))
    except Exception as error:
        return f"{{type(error).__name__}} {{error}}"

def say(*words):
    os.write(1, (f"{{rank}}: " + "; ".join(map(str, words)) + "\\n").encode())
"""


def text(begin: str, body: str, **names: str) -> str:
    return BEFORE[begin] + "".join(f"{k} = {v!r}\n" for k, v in names.items()) + AFTER + textwrap.dedent(body)


@needs_mpi4py
@pytest.mark.parametrize("call", ["sweep", "default"])
def test_one_rank_comes_too_late(program: Program, call: str) -> None:
    """The others give up and name it; it hears of that when it comes; when all come, all is well."""
    out = program(text("mpi4py", """
        module.PATIENCE = 1.0
        if rank != 1:
            said = [attempt(CALLS[call])]
            comm.send("gave up", dest=1)
        else:
            for other in (0, 2):
                comm.recv(source=other)
            said = [attempt(CALLS[call])]
        module.PATIENCE = LONG
        comm.Barrier()
        say(*said, attempt(CALLS[call]))
    """, call=call), 3)
    lines = sorted(out.splitlines())
    what = "a sweep" if call == "sweep" else "creating a pool"
    good = "2" if call == "sweep" else "5"
    for i in (0, 2):
        assert lines[i].startswith(f"{i}: PoolTimeout {what}: rank 1 of 3 has not come within 1 s; it is collective")
    assert lines[1].startswith(f"1: PoolTimeout {what}: this rank came too late")
    assert all("BUNDLEPOOL_PATIENCE" in line and line.endswith(f"; {good}") for line in lines)


@needs_mpi4py
@pytest.mark.parametrize("end", ["sys.exit(0)", "raise LookupError('before it came')"])
def test_a_rank_has_ended(program: Program, end: str) -> None:
    """By an exception before the package is imported, or for no reason at all, with MPI of mpi4py."""
    begin = time.monotonic()
    out = program(f"""
        import os, sys
        from mpi4py import MPI
        if MPI.COMM_WORLD.rank == 1:
            {end}
        import bundlepool as bp
        bp.sweep("small", lambda m, k=5: m.close > m.sma(k), {{"k": [5]}}, root=sys.argv[1], progress=False)
    """, 3, code=1, BUNDLEPOOL_PATIENCE="2")
    assert "rank 1 of 3 has not come within 2 s" in out and time.monotonic() - begin < LONG


@pytest.mark.skipif(bool(PRELOAD), reason="its times are too short for a sanitizer")
def test_a_rank_never_touches_mpi(program: Program) -> None:
    """MPI_Init_thread itself would wait for ever."""
    out = program(text("alone", """
        if rank == 0:
            sweep()
        time.sleep(3600)
    """), 2, code=1, BUNDLEPOOL_PATIENCE="2")
    assert "PoolTimeout" in out and "some have not called it" in out and "BUNDLEPOOL_PATIENCE" in out


@pytest.mark.parametrize("begin, call", [
    pytest.param("mpi4py", "sweep", marks=needs_mpi4py), pytest.param("mpi4py", "pool", marks=needs_mpi4py),
    ("alone", "sweep"), ("alone", "default"),
])
def test_interrupted(program: Program, begin: str, call: str) -> None:
    """Ctrl-C while the others have not come: in MPI_Init_thread, or in the call."""
    out = program(text(begin, """
        import signal, threading
        if rank == 0:
            def interrupt():
                global sent
                sent = time.monotonic()
                os.kill(os.getpid(), signal.SIGINT)

            threading.Timer(0.5, interrupt).start()
            try:
                CALLS[call]()
            except KeyboardInterrupt:
                say(f"interrupted {time.monotonic() - sent:.3f}")
            handler = signal.getsignal(signal.SIGINT)
            assert handler is signal.default_int_handler
            os._exit(1)  # which ends the others
        time.sleep(3600)
    """, call=call), 2, code=1)
    seconds = [float(line.split()[-1]) for line in out.splitlines() if "interrupted" in line]
    assert len(seconds) == 1 and seconds[0] < PROMPT


def test_other_signals_while_waiting(program: Program) -> None:
    """A handler that raises ends the wait; SIGTERM, which nobody handles, ends the process."""
    out = program(text("alone", """
        import signal
        module.PATIENCE = LONG
        if rank == 0:
            class Enough(Exception):
                pass

            def handler(number, frame):
                raise Enough

            signal.signal(signal.SIGUSR1, handler)
            signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGUSR1))
            signal.setitimer(signal.ITIMER_REAL, 0.5)
            try:
                sweep()
            except Enough:
                say("enough", signal.getsignal(signal.SIGUSR1) is handler)
            signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGTERM))
            signal.setitimer(signal.ITIMER_REAL, 0.5)
            sweep()
            say("it lives")
        time.sleep(3600)
    """), 2, code=1)
    assert "0: enough; True" in out and "it lives" not in out and "Terminated" in out


def test_a_signal_of_another_rank(program: Program) -> None:
    """While a sweep runs it stops all ranks, as one of rank 0 does; what is done is in the journal."""
    out = program(text("alone", """
        import signal
        if rank == 1:
            os.environ["ONCE"] = "yes"

        def slow(m, k=5):
            if os.environ.pop("ONCE", ""):
                signal.raise_signal(signal.SIGINT)
            time.sleep(0.02)
            return m.close > m.sma(k)

        for resume in (False, True):
            try:
                r = bp.sweep("small", slow, {"k": range(2, 302)}, out=out, resume=resume, progress=False)
                say(r.done)
            except KeyboardInterrupt:
                say("interrupted")
    """, out=str(program.folder / "out.csv")), 3)
    lines = out.splitlines()
    assert sorted(lines) == sorted(f"{rank}: {said}" for rank in range(3) for said in ("interrupted", "300"))


@needs_mpi4py
def test_ranks_come_one_after_the_other(program: Program) -> None:
    """The time begins anew with each that comes: all of them take longer than the time there is for one."""
    out = program(text("mpi4py", """
        module.PATIENCE = 4.0
        comm.Barrier()
        begin = time.monotonic()
        time.sleep(2.5 * rank)
        said = attempt(sweep)
        say(said, time.monotonic() - begin > module.PATIENCE)
    """), 3)
    assert sorted(out.splitlines()) == [f"{rank}: 2; True" for rank in range(3)]


@needs_mpi4py
def test_sub_communicators(program: Program) -> None:
    """Two at once; one of which a rank does not come to, and which is freed with that rank's sign missing."""
    out = program(text("mpi4py", """
        half = comm.Split(rank % 2)
        both = attempt(sweep, half)
        said = [both]
        for i in range(3):
            own = half.Dup()
            module.PATIENCE = 0.2
            if rank == 1:
                said.append(attempt(CALLS["pool"], own))
            own.Free()
        module.PATIENCE = LONG
        comm.Barrier()
        say(*said, attempt(CALLS["pool"], half), attempt(sweep))
    """), 4)
    lines = sorted(out.splitlines())
    assert [lines[i] for i in (0, 2, 3)] == [f"{i}: 2; 2; 2" for i in (0, 2, 3)]
    assert lines[1].startswith("1: 2; PoolTimeout") and lines[1].endswith("; 2; 2")
    assert lines[1].count("rank 1 of 2 (rank 3 of the job) has not come within 0.2 s") == 3


@needs_mpi4py
def test_ranks_make_different_calls(program: Program) -> None:
    out = program(text("mpi4py", """
        module.PATIENCE = LONG
        say(attempt(CALLS["pool"] if rank == 1 else sweep), attempt(sweep))
    """), 3)
    lines = out.splitlines()
    assert len(lines) == 3 and all(line.endswith("; 2") for line in lines)
    assert all("InvalidArgument the ranks do not begin the same" in line for line in lines)


@pytest.mark.parametrize("value", ["0", "-1", "soon", "nan"])
def test_patience_that_is_none(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import bundlepool as bp
    from bundlepool import pool

    assert pool.patience() == 30.0
    monkeypatch.setenv("BUNDLEPOOL_PATIENCE", value)
    with pytest.raises(bp.InvalidArgument, match="BUNDLEPOOL_PATIENCE.*number of seconds above 0"):
        pool.patience()
    monkeypatch.setattr(pool, "PATIENCE", float("inf"))
    assert pool.patience() == float("inf")


# Calls that the others could not come to -------------------------------------------------------------------

NESTED = """
import threading

def nested(m, k=5):
    if k == 10:
        CALLS[call]()
    return m.close > m.sma(k)

def in_thread():
    raised = []

    def run():
        try:
            sweep()
        except Exception as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]

CALLS["thread"] = in_thread
CALLS["close"] = lambda: kept[0].close()
kept = [bp.Pool() if call == "close" else None]
r = bp.sweep("small", nested, {"k": [5, 10, 15]}, pool=kept[0], out=out, progress=False)
say(r.done, r.failed)
if r.has_all:
    say(*(text for _, params, text in r.failures))
"""


@pytest.mark.parametrize("call, told", [
    ("sweep", "a sweep inside a strategy"), ("pool", "creating a pool inside a strategy"),
    ("default", "creating a pool inside a strategy"), ("close", "close() of a pool inside a strategy"),
    ("thread", "one at a time per rank"),
])
def test_inside_a_rule(program: Program, call: str, told: str) -> None:
    """That combination fails, at once and with its traceback in the journal; the others are done."""
    out = program(text("alone", "module.PATIENCE = 3600" + NESTED, call=call, out=str(program.folder / "out.csv")), 3)
    assert out.count(": 2; 1\n") == 3 and "RuntimeError: " in out and told in out
    journal = (program.folder / "out.csv.journal").read_bytes()
    assert told.encode() in journal and b"Traceback" in journal


@pytest.mark.parametrize("call", ["sweep", "pool", "default", "thread"])
def test_inside_a_rule_of_one_rank(program: Program, call: str) -> None:
    assert program(text("alone", NESTED, call=call, out=str(program.folder / "out.csv"))) == "0: 3; 0\n0: \n"


@needs_mpi4py
def test_what_a_rule_may_do(program: Program) -> None:
    """Whatever needs no other rank."""
    out = program(text("mpi4py", """
        def nested(m, k=5):
            assert bp.load("small").num_assets == 5
            assert bp.backtest("small", rule, k=k).metrics["trades"] >= 0
            assert sweep(MPI.COMM_SELF) == 2
            bp.Pool(MPI.COMM_SELF).close()
            return m.close > m.sma(k)

        r = bp.sweep("small", nested, {"k": range(5, 12)}, progress=False)
        say(r.done, *(r.failures if r.has_all else ()))
    """), 3)
    assert sorted(out.splitlines()) == [f"{rank}: 7" for rank in range(3)]


@needs_mpi4py
def test_sweeps_in_threads(program: Program) -> None:
    """Each over a communicator of its own."""
    out = program(text("mpi4py", """
        import threading
        own, said = [comm.Dup() for _ in range(3)], [None] * 3

        def run(i):
            said[i] = attempt(sweep, own[i])

        threads = [threading.Thread(target=run, args=(i,)) for i in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        say(*said)
    """), 3)
    assert sorted(out.splitlines()) == [f"{rank}: 2; 2; 2" for rank in range(3)]
