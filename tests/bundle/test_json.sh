#!/bin/bash
# What --json prints, and the two hashes.
. "$(dirname "$0")/common.sh"
need_python json

run 0 demo a --assets 6 --days 300 --minute --seed 5
run 0 info a --json
same "$(field 'j["name"], j["assets"], j["sessions"], j["first_session"], j["last_session"]')" \
    "('a', 6, 300, '2010-01-04', '2011-02-25')" "info"
same "$(field 'j["bytes"]')" "$(stat -c %s bundles/a.h5)" "bytes"
same "$(field 'j["minute_bars"] > 0 and j["minute_assets"] == 6 and j["schema_version"] == "v1"')" True "minute bars"
run 0 version a --json
same "$(field 'list(j)')" \
    "['bundle_name', 'asset_list', 'date_range', 'schema_version', 'computed_hash', 'content_hash']" "fields of a version"
same "$(field 'j["asset_list"] == sorted(j["asset_list"]) and len(set(j["asset_list"])) == 6')" True "asset list"
same "$(field '__import__("hashlib").sha256("|".join([",".join(j["asset_list"])] + j["date_range"] + [j["schema_version"]]).encode()).hexdigest() == j["computed_hash"]')" \
    True "computed_hash"
same "$(field 'j["date_range"]')" "['2010-01-04T00:00:00', '2011-02-25T00:00:00']" "date range"
content=$(field 'j["content_hash"]')
run 0 verify a --json
same "$(field 'j["ok"], j["heavy"], j["content_hash"]')" "(True, 0, '$content')" "verify"

# the same options: the same bytes; another filter or name: the same content; another seed: another content
cp bundles/a.h5 a.old
run 0 demo a --assets 6 --days 300 --minute --seed 5
cmp -s a.old bundles/a.h5 || fail "equal options make different files"
run 0 demo b --assets 6 --days 300 --minute-days 5 --seed 5 --filter none
run 0 version b --json
same "$(field 'j["bundle_name"], j["content_hash"]')" "('b', '$content')" "content of another name and filter"
run 0 demo b --assets 6 --days 300 --minute --seed 6
run 0 version b --json
[ "$(field 'j["content_hash"]')" != "$content" ] || fail "another seed has the same content"

# one price of a csvdir changes content_hash, not computed_hash
mkdir -p csv/daily
printf 'date,open,high,low,close,volume\n2020-01-02,1,2,1,2,10\n2020-01-03,1,2,1,2,10\n' >csv/daily/Q\"uo\\te.csv
cp csv/daily/Q* csv/daily/Zürich.csv
run 0 ingest csvdir csv mine
run 0 version mine --json
same "$(field 'j["asset_list"]')" "['Q\"uo\\\\te', 'Zürich']" "escaped symbols"
computed=$(field 'j["computed_hash"]')
content=$(field 'j["content_hash"]')
sed -i 's/03,1,2/03,1,2.5/' csv/daily/Zürich.csv
run 0 ingest csvdir csv mine
run 0 version mine --json
same "$(field 'j["computed_hash"]')" "$computed" "computed_hash after a new price"
[ "$(field 'j["content_hash"]')" != "$content" ] || fail "a new price has the same content_hash"

# what is not plausible is a warning
sed -i 's/03,1,2.5/03,1,0.5/' csv/daily/Zürich.csv
run 0 ingest csvdir csv mine
run 0 verify mine --json
same "$(field 'j["ok"], len(j["warnings"]), "Zürich 2020-01-03: the high, 0.5" in j["warnings"][0]')" "(True, 1, True)" "warnings"
run 0 verify mine
case $out in "heavy: Zürich 2020-01-03: the high, 0.5, is below the low, 1 [high-below-low]"*) ;; *) fail "verify: $out" ;; esac

# a bad line leaves the old bundle
cp bundles/mine.h5 mine.old
echo "2020-01-03,1,2,1,2,10" >>csv/daily/Zürich.csv
run 1 ingest csvdir csv mine
case $err in "error: csv/daily/Zürich.csv:4: date '2020-01-03' is there twice"*"1 error in 1 file"*) ;; *) fail "a bad line: $err" ;; esac
cmp -s mine.old bundles/mine.h5 || fail "a failed ingest changed the bundle"

# a broken file in a list, and a damaged one that only a full read notices
echo "nothing" >bundles/broken.h5
run 0 list --json
same "$(field '[(x["name"], "error" in x, x.get("assets")) for x in j]')" \
    "[('a', False, 6), ('b', False, 6), ('broken', True, None), ('mine', False, 2)]" "list"
run 0 list --root csv --json
same "$(field 'j')" "[]" "list of a folder without bundles"
run 1 verify broken --json
same "$(field 'j["ok"], "broken.h5" in j["error"]')" "(False, True)" "verify of a broken file"
run 0 --version
version=$out
run 0 --version --json
same "$(field 'j["program"] + " " + j["version"]')" "$version" "version"
same "$(field 'all(j[k] for k in ("commit", "compiler", "build_type", "sanitizers", "mpi", "hdf5", "openssl"))')" True "build"

finish
