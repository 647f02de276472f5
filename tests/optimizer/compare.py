#!/usr/bin/env python3
"""Compares two CSV files as written by `optimizer --out` and by reference.py.

usage: compare.py A.csv B.csv [--rel 1e-12]

The header, index, status and parameters must be the same text, trades the same number; the other metrics may
differ by the relative error |a - b| / max(|a|, |b|). NaN equals NaN, empty equals empty.
Prints the worst relative error and each row that differs. Exit 0 if the files agree, 1 if not.
"""

import argparse
import csv
import math
import sys

METRICS = ["total_return", "cagr", "sharpe", "sortino", "max_drawdown", "calmar", "trades"]


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
    if header[:2] != ["index", "status"] or header[-len(METRICS):] != METRICS:
        print("not the header of a result file: %s" % ",".join(header))
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
                if name not in METRICS or name == "trades":
                    if x != y:
                        reasons.append("%s: '%s' against '%s'" % (name, x, y))
                    continue
                error = relative_error(x, y)
                if error > worst:
                    worst, worst_at = error, "%s in line %d" % (name, line)
                if not error <= args.rel:
                    reasons.append("%s: %s against %s, relative error %.3g" % (name, x, y, error))
        if reasons:
            differing += 1
            print("line %d (index %s): %s" % (line, a[0] if a else "?", "; ".join(reasons)))

    print("%d rows, worst relative error %.3g%s" % (len(rows_a), worst, " (%s)" % worst_at if worst_at else ""))
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
