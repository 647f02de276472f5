"""Sweeps: every combination of a strategy's parameters over a bundle, on all ranks."""

from __future__ import annotations

import contextlib
import inspect
import itertools
import os
import signal
import sys
import threading
import time
import warnings
from typing import Any, Callable, Mapping

from bundlepool import _core, launch
from bundlepool._text import clean, clean_lines
from bundlepool.arguments import (
    SEARCH,
    as_grid,
    as_keywords,
    bundle_arguments,
    grid_arguments,
    keywords_in_errors,
    option_arguments,
    plain_bundles,
    values_of,
    whole_path,
)
from bundlepool.caches import CACHES, kept_bytes, split_off
from bundlepool.results import Results
from bundlepool.strategy import Strategy, find, is_loading, names_file, strategy_of

__all__ = ["SweepInterrupted", "sweep"]

_AGAIN = 75  # the exit code of what can be resumed, as that of `optimizer`

_ARGUMENTS = (
    "bundle",
    "strategy",
    "grid",
    "where",
    "comm",
    "pool",
    "out",
    "resume",
    "workers",
    "progress",
    "config",
    *CACHES,
)
_TRIED_BEFORE = 1_000_000  # combinations that `where` is asked about before anything begins


class SweepInterrupted(SystemExit):
    """SIGTERM or SIGUSR1 has stopped a sweep, on all ranks. The journal is there; ``resume=True`` goes on.

    It is a SystemExit: a script that does not catch it ends with exit code 75, by which a batch script knows
    that the job is to be started again. ``except Exception`` does not catch it.

    Attributes:
        signal: the number of the signal.
    """

    def __init__(self, number: int = 0) -> None:
        super().__init__(_AGAIN)
        self.signal = number

    def __str__(self) -> str:
        return f"signal {self.signal} has stopped the sweep; resume=True goes on, where there is a journal"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.signal,)


