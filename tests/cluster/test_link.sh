#!/usr/bin/env bash
# test_link.sh PROGRAM : a link that is down for 5 s in the middle of a load delays the job and does not break it. PROGRAM
# is test_endure; 4 hosts of 2 ranks.
set -u
self=$(realpath "$0")
here=${self%/*}
. "$here/endure.sh"

# breaks HOST HOW : in one job, the link of HOST is down for 5 s while a load waits at its half, or moves on
breaks() {
    local down up finished=0
    start_job 5 mpirun -n 8 -x "TMPDIR=$PWD/private"
    halfway_within 60 || fail "the first load did not begin"
    go_on
    halfway_within 60 || fail "the second load did not begin"
    [ "$2" = waits ] || go_on
    link_down "$1"
    down=$(now)
    [ "$2" = moves ] || go_on
    # A load that was under way may end, and the next begin; it needs the host too, and cannot.
    while halfway_within "$(((5000 - $(now) + down) / 1000 + 1))"; do
        finished=$((finished + 1))
        [ $finished = 1 ] || fail "loads end without $1"
        go_on
    done
    link_up "$1"
    up=$(now)
    if [ $finished = 0 ]; then
        halfway_within 60 || fail "the job did not go on within 60 s of link_up"
        go_on
    fi
    echo "link of $1 down for $((up - down)) ms while a load $2: it went on $(($(now) - up)) ms later"
    go_on 2
    ended_within 60 || fail "the job did not end within 60 s"
    [ "$rc" = 0 ] || fail "the job did not survive: exit code $rc"
    grep ' 0 failed' out
}

if [ "${1:-}" = --inside ]; then
    breaks h3 waits
    breaks h2 moves
    breaks h1 moves
    exit
fi

program=$(realpath "${1:?usage: test_link.sh PROGRAM}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$program" "${program%/*}/bundle-parser" "$work" || exit 1
cd "$work" || exit 1
mkdir private
"$here/with_hosts.sh" 4 --head-only "$work/private" -- "$self" --inside
