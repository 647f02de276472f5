#!/usr/bin/env bash
# test_full_disk.sh BIN SHARED_DATA RUN_MPI : a disk that is full in the middle of a search, or when it stores its results:
# exit code 1, a text that says what to do, and a journal that resumes to the same file once there is room.
. "$(dirname "$0")/common.sh"
[ -n "${OWN_SHM:-}" ] || { echo 'SKIPPED: mounts of our own are not permitted here'; exit 77; }

"$bundle" demo demo --assets 20 --days 400 --seed 7 >out 2>err || { fail 'bundle demo'; exit 1; }
sweep=(--bundle demo --strategy sma_cross --param fast=5:50 --param slow=51:130)
good 2 "${sweep[@]}" --out all.csv
mkdir disk
mount -t tmpfs -o size=1m tmpfs disk || { echo 'SKIPPED: no tmpfs can be mounted'; exit 77; }

full() { # FILLER_KIB RANKS TEXT
    local rc=0
    rm -f disk/*
    head -c "$1K" /dev/zero >disk/filler
    optimizer "$2" "${sweep[@]}" --out disk/x.csv || rc=$?
    [ $rc = 1 ] || fail "$1 KiB taken: exit code $rc"
    [ "$(grep -c '^optimizer: error: ' err)" = 1 ] && grep -qE "^optimizer: error: .*$3" err || fail "$1 KiB taken: no '$3'"
    [ ! -e disk/x.csv ] || fail "$1 KiB taken: a part of the results is there"
    rm disk/filler
    mount -o remount,size=8m disk || fail remount
    good "$2" "${sweep[@]}" --out disk/x.csv --resume
    cmp all.csv disk/x.csv || fail "$1 KiB taken, $2 ranks: resumed to another file"
    echo "$1 KiB taken, $2 ranks: $(head -n 1 out)"
    mount -o remount,size=1m disk 2>/dev/null || { umount disk && mount -t tmpfs -o size=1m tmpfs disk; }
}
for ranks in 1 4; do
    full 1020 $ranks 'disk/x.csv.journal: no space left; free some, and go on with --resume'
    full 900 $ranks 'disk/x.csv.journal: no space left; free some, and go on with --resume'
    full 600 $ranks 'disk/x.csv: no space: free some and run again'
done
full 1024 2 'disk/x.csv' # not even a name
umount disk
finish
