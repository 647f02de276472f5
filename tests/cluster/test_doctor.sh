#!/usr/bin/env bash
# test_doctor.sh BIN : the doctor on 4 hosts: all well, one with a small /dev/shm, one that is cut off. It names the
# host, and ends.
set -u
self=$(realpath "$0")
here=${self%/*}

fail() {
    echo "FAILED: $*"
    sed 's/^/  | /' out
    exit 1
}

if [ "${1:-}" = --inside ]; then
    optimizer=$2/optimizer
    mpirun -n 8 "$optimizer" doctor --root . >out 2>&1 || fail 'all well'
    grep -qE '^good +job: 8 ranks on 4 nodes' out || fail 'the job'
    grep -qE '^good +shared memory \(h1 and 3 more\): /dev/shm' out || fail 'hosts that are alike'
    cat out

    host_exec h3 mount -t tmpfs -o size=64m,mode=1777 small /dev/shm || fail 'a small /dev/shm'
    mpirun -n 8 "$optimizer" doctor --root . >out 2>&1 || fail 'a small /dev/shm is no more than a warning'
    grep -E '^warn +shared memory \(h3\): /dev/shm: 64.0 MiB.*enlarge it' out || fail 'the host with a small /dev/shm'
    grep -E '^good +pool: .*half of /dev/shm on h3' out || fail 'the pool of the smallest host'
    host_exec h3 umount /dev/shm

    # two hosts whose packets to each other go to nobody, while the launcher reaches both
    host_exec h2 ip neigh replace 10.77.0.3 lladdr 02:00:00:00:00:99 nud permanent dev eth0 || fail 'ip neigh'
    host_exec h3 ip neigh replace 10.77.0.2 lladdr 02:00:00:00:00:99 nud permanent dev eth0 || fail 'ip neigh'
    started=$SECONDS
    timeout -k 5 60 mpirun -n 8 "$optimizer" doctor --root . --link-timeout-ms 3000 >out 2>&1
    rc=$?
    [ $rc = 1 ] || fail "a host that is cut off: exit code $rc"
    grep -E '^bad +job: .*h[23]' out || fail 'which host is not reached'
    grep -q '^good *memory' out || fail 'what the first host is like'
    echo "cut off: exit code $rc after $((SECONDS - started)) s"
    exit
fi

bin=$(realpath "${1:?usage: test_doctor.sh BIN}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset "${!BUNDLEPOOL_@}" "${!RUSTYBT_@}"
"$here/with_hosts.sh" 4 --shm 12g --share "$bin" -- "$self" --inside "$bin"
