"""Builds the package with CMake: `pip install --no-build-isolation .` in the repository, or in this folder.

setup.py of the repository's root runs this file; both leave what they make in build-pip/ of the root.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = ("bundle", "optimizer")
FILES = (*PROGRAMS, "bundle-parser")  # what the package has in its bin/; the last is for the library alone
WORK = ROOT / "build-pip"  # setuptools' own choice, build/, is CMake's


def release() -> str:
    """The release, which is written once: in the public header."""
    text = (ROOT / "include" / "bundlepool" / "version.h").read_text()
    return ".".join(re.findall(r"^#define BP_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)$", text, re.MULTILINE))


class CMakeBuild(build_ext):
    """Lets CMake build the extension and the programs, and puts them into the package."""

    def build_extension(self, ext: Extension) -> None:
        cmake = shutil.which("cmake")
        if cmake is None:
            raise RuntimeError("cmake is missing (Debian: cmake); scripts/setup.sh names all that is needed")
        target = Path(self.get_ext_fullpath(ext.name)).resolve()
        build = WORK / "cmake"
        jobs = str(self.parallel or os.cpu_count() or 1)
        subprocess.run([cmake, "-S", ROOT, "-B", build, "-DBUNDLEPOOL_PYTHON=ON", "-DBUILD_TESTING=OFF",
                        "-DCMAKE_BUILD_TYPE=RelWithDebInfo", f"-DPython3_EXECUTABLE={sys.executable}"],
                       check=True)
        subprocess.run([cmake, "--build", build, "-j", jobs, "--target", "_core", *FILES],
                       check=True)
        (target.parent / "bin").mkdir(parents=True, exist_ok=True)
        shutil.copy2(build / "python" / "bundlepool" / "_core.abi3.so", target)
        for program in FILES:
            shutil.copy2(build / "bin" / program, target.parent / "bin" / program)
        shutil.copy2(build / "python" / "_build_pip.py", target.parent / "_build.py")


WORK.mkdir(exist_ok=True)
os.chdir(ROOT)  # in which paths below are
setup(
    name="bundlepool",
    version=release(),
    description="Market-data bundles, held once per node, for parameter sweeps",
    python_requires=">=3.11",
    install_requires=["numpy"],
    extras_require={"mpi": ["mpi4py>=3.1"], "workers": ["cloudpickle>=2.2"],
                    "all": ["cloudpickle>=2.2", "mpi4py>=3.1", "pandas", "tqdm"]},
    package_dir={"": "python"},
    packages=find_packages("python", include=["bundlepool", "bundlepool.*"]),
    package_data={"bundlepool": ["py.typed", "*.pyi", "**/*.pyi"]},
    entry_points={"console_scripts": [f"{name} = bundlepool._programs:{name}" for name in PROGRAMS]},
    ext_modules=[Extension("bundlepool._core", sources=[], py_limited_api=True)],
    cmdclass={"build_ext": CMakeBuild},
    options={
        "build": {"build_base": str(WORK)},
        "egg_info": {"egg_base": str(WORK)},
        "bdist_wheel": {"py_limited_api": "cp311"},
    },
    zip_safe=False,
)
