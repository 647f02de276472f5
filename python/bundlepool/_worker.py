"""A rank of a sweep that another process has started: see bundlepool.launch."""

from __future__ import annotations

import os
import pickle
import shutil
import sys
import threading
import time

_AGAIN = 75  # stopped, and can be resumed
_WATCH_S = 0.5


def _write(folder: str, name: str, data: bytes) -> None:
    """The file appears as a whole."""
    temporary = os.path.join(folder, f"{name}.{os.getpid()}")
    with open(temporary, "wb") as file:
        file.write(data)
    os.replace(temporary, os.path.join(folder, name))


def _as_bytes(error: BaseException) -> bytes:
    """An exception for the other process, of its own class where that can be."""
    try:
        data = pickle.dumps(error)
        pickle.loads(data)
        return data
    except Exception:
        return pickle.dumps(RuntimeError(f"{type(error).__name__}: {error}"))


def _watch(folder: str, starter: int, start: str, launcher: int) -> None:
    """End this process when nobody waits for it any more: the starter or its mpirun has been killed, or it
    has been told to stop before anything is known. The journal has all that is known.
    """
    from bundlepool.launch import process_start

    def is_there(name: str) -> bool:
        return os.path.exists(os.path.join(folder, name))

    while process_start(starter) == start and os.getppid() == launcher:
        if is_there("stop") and not is_there("progress"):
            break  # nothing has begun
        time.sleep(_WATCH_S)
    for _ in range(3):  # other ranks may write there meanwhile
        if process_start(starter) != start:
            shutil.rmtree(folder, ignore_errors=True)
    os._exit(_AGAIN)


def main() -> int:
    """Do the job that lies in the folder."""
    folder = os.environ.pop("BUNDLEPOOL_WORKER_FOLDER")
    starter, start = os.environ.pop("BUNDLEPOOL_WORKER_STARTER").split()
    arguments = (folder, int(starter), start, os.getppid())
    threading.Thread(target=_watch, args=arguments, daemon=True).start()

    from bundlepool import parcel
    from bundlepool.identity import check_imported
    from bundlepool.sweep import more_of, run

    def progress(done: int, total: int) -> None:
        if os.path.exists(os.path.join(folder, "stop")):
            raise KeyboardInterrupt
        try:
            _write(folder, "progress", f"{done} {total}".encode())
        except OSError:  # such as a full disk: results do not depend on it
            pass

    try:
        with open(os.path.join(folder, "job"), "rb") as file:
            job = parcel.unpack(file.read())
        _, strategy, where, *_ = job
        if strategy is not None:
            check_imported(strategy.call, more_of(where), strategy.identity)
        results = run(*job, progress)
        if results.has_all:
            _write(folder, "result", pickle.dumps(results._found))
    except KeyboardInterrupt:
        return _AGAIN
    except Exception as error:
        if os.path.isdir(folder):
            _write(folder, "error", _as_bytes(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
