#!/bin/bash
# What goes out comes in again as it was: ingest, export, ingest and import, export, import give the same content_hash.
. "$(dirname "$0")/common.sh"
need_python h5py
export PYTHONPATH
PYTHONPATH=$(dirname "$self")

# What is hard to carry: prices of all sizes, volumes beyond uint32, symbols that two had, days and assets without a bar.
"$python" - <<'PYTHON' || { fail "the files could not be made"; finish; }
import h5py
import numpy as np

DAY = 86400 * 10**9
FIELDS = ("open", "high", "low", "close", "volume")


def country(group, symbols, rows, days, table=True, minute=False, calendar=True, currency=b"USD", seed=3):
    rng = np.random.default_rng(seed)
    sids = np.arange(len(symbols)) * 7 + 2
    n, d = rows, len(days)
    group["index/sid"], group["index/day"] = sids[:n], np.array(days) * DAY
    group["currency/code"] = np.array([currency] * n)
    for name in FIELDS:
        raw = rng.integers(1000, 90000, (n, d)).astype("<u4")
        raw[rng.random((n, d)) < 0.1] = 0
        raw[:, 3] = 0  # a day without a bar
        if n > 3:
            raw[1:3] = 0  # assets without a bar; the first has minute bars, where there are some
        group["data/" + name] = raw
        group["data/" + name].attrs["scaling_factor"] = 1 if name == "volume" else 1000
    if calendar:
        group["calendar/session"] = np.array(days + [days[-1] + 3]) * DAY
        group["calendar/market_open"] = group["calendar/session"][()] + 52200 * 10**9
        group["calendar/market_close"] = group["calendar/session"][()] + 75600 * 10**9
    if minute:
        group["minute/index/sid"], group["minute/index/offset"] = sids[[1, -1]], np.array([0, 300, 500])
        group["minute/dt"] = np.concatenate([np.arange(300), np.arange(200)]) * 60 * 10**9 + days[5] * DAY + 123456789
        for name in FIELDS:
            group["minute/data/" + name] = rng.integers(0, 2**32, 500, dtype=np.uint64).astype("<u4")
            group["minute/data/" + name].attrs["scaling_factor"] = 100 if name != "volume" else 1
    if not table:
        return
    text = h5py.string_dtype()
    group["assets/sid"], group["assets/symbol"] = sids, np.array(symbols, dtype=text)
    group["assets/name"] = np.array(["The \u201c%s\u201d, Inc." % s for s in symbols], dtype=text)
    group["assets/exchange"] = np.array(["NYSE, \"main\""] * len(symbols), dtype=text)
    group["assets/start_date"] = np.full(len(symbols), days[0] * DAY)
    group["assets/end_date"] = np.full(len(symbols), days[-1] * DAY)
    group["assets/first_traded"] = np.full(len(symbols), days[1] * DAY)
    group["assets/auto_close_date"] = np.full(len(symbols), -2**63)
    group["assets/symbol_mappings"] = np.array([(sids[0], symbols[0].encode(), days[0] * DAY, days[4] * DAY),
                                                (sids[0], b"OLD,\"1\"", days[5] * DAY, days[9] * DAY),
                                                (sids[1], symbols[0].encode(), days[5] * DAY, days[9] * DAY)], [
        ("sid", "i8"), ("symbol", "S20"), ("start_date", "i8"), ("end_date", "i8")])
    ratio = [("sid", "i8"), ("effective_date", "i8"), ("ratio", "f8")]
    group["adjustments/splits"] = np.array([(sids[0], days[5] * DAY, 1 / 7), (sids[1], days[6] * DAY, 3.0)], ratio)
    group["adjustments/mergers"] = np.array([(sids[1], days[8] * DAY, 0.123456789012345678)], ratio)
    group["adjustments/dividends"] = np.array([(sids[0], days[7] * DAY, 1 - 0.1 / 3)], ratio)
    dates = ["ex_date", "declared_date", "record_date", "pay_date"]
    group["adjustments/dividend_payouts"] = np.array([(sids[0], days[7] * DAY, days[1] * DAY, -2**63, days[9] * DAY, 0.1)], [
        ("sid", "i8")] + [(x, "i8") for x in dates] + [("amount", "f8")])
    group["adjustments/stock_dividend_payouts"] = np.array([(sids[1], days[7] * DAY, -2**63, -2**63, -2**63, sids[0], 0.05)], [
        ("sid", "i8")] + [(x, "i8") for x in dates] + [("payment_sid", "i8"), ("ratio", "f8")])


def bundle(path):
    file = h5py.File(path, "w")
    file.attrs["version"], file.attrs["schema_version"], file.attrs["calendar_name"] = 0, "v1", "XNYS"
    return file


days = list(range(14000, 14040))
hard = ["BRK/A", "brk/a", "..", "CON", "L" * 60, "a b", "FB", "FB", "fb", "T\u00fcv", "FB-44", "-", "'q\"", "x;y"]
with bundle("hard.h5") as f:
    country(f.create_group("US"), hard, len(hard), days, minute=True)
