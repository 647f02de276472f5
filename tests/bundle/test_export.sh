#!/bin/bash
# bundle export: what other programs read is what the bundle holds; nothing that is there is lost; a killed export leaves
# nothing that looks whole.
. "$(dirname "$0")/common.sh"
need_python h5py
here=$(dirname "$self")
export PYTHONPATH=$here

# symbols that are no names of files, factors of every kind, one asset of each
"$python" - <<'PYTHON' || { fail "the files could not be made"; finish; }
import h5py
import numpy as np

DAY = 86400 * 10**9
rng = np.random.default_rng(13)
FIELDS = ("open", "high", "low", "close", "volume")


def make(path, symbols, price=None, volume=None, factors=(1000, 1)):
    n, d = len(symbols), 60
    with h5py.File(path, "w") as f:
        f.attrs["version"], f.attrs["calendar_name"] = 0, "XTKS"
        g = f.create_group("JP")
        g["index/sid"], g["index/day"] = np.arange(n) * 3 - 4, (np.arange(d) * 7 - 200) * DAY
        g["currency/code"] = np.array([b"JPY"] * n)
        g["assets/sid"] = g["index/sid"][()]
        g["assets/symbol"] = np.array(symbols, dtype=h5py.string_dtype())
        g["assets/name"] = np.array(["Name, \"%s\"" % s[:9] for s in symbols], dtype=h5py.string_dtype())
        g["assets/exchange"] = np.array([" X Y "] * n, dtype=h5py.string_dtype())
        g["assets/start_date"], g["assets/end_date"] = g["index/sid"][()] * DAY + 5, np.arange(n) * DAY
        for name in FIELDS:
            raw = rng.integers(0, 2**32, (n, d), dtype=np.uint64).astype("<u4") >> rng.integers(0, 32, (n, d)).astype("u4")
            raw[rng.random((n, d)) < 0.1] = 0
            raw[:, 17] = 0
            raw[0, 0], raw[-1, -1] = 1, 2**32 - 1
            g["data/" + name] = raw
            g["data/" + name].attrs["scaling_factor"] = factors[name == "volume"]
            more = g.create_dataset("minute/data/" + name, data=raw.reshape(-1) | 1)
            more.attrs["scaling_factor"] = factors[name == "volume"]
        if price is not None:
            g["data/scaling_factor"], g["data/volume_scaling_factor"] = price, volume
            g["minute/data/scaling_factor"], g["minute/data/volume_scaling_factor"] = price[::-1], volume[::-1]
        g["minute/index/sid"], g["minute/index/offset"] = g["index/sid"][()], np.arange(n + 1) * d
        g["minute/dt"] = np.tile(np.arange(d) * 10**9 * 3600 - 10**9 * 9000 + (np.arange(d) % 3) * 7, n)
        g["assets/symbol_mappings"] = np.array([(-4, b"A,B", 1, -2**63), (-1, b'"', 7, 8)], [
            ("sid", "i8"), ("symbol", "S3"), ("start_date", "i8"), ("end_date", "i8")])
        g["calendar/session"] = (np.arange(d) * 7 - 200 + 7) * DAY  # the first day is in no calendar, one more is
        g["calendar/market_open"] = g["calendar/session"][()] + 5
        g["calendar/market_close"] = np.full(d, -2**63)
        g["adjustments/splits"] = np.array([(-4, 3 * DAY, 1 / 3), (-1, 7 * DAY, 0.1)], [
            ("sid", "i8"), ("effective_date", "i8"), ("ratio", "f8")])
        g["adjustments/dividend_payouts"] = np.array([(-1, 7 * DAY, -2**63, 4, 5, 0.07)], [
            (x, "i8") for x in ("sid", "ex_date", "declared_date", "record_date", "pay_date")] + [("amount", "f8")])
        g["adjustments/stock_dividend_payouts"] = np.array([(-1, 3, 4, 5, 6, -4, 1e-7)], [
            (x, "i8") for x in ("sid", "ex_date", "declared_date", "record_date", "pay_date", "payment_sid")] + [
            ("ratio", "f8")])


