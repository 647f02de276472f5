"""beside_zipline.py LIBRARY FOLDER BUNDLE... : the readers of libbundlepool beside zipline's rules, written out here over
what h5py reads from the same files. Every daily value is compared, everything else at random and at the edges.

The library is called by ctypes, as any other program would call it. Exit status: 0, or 1 after what differs.
"""

import ctypes as c
import random
import sys

import h5py
import numpy as np

FIELDS = ("open", "high", "low", "close", "volume")
OK, ENOSID, BEFORE, ON, AFTER, ENOSYMBOL, AMBIGUOUS = 0, 14, 15, 16, 17, 19, 20
MISSING = -2**63
PARTS = "./-_"
DAY = 86400 * 10**9


class Adjustment(c.Structure):
    _fields_ = [(name, c.c_int64) for name in ("row", "first_row", "last_row", "first_col", "last_col")] + [
        ("value", c.c_double), ("kind", c.c_uint32), ("reserved", c.c_uint32)]


class Dividend(c.Structure):
    _fields_ = [(name, c.c_int64) for name in ("sid", "ex_date", "declared_date", "record_date", "pay_date")] + [
        ("amount", c.c_double)]


class Differs(Exception):
    pass


def same(ours, theirs, what):
    equal = np.array_equal(ours, theirs, equal_nan=True) if isinstance(ours, np.ndarray) else (
        ours == theirs or (isinstance(ours, float) and np.isnan(ours) and np.isnan(theirs)))
    if not equal:
        raise Differs(f"{what}: {ours}, by zipline's rules {theirs}")


def int64s(values):
    return (c.c_int64 * len(values))(*[int(value) for value in values])


class Readers:
    """Ours."""

    def __init__(self, library, folder, name):
        self.lib, self.bundle, self.reader = library, c.c_void_p(), c.c_void_p()
        library.bp_error_text.restype = c.c_char_p
        for name_of_function in ("bp_reader_first_session", "bp_reader_last_session"):
            getattr(library, name_of_function).restype = c.c_int64
        self.must(library.bp_bundle_load(folder.encode(), name.encode(), c.byref(self.bundle)))
        self.must(library.bp_reader_create(self.bundle, c.byref(self.reader)))

    def close(self):
        self.lib.bp_reader_destroy(c.byref(self.reader))
        self.lib.bp_bundle_release(c.byref(self.bundle))

    def must(self, status):
        if status != OK:
            raise Differs(self.lib.bp_error_text().decode())

    def value(self, sid, day, field):
        value = c.c_double()
        status = self.lib.bp_reader_daily_value(self.reader, c.c_int64(sid), c.c_int64(day), field, c.byref(value))
        return status if status != OK else value.value

    def last_traded(self, sid, time):
        day = c.c_int64()
        self.must(self.lib.bp_reader_daily_last_traded(self.reader, c.c_int64(sid), c.c_int64(time), c.byref(day)))
        return day.value

    def load(self, fields, start, end, sids, rows):
        tables = [np.full((rows, len(sids)), -3.0) for _ in fields]
        out = (c.POINTER(c.c_double) * len(fields))(*[t.ctypes.data_as(c.POINTER(c.c_double)) for t in tables])
        self.must(self.lib.bp_reader_daily_load(self.reader, (c.c_int * len(fields))(*fields), c.c_size_t(len(fields)),
                                                c.c_int64(start), c.c_int64(end), int64s(sids), c.c_size_t(len(sids)),
                                                out, c.c_size_t(0)))
        return tables

    def lookup(self, symbol, day, fuzzy):
        sid = c.c_int64()
        status = self.lib.bp_reader_lookup_symbol(self.reader, symbol.encode(), c.c_int64(day), int(fuzzy), c.byref(sid))
        return (status, sid.value if status == OK else None)

    def lifetimes(self, dates, sids, include_start):
        alive = np.zeros((len(dates), len(sids)), dtype=bool)
        self.must(self.lib.bp_reader_lifetimes(self.reader, int64s(dates), c.c_size_t(len(dates)), int64s(sids),
                                               c.c_size_t(len(sids)), c.c_bool(include_start),
                                               alive.ctypes.data_as(c.c_void_p)))
        return alive

    def adjustments(self, dates, sids, field, kinds):
        count, room = c.c_size_t(), 100000
        out = (Adjustment * room)()
        self.must(self.lib.bp_reader_load_adjustments(self.reader, int64s(dates), c.c_size_t(len(dates)), int64s(sids),
                                                      c.c_size_t(len(sids)), field, kinds, out, c.c_size_t(room),
                                                      c.byref(count)))
        made = {}
        for a in out[:count.value]:
            made.setdefault(a.row, []).append((a.first_row, a.last_row, a.first_col, a.last_col, a.value))
        return made

    def dividends(self, day, sids):
        count, room = c.c_size_t(), 10000
        out = (Dividend * room)()
        self.must(self.lib.bp_reader_dividends(self.reader, c.c_int64(day), c.c_int64(day), int64s(sids),
                                               c.c_size_t(len(sids)), out, c.c_size_t(room), c.byref(count)))
        return sorted((d.sid, d.amount, d.pay_date) for d in out[:count.value])


