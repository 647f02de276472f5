"""Settings: ``bundlepool.Config``, those of a pool."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bundlepool import _core

__all__ = ["Config"]


class Config(Mapping):
    """The settings of a pool: defaults, then the environment, then what is given; checked whenever one is
    set.

    Attributes are the fields of ``bp_config`` (docs/guide.md explains them): enable_bundle_pooling,
    max_bundle_pool_size, pool_memory (bytes; "2G" is understood), max_staleness_ms, load_timeout_ms,
    room_timeout_ms, ranks_per_node, transfer, log_level, log_format, root, link_timeout_ms, verify_transfer,
    numa. For each the environment may have BUNDLEPOOL_<FIELD>; RUSTYBT_ENABLE_BUNDLE_POOLING and
    RUSTYBT_MAX_BUNDLE_POOL_SIZE are read as well.

    A mapping of these fields: ``Pool(comm, **config)``.

    Raises:
        InvalidArgument: a value, or a variable of the environment, cannot be read or is out of range.
        TypeError: there is no such field, or a value is of the wrong type; AttributeError where it is set.
    """

    __slots__ = ("_values",)

    def __init__(self, **settings: Any) -> None:
        object.__setattr__(self, "_values", _core.config(**settings))

    def __getattr__(self, name: str) -> Any:
        try:
            return object.__getattribute__(self, "_values")[name]
        except KeyError:
            raise AttributeError(f"{type(self).__name__} has no field {name!r}; there are: "
                                 f"{', '.join(self._fields())}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._values:
            self._refuse(name)
        object.__setattr__(self, "_values", _core.config(**{**self._values, name: value}))

    def _fields(self) -> list[str]:
        return list(self._values)

    def _refuse(self, name: str) -> None:
        from bundlepool.commands import near  # where it is needed, and no earlier

        raise AttributeError(f"{type(self).__name__} has no field {name!r}; {near(name, self._fields())}")

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.__getstate__() == self.__getstate__()

    __hash__ = None  # its fields can be set

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._fields()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{x}={getattr(self, x)!r}' for x in self._fields())})"

    def should_use_bundle_pool(self) -> bool:
        """Whether gets go through the pool."""
        return self._values["enable_bundle_pooling"]
