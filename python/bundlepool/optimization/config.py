"""OptimizationConfig: the settings of the pool, and of what helpers keep between combinations."""

from __future__ import annotations

import os
import re
from decimal import Decimal, InvalidOperation
from typing import Any, Callable

from bundlepool._config import Config
from bundlepool.errors import InvalidArgument

__all__ = ["OptimizationConfig"]

_MOST_GB = Decimal(2**20)
_YES, _NO = ("true", "1", "yes", "on"), ("false", "0", "no", "off")


def _flag(value: Any, origin: str) -> bool:
    if isinstance(value, str):
        if value.lower() in (*_YES, *_NO):
            return value.lower() in _YES
        raise InvalidArgument(f"{origin}: {value!r} is neither true nor false; use true/false, 1/0, yes/no "
                              "or on/off")
    if isinstance(value, bool) or type(value).__name__ in ("bool", "bool_"):
        return bool(value)
    raise TypeError(f"{origin}: expected True or False, got {type(value).__name__}")


def _gigabytes(value: Any, origin: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (Decimal, int, float, str)):
        raise TypeError(f"{origin}: expected a Decimal or a number of GB, got {type(value).__name__}")
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise InvalidArgument(f"{origin}: {value!r} is not a number of GB; examples: Decimal('2.0'), "
                              "0.5") from None
    if not number.is_finite() or not 0 <= number <= _MOST_GB:
        raise InvalidArgument(f"{origin}: {value} is out of range; allowed are 0 to {_MOST_GB} GB")
    return number


def _bytes(value: Any, origin: str) -> int:
    if isinstance(value, str):
        match = re.fullmatch(r"(\d{1,15})([KMGT]?)", value)
        if not match:
            raise InvalidArgument(f"{origin}: {value!r} is not a number of bytes; examples: 500M, 2G")
        value = int(match[1]) << 10 * " KMGT".index(match[2] or " ")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{origin}: expected a whole number of bytes, got {type(value).__name__}")
    number = int(value)
    if not 0 <= number <= 2**50:
        raise InvalidArgument(f"{origin}: {number} is out of range; allowed are 0 to {2**50} bytes")
    return number


#: Field: how a value is read, and the default.
_CACHES: dict[str, tuple[Callable[[Any, str], Any], Any]] = {
    "enable_caching": (_flag, True),
    "cache_size_gb": (_gigabytes, Decimal("2.0")),
    "enable_history_cache": (_flag, True),
    "cache_size_limit": (_bytes, 200 * 1024 * 1024),
}


class OptimizationConfig(Config):
    """The settings of a pool (see bundlepool.Config), and four more.

    Attributes:
        enable_caching, cache_size_gb: whether ``m.sma`` and its like keep their results between combinations,
            and how much of them a process may keep, a Decimal in GB (2**30 bytes). Switched off, results are
            the same.
        enable_history_cache, cache_size_limit: likewise for windows over adjusted prices, in bytes.

    Each may be set by BUNDLEPOOL_<FIELD> as well. As a mapping it has the fields of a pool only:
    ``Pool(**config)``. """

    __slots__ = ("_caches",)

    def __init__(self, **settings: Any) -> None:
        caches = {}
        for name, (read, default) in _CACHES.items():
            variable = "BUNDLEPOOL_" + name.upper()
            caches[name] = read(os.environ[variable], variable) if variable in os.environ else default
            if name in settings:
                caches[name] = read(settings.pop(name), name)
        object.__setattr__(self, "_caches", caches)
        super().__init__(**settings)

    @classmethod
    def create_default(cls) -> OptimizationConfig:
        """Defaults, and what the environment overrides."""
        return cls()

    def _fields(self) -> list[str]:
        return [*super()._fields(), *_CACHES]

    def __getattr__(self, name: str) -> Any:
        if name in _CACHES:
            return object.__getattribute__(self, "_caches")[name]
        return super().__getattr__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _CACHES:
            self._caches[name] = _CACHES[name][0](value, name)
        else:
            super().__setattr__(name, value)

    def caches(self) -> dict[str, Any]:
        """The four fields that are not the pool's."""
        return dict(self._caches)