def sweep(
    bundle: Any,
    strategy: Any,
    grid: Mapping[str, Any] | None = None,
    *,
    where: Callable[..., Any] | str | None = None,
    comm: Any = None,
    pool: Any = None,
    out: str | os.PathLike[str] | None = None,
    resume: bool = False,
    workers: int | None = None,
    progress: Any = None,
    config: Any = None,
    **options: Any,
) -> Results:
    """Backtest a strategy with every combination of its parameters, and rank the results.

    Collective: every rank of ``comm`` calls it with equal arguments. A rank waits for the others as Pool()
    does: until none has come for 30 s, or for the seconds of BUNDLEPOOL_PATIENCE. Results are the same for
    any number of ranks, and those of the program ``optimizer``: a file ``out`` is equal to its --out, byte
    for byte.

    Args:
        bundle: name of a bundle, a path that ends in .h5, or a Bundle; a list: one after the other.
        strategy: a function, a class (see bundlepool.strategy), ``"mine.py:rule"``, ``"./mine.so:rule"``, or
            the name of a strategy that is built in.
        grid: parameter → values: a range, a list, an array, a single value, or a text as of ``--param``.
            A parameter that is not in it has its default.
        where: test only combinations for which this is true: a function of parameters, or an expression
            (``"fast < slow"``). The others are skipped.
        comm: an mpi4py communicator; None: all ranks.
        pool: a Pool of the same ranks, so that several sweeps share one load; None: one of its own.
        out: file of all results, CSV; a relative path is one of the folder that is current at the call.
            Beside it a journal is kept: ``out + ".journal"``.
        resume: go on from that journal, if there is one. It is refused if the strategy is another one by now.
        workers: where this is not under mpirun: start so many ranks for this sweep, on this machine.
        progress: None: a bar or lines, on rank 0; False: nothing; or a function of (done, total).
        config: an OptimizationConfig: how much each process keeps between combinations. None: its defaults,
            and what the environment says.
        options: those of ``optimizer``, with _ for -: ``cash=1e7, commission=5, start="2015-01-01",
            short=True``. And those of an OptimizationConfig, which override it, per process:
            ``enable_caching, cache_size_gb, enable_history_cache, cache_size_limit``.

    Returns:
        What was found: all of it on rank 0 (``if r.has_all:``), the counts and ``r.best`` on every rank.

    Raises:
        TypeError: a wrong argument, or a wrong name; the text has one that is near.
        KeyboardInterrupt: Ctrl-C has stopped it on all ranks. The journal is there; ``resume=True`` goes on.
            Or it has ended the wait for other ranks.
        SweepInterrupted: SIGTERM or SIGUSR1 has, where there is no handler for it. It is a SystemExit: a
            script ends with exit code 75.
        bundlepool.PoolTimeout: other ranks have not come; it names them.
        RuntimeError: on several ranks it is called by a strategy, or while another thread sweeps over
            ``comm``.
        bundlepool.Error: as the library says.
    """
    if is_loading():
        raise RuntimeError(
            f"{is_loading()}: it starts a sweep when it is imported; put that behind "
            "if __name__ == '__main__':"
        )
    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 1):
        raise ValueError(f"sweep(): workers is a number from 1 on, not {workers!r}")
    if not isinstance(resume, bool):
        raise TypeError(f"sweep(): resume is True or False, not {resume!r}")
    if pool is not None and not isinstance(pool, _core.Pool):
        raise TypeError(f"sweep(): pool is a bundlepool.Pool, not {pool!r}")
    caches = split_off(options, "sweep")
    kept_bytes(config, caches)  # what is wrong with them is told before anything begins
    grid = as_grid(grid)
    strategy_, named = understand(strategy, grid, where)
    _check_where(where, strategy_, grid)
    of_pool = pool.root if pool is not None else None
    bundle, root = plain_bundles(bundle, "sweep", options.get("root") or of_pool)
    if root is not None:
        options["root"] = root
    arguments = [
        *bundle_arguments(bundle, "sweep"),
        f"--strategy={strategy_.option if strategy_ else named}",
        *grid_arguments(grid, strategy_),
        *option_arguments(options, SEARCH, "sweep", _ARGUMENTS),
    ]
    if isinstance(where, str):
        arguments.append(f"--where={where}")
    if out is not None:
        out = whole_path(out)
        arguments.append(f"--out={out}")
    if resume:
        arguments.append("--resume")
    if workers is not None and launch.num_ranks() == 1 and comm is None and pool is None and workers > 1:
        return launch.sweep(workers, (arguments, strategy_, where, config, caches), progress)
    if workers is not None and launch.num_ranks() != workers:
        ranks = comm.Get_size() if comm is not None else launch.num_ranks()
        if workers != ranks:
            warnings.warn(
                f"sweep(): workers={workers} has no effect here: the sweep runs on {ranks} ranks",
                stacklevel=2,
            )
    return run(arguments, strategy_, where, config, caches, progress, comm, pool)


def understand(strategy: Any, grid: Mapping[str, Any], where: Any = None) -> tuple[Strategy | None, str]:
    """A strategy that is given in any way: of Python, or the name of one of C."""
    if isinstance(strategy, str) or hasattr(strategy, "__fspath__"):
        name = strategy if isinstance(strategy, str) else os.fsdecode(os.fspath(strategy))
        if not names_file(name):
            return None, name
        things, which = find(name)
        if which is None:
            raise LookupError(
                f"{name}: there are several strategies in it; name one of "
                f"{', '.join(thing.__name__ for thing in things)}, as {name}:{things[0].__name__}"
            )
        strategy = things[which]
    given = {name: values_of(values) for name, values in grid.items() if isinstance(name, str)}
    return strategy_of(strategy, given, more_of(where)), ""


def more_of(where: Any) -> dict[str, Any] | None:
    """What belongs to the identity of a search besides its strategy."""
    return {"condition where": where} if callable(where) else None


