#!/usr/bin/env bash
# test_reference.sh BIN DATA RUN_MPI : every strategy, with costs, splits, dividends, holes, listings and
# delistings in the data, agrees with an independent computation written from docs/backtest.md, to 1e-12; and the rows are
# the same bytes on 1, 2 and 16 ranks.
set -u
optimizer=$1/optimizer bundle=$1/bundle data=$2 run=$3
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-/usr/bin/python3}
"$python" -c 'import h5py, numpy' 2>/dev/null || { echo "SKIPPED: python3 lacks h5py or numpy (Debian: python3-h5py)"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

check() { # FILE.h5 STRATEGY OPTIONS...
    local file=$1 strategy=$2 n
    shift 2
    for n in 1 2 16; do
        "$run" "$n" "$optimizer" --bundle "$file" --strategy "$strategy" "$@" --replace --out "$work/$n.csv" >"$work/log" 2>&1 || {
            echo "FAILED: $strategy $* on $n ranks"
            cat "$work/log"
            failed=1
            return
        }
        grep -qx 'loads: 1' "$work/log" || { echo "FAILED: no line 'loads: 1' on $n ranks"; failed=1; }
        cmp "$work/1.csv" "$work/$n.csv" || failed=1
    done
    "$python" "$here/reference.py" "$file" "$strategy" "$@" --out "$work/reference.csv" || failed=1
    echo "$(basename "$file") $strategy $*: $(wc -l <"$work/1.csv") rows"
    "$python" "$here/compare.py" "$work/1.csv" "$work/reference.csv" --rel 1e-12 || failed=1
}

"$bundle" demo market --root "$work" --assets 60 --days 700 --seed 11 >/dev/null || exit 1
files=("$work/market.h5")
if [ -d "$data" ]; then
    "$bundle" ingest csvdir "$data/zipline/csvdir" quandl --root "$work" >/dev/null || exit 1
    files+=("$work/quandl.h5" "$data/zipline/zipline_daily_csvdir.h5")
else
    echo "note: no shared data here: the made-up market only"
fi
costs=(--commission 5 --slippage 2.5)
for file in "${files[@]}"; do
    check "$file" sma_cross --param fast=5:25:10 --param slow=10:60:25 "${costs[@]}"
    check "$file" momentum --param lookback=20:120:50 --param top=1:3 --param rebalance=5,21 "${costs[@]}"
    check "$file" mean_reversion --param lookback=10,20 --param entry=1:2:0.5 --param exit=0.25:0.5:0.25 "${costs[@]}"
    check "$file" buy_and_hold "${costs[@]}" --cash 123456
done
"$bundle" info market --root "$work"
check "$work/market.h5" sma_cross --param fast=5,20 --param slow=15,50 --start 2011-01-15 --end 2012-03-30
exit $failed
