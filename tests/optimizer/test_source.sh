#!/usr/bin/env bash
# test_source.sh BIN DATA RUN_MPI : a search over a bundle whose source has changed says so, before and in its report; one over
# a bundle whose source has not says nothing.
. "$(dirname "$0")/common.sh"
mkdir -p csv/daily
for k in 1 2 3 4 5 6 7 8 9; do echo "2020-01-0$k,1$k,1$k.5,1$k,1$k,100"; done | grep -v '0[45],' >rows
{ echo "date,open,high,low,close,volume" && cat rows; } >csv/daily/A.csv
touch -d '2021-01-01' csv/daily/A.csv
"$bundle" ingest csvdir csv x >out 2>err || fail "ingest"
search=(--bundle x --strategy buy_and_hold --no-journal)
text="note: the source $work/csv has changed since; 'bundle sync bundles/x.h5' brings it in"

good 2 "${search[@]}"
if grep -q 'note:' out err; then fail "a note without a reason"; fi
good 2 "${search[@]}" --json
if grep -q 'source_note' out; then fail "a note without a reason, in JSON"; fi

touch -d '2022-01-01' csv/daily/A.csv
good 2 "${search[@]}"
[ "$(grep -cF "$text" out)" = 2 ] || fail "not told before the search and in the report"
grep -m 1 -n 'note:' out | grep -q '^[123]:' || fail "told after the search has begun"
good 2 "${search[@]}" --json
grep -qF "\"source_note\": \"${text#note: }\"" out || fail "not told in JSON"

"$bundle" sync x >out 2>err || fail "sync"
good 2 "${search[@]}"
if grep -q 'note:' out; then fail "a note after a sync"; fi
finish
