#!/usr/bin/env bash
# test_isa.sh BIN SHARED_DATA RUN_MPI : combinations that are run side by side have the results of those that are run one by one, by
# each instruction set that this processor has, on any number of ranks, whatever a rank may keep; metrics of fills come out as well.
. "$(dirname "$0")/common.sh"

"$bundle" demo demo --assets 70 --days 500 >out 2>err || { fail 'bundle demo'; exit 1; }
grids=("sma_cross --param fast=2:20:2 --param slow=21:60:3" "mean_reversion --param lookback=5,20 --param entry=0.5:2:0.25 --param exit=-1,0,0.4")
fills=total_return,cagr,sharpe,sortino,max_drawdown,calmar,trades,profit_factor,average_trade,exposure,turnover,costs_paid
i=0
for grid in "${grids[@]}"; do
    i=$((i + 1))
    read -ra search <<<"--bundle demo --strategy $grid --commission 7 --slippage 3"
    # orders that may wait for longer than there are sessions: the same runs, but one by one
    good 1 "${search[@]}" --out "all$i.csv" --metrics "$fills" --expire 100000
    expect "all$i.csv" '^0,done,' 'a row'
    if sed 's/.*,//' "all$i.csv" | grep -qi nan; then fail 'costs are no number'; fi
    # the columns up to the usual metrics, which come first
    columns=$(head -1 "all$i.csv" | tr , '\n' | grep -n '^profit_factor$' | cut -d: -f1)
    cut -d, -f"1-$((columns - 1))" "all$i.csv" >expected.csv
    for isa in auto portable avx2 avx512; do
        if [ "$isa" != auto ] && ! grep -qwE "avx2|avx512f" /proc/cpuinfo && [ "$isa" != portable ]; then
            echo "SKIPPED a part: this processor does not have $isa"
            continue
        fi
        [ "$isa" = avx512 ] && ! grep -qw avx512dq /proc/cpuinfo && { echo "SKIPPED a part: no $isa"; continue; }
        good 2 "${search[@]}" --out is.csv --replace --isa "$isa" --metrics "$fills"
        cmp "all$i.csv" is.csv || fail "$isa gives other metrics of fills than one by one"
        for ranks in 1 3; do
            good "$ranks" "${search[@]}" --out is.csv --replace --isa "$isa"
            cmp expected.csv is.csv || fail "$isa on $ranks ranks gives other results than one by one"
        done
    done
    for size in 0 1M 8M; do
        good 1 "${search[@]}" --out is.csv --replace --cache-memory $size --stats-every 0.0001 --log-format json
        cmp expected.csv is.csv || fail "--cache-memory $size gives other results"
        grep '"event": "stats"' err | tail -1 >last
        read -r hits limit <<<"$(sed 's/.*"cache_hits": \([0-9]*\), .*"cache_limit": \([0-9]*\).*/\1 \2/' last)"
        if [ $size = 0 ]; then
            [ "$hits $limit" = '0 0' ] || fail "something is kept in no memory: $hits hits"
        elif [ $i = 1 ]; then # several batches
            [ "$hits" -gt 0 ] || fail "nothing is found again in $size"
        fi
    done
done

bad 2 "--cache-memory: '64X' is not a number of bytes" --bundle demo --strategy buy_and_hold --cache-memory 64X
bad 2 "--cache-memory: '-1' is not a number of bytes" --bundle demo --strategy buy_and_hold --cache-memory=-1
bad 2 'portable' --bundle demo --strategy buy_and_hold --isa sse9
exit "$failed"