with bundle("fewer.h5") as f:  # the table has assets that the bars have not
    country(f.create_group("US"), hard, 5, days)
with bundle("loose.h5") as f:  # minute bars on days and at hours of which no calendar knows
    g = f.create_group("US")
    country(g, hard[:4], 4, days, minute=True)
    g["minute/dt"][...] += np.where(np.arange(500) % 300 < 150, -9 * DAY, 40 * DAY)
with bundle("zipline.h5") as f:  # what zipline writes: no table, no calendar
    country(f.create_group("GB"), hard, 6, days, table=False, calendar=False, currency=b"XXX")
with bundle("each.h5") as f:
    g = f.create_group("US")
    country(g, hard[:7], 7, days, minute=True)
    g["data/scaling_factor"] = np.array([0.1, 1000, 1000, 1e6, 1e9, 7, 1 / 3])
    g["data/volume_scaling_factor"] = np.array([1, 1e-3, 1, 1e-6, 1, 0.7, 12])
    g["minute/data/scaling_factor"], g["minute/data/volume_scaling_factor"] = np.array([10.0, 1e8]), np.array([1, 1e-9])
for k, factor in enumerate((1, 100, 10**6, 0.01, 1024)):
    with bundle("factor%d.h5" % k) as f:
        g = f.create_group("US")
        country(g, hard[:4], 4, days, seed=k)
        for name in FIELDS:
            g["data/" + name].attrs["scaling_factor"] = factor
with bundle("several.h5") as f:
    country(f.create_group("US"), hard, len(hard), days, minute=True)
    country(f.create_group("CA"), hard[:5], 5, days[:30], currency=b"CAD")
PYTHON
mkdir csv csv/spread csv/spread/daily folder h5
spread() { # SYMBOL PRICE VOLUME
    printf 'date,open,high,low,close,volume,dividend,split\n' >"csv/spread/daily/$1.csv"
    for d in 03 04 05 06 09; do printf '2020-03-%s,%s,%s,%s,%s,%s,0,1\n' "$d" "$2" "$2" "$2" "$2" "$3"; done >>"csv/spread/daily/$1.csv"
}
spread BRK-A 712345.67 123
spread PENNY 0.0812345 98765432100
spread SUB 0.00001234567 4294967296123
spread USUAL 12.34 1000

content() { run 0 version "$1" --json; field "j['content_hash']"; }
names="hard fewer loose zipline each factor0 factor1 factor2 factor3 factor4 several_US several_CA spread demo minutes"
for file in hard fewer loose zipline each factor0 factor1 factor2 factor3 factor4 several; do
    run 0 import hdf5 $file.h5 $file
done
run 0 ingest csvdir csv/spread spread
run 0 demo demo --assets 40 --days 500
run 0 demo minutes --assets 10 --days 60 --minute-days 9 --seed 8
if [ -n "$data" ] && [ -d "$data/zipline" ]; then
    run 0 ingest csvdir "$data/zipline/csvdir" quandl
    run 0 ingest csvdir "$data/eqker" eqker
    run 0 import hdf5 "$data/zipline/zipline_daily_edge.h5" edge
    run 0 import hdf5 "$data/zipline/zipline_daily_csvdir.h5" theirs
    names="$names quandl eqker edge theirs"
fi
for name in hard fewer loose zipline each factor0 factor1 factor2 factor3 factor4; do
    same "$(content "$dir/$name.h5")" "$(content $name)" "$name: content_hash of the file and of its import"
done
for name in $names; do
    before=$(content "$name")
    run 0 export csvdir "$name" "folder/$name"
    run 0 ingest csvdir "folder/$name" again
    same "$(content again)" "$before" "$name: content_hash of export and ingest"
    run 0 export csvdir again folder/again
    diff -r "folder/$name" folder/again >differs || fail "$name: a second export differs: $(head -5 differs)"
    rm -r folder/again
    run 0 export zipline-hdf5 "$name" h5
    run 0 import hdf5 "h5/$name.h5" again
    same "$(content again)" "$before" "$name: content_hash of export and import"
done

# values beyond what one factor and uint32 keep are what they were
"$python" - <<'PYTHON' || fail "values"
import numpy as np
from zipline_rules import Bundle

b = Bundle("bundles/spread.h5", "US").facts
for symbol, price, volume in ("BRK-A", 712345.67, 123), ("PENNY", 0.0812345, 98765432100), (
        "SUB", 0.00001234567, 4294967296123), ("USUAL", 12.34, 1000):
    row = list(b["assets/symbol"]).index(symbol)
    assert np.allclose(b["close"][row], price, rtol=1e-6, atol=0), (symbol, b["close"][row])
    assert np.allclose(b["volume"][row], volume, rtol=1e-6, atol=0), (symbol, b["volume"][row])
PYTHON
finish
