"""Ranks: how many there are, and how to start some for a sweep."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any

__all__ = ["is_first", "num_local_ranks", "num_ranks", "process_start", "sweep", "under_launcher"]

_SIZES = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS")
_STEP = ("OMPI_COMM_", "OMPI_UNIVERSE", "OMPI_MCA_ess", "OMPI_MCA_orte", "PMIX_", "PMI_")
_POLL_S = 0.05
_GRACE_S = 35.0  # for backtests in hand after Ctrl-C: what --grace says, and some
_LAST_S = 10.0  # for the others to end, when one rank has failed


def under_launcher() -> bool:
    """Whether this process was started by mpirun, srun or the like."""
    return any(name in os.environ for name in (*_SIZES, "PMIX_RANK"))


def num_ranks() -> int:
    """Ranks of the job that this process is one of; 1: it was started by itself."""
    for name in _SIZES:
        if os.environ.get(name, "").isdigit():
            return int(os.environ[name])
    return 1


def num_local_ranks() -> int:
    """Ranks of the job on this machine, as far as the launcher tells; else those of the job."""
    for name in ("OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS"):
        if os.environ.get(name, "").isdigit() and int(os.environ[name]) > 0:
            return int(os.environ[name])
    return max(1, num_ranks())


def is_first() -> bool:
    """Whether this process is rank 0 of its job, or the only one."""
    ranks = ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK")
    return next((os.environ[name] == "0" for name in ranks if name in os.environ), True)


def sweep(workers: int, job: tuple[Any, ...], progress: Any) -> Any:
    """A sweep on ranks of its own: this process starts them with mpirun, and waits for them.

    Args:
        workers: how many.
        job: what bundlepool.sweep.run() takes up to the progress: options, Strategy, condition, caches.
        progress: as for bundlepool.sweep(); it is shown by this process.

    Raises:
        TypeError: the strategy cannot be sent to other processes.
        RuntimeError: there is no mpirun, or the ranks have ended without a result; the text has what they
            said.
        KeyboardInterrupt: Ctrl-C, when all ranks have stopped.
        Exception: whatever bundlepool.sweep() has raised there.
    """
    from bundlepool import parcel
    from bundlepool.results import Results
    from bundlepool.sweep import Hooks

    mpirun = shutil.which("mpirun") or shutil.which("mpiexec")
    if mpirun is None:
        raise RuntimeError(f"workers={workers} starts mpirun, and there is none in PATH; install Open MPI")
    data = parcel.pack(job, f"sweep(workers={workers}): the strategy")
    with Hooks(progress) as hooks:  # from here on a signal is noted, and no process is forgotten
        folder = tempfile.mkdtemp(prefix="bundlepool-")
        try:
            path = os.path.join(folder, "job")
            try:
                with open(path, "wb") as file:
                    file.write(data)
            except OSError as error:
                raise OSError(
                    error.errno, f"{error.strerror}; TMPDIR names another folder for temporary files", path
                ) from None
            found = _Ranks(mpirun, workers, folder).run(hooks)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        hooks.end(found)
    return Results(found, job[1])


def process_start(pid: int) -> str | None:
    """When a process has begun, in ticks: with its number it is that process and no other; None: it has
    ended.
    """
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def _environment(folder: str) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_STEP)}
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    environment["PYTHONPATH"] = os.pathsep.join([package, *filter(None, [environment.get("PYTHONPATH")])])
    environment["OMPI_MCA_rmaps_base_oversubscribe"] = "1"  # as many as were asked for
    environment["BUNDLEPOOL_WORKER_FOLDER"] = folder
    environment["BUNDLEPOOL_WORKER_STARTER"] = f"{os.getpid()} {process_start(os.getpid())}"
    return environment


class _Ranks:
    """Processes under mpirun, in a session of their own: Ctrl-C reaches this process alone.

    They look at a file for whether to stop, since a signal may come before they are there. If this process
    is killed, they end by themselves, see bundlepool._worker.
    """

    def __init__(self, mpirun: str, workers: int, folder: str) -> None:
        self._folder = folder
        self._said: list[str] = []
        self._until: float | None = None  # how long they are waited for, after a failure or a signal
        self._process = subprocess.Popen(
            [mpirun, "-n", str(workers), sys.executable, "-m", "bundlepool._worker"],
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            text=True,
            errors="replace",
        )
        self._readers = [
            threading.Thread(target=self._pass_on, args=(stream, name), daemon=True)
            for stream, name in ((self._process.stdout, "stdout"), (self._process.stderr, "stderr"))
        ]
        for reader in self._readers:
            reader.start()

    def _pass_on(self, stream: Any, name: str) -> None:
        for line in stream:
            if name == "stderr":
                self._said = [*self._said[-30:], line]
                if self._has("error") or self._has("stop"):
                    continue  # what the launcher says of it
            try:
                getattr(sys, name).write(line)
            except (AttributeError, OSError, ValueError):
                pass  # there is nobody to read it

    def _path(self, name: str) -> str:
        return os.path.join(self._folder, name)

    def _has(self, name: str) -> bool:
        return os.path.exists(self._path(name))

    def run(self, hooks: Any) -> dict[str, Any]:
        """Wait for them. Returns what was found; at least its ending, if a signal has stopped them."""
        try:
            try:
                self._wait(hooks)
            except Exception:  # of the caller's progress
                self._stop()
                self._wait(None)
                raise
        finally:  # at once after a second Ctrl-C
            self._end()
        stopped = {"ending": "stopped"} if self._has("stop") else {}
        if self._has("error"):
            with open(self._path("error"), "rb") as file:
                raise pickle.load(file)
        if self._has("result"):
            with open(self._path("result"), "rb") as file:
                return {**pickle.load(file), **stopped}
        if stopped:
            return stopped
        said = "".join(self._said).strip()
        raise RuntimeError(
            f"the ranks have ended without a result, with exit code {self._process.returncode}"
            + (f"; they said:\n{said}" if said else "")
        )

    def _stop(self) -> None:
        """Let them write down what they know, and end."""
        if self._until is None:
            self._until = time.monotonic() + _GRACE_S
            with open(self._path("stop"), "wb"):
                pass

    def _wait(self, hooks: Any) -> None:
        while self._process.poll() is None and (self._until is None or time.monotonic() < self._until):
            if hooks is not None:
                self._tell(hooks)
                if not hooks.go_on():
                    self._stop()
            if self._until is None and self._has("error"):
                self._until = time.monotonic() + _LAST_S
            time.sleep(_POLL_S)

    def _tell(self, hooks: Any) -> None:
        try:
            with open(self._path("progress"), encoding="ascii") as file:
                done, total = map(int, file.read().split())
        except FileNotFoundError:
            return  # nothing yet
        hooks.progress(done, total)

    def _end(self) -> None:
        """Nothing is left behind: ranks whose mpirun has ended end, too."""
        for number, seconds in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 3.0)):
            if self._process.poll() is None:
                try:
                    self._process.send_signal(number)
                    self._process.wait(seconds)
                except subprocess.TimeoutExpired:
                    pass
        for reader in self._readers:
            reader.join(2.0)
