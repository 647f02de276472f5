#!/bin/bash
# bundle diff: every kind of change, told with asset, date, old and new; nothing where nothing has changed.
. "$(dirname "$0")/common.sh"
need_python h5py
need_python numpy

daily() { # ROW...
    printf '%s\n' date,open,high,low,close,volume,dividend,split "$@"
}
first='2020-01-02,10,10,10,10,100,0,1' third='2020-01-06,5,5,5,5,100,0,2'
mkdir -p csv/daily csv/minute
for symbol in AAA CCC; do daily "$first" '2020-01-03,10,11,10,11,100,0.5,1' "$third" >"csv/daily/$symbol.csv"; done
printf 'date,open,high,low,close,volume\n2020-01-06 15:00:00,5,5,5,5,50\n2020-01-06 15:01:00,5,5,5,5,50\n' >csv/minute/CCC.csv
run 0 ingest csvdir csv one
changes() { field 'sorted((c["kind"], c["symbol"], c["date"], c["field"], c["old"], c["new"]) for c in j["changes"]'"${1:-}"')'; }

# the same, under another name, compressed otherwise
run 0 ingest csvdir csv same --filter none
run 0 diff one same
case $out in *one.h5\ and\ *same.h5:\ equal) ;; *) fail "equal bundles: $out" ;; esac
run 0 diff one bundles/same.h5 --json
same "$(field 'j["equal"], j["changes"], j["counts"]')" "(True, [], {})" "equal bundles"

# a value, a split, a dividend, a session, an asset, minute bars
daily '2020-01-02,10,10,10,10,101,0,1' '2020-01-03,10,11,10,10.5,100,0.25,1' '2020-01-06,5,5,5,5,100,0,3' >csv/daily/AAA.csv
echo '2020-01-07,5,5,5,5,100,0,1' >>csv/daily/CCC.csv
cp csv/daily/AAA.csv csv/daily/BBB.csv
printf 'date,open,high,low,close,volume\n2020-01-06 15:01:00,5,5,4,5,50\n2020-01-06 15:02:00,5,5,5,5,50\n' >csv/minute/CCC.csv
run 0 ingest csvdir csv two
run 1 diff one two --json
same "$(field 'j["equal"], sum(j["counts"].values()) == len(j["changes"])')" "(False, True)" "counts"
same "$(changes ' if c["kind"] in ("value-changed", "asset-added", "session-added")')" \
    "[('asset-added', 'BBB', None, None, None, None), ('session-added', None, '2020-01-07', None, None, None), ('value-changed', 'AAA', '2020-01-02', 'volume', 100, 101), ('value-changed', 'AAA', '2020-01-03', 'close', 11, 10.5)]" \
    "values"
same "$(changes ' if c["kind"].startswith("minute")')" \
    "[('minute-bar-added', 'CCC', '2020-01-06 15:02', None, None, None), ('minute-bar-removed', 'CCC', '2020-01-06 15:00', None, None, None), ('minute-value-changed', 'CCC', '2020-01-06 15:01', 'low', 5, 4)]" \
    "minute bars"
same "$(changes ' if c["kind"].startswith("event") and c["field"] != "dividend"')" \
    "[('event-changed', 'AAA', '2020-01-03', 'dividend ratio', '0.95', '0.975'), ('event-changed', 'AAA', '2020-01-06', 'split', '0.5', '0.3333333333333333')]" \
    "splits and ratios"
same "$(field '[(c["old"][:5], c["new"][:5]) for c in j["changes"] if c["field"] == "dividend"]')" "[('0.5, ', '0.25,')]" "dividend"
same "$(field 'sorted(c["field"] for c in j["changes"] if c["symbol"] == "CCC" and c["kind"] == "asset-changed")')" \
    "['auto_close_date', 'end_date', 'sid', 'symbol']" "what is said of CCC"
run 1 diff one two
grep -qx 'value changed: AAA 2020-01-03 close: 11 -> 10.5' out || fail "a value: $out"
grep -qx 'split changed: AAA 2020-01-06: 0.5 -> 0.3333333333333333' out || fail "a split: $out"
grep -qx 'asset added: BBB' out || fail "an asset: $out"
grep -q '^minute value changed: CCC 2020-01-06 15:01 UTC low: 5 -> 4$' out || fail "a minute: $out"
run 1 diff one two --max 1
grep -qx 'and 1 more value-changed' out || fail "--max 1: $out"

