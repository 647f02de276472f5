#!/usr/bin/env bash
# test_inputs.sh BIN : what an input says against itself is the input's fault: exit code 1, and the file's name.
. "$(dirname "$0")/common.sh"
need_python json

begin() {
    rm -rf in
    mkdir -p in/daily
    printf 'date,open,high,low,close,volume\n2020-01-02,10,12,9,11,5\n2020-01-03,10,12,9,11,5\n' | tee in/daily/A.csv >in/daily/B.csv
}
# wrong WHERE TEXT ARGUMENTS... : an ingest ends with 1 and names it
wrong() {
    local where=$1 text=$2
    shift 2
    run 1 ingest csvdir in wrong "$@"
    grep -qF "error: $where: $text" err || fail "'$where: $text' is not in: $err"
    case $err in *--help*) fail "$where: told as wrong usage: $err" ;; esac
}

# sessions.csv
begin; printf 'session\n2020-01-02\n2020-01-03\n2020-01-02\n' >in/sessions.csv
wrong in/sessions.csv:4 "column 'session': 2020-01-02 is there already"
begin; printf 'session,market_open,market_close\n2020-01-02,2020-01-02T14:30:00Z,2020-01-02T21:00:00Z\n2020-01-03,2020-01-03T21:00:00Z,2020-01-03T14:30:00Z\n' >in/sessions.csv
wrong in/sessions.csv:3 "the session closes before it opens"

# bundle.csv
begin; printf 'key,value\ncountry,DE\ncountry,FR\n' >in/bundle.csv
wrong in/bundle.csv:3 "key 'country' is there already"
begin; printf 'key,value\ncalendar_name,XNYS\n' >in/bundle.csv
wrong in/bundle.csv:2 "the calendar is XNYS, and --calendar says XLON" --calendar lse
run 0 ingest csvdir in fits --calendar NYSE
run 0 ingest csvdir in plain
printf 'key,value\ncalendar_name,XFOO\n' >in/bundle.csv
run 0 ingest csvdir in unknown
grep -qF "note: in/bundle.csv:2: the hours of the calendar 'XFOO' are not known" err || fail "XFOO: $err"
same "$("$bundle" info unknown --json | "$python" -c 'import json, sys; print(json.load(sys.stdin)["calendar_name"])')" XFOO "an unknown calendar"

# an HDF5 file: currencies, and countries that cannot be part of a name
if "$python" -c 'import h5py' 2>/dev/null; then
    begin
    run 0 ingest csvdir in good
    "$python" - <<'PYTHON'
import h5py, shutil
shutil.copy("bundles/good.h5", "currency.h5")
with h5py.File("currency.h5", "r+") as f:
    del f["US/currency/code"]
    f["US/currency/code"] = [b"EUR", b"EURO"]
shutil.copy("bundles/good.h5", "countries.h5")
with h5py.File("countries.h5", "r+") as f:
    f.copy("US", "A B")
PYTHON
    refused 1 "currency.h5: /US/currency/code: 'EURO' is not a currency code" import hdf5 currency.h5 c
    refused 1 "countries.h5: its country 'A B' cannot be part of a bundle's name" import hdf5 countries.h5 c
    run 0 import hdf5 countries.h5 one --country "A B"
fi

# zipline's folder: another calendar than its own, adjustments that were lost
if "$python" -c 'import blosc, numpy' 2>/dev/null; then
    "$python" - "${self%/*}/../support" <<'PYTHON' || fail "a folder of zipline cannot be made"
import json, os, sqlite3, sys
sys.path.insert(0, sys.argv[1])
import zipline_folder as zf
os.mkdir("z")
days = zf.weekdays("2020-01-02", 5)
zf.write_assets("z", [(1, "A", "", days[0], days[-1], None, None, "NYSE")])
zf.write_adjustments("z", {})
zf.write_daily("z", {1: (0, {field: [1, 2, 3, 4, 5] for field in zf.FIELDS})}, days)
attrs = "z/daily_equities.bcolz/__attrs__"
known = json.load(open(attrs))
known["calendar_name"] = "NYSE"
json.dump(known, open(attrs, "w"))
PYTHON
    refused 1 "z: its calendar is NYSE, and --calendar says XLON" import zipline z x --calendar XLON
    run 0 import zipline z x --calendar XNYS
    : >z/adjustments.sqlite
    run 0 import zipline z x
    grep -q "^warning: .*z/adjustments.sqlite: has none of its tables, as a copy that has failed" err || fail "an empty file: $err"
    sqlite() { "$python" -c 'import sqlite3, sys; sqlite3.connect("z/adjustments.sqlite").executescript(sys.argv[1]).connection.commit()' "$1"; }
    sqlite 'create table splits (effective_date integer, ratio float, sid integer); create table mergers (effective_date integer, ratio float, sid integer);'
    run 0 import zipline z x
    same "$(grep -c "^warning: .*z/adjustments.sqlite: has no table " err)" 3 "tables that are not there"
fi
finish
