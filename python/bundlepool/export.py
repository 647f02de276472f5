"""Writing bundles in forms that other programs read: ``bundlepool.export.csvdir(...)``, ``zipline_hdf5``.

What is written appears as a whole, or not at all; ``ingest`` of it gives the same content_hash.
"""

from __future__ import annotations

import os
from typing import Any

from bundlepool import commands
from bundlepool.ingest import Report, report_of

__all__ = ["csvdir", "zipline_hdf5"]


def csvdir(name: str, folder: str | os.PathLike, root: str | os.PathLike | None = None,
           **options: Any) -> Report:
    """Write a folder of CSV files, daily/SYMBOL.csv and minute/SYMBOL.csv, and beside them what these cannot
    hold.

    Args:
        name: of the bundle: ROOT/NAME.h5; an argument that ends in .h5 is a path.
        folder: to be made; a leading ~ is the home folder.
        root: folder of the bundles; None: $BUNDLEPOOL_ROOT, else ./bundles.
        options: replace=True (what an older export made; anything else is never replaced), threads=4.
    """
    return report_of(commands.run("export", ["csvdir", name, folder], root, options))


def zipline_hdf5(name: str, path: str | os.PathLike, root: str | os.PathLike | None = None,
                 **options: Any) -> Report:
    """Write a file that zipline's HDF5 reader opens: path/NAME.h5, or path itself if it ends in .h5; see
    csvdir()."""
    return report_of(commands.run("export", ["zipline-hdf5", name, path], root, options))
