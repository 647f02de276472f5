#!/usr/bin/env python3
"""The backtests of docs/backtest.md, computed a second time and independently of the C code.

usage: reference.py BUNDLE.h5 STRATEGY [--param NAME=A,B,... | --param NAME=FROM:TO[:STEP] ...] --out FILE.csv
                    [options of `optimizer` that change numbers, by the same names]
                    [--equity FILE] [--trades FILE]

Writes the same CSV as `optimizer --out`, and what one combination did to FILE. Slow and plain on purpose: the rules in
the order and with the words of the rule book, in rules_market.py, rules_strategies.py, rules_account.py and
rules_metrics.py. The exact sums of means are sums of whole numbers, where the C code calculates in twice the precision.
Needs numpy and h5py.
"""

import argparse
import csv
import itertools
import math
import re
import sys
from fractions import Fraction

sys.dont_write_bytecode = True  # the folder may be a source tree

import numpy as np

import rules_metrics
import rules_noise    # adds to STRATEGIES
import rules_zipline  # the same
from rules_account import NEVER, Account, Terms
from rules_market import Bundle, Failed, Market, Refused
from rules_strategies import STRATEGIES

DAY = "datetime64[ns]"


# ---- parameters ------------------------------------------------------------------------------------

def decimal(text, kind):
    try:
        value = Fraction(text.strip())
    except (ValueError, ZeroDivisionError):
        raise Refused("not a number: '%s'" % text)
    if kind is int and value.denominator != 1:
        raise Refused("not an integer: '%s'" % text)
    return value


def values_of(text, kind, least):
    """A,B,... or FROM:TO[:STEP]; TO is included if it is on the grid. Decimals are exact until the end."""
    if isinstance(kind, list):
        values = text.split(",")
        unknown = [word for word in values if word not in kind]
        if unknown:
            raise Refused("none of %s: '%s'" % (", ".join(kind), unknown[0]))
        return values
    if ":" in text:
        parts = [decimal(part, kind) for part in text.split(":")]
        if len(parts) not in (2, 3):
            raise Refused("neither A,B,... nor FROM:TO[:STEP]: '%s'" % text)
        a, b, s = (parts + [Fraction(1)])[:3]
        if s <= 0 or b < a:
            raise Refused("empty grid: '%s'" % text)
        values = [a + i * s for i in range(int((b - a) / s) + 1)]
    else:
        values = [decimal(part, kind) for part in text.split(",")]
    values = list(dict.fromkeys(kind(value) for value in values))
    if least is not None and min(values) < least:
        raise Refused("below %d: '%s'" % (least, text))
    return values


def grid_of(strategy, arguments):
    names = [p[0] for p in strategy.parameters]
    given = {}
    for argument in arguments:
        name, equals, text = argument.partition("=")
        if not equals or name in given or name not in names:
            raise Refused("bad parameter: '%s'" % argument)
        given[name] = text
    axes = [values_of(given[name], kind, least) if name in given else [default]
            for name, kind, least, default in strategy.parameters]
    return list(itertools.product(*axes))   # first parameter slowest, last fastest


# ---- options of the account --------------------------------------------------------------------------

def number_of(text, option):
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0.0:
        raise Refused("%s: '%s'" % (option, text))
    return value


def fraction_of(text, option):
    """5bps, 0.05%, or basis points."""
    if text.endswith("%"):
        return number_of(text[:-1], option) / 100
    return number_of(re.sub("bps$", "", text), option) / 10000


def read_slippage(terms, text):
    name, *settings = text.split(",")
    if name != "volume":
        terms.slippage = fraction_of(text, "--slippage")
        return
    values = {"limit": 0.025, "impact": 0.1}
    for setting in settings:
        key, _, value = setting.partition("=")
        if key not in values:
            raise Refused("--slippage: '%s'" % text)
        values[key] = number_of(value, "--slippage")
    terms.volume = values["limit"], values["impact"]


def read_commission(terms, text):
    for part in text.split("+"):
        match = re.match("(.*)/share(?:,min=(.*))?$", part)
        if match:
            terms.each = number_of(match.group(1), "--commission")
            terms.least = number_of(match.group(2) or "0", "--commission")
        elif part.endswith("/order"):
            terms.per_order = number_of(part[:-len("/order")], "--commission")
        else:
            terms.rate = fraction_of(part, "--commission")


