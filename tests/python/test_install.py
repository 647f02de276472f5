"""The package as it is installed: by cmake --install, and by pip from both folders, without a network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import BUILD, PRELOAD, python_command

SOURCE = Path(__file__).resolve().parent.parent.parent

CHECK = """
import os, sys
import bundlepool as bp
from bundlepool import _build
assert os.access(os.path.join(_build.BIN, "bundle"), os.X_OK), _build.BIN
assert bp.load("small", root=sys.argv[1]).close.shape == (5, 1260)
print(os.path.dirname(bp.__file__), _build.BIN)
"""


def run(*command: object, **settings) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **settings)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


def clean_environment(**more: str) -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | more


def test_cmake_install(tmp_path: Path, market: Path) -> None:
    run("cmake", "--install", BUILD, "--prefix", tmp_path / "prefix")
    package = next((tmp_path / "prefix").glob("lib/python*/*-packages/bundlepool"))
    assert not list(package.rglob("__pycache__")) and (package / "py.typed").exists()
    out = run(*python_command(), "-c", CHECK, market, env=clean_environment(PYTHONPATH=str(package.parent)),
              cwd=tmp_path).stdout.split()
    assert out == [str(package), str(tmp_path / "prefix" / "bin")]


@pytest.mark.skipif(bool(PRELOAD), reason="pip builds without a sanitizer")
def test_pip(tmp_path: Path, market: Path) -> None:
    """From the repository, and then from its folder python/, into a fresh environment."""
    if shutil.which("git") is None or not (SOURCE / ".git").exists():
        pytest.skip("not a git checkout")
    source = tmp_path / "source"
    names = run("git", "-C", SOURCE, "ls-files", "-z").stdout.split("\0")
    for name in filter(None, names):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        if (SOURCE / name).is_file():
            shutil.copy2(SOURCE / name, source / name)
    environment = tmp_path / "environment"
    run(sys.executable, "-m", "venv", "--system-site-packages", environment)
    pip = [environment / "bin" / "python", "-m", "pip", "--disable-pip-version-check"]
    for folder in (".", "./python"):
        run(*pip, "install", "--no-index", "--no-build-isolation", folder, cwd=source,
            env=clean_environment())
        out = run(pip[0], "-c", CHECK, market, cwd=tmp_path, env=clean_environment()).stdout
        package, programs = out.split()
        assert Path(package).is_relative_to(environment) and programs == package + "/bin"
        for name in ("bundle", "optimizer"):
            assert run(environment / "bin" / name, "--version", env=clean_environment()).stdout.startswith(name)
        assert subprocess.run([environment / "bin" / "bundle", "info", "no name"]).returncode == 2
        run(*pip, "uninstall", "-y", "bundlepool", env=clean_environment())
    assert {path.name for path in source.iterdir()} - {name.split("/")[0] for name in names} == {"build-pip"}
