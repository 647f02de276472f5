#!/bin/bash
# test_killed.sh BUNDLE DATA [KILLS [SEED]] : SIGKILL, SIGTERM and SIGINT at random instants of an ingest. What is there afterwards is
# the old bundle or, if the rename came first, the new one; the next run makes the new one and removes what was left.
. "$(dirname "$0")/common.sh"
kills=${3:-60}
RANDOM=${4:-20261126}
mkdir -p csv/daily root
for ((i = 0; i < 40; i++)); do
    {
        echo "date,open,high,low,close,volume"
        for ((d = 0; d < 336; d++)); do
            printf '2020-%02d-%02d,10.%03d,11,9.5,10,%d\n' $((1 + d / 28)) $((1 + d % 28)) $((i * 7 % 1000)) $((100 + d))
        done
    } >csv/daily/S$i.csv
done
ingest() { "$bundle" ingest csvdir csv x --root root >out 2>err </dev/null; }
run 0 demo old.h5 --assets 5 --days 100
cp old.h5 root/x.h5
from=${EPOCHREALTIME/[.,]/}
ingest || fail "ingest: $(cat err)"
took=$((${EPOCHREALTIME/[.,]/} - from))
cp root/x.h5 new.h5
same "$(ls -A root)" x.h5 "files after an ingest"
cmp -s old.h5 new.h5 && fail "both bundles are the same"

signals=(KILL KILL TERM INT)
kept=0 left=0 replaced=0 removed=0
for ((k = 0; k < kills; k++)); do
    cp old.h5 root/x.h5
    at=$(((RANDOM * 32768 + RANDOM) % (took * 5 / 4)))
    { # the shell tells of those that are killed
        timeout -s "${signals[k % 4]}" "$(printf '%d.%06d' $((at / 1000000)) $((at % 1000000)))" \
            "$bundle" ingest csvdir csv x --root root >out 2>err </dev/null
    } 2>/dev/null
    if cmp -s old.h5 root/x.h5; then
        kept=$((kept + 1))
    elif cmp -s new.h5 root/x.h5; then
        replaced=$((replaced + 1))
    else
        fail "kill $k after $at us: neither the old bundle nor the new one"
    fi
    files=$(find root -mindepth 1 | wc -l)
    [ "$files" -le 2 ] || fail "kill $k: $files files"
    left=$((left + files - 1))
    if [ "${signals[k % 4]}" != KILL ]; then
        same "$files" 1 "files after kill $k by ${signals[k % 4]}"
        removed=$((removed + $(grep -c "^bundle: stopped by a signal: what was half written is removed" err)))
    fi
    ingest || fail "the next run: $(cat err)"
    cmp -s new.h5 root/x.h5 || fail "the next run makes another bundle"
    same "$(ls -A root)" x.h5 "files after the next run"
done
[ "$kept" -gt 0 ] && [ "$left" -gt 0 ] || fail "no kill came while the bundle was being written"
[ "$removed" -gt 0 ] || fail "no signal came while the bundle was being written"
echo "$kills kills within $took us: $kept kept, $replaced replaced, $left files left, $removed removed"
finish