make("names.h5", ["BRK/A", "..", ".", "", "A" * 300, "abc", "ABC", "CON", "nul.x", "com7", "-rf", "a b", "a,b", 'q"q', "x\ny",
                  "T\u00fcv", "T", "T", "OK", "BRK_A--4", "ok.", "AAPL", "COMB", "_x", "T-44"])
make("each.h5", ["A", "B", "C", "D", "E", "F", "G"], np.array([1e12, 1000, 10, 1, 0.01, 7, 1 / 3]),
     np.array([1, 1e-9, 0.001, 1e6, 3, 1.5, 100]))
for k, factor in enumerate((1, 10, 1000, 10**5, 10**6, 10**9, 10**12, 1024, 3)):
    make("factor%d.h5" % k, ["A", "B", "C"], factors=(factor, 1))
PYTHON
for file in names.h5 each.h5 factor?.h5; do
    run 0 import hdf5 "$file" "${file%.h5}"
done
run 0 demo demo --assets 30 --days 400 --minute
run 0 demo daily --assets 3 --days 30

refused 1 "csv: cannot be opened as a folder" export csvdir demo csv/demo
mkdir csv h5
for name in names each factor0 factor1 factor2 factor3 factor4 factor5 factor6 factor7 factor8 demo daily; do
    run 0 export csvdir $name csv/$name
    run 0 export zipline-hdf5 $name h5
    case $name in
    each)
        case $err in *"zipline reads other prices"*"zipline reads other volumes"*) ;; *) fail "$name: no warning: $err" ;; esac ;;
    *) [ -z "$err" ] || fail "$name: $err" ;;
    esac
    run 0 import hdf5 h5/$name.h5 again
    run 0 version $name --json
    before=$(field "j['content_hash']")
    run 0 version again --json
    same "$(field "j['content_hash']")" "$before" "$name: content_hash of export and import"
done
[ -e csv/daily/minute ] && fail "a folder for minute bars that are not there"

"$python" - <<'PYTHON' || fail "what was exported"
import csv
import os
import re
from decimal import Decimal

import h5py
import numpy as np
from zipline_rules import Bundle, Zipline, FIELDS, PRICES

DAY = 86400 * 10**9
MISSING = -2**63


def rows(path):
    with open(path, newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def ns(text):
    if text == "":
        return MISSING
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d:\d\d)(?:\.(\d{9}))?Z)?", text)
    assert match, text
    day, time, part = match.groups()
    return int(np.datetime64(day + "T" + (time or "00:00:00"), "ns").astype("i8")) + int(part or 0)


def factor_of(group, row, name, price):
    path = "data/scaling_factor" if price else "data/volume_scaling_factor"
    return float(group[path][row] if path in group else group["data/" + name].attrs["scaling_factor"])


def check_bars(folder, stem, group, row, raw, times, full):
    path = "%s/%s.csv" % (folder, stem)
    kept = np.any([raw[name] != 0 for name in FIELDS], axis=0)
    if not kept.any():
        assert not os.path.exists(path), path
        return
    table = rows(path)
    assert [ns(r["date"]) for r in table] == list(times[kept]), path
    assert all(("T" in r["date"]) >= full for r in table), path
    for name in FIELDS:
        factor = factor_of(group, row, name, name != "volume")
        exact = Decimal(factor).log10() == Decimal(factor).log10().to_integral_value() or factor in (0.01, 0.001, 1e-9)
        for text, x in zip((r[name] for r in table), raw[name][kept]):
            if x == 0:
                assert text == ("" if name != "volume" else "0"), (path, text)
            elif exact:
                assert Decimal(text) == Decimal(int(x)) / Decimal(repr(factor)) and "e" not in text, (path, text, x, factor)
                assert not re.search(r"\.\d*0$|^0\d|\.$", text), text
            else:
                assert float(text) == float(x) * (1.0 / factor), (path, text, x, factor)


