"""Whether a strategy looks ahead: it is run again on data that ends earlier, and must have said the same
until there.
"""

from __future__ import annotations

import contextlib
import datetime
import os
from dataclasses import dataclass
from typing import Any, Mapping

from bundlepool import _core
from bundlepool.arguments import (
    RUN,
    as_grid,
    bundle_arguments,
    grid_arguments,
    keywords_in_errors,
    option_arguments,
)
from bundlepool.caches import CACHES, kept_bytes, split_off
from bundlepool.sweep import understand

__all__ = ["Lookahead", "check_lookahead"]

_ARGUMENTS = ("params", "cuts", "seed", "root", "config", *CACHES)


@dataclass(frozen=True)
class Lookahead:
    """What a check of one combination has found.

    Attributes:
        looks_ahead: whether its past has changed with later data.
        session: the first session at which it has, as YYYY-MM-DD; None: nowhere.
        asset: symbol of the first asset of that session; None: none in particular.
        text: all of it as a sentence.
        index: of the combination in the grid.
        params: the combination as a text.
        bundle: name of the bundle.
        cuts: runs on data that was cut; failed: further ones in which it failed, which tell nothing.
    """

    looks_ahead: bool
    session: str | None
    asset: str | None
    text: str
    index: int
    params: str
    bundle: str
    cuts: int
    failed: int

    def __bool__(self) -> bool:
        return self.looks_ahead


def _day(ns: int) -> str:
    return (datetime.date(1970, 1, 1) + datetime.timedelta(days=ns // 86_400_000_000_000)).isoformat()


def _made_of(strategy: str, told: Mapping[str, Any]) -> Lookahead:
    head = f"{strategy}, combination {told['index']}" + (f" ({told['text']})" if told["text"] else "")
    if told["found"]:
        asset = f" asset {told['asset']}" if told["asset"] else ""
        text = (
            f"{head}: at {_day(told['session'])}{asset}, known at the close of {_day(told['known'])} it says "
            f"{told['early']!r}, with later data {told['late']!r}"
        )
    elif told["cuts"] == 0:
        text = f"{head}: cannot be told, it failed on all data that was cut: {told['why']}"
    else:
        text = f"{head}: none in {told['cuts']} runs on data that was cut"
        if told["failed"]:
            text += f"; it failed in {told['failed']} more: {told['why']}"
    return Lookahead(
        told["found"],
        _day(told["session"]) if told["found"] else None,
        told["asset"],
        text,
        told["index"],
        told["text"],
        told["bundle"],
        told["cuts"],
        told["failed"],
    )


def check_lookahead(
    bundle: Any,
    strategy: Any,
    params: Mapping[str, Any] | None = None,
    *,
    cuts: int = 50,
    seed: int = 1,
    root: str | os.PathLike[str] | None = None,
    config: Any = None,
    **options: Any,
) -> list[Lookahead]:
    """Check the first combinations, at most ten of each bundle. In this process, without MPI.

    Args:
        bundle, strategy: as for sweep().
        params: values of parameters, or a grid.
        cuts: how many ends of the data are tried: half of them where the strategy says something.
        seed: which ones.
        root: folder of the bundles; None: as the environment says.
        config: an OptimizationConfig, as for sweep().
        options: of the account and the range, as for backtest(), and ``enable_caching, cache_size_gb,
            enable_history_cache, cache_size_limit``.

    Raises:
        Exception: whatever the strategy raises with all data there.
    """
    kept = kept_bytes(config, split_off(options, "check_lookahead"))
    grid = as_grid(params)
    strategy_, named = understand(strategy, grid)
    arguments = [
        *bundle_arguments(bundle, "check_lookahead", root),
        f"--strategy={strategy_.option if strategy_ else named}",
        *grid_arguments(grid, strategy_),
        f"--lookahead-cuts={cuts}",
        f"--lookahead-seed={seed}",
        *option_arguments(options, RUN, "check_lookahead", _ARGUMENTS),
    ]
    with keywords_in_errors(), strategy_.running() if strategy_ else contextlib.nullcontext():
        told = _core.check_lookahead(arguments, strategy_.description(**kept) if strategy_ else None)
    return [_made_of(strategy_.name if strategy_ else named, one) for one in told]
