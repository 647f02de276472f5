"""How much a process keeps between combinations: switches and bounds, and where they come from."""

from __future__ import annotations

import functools
import os
import re
from decimal import Decimal, InvalidOperation
from typing import Any, Callable, Mapping

from bundlepool import _core, launch
from bundlepool.errors import InvalidArgument

__all__ = ["CACHES", "default_bytes", "from_environment", "kept_bytes", "read", "split_off"]

_MOST_GB = Decimal(2**20)
_GB = 2**30
_LEAST_PANELS, _MOST_PANELS = 2**26, 2**30
_WINDOWS = 2**26
_YES, _NO = ("true", "1", "yes", "on"), ("false", "0", "no", "off")


def _flag(value: Any, origin: str) -> bool:
    if isinstance(value, str):
        if value.lower() in (*_YES, *_NO):
            return value.lower() in _YES
        raise InvalidArgument(
            f"{origin}: {value!r} is neither true nor false; use true/false, 1/0, yes/no or on/off"
        )
    if isinstance(value, bool) or type(value).__name__ in ("bool", "bool_"):
        return bool(value)
    raise TypeError(f"{origin}: expected True or False, got {type(value).__name__}")


def _gigabytes(value: Any, origin: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (Decimal, int, float, str)):
        raise TypeError(f"{origin}: expected a Decimal or a number of GB, got {type(value).__name__}")
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise InvalidArgument(
            f"{origin}: {value!r} is not a number of GB; examples: Decimal('2.0'), 0.5"
        ) from None
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


@functools.lru_cache(maxsize=1)
def default_bytes() -> int:
    """How much of panels this process keeps if nobody says: 64 MiB to 1 GiB, and all ranks of this machine
    together at most an eighth of the memory that they may use: the machine's, the cgroup's or Slurm's.
    """
    share = _core.memory_limit() // 8 // launch.num_local_ranks()
    return max(_LEAST_PANELS, min(_MOST_PANELS, share >> 20 << 20))


#: Field: how a value is read, and the default.
CACHES: dict[str, tuple[Callable[[Any, str], Any], Callable[[], Any]]] = {
    "enable_caching": (_flag, lambda: True),
    "cache_size_gb": (_gigabytes, lambda: Decimal(default_bytes()) / _GB),
    "enable_history_cache": (_flag, lambda: True),
    "cache_size_limit": (_bytes, lambda: _WINDOWS),
}


def read(name: str, value: Any, origin: str | None = None) -> Any:
    """A value of a field, checked. Raises TypeError or InvalidArgument, which name the origin."""
    return CACHES[name][0](value, origin or name)


def from_environment() -> dict[str, Any]:
    """The fields that the environment sets, by BUNDLEPOOL_<FIELD>."""
    variables = {name: "BUNDLEPOOL_" + name.upper() for name in CACHES}
    return {
        name: read(name, os.environ[variable], variable)
        for name, variable in variables.items()
        if variable in os.environ
    }


def split_off(options: dict[str, Any], caller: str) -> dict[str, Any]:
    """Take the fields out of keywords of a caller such as "sweep"; None is as if it was not given."""
    given = {name: options.pop(name) for name in CACHES if name in options}
    return {
        name: read(name, value, f"{caller}(): {name}") for name, value in given.items() if value is not None
    }


def kept_bytes(config: Any = None, given: Mapping[str, Any] = {}) -> dict[str, int]:
    """Bounds in bytes for a strategy's description.

    Args:
        config: an OptimizationConfig; None: what the environment says, and defaults.
        given: fields that override it.

    Raises:
        TypeError: config is something else.
    """
    if config is None:
        config = from_environment()
    elif callable(getattr(config, "caches", None)):
        config = config.caches()
    else:
        raise TypeError(f"config: expected an OptimizationConfig, got {type(config).__name__}")
    fields = {**config, **given}
    value = {name: fields[name] if name in fields else default() for name, (_, default) in CACHES.items()}
    return {
        "panel_bytes": int(value["cache_size_gb"] * _GB) if value["enable_caching"] else 0,
        "window_bytes": value["cache_size_limit"] if value["enable_history_cache"] else 0,
    }
