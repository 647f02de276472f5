"""The programs `bundle` and `optimizer`, as pip puts them into the PATH of an environment: each becomes the
program that lies inside the package."""

from __future__ import annotations

import os
import sys

from bundlepool import _build

__all__ = ["bundle", "optimizer"]


def _become(name: str) -> None:
    path = os.path.join(_build.BIN, name)
    try:
        os.execv(path, [name, *sys.argv[1:]])
    except OSError as error:
        sys.exit(f"{name}: {path}: {error.strerror}; install the package again")


def bundle() -> None:
    """`bundle ARGUMENTS`"""
    _become("bundle")


def optimizer() -> None:
    """`optimizer ARGUMENTS`"""
    _become("optimizer")
