#!/bin/bash
# A full disk, a folder that cannot be written, a limit on the size of files: one clear line, within seconds; the old
# bundle stays, nothing is left behind.
. "$(dirname "$0")/common.sh"
command -v unshare >/dev/null || skip "no unshare"
mkdir disk
if [ -z "${IN_NAMESPACE:-}" ]; then
    unshare -m true 2>err && own="unshare -m"
    [ -n "${own:-}" ] || { unshare -rm true 2>err && own="unshare -rm"; } || skip "no mount namespace: $(cat err)"
    cd / && IN_NAMESPACE=1 $own "$self" "$bundle" "$data"
    exit
fi
large="demo disk/x.h5 --assets 60 --days 1000"
run 0 demo x.h5 --assets 5 --days 100
mv x.h5 old.h5
run 0 demo x.h5 --assets 60 --days 1000
mv x.h5 large.h5

# attempt WHAT TEXT COMMAND...: a larger bundle in the place of the old one. Either it is made, or there is one line with
# the text, and all is as it was. Counts what happened, and whether it happened to bars on their way or to the bundle.
made=0 to_bars=0 to_bundle=0
attempt() {
    local what=$1 text=$2 code=0
    shift 2
    cp old.h5 disk/x.h5
    "$@" >out 2>err </dev/null || code=$?
    same "$(find disk -mindepth 1 ! -name filler -printf '%f\n')" x.h5 "$what: files on the disk"
    if [ "$code" = 0 ]; then
        made=$((made + 1))
        cmp -s large.h5 disk/x.h5 || fail "$what: another bundle"
        return
    fi
    same "$code" 1 "$what: exit code"
    cmp -s old.h5 disk/x.h5 || fail "$what: the old bundle changed"
    [ "$(wc -l <err)" = 1 ] || fail "$what: not one line: $(cat err)"
    case $(cat err) in
    "bundle: error: disk: "*"$text"*) to_bars=$((to_bars + 1)) ;;
    "bundle: error: disk/x.h5: "*"$text"*) to_bundle=$((to_bundle + 1)) ;;
    *) fail "$what: another text: $(cat err)" ;;
    esac
}
all_happened() {
    if [ "$made" = 0 ] || [ "$to_bars" = 0 ] || [ "$to_bundle" = 0 ]; then fail "$1: $made $to_bars $to_bundle"; fi
}

# Few bars never get to the disk before the bundle does, unless there is no memory for them.
export BUNDLEPOOL_FAULT=no_spill_memory

mount -t tmpfs -o size=5m tmpfs disk 2>err || skip "no tmpfs can be mounted: $(cat err)"
for ((kib = 0; kib < 4800; kib += 150)); do
    fallocate -l $((4800 - kib))K disk/filler || fail "no filler"
    # shellcheck disable=SC2086
    attempt "$kib KiB free" "no space: free some and run again" "$bundle" $large
    rm disk/filler
done
all_happened "full disk"
cp old.h5 disk/x.h5
mount -o remount,ro disk
# shellcheck disable=SC2086
refused 1 "disk: " $large
case $err in *"Read-only file system"*) ;; *) fail "another reason: $err" ;; esac
umount disk

# The spill is larger than the bundle, so the bundle alone reaches a limit only if the spill has none: a limit that is
# lowered while it runs is tried in io_write_fails.
for kib in 1 100 1000 $(($(stat -c %s large.h5) / 1024)) 100000; do
    # shellcheck disable=SC2016,SC2086
    attempt "ulimit -f $kib" "files of more than $((kib * 1024)) bytes are not allowed here: raise ulimit -f" \
        bash -c 'ulimit -f "$0" && exec "$@"' "$kib" "$bundle" $large
done
finish
