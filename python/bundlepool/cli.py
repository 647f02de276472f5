"""`python3 -m bundlepool`: the program `optimizer`, with strategies of Python as well."""

from __future__ import annotations

import contextlib
import re
import sys
from typing import Any, Sequence

from bundlepool import _core, launch
from bundlepool.strategy import resolve

__all__ = ["main"]

_HELP = """
Strategies of Python:
  python3 -m bundlepool is the program 'optimizer', whose options these are. Here --strategy takes a file
  of Python too: FILE.py:NAME, a function or a class in it, or FILE.py, if there is one strategy in it.
  --list-strategies FILE.py lists them, and --resume goes on only if the strategy, and what it calls in
  files of yours, is what it was. With --json, what they print goes to the standard error.
"""


_INTERRUPTED = 130  # as shells say it of SIGINT

# Where these are given, combinations come from elsewhere, or none is needed.
_WITHOUT_GRID = ("--from", "--results", "--list-strategies", "--list-metrics", "--help", "--version")


def _given(argv: Sequence[str]) -> dict[str, list[str]]:
    """Parameters that options --param name, each with its words, if that is what its values are."""
    given = {}
    for i, argument in enumerate(argv):
        option, _, text = argument.partition("=")
        if option != "--param":
            continue
        if text == "" and i + 1 < len(argv):
            text = argv[i + 1]
        name, _, values = text.partition("=")
        words = values.split(",")
        given[name] = words if all(re.fullmatch("[A-Za-z_][A-Za-z0-9_.-]*", word) for word in words) else []
    return given


def _prints_beside(argv: Sequence[str]) -> contextlib.AbstractContextManager[Any]:
    """With --json, what strategies print is no part of that: it goes to the standard error."""
    as_json = any(len(word) > 3 and "--json".startswith(word) for word in argv)
    return contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext()


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what a command line asks for.

    Args:
        arguments: without the name of the program; None: those of this process.

    Returns:
        The exit code: 0 done, 1 failed, 2 wrong usage, 75 stopped, and can be resumed, 130 interrupted before
        it began.
    """
    argv = list(sys.argv[1:] if arguments is None else arguments)
    given = _given(argv)
    needed = not any(argument.partition("=")[0] in _WITHOUT_GRID for argument in argv)

    interrupted = []

    def strategies(name: str) -> tuple[list[dict[str, Any]], int | None]:
        try:
            return resolve(name, given, needed)
        except ValueError as error:
            if isinstance(error.__cause__, KeyboardInterrupt):
                interrupted.append(error)
            raise

    sys.stdout.flush()
    with _prints_beside(argv):
        code = _core.optimizer(argv, strategies)
    if interrupted:
        return _INTERRUPTED
    if code == 0 and launch.is_first() and any(argument in ("--help", "-h", "help") for argument in argv):
        print(_HELP, end="")
    return code
