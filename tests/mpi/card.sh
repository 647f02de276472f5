#!/usr/bin/env bash
# card.sh CARD LAUNCHER... -- PROGRAM [ARGUMENTS] : PROGRAM by LAUNCHER (with how many ranks) over a network card that refuses
# to register read-only memory, and over one whose registrations are remembered: CARD is tests/support/card.c. PROGRAM must
# succeed, and the card must have had something to do and nothing to complain of.
set -u
card=$(realpath "$1")
shift
launch=()
while [ "$1" != -- ]; do
    launch+=("$1")
    shift
done
shift
out=$(mktemp)
trap 'rm -f "$out"' EXIT

fail() {
    echo "FAILED: $*"
    sed 's/^/  | /' "$out"
    exit 1
}

for kind in refuses remembers; do
    "${launch[@]}" env LD_PRELOAD="$card" CARD=$kind "$@" >"$out" 2>&1
    rc=$?
    [ $rc != 77 ] || { cat "$out"; exit 77; }
    [ $rc = 0 ] || fail "over a card that $kind: exit code $rc"
    grep -q '^card: [1-9][0-9]* messages' "$out" || fail "the card that $kind had nothing to do"
    ! grep '^card:' "$out" | grep -v ' 0 stale, 0 refused$' >/dev/null || fail "over a card that $kind: see below"
    echo "over a card that $kind: $(grep -c '^card:' "$out") ranks, $(awk '/^card:/ {n += $2} END {print n}' "$out") messages"
    grep '^ .*rewrites' "$out"
done
exit 0
