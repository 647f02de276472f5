"""ParallelOptimizer: a grid search by the name of rustybt's guide."""

from __future__ import annotations

import os
from typing import Any, Callable, Mapping, Sequence

from bundlepool import _core, _dates
from bundlepool.optimization.config import OptimizationConfig

__all__ = ["ParallelOptimizer"]


class ParallelOptimizer:
    """Runs a strategy with each combination of parameters; a face of bundlepool.sweep().

    Args:
        strategy_class: a class with ``decide(self, view, orders)``, a function, or what else sweep() takes.
        bundle_name: of the bundle.
        num_workers: processes that share one copy of the bundle, started for each search; None: as many as
            this process may use processors. Under ``mpirun`` the ranks are the workers, however many are
            asked for.
        config: settings of the pool and of the caches; None: OptimizationConfig.create_default().
        options: more of sweep(), such as cash=1e7, out="results.csv".
    """

    def __init__(self, strategy_class: Callable[..., Any] | str, bundle_name: str,
                 num_workers: int | None = None, config: OptimizationConfig | None = None,
                 **options: Any) -> None:
        if num_workers is not None and _dates.index(num_workers, "num_workers") < 1:
            raise ValueError(f"num_workers: {num_workers} is not a number from 1 on")
        if config is not None and not isinstance(config, OptimizationConfig):
            raise TypeError(f"config: expected an OptimizationConfig, got {type(config).__name__}")
        self.strategy_class = strategy_class
        self.bundle_name = bundle_name
        self.num_workers = len(os.sched_getaffinity(0)) if num_workers is None else num_workers
        self.config = OptimizationConfig.create_default() if config is None else config
        self.options = options

    def _settings(self) -> dict[str, str]:
        """What the configuration changes, as options of sweep()."""
        usual = _core.config()
        texts = {True: "true", False: "false"}
        return {name: texts[value] if isinstance(value, bool) else str(value)
                for name, value in self.config.items() if value != usual[name]}

    def run_grid_search(self, param_grid: Mapping[str, Sequence[Any]]) -> Any:
        """Run all combinations of a grid ``{"fast": [5, 10], "slow": range(20, 201, 20)}``.

        Returns:
            What sweep() returns: bundlepool.Results, complete on rank 0; every rank has ``best``.
        """
        from bundlepool import launch  # where they are needed, and no earlier
        from bundlepool.sweep import sweep

        workers = None if launch.num_ranks() > 1 else self.num_workers
        return sweep(self.bundle_name, self.strategy_class, param_grid, workers=workers, config=self.config,
                     **{**self._settings(), **self.options})