# for people the last bits of x times a factor are noise; programs get all of them
mkdir -p short/daily
daily '2020-01-02,13.8387,13.8387,13.8387,13.8387,1,0,1' >short/daily/A.csv
run 0 ingest csvdir short short1
sed -i 's/13.8387/13.8391/2; s/13.8387,1,0/13.8391,1,0/' short/daily/A.csv # high and close
run 0 ingest csvdir short short2
run 1 diff short1 short2
grep -qx 'value changed: A 2020-01-02 close: 13.8387 -> 13.8391' out || fail "short numbers: $out"
run 1 diff short1 short2 --json
same "$(field '[abs(c["old"] - 13.8387) < 1e-12 for c in j["changes"] if c["field"] == "close"]')" "[True]" "numbers in JSON"

# the other way round
run 1 diff two one --json
same "$(changes ' if c["kind"] in ("value-changed", "asset-removed", "session-removed")')" \
    "[('asset-removed', 'BBB', None, None, None, None), ('session-removed', None, '2020-01-07', None, None, None), ('value-changed', 'AAA', '2020-01-02', 'volume', 101, 100), ('value-changed', 'AAA', '2020-01-03', 'close', 10.5, 11)]" \
    "the other way round"

# a new name is one only where the prices stay
mv csv/daily/BBB.csv csv/daily/BBX.csv
run 0 ingest csvdir csv three
run 1 diff two three --json
same "$(changes ' if c["kind"] in ("asset-added", "asset-removed", "asset-renamed")')" \
    "[('asset-renamed', 'BBB', None, None, 'BBB', 'BBX')]" "renamed"
daily '2020-01-02,77,77,77,77,1,0,1' '2020-01-03,78,78,78,78,1,0,1' '2020-01-06,79,79,79,79,1,0,1' >csv/daily/BBX.csv
run 0 ingest csvdir csv four
run 1 diff two four --json
same "$(changes ' if c["kind"] in ("asset-added", "asset-removed", "asset-renamed")')" \
    "[('asset-added', 'BBX', None, None, None, None), ('asset-removed', 'BBB', None, None, None, None)]" "another asset of that sid"

# against a naive comparison: values changed at random places; holes appear and vanish
run 0 demo x --assets 12 --days 80
cp bundles/x.h5 bundles/y.h5
"$python" - bundles/y.h5 bundles/x.h5 >naive <<'PYTHON' || fail "h5py"
import random, sys
import h5py
import numpy as np

random.seed(3)
names = ("open", "high", "low", "close", "volume")
with h5py.File(sys.argv[1], "r+") as y:
    for name in names:
        set_ = y["US/data/" + name]
        data = set_[()]
        for _ in range(9):
            data[random.randrange(12), random.randrange(80)] = random.choice((0, 1234, 5678))
        set_[...] = data
with h5py.File(sys.argv[1]) as y, h5py.File(sys.argv[2]) as x:
    old, new = ({n: f["US/data/" + n][()] for n in names} for f in (x, y))
    days = x["US/index/day"][()].astype("datetime64[ns]").astype("datetime64[D]").astype(str)


def value(n, v):
    return float(v) if n == "volume" else None if v == 0 else float(v * (1.0 / 1000))


print(sorted(((i, str(days[t]), n, value(n, old[n][i, t]), value(n, new[n][i, t]))
              for n in names for i in range(12) for t in range(80) if old[n][i, t] != new[n][i, t]), key=str))
PYTHON
run 1 diff x y --json --max 1000
same "$(field 'sorted(((c["sid"], c["date"], c["field"], *(x if x is None else float(x) for x in (c["old"], c["new"]))) for c in j["changes"] if c["kind"] == "value-changed"), key=str)')" \
    "$(cat naive)" "values that were changed at random"

# trouble
refused 1 "no such bundle" diff one none
refused 1 "no such bundle" diff none one
refused 2 "an argument is missing" diff one
refused 2 "unexpected argument 'c'" diff a b c
refused 2 "--max: '0' is not" diff one two --max 0
finish
