#!/usr/bin/env bash
# test_search.sh BIN : one search on 3 real hosts, of which only the first has the bundle, gives the same file as on one
# rank here, loads the bundle once, and leaves nothing.
set -u
self=$(realpath "$0")
here=${self%/*}

fail() {
    echo "FAILED: $*"
    [ ! -s log ] || sed 's/^/  | /' log
    exit 1
}

search=(--bundle demo --root private --strategy sma_cross --param fast=5:25:5 --param slow=10:40:10 --commission 5)

if [ "${1:-}" = --inside ]; then
    mpirun -n 6 "$2/optimizer" "${search[@]}" --out hosts.csv >log 2>&1 || fail "the search"
    grep -qx 'loads: 1' log || fail "the bundle was not loaded exactly once"
    for ((k = 1; k <= CLUSTER_HOSTS; k++)); do
        left=$(host_exec "h$k" find /tmp /dev/shm -mindepth 1 -maxdepth 1 \( -path '/dev/shm/*' -o -name 'bundlepool-*' \))
        [ -z "$left" ] || fail "h$k: left: $left"
    done
    exit
fi

bin=$(realpath "${1:?usage: test_search.sh BIN}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset "${!BUNDLEPOOL_@}" "${!RUSTYBT_@}"
"$bin/bundle" demo demo --root private --assets 12 --days 400 >log 2>&1 || fail "bundle demo"
"$bin/optimizer" "${search[@]}" --out alone.csv >log 2>&1 || fail "the search on one rank"
"$here/with_hosts.sh" 3 --share "$bin" --head-only "$work/private" -- "$self" --inside "$bin" || exit
cmp alone.csv hosts.csv || fail "3 hosts give another file"
echo "3 hosts and one rank give the same $(wc -l <hosts.csv) lines"