def run(
    arguments: list[str],
    strategy: Strategy | None,
    where: Any,
    config: Any,
    caches: Mapping[str, Any],
    progress: Any,
    comm: Any = None,
    pool: Any = None,
) -> Results:
    """Search on this rank."""
    description = None
    if strategy:
        check = _check_of(where, strategy) if callable(where) else None
        description = strategy.description(check=check, **kept_bytes(config, caches))
    elif callable(where):
        raise TypeError(
            "sweep(): where is a text, such as 'fast < slow', with a strategy that is not of Python"
        )
    with keywords_in_errors(), Hooks(progress) as hooks, contextlib.ExitStack() as stack:
        if strategy:
            stack.enter_context(strategy.running(more_of(where)))
        found = _core.sweep(comm, arguments, description, pool, hooks)
        hooks.end(found)
    results = Results(found, strategy)
    if results.has_all and results.failed and not results.done:
        warnings.warn(
            f"sweep(): no combination is done, {results.failed} of {len(results)} failed. The first: "
            + clean_lines(results.failures[0].text),
            stacklevel=3,
        )
    return results


# Conditions -------------------------------------------------------------------------------------------------


def _names_of(where: Callable[..., Any], strategy: Strategy) -> list[str] | None:
    """Parameters that a condition asks for; None: all, by keywords."""
    parameters = inspect.signature(where).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    names = [p.name for p in parameters if p.kind is not p.VAR_POSITIONAL]
    for name in names:
        if (
            strategy.parameter(name) is None
            and inspect.signature(where).parameters[name].default is inspect.Parameter.empty
        ):
            raise TypeError(f"where: strategy {strategy.name} has no parameter {name!r}")
    return [name for name in names if strategy.parameter(name) is not None]


def _check_of(where: Callable[..., Any], strategy: Strategy) -> Callable[..., str | None]:
    """A condition as the C part asks it: values in order → None, or why not."""
    wanted = _names_of(where, strategy)
    all_names = [p.name for p in strategy.parameters]
    names = all_names if wanted is None else wanted
    places = [all_names.index(name) for name in names]

    def check(*values: Any) -> str | None:
        return None if where(**{name: values[i] for name, i in zip(names, places)}) else "where does not hold"

    return check


def _check_where(where: Any, strategy: Strategy | None, grid: Mapping[str, Any]) -> None:
    """An exception of a condition comes through as itself, before anything begins."""
    if where is None or isinstance(where, str) or strategy is None:
        return
    if not callable(where):
        raise TypeError(f"sweep(): where is a function or a text, not {where!r}")
    check = _check_of(where, strategy)
    axes = []
    for parameter in strategy.parameters:
        values = values_of(grid[parameter.name]) if parameter.name in grid else [parameter.default]
        if not values or parameter.default is inspect.Parameter.empty and parameter.name not in grid:
            return  # a text, or what is refused in a moment
        axes.append(values)
    for values in itertools.islice(itertools.product(*axes), _TRIED_BEFORE):
        check(*values)


# What rank 0 hears ------------------------------------------------------------------------------------------


