#!/usr/bin/env bash
# record.sh [--record] symbols LIBRARY | layout PROGRAM : what programs rely on once they are compiled and linked is
# still what was recorded in symbols.txt or layout.txt beside this script.
set -u
record=
[ "$1" != --record ] || { record=1; shift; }
kind=$1 made=$2
recorded=$(cd "$(dirname "$0")" && pwd)/$kind.txt
now=$(mktemp)
trap 'rm -f "$now"' EXIT
case $kind in
symbols)
    command -v nm >/dev/null || { echo "SKIPPED: nm is missing (Debian: binutils)"; exit 77; }
    nm -D --defined-only "$made" | awk '{print $NF}' | LC_ALL=C sort >"$now" ;;
layout) "$made" >"$now" ;;
*) echo "record.sh: neither symbols nor layout"; exit 2 ;;
esac
[ -s "$now" ] || { echo "$made tells nothing"; exit 1; }
if [ -n "$record" ]; then
    cp "$now" "$recorded" && echo "recorded: $(wc -l <"$recorded") lines in $recorded"
    exit
fi
if diff -u --label recorded --label "this build" "$recorded" "$now"; then
    echo "$kind: $(wc -l <"$now") lines, all as recorded"
    exit 0
fi
cat <<END

Programs that were compiled before see another library: the '-' lines are what they rely on. docs/abi.md tells what
may change and how. Where the change is meant and allowed there, record it and commit it with the change:
    ${0} --record $kind $made
END
exit 1
