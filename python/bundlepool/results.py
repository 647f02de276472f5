"""What a sweep has found."""

from __future__ import annotations

import json
import operator
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Iterator, Mapping, SupportsIndex, overload

from bundlepool import _dates
from bundlepool._text import clean, escape
from bundlepool.arguments import as_keywords
from bundlepool.errors import InvalidArgument
from bundlepool.strategy import Strategy

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Combination", "Failure", "Results"]

_STATUS = ("pending", "done", "skipped", "failed", "elsewhere")  # by the number of an outcome
_DIGITS = (4, 0, 2)  # behind the point, by the kind of a metric: ratio, count, money
_ROWS_SHOWN = 10


@dataclass(frozen=True)
class Combination:
    """One combination of parameters, over one bundle.

    Attributes:
        index: its place in the grid, as in the column index of the CSV.
        bundle: name of the bundle.
        params: parameter → value, as the strategy gets it.
        metrics: metric → value; NaN: undefined. Empty unless it is done.
        status: "done", "failed", "skipped", "pending" (the sweep was stopped), "elsewhere" (of another
            slice).
    """

    index: int
    bundle: str
    params: dict[str, Any]
    metrics: dict[str, float]
    status: str


@dataclass(frozen=True)
class Failure:
    """A combination that has failed: unpacks as (index, params, text).

    Attributes:
        index: its place in the grid.
        params: parameter → value.
        text: why: for an exception its type, its text and where, then its traceback.
        bundle: name of the bundle.
    """

    index: int
    params: dict[str, Any]
    text: str
    bundle: str

    def __iter__(self) -> Iterator[Any]:
        return iter((self.index, self.params, self.text))


