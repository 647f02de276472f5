#!/usr/bin/env bash
# test_sync.sh BIN : a bundle knows where it comes from, info and verify say when that has changed, and `bundle sync` brings
# it in, with the options of the first time.
. "$(dirname "$0")/common.sh"
need_python json

mkdir -p csv/daily
row='date,open,high,low,close,volume\n2020-01-02,1,2,1,2,10\n2020-01-03,1,2,1,2,10\n'
# shellcheck disable=SC2059
printf "$row" >csv/daily/A.csv && printf "$row" >csv/daily/B.csv
touch -d '2021-01-01' csv/daily/*
says_newer() { case $out in *"note: the source $dir/csv has changed since; 'bundle sync x' brings it in"*) ;; *) fail "$1: $out" ;; esac; }
says_nothing() { case $out in *note:*) fail "$1: $out" ;; esac; }
# synced STATE ACTION WHAT : what the JSON of a sync tells
synced() {
    run 0 sync x --json
    same "$(field 'j["name"], j["source"], j["source_path"], j["source_state"], j["action"]')" \
        "('x', 'csvdir', '$dir/csv', '$1', '$2')" "$3"
}

run 0 ingest csvdir csv x --currency EUR --filter none
run 0 info x
case $out in *"csvdir, $dir/csv, of 2021-01-01"*) ;; *) fail "info: $out" ;; esac
says_nothing info
run 0 info x --json
same "$(field 'j["source"]["options"]')" "--currency=EUR
--filter=none" "options"
same "$(field 'j["source"]["state"], j["source"]["files"]')" "('same', 2)" "state"
cp bundles/x.h5 first.h5
run 0 sync x
same "$out" "bundles/x.h5: its source $dir/csv has not changed: 2 files of the same names, sizes and times as before" "nothing to do"
synced same none "nothing to do"
cmp -s first.h5 bundles/x.h5 || fail "a sync without a reason changes the bundle"

touch -d '2022-01-01' csv/daily/B.csv
run 0 info x
says_newer "info of what was touched"
run 0 verify x
says_newer "verify of what was touched"
run 0 version x --json
content=$(field 'j["content_hash"]')

# changed: new values, the same options; the currency and the filter are still there
sed -i 's/03,1,2/03,1,3/' csv/daily/B.csv
synced newer made "changed"
run 0 version x --json
[ "$(field 'j["content_hash"]')" != "$content" ] || fail "a new price is not brought in"
run 0 info x --json
same "$(field 'j["source"]["options"]')" "--currency=EUR
--filter=none" "options of the second time"
"$python" -c 'import h5py' 2>/dev/null && same "$("$python" - <<'PYTHON'
import h5py
us = h5py.File("bundles/x.h5", "r")["US"]
print(us["currency/code"][0].decode(), us["data/close"].compression)
PYTHON
)" "EUR None" "currency and filter"

# one more file, one less; what is hidden and bundles beside do not count
touch csv/.hidden && cp bundles/x.h5 csv/daily/x.h5
synced same none "hidden files and bundles"
rm csv/daily/x.h5
cp -p csv/daily/A.csv csv/daily/C.csv
run 0 sync x
case $out in "bundles/x.h5: 3 assets"*) ;; *) fail "one more: $out" ;; esac
rm csv/daily/C.csv
synced newer made "one less"

# replaced by an older one, of another size or of the same one, as a backup or cp -p does; moved to another name
years=0
for change in 's/03,1,3/03,1.5,3/' 's/03,1.5,3/03,1.6,3/'; do
    sed -i "$change" csv/daily/B.csv
    touch -d "200$((++years))-01-01" csv/daily/B.csv
    run 0 info x
    says_newer "replaced by an older file"
    synced newer made "replaced by an older file"
    synced same none "replaced by an older file, a second time"
done
touch -d '2000-01-01' csv/daily/B.csv
synced newer restamped "an older time alone"
run 0 verify x --json
same "$(field 'j["counts"].get("checksum")')" None "the checksum of what was stamped again"
mv csv/daily/B.csv csv/daily/D.csv
synced newer made "another name"
mv csv/daily/D.csv csv/daily/B.csv
synced newer made "the old name"
(cd csv && "$bundle" ingest csvdir .// ../bundles/y.h5) >/dev/null || fail "an ingest of .//"
run 0 sync y
same "${out##*: }" "2 files of the same names, sizes and times as before" "another spelling of the folder"

# errors leave the bundle as it is, and the next sync tries again
cp bundles/x.h5 before.h5
echo "2020-01-03,1,2,1,2,10" >>csv/daily/A.csv
run 1 sync x
case $err in *csv/daily/A.csv*) ;; *) fail "a bad line: $err" ;; esac
run 1 sync x --json
same "$(field 'j["source_state"], j["action"], "error" in j')" "('newer', 'none', True)" "JSON of a failure"
cmp -s before.h5 bundles/x.h5 || fail "a failed sync changes the bundle"
sed -i '$d' csv/daily/A.csv
run 0 sync x
synced same none "mended"

# touched: the same content, which is known only when it has been read
if "$python" -c 'import blosc, numpy' 2>/dev/null; then
    "$python" - "${self%/*}/../support" <<'PYTHON' || fail "a folder of zipline cannot be made"
import os, sys
sys.path.insert(0, sys.argv[1])
import zipline_folder as zf
os.mkdir("zipline")
days = zf.weekdays("2020-01-02", 5)
zf.write_assets("zipline", [(1, "A", "", days[0], days[-1], None, None, "NYSE")])
zf.write_adjustments("zipline", {})
zf.write_daily("zipline", {1: (0, {field: [1, 2, 3, 4, 5] for field in zf.FIELDS})}, days)
PYTHON
    run 0 import zipline zipline z --currency EUR
    run 0 version z --json
    content=$(field 'j["content_hash"]')
    touch -d '+1 hour' zipline/adjustments.sqlite
    run 0 sync z --json
    same "$(field 'j["source_state"], j["action"]')" "('newer', 'restamped')" "touched"
    run 0 version z --json
    same "$(field 'j["content_hash"]')" "$content" "content of what was touched"
    run 0 verify z
    says_nothing "verify after a sync"
    run 0 sync z --json
    same "$(field 'j["source_state"], j["action"]')" "('same', 'none')" "a second time"
    run 0 info z --json
    same "$(field 'j["source"]["options"]')" "--currency=EUR" "options of what was touched"
    touch -d '+2 hours' zipline/adjustments.sqlite
    run 0 sync z
    same "$out" "bundles/z.h5: its source $dir/zipline was touched, but holds the same: no bar was written" "touched again"
fi

# gone, not known, not there
mv csv elsewhere
run 1 sync x
case $err in *"its source $dir/csv is gone"*) ;; *) fail "gone: $err" ;; esac
run 0 info x
case $out in *"note: the source $dir/csv is gone: whether it has changed is not known"*) ;; *) fail "gone: $out" ;; esac
run 0 demo d --assets 2 --days 5
refused 1 "does not tell what it was made from" sync d
refused 1 "cannot be opened" sync none
refused 2 "an argument is missing" sync
refused 2 "--currency: 'bundle sync' has no such option" sync x --currency EUR
same "$(find . -name '.x.h5.*' | wc -l)" 0 "temporary files"
finish
