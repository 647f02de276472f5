#!/usr/bin/env bash
# test_from.sh BIN SHARED_DATA RUN_MPI : the best of earlier results, tested once more on what is there now.
. "$(dirname "$0")/common.sh"
fresh() { "$bundle" demo demo --assets 10 --days "$1" --seed 3 >out 2>err || fail 'bundle demo'; }
fresh 300
alone --bundle demo --strategy sma_cross --param fast=3:9:2 --param slow=5:40:5 --commission 5bps --end 2011-12-31 --out a.csv
fresh 320

# the same on any number of ranks; old beside new, and each is what the files have
for ranks in 1 3; do
    good $ranks --from a.csv --top 6 --out b$ranks.csv
    expect out '^search: sma_cross: 6 combinations on' 'the search'
    expect out '^the best 6 of a.csv by sharpe, then and now$' 'the table'
    expect out '^costs: commission 5bps, ' 'the old account'
    expect out '^combinations: 6 done, 0 skipped, 0 failed$' 'the table'
done
cmp b1.csv b3.csv || fail 'the ranks change the file'
grep -q '^commission 5bps$' b1.csv.origin && grep -q '^end day 15339$' b1.csv.origin || fail 'what is not given is as it was'
good 2 --from a.csv --top 6 --out b1.csv --resume
expect out '^resumed: 6 of 6$' resume
cmp b1.csv b3.csv || fail 'resumed to another file'
if command -v python3 >/dev/null; then
    for objective in sharpe max_drawdown; do
        alone --from a.csv --top 6 --objective $objective --out c.csv --replace --json
        python3 - $objective <<'PY' || fail "--from --json --objective $objective"
import csv, json, sys
objective = sys.argv[1]
told = json.load(open("out"))
best = 1 if objective == "max_drawdown" else -1
key = lambda r: (r["fast"], r["slow"])
old = [r for r in csv.DictReader(open("a.csv")) if r["status"] == "done"]
old.sort(key=lambda r: (best * float(r[objective]), int(r["index"])))
new = {key(r): r for r in csv.DictReader(open("c.csv"))}
assert list(new) == [key(r) for r in old[:6]]
rows = told["from"]["rows"]
assert [r["rank"] for r in rows] == list(range(1, 7)) and sorted(r["rank_then"] for r in rows) == list(range(1, 7))
values = [best * r["objective"] for r in rows]
assert values == sorted(values)
for r in rows:
    then, now = old[r["rank_then"] - 1], new[tuple(str(v) for v in r["parameters"].values())]
    assert key(then) == key(now) and int(then["index"]) == r["index_then"] and int(now["index"]) == r["index"]
    assert r["objective_then"] == float(then[objective]) and r["objective"] == float(now[objective])
    assert r["change"] == r["objective"] - r["objective_then"] and r["status"] == "done"
    assert r["now"] == {k: float(now[k]) for k in r["now"]} and r["then"] == {k: float(then[k]) for k in r["then"]}
    assert len(r["now"]) == 7
PY
    done
fi

alone --from a.csv --top 4 --objective 'sharpe - max_drawdown' --having 'trades > 300'
expect out '^the best 4 of a.csv by sharpe - max_drawdown, then and now$' 'an expression'
bad 2 'no row of a.csv has what --having asks for' --from a.csv --having 'trades < 0'
alone --bundle demo --strategy pairs --param entry=1,1.5 --param side=long,both --short --out words.csv
alone --from words.csv --top 3 --out words2.csv
alone --from words2.csv --top 2
expect out ' (long|both) ' 'words'

# the same combinations as in a search of all, to the bit; other options win
alone --bundle demo --strategy sma_cross --param fast=3:9:2 --param slow=5:40:5 --commission 1 --out all.csv --end 2011-12-31
alone --from a.csv --top 100 --commission 1 --out some.csv
[ "$(wc -l <some.csv)" = 30 ] || fail 'all that were done'
diff <(grep ,done, all.csv | cut -d, -f3- | sort) <(grep ,done, some.csv | cut -d, -f3- | sort) || fail 'not the values of a search'
alone --from b1.csv --top 2 # what was made so can be used so
expect out '^the best 2 of b1.csv' 'a second time'
alone --from a.csv --top 2 --bundle "$work/bundles/demo.h5" --end 2010-12-31
expect out ' to 2010-12-31$' 'another end'
alone --from a.csv --top 3 --dry-run
expect out '^combinations: 3 to be tested, 0 skipped$' 'a dry run'
for k in 1 2; do alone --from a.csv --top 6 --slice $k/2 --out s$k.csv; done
alone merge s1.csv.journal s2.csv.journal --out merged.csv
cmp b1.csv merged.csv || fail 'slices of such a search'
alone compare a.csv b1.csv
expect out '^combinations: 6 in both, 26 in A only, 0 in B only$' compare

