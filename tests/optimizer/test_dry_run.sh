#!/usr/bin/env bash
# test_dry_run.sh BIN SHARED_DATA RUN_MPI : what a search would take, told without a trace.
. "$(dirname "$0")/common.sh"
"$bundle" demo demo --assets 30 --days 600 --seed 3 >out 2>err || { fail 'bundle demo'; exit 1; }
"$bundle" demo next --assets 20 --days 500 --seed 4 >out 2>err || { fail 'bundle demo'; exit 1; }
search=(--bundle demo --strategy sma_cross --param fast=5:50:5 --param slow=20:200:20) # 90 and 10 that are skipped
everything() { find . -type f ! -name out ! -name err -exec sha256sum {} + | sort; }
before=$(everything)

alone "${search[@]}" --dry-run --out a.csv
expect out '^search: sma_cross, fast 10 values, slow 10 values: 100 combinations$' search
expect out '^bundles: 1 \(demo\)$' bundles
expect out '^combinations: 90 to be tested, 10 skipped$' combinations
expect out '^time: about .* on 1 rank: .* to load, and 90 backtests of .* each$' time
expect out '^  from [0-9]+ of them, timed here, on one rank ' 'what the time is from'
expect out '^memory: about [0-9.]+ [KMG]iB on a node with 1 rank: ' memory
expect out '^nothing was written$' 'nothing was written'
good 3 "${search[@]}" --dry-run --slice 1/2
expect out '^combinations: 45 to be tested, 5 skipped$' slice
expect out ' on 3 ranks: ' 'ranks of the job'
good 2 --bundles demo,next "${search[@]:2}" --dry-run --ranks 640
expect out ' on 640 ranks: .* and 180 backtests ' '--ranks'
expect out ' of the largest bundle, ' 'several bundles'
alone --bundle demo --strategy sma_cross --param fast=9 --param slow=5 --dry-run # nothing is left to be done
expect out '^combinations: 0 to be tested, 1 skipped$' 'nothing to be tested'
[ "$(everything)" = "$before" ] || fail 'something was written'

# an estimate is one: only its parts are compared with what a search tells
if command -v python3 >/dev/null; then
    alone "${search[@]}" --dry-run --json --ranks 8
    cp out told.json
    alone "${search[@]}" --json
    python3 - <<'PY' || fail 'dry run as JSON'
import json
told, done = json.load(open("told.json")), json.load(open("out"))
assert told["backtests"] == done["done"] == 90 and told["skipped"] == done["skipped"] == 10 and told["combinations"] == 100
assert told["bundles"] == ["demo"] and told["ranks"] == 8
assert told["samples"]["backtests"] == 64 and told["samples"]["failed"] == 0
assert 0 < told["samples"]["shortest_seconds"] <= told["samples"]["longest_seconds"]
assert told["load_seconds"] < told["seconds"] < told["seconds_on_one_rank"]
m = told["memory"]
assert m["bundle_bytes"] == done["pool"]["bundle_bytes"]
assert m["node_bytes"] == m["bundle_bytes"] + 8 * m["rank_bytes"] + m["results_bytes"]
PY
fi

# what the search would refuse
bad 1 nonesuch --bundle nonesuch "${search[@]:2}" --dry-run
bad 2 '--ranks' "${search[@]}" --ranks 4
bad 2 '--ranks' "${search[@]}" --dry-run --ranks 0
bad 1 'NONE' "${search[@]}" --dry-run --symbols NONE
printf 'chapter\n' >thesis.csv
bad 2 'thesis.csv is not a file of results' "${search[@]}" --dry-run --out thesis.csv
rc=0
timeout 60 "$optimizer" "${search[@]}" --dry-run --cash 1.7e308 >out 2>err || rc=$?
[ $rc = 0 ] && grep -qE '^optimizer: warning: [0-9]+ of the [0-9]+ backtests that were tried failed: ' err || fail "failures: $rc"

finish