def terms_of(args):
    terms = Terms()
    terms.cash = number_of(args.cash, "--cash")
    terms.fill, terms.dividends = args.fill, args.dividends
    terms.fractional, terms.short = args.lots == "fractional", args.short
    terms.leverage = math.inf if args.max_leverage == "none" else number_of(args.max_leverage, "--max-leverage")
    terms.expire = NEVER if args.expire == "never" else int(args.expire)
    read_slippage(terms, args.slippage)
    read_commission(terms, args.commission)
    return terms


def date_of(text):
    try:
        return None if text is None else int(np.datetime64(text, "D").astype(DAY).astype(np.int64))
    except ValueError:
        raise Refused("not a date: '%s'" % text)


def arguments():
    parser = argparse.ArgumentParser(description="The backtests of docs/backtest.md, computed independently.")
    parser.add_argument("bundle")
    parser.add_argument("strategy", choices=list(STRATEGIES))
    parser.add_argument("--param", action="append", default=[])
    for name in ["start", "end", "symbols", "sessions-per-year", "equity", "trades"]:
        parser.add_argument("--" + name)
    parser.add_argument("--cash", default="10000000")
    parser.add_argument("--commission", default="0")
    parser.add_argument("--slippage", default="0")
    parser.add_argument("--fill", choices=["open", "close"], default="open")
    parser.add_argument("--lots", choices=["whole", "fractional"], default="whole")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--max-leverage", default="1")
    parser.add_argument("--expire", default="never")
    parser.add_argument("--dividends", choices=["ex", "pay", "reinvest", "none"], default="ex")
    parser.add_argument("--delisted-after", default="1")
    parser.add_argument("--first-return", action="store_true")
    parser.add_argument("--metrics", default=",".join(rules_metrics.DEFAULTS))
    parser.add_argument("--out", required=True)
    return parser.parse_args()


# ---- output ------------------------------------------------------------------------------------------

def cell(value):
    if isinstance(value, (int, str)):
        return str(value)
    return "nan" if math.isnan(value) else "%.17g" % value


def write_table(path, header, rows):
    with open(path, "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header] + [[cell(x) for x in row] for row in rows])


def show_run(args, market, record):
    """One combination, to look at."""
    def day(session):
        return str(np.datetime64(market.days[session], "ns").astype("datetime64[D]"))
    if args.equity:
        write_table(args.equity, ["session", "equity"],
                    [(day(market.first + t), e) for t, e in enumerate(record.equity)])
    if args.trades:
        write_table(args.trades, ["session", "symbol", "shares", "price"],
                    [(day(session), *rest) for session, *rest in record.log])


def main():
    args = arguments()
    terms = terms_of(args)
    strategy = STRATEGIES[args.strategy]
    grid = grid_of(strategy, args.param)
    names = [p[0] for p in strategy.parameters]
    chosen = args.metrics.split(",")
    delisted_after = NEVER if args.delisted_after == "never" else int(args.delisted_after)
    market = Market(Bundle(args.bundle), args.symbols, date_of(args.start), date_of(args.end), delisted_after)
    if args.sessions_per_year:
        year = number_of(args.sessions_per_year, "--sessions-per-year")
    else:
        year = 365 if market.weekend_share() >= 0.25 else 252

    rows = []
    for index, values in enumerate(grid):
        cells, status = [""] * len(chosen), "done"
        if strategy.is_skipped(**dict(zip(names, values))):
            status = "skipped"
        else:
            account = Account(market, strategy(market, values), terms)
            try:
                record = account.run()
                metrics = rules_metrics.all_metrics(record, terms.cash, year, args.first_return)
                cells = [metrics[name] for name in chosen]
            except Failed as failure:
                status = "failed"
                print("reference: combination %d has failed: %s" % (index, failure), file=sys.stderr)
            show_run(args, market, account.record)
        rows.append([index, status, *values, *cells])
    write_table(args.out, ["index", "status"] + names + chosen, rows)


if __name__ == "__main__":
    try:
        main()
    except (Refused, OSError, KeyError) as error:
        sys.exit("reference: error: %s" % error)
