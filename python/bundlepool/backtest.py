"""One backtest, to be looked at: in this process and thread, so that prints and pdb work in a strategy."""

from __future__ import annotations

import contextlib
import os
from typing import Any, Mapping

from bundlepool import _core, _dates
from bundlepool.arguments import (
    RUN,
    as_grid,
    bundle_arguments,
    grid_arguments,
    keywords_in_errors,
    option_arguments,
)
from bundlepool.caches import CACHES, kept_bytes, split_off
from bundlepool.strategy import Strategy
from bundlepool.sweep import understand

__all__ = ["Run", "backtest"]

# Kinds of an entry of the account's ledger, as the C part numbers them.
_ORDER, _FILL, _DELISTING, _UNFILLED, _SPLIT, _DIVIDEND, _REINVEST = range(7)
_KINDS = ("order", "fill", "delisting", "unfilled", "split", "dividend", "reinvestment")
_FIELDS = [
    ("kind", "i8"),
    ("t", "i8"),
    ("asset", "i8"),
    ("order", "i8"),
    ("why", "i8"),
    ("shares", "f8"),
    ("price", "f8"),
    ("commission", "f8"),
    ("slippage", "f8"),
    ("gain", "f8"),
    ("cash", "f8"),
]
_ARGUMENTS = ("bundle", "strategy", "root", "config", *CACHES)


def backtest(
    bundle: Any,
    strategy: Any,
    params: Mapping[str, Any] | None = None,
    /,
    *,
    root: Any = None,
    **params_and_options: Any,
) -> Run:
    """Run a strategy once, over a private copy of a bundle, and keep all that it did.

    Args:
        bundle: name, path that ends in .h5, or a Bundle.
        strategy: a function, a class, or a name, as for sweep().
        params: parameters of the strategy, each with its value; most are given as keywords.
        root: folder of the bundles; None: as the environment says (BUNDLEPOOL_ROOT).
        params_and_options: parameters of the strategy, and options of ``optimizer run`` (``cash=1e7,
            commission=5``) but those that name files. And ``config``, an OptimizationConfig, or its
            ``enable_caching, cache_size_gb, enable_history_cache, cache_size_limit``: how much the process
            keeps of what ``m.sma`` and its like have computed. Where a parameter of the strategy has the name
            of any of these, ``root`` as well, the keyword is the parameter; with the parameter in ``params``
            it is the option.

    Raises:
        TypeError: a name that is neither.
        Exception: whatever the strategy raises, as itself.
        bundlepool.Error: as the library says.
    """
    strategy_, named = understand(strategy, {})
    keywords = params_and_options if root is None else {"root": root, **params_and_options}
    given, options = _split(strategy_, as_grid(params), keywords)
    root = options.pop("root", None)
    kept = kept_bytes(options.pop("config", None), split_off(options, "backtest"))
    if strategy_:
        strategy_, _ = understand(strategy, given)
        others = [*_ARGUMENTS, *(p.name for p in strategy_.parameters)]
    else:
        others = list(_ARGUMENTS)
    chosen = option_arguments(
        options, RUN, "backtest", others
    )  # a wrong name is told before one that is missing
    arguments = [
        "run",
        *bundle_arguments(bundle, "backtest", root),
        f"--strategy={strategy_.option if strategy_ else named}",
        *grid_arguments(given, strategy_),
        *chosen,
    ]
    with keywords_in_errors(), strategy_.running() if strategy_ else contextlib.nullcontext():
        found = _core.backtest(arguments, strategy_.description(**kept) if strategy_ else None)
    return Run(found, first_return=options.get("first_return", False))


