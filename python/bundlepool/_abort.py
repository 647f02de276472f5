"""What keeps a job of several ranks from hanging when an exception ends one of them."""

from __future__ import annotations

import sys

from bundlepool import _core

_installed = False


def install() -> None:
    """After the traceback of an uncaught exception, end the other ranks as well: they would wait for this
    one, in a sweep or at the end of MPI, for ever.

    Once per process: when this package is imported under a launcher, or has initialised MPI. Whoever has
    initialised it, nothing happens in a job of one rank.
    """
    global _installed
    if _installed:
        return
    _installed = True
    before = sys.excepthook

    def hook(kind, value, traceback) -> None:
        before(kind, value, traceback)
        if sys.flags.interactive or hasattr(sys, "ps1"):
            return
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (AttributeError, OSError, ValueError):
                pass  # closed, or None: there is nothing to lose
        _core._abort()

    sys.excepthook = hook