class Zipline:
    """Its rules, over what is in the file."""

    def __init__(self, path):
        file = h5py.File(path, "r")
        group = next(group for group in file.values() if isinstance(group, h5py.Group) and "index" in group)
        self.group = group
        self.sids, self.days = group["index/sid"][:], group["index/day"][:]
        self.table = {}
        for field in FIELDS:
            raw = group["data"][field][:].astype("float64")
            if field != "volume":
                factor = group["data"][field].attrs["scaling_factor"]
                raw = np.where(raw == 0, np.nan, raw * (1.0 / factor))
            self.table[field] = raw
        self.start, self.end = group["lifetimes/start_date"][:], group["lifetimes/end_date"][:]

    def value(self, sid, day, field):
        rows, places = np.flatnonzero(self.sids == sid), np.flatnonzero(self.days == day)
        if not len(rows):
            return ENOSID
        if not len(places):
            return ON
        value = self.table[field][rows[0], places[0]]
        if np.isnan(value) or (field == "volume" and value == 0):  # of a volume the bcolz reader's rule
            if places[0] < self.start[rows[0]]:
                return BEFORE
            if places[0] > self.end[rows[0]]:
                return AFTER
        return float(value)

    def last_traded(self, sid, time):
        row, until = np.flatnonzero(self.sids == sid)[0], self.days.searchsorted(time, side="right")
        traded = np.flatnonzero(self.table["volume"][row, :until])
        return int(self.days[traded[-1]]) if len(traded) else MISSING

    def load(self, field, first, last, sids):
        return self.table[field][self.sids.searchsorted(sids)][:, first:last + 1].T

    def rows_of(self, name):
        table = self.group[name] if name in self.group else None
        return [] if table is None else [dict(zip(table.dtype.names, row)) for row in table[:].tolist()]

    @staticmethod
    def split(symbol):
        symbol = symbol.upper()
        for i, letter in enumerate(symbol):
            if letter in PARTS:
                return symbol[:i], symbol[i + 1:]
        return symbol, ""

    def owners(self):
        """Periods of each company and share class; each ends where the next begins."""
        periods = {}
        for row in self.rows_of("assets/symbol_mappings"):
            symbol = row["symbol"].decode() if isinstance(row["symbol"], bytes) else row["symbol"]
            periods.setdefault(self.split(symbol), []).append((row["start_date"], row["end_date"], row["sid"], symbol))
        for key, owned in periods.items():
            owned.sort()
            ends = [following[0] for following in owned[1:]] + [2**63 - 1]
            periods[key] = [(start, end, sid, symbol) for (start, _, sid, symbol), end in zip(owned, ends)]
        return periods

    def lookup(self, symbol, day):
        owned = self.owners().get(self.split(symbol))
        if not owned:
            return (ENOSYMBOL, None)
        if day == MISSING:
            return (OK, owned[0][2]) if len(owned) == 1 else (AMBIGUOUS, None)
        for start, end, sid, _ in owned:
            if start <= day < end:
                return (OK, sid)
        return (ENOSYMBOL, None)

    def adjustments(self, dates, sids, field, tables):
        made, place, at = {}, {int(sid): i for i, sid in enumerate(sids)}, {int(date): i for i, date in enumerate(dates)}
        for name in tables:
            for row in self.rows_of(f"adjustments/{name}"):
                date = row["effective_date"]
                if row["sid"] not in place or not dates[0] <= date <= dates[-1]:
                    continue
                loc = at.get(date, int(np.searchsorted(dates, date, side="right")))
                col = place[row["sid"]]
                made.setdefault(loc, []).append((0, loc, col, col, 1.0 / row["ratio"] if field == 4 else row["ratio"]))
        return made

    def dividends(self, day, sids):
        return sorted((row["sid"], row["amount"], row["pay_date"]) for row in self.rows_of("adjustments/dividend_payouts")
                      if row["ex_date"] == day and row["sid"] in sids)


