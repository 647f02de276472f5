#!/usr/bin/env bash
# test_zipline.sh BIN DATA [all] : bundle import zipline, against an independent reader of SQLite and bcolz: every version and kind
# of block, minutes, and files that are damaged, lie, or lead elsewhere. zipline_cases.py has the cases.
. "$(dirname "$0")/common.sh"
for module in blosc h5py numpy sqlite3; do need_python $module; done
"$bundle" import zipline . x --root probe 2>&1 | grep -q 'built without' && skip "bundle was built without SQLite, Blosc or Jansson"
"$python" "$(dirname "$self")/zipline_cases.py" "$bundle" "$data" "${3:-}" || fail "cases of zipline"
finish
