#!/bin/bash
# What h5py sees in our files: zipline's layout and values.
. "$(dirname "$0")/common.sh"
need_python h5py
[ -n "$data" ] && [ -d "$data/zipline" ] || skip "no folder of shared test data"

run 0 ingest csvdir "$data/zipline/csvdir" quandl --currency USD
run 0 ingest csvdir "$data/eqker" eqker
run 0 demo demo --assets 300 --days 900 --minute
"$python" - "$data/zipline/zipline_daily_csvdir.h5" bundles <<'PYTHON' || fail "h5py"
import sys
import h5py
import numpy as np

theirs = h5py.File(sys.argv[1], "r")
ours = h5py.File(sys.argv[2] + "/quandl.h5", "r")


def same_type(a, b):
    return a.get_type() == b.get_type() and a.get_space().get_simple_extent_ndims() == b.get_space().get_simple_extent_ndims()


# every object and attribute of zipline's file is there, of the same type and shape
def check(name, theirs_object):
    o = ours[name]
    assert type(o) is type(theirs_object), name
    assert set(theirs_object.attrs) <= set(o.attrs), name
    for key in theirs_object.attrs:
        assert same_type(h5py.h5a.open(theirs_object.id, key.encode()), h5py.h5a.open(o.id, key.encode())), (name, key)
        if key != "scaling_factor" or name.endswith("volume"):
            assert theirs_object.attrs[key] == o.attrs[key], (name, key)
    if isinstance(o, h5py.Dataset):
        assert same_type(o.id, theirs_object.id) and o.shape == theirs_object.shape, name
        if "scaling_factor" in o.attrs:  # ours keeps a millionth, theirs a thousandth
            values = o[()] * (theirs_object.attrs["scaling_factor"] / o.attrs["scaling_factor"])
            assert np.all(abs(values - theirs_object[()]) <= 0.5 + 1e-3 * values), name
        elif name != "US/currency/code":
            assert np.array_equal(o[()], theirs_object[()]), name


theirs.visititems(check)
check("/", theirs["/"])
assert list(ours) == ["US"]
assert np.all(ours["US/currency/code"][()] == b"USD")
assert ours.attrs["bundle_name"] == b"quandl"

# dividends and splits, computed independently
close = ours["US/data/close"][()] * (1.0 / ours["US/data/close"].attrs["scaling_factor"])
days = ours["US/index/day"][()]
payouts, dividends = ours["US/adjustments/dividend_payouts"][()], ours["US/adjustments/dividends"][()]
t = np.searchsorted(days, payouts["ex_date"])
assert np.array_equal(dividends["ratio"], 1.0 - payouts["amount"] / close[payouts["sid"], t - 1])
assert np.array_equal(ours["US/adjustments/splits"]["ratio"], [1.0 / 7, 0.5])

# minute bars
m = h5py.File(sys.argv[2] + "/eqker.h5", "r")["US/minute"]
assert m["index/offset"][0] == 0 and m["index/offset"][-1] == len(m["dt"]) == len(m["data/close"])
assert all(m["data/" + f].attrs["scaling_factor"] >= (1 if f == "volume" else 1000) for f in m["data"])

# the demo: lifetimes are those of the data, several chunks, splits move prices the right way
d = h5py.File(sys.argv[2] + "/demo.h5", "r")["US"]
close = d["data/close"][()].astype(float)
close[close == 0] = np.nan
bars = ~np.isnan(close)
assert np.array_equal(bars.argmax(axis=1), d["lifetimes/start_date"][()])
assert np.array_equal(close.shape[1] - 1 - bars[:, ::-1].argmax(axis=1), d["lifetimes/end_date"][()])
assert d["data/close"].chunks[0] < 300 and d["data/close"].chunks[1] == 900
splits = d["adjustments/splits"][()]
t = np.searchsorted(d["index/day"][()], splits["effective_date"])
moves = close[splits["sid"], t] / close[splits["sid"], t - 1] / splits["ratio"]
assert len(moves) > 20 and np.nanmax(np.abs(moves - 1)) < 0.5
assert len(set(d["assets/symbol"][()])) == 300
PYTHON
if command -v h5dump >/dev/null; then
    h5dump bundles/demo.h5 >dump 2>err || fail "h5dump: $(cat err)"
fi
finish
