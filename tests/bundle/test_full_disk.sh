#!/bin/bash
# A full disk: one clear line, the old bundle stays, nothing is left behind.
. "$(dirname "$0")/common.sh"
command -v unshare >/dev/null || skip "no unshare"
mkdir disk
if [ -z "${IN_NAMESPACE:-}" ]; then
    unshare -m true 2>err && own="unshare -m"
    [ -n "${own:-}" ] || { unshare -rm true 2>err && own="unshare -rm"; } || skip "no mount namespace: $(cat err)"
    cd / && IN_NAMESPACE=1 $own "$self" "$bundle" "$data"
    exit
fi
mount -t tmpfs -o size=300k tmpfs disk 2>err || skip "no tmpfs can be mounted: $(cat err)"
run 0 demo disk/x.h5 --assets 5 --days 100
cp disk/x.h5 old.h5
refused 1 "no space" demo disk/x.h5 --assets 50 --days 1000
cmp -s old.h5 disk/x.h5 || fail "the old bundle changed"
same "$(ls -A disk)" x.h5 "files on the disk"
run 0 verify disk/x.h5
umount disk
finish
