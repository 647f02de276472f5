#!/usr/bin/env bash
# test_compare.sh BIN SHARED_DATA RUN_MPI : two files of results beside each other.
. "$(dirname "$0")/common.sh"
"$bundle" demo demo --assets 8 --days 300 --seed 3 >out 2>err || { fail 'bundle demo'; exit 1; }
"$bundle" demo next --assets 8 --days 301 --seed 4 >out 2>err || { fail 'bundle demo'; exit 1; }
grid=(--strategy sma_cross --param fast=3:9:2 --param slow=5:40:5) # 29 and 3 that are skipped
alone --bundle demo "${grid[@]}" --out a.csv
alone --bundle demo "${grid[@]}" --commission 40 --end 2010-12-31 --out b.csv --metrics trades,sharpe,calmar
alone --bundle demo --strategy sma_cross --param fast=4:9 --param slow=5,40,60 --out c.csv
alone --bundle next "${grid[@]}" --out next.csv
alone --bundles demo,next "${grid[@]}" --out both.csv

alone compare a.csv b.csv
expect out '^A: a.csv: sma_cross over demo: 29 done, 3 skipped, 0 failed$' 'the first file'
expect out '^  end +of the bundle +2010-12-31$' 'what differs'
expect out '^  commission +0bps +40bps$' 'what differs'
expect out '^  metrics +- +trades,sharpe,calmar$' 'what differs'
[ "$(sed -n '/^what differs/,/^combinations/p' out | wc -l)" = 6 ] || fail 'something else differs'
expect out '^combinations: 32 in both, 0 in A only, 0 in B only$' 'in both'
expect out '^best of B .* 1 of 29 ' 'the best'
expect out "^rank correlation: -?[01]\.[0-9]{4} \(Spearman's, by sharpe, of 29 that are done in both\)\$" correlation
alone compare a.csv a.csv
expect out '^what differs in the searches: nothing$' 'the same file'
expect out '^rank correlation: 1.0000 ' 'the same file'
expect out '^top 10: 10 are among the top 10 of both$' 'the same file'
alone compare a.csv c.csv --top 100
expect out '^combinations: 6 in both, 26 in A only, 12 in B only$' 'some in both'
expect out ' missing +-$' 'the best is not in the other file'
alone compare next.csv both.csv # one of its bundles is the whole of the other file
expect out '^combinations: 32 in both, 0 in A only, 32 in B only$' 'one bundle of two'
mpirun -n 1 true 2>/dev/null && { good 2 compare a.csv b.csv; expect out '^combinations: 32 in both' 'as a job'; }

# an independent computation
if command -v python3 >/dev/null; then
    for objective in sharpe calmar trades; do
        alone compare a.csv b.csv --json --objective $objective --top 7
        python3 - out $objective 7 <<'PY' || fail "compare --json --objective $objective"
import csv, json, math, sys
told, objective, top = json.load(open(sys.argv[1])), sys.argv[2], int(sys.argv[3])
sign = -1 if objective == "trades" else 1
files = [{(r["fast"], r["slow"]): r for r in csv.DictReader(open(f)) if r["status"] == "done"} for f in ("a.csv", "b.csv")]
score = [{k: sign * float(r[objective]) for k, r in f.items()} for f in files]
both = [k for k in score[0] if k in score[1] and not any(math.isnan(s[k]) for s in score)]
def ranks(s):
    return [sum(s[o] > s[k] for o in both) + (sum(s[o] == s[k] for o in both) + 1) / 2 for k in both]
x, y = (ranks(s) for s in score)
mean = (len(both) + 1) / 2
r = sum((a - mean) * (b - mean) for a, b in zip(x, y)) / math.sqrt(
    sum((a - mean) ** 2 for a in x) * sum((b - mean) ** 2 for b in y))
assert told["ranked"] == len(both) and abs(told["rank_correlation"] - r) < 1e-12, (told["rank_correlation"], r)
order = [sorted(s, key=lambda k: (-s[k], int(f[k]["index"]))) for s, f in zip(score, files)]
assert told["top_in_both"] == len(set(order[0][:top]) & set(order[1][:top]))
for side, name in enumerate(("best_of_a", "best_of_b")):
    best = order[side][0]
    assert tuple(str(v) for v in told[name]["parameters"].values()) == best
    for other, letter in enumerate("ab"):
        assert told[name][letter]["rank"] == order[other].index(best) + 1
        assert told[name][letter]["objective"] == float(files[other][best][objective])
assert {d["what"] for d in told["differences"]} == {"end", "commission", "metrics"}
PY
    done
fi

alone compare a.csv b.csv --objective 'sharpe - calmar / 10'
expect out "^rank correlation: .* by sharpe - calmar / 10, of 29 that are done in both" 'an expression'
bad 1 "there is no 'max_drawdown'" compare a.csv b.csv --objective 'sharpe - max_drawdown'

# without what tells them apart, and changed by hand
cp a.csv lone.csv
alone compare lone.csv b.csv
expect out '^what differs in the searches: not known, there is no lone.csv.origin$' 'no origin'
bad 1 'lone.csv: which bundle it is of is not known' compare lone.csv both.csv
sed -i '/,skipped,/d' b.csv
alone compare a.csv b.csv
expect out '^   \(the file is not as its search has written it\)$' 'a changed file'
expect out '^combinations: 29 in both, 3 in A only, 0 in B only$' 'a changed file'

# what is refused
alone --bundle demo --strategy momentum --param top=1:3 --out m.csv
bad 1 'a.csv has the parameters fast, slow, m.csv has lookback, top, rebalance: no combination is in both' compare a.csv m.csv
tail -n 1 a.csv >>lone.csv
bad 1 'lone.csv, line 34: the same combination (fast=9 slow=40) as in line 33' compare lone.csv a.csv
cut -d, -f 1-5 a.csv >short.csv
bad 1 '--objective: sharpe is not in short.csv, choose from total_return' compare a.csv short.csv
bad 2 "--objective: there is no metric 'luck'" compare a.csv b.csv --objective luck
bad 1 'nonesuch.csv: cannot be read' compare a.csv nonesuch.csv
bad 1 'bundles/demo.h5, line 1: ' compare bundles/demo.h5 a.csv
bad 1 ', line 1: ' compare a.csv a.csv.journal
bad 1 'is not a regular file' compare a.csv bundles
bad 2 'an argument is missing' compare a.csv
bad 2 'unexpected argument' compare a.csv b.csv c.csv
bad 2 "'optimizer compare' has no such option" compare a.csv b.csv --out x.csv
printf 'csv zzz\n' >>short.csv.origin
bad 1 'short.csv.origin is not what this program writes beside results' compare short.csv a.csv

finish
