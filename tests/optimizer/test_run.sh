#!/usr/bin/env bash
# test_run.sh BIN SHARED_DATA RUN_MPI : one run, and what is told of it: metrics as a search finds them, and sheets that add up.
. "$(dirname "$0")/common.sh"
"$bundle" demo demo --assets 12 --days 400 --seed 5 >out 2>err || { fail 'bundle demo'; exit 1; }
one=(--bundle demo --strategy sma_cross --param fast=5 --param slow=20)
sheets=(--equity e.csv --trades t.csv --positions p.csv --unfilled u.csv)
metrics=$("$optimizer" --list-metrics | sed 's/ .*//' | paste -sd,)

# the same numbers as a search, under every kind of account
if command -v python3 >/dev/null; then
    while read -r options; do
        # shellcheck disable=SC2086 # several words
        {
            alone "${one[@]}" $options --out s.csv --replace --metrics "$metrics"
            alone run "${one[@]}" $options "${sheets[@]}"
            cp out text
            alone run "${one[@]}" $options --json
        }
        python3 - "$options" <<'PY' || fail "run $options"
import csv, json, math, sys
told = json.load(open("out"))
found = next(csv.DictReader(open("s.csv")))
for name, value in told["metrics"].items():
    have = float(found[name])
    assert (value is None and not math.isfinite(have)) or value == have, (name, value, have)
sheet = {}
for name, path in (("equity", "e.csv"), ("trades", "t.csv"), ("positions", "p.csv"), ("unfilled", "u.csv")):
    rows = list(csv.DictReader(open(path)))
    assert len(rows) == len(told[name]), name
    for a, b in zip(rows, told[name]):
        assert list(a) == list(b)
        for k in a:
            if isinstance(b[k], (int, float)):
                assert float(a[k]) == b[k], (name, k, a, b)
            else:
                assert a[k] == (b[k] or ""), (name, k, a, b)
    sheet[name] = told[name]
equity, trades, positions = sheet["equity"], sheet["trades"], sheet["positions"]
near = lambda a, b, scale: abs(a - b) <= 1e-9 * max(1, abs(scale))
m = told["metrics"]
assert len(equity) == told["sessions"] and equity[-1]["equity"] == told["final_value"]
assert len(trades) == m["trades"] > 0
assert near(sum(t["commission"] + t["slippage"] for t in trades), m["costs_paid"], m["costs_paid"])
cash, held, at = 10e6, {}, 0
income = {t["session"]: 0.0 for t in equity}
for row in equity:
    while at < len(trades) and trades[at]["session"] == row["session"]:
        t = trades[at]
        assert near(t["value"], abs(t["shares"]) * t["price"], t["value"])
        assert near(t["cash"], -t["shares"] * t["price"] - t["commission"], t["value"])
        cash += t["cash"]
        held[t["sid"]] = held.get(t["sid"], 0) + t["shares"]
        at += 1
    cash += row["dividends"]
    here = [p for p in positions if p["session"] == row["session"]]
    assert near(row["positions"], sum(p["value"] for p in here), row["equity"])
    assert near(row["equity"], row["cash"] + row["positions"], row["equity"])
    assert near(row["cash"], cash, row["equity"]), (row, cash)
    for p in here:
        assert near(p["value"], p["shares"] * p["price"], p["value"]) and near(p["weight"], p["value"] / row["equity"], 1)
assert at == len(trades)
peak = 0
for i, row in enumerate(equity):
    peak = max(peak, row["equity"])
    before = equity[i - 1]["equity"] if i else 10e6
    assert near(row["return"], row["equity"] / before - 1, 1) and near(row["drawdown"], 1 - row["equity"] / peak, 1)
assert near(max(r["drawdown"] for r in equity), m["max_drawdown"], 1)
for u in sheet["unfilled"]:
    assert u["given"] <= u["session"] and u["why"] and u["shares"]
PY
        cat u.csv >>all.u
        expect text '^costs: commission .*, slippage ' 'costs'
        expect text "^trades: t.csv, $(($(wc -l <t.csv) - 1)) rows\$" 'rows'
    done <<'OPTIONS'

--commission 5bps+1/order --slippage 3
--commission 0.01/share,min=1 --slippage volume,limit=0.01 --expire 2
--fill close --lots fractional --dividends none
--cash 10000000 --max-leverage 2 --start 2010-06-01 --end 2011-03-01
OPTIONS
    alone run --bundle demo --strategy buy_and_hold --slippage volume,limit=0.00001 --unfilled u.csv
    cat u.csv >>all.u
    for why in 'the range ended' 'a new decision replaced it' 'cash, or --max-leverage, did not allow more'; do
        expect all.u "$why" 'why something was not filled'
    done
fi

# one of the other forms, words, JSON by the name of the file
alone run --bundle demo --strategy pairs --param side=both --short --trades t.json --unfilled u.json
alone run --bundle demo --strategy inverse_volatility --positions p.json
if command -v python3 >/dev/null; then
    python3 -c 'import json
for f in "t.json", "u.json", "p.json": assert isinstance(json.load(open(f)), list)
assert any(t["shares"] < 0 for t in json.load(open("t.json")))
' || fail 'files of JSON'
fi
[ "$(find . -maxdepth 1 -name '*.journal' -o -maxdepth 1 -name '*.origin' | wc -l)" = 2 ] || fail 'a run wrote a journal'

# the best one of a search, on several ranks, over several bundles
"$bundle" demo next --assets 12 --days 380 --seed 6 >out 2>err || fail 'bundle demo'
good 3 --bundles demo,next --strategy sma_cross --param fast=3:9:3 --param slow=10,20 --top 1 --trades best.csv --equity e.csv
read -r _ best _ fast slow _ < <(sed -n '/^top 1 /{n;n;p}' out)
alone run --bundle "$best" --strategy sma_cross --param fast="$fast" --param slow="$slow" --trades one.csv
cmp best.csv one.csv || fail 'the best run of a search'

# what is refused; a sheet replaces a sheet of its kind only
alone run "${one[@]}" --trades best.csv
bad 2 '--trades: e.csv is something else' run "${one[@]}" --trades e.csv
alone run "${one[@]}" --trades e.csv --replace
cp bundles/demo.h5 kept.h5
bad 2 '--equity: bundles/demo.h5 is bundle demo, which is read' run "${one[@]}" --equity bundles/demo.h5 --replace
bad 2 '--equity: bundles/demo.h5 is bundle demo, which is read' "${one[@]}" --equity bundles/demo.h5
cmp kept.h5 bundles/demo.h5 || fail 'a bundle was touched'
bad 2 '--trades: x.csv is --equity as well' run "${one[@]}" --equity x.csv --trades x.csv
bad 2 '2 combinations; a run is one of them' run "${one[@]:0:4}" --param fast=5,6
bad 1 'sma_cross fast=50 slow=20 makes no sense: ' run "${one[@]:0:4}" --param fast=50 --param slow=20
bad 1 nonesuch run --bundle nonesuch "${one[@]:2}"
bad 2 '--bundle is missing' run "${one[@]:2}"
bad 2 '--strategy is missing' run --bundle demo
bad 2 "'optimizer run' has no such option" run "${one[@]}" --out x.csv
bad 1 'nofolder' run "${one[@]}" --equity nofolder/e.csv

finish
