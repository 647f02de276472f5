#!/usr/bin/env bash
# test_limits.sh BIN : of 3 real hosts the last one cannot give the memory of a pool: too little of it, or no folder for it. All
# ranks end within seconds, in one error that names the host and what it lacks; nothing is left on any of them.
set -u
self=$(realpath "$0")
here=${self%/*}

fail() {
    echo "FAILED: $*"
    [ ! -s log ] || sed 's/^/  | /' log
    exit 1
}

# try TEXT COMMAND... : ends in one error with that text
try() {
    local k left text=$1
    shift
    timeout -k 5 60 mpirun -n 6 "$@" --bundle demo --root private --strategy buy_and_hold >log 2>&1
    [ $? = 1 ] || fail "$*: not exit code 1"
    [ "$(grep -c '^optimizer: error:' log)" = 1 ] || fail "$*: not one error"
    grep -q "^optimizer: error: $text" log || fail "$*: not '$text'"
    grep '^optimizer: error:' log
    for ((k = 1; k <= CLUSTER_HOSTS; k++)); do
        left=$(host_exec "h$k" find /dev/shm -mindepth 1 -maxdepth 1)
        [ -z "$left" ] || fail "h$k: left: $left"
    done
}

if [ "${1:-}" = --inside ]; then
    try 'node h3, memory for .*: /nowhere: .*there is no such folder' ./no_folder "$2/optimizer"
    host_exec h3 mount -o remount,size=40m /dev/shm || fail "a smaller /dev/shm for h3"
    try 'node h3: pool_memory = 104857600 .*(/dev/shm on h3, [0-9]* of 40 MiB free)' "$2/optimizer" --pool-memory 100M
    mpirun -n 6 "$2/optimizer" --bundle demo --root private --strategy buy_and_hold >log 2>&1 || fail "a small pool"
    grep -q 'half of /dev/shm on h3' log || fail "the pool is not as large as h3 has room for"
    exit
fi

bin=$(realpath "${1:?usage: test_limits.sh BIN}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset "${!BUNDLEPOOL_@}" "${!RUSTYBT_@}"
cat >no_folder <<'END'
#!/bin/sh
[ "$(hostname)" != h3 ] || export OMPI_MCA_osc_sm_backing_directory=/nowhere
exec "$@"
END
chmod +x no_folder
"$bin/bundle" demo demo --root private --assets 12 --days 400 >log 2>&1 || fail "bundle demo"
"$here/with_hosts.sh" 3 --share "$bin" --head-only "$work/private" -- "$self" --inside "$bin"
