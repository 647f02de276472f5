"""Looking into bundles: ``bundlepool.verify(...)``, ``info``, ``diff``, ``sync``, ``bundles``."""

from __future__ import annotations

import dataclasses
import json
import os
from typing import Any, Generic, Iterator, Sequence, TypeVar

from bundlepool import _dates, commands, errors
from bundlepool._text import clean, escape
from bundlepool.ingest import Report, report_of

__all__ = ["Change", "Diff", "Finding", "Findings", "Info", "Synced", "bundles", "diff", "info", "sync",
           "verify"]

_SHOWN = 20  # rows of a repr


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something that is not plausible in a bundle (docs/verify.md explains each kind).

    Attributes:
        kind: such as "split-contradicted".
        sid, symbol: of which asset; None: of none.
        date: day or minute (UTC) in ISO 8601; None: of none. Every function here that takes a date takes it.
        size, unit: how much, and of what.
        weight: how much it may falsify a backtest, in percent of a return; from 5 on it is heavy.
        text: in words.
    """

    kind: str
    sid: int | None
    symbol: str | None
    date: str | None
    size: float | None
    unit: str
    weight: float | None
    heavy: bool
    text: str

    def __str__(self) -> str:
        where = " ".join(str(x) for x in (self.symbol if self.symbol is not None else self.sid, self.date)
                         if x is not None)
        severity = "heavy" if self.heavy else "warning"
        return clean(f"{severity}: {where}{': ' if where else ''}{self.text} [{self.kind}]")


@dataclasses.dataclass(frozen=True)
class Change:
    """A difference between two bundles: kind, such as "value" or "asset-added"; where; old and new as text or
    None."""

    kind: str
    symbol: str | None
    sid: int | None
    date: str | None
    field: str | None
    old: Any
    new: Any


Row = TypeVar("Row")


class _Rows(Sequence[Row], Generic[Row]):
    """Rows that are told in words, and how many there are of each kind."""

    _row: type

    def __init__(self, rows: list[dict[str, Any]], counts: dict[str, int]) -> None:
        names = [field.name for field in dataclasses.fields(self._row)]
        self._rows: list[Row] = [self._row(**{name: row.get(name) for name in names}) for row in rows]
        self.counts: dict[str, int] = dict(counts)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, place: Any) -> Any:
        return self._rows[place]

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    @property
    def total(self) -> int:
        """How many there are in all; len() is how many of them are told in words: see the option max."""
        return sum(self.counts.values())

    def to_pandas(self) -> Any:
        """A DataFrame with a row for each; dates are in UTC."""
        pandas = _dates.pandas()
        names = [field.name for field in dataclasses.fields(self._row)]
        frame = pandas.DataFrame([dataclasses.astuple(row) for row in self._rows], columns=names)
        dates = [_dates.stamp(None if date is None else _dates.ns(date, "date")) for date in frame["date"]]
        frame["date"] = pandas.DatetimeIndex(dates, tz="UTC")
        return frame

    def _cells(self) -> list[list[str]]:
        names = [field.name for field in dataclasses.fields(self._row)]
        return [names] + [["" if x is None else f"{x:g}" if isinstance(x, float) else clean(str(x))
                           for x in dataclasses.astuple(row)] for row in self._rows[:_SHOWN]]

    def _more(self) -> str:
        more = self.total - min(len(self), _SHOWN)
        return f"… and {more} more" if more > 0 else ""

    def _title(self) -> str:
        raise NotImplementedError

    def __repr__(self) -> str:
        if not self._rows:
            return clean(self._title())
        cells = self._cells()
        widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in cells]
        return "\n".join([clean(self._title()), *lines, *filter(None, [self._more()])])

    def _repr_html_(self) -> str:
        head, *rows = self._cells()
        body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
                       for row in rows)
        names = "".join(f"<th>{escape(name)}</th>" for name in head)
        return (f"<p>{escape(self._title())}</p><table><thead><tr>{names}</tr></thead>"
                f"<tbody>{body}</tbody></table><p>{escape(self._more())}</p>")


class Findings(_Rows[Finding]):
    """What verify() found, the heaviest first; empty, and so false, if there is nothing.

    Attributes:
        name, path: of the bundle.
        counts: how many of each kind.
        heavy: how many are heavy: a backtest may be wrong by more than a few percent because of one.
        computed_hash, content_hash: of the bundle.
        source: what it was made from, if it tells: a dict.
    """

    _row = Finding

    def __init__(self, told: dict[str, Any]) -> None:
        super().__init__(told["findings"], told["counts"])
        self.name: str = told["name"]
        self.path: str = told["path"]
        self.heavy: int = told["heavy"]
        self.computed_hash: str = told["computed_hash"]
        self.content_hash: str = told["content_hash"]
        self.source: dict[str, Any] | None = told.get("source")

    @property
    def worst(self) -> Finding | None:
        """The heaviest; None: there is none."""
        return self[0] if len(self) else None

    def _title(self) -> str:
        if self.total == 0:
            return f"{self.path}: good"
        return f"{self.path}: {self.total} finding{'s' if self.total > 1 else ''}, {self.heavy} heavy"


class Diff(_Rows[Change]):
    """What has changed from bundle a to bundle b; empty, and so false, if nothing has.

    Attributes:
        a, b: paths.
        counts: how many of each kind.
        equal: whether nothing has.
    """

    _row = Change

    def __init__(self, told: dict[str, Any]) -> None:
        super().__init__(told["changes"], told["counts"])
        self.a: str = told["a"]
        self.b: str = told["b"]
        self.equal: bool = told["equal"]

    def _title(self) -> str:
        how = "equal" if self.equal else f"{self.total} difference{'s' if self.total > 1 else ''}"
        return f"{self.a} and {self.b}: {how}"


class Info(dict):
    """What is in a bundle: a dict that shows itself as a table."""

    def __repr__(self) -> str:
        rows = [(key, value) for key, value in self.items() if not isinstance(value, (list, dict))]
        width = max((len(key) for key, _ in rows), default=0)
        lines = [clean(f"{key.ljust(width)}  {'' if value is None else value}") for key, value in rows]
        if self.get("coverage"):
            lines.append(f"coverage of {len(self['coverage'])} assets: to_pandas()")
        return "\n".join(lines)

    def to_pandas(self) -> Any:
        """How much of each asset is there, a row for each, indexed by sid. Raises KeyError without
        assets=True."""
        pandas = _dates.pandas()
        if "coverage" not in self:
            raise KeyError("coverage is known after info(name, assets=True)")
        frame = pandas.DataFrame(self["coverage"])
        frame = frame.set_index("sid") if self["coverage"] else frame
        for name in ("first_bar", "last_bar"):
            if name in frame:
                frame[name] = pandas.to_datetime(frame[name], utc=True)
        return frame


class Synced(Report):
    """What sync() did: a Report.

    Attributes:
        action: "none": the source is as it was; "restamped": it was touched, but holds the same; "made".
        name, path: of the bundle.
        source, source_path: what it was made from, and where that is.
        source_state: "same" or "newer".
    """

    def __init__(self, told: dict[str, Any], report: Report) -> None:
        super().__init__("\n".join(report.made), list(report), report.complete)
        self.action: str = told["action"]
        self.name: str = told["name"]
        self.path: str = told["path"]
        self.source: str = told["source"]
        self.source_path: str = told["source_path"]
        self.source_state: str = told["source_state"]
        self.made = [f"{self.path}: {self.action}"]


def _told(outcome: commands.Outcome) -> Any:
    if outcome.error is not None:
        raise outcome.error
    return json.loads(outcome.output)


def verify(name: str, root: str | os.PathLike | None = None, **options: Any) -> Findings:
    """Read all of a bundle, check it, and say what is not plausible in it.

    Args:
        name: ROOT/NAME.h5; an argument that ends in .h5 is a path.
        root: folder of the bundles; None: $BUNDLEPOOL_ROOT, else ./bundles.
        options: strict=True (a finding is a FormatError), max=50 (findings of each kind that are told in
            words, the others are counted), weight=5 (leave out what weighs less), jump, dividend, stale, few,
            minutes (from where on something is told), threads.

    Raises:
        NotFound, FormatError (not a bundle, or a damaged one), ReadError, NoMemory; SystemFailure: the file
        made the program that reads it crash; TypeError: there is no such option.
    """
    findings = Findings(_told(commands.run("verify", [name], root, options, json=True)))
    if options.get("strict") and findings.total:
        error = errors.FormatError(f"{findings._title()}, the worst of them: {findings.worst}")
        error.findings = findings
        raise error
    return findings


def info(name: str, root: str | os.PathLike | None = None, **options: Any) -> Info:
    """Tell what is in a bundle, without reading its bars.

    options: assets=True: also "coverage", a list with a dict for each asset: its first and last bar, how many
    sessions it has and lacks, its events, its minute bars; this reads the closes. For the other arguments and
    errors see verify(). """
    return Info(_told(commands.run("info", [name], root, options, json=True)))


def diff(a: str, b: str, root: str | os.PathLike | None = None, **options: Any) -> Diff:
    """Tell what has changed from bundle a to bundle b: assets, sessions, values, splits, dividends.

    options: max=50: differences of each kind that are told in words. For the rest see verify().
    """
    return Diff(_told(commands.run("diff", [a, b], root, options, json=True)))


def sync(name: str, root: str | os.PathLike | None = None, **options: Any) -> Synced:
    """Make a bundle again, with the options of the first time, if what it was made from has changed.

    options: threads, max_errors. Warns as an ingest does.

    Raises:
        NotFound: there is no such bundle, it does not tell what it was made from, or that is gone.
        FormatError: its source has errors now; the bundle is as it was.
    """
    outcome = commands.run("sync", [name], root, options, json=True)
    report = report_of(dataclasses.replace(outcome, output=""))
    return Synced(json.loads(outcome.output), report)


def bundles(root: str | os.PathLike | None = None) -> list[Info]:
    """The bundles of a folder, the broken ones with what is wrong with them under "error"."""
    return [Info(row) for row in _told(commands.run("list", [], root, {}, json=True))]
