#!/usr/bin/env bash
# test_old_journal.sh BIN SHARED_DATA RUN_MPI : journals that version 0.1 has written (journal-0.1/), by rules number 1 of a
# backtest, are neither resumed nor merged, and stay as they are.
. "$(dirname "$0")/common.sh"
old=$here/journal-0.1
"$bundle" demo old --assets 6 --days 120 --seed 21 >out 2>err || { fail 'bundle demo'; exit 1; }
search=(--bundle old --strategy sma_cross --param 'fast=3:9:3' --param 'slow=5:20:5' --commission 5 --slippage 2)

cp "$old/half.journal" new.csv.journal
bad 1 "its numbers are of version 1 of the rules of a backtest" "${search[@]}" --out new.csv --resume
cmp "$old/half.journal" new.csv.journal || fail 'a refused journal was touched'
rc=0
"$optimizer" merge "$old/slice1.journal" "$old/slice2.journal" --out merged.csv >out 2>err || rc=$?
[ $rc = 1 ] && [ ! -e merged.csv ] && grep -qF 'of version 1 of the rules of a backtest' err || fail "merge: $rc"
finish
