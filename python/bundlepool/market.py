"""What a strategy is given.

``Market`` is the first argument of a function: arrays [asset][session], and helpers that are exact and kept
between combinations. ``View`` and ``Orders`` are those of a class's ``decide(self, view, orders)``. They can
be used while the strategy is called, and raise RuntimeError afterwards; arrays stay valid.
"""

from bundlepool._core import Market, Orders, View

__all__ = ["Market", "Orders", "View"]
