"""A rank of a sweep that another process has started: see bundlepool.launch."""

from __future__ import annotations

import os
import pickle
import sys

_AGAIN = 75  # stopped, and can be resumed


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


def main() -> int:
    """Do the job that lies in the folder."""
    from bundlepool import parcel
    from bundlepool.sweep import run

    folder = os.environ.pop("BUNDLEPOOL_WORKER_FOLDER")
    starter = os.getppid()

    def progress(done: int, total: int) -> None:
        if os.getppid() != starter or not os.path.isdir(folder):
            raise KeyboardInterrupt  # nobody waits for it any more
        _write(folder, "progress", f"{done} {total}".encode())

    try:
        with open(os.path.join(folder, "job"), "rb") as file:
            job = parcel.unpack(file.read())
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
