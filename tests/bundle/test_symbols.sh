#!/usr/bin/env bash
# test_symbols.sh BIN : who has which symbol, as the files beside the bars say: what cannot be is an error with file and
# line, what only looks so to a fuzzy look-up is a warning.
. "$(dirname "$0")/common.sh"
need_python json

header='date,open,high,low,close,volume'
# asset FILE FROM TO : bars from day FROM to day TO of January 2020
asset() {
    local day
    mkdir -p in/daily
    echo "$header" >"in/daily/$1.csv"
    for ((day = $2; day <= $3; day++)); do printf '2020-01-%02d,10,12,9,11,5\n' "$day" >>"in/daily/$1.csv"; done
}
# begin : two assets that live from the 2nd to the 6th, and from the 6th to the 9th
begin() {
    rm -rf in
    asset A 2 6
    asset B 6 9
    printf 'sid,symbol,file\n0,A,A\n1,B,B\n' >in/assets.csv
}
# symbols ROW... : rows of symbols.csv
symbols() { printf '%s\n' sid,symbol,start_date,end_date "$@" >in/symbols.csv; }
# wrong LINE TEXT : an ingest fails with this error of the file, and makes no bundle
wrong() {
    run 1 ingest csvdir in wrong
    grep -qF "error: in/$1: " err && grep -qF "$2" err || fail "'$1: ... $2' is not in: $err"
    [ ! -e bundles/wrong.h5 ] || fail "$1: a bundle was made"
}
kinds() { field 'sorted((f["kind"], f["symbol"]) for f in j["findings"] if f["kind"].startswith(("symbol", "mapping", "life")))'; }

# two assets with one symbol at one time, whatever the order of the rows, bounds given or those of the bars
begin; symbols 0,A,2020-01-02,2020-01-06 1,A,2020-01-05,2020-01-09
wrong symbols.csv:3 "symbol A is that of sid 1 and, from 2020-01-05 on, of sid 0 (symbols.csv:2)"
begin; symbols 1,A,2020-01-05,2020-01-09 0,A,2020-01-02,2020-01-06
wrong symbols.csv:3 "symbol A is that of sid 0"
begin; symbols 0,A,, 1,A,,
wrong symbols.csv:3 "from 2020-01-06 on"
begin; symbols 0,A,, 1,B,, 1,A,2020-01-01,2020-01-03
wrong symbols.csv:4 "symbol A"
begin; printf 'sid,symbol,file\n0,A,A\n1,A,B\n' >in/assets.csv
wrong assets.csv:3 "(assets.csv:2)"
begin; printf 'sid,symbol,file,start_date,end_date\n0,A,A,2020-01-02,2020-01-10\n1,A,B,2020-01-07,2020-01-09\n' >in/assets.csv
wrong assets.csv:3 "from 2020-01-07 on"
# three assets: the one that overlaps is not the one next to it
begin; asset C 8 9; echo "2,C,C" >>in/assets.csv
symbols 0,A,2020-01-02,2020-01-09 1,A,2020-01-10,2020-01-10 2,A,2020-01-08,2020-01-09
wrong symbols.csv:4 "(symbols.csv:2)"

# sids of nobody, periods that are upside down, a sid twice
begin; symbols 0,A,, 1,B,, 5,C,2020-01-02,2020-01-03
wrong symbols.csv:4 "no asset has 5"
rm in/assets.csv
wrong symbols.csv:4 "no asset has 5"
begin; symbols 0,A,2020-01-06,2020-01-02
wrong symbols.csv:2 "until 2020-01-02, before it has it from 2020-01-06"
begin; printf 'sid,symbol,file,start_date,end_date\n0,A,A,2020-01-06,2020-01-02\n1,B,B,,\n' >in/assets.csv
wrong assets.csv:2 "ends on 2020-01-02, before it starts on 2020-01-06"
begin; printf 'sid,symbol,file\n0,A,A\n0,B,B\n' >in/assets.csv
wrong assets.csv:3 "column 'sid': 0 is that of line 2 already"
run 1 ingest csvdir in kept --keep-going
case $err in *"daily bar is not later"*) fail "a sid twice: $err" ;; esac

# what is in order: one after the other, two symbols of one asset, assets that are left out
begin; symbols 0,A,2020-01-02,2020-01-05 1,A,2020-01-06,2020-01-09 0,OLD,2020-01-02,2020-01-09
run 0 ingest csvdir in good
same "$(grep -c "^error\|symbol-\|mapping-" err)" 0 "what is said of symbols that are in order"
run 0 verify good --json
same "$(kinds)" "[]" "findings of symbols that are in order"
run 0 ingest csvdir in part --symbols A
# at two exchanges, as of a bundle of two countries: told, and kept, so that what was exported can be ingested
begin; printf 'sid,symbol,file,exchange\n0,A,A,NYSE\n1,A,B,LSE\n' >in/assets.csv
run 0 ingest csvdir in abroad
grep -q "^warning: in/assets.csv:3: symbol A" err || fail "two exchanges: $err"
run 0 verify abroad --json
same "$(kinds)" "[('symbol-shared', 'A')]" "two exchanges"

# symbols that only a program tells apart
rm -rf in
for name in BRK.B brk_b BRKB 'BRK B' MSFT; do asset "$name" 2 9; done
run 0 ingest csvdir in alike
same "$(grep -c 'symbol-alike' err)" 2 "what an ingest says of symbols that are alike"
run 0 verify alike --json
same "$(kinds)" "[('symbol-alike', 'BRKB'), ('symbol-alike', 'brk_b')]" "symbols that are alike"

# what only another program can have written is found in the bundle
if "$python" -c 'import h5py' 2>/dev/null; then
    begin; symbols 0,A,2020-01-02,2020-01-05 1,A,2020-01-06,2020-01-09
    run 0 ingest csvdir in doctored
    "$python" - <<'PYTHON'
import h5py
with h5py.File("bundles/doctored.h5", "r+") as f:
    rows = f["US/assets/symbol_mappings"][:]
    rows["end_date"][0] += 86400 * 10**9
    f["US/assets/symbol_mappings"][:] = rows
PYTHON
    run 0 verify doctored --json
    same "$(kinds)" "[('symbol-shared', 'A')]" "mappings that overlap"
    "$python" - <<'PYTHON'
import h5py
with h5py.File("bundles/doctored.h5", "r+") as f:
    rows = f["US/assets/symbol_mappings"][:]
    rows["end_date"][0] = rows["start_date"][0] - 1
    rows["sid"][1] = 77
    f["US/assets/symbol_mappings"][:] = rows
PYTHON
    run 0 verify doctored --json
    same "$(kinds)" "[('mapping-backwards', 'A'), ('mapping-unknown-sid', 'A')]" "mappings of nobody, and upside down"
fi
finish
