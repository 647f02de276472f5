"""`pip install --no-build-isolation .`: the package for Python, see python/setup.py."""

import runpy
from pathlib import Path

runpy.run_path(str(Path(__file__).resolve().parent / "python" / "setup.py"))
