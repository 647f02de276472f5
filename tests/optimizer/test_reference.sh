#!/usr/bin/env bash
# test_reference.sh BIN DATA RUN_MPI : every strategy, with costs, splits, dividends, holes, listings and delistings in the
# data, agrees with an independent computation written from docs/backtest.md, to 1e-12; and the rows are the same bytes on
# 1, 2 and 16 ranks. What the account's options do is in test_accounts.sh.
. "$(dirname "$0")/common.sh"
. "$here/reference.sh"

check() { # FILE.h5 STRATEGY OPTIONS... : on several numbers of ranks
    local n
    for n in 1 2 16; do
        rm -f $n.csv
        good $n --bundle "./$1" --strategy "${@:2}" --no-journal --out $n.csv
        expect out '^loads: 1$' "$n ranks"
        cmp 1.csv $n.csv || fail "$n ranks: other bytes"
    done
    against_reference 1.csv "$@"
}

"$bundle" demo market --root . --assets 60 --days 700 --seed 11 >/dev/null || exit 1
files=(market.h5)
if [ -d "$shared/zipline" ]; then
    "$bundle" ingest csvdir "$shared/zipline/csvdir" quandl --root . >/dev/null || exit 1
    cp "$shared/zipline/zipline_daily_csvdir.h5" zipline.h5
    files+=(quandl.h5 zipline.h5)
else
    echo "note: no shared data here: made-up markets only"
fi

costs=(--commission 5 --slippage 2.5)
for file in "${files[@]}"; do
    check "$file" sma_cross --param fast=5:25:10 --param slow=10:60:25 "${costs[@]}"
    check "$file" momentum --param lookback=20:120:50 --param top=1:3 --param rebalance=5,21 "${costs[@]}"
    check "$file" mean_reversion --param lookback=10,20 --param entry=1:2:0.5 --param exit=0.25:0.5:0.25 "${costs[@]}"
    check "$file" buy_and_hold "${costs[@]}" --cash 123456
    check "$file" rsi --param lookback=5,14 --param low=25:35:5 --param high=60,70 "${costs[@]}"
    check "$file" inverse_volatility --param lookback=20,60 --param rebalance=5,21 "${costs[@]}"
    check "$file" pairs --param lookback=20,60 --param entry=1,2 --param exit=0.25:1:0.25 "${costs[@]}"
done
check market.h5 sma_cross --param fast=5,20 --param slow=15,50 --start 2011-01-15 --end 2012-03-30

finish