for bundle in sorted(os.listdir("csv")):
    path = "bundles/%s.h5" % bundle
    file = h5py.File(path, "r")
    country, = list(file)
    group, folder = file[country], "csv/" + bundle
    assets = rows(folder + "/assets.csv")
    stems = [a["file"] or a["symbol"] for a in assets]
    assert [int(a["sid"]) for a in assets] == list(group["assets/sid"][()])
    assert [a["symbol"] for a in assets] == [s.decode() for s in group["assets/symbol"][()]], bundle
    assert [a["name"] for a in assets] == [s.decode() for s in group["assets/name"][()]], bundle
    assert [a["exchange"] for a in assets] == [s.decode() for s in group["assets/exchange"][()]], bundle
    for column in "start_date", "end_date", "first_traded", "auto_close_date":
        assert [ns(a[column]) for a in assets] == list(group["assets/" + column][()]), (bundle, column)
    assert len({s.lower() for s in stems}) == len(stems)
    for stem, asset in zip(stems, assets):
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", stem) and not stem.endswith("."), stem
        assert not re.fullmatch(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?", stem), stem
        if re.fullmatch(r"[A-Z]{4}", asset["symbol"]) and bundle != "names":
            assert asset["file"] == "", asset
    if bundle == "names":
        kept = {a["symbol"] for a in assets if a["file"] == ""}
        assert kept == {"OK", "BRK_A--4", "AAPL", "COMB", "T-44"}, kept
    assert set(os.listdir(folder)) <= {"daily", "minute", "assets.csv", "symbols.csv", "adjustments.csv", "sessions.csv",
                                       "bundle.csv", ".export"}
    by_sid = dict(zip((int(a["sid"]) for a in assets), stems))
    for row, sid in enumerate(group["index/sid"][()]):
        raw = {name: group["data/" + name][row] for name in FIELDS}
        check_bars(folder + "/daily", by_sid[sid], group, row, raw, group["index/day"][()], False)
        asset = assets[[int(a["sid"]) for a in assets].index(sid)]
        assert asset["currency"] == group["currency/code"][row].decode()
        assert float(asset["price_factor"]) == factor_of(group, row, "open", True)
        assert float(asset["volume_factor"]) == factor_of(group, row, "volume", False)
    if "minute" in group:
        m = group["minute"]
        for row, sid in enumerate(m["index/sid"][()]):
            part = slice(*m["index/offset"][row:row + 2])
            raw = {name: m["data/" + name][part] for name in FIELDS}
            check_bars(folder + "/minute", by_sid[sid], m, row, raw, m["dt"][part], True)
    mappings = rows(folder + "/symbols.csv")
    assert [(int(r["sid"]), r["symbol"].encode(), ns(r["start_date"]), ns(r["end_date"])) for r in mappings] == [
        tuple(r) for r in group["assets/symbol_mappings"][()]], bundle
    days, calendar = set(group["index/day"][()]), list(zip(*(group["calendar/" + c][()] for c in (
        "session", "market_open", "market_close"))))
    sessions = rows(folder + "/sessions.csv")
    assert [(ns(r["session"]), ns(r["market_open"]), ns(r["market_close"])) for r in sessions if r["daily"] in "01"] == calendar
    assert {ns(r["session"]) for r in sessions if r["daily"] in "12"} == days
    minutes = {int(t) // DAY * DAY for t in group["minute/dt"][()]} if "minute" in group else set()
    assert {ns(r["session"]) for r in sessions if r["daily"] == "3"} == minutes - days - {s for s, _, _ in calendar}
    assert [ns(r["session"]) for r in sessions] == sorted(ns(r["session"]) for r in sessions)
    facts = {r["key"]: r["value"] for r in rows(folder + "/bundle.csv")}
    assert facts == {"calendar_name": file.attrs["calendar_name"].decode(), "schema_version": "v1", "country": country}
    found = {k: [] for k in ("split", "merger", "dividend_ratio", "dividend", "stock_dividend")}
    for r in rows(folder + "/adjustments.csv"):
        found[r["kind"]].append(r)
    b = Bundle(path, country)
    for kind, name in ("split", "splits"), ("merger", "mergers"), ("dividend_ratio", "dividends"):
        assert [(int(r["sid"]), ns(r["effective_date"]), float(r["ratio"])) for r in found[kind]] == b.tables[name], kind
    dates = "ex_date", "declared_date", "record_date", "pay_date"
    assert [(int(r["sid"]), *(ns(r[d]) for d in dates), float(r["amount"])) for r in found["dividend"]] == b.tables["payouts"]
    assert [(int(r["sid"]), *(ns(r[d]) for d in dates), int(r["payment_sid"]), float(r["ratio"]))
            for r in found["stock_dividend"]] == b.tables["stocks"]

    # the other form, as zipline reads it
    z = Zipline("h5/%s.h5" % bundle, country)
    assert np.array_equal(z.sids, b.facts["sid"]) and np.array_equal(z.days.astype("i8"), b.facts["day"])
    if bundle != "each":
        for name in FIELDS:
            assert z.values[name].tobytes() == b.facts[name].tobytes(), (bundle, name)
    close = np.any([b.facts[n] != 0 if n == "volume" else ~np.isnan(b.facts[n]) for n in FIELDS], axis=0)
    assert np.array_equal(z.starts, z.days[close.argmax(axis=1)])
    assert np.array_equal(z.ends, z.days[close.shape[1] - 1 - close[:, ::-1].argmax(axis=1)])
PYTHON
if command -v h5dump >/dev/null; then
    for file in h5/*.h5; do
        h5dump "$file" >dump 2>err || fail "h5dump $file: $(cat err)"
    done
fi

# one thread or several: the same
run 0 export csvdir demo csv/demo1 --threads 1
run 0 export csvdir demo csv/demo7 --threads 7
diff -r csv/demo csv/demo1 && diff -r csv/demo csv/demo7 || fail "threads make a difference"

# what is there stays
mkdir full empty && touch full/mine
refused 1 "full: is not empty" export csvdir demo full
refused 1 "full: is not replaced: no whole export, it has no .export" export csvdir demo full --replace
refused 1 "csv/demo: is not empty" export csvdir daily csv/demo
touch csv/demo1/daily/notes.txt
refused 1 "no export made 'daily/notes.txt'" export csvdir daily csv/demo1 --replace
mkdir csv/demo1/daily/sub && rm csv/demo1/daily/notes.txt
refused 1 "no export made 'daily/sub'" export csvdir daily csv/demo1 --replace
[ -f full/mine ] && [ -d csv/demo1/daily/sub ] || fail "something was removed"
# files of a name that an export could have given
rmdir csv/demo1/daily/sub
for mine in daily/MINE.csv minute/MINE.csv; do
    cp csv/demo1/daily/KIEO.csv "csv/demo1/$mine"
    refused 1 "no export made '$mine' in it; move it away first" export csvdir daily csv/demo1 --replace
    [ -s "csv/demo1/$mine" ] && [ -s csv/demo1/assets.csv ] || fail "$mine was removed"
    rm "csv/demo1/$mine"
done
# what was exported, and then changed: longer, as long as before, by a link to the same
cp csv/demo1/daily/KIEO.csv KIEO.csv
changed() { refused 1 "'$1' was changed after the export" export csvdir daily csv/demo1 --replace; }
echo 2030-01-01,1,1,1,1,1 >>csv/demo1/daily/KIEO.csv
changed daily/KIEO.csv
tail -n 1 csv/demo1/daily/KIEO.csv | grep -q 2030 || fail "an added line was removed"
sed 's/2/3/' KIEO.csv >csv/demo1/daily/KIEO.csv
changed daily/KIEO.csv
rm csv/demo1/daily/KIEO.csv && ln -s "$dir/KIEO.csv" csv/demo1/daily/KIEO.csv
changed daily/KIEO.csv
rm csv/demo1/daily/KIEO.csv && cp KIEO.csv csv/demo1/daily/
echo "name,Smith" >>csv/demo1/bundle.csv
changed bundle.csv
rm csv/demo1/bundle.csv csv/demo1/minute/*.csv # what is missing is nobody's loss
run 0 export csvdir daily csv/demo1 --replace
diff -r csv/daily csv/demo1 || fail "what replaced another export"
cp csv/demo7/.export list
for line in 'x' '0011223 5 daily/A.csv' '00112233 daily/A.csv' '00112233 5 ' '00112233 5 a\0b'; do
    printf '%b\n' "$line" >>csv/demo7/.export
    refused 1 "csv/demo7/.export:$(wc -l <csv/demo7/.export): is no line that an export writes" \
        export csvdir daily csv/demo7 --replace
    cp list csv/demo7/.export
done
rm csv/demo7/.export && mkdir csv/demo7/.export
refused 1 "is no file that an export writes" export csvdir daily csv/demo7 --replace
rmdir csv/demo7/.export
refused 1 "it has no .export" export csvdir daily csv/demo7 --replace
[ -f csv/demo7/assets.csv ] || fail "an export that lost its list was removed"
run 0 ingest csvdir csv/demo again
same "$(grep -c 'not read' err)" 0 "what an ingest says of the list"
ln -s "$dir/csv/demo" link
run 0 export csvdir daily link/ --replace
[ -L link ] && [ "$(find csv/demo/daily -name '*.csv' | wc -l)" = 3 ] && [ -s /etc/passwd ] || fail "through a link"
run 0 export csvdir daily empty
run 0 export csvdir daily "$dir/new/"
touch file
refused 1 "not a folder" export csvdir demo file --replace
refused 1 "nowhere" export csvdir demo nowhere/x
refused 2 "cannot be made as a whole" export csvdir demo nothing/..
refused 2 "unknown form 'csv'" export csv demo x
refused 1 "no such bundle" export csvdir nobody x
refused 1 "demo.h5: is there already" export zipline-hdf5 demo h5
run 0 export zipline-hdf5 daily h5/demo.h5 --replace
refused 2 "is the bundle itself" export zipline-hdf5 demo bundles --replace
refused 2 "is the bundle itself" export zipline-hdf5 demo bundles/demo.h5
cp file h5/text.h5
refused 1 "no bundle file" export zipline-hdf5 demo h5/text.h5 --replace
[ "$(find . -name '.*.[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]' | wc -l)" = 0 ] || fail "left-overs: $(find . -name '.*')"

# a full disk: nothing is left
(
    trap '' XFSZ
    ulimit -f 16
    "$bundle" export csvdir demo small >out 2>err
) && fail "files of 16 KiB are enough"
grep -q "ulimit -f" err && [ ! -e small ] || fail "ulimit -f: $(cat err)"

# killed at any instant: what is there is whole, and the next run removes what was left
run 0 demo large --assets 200 --days 700
from=${EPOCHREALTIME/[.,]/}
run 0 export csvdir large large
took=$((${EPOCHREALTIME/[.,]/} - from))
mkdir kill
before=0 whole=0 left=0
RANDOM=20261126
for ((k = 0; k < 40; k++)); do
    at=$(((RANDOM * 32768 + RANDOM) % (took * 5 / 4)))
    rm -rf kill/x && cp -r csv/daily kill/x
    { # the shell tells of those that are killed
        timeout -s KILL "$(printf '%d.%06d' $((at / 1000000)) $((at % 1000000)))" \
            "$bundle" export csvdir large kill/x --replace >out 2>err </dev/null
    } 2>/dev/null
    if diff -qr csv/daily kill/x >/dev/null; then
        before=$((before + 1))
    elif diff -qr large kill/x >/dev/null; then
        whole=$((whole + 1))
    else
        fail "kill $k after $at us: neither the old export nor the new one"
    fi
    left=$((left + $(find kill -mindepth 1 -maxdepth 1 -name '.x.*' | wc -l)))
done
[ "$before" -gt 0 ] && [ "$left" -gt 0 ] || fail "no kill came while the export was being written"
run 0 export csvdir large kill/x --replace
same "$(ls -A kill)" x "what is left after the next run"
diff -qr large kill/x || fail "the next run makes another export"
echo "40 kills within $took us: $before before, $whole behind, $left folders left"

# an export replaces an older export, never a bundle
run 0 demo other.h5 --assets 2 --days 5
cp other.h5 before.h5
refused 1 "other.h5: is not replaced: it is a bundle, and no export of one" export zipline-hdf5 demo other.h5 --replace
cmp -s other.h5 before.h5 || fail "another bundle was replaced"
run 0 export zipline-hdf5 demo mine.h5
run 0 export zipline-hdf5 demo mine.h5 --replace
finish
