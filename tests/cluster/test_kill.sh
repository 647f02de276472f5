#!/usr/bin/env bash
# test_kill.sh PROGRAM : SIGKILL of a rank, of an agent's rank, of rank 0, of mpirun, of a daemon and of a whole host, in
# the middle of a load: the job ends within 10 s with a non-zero code and leaves nothing. PROGRAM is test_endure.
# Twice each: while the load waits, and while it moves on.
set -u
self=$(realpath "$0")
here=${self%/*}
. "$here/endure.sh"

# --- run by with_hosts.sh, on the head ---

alive() { # the machines that are up: the head, and hosts
    local k
    echo head
    for ((k = 1; k <= CLUSTER_HOSTS; k++)); do
        if host_exec "h$k" true 2>/dev/null; then echo "h$k"; fi
    done
}

on() { # MACHINE COMMAND...
    if [ "$1" = head ]; then "${@:2}"; else host_exec "$@"; fi
}

files() { # what lies in shared memory and among temporary files, on every machine that is up
    local machine
    for machine in $(alive); do
        on "$machine" find /tmp /dev/shm -mindepth 1 \( -path /tmp/.cluster -o -path "$PWD" -o -path "$PWD/*" \) -prune \
            -o -printf "$machine:%p\n"
    done | sort
}

# What Open MPI leaves where its daemon or mpirun was killed: see docs/protocol.md
of_openmpi='^[^:]*:(/dev/shm/vader_segment\.[^/]*|/tmp/ompi\.[^/]*(/.*)?)$'

nothing_left() { # MAY_OPENMPI ; if something is, $left says what
    left=$(pgrep -a -x test_endure) # the head sees the processes of all hosts
    [ -z "$left" ] || return 1
    files >after
    left=$(comm -13 before after)
    [ "$1" = no ] || left=$(grep -Ev "$of_openmpi" <<<"$left")
    [ -z "$left" ]
}

kill_rank() {
    local host pid
    read -r host pid <"rank.$1"
    on "$host" kill -KILL "$pid"
}

kill_mpirun() {
    kill -KILL "$(<launcher.pid)"
}

kill_daemon() { # of HOST
    host_exec "$1" kill -KILL "$(host_exec "$1" pgrep -x orted)"
}

# dies MAY_OPENMPI COMMAND... : what happens when COMMAND kills something; uses the array launch
dies() {
    local may=$1 how killed ended
    shift
    for how in waits moves; do
        files >before
        start_loading "${launch[@]}"
        [ $how = waits ] || go_on
        killed=$(now)
        "$@" || fail "$*"
        ended_within 10 || fail "$* while a load $how: the job did not end within 10 s"
        ended=$(now)
        [ "$rc" != 0 ] || fail "$* while a load $how: the job ended with 0"
        until nothing_left "$may"; do
            [ $(($(now) - killed)) -lt 10000 ] || fail "$* while a load $how: left after 10 s: $left"
            sleep 0.02
        done
        left=$(find private -type f ! -name gated.h5 ! -name other.h5)
        [ -z "$left" ] || fail "$* while a load $how: left beside the bundles: $left"
        rm -rf private/*
        echo "$* while a load $how: exit code $rc after $((ended - killed)) ms, everything gone after" \
            "$(($(now) - killed)) ms; of Open MPI: $(comm -13 before after | sed 's,\(/tmp/[^/]*\)/.*,\1,' | sort -u | tr '\n' ' ')"
        [ "$1" != host_kill ] || return 0 # only once
    done
}

local_nodes() { # 4 virtual nodes of 2 ranks on the head, no daemon
    echo "head slots=8" >machines
    export OMPI_MCA_orte_default_hostfile=$PWD/machines BUNDLEPOOL_RANKS_PER_NODE=2
    launch=(mpirun -n 8 -x "TMPDIR=$PWD/private")
    dies no kill_rank 5
    dies no kill_rank 4
    dies no kill_rank 6
    dies no kill_rank 0
    dies yes kill_mpirun
    run_clean "${launch[@]}"
}

real_nodes() {
    launch=(mpirun -n 8 -x "TMPDIR=$PWD/private")
    dies no kill_rank 5
    dies no kill_rank 4
    dies no kill_rank 0
    dies yes kill_daemon h3
    dies yes kill_mpirun
    run_clean "${launch[@]}"
}

host_dies() { # HOST
    launch=(mpirun -n 8 -x "TMPDIR=$PWD/private")
    dies yes host_kill "$1"
    run_clean mpirun --host "$(alive | grep -v head | paste -s -d ,)" -n 6 # bundles in /tmp of the first
}

if [ "${1:-}" = --inside ]; then
    "${@:2}"
    exit
fi

# --- on the machine ---

program=$(realpath "${1:?usage: test_kill.sh PROGRAM}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$program" "${program%/*}/bundle-parser" "$work" || exit 1
cd "$work" || exit 1
mkdir private

inside() { # HOSTS CASE...
    local rc
    echo "-- $1 hosts: ${*:2}"
    "$here/with_hosts.sh" "$1" --head-only "$work/private" -- "$self" --inside "${@:2}"
    rc=$?
    rm -rf private/*
    [ $rc = 0 ] || exit $rc
}
inside 1 local_nodes
inside 4 real_nodes
inside 4 host_dies h3
inside 4 host_dies h1
