"""`python3 -m bundlepool`: the program `optimizer`, with strategies of Python as well."""

from __future__ import annotations

import sys
from typing import Sequence

from bundlepool import _core
from bundlepool.strategy import resolve

__all__ = ["main"]

_HELP = """
Strategies of Python:
  python3 -m bundlepool is the program 'optimizer', whose options these are. Here --strategy takes a Python file too:
  FILE.py:NAME, a function or a class in it, or FILE.py, if there is one strategy in it. --list-strategies FILE.py lists
  them, and --resume goes on only if the strategy, and what it calls in files of yours, is what it was.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what a command line asks for.

    Args:
        arguments: without the name of the program; None: those of this process.

    Returns:
        The exit code: 0 done, 1 failed, 2 wrong usage, 75 stopped, and can be resumed.
    """
    argv = list(sys.argv[1:] if arguments is None else arguments)
    sys.stdout.flush()
    code = _core.optimizer(argv, resolve)
    if code == 0 and any(argument in ("--help", "-h", "help") for argument in argv):
        print(_HELP, end="")
    return code