class Hooks:
    """What is called between backtests: progress, warnings, and whether to go on.

    Signals. While a sweep runs, signals that Python handles are noted, not handled: an exception in the
    middle of a strategy would be taken for the strategy's own. Between two backtests of this rank they are:
    Ctrl-C, and a signal that would end the process, stop the sweep, and have their effect when all ranks have
    stopped; any other handler is called, and stops it if it raises. A second Ctrl-C interrupts the strategy.
    Before all ranks have come there is nothing to stop: a signal has its effect on this rank, at once.
    """

    _SIGNALS = tuple(
        getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGUSR1") if hasattr(signal, name)
    )

    def __init__(self, progress: Any) -> None:
        self._progress = _progress_of(progress)
        self._before: dict[int, Any] = {}
        self._pending: list[tuple[int, Any]] = []
        self.stopped_by = 0

    def __enter__(self) -> "Hooks":
        if threading.current_thread() is threading.main_thread():
            for number in self._SIGNALS:
                handler = signal.getsignal(number)
                if handler is not None and handler is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *error: Any) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._progress.close()
        if error[0] is None or issubclass(error[0], Exception):
            for number, _ in self._pending:  # what came too late to stop anything has its effect now
                signal.raise_signal(number)

    def _note(self, number: int, frame: Any) -> None:
        if number == signal.SIGINT and (
            self.stopped_by == number or any(n == number for n, _ in self._pending)
        ):
            raise KeyboardInterrupt
        self._pending.append((number, frame))

    def progress(self, done: int, total: int) -> None:
        self._progress.update(done, total)

    def warn(self, text: str) -> None:
        self._progress.clear()
        warnings.warn(as_keywords(clean(text)), stacklevel=4)

    def waiting(self) -> None:
        """The other ranks have not come yet."""
        while self._pending:
            number, frame = self._pending.pop(0)
            handler = self._before[number]
            if callable(handler):
                handler(number, frame)
            else:
                signal.signal(number, signal.SIG_DFL)
                signal.raise_signal(number)

    def go_on(self) -> bool:
        while self._pending:
            number, frame = self._pending.pop(0)
            handler = self._before[number]
            if handler is signal.SIG_DFL or handler is signal.default_int_handler:
                self.stopped_by = number
            else:
                handler(number, frame)
        return self.stopped_by == 0

    def end(self, found: Mapping[str, Any]) -> None:
        """After a search has ended on all ranks: a signal that has stopped it has its effect."""
        self._progress.end(found)
        if found["ending"] != "stopped":
            return
        # none: an exception has stopped a rank
        number = found.get("stopped_by") or self.stopped_by or signal.SIGINT
        self._pending.clear()
        raise KeyboardInterrupt if number == signal.SIGINT else SweepInterrupted(number)


class _Silent:
    def update(self, done: int, total: int) -> None:
        ...

    def clear(self) -> None:
        ...

    def end(self, found: Mapping[str, Any]) -> None:
        ...

    def close(self) -> None:
        ...


class _Called(_Silent):
    """The caller's own function, at most ten times a second."""

    def __init__(self, function: Callable[[int, int], Any]) -> None:
        self._function, self._last, self._next = function, (-1, -1), 0.0

    def update(self, done: int, total: int) -> None:
        if (done, total) != self._last and time.monotonic() >= self._next:
            self._last, self._next = (done, total), time.monotonic() + 0.1
            self._function(done, total)

    def end(self, found: Mapping[str, Any]) -> None:
        if "outcome" in found:
            self._next = 0.0
            self.update(found["done"] + found["failed"], found["total"])


class _Lines(_Silent):
    """A line now and then, on the standard error."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._start = seconds, time.monotonic()
        self._next = self._start + seconds

    def update(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + self._seconds
        left = f", {(now - self._start) / done * (total - done):.0f} s left" if done else ""
        print(f"sweep: {done} of {total}{left}", file=sys.stderr, flush=True)


class _Bar(_Silent):
    """A bar of tqdm."""

    def __init__(self, tqdm: Any) -> None:
        self._tqdm, self._bar, self._first = tqdm, None, 0

    def update(self, done: int, total: int) -> None:
        if self._bar is None:
            self._bar = self._tqdm(total=total, initial=done, unit=" backtests", leave=False)
        elif done != self._bar.n:
            self._bar.update(done - self._bar.n)

    def clear(self) -> None:
        if self._bar is not None:
            self._bar.clear()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def _is_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return type(shell).__name__ == "ZMQInteractiveShell"


def _progress_of(progress: Any) -> _Silent:
    if progress is False:
        return _Silent()
    if callable(progress):
        return _Called(progress)
    if isinstance(progress, (int, float)) and not isinstance(progress, bool):
        return _Lines(float(progress)) if progress > 0 else _Silent()
    if progress is not None and progress is not True:
        raise TypeError(
            f"sweep(): progress is True, False, a number of seconds or a function, not {progress!r}"
        )
    if _is_notebook() or (sys.stderr is not None and sys.stderr.isatty()):
        try:
            from tqdm.auto import tqdm
        except ImportError:
            return _Lines(2.0)
        return _Bar(tqdm)
    return _Lines(10.0)
