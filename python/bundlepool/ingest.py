"""Making bundles: ``bundlepool.ingest.csvdir(...)``, ``table``, ``zipline``, ``hdf5``, ``demo``.

Each runs ``bundle ingest`` or ``bundle import`` and takes their options as keywords: ``bundle ingest --help``
lists them, ``--keep-going`` is ``keep_going=True``, ``--date-format F`` is ``date_format=F``. A bundle of
that name that was made of a source, or is a demo, is replaced as a whole, when all of it is ready; anything else
with replace=True only. Whatever is told about the files comes back in the Report, and as one IngestWarning. """

from __future__ import annotations

import os
import warnings
from typing import Any, Iterator, Sequence

from bundlepool import commands
from bundlepool.commands import Message

__all__ = ["IngestWarning", "Report", "csvdir", "demo", "hdf5", "table", "zipline"]

_SHOWN = 10  # lines of a warning


class IngestWarning(UserWarning):
    """What a careful person would find odd about an input; all of it is in the Report."""


class Report(Sequence[Message]):
    """What an ingest, an import or an export did, and what it had to say: a sequence of Message.

    Attributes:
        made: lines such as "bundles/mine.h5: 3 assets, 20 sessions, …", one for each bundle or file.
        complete: False: with keep_going, files with errors were left out.
    """

    def __init__(self, output: str, messages: list[Message], complete: bool = True) -> None:
        self.made = output.splitlines()
        self.complete = complete
        self._messages = list(messages)

    def __len__(self) -> int:
        return len(self._messages)

    def __getitem__(self, place: Any) -> Any:
        return self._messages[place]

    def __iter__(self) -> Iterator[Message]:
        return iter(self._messages)

    @property
    def errors(self) -> list[Message]:
        """Messages of the severity "error"."""
        return [message for message in self if message.severity == "error"]

    @property
    def warnings(self) -> list[Message]:
        """Messages of the severities "heavy" and "warning"."""
        return [message for message in self if message.severity in ("heavy", "warning")]

    def __str__(self) -> str:
        return "\n".join([*self.made, *map(str, self)])

    def __repr__(self) -> str:
        return f"<bundlepool.Report>\n{self}"


def report_of(outcome: commands.Outcome, keep_going: bool = False, level: int = 3) -> Report:
    """The Report of a run; warns of what was told, of the line `level` calls up.

    Raises the run's failure, with the Report as its ``report``."""
    complete = outcome.error is None
    report = Report(outcome.output, outcome.messages, complete)
    if outcome.error is not None and not (keep_going and report.made):
        outcome.error.report = report
        raise outcome.error
    told = [message for message in report if message.severity != "note"]
    lines = [str(outcome.error)] if outcome.error is not None else []
    lines += [str(message) for message in told if outcome.error is None or message.severity != "error"]
    if lines:
        more = len(lines) - _SHOWN
        shown = lines[:_SHOWN] + ([f"… and {more} more in the report"] if more > 0 else [])
        warnings.warn("\n".join(shown), IngestWarning, stacklevel=level)
    return report


def _make(command: str, arguments: list[Any], root: Any, options: dict[str, Any]) -> Report:
    return report_of(commands.run(command, arguments, root, options), options.get("keep_going") is True, 4)


def csvdir(source: str | os.PathLike, name: str, root: str | os.PathLike | None = None,
           **options: Any) -> Report:
    """Make a bundle of a folder of CSV files: daily/SYMBOL.csv and minute/SYMBOL.csv, or what export.csvdir()
    wrote.

    Args:
        source: the folder; a leading ~ is the home folder.
        name: of the bundle: ROOT/NAME.h5; an argument that ends in .h5 is a path.
        root: folder of the bundles; None: $BUNDLEPOOL_ROOT, else ./bundles.
        options: calendar="XNYS", timezone="America/New_York", currency="USD", date_format="DD/MM/YYYY",
            decimal=",", symbols=["AAPL", "IBM"], adjusted=True, splits="ignore", dividends="ignore",
            keep_going=True, replace=True, max_errors=50, threads=4, filter="none".

    Raises:
        FormatError: files have errors, which the text tells with file and line; no bundle was made. With
            keep_going such files are left out, and an IngestWarning says which.
        ReadError, NotFound, InvalidArgument, TypeError (for an option that there is not).
    """
    return _make("ingest", ["csvdir", source, name], root, options)


def table(source: str | os.PathLike, name: str, root: str | os.PathLike | None = None,
          **options: Any) -> Report:
    """Make a bundle of one CSV file with a column for the symbol; otherwise as csvdir()."""
    return _make("ingest", ["table", source, name], root, options)


def zipline(source: str | os.PathLike, name: str, root: str | os.PathLike | None = None,
            **options: Any) -> Report:
    """Make a bundle of one that zipline ingested: a folder such as ~/.zipline/data/quandl, of which the
    newest is taken.

    options: sessions (a file), calendar, currency, symbols, splits, dividends, keep_going, replace, max_errors,
    threads, filter. """
    return _make("import", ["zipline", source, name], root, options)


def hdf5(source: str | os.PathLike, name: str, root: str | os.PathLike | None = None,
         **options: Any) -> Report:
    """Make a bundle of a file in zipline's HDF5 layout; of several countries each becomes a bundle, NAME_US
    and so on.

    options: country, and those of zipline().
    """
    return _make("import", ["hdf5", source, name], root, options)


def demo(name: str, root: str | os.PathLike | None = None, **options: Any) -> Report:
    """Make a bundle of a made-up market, to try things on. It replaces another demo; anything else with
    replace=True only.

    options: assets=50, days=1260, minute=True, minute_days=5, seed=5, filter="none", replace=True.
    """
    return _make("demo", [name], root, options)
