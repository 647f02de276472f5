#!/usr/bin/env bash
# test_metrics.sh BIN SHARED_DATA RUN_MPI : how results are measured: sessions a year, by option and by calendar; the first
# return; and every metric as a column.
. "$(dirname "$0")/common.sh"

"$bundle" demo demo --assets 12 --days 400 >out 2>err || { fail 'bundle demo'; exit 1; }
columns=$("$optimizer" --list-metrics | cut -d' ' -f1 | paste -sd,)
search=(--strategy sma_cross --param 'fast=5:25:5' --param slow=30 --slippage 2 --commission 1/order --metrics "$columns")

# A column of each metric, and what must hold between them
good 1 --bundle demo "${search[@]}" --out usual.csv
[ "$(head -1 usual.csv)" = "index,status,fast,slow,$columns" ] || fail 'not every metric is a column'
field() { # FILE METRIC
    awk -F, -v m="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == m) at = i; next } { print $at }' "$1"
}
grep -q nan usual.csv && fail 'a metric is undefined'
for metric in volatility exposure turnover costs_paid trades longest_drawdown tail_ratio profit_factor; do
    field usual.csv $metric | awk '!($1 > 0) { exit 1 }' || fail "$metric is not positive"
done
field usual.csv exposure | awk '$1 > 1 { exit 1 }' || fail 'exposed at more than all sessions'

# Ratios that are annualised: sharpe, sortino, volatility by the root, turnover by the number
good 2 --bundle demo "${search[@]}" --out 365.csv --sessions-per-year 365
for metric in sharpe sortino volatility turnover cagr; do
    case $metric in
        turnover) as='x * 365 / 252' ;;
        cagr) as='exp(log(1 + x) * 365 / 252) - 1' ;;
        *) as='x * sqrt(365 / 252)' ;;
    esac
    paste <(field usual.csv $metric) <(field 365.csv $metric) |
        awk '{ x = $1; d = $2 - ('"$as"'); if (d < 0) d = -d; if (d > 1e-12 * (1 + ($2 < 0 ? -$2 : $2))) exit 1 }' ||
        fail "$metric is annualised in another way"
done
cmp <(field usual.csv max_drawdown) <(field 365.csv max_drawdown) || fail 'the drawdown depends on the year'
expect out ' to [-0-9]+, 365 are a year$' 'the header tells of another year'
good 1 --bundle demo "${search[@]}" --out 252.csv --sessions-per-year 252
cmp usual.csv 252.csv || fail 'the number of a usual year, given'
expect out '^scope: 12 assets, 400 sessions, 2010-01-04 to [-0-9]+$' 'the header of a usual year'

# One return more, of 0: mean times (m - 1) / m
good 1 --bundle demo "${search[@]}" --out first.csv --first-return
paste <(field usual.csv win_rate) <(field first.csv win_rate) |
    awk '{ d = $2 - $1 * 399 / 400; if (d > 1e-12 || d < -1e-12) exit 1 }' || fail 'the first return does not count'
if cmp -s <(field usual.csv sharpe) <(field first.csv sharpe); then fail '--first-return changes nothing'; fi

# All of them again, from what a run wrote
python=${PYTHON:-/usr/bin/python3}
if "$python" -c 'import numpy, pandas' 2>/dev/null; then
    for terms in 252 365; do
        "$optimizer" run --bundle demo --strategy momentum --param top=3 --param rebalance=10 --cash 50000 --slippage 5bps \
            --commission 0.01/share,min=1 --sessions-per-year $terms --json --equity equity.csv --trades trades.csv \
            --replace >run.json 2>err || fail 'a run'
        "$python" "$here/measure_run.py" run.json equity.csv trades.csv 50000 $terms 2>err || fail 'metrics of a run'
    done
fi

# A market that never closes, beside one that does
mkdir -p always/daily
awk 'BEGIN {
    file["COIN"] = "always/daily/COIN.csv"; file["STOCK"] = "always/daily/STOCK.csv"
    for (name in file) print "date,open,high,low,close,volume" >file[name]
    split("31 28 31 30 31 30", days, " ")
    weekday = 5 # 2021-01-01, a Friday
    for (month = 1; month <= 6; month++)
        for (day = 1; day <= days[month]; day++) {
            price = 100 + (month * 31 + day) % 17
            for (name in file)
                if (name == "COIN" || weekday <= 5)
                    printf "2021-%02d-%02d,%d,%d,%d,%d,1000\n", month, day, price, price, price, price >file[name]
            weekday = weekday % 7 + 1
        }
}'
"$bundle" ingest csvdir always always >out 2>err || fail 'ingest csvdir'
always=(--bundle always --strategy sma_cross --param fast=2 --param slow=5)
good 1 "${always[@]}" --symbols COIN --json
grep -q '"sessions_per_year": *365' out || fail 'a market that never closes'
good 1 "${always[@]}" --symbols STOCK --start 2021-02-01 --json
grep -q '"sessions_per_year": *252' out || fail 'what is not selected has changed the year'
good 1 "${always[@]}" --symbols COIN --sessions-per-year 252 --json
grep -q '"sessions_per_year": *252' out || fail 'the option wins over the calendar'

# A journal is of one way to measure
good 1 --bundle demo "${search[@]}" --journal kept --sessions-per-year 365
bad 1 "there 'sessions-per-year 365', here 'sessions-per-year of the bundle'" --bundle demo "${search[@]}" --journal kept --resume
bad 1 "there 'first-return no', here 'first-return yes'" --bundle demo "${search[@]}" --journal kept --resume \
    --sessions-per-year 365 --first-return

# What is no number of sessions
for year in 0 -1 0.5 1e7 nan inf much; do
    bad 2 '--sessions-per-year: ' --bundle demo --strategy sma_cross --sessions-per-year $year
done
bad 2 'first-return' --bundle demo --strategy sma_cross --first-return=yes

finish
