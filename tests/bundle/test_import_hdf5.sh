#!/bin/bash
# bundle import hdf5: files of zipline's layout, by any writer, become bundles that hold the same values to the last bit.
. "$(dirname "$0")/common.sh"
need_python h5py
rules=$(dirname "$self")

PYTHONPATH=$rules "$python" - <<'PYTHON' || { fail "the files could not be made"; finish; }
import h5py
import numpy as np

DAY = 86400 * 10**9
rng = np.random.default_rng(12)


def country(group, sids, days, factors, lzf=False, extras=False):
    n, d = len(sids), len(days)
    group["index/sid"], group["index/day"] = np.array(sids), np.array(days) * DAY
    group["lifetimes/start_date"], group["lifetimes/end_date"] = np.zeros(n, int), np.full(n, d - 1)
    group["currency/code"] = np.array([b"USD", b"XXX", b"CAD"] * n, "S3")[:n]
    for i, name in enumerate(("open", "high", "low", "close", "volume")):
        raw = rng.integers(0, 2**32, (n, d), dtype=np.uint64).astype("<u4")
        raw[rng.random((n, d)) < 0.2] = 0
        raw[0, 0], raw[-1, -1] = 1, 2**32 - 1
        raw[:, d // 2] = 0  # a day on which nobody trades
        set = group.create_dataset("data/" + name, data=raw, chunks=(max(1, n // 2), min(d, 7)),
                                   compression="lzf" if lzf else "gzip", shuffle=True)
        set.attrs["scaling_factor"] = factors[i]
    if not extras:
        return
    group["assets/sid"] = np.array(sids[::-1])
    group["assets/symbol"] = np.array([b"S%d" % s for s in sids[::-1]])
    group["assets/name"] = np.array(["N\u00e4me %d" % s for s in sids[::-1]], dtype=h5py.string_dtype())
    group["assets/start_date"] = np.full(n, days[0] * DAY)
    group["assets/end_date"] = np.full(n, days[-1] * DAY)
    group["assets/symbol_mappings"] = np.array([(sids[0], b"OLD", 5, 6), (sids[0], b"NEW", 7, 8)], [
        ("sid", "i8"), ("symbol", "S3"), ("start_date", "i8"), ("end_date", "i8")])
    group["calendar/session"] = np.array(days + [days[-1] + 1]) * DAY
    group["calendar/market_open"] = group["calendar/session"][()] + 5
    group["calendar/market_close"] = group["calendar/session"][()] + 9
    group["adjustments/splits"] = np.array([(sids[1], days[3] * DAY, 0.5), (sids[0], days[2] * DAY, 1 / 7)], [
        ("sid", "i8"), ("effective_date", "i8"), ("ratio", "f8")])
    group["adjustments/dividend_payouts"] = np.array([(sids[1], days[3] * DAY, -2**63, 4, 5, 0.3)], [
        (f, "i8") for f in ("sid", "ex_date", "declared_date", "record_date", "pay_date")] + [("amount", "f8")])
    group["adjustments/stock_dividend_payouts"] = np.array([(sids[1], 3, 4, 5, 6, sids[0], 0.1)], [
        (f, "i8") for f in ("sid", "ex_date", "declared_date", "record_date", "pay_date", "payment_sid")] + [
        ("ratio", "f8")])
    minute = group.create_group("minute")
    minute["index/sid"], minute["index/offset"] = np.array(sids[1:4]), np.array([0, 400, 400, 1000])
    minute["dt"] = np.concatenate([np.arange(400), np.arange(600)]) * 60 * 10**9 + days[0] * DAY
    for i, name in enumerate(("open", "high", "low", "close", "volume")):
        raw = rng.integers(1, 2**32, 1000, dtype=np.uint64).astype("<u4")
        minute.create_dataset("data/" + name, data=raw, chunks=(333,)).attrs["scaling_factor"] = factors[i]


with h5py.File("several.h5", "w") as f:
    f.attrs["version"], f.attrs["calendar_name"], f.attrs["schema_version"] = 0, "XNYS", "v1"
    country(f.create_group("US"), [1, 4, 9, 16, 25], list(range(100, 140)), (1000,) * 4 + (1,), extras=True)
    country(f.create_group("CA"), [-3, 2], list(range(90, 110)), (100,) * 4 + (1,), lzf=True)
    country(f.create_group("notes").create_group("US"), [7, 8], list(range(5)), (1,) * 5)
for factor in 1, 10, 1000, 10**6, 10**9, 10**12, 7, 49, 1024, 0.5, 0.01, 1e-9, 1 / 3, 123.456:
    with h5py.File("factor_%r.h5" % factor, "w") as f:
        f.attrs["version"] = 0
        country(f.create_group("GB"), list(range(6)), list(range(30)), (factor,) * 4 + (1 / factor,), extras=True)
with h5py.File("each.h5", "w") as f:
    f.attrs["version"] = 0
    g = f.create_group("US")
    country(g, [1, 4, 9, 16], list(range(50)), (1000,) * 4 + (1,), extras=True)
    g["data/scaling_factor"], g["data/volume_scaling_factor"] = [10.0, 1e6, 0.3, 1000.0], [1.0, 0.001, 7, 1e6]
    g["minute/data/scaling_factor"], g["minute/data/volume_scaling_factor"] = [1e9, 2.0, 1e-3], [0.1, 1.0, 30.0]
with h5py.File("four.h5", "w") as f:
    f.attrs["version"] = 0
    country(f.create_group("US"), [1, 4], list(range(50)), (10000, 1000, 1000, 1000, 1))
    for name in "open", "high", "low", "close":
        raw = f["US/data/" + name][()]
        f["US/data/" + name][...] = np.where(raw == 0, 0, 1000 + raw % 99999)
with h5py.File("strange.h5", "w") as f:
    country(f.create_group("A NAME"), [1, 4], list(range(5)), (1000,) * 4 + (1,))
    country(f.create_group("US"), [1, 4], list(range(5)), (1000,) * 4 + (1,))
with h5py.File("missing.h5", "w") as f:
    country(f.create_group("US"), [1, 4, 9, 16, 25], list(range(5)), (1000,) * 4 + (1,), extras=True)
    for name in "sid", "symbol", "name", "start_date", "end_date":
        rows = f["US/assets/" + name][()]
        del f["US/assets/" + name]
        f["US/assets/" + name] = rows[2:]
with h5py.File("noon.h5", "w") as f:
    country(f.create_group("US"), [1, 4], list(range(5)), (1000,) * 4 + (1,))
    f["US/index/day"][2] += 1
PYTHON

# several countries: a bundle of each, none half-way
run 0 import hdf5 several.h5 part
[ -f bundles/part_US.h5 ] && [ -f bundles/part_CA.h5 ] && [ ! -e bundles/part.h5 ] || fail "part: $(ls bundles)"
run 0 import hdf5 several.h5 only --country CA
run 0 import hdf5 several.h5 elsewhere/part.h5
[ -f elsewhere/part_US.h5 ] && [ -f elsewhere/part_CA.h5 ] || fail "elsewhere: $(ls elsewhere)"
refused 1 "no country group /GB" import hdf5 several.h5 x --country GB
refused 1 "its country 'A NAME' cannot be part" import hdf5 strange.h5 x
[ -e bundles/x_US.h5 ] && fail "a bundle was made before the names were looked at"
refused 2 "name" import hdf5 several.h5 "$(printf '%062d' 0)"
refused 1 "2 country groups (CA, US)" info several.h5
for option in --date-format=YYYY --timezone=UTC --calendar=XNYS --sessions=x; do
    refused 2 "${option%%=*}: means nothing" import hdf5 several.h5 x "$option"
done
refused 2 "--symbols: each.h5 has no symbol 'S2', 'S3'" import hdf5 each.h5 x --symbols S1,S2,S3
refused 1 "no such bundle file" import hdf5 nothing.h5 x
refused 1 "folder" import hdf5 bundles x
cp each.h5 future.h5
"$python" -c 'import h5py; h5py.File("future.h5", "r+").attrs["schema_version"] = "v2"'
refused 1 "future.h5: schema_version 'v2' is not supported, only v1" import hdf5 future.h5 x
mkfifo fifo
refused 1 "not a regular file" import hdf5 fifo x
refused 1 "no midnight" import hdf5 noon.h5 x
[ -e bundles/x.h5 ] && fail "something was made of what is no good"

# values, whatever the factor
for file in factor_*.h5; do
    run 0 import hdf5 "$file" "${file%.h5}"
done
run 0 import hdf5 each.h5 each
run 0 import hdf5 each.h5 some --symbols 'S4, S16' --currency EUR --splits ignore
run 0 import hdf5 missing.h5 missing
case $err in *"sid 16 has bars and no row"*) ;; *) fail "sids without a row: $err" ;; esac
run 0 import hdf5 four.h5 four
case $err in *"stored by several factors"*) ;; *) fail "several factors: $err" ;; esac
PYTHONPATH=$rules "$python" - <<'PYTHON' || fail "values"
import glob
import h5py
import numpy as np
from zipline_rules import Bundle, FIELDS, differences


