"""How zipline reads its HDF5 daily bars, written out, and what a bundle of ours holds beside them.

zipline's reader takes one scaling factor per dataset, from its attribute, and none for volumes; ours takes factors per
asset where there are some. Both compute x * (1.0 / factor), and take a price of 0 for a missing one.
"""
import h5py
import numpy as np

PRICES = ("open", "high", "low", "close")
FIELDS = PRICES + ("volume",)


def floats(raw, factor, price):
    values = raw.astype("float64") * (1.0 / factor)
    return np.where(raw == 0, np.nan, values) if price else values


class Zipline:
    """One country, as HDF5DailyBarReader sees it."""

    def __init__(self, path, country):
        file = h5py.File(path, "r")
        assert file.attrs["version"] == 0
        group = file[country]
        self.sids = group["index/sid"][()]
        self.days = group["index/day"][()].astype("M8[ns]")
        assert np.all(np.diff(self.sids) > 0) and np.all(np.diff(self.days).astype(int) > 0)
        self.starts = self.days[group["lifetimes/start_date"][()]]
        self.ends = self.days[group["lifetimes/end_date"][()]]
        self.currency = [c.decode("ascii") for c in group["currency/code"][()]]
        self.values = {}
        for name in FIELDS:
            data = group["data/" + name]
            assert data.dtype == np.dtype("<u4") and data.shape == (len(self.sids), len(self.days)), name
            factor = data.attrs["scaling_factor"]
            assert np.issubdtype(type(factor), np.integer), (name, factor)
            raw = data[()]
            self.values[name] = floats(raw, factor, True) if name != "volume" else raw.astype("float64")


def by_row(group, name, price):
    """Values of a dataset of `group` ("data" or "minute/data"), a factor for each row of its index."""
    raw = group["data/" + name][()]
    path = "data/scaling_factor" if price else "data/volume_scaling_factor"
    if path not in group:
        return floats(raw, float(group["data/" + name].attrs["scaling_factor"]), price)
    factor = group[path][()]
    if raw.ndim == 2:
        return floats(raw, factor[:, None], price)
    return floats(raw, np.repeat(factor, np.diff(group["index/offset"][()])), price)


def table(group, path, fields):
    if path not in group:
        return []
    rows = [tuple(row[f] for f in fields) for row in group[path][()]]
    return sorted(rows, key=lambda row: row[:2])


def text(x):
    return x.decode("utf-8") if isinstance(x, bytes) else str(x)


class Bundle:
    """All of a country, as our reader sees it; `==` compares every value."""

    def __init__(self, path, country):
        group = h5py.File(path, "r")[country]
        self.facts = {"sid": group["index/sid"][()], "day": group["index/day"][()]}
        for name in FIELDS:
            self.facts[name] = by_row(group, name, name != "volume")
        codes = group["currency/code"][()] if "currency/code" in group else [b"XXX"] * len(self.facts["sid"])
        self.facts["currency"] = np.array(codes).astype("S3")
        if "assets" in group:
            order = np.argsort(group["assets/sid"][()], kind="stable")
            for name in group["assets"]:
                if name != "symbol_mappings":
                    self.facts["assets/" + name] = np.array([text(x) for x in group["assets"][name][()][order]])
        if "minute" in group:
            minute = group["minute"]
            self.facts["minute/sid"] = minute["index/sid"][()]
            self.facts["minute/offset"] = minute["index/offset"][()]
            self.facts["minute/dt"] = minute["dt"][()]
            for name in FIELDS:
                self.facts["minute/" + name] = by_row(minute, name, name != "volume")
        self.tables = {}
        for kind in ("splits", "mergers", "dividends"):
            self.tables[kind] = table(group, "adjustments/" + kind, ("sid", "effective_date", "ratio"))
        self.tables["payouts"] = table(group, "adjustments/dividend_payouts",
                                       ("sid", "ex_date", "declared_date", "record_date", "pay_date", "amount"))
        self.tables["stocks"] = table(group, "adjustments/stock_dividend_payouts",
                                      ("sid", "ex_date", "declared_date", "record_date", "pay_date", "payment_sid",
                                       "ratio"))
        self.tables["mappings"] = table(group, "assets/symbol_mappings", ("sid", "start_date", "symbol", "end_date"))
        self.tables["calendar"] = []
        if "calendar" in group:
            self.tables["calendar"] = [tuple(row) for row in zip(*(group["calendar/" + c][()] for c in
                                                                   ("session", "market_open", "market_close")))]


def differences(a, b, only=None):
    """Names of what differs between two Bundles; values to the last bit. What only one of them has does not count."""
    found = []
    for name in a.facts:
        if name in b.facts and (only is None or name in only):
            x, y = a.facts[name], b.facts[name]
            same = x.shape == y.shape and (x.tobytes() == y.tobytes() if x.dtype.kind in "if" else np.all(x == y))
            if not same:
                found.append(name)
    return found + [name for name in a.tables if only is None and a.tables[name] != b.tables[name]]
