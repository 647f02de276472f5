#!/usr/bin/env bash
# test_old_journal.sh BIN SHARED_DATA RUN_MPI : journals that version 0.1 has written (journal-0.1/) are resumed and merged, to
# the file that it would have written.
. "$(dirname "$0")/common.sh"
old=$here/journal-0.1
"$bundle" demo old --assets 6 --days 120 --seed 21 >out 2>err || { fail 'bundle demo'; exit 1; }
search=(--bundle old --strategy sma_cross --param 'fast=3:9:3' --param 'slow=5:20:5' --commission 5 --slippage 2)

cp "$old/half.journal" new.csv.journal
good 2 "${search[@]}" --out new.csv --resume
expect out '^resumed: 4 of 10$' 'a journal of version 0.1'
cmp "$old/whole.csv" new.csv || fail 'resumed to another file'
# what it holds now are records of both kinds
cp new.csv.journal mixed.journal
"$optimizer" merge mixed.journal --out merged.csv >out 2>err || fail 'merge of old and new records'
cmp "$old/whole.csv" merged.csv || fail 'old and new records are merged to another file'

"$optimizer" merge "$old/slice1.journal" "$old/slice2.journal" --out merged.csv >out 2>err || fail 'merge of version 0.1'
cmp "$old/whole.csv" merged.csv || fail 'merged to another file'

# a merge is whole and has nothing twice, or there is none
rm -f merged.csv
refused() { # TEXT JOURNAL...
    local rc=0
    "$optimizer" merge "${@:2}" --out merged.csv >out 2>err || rc=$?
    [ $rc = 1 ] && [ ! -e merged.csv ] && grep -qF -- "$1" err || fail "merge ${*:2}: $rc"
}
refused '5 of 10 combinations are in none of the journals: ' "$old/slice1.journal"
refused 'slice1.journal and in ' "$old/slice1.journal" "$old/slice2.journal" "$old/half.journal"

# its records have the usual columns: they are no part of a search with others
cp "$old/half.journal" new.csv.journal
bad 1 "there 'param fast=3,6,9', here 'metrics sharpe,trades'" "${search[@]}" --out new.csv --resume --metrics sharpe,trades
cmp "$old/half.journal" new.csv.journal || fail 'a refused journal was touched'
finish