# several bundles: the best rows, whichever bundle they are of
"$bundle" demo next --assets 10 --days 310 --seed 4 >out 2>err || fail 'bundle demo'
alone --bundles demo,next --strategy sma_cross --param fast=3:9:2 --param slow=5:40:5 --out two.csv
good 2 --from two.csv --top 5 --json
if command -v python3 >/dev/null; then
    python3 - <<'PY' || fail 'several bundles'
import csv, json
rows = json.load(open("out"))["from"]["rows"]
old = sorted((r for r in csv.DictReader(open("two.csv")) if r["status"] == "done"), key=lambda r: -float(r["sharpe"]))[:5]
assert len(rows) == 5
for r in rows:
    o = old[r["rank_then"] - 1]
    assert (r["bundle"], str(r["parameters"]["fast"]), str(r["parameters"]["slow"])) == (o["bundle"], o["fast"], o["slow"])
    assert r["objective"] == float(o["sharpe"]) # nothing has changed
PY
fi
alone --from two.csv --top 5 --bundle next
expect out '^the best 5 of two.csv' 'one bundle of two'
bad 2 'no row of two.csv is done and of a bundle that is tested' --from two.csv --bundle other

# filtered by another program, and without its origin
grep -v ,5,1 a.csv >picked.csv
bad 2 '--strategy is missing: there is no picked.csv.origin' --from picked.csv --bundle demo
bad 2 '--bundle is missing' --from picked.csv --strategy sma_cross
alone --from picked.csv --bundle demo --strategy sma_cross --top 2
expect out '^costs: commission 0bps' 'nothing is known of the account'

# one row of it, to be looked at
alone run --results a.csv --row 13 --trades t.csv
expect out "^run: $(sed -n 's/^13,done,\([0-9]*\),\([0-9]*\),.*/sma_cross fast=\1 slow=\2/p' a.csv)\$" 'the row'
expect out '^costs: commission 5bps' 'its account'
alone run --results two.csv --row 13 --bundle next
expect out '^bundle: next' 'a row of two bundles'
bad 2 'is of several bundles (demo,next); say by --bundle' run --results two.csv --row 13
bad 2 'a.csv has no row with the index 99' run --results a.csv --row 99
bad 2 '--row and --results go together' run --results a.csv
bad 2 '--row and --results go together' run --bundle demo --strategy sma_cross --row 3
bad 2 '--param and --results: choose one' run --results a.csv --row 3 --param fast=3

# what is refused
bad 2 '--param and --from: choose one' --from a.csv --param fast=3
bad 2 'at least 1 has to be tested' --from a.csv --top 0
bad 2 '--out: a.csv is what is read' --from ./a.csv --out a.csv --replace
bad 2 "a.csv has a parameter 'fast', which the strategy does not have" --from a.csv --strategy momentum
sed 's/,done,3,/,done,3.5,/' a.csv >odd.csv
bad 2 'odd.csv, line 2: fast takes whole numbers, and 3.5 is not one' --from odd.csv --bundle demo --strategy sma_cross
cut -d, -f 1-5 a.csv >short.csv
bad 2 'short.csv has no column sharpe, by which the best are chosen' --from short.csv --bundle demo --strategy sma_cross
grep -v ,done, a.csv >none.csv
bad 2 'no row of none.csv is done' --from none.csv --bundle demo --strategy sma_cross
bad 1 'nonesuch.csv: cannot be read' --from nonesuch.csv
bad_ranks 3 1 'nonesuch.csv: cannot be read' --from nonesuch.csv
bad 2 'has results of another search (commission: ' --from a.csv --top 6 --commission 1 --out b1.csv

finish