class Results:
    """Results of a sweep: a sequence of all combinations of the grid, in order of index, on rank 0.

    ``r[i]`` is the combination with index i, ``r[a:b]`` a list of them; of several bundles, those of the
    first come first. On other ranks there are ``best`` and the attributes below; everything else raises
    RuntimeError there. Results can be pickled.

    Attributes:
        has_all: whether this is rank 0.
        done, failed, skipped: how many combinations; ``resumed``: how many of them were known from a journal.
        num_ranks: on how many ranks it ran.
        seconds: how long the backtests took.
    """

    def __init__(self, found: Mapping[str, Any], strategy: Strategy | None) -> None:
        self._found = dict(found)
        self.done: int = found["done"]
        self.failed: int = found["failed"]
        self.skipped: int = found["skipped"]
        self.resumed: int = found["resumed"]
        self.num_ranks: int = found["num_ranks"]
        self.seconds: float = found["seconds"]
        self.strategy: str = found["strategy"]
        self.has_all = "outcome" in found
        kinds = {p.name: p.kind for p in strategy.parameters} if strategy else {}
        words = {p.name: [value for _, value in p.words] for p in strategy.parameters} if strategy else {}
        self._params = [
            (name, kinds.get(name, kind), words.get(name) or texts)
            for name, kind, texts in found.get("params", ())
        ]
        self._metrics = [(name, more, kind) for name, more, kind, _ in found.get("metrics", ())]
        self._best = self._best_of(found["best"])
        self._outcome = found.get("outcome", b"")
        self._look()

    def _look(self) -> None:
        self._grid = memoryview(self._found.get("grid", b"")).cast("d")
        self._values = memoryview(self._found.get("values", b"")).cast("d")
        self._order = memoryview(self._found.get("order", b"")).cast("Q")

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if not isinstance(value, memoryview)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._look()

    # What they are of ---------------------------------------------------------------------------------------

    @property
    def params(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return tuple(name for name, _, _ in self._params)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics."""
        return tuple(name for name, _, _ in self._metrics)

    @property
    def bundles(self) -> list[dict[str, Any]]:
        """Each bundle as it was tested: name, content_hash, num_assets, num_sessions, first_session (ns) and
        more.
        """
        self._need_all()
        return self._found["bundles"]

    @property
    def objective(self) -> str:
        """By what they are ranked."""
        return self._found["objective"]

    # Combinations -------------------------------------------------------------------------------------------

    def _need_all(self) -> None:
        if not self.has_all:
            raise RuntimeError(
                "all results are on rank 0 only, and this is another rank: ask for them behind "
                "`if r.has_all:`; every rank has r.best, r.done, r.failed, r.skipped and r.resumed"
            )

    def __len__(self) -> int:
        self._need_all()
        return len(self._outcome)

    def __bool__(self) -> bool:
        return True  # counts are results, too

    def _named_params(self, numbers: memoryview) -> dict[str, Any]:
        return {
            name: _value(kind, words, number) for (name, kind, words), number in zip(self._params, numbers)
        }

    def _named_metrics(self, numbers: memoryview) -> dict[str, float]:
        return {name: number for (name, _, _), number in zip(self._metrics, numbers)}

    def _param_values(self, index: int) -> dict[str, Any]:
        first = index * len(self._params)
        return self._named_params(self._grid[first : first + len(self._params)])

    def _metric_values(self, task: int) -> dict[str, float]:
        first = task * self._found["num_values"]
        return self._named_metrics(self._values[first : first + self._found["num_values"]])

    def _best_of(self, best: tuple[int, str, bytes, bytes] | None) -> Combination | None:
        if best is None:
            return None
        index, bundle, params, values = best
        return Combination(
            index,
            bundle,
            self._named_params(memoryview(params).cast("d")),
            self._named_metrics(memoryview(values).cast("d")),
            "done",
        )

    @overload
    def __getitem__(self, i: SupportsIndex) -> Combination:
        ...

    @overload
    def __getitem__(self, i: slice) -> list[Combination]:
        ...

    def __getitem__(self, i: Any) -> Any:
        self._need_all()
        if isinstance(i, slice):
            return [self[task] for task in range(*i.indices(len(self)))]
        try:
            i = operator.index(i)
        except TypeError:
            raise TypeError(
                f"a combination is chosen by its number, several by a slice, not by {i!r}"
            ) from None
        task = i + len(self) if i < 0 else i
        if not 0 <= task < len(self):
            raise IndexError(f"combination {i}: there are {len(self)}, from 0 on")
        index, status = task % self._found["size"], _STATUS[self._outcome[task]]
        metrics = self._metric_values(task) if status == "done" else {}
        return Combination(
            index,
            self.bundles[task // self._found["size"]]["name"],
            self._param_values(index),
            metrics,
            status,
        )

    def __iter__(self) -> Iterator[Combination]:
        self._need_all()
        return (self[i] for i in range(len(self)))

    @property
    def ranked(self) -> list[Combination]:
        """Those that are done and ranked, the best first."""
        self._need_all()
        return [self[task] for task in self._order]

    @property
    def best(self) -> Combination | None:
        """The best one, on every rank; None: nothing is ranked."""
        return self._best

    @property
    def failures(self) -> list[Failure]:
        """Combinations that have failed, and why, in order of index."""
        self._need_all()
        size = self._found["size"]
        return [
            Failure(
                index := task % size,
                self._param_values(index),
                text if "\n" in text else as_keywords(text),  # a traceback is the rule's own text
                self.bundles[task // size]["name"],
            )
            for task, text in self._found["failures"]
        ]

    # Tables -------------------------------------------------------------------------------------------------

    @property
    def table(self) -> np.ndarray:
        """All of it as a NumPy structured array: index, bundle (where there are several), status, parameters,
        metrics.
        """
        numpy = _dates.numpy()
        self._need_all()
        size, several = self._found["size"], self._found["several"]
        names = [bundle["name"] for bundle in self.bundles]
        fields: list[tuple[str, Any]] = [("bundle", f"U{max(map(len, names))}")] if several else []
        fields += [("index", "i8"), ("status", "U9")]
        grid = numpy.frombuffer(self._grid, dtype=float).reshape(size, len(self._params))
        fields += [
            (name, _dtype(kind, words, column)) for (name, kind, words), column in zip(self._params, grid.T)
        ]
        fields += [(name, "f8") for name, _, _ in self._metrics]
        table = numpy.zeros(len(self), dtype=fields)
        outcome = numpy.frombuffer(self._outcome, dtype=numpy.uint8)
        tasks = numpy.arange(len(self))
        if several:
            table["bundle"] = numpy.array(names)[tasks // size]
        table["index"] = tasks % size
        table["status"] = numpy.array(_STATUS)[outcome]
        for i, (name, kind, words) in enumerate(self._params):
            column = grid[tasks % size, i]
            table[name] = numpy.array(words)[column.astype(int)] if kind == "word" else column
        values = numpy.frombuffer(self._values, dtype=float).reshape(len(self), self._found["num_values"])
        done = outcome == 1
        for i, (name, _, _) in enumerate(self._metrics):
            table[name] = numpy.where(done, values[:, i], numpy.nan)
        return table

    def to_pandas(self) -> Any:
        """All of it as a pandas.DataFrame, a row for each combination."""
        pandas = _dates.pandas()
        table = self.table
        frame = pandas.DataFrame({name: table[name] for name in table.dtype.names or ()})
        return frame.set_index(["bundle", "index"] if self._found["several"] else "index")

    # For people ---------------------------------------------------------------------------------------------

    def _head(self) -> list[str]:
        return [*(["bundle"] if self._found["several"] else []), "index", *self.params, *self.metrics]

    def _cells(self, c: Combination) -> list[str]:
        shown = [f"{c.metrics[name]:.{_DIGITS[kind]}f}" for name, _, kind in self._metrics]
        return [
            *([c.bundle] if self._found["several"] else []),
            str(c.index),
            *(clean(str(value)) for value in c.params.values()),
            *shown,
        ]

    def _counts(self) -> str:
        text = f"{self.done} done, {self.skipped} skipped, {self.failed} failed"
        return text + (f", {self.resumed} of them resumed" if self.resumed else "")

    def _best_text(self) -> str:
        if self._best is None:
            return "nothing is ranked"
        parts = [_params_text(self._best.params)] if self._best.params else []
        parts += [f"over {self._best.bundle}"] if self._found["several"] else []
        parts += [
            f"{name} {self._best.metrics[name]:.{_DIGITS[kind]}f}"
            for name, _, kind in self._metrics
            if name == self.objective
        ]
        return f"best: {', '.join(parts) or f'combination {self._best.index}'}"

    def __repr__(self) -> str:
        if not self.has_all:
            return (
                f"<bundlepool.Results of {self.strategy}: {self._counts()}; {self._best_text()}; "
                "the rows are on rank 0>"
            )
        lines = [f"<bundlepool.Results of {self.strategy}: {self._counts()}; by {self.objective}>"]
        rows = [self._head()] + [self._cells(self[task]) for task in self._order[:_ROWS_SHOWN]]
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines += ["  ".join(cell.rjust(width) for cell, width in zip(row, widths)) for row in rows]
        if len(self._order) > _ROWS_SHOWN:
            lines.append(f"... {len(self._order)} in all")
        return "\n".join(lines)

    def _html_table(self, rows: int) -> str:
        head = "".join(f"<th>{escape(name)}</th>" for name in self._head())
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in self._cells(self[task])) + "</tr>"
            for task in self._order[:rows]
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _repr_html_(self) -> str:
        if not self.has_all:
            return escape(repr(self))
        return (
            f"<p><b>{escape(self.strategy)}</b>: {self._counts()}; by {escape(self.objective)}</p>"
            + self._html_table(_ROWS_SHOWN)
        )

    def report(self, path: str | os.PathLike[str]) -> None:
        """Write one HTML page of all this that needs no other file: the best, a map of two parameters,
        failures. It replaces another page.

        Raises:
            InvalidArgument: something else has that name.
        """
        self._need_all()
        title = f"{self.strategy} over {', '.join(bundle['name'] for bundle in self.bundles)}"
        page = _PAGE.replace("@TITLE@", escape(title)).replace("@COUNTS@", escape(self._counts()))
        page = page.replace("@OBJECTIVE@", escape(self.objective)).replace("@MAP@", self._map())
        page = page.replace("@TABLE@", self._html_table(100)).replace("@FAILURES@", self._failures_html())
        facts = json.dumps(
            {"bundles": self.bundles, "ranks": self.num_ranks, "seconds": self.seconds}, indent=1
        )
        page = page.replace("@FACTS@", escape(facts))
        _write_page(os.fspath(path), page)

    def _failures_html(self) -> str:
        failures = self.failures
        if not failures:
            return ""
        rows = "".join(
            f"<h3>{f.index}: {escape(_params_text(f.params))}</h3><pre>{escape(f.text)}</pre>"
            for f in failures[:20]
        )
        return f"<h2>{self.failed} failed</h2>{rows}"

    def _map(self) -> str:
        """The first two parameters that vary, and the best of each pair."""
        name = self.objective if self.objective in self.metrics else self.metrics[0]
        axes = [
            p for p in self.params if len({self._param_values(i)[p] for i in range(self._found["size"])}) > 1
        ][:2]
        if len(axes) < 2:
            return ""
        more = next(more for metric, more, _ in self._metrics if metric == name)
        best: dict[tuple[Any, Any], float] = {}
        for task in reversed(self._order):
            c = self[task]
            best[c.params[axes[0]], c.params[axes[1]]] = c.metrics[name]
        numbers = [value for value in best.values() if value == value]
        if not numbers:
            return ""
        low, high = min(numbers), max(numbers)
        rows = list(dict.fromkeys(self._param_values(i)[axes[0]] for i in range(self._found["size"])))
        columns = list(dict.fromkeys(self._param_values(i)[axes[1]] for i in range(self._found["size"])))
        head = "".join(f"<th>{escape(str(column))}</th>" for column in columns)
        body = "".join(
            f"<tr><th>{escape(str(row))}</th>"
            + "".join(_map_cell(best.get((row, column)), low, high, more) for column in columns)
            + "</tr>"
            for row in rows
        )
        return (
            f"<h2>{escape(name)}: {escape(axes[0])} down, {escape(axes[1])} across</h2>"
            f"<table class=map><tr><th></th>{head}</tr>{body}</table>"
        )


def _write_page(path: str, page: str) -> None:
    """Replace a page as a whole, and nothing but a page. The temporary file is a new one: a name that was known before
    could be anybody's link."""
    import secrets  # where it is needed, and no earlier

    if os.path.lexists(path) and not _is_page(path):
        raise InvalidArgument(f"report(): {path} is there already, and no page of HTML; name another file")
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name}.{secrets.token_hex(8)}")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with open(fd, "w", encoding="utf-8") as file:
            file.write(page)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _is_page(path: str) -> bool:
    """Whether a file begins as a page does, or is empty."""
    begin = _PAGE.partition("\n")[0]
    if not os.path.isfile(path):
        return False
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read(len(begin)) in ("", begin)


