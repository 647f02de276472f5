#!/usr/bin/env python3
"""Compares two CSV files as written by `optimizer --out` and by reference.py.

usage: compare.py A.csv B.csv [--rel 1e-12]

Header, index and status must be the same text, parameters the same values, counts the same numbers; other metrics may
differ by the relative error |a - b| / max(|a|, |b|). NaN equals NaN, empty equals empty.
Prints the worst relative error and each row that differs. Exit 0 if the files agree, 1 if not.
"""

import argparse
import csv
import math
import sys

COUNTS = {"trades", "longest_drawdown"}
METRICS = COUNTS | {"total_return", "cagr", "sharpe", "sortino", "max_drawdown", "calmar", "win_rate", "volatility",
                    "profit_factor", "average_trade", "exposure", "turnover", "tail_ratio", "skew", "kurtosis",
                    "costs_paid"}


def relative_error(a, b):
    """Of two cells; infinite where one has a number and the other none."""
    if a == b:
        return 0.0
    try:
        x, y = float(a), float(b)
    except ValueError:
        return math.inf
    if x == y or (math.isnan(x) and math.isnan(y)):
        return 0.0
    if not (math.isfinite(x) and math.isfinite(y)):
        return math.inf
    return abs(x - y) / max(abs(x), abs(y))


def read(path):
    with open(path, newline="") as file:
        rows = list(csv.reader(file))
    if not rows:
        sys.exit("compare: %s is empty" % path)
    return rows[0], rows[1:]


def tolerance_of(name, rel):
    """None: the text itself."""
    if name in ("index", "status"):
        return None
    return rel if name in METRICS and name not in COUNTS else 0.0


def main():
    parser = argparse.ArgumentParser(description="Compare two result files of the optimizer.")
    parser.add_argument("a")
    parser.add_argument("b")
    parser.add_argument("--rel", type=float, default=1e-12)
    args = parser.parse_args()

    header, rows_a = read(args.a)
    header_b, rows_b = read(args.b)
    if header != header_b:
        print("headers differ:\n  %s\n  %s" % (",".join(header), ",".join(header_b)))
        return 1
    if header[:2] != ["index", "status"] or not METRICS & set(header) or not rows_a:
        print("not a result file: %s, %d rows" % (",".join(header), len(rows_a)))
        return 1

    differing = 0
    if len(rows_a) != len(rows_b):
        print("%d rows against %d" % (len(rows_a), len(rows_b)))
        differing += 1

    worst, worst_at = 0.0, ""
    for line, (a, b) in enumerate(zip(rows_a, rows_b), 2):
        reasons = []
        if len(a) != len(header) or len(b) != len(header):
            reasons.append("not %d cells" % len(header))
        else:
            for name, x, y in zip(header, a, b):
                tolerance, error = tolerance_of(name, args.rel), relative_error(x, y)
                if tolerance is None:
                    error, tolerance = 0.0 if x == y else math.inf, 0.0
                elif tolerance > 0.0 and error > worst:
                    worst, worst_at = error, "%s in line %d" % (name, line)
                if not error <= tolerance:
                    reasons.append("%s: '%s' against '%s', relative error %.3g" % (name, x, y, error))
        if reasons:
            differing += 1
            print("line %d (index %s): %s" % (line, a[0] if a else "?", "; ".join(reasons)))

    print("%d rows, worst relative error %.3g%s" % (len(rows_a), worst, " (%s)" % worst_at if worst_at else ""))
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
