"""Versions: which state of its data a bundle is."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Version"]


@dataclass(frozen=True, slots=True)
class Version:
    """Identifies one state of a bundle.

    ``computed_hash`` is 64 hex digits over symbols, dates and schema; ``content_hash`` over every value: it
    changes when a price does.
    """

    bundle_name: str
    computed_hash: str
    content_hash: str
    asset_list: list[str]  #: sorted symbols
    date_range: tuple[str, str]  #: ISO, as hashed: earliest start, latest end
    schema_version: str

    def __repr__(self) -> str:
        first, last = self.date_range
        return (f"<bundlepool.Version of {self.bundle_name!r}: {len(self.asset_list)} symbols, "
                f"{first} to {last}, content {self.content_hash[:12]}…>")