def _split(
    strategy: Strategy | None, params: Mapping[str, Any], keywords: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters of the strategy, all of them, and options."""
    more, options = {}, {}
    for name, value in keywords.items():
        if name not in params and _is_param(strategy, name):
            more[name] = value
        elif name in params and not _is_option(name):
            raise TypeError(f"backtest(): {name} is given twice, in params and as a keyword")
        else:
            options[name] = value
    return {**params, **as_grid(more)}, options


def _is_param(strategy: Strategy | None, name: str) -> bool:
    """Whether a keyword is a parameter of the strategy: of one of C, whatever is no option."""
    return not _is_option(name) if strategy is None else strategy.parameter(name) is not None


def _is_option(name: str) -> bool:
    if name in _ARGUMENTS:
        return True
    try:
        option_arguments({name: None}, RUN, "backtest")
    except TypeError:
        return False
    return True


def _pandas() -> Any:
    try:
        return _dates.pandas()
    except ImportError:
        return None


class Run:
    """What one backtest did.

    Tables are pandas' where that is there: a DatetimeIndex in UTC, of the midnights that name the sessions;
    else NumPy structured arrays with a field ``session``. Each is a copy of its own, and may be changed. A
    Run can be pickled.

    Attributes:
        metrics: metric → value; NaN: undefined.
        params: parameter → value, as the strategy got it.
        strategy, bundle, content_hash: what was tested, and over what.
    """

    def __init__(self, story: Mapping[str, Any], first_return: bool = False) -> None:
        self._story = story
        self.metrics: dict[str, float] = story["metrics"]
        self.params: dict[str, Any] = story["params"]
        self.strategy: str = story["strategy"]
        self.bundle: str = story["bundle"]
        self.content_hash: str = story["content_hash"]
        self._symbols = _distinct(story["assets"])
        self._first_return = first_return

    # Series -------------------------------------------------------------------------------------------------

    @property
    def sessions(self) -> Any:
        """The sessions of the range: datetime64[ns] [session]."""
        return self._of("sessions", "M8[ns]")

    def _of(self, name: str, dtype: Any = float) -> Any:
        return _dates.numpy().frombuffer(self._story[name], dtype=dtype).copy()

    def _series(self, name: str, values: Any, sessions: Any) -> Any:
        pandas = _pandas()
        if pandas is not None:
            index = pandas.DatetimeIndex(sessions, tz="UTC", name="session")
            return pandas.Series(values, index=index, name=name)
        return self._structured({"session": sessions, name: values})

    def _structured(self, columns: Mapping[str, Any]) -> Any:
        arrays = {name: _dates.numpy().asarray(values) for name, values in columns.items()}
        table = _dates.numpy().zeros(
            len(arrays["session"]), dtype=[(name, array.dtype) for name, array in arrays.items()]
        )
        for name, array in arrays.items():
            table[name] = array
        return table

    @property
    def equity(self) -> Any:
        """Cash and positions after each close, in money: float64 [session]."""
        return self._series("equity", self._of("equity"), self.sessions)

    @property
    def returns(self) -> Any:
        """Returns from close to close, those that the metrics are of: one less than there are sessions.

        With ``first_return=True`` that of the first session is there too.
        """
        equity = self._of("equity")
        returns = equity[1:] / equity[:-1] - 1
        if self._first_return:
            returns = _dates.numpy().concatenate(([equity[0] / self._story["start_cash"] - 1], returns))
        return self._series("returns", returns, self.sessions[-len(returns) :])

    def _held(self) -> tuple[Any, Any, Any]:
        shape = (len(self.sessions), len(self._symbols))
        shares, marks = self._of("shares").reshape(shape), self._of("marks").reshape(shape)
        held = _dates.numpy().flatnonzero((shares != 0).any(axis=0))
        return held, shares[:, held], marks[:, held]

    @property
    def shares(self) -> Any:
        """Shares that were held after each close: a column for each asset that was ever held."""
        held, shares, _ = self._held()
        return self._frame(held, shares)

    @property
    def positions(self) -> Any:
        """What was held after each close, in money: a column for each asset ever held, and ``cash``."""
        held, shares, marks = self._held()
        worth = _dates.numpy().where(shares == 0, 0.0, shares * marks)
        return self._frame(held, worth, cash=self._of("cash"))

    def _frame(self, held: Any, values: Any, **more: Any) -> Any:
        columns = {self._symbols[asset]: values[:, i] for i, asset in enumerate(held)}
        pandas = _pandas()
        if pandas is not None:
            index = pandas.DatetimeIndex(self.sessions, tz="UTC", name="session")
            return pandas.DataFrame({**columns, **more}, index=index)
        return self._structured({"session": self.sessions, **columns, **more})

    # Entries ------------------------------------------------------------------------------------------------

    def _rows(self, kinds: tuple[int, ...], columns: Mapping[str, str]) -> Any:
        np = _dates.numpy()
        entries = self._of("entries", _FIELDS)
        rows = entries[np.isin(entries["kind"], kinds)]
        symbols = np.array(self._symbols or [""])
        sids = np.array([sid for _, sid in self._story["assets"]] or [0], dtype="i8")
        table = {
            "session": self.sessions[rows["t"]],
            "symbol": symbols[rows["asset"]],
            "sid": sids[rows["asset"]],
        }
        for name, field in columns.items():
            table[name] = rows[field]
        if "kind" in table:
            table["kind"] = np.array(_KINDS)[rows["kind"]]
        if "why" in table:
            table["why"] = np.array([*self._story["why"], ""])[rows["why"]]
        pandas = _pandas()
        if pandas is None:
            return self._structured(table)
        index = pandas.DatetimeIndex(table.pop("session"), tz="UTC", name="session")
        return pandas.DataFrame(table, index=index)

    @property
    def trades(self) -> Any:
        """Fills, and sales at delistings: amount in shares (below 0: sold), price with slippage, costs in
        money, and ``gain`` of the part that closed a position."""
        return self._rows(
            (_FILL, _DELISTING),
            {
                "amount": "shares",
                "price": "price",
                "commission": "commission",
                "slippage": "slippage",
                "gain": "gain",
                "order": "order",
                "kind": "kind",
            },
        )

    @property
    def orders(self) -> Any:
        """Orders as they were given: after the close of a session, with the last price then."""
        return self._rows((_ORDER,), {"amount": "shares", "price": "price", "order": "order"})

    @property
    def unfilled(self) -> Any:
        """Orders, and parts of orders, that were not filled, and why."""
        return self._rows((_UNFILLED,), {"amount": "shares", "order": "order", "why": "why"})

    @property
    def adjustments(self) -> Any:
        """Splits, dividends and reinvestments of what was held: shares, and how the cash changed."""
        return self._rows(
            (_SPLIT, _DIVIDEND, _REINVEST),
            {"amount": "shares", "price": "price", "cash": "cash", "kind": "kind"},
        )

    def __repr__(self) -> str:
        params = ", ".join(f"{name}={value!r}" for name, value in self.params.items())
        shown = ", ".join(
            f"{name} {self.metrics[name]:.4g}"
            for name in ("total_return", "sharpe", "max_drawdown", "trades")
        )
        return f"<bundlepool.Run of {self.strategy}({params}) over {self.bundle}: {shown}>"


def _distinct(assets: list[tuple[str, int]]) -> list[str]:
    """Symbols; of several assets with one symbol, with the sid behind it."""
    count: dict[str, int] = {}
    for symbol, _ in assets:
        count[symbol] = count.get(symbol, 0) + 1
    return [symbol if count[symbol] == 1 else f"{symbol}#{sid}" for symbol, sid in assets]
