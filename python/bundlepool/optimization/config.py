"""OptimizationConfig: the settings of the pool, and of what helpers keep between combinations."""

from __future__ import annotations

from typing import Any

from bundlepool._config import Config
from bundlepool.caches import CACHES, from_environment, read

__all__ = ["OptimizationConfig"]


class OptimizationConfig(Config):
    """The settings of a pool (see bundlepool.Config), and four more. These are per process: 16 ranks keep 16
    times as much.

    Attributes:
        enable_caching, cache_size_gb: whether ``m.sma`` and its like keep their results between combinations,
            and how much of them a process may keep, a Decimal in GB (2**30 bytes). Switched off, results are
            the same. Default: on, with 1 GB, or less where an eighth of the memory, shared by all ranks of
            the machine, is less than that; at least 64 MB.
        enable_history_cache, cache_size_limit: likewise for windows over adjusted prices, in bytes. Default:
            on, with 64 MB.

    Each may be set by BUNDLEPOOL_<FIELD> as well. bundlepool.sweep() has the same defaults without a
    configuration. As a mapping it has the fields of a pool only: ``Pool(**config)``.
    """

    __slots__ = ("_caches",)

    def __init__(self, **settings: Any) -> None:
        caches = from_environment()
        caches.update({name: read(name, settings.pop(name)) for name in CACHES if name in settings})
        object.__setattr__(self, "_caches", caches)
        super().__init__(**settings)

    @classmethod
    def create_default(cls) -> OptimizationConfig:
        """Defaults, and what the environment overrides."""
        return cls()

    def _fields(self) -> list[str]:
        return [*super()._fields(), *CACHES]

    def __getattr__(self, name: str) -> Any:
        if name in CACHES:
            caches = object.__getattribute__(self, "_caches")
            return caches[name] if name in caches else CACHES[name][1]()
        return super().__getattr__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in CACHES:
            self._caches[name] = read(name, value)
        else:
            super().__setattr__(name, value)

    def __getstate__(self) -> dict[str, Any]:
        """What is default here may be another number where it arrives: with more ranks on a machine."""
        return {**dict(self), **self._caches}

    def caches(self) -> dict[str, Any]:
        """Those of the four fields that are not the pool's that have been set, here or by the environment."""
        return dict(self._caches)
