"""What the tests of the package share: bundles to read, and programs to start on one rank or several."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

BUILD = Path(os.environ["BUNDLEPOOL_TEST_BUILD"])
RUN_MPI = Path(__file__).parent.parent / "support" / "run_mpi.sh"
PRELOAD = os.environ.get("BUNDLEPOOL_TEST_PRELOAD", "")
os.environ.pop("LD_PRELOAD", None)  # for Python only, not for what it starts
PATIENCE = 600 if PRELOAD else 120  # seconds until a program that is started must have ended

SANITIZED = pytest.mark.skipif(bool(PRELOAD), reason="measures, or takes too long with a sanitizer")


def python_command() -> list[str]:
    """How to start Python so that it can load the extension."""
    return (["env", f"LD_PRELOAD={PRELOAD}"] if PRELOAD else []) + [sys.executable]


def make_bundle(root: Path, name: str, *options: str) -> None:
    """A bundle of a made-up market, ROOT/NAME.h5."""
    subprocess.run([BUILD / "bin" / "bundle", "demo", name, "--root", root, *options], check=True,
                   capture_output=True)


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `quandl` (50 assets, 1260 sessions) and `small` (5 assets, minutes as well)."""
    root = tmp_path_factory.mktemp("market")
    make_bundle(root, "quandl")
    make_bundle(root, "small", "--assets", "5", "--minute")
    return root


class Program:
    """Starts Python programs that are given as text, in a folder of their own."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder, self.root = folder, root

    def write(self, text: str) -> Path:
        file = self.folder / "program.py"
        file.write_text(textwrap.dedent(text))
        return file

    def command(self, text: str, ranks: int | None = None) -> list[str]:
        start = [] if ranks is None else [str(RUN_MPI), str(ranks)]
        return [*start, *python_command(), str(self.write(text)), str(self.root)]

    def start(self, text: str, ranks: int | None = None, **environment: str) -> subprocess.Popen[str]:
        # ranks that start late, on a busy machine, are waited for
        environment = {"BUNDLEPOOL_PATIENCE": str(PATIENCE), **environment}
        return subprocess.Popen(self.command(text, ranks), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, env={**os.environ, **environment}, start_new_session=True)

    def end(self, process: subprocess.Popen[str], timeout: float = PATIENCE) -> tuple[int, str, str]:
        """Exit code, what it wrote, and what it wrote to stderr. One that hangs is killed, and fails."""
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            pytest.fail(f"did not end within {timeout} s\n{out}\n{err}")
        return process.returncode, out, err

    def __call__(self, text: str, ranks: int | None = None, code: int = 0, **environment: str) -> str:
        """Run it to its end, which must be with `code`; what it wrote."""
        rc, out, err = self.end(self.start(text, ranks, **environment))
        assert (rc != 0) == (code != 0), f"exit code {rc}\n{out}\n{err}"
        return out if code == 0 else out + err


@pytest.fixture
def program(tmp_path: Path, market: Path) -> Program:
    """Programs whose first argument is the folder of bundles."""
    return Program(tmp_path, market)
