#!/usr/bin/env bash
# test_lookahead.sh BIN SHARED_DATA RUN_MPI : --check-lookahead as it is typed: what is built in and the examples are
# honest, but for the one that cheats. Other ways to cheat: tests/backtest/test_lookahead.c.
. "$(dirname "$0")/common.sh"

"$bundle" demo demo --assets 12 --days 200 >out 2>err || { fail 'bundle demo'; exit 1; }
"$bundle" demo other --assets 5 --days 100 --seed 2 >out 2>err || { fail 'bundle demo'; exit 1; }

# What is built in does not look ahead; the sessions are chosen by the seed, and told
for strategy in $("$optimizer" --list-strategies | grep -o '^[a-z_]*'); do
    alone --bundle demo --strategy "$strategy" --check-lookahead
    expect out "^look-ahead: $strategy, combination 0( \([^)]*\))?: none in 50 runs on data that was cut, seed 1$" "$strategy"
    [ "$(wc -l <out)" = 1 ] || fail "$strategy: another line"
done

# At most ten combinations of each bundle, those that make sense; in a job it is told once
good 4 --bundles demo,other --strategy sma_cross --param fast=5:25 --param slow=10,30 --check-lookahead \
    --lookahead-cuts 7 --lookahead-seed 3
[ "$(grep -c '^look-ahead: sma_cross, combination [0-9]* (demo .*none in 7 runs.*seed 3$' out)" = 10 ] &&
    [ "$(grep -c '^look-ahead: sma_cross, combination [0-9]* (other .*none in 7 runs.*seed 3$' out)" = 10 ] ||
    fail 'not ten combinations of each bundle'
good 2 --bundle demo --strategy sma_cross --param fast=5 --check-lookahead --json
"${PYTHON:-/usr/bin/python3}" - out <<'PYTHON' || fail 'its JSON'
import json, sys
said = json.load(open(sys.argv[1]))
assert said["strategy"] == "sma_cross" and said["seed"] == 1, said
(checked,) = said["checked"]
assert checked["looks_ahead"] is False and checked["cuts"] == 50 and checked["index"] == 0, checked
PYTHON
[ ! -e sma.csv ] || fail 'a file is there'
good 1 --bundle demo --strategy sma_cross --param fast=5 --check-lookahead --out sma.csv
[ ! -e sma.csv ] && [ ! -e sma.csv.journal ] || fail 'it has written a file'

# Strategies of a file: the examples are honest, but for one. Nothing ever changes but AAPL, on 2012-03-06: that is what
# it knows the day before.
source=$(realpath "$here/../..")
for file in "$source"/examples/*.c; do
    name=$(basename "$file" .c)
    "${CC:-cc}" -O2 -ffp-contract=off -shared -fPIC -I "$source/include" -o "$name.so" "$file" -lm >out 2>err ||
        { fail "$name: cc"; continue; }
    [ "$name" = cheat ] && continue
    alone --bundle demo --strategy "./$name.so" --check-lookahead
    expect out "^look-ahead: $name.so:$name, combination 0 \\([^)]*\\): none in 50 runs" "$name.so"
done
mkdir -p quiet/daily
for symbol in AAPL MSFT; do
    echo date,open,high,low,close,volume
    for month in 01 02 03 04; do
        for day in $(seq -w 1 28); do
            price=10
            [ $symbol = AAPL ] && [[ ! 2012-$month-$day < 2012-03-06 ]] && price=11
            echo "2012-$month-$day,$price,$price,$price,$price,1000"
        done
    done
done | awk '/^date/ { file = "quiet/daily/" (n++ ? "MSFT" : "AAPL") ".csv" } { print >file }'
"$bundle" ingest csvdir quiet quiet >out 2>err || fail 'ingest csvdir'
rc=0
optimizer 3 --bundle quiet --strategy ./cheat.so --check-lookahead || rc=$?
[ $rc = 1 ] || fail "exit code $rc of a cheat"
[ "$(cat out)" = "look-ahead: cheat.so:cheat, combination 0: at 2012-03-05 asset AAPL, known at the close of 2012-03-05 it \
says 'nothing', with later data 'enters the set'" ] || fail 'the cheat is not named, or not once'

# The same of a single run
"$optimizer" run --bundle quiet --strategy ./cheat.so --check-lookahead >run.out 2>err && fail 'a run that cheats ends with 0'
cmp out run.out || fail 'a run is told in another way'
"$optimizer" run --bundle demo --strategy momentum --param top=2 --check-lookahead --lookahead-cuts 9 --trades trades.csv >out 2>err ||
    fail 'a run that is honest'
expect out '^look-ahead: momentum, combination 0 \(.*top=2.*\): none in 9 runs' 'a run'
[ ! -e trades.csv ] || fail 'a run that is only checked has written a file'

# A range that ends: fewer sessions than cuts; too few
good 1 --bundle demo --strategy buy_and_hold --end 2010-01-15 --check-lookahead
expect out ': none in 8 runs' 'each session but the first and the last'
bad 1 'combination 0: the range has 2 sessions' --bundle demo --strategy buy_and_hold --end 2010-01-05 --check-lookahead
bad 1 'no combination of these parameters makes sense' --bundle demo --strategy sma_cross --param fast=60 --check-lookahead
bad_ranks 3 1 nonesuch.h5 --bundle nonesuch --strategy sma_cross --check-lookahead
for cuts in 0 -1 many 1.5; do
    bad 2 --lookahead-cuts --bundle demo --strategy sma_cross --check-lookahead --lookahead-cuts $cuts
done

finish