def _map_cell(value: float | None, low: float, high: float, more: bool) -> str:
    if value is None or value != value:
        return "<td></td>"
    share = (value - low) / (high - low) if high > low else 0.5
    share = share if more else 1 - share
    return f'<td style="background:hsl({120 * share:.0f} 60% 75%)">{value:.3f}</td>'


def _params_text(params: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in params.items())


def _value(kind: str, words: list[Any], number: float) -> Any:
    if kind == "word":
        return words[int(number)]
    if kind == "int" or kind == "number" and number == int(number):
        return int(number)
    return number


def _dtype(kind: str, words: list[Any], values: Any) -> Any:
    """The type of a parameter's column: that of what the strategy gets."""
    if kind == "word":
        return "?" if all(isinstance(word, bool) for word in words) else f"U{max(map(len, words))}"
    return "i8" if kind == "int" or kind == "number" and (values == values.round()).all() else "f8"


_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>@TITLE@</title>
<style>
body { font: 14px/1.4 sans-serif; margin: 2em; color: #222 }
table { border-collapse: collapse } td, th { padding: 2px 10px; text-align: right; border-bottom: 1px solid
#ddd } .map td { font-size: 11px; padding: 2px 4px } pre { background: #f6f6f6; padding: 1em; overflow-x: auto
} </style></head><body> <h1>@TITLE@</h1><p>@COUNTS@; by @OBJECTIVE@</p>@MAP@<h2>The
best</h2>@TABLE@@FAILURES@<h2>Facts</h2><pre>@FACTS@</pre> </body></html>
"""