def compare_bars(ours, theirs, chance):
    days = [int(day) for day in theirs.days]
    odd = [days[0] - DAY, days[0] + 1, days[-1] + DAY] if days else [0]
    step = max(1, len(theirs.sids) * len(days) // 4000)
    cells = [(int(sid), day) for sid in theirs.sids for day in days + odd]
    for sid, day in cells[::step] + [(-99, day) for day in odd]:
        for f, field in enumerate(FIELDS):
            same(ours.value(sid, day, f), theirs.value(sid, day, field), f"{field} of sid {sid} on {day}")
        if sid != -99:
            same(ours.last_traded(sid, day), theirs.last_traded(sid, day), f"last trade of sid {sid} by {day}")
    for _ in range(20 if days and len(theirs.sids) else 0):
        first = chance.randrange(len(days))
        last = chance.randrange(first, len(days))
        sids = chance.choices([int(sid) for sid in theirs.sids], k=chance.randrange(1, 9))
        for table, field in zip(ours.load(range(5), days[first], days[last], sids, last - first + 1), FIELDS):
            same(table, theirs.load(field, first, last, sids), f"{field} of {sids} on {first} to {last}")
    return len(cells[::step])


def compare_assets(ours, theirs, chance):
    owners = theirs.owners()
    for owned in owners.values():
        for start, _, _, symbol in owned:
            for asked in (symbol, symbol.lower(), symbol.replace("_", ".")):
                for day in (MISSING, start - 1, start, start + 1, int(theirs.days[-1])):
                    same(ours.lookup(asked, day, False), theirs.lookup(asked, day), f"{asked} on {day}")
                    if len(owners) == len({"".join(key) for key in owners}):  # nothing is fuzzily alike
                        same(ours.lookup(asked, day, True), theirs.lookup(asked, day), f"{asked} fuzzily on {day}")
    same(ours.lookup("NO.SUCH", MISSING, True), (ENOSYMBOL, None), "NO.SUCH")
    if "assets" in theirs.group:
        sids, start, end = (theirs.group[f"assets/{name}"][:] for name in ("sid", "start_date", "end_date"))
        dates = np.array(sorted(chance.sample([int(day) for day in theirs.days], min(30, len(theirs.days)))))[:, None]
        for include in (True, False):
            alive = (start <= dates if include else start < dates) & (dates <= end)
            same(ours.lifetimes(dates[:, 0], sids, include), alive, f"lifetimes, include_start {include}")
    return len(owners)


def compare_adjustments(ours, theirs, chance):
    names, total = ("splits", "mergers", "dividends"), 0
    days, sids = [int(day) for day in theirs.days], [int(sid) for sid in theirs.sids]
    for round_ in range(10 if days and sids else 0):
        dates = days if round_ == 0 else sorted(chance.sample(days, chance.randrange(1, len(days) + 1)))
        some = sids if round_ < 2 else chance.sample(sids, chance.randrange(1, len(sids) + 1))
        for field in (3, 4):
            kinds = 7 if round_ < 3 else chance.randrange(8)
            tables = [name for k, name in enumerate(names) if kinds & 1 << k and (field != 4 or k == 0)]
            made, expected = ours.adjustments(dates, some, field, kinds), theirs.adjustments(dates, some, field, tables)
            same({row: sorted(made[row]) for row in made}, {row: sorted(expected[row]) for row in expected},
                 f"adjustments {kinds} of field {field} over {len(dates)} dates")
            total += sum(map(len, made.values()))
    for row in theirs.rows_of("adjustments/dividend_payouts")[:200]:
        same(ours.dividends(row["ex_date"], sids), theirs.dividends(row["ex_date"], set(sids)), f"ex {row['ex_date']}")
    return total


def main(path_of_library, folder, *names):
    library = c.CDLL(path_of_library)
    for name in names:
        ours, chance = Readers(library, folder, name), random.Random(7)  # first: it opens the file without a lock
        theirs = Zipline(f"{folder}/{name}.h5")
        try:
            same(library.bp_reader_first_session(ours.reader), int(theirs.days[0]) if len(theirs.days) else MISSING, "first")
            same(library.bp_reader_last_session(ours.reader), int(theirs.days[-1]) if len(theirs.days) else MISSING, "last")
            counts = (compare_bars(ours, theirs, chance), compare_assets(ours, theirs, chance),
                      compare_adjustments(ours, theirs, chance))
        except Differs as difference:
            sys.exit(f"{name}: {difference}")
        ours.close()
        print(f"{name}: {counts[0]} bars, {counts[1]} symbols, {counts[2]} adjustments: as zipline's rules have it")


if __name__ == "__main__":
    main(*sys.argv[1:])
