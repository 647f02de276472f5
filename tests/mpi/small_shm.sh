#!/usr/bin/env bash
# small_shm.sh RUN_MPI BIN FULL : a /dev/shm that is too small, and one that fills up while a bundle is loaded, end in one
# clear error and exit code 1, not in a signal; nothing is left behind.
set -u
run=$(realpath "$1") bin=$(realpath "$2") full=$(realpath "$3")
unshare -m --propagation private true 2>/dev/null || { echo "SKIPPED: mount namespaces are not permitted here"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$bin/bundle" demo large --root "$work" --assets 400 --days 2000 >/dev/null || exit 1
failed=0

# in_shm SIZE COMMAND... : with a /dev/shm of that size of its own; prints what is left in it afterwards
in_shm() {
    # shellcheck disable=SC2016
    unshare -m --propagation private bash -c '
        mount -t tmpfs -o size="$1",mode=1777 small /dev/shm || exit 99
        shift
        "$@"
        rc=$?
        ls -A /dev/shm | sed "s/^/left in shm: /"
        exit $rc' in_shm "$@"
}

expect() { # TEXT SIZE OPTIONS...
    local text=$1 size=$2 out rc
    shift 2
    out=$(in_shm "$size" "$run" 4 "$bin/optimizer" --root "$work" --bundle large --strategy buy_and_hold "$@" 2>&1)
    rc=$?
    if [ $rc -ne 1 ] || [ "$(grep -c '^optimizer: error:' <<<"$out")" != 1 ] || ! grep -q "$text" <<<"$out" ||
        grep -q 'left in shm' <<<"$out"; then
        echo "FAILED: /dev/shm of $size $*: exit code $rc, output:"
        echo "$out"
        failed=1
    else
        echo "/dev/shm of $size: $(grep '^optimizer: error:' <<<"$out")"
    fi
}
# the limit, where it comes from, and what would help
expect 'pool_memory = 104857600 .*(/dev/shm on .*, [0-9]* of 64 MiB free); .*enlarge /dev/shm' 64m --pool-memory 100M
expect 'are too few .*; set pool_memory higher' 64m --pool-memory 500K
expect 'larger than the pool.*(half of /dev/shm on .*, [0-9]* of 24 MiB free); enlarge /dev/shm on' 24m
expect 'larger than the pool.*(half of /dev/shm on .* of 60 MiB free); set pool_memory higher, to at most' 60m

# one that fills up between create and get: the kernel would send SIGBUS to whoever touches a page
out=$(in_shm 64m "$run" 4 "$full" 2>&1) || { echo "FAILED: a /dev/shm that fills up, output:"; failed=1; }
echo "$out"
if grep -q 'left in shm' <<<"$out"; then failed=1; fi
exit $failed
