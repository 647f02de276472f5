#!/bin/bash
# Permissions of what the tool makes: those that the umask leaves, in files and folders; docs/security.md says so.
. "$(dirname "$0")/common.sh"
mkdir -p csv/daily
printf 'date,open,high,low,close,volume\n2020-01-02,1,1,1,1,1\n2020-01-03,1,1,1,1,1\n' >csv/daily/A.csv

for mask in 022 027 077 002; do
    umask $mask
    file=$(printf '%o' $((0666 & ~0$mask))) folder=$(printf '%o' $((0777 & ~0$mask)))
    mkdir "of$mask"
    run 0 demo demo --assets 2 --days 9 --root "of$mask/bundles"
    run 0 ingest csvdir csv "of$mask/ingested.h5"
    run 0 export csvdir "of$mask/ingested.h5" "of$mask/exported"
    [ "$(find "of$mask" -type f | wc -l)" -ge 5 ] || fail "umask $mask: fewer files than expected"
    same "$(find "of$mask" -type f ! -perm "$file")" "" "files under umask $mask"
    same "$(find "of$mask" -mindepth 1 -type d ! -perm "$folder")" "" "folders under umask $mask"
done

# one that is replaced has the mode of now, and what it linked to stays as it is
umask 022
run 0 ingest csvdir csv again.h5
umask 077
run 0 ingest csvdir csv again.h5
same "$(stat -c %a again.h5)" 600 "mode of a file that was replaced"
printf 'mine\n' >mine
ln -s mine link.h5
run 0 ingest csvdir csv link.h5 --replace # what it led to is no bundle
same "$(cat mine)" mine "what a link led to"
[ ! -L link.h5 ] || fail "a link is written through"
same "$(find . -name '.*.??????' | wc -l)" 0 "files that are left over"
finish