def check(theirs, ours, country, only=None):
    found = differences(Bundle(theirs, country), Bundle("bundles/%s.h5" % ours, country), only)
    assert found == [], (theirs, ours, found)


check("several.h5", "part_US", "US")
check("several.h5", "part_CA", "CA")
check("several.h5", "only", "CA")
files = glob.glob("factor_*.h5")
assert len(files) == 14
for file in files:
    check(file, file[:-3], "GB")
check("each.h5", "each", "US")
check("missing.h5", "missing", "US", FIELDS + ("sid", "day"))
a, b = Bundle("each.h5", "US"), Bundle("bundles/some.h5", "US")
assert list(b.facts["sid"]) == [4, 16] and b.tables["splits"] == [] and len(b.tables["payouts"]) == 1
assert list(b.facts["currency"]) == [b"EUR", b"USD"], b.facts["currency"]
for name in FIELDS:  # the day on which nobody traded is gone
    days = np.isin(a.facts["day"], b.facts["day"])
    assert days.sum() == 49
    assert a.facts[name][[1, 3]][:, days].tobytes() == b.facts[name].tobytes(), name
x, y = Bundle("four.h5", "US"), Bundle("bundles/four.h5", "US")
for name in FIELDS:
    assert np.allclose(x.facts[name], y.facts[name], rtol=1e-6, atol=0, equal_nan=True), name
with h5py.File("bundles/part_CA.h5", "r") as f:
    assert f.attrs["source"] == b"hdf5" and f.attrs["source_path"].endswith(b"/several.h5"), dict(f.attrs)
    assert f.attrs["source_files"] == 1 and len(f.attrs["source_content"]) == 64
    assert f.attrs["calendar_name"] == b"XNYS"
PYTHON

# again from what was made: nothing moves
for name in part_US part_CA each missing factor_7 factor_0.01; do
    run 0 import hdf5 "bundles/$name.h5" again
    run 0 version "$name" --json
    before=$(field "j['content_hash']")
    run 0 version again --json
    same "$(field "j['content_hash']")" "$before" "$name: content_hash"
done
if [ -n "$data" ] && [ -d "$data/zipline" ]; then
    for name in csvdir edge; do # as zipline wrote them
        run 0 import hdf5 "$data/zipline/zipline_daily_$name.h5" again
        run 0 version "$data/zipline/zipline_daily_$name.h5" --json
        before=$(field "j['content_hash']")
        run 0 version again --json
        same "$(field "j['content_hash']")" "$before" "$name: content_hash"
    done
    refused 1 "not ascending" import hdf5 "$data/zipline/zipline_daily_unsorted.h5" x
fi
finish
