"""bench_readers.py: what bench_readers measures, done with h5py and pandas on the same bundle file.

    bench_readers.py --root DIR --bundle NAME [--repeat K] [--seconds S] [--json]

by h5py: from the file, chunk by chunk, decoded as zipline's reader does; it opens the file once.
by pandas: from frames of sessions by assets that were read before the clock starts, as one holds them in memory.

Each case answers what the case of that name in bench_readers.c answers; what would take too long is done less often.
"""

import argparse
import json
import random
import time

import h5py
import numpy as np
import pandas as pd

SOME_ASSETS, SOME_SESSIONS, WINDOW = 50, 252, 20
FIELDS = ("open", "high", "low", "close", "volume")


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", default="bundles")
    parser.add_argument("--bundle", required=True)
    parser.add_argument("--repeat", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0.2)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


class Bench:
    def __init__(self, asked):
        self.asked = asked

    def sample(self, by, case, metric, unit, value):
        sample = {"bench": "readers", "case": case, "bundle": self.asked.bundle, "by": by, "repeat": self.asked.repeat,
                  "metric": metric, "unit": unit, "value": value}
        if self.asked.json:
            print(json.dumps(sample), flush=True)
        else:
            print(f"readers: {case}  bundle {self.asked.bundle}  by {by}  repeat {self.asked.repeat}  "
                  f"{metric} [{unit}] {value:.6g}", flush=True)

    def calls(self, by, case, ask, questions):
        """Nanoseconds of a call, of those that have an answer."""
        kept = []
        for question in questions:
            try:
                ask(*question)
                kept.append(question)
            except (KeyError, IndexError):
                pass
        begun, calls, took = time.perf_counter(), 0, 0.0
        while took < self.asked.seconds:
            for question in kept:
                ask(*question)
            calls += len(kept)
            took = time.perf_counter() - begun
        self.sample(by, case, "time", "ns", took * 1e9 / calls)

    def runs(self, by, case, run):
        """Nanoseconds of a run; where it makes a table, its bytes per second."""
        begun, runs, took, made = time.perf_counter(), 0, 0.0, None
        while took < self.asked.seconds:
            made = run()
            runs += 1
            took = time.perf_counter() - begun
        self.sample(by, case, "time", "ns", took * 1e9 / runs)
        if isinstance(made, list):
            self.sample(by, case, "rate", "B/s", sum(table.nbytes for table in made) * runs / took)


class File:
    """zipline's way with its HDF5 file."""

    def __init__(self, path):
        self.group = h5py.File(path, "r")["US"]
        self.sids = self.group["index/sid"][:]
        self.days = self.group["index/day"][:]

    def factor(self, field):
        return 1.0 / self.group["data"][field].attrs["scaling_factor"]

    def decode(self, raw, field):
        if field == "volume":
            return raw.astype("float64")
        return np.where(raw == 0, np.nan, raw * self.factor(field))

    def value(self, sid, day):
        row, column = self.sids.searchsorted(sid), self.days.searchsorted(day)
        if self.sids[row] != sid or self.days[column] != day:
            raise KeyError(sid)
        return self.decode(self.group["data/close"][row, column], "close")

    def load(self, fields, first, end, sids):
        rows = self.sids.searchsorted(sids)
        return [np.ascontiguousarray(self.decode(self.group["data"][field][:, first:end][rows].T, field))
                for field in fields]

    def table(self, name):
        table = self.group[f"adjustments/{name}"]
        return pd.DataFrame({column: table[column] for column in table.dtype.names})

    def has(self, name):
        return name in self.group


def adjustments_of(tables, days, sids):
    """load_adjustments, for prices."""
    made = {}
    place = pd.Series(np.arange(len(sids)), index=sids)
    for table in tables:
        kept = table[table.sid.isin(sids) & (table.effective_date >= days[0]) & (table.effective_date <= days[-1])]
        for row, column, ratio in zip(days.searchsorted(kept.effective_date), place[kept.sid], kept.ratio):
            made.setdefault(row, []).append((0, row, column, column, ratio))
    return made


def measure(asked):
    bench, file = Bench(asked), File(f"{asked.root}/{asked.bundle}.h5")
    chance = random.Random(17)
    sids, days = file.sids, file.days
    questions = [(chance.choice(sids), chance.choice(days)) for _ in range(2000)]

    frames = {field: pd.DataFrame(file.load([field], 0, len(days), sids)[0], index=days, columns=sids)
              for field in FIELDS}
    closes, traded = frames["close"], frames["volume"] > 0
    bench.calls("h5py", "value", file.value, questions[:50])
    bench.calls("pandas", "value", lambda sid, day: closes.at[day, sid], questions)

    def last_traded(sid, day):
        seen = traded[sid].loc[:day]
        return seen.index[seen.to_numpy()][-1]
    bench.calls("pandas", "last_traded", last_traded, questions)

    if file.has("assets/symbol_mappings"):
        table = file.group["assets/symbol_mappings"]
        mapping = pd.DataFrame({name: table[name] for name in table.dtype.names})
        mapping["symbol"] = [symbol.decode() if isinstance(symbol, bytes) else symbol for symbol in mapping.symbol]
        symbol_of = dict(zip(mapping.sid, mapping.symbol))
        by_symbol = mapping.set_index("symbol").sort_index()

        def lookup(symbol, day):
            owners = by_symbol.loc[symbol:symbol]
            return owners.sid[owners.start_date <= day].iloc[-1]
        bench.calls("pandas", "lookup", lookup, [(symbol_of[sid], day) for sid, day in questions if sid in symbol_of])

    some, few = sids[:SOME_ASSETS], min(SOME_SESSIONS, len(days))
    bench.runs("h5py", "load", lambda: file.load(["close"], 0, len(days), sids))
    bench.runs("pandas", "load", lambda: [closes.loc[days[0]:days[-1], sids].to_numpy(copy=True)])
    bench.runs("h5py", "load_some", lambda: file.load(FIELDS, 0, few, some))
    bench.runs("pandas", "load_some", lambda: [frames[field].loc[days[0]:days[few - 1], some].to_numpy(copy=True)
                                               for field in FIELDS])
    names = [name for name in ("splits", "mergers", "dividends") if file.has(f"adjustments/{name}")]
    bench.runs("h5py", "load_adjustments", lambda: adjustments_of([file.table(name) for name in names], days, sids))
    held = [file.table(name) for name in names]
    bench.runs("pandas", "load_adjustments", lambda: adjustments_of(held, days, sids))


if __name__ == "__main__":
    measure(options())
