#!/usr/bin/env bash
# test_pool_hosts.sh PROGRAM... : tests of the pool on 4 real hosts, of 2 ranks each and of uneven numbers. The tests keep
# their bundles in /tmp of rank 0's host, which no other host sees.
set -u
self=$(realpath "$0")
here=${self%/*}

fail() {
    echo "FAILED: $*"
    exit 1
}

if [ "${1:-}" = --inside ]; then
    for program in "${@:3}"; do
        echo "-- ${program##*/}, $2 ranks on $CLUSTER_HOSTS hosts"
        mpirun -n "$2" "$program" || fail "$program on $2 ranks"
    done
    # The head sees the processes of all hosts, with the first 15 characters of their names.
    for program in "${@:3}"; do
        program=${program##*/}
        ! pgrep -a -x "${program:0:15}" || fail "$program is left"
    done
    for ((k = 1; k <= CLUSTER_HOSTS; k++)); do
        left=$(host_exec "h$k" find /tmp /dev/shm -mindepth 1 -maxdepth 1 \
            \( -path '/dev/shm/*' -o -name 'bundlepool-*' \))
        [ -z "$left" ] || fail "h$k: left: $left"
    done
    exit 0
fi

[ $# -gt 0 ] || fail "usage: test_pool_hosts.sh PROGRAM..."
programs=() share=()
for program in "$@"; do
    program=$(realpath "$program")
    programs+=("$program")
    share+=(--share "${program%/*}") # in case it is under /tmp
done
"$here/with_hosts.sh" 4 "${share[@]}" -- "$self" --inside 8 "${programs[@]}" || exit
"$here/with_hosts.sh" 4 "${share[@]}" --slots 4,1,2,1 -- "$self" --inside 8 "${programs[@]}"
