"""lost_sweep.py FOLDER STAGE : a sweep of a rule of C that a script disturbs; FOLDER is visible to all ranks and to it.

Every rank writes said.K: the exception that the sweep has raised, or "done"; and goes when all have."""

import os
import sys
import time
from pathlib import Path

import bundlepool as bp

folder, stage = Path(sys.argv[1]), sys.argv[2]
rank, ranks = int(os.environ["OMPI_COMM_WORLD_RANK"]), int(os.environ["OMPI_COMM_WORLD_SIZE"])


def say(text: str) -> None:
    draft = folder / f"draft.{rank}"
    draft.write_text(text)
    draft.rename(folder / f"said.{rank}")
    end = time.monotonic() + 15
    while time.monotonic() < end and not all((folder / f"said.{r}").exists() for r in range(ranks)):
        time.sleep(0.01)


try:
    bp.sweep("demo", "sma_cross", {"fast": range(2, 77), "slow": range(77, 477)}, root=str(folder / "bundles"),
             out=str(folder / "hosts.csv"), resume=stage == "resume", progress=False)
except bp.MPIError as error:
    say(f"MPIError {error}\n")
    raise
say("done\n")
