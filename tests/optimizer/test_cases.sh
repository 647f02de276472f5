#!/usr/bin/env bash
# test_cases.sh BIN DATA RUN_MPI : what people's data once did to results. Each part writes its own small market, and says
# the kind of mistake that it stands for.
. "$(dirname "$0")/common.sh"

# days N [EVERY] : N dates from 2019-01-01, weekdays unless EVERY
days() {
    awk -v n="$1" -v every="${2:-}" 'BEGIN {
        for (t = mktime("2019 01 01 12 00 00"); n > 0; t += 86400) {
            weekday = strftime("%u", t, 1)
            if (every || weekday < 6) { print strftime("%Y-%m-%d", t, 1); n-- }
        }
    }'
}

# walk SEED PRICE : dates on stdin become rows of a random walk, to thousandths
walk() {
    awk -v seed="$1" -v price="$2" 'BEGIN { srand(seed); print "date,open,high,low,close,volume" }
    {
        open = price; price = sprintf("%.3f", price * (0.975 + 0.052 * rand()))
        high = open > price ? open : price; low = open > price ? price : open
        printf "%s,%.3f,%.3f,%.3f,%.3f,1000\n", $1, open, high, low, price
    }'
}

# flat PRICE : dates on stdin become rows of that price
flat() {
    awk -v p="$1" 'BEGIN { print "date,open,high,low,close,volume" } { print $1 "," p "," p "," p "," p ",1000" }'
}

ingest() { # NAME : from the folder NAME/daily
    "$bundle" ingest csvdir "$1" "$1" --root . >out 2>err || fail "ingest $1"
}

search() { # OUT ARGS... : one rank, results to a file
    rm -f "$1"
    alone "${@:2}" --no-journal --out "$1"
}

# column FILE NAME : its values, a line each
column() {
    awk -F, -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i; next } { print $c }' "$1"
}

# every FILE COLUMN VALUE WHAT : all rows have this value, and there are some
every() {
    [ "$(column "$1" "$2" | sort -u)" = "$3" ] || fail "$4: $2 is $(column "$1" "$2" | sort -u | head -n 5 | tr '\n' ' ')"
}

same() { # FILE FILE WHAT
    if [ ! -s "$1" ] || ! cmp "$1" "$2"; then fail "$3: results differ"; fi
}

strategies=(
    'sma_cross --param fast=5 --param slow=20,40'
    'momentum --param lookback=10 --param top=1 --param rebalance=5'
    'mean_reversion --param lookback=10,20 --param entry=1 --param exit=0.25'
    'buy_and_hold'
    'rsi --param lookback=5,14'
    'inverse_volatility --param lookback=10 --param rebalance=5'
    'pairs --param lookback=10 --param entry=1 --param exit=0.25'
)

# Sessions out of other assets: what is not selected changes nothing --------------------------------------------------

mkdir -p two/daily mixed/daily blank/daily
days 300 | walk 1 250 >two/daily/SPY.csv
days 300 | walk 2 40 >two/daily/AAPL.csv
cp two/daily/*.csv mixed/daily
days 450 every | walk 3 4000 >mixed/daily/COIN.csv
# rows without a bar, as downloads have them: at holidays and weekends, before the first day and after the last
for symbol in SPY AAPL; do
    awk -F, 'NR == FNR { row[$1] = $0; next } FNR == 1 { print row["date"] } { print $1 in row ? row[$1] : $1 ",,,,," }' \
        two/daily/$symbol.csv <(echo 2018-12-25; echo 2018-12-26; days 450 every) >blank/daily/$symbol.csv
done
[ "$(grep -c ',,,,,$' blank/daily/SPY.csv)" -gt 100 ] || fail 'no blank rows were made'
for name in two mixed blank; do ingest $name; done
for strategy in "${strategies[@]}"; do
    # shellcheck disable=SC2086
    for range in '' '--start 2019-03-02 --end 2019-12-29'; do
        search two.csv --bundle ./two.h5 --strategy $strategy $range
        search mixed.csv --bundle ./mixed.h5 --symbols SPY,AAPL --strategy $strategy $range
        search blank.csv --bundle ./blank.h5 --strategy $strategy $range
        same two.csv mixed.csv "$strategy $range, beside an asset that trades at weekends"
        same two.csv blank.csv "$strategy $range, among rows without a bar"
    done
done
[ "$(column two.csv trades)" != 0 ] || fail 'nothing was traded in the market of two'
# a year of a market that never closes has 365 sessions, and any other number can be said
search weekdays.csv --bundle ./two.h5 --strategy buy_and_hold
search coin.csv --bundle ./mixed.h5 --symbols COIN --strategy buy_and_hold
search coin365.csv --bundle ./mixed.h5 --symbols COIN --strategy buy_and_hold --sessions-per-year 365
search coin252.csv --bundle ./mixed.h5 --symbols COIN --strategy buy_and_hold --sessions-per-year 252
search weekdays252.csv --bundle ./two.h5 --strategy buy_and_hold --sessions-per-year 252
same weekdays.csv weekdays252.csv '252 sessions a year'
same coin.csv coin365.csv '365 sessions a year'
awk -v a="$(column coin.csv sharpe)" -v b="$(column coin252.csv sharpe)" \
    'BEGIN { e = a / b / sqrt(365 / 252) - 1; exit !(e < 1e-12 && e > -1e-12) }' || fail 'sharpe by sessions per year'

# Rounding taken for a signal: a price that never changes ----------------------------------------------------------------

mkdir -p flat/daily
prices=(0.087 1.001 10.1 20 33.333 0.003 70.7 1234.567 99999.999)
for i in "${!prices[@]}"; do days 500 | flat "${prices[i]}" >flat/daily/F"$i".csv; done
# the same with holes
for i in "${!prices[@]}"; do awk 'NR == 1 || NR % 7 && NR % 11' flat/daily/F"$i".csv >flat/daily/H"$i".csv; done
ingest flat
for kind in F H; do
    for i in "${!prices[@]}"; do
        what="at ${prices[i]} ($kind)"
        market=(--bundle ./flat.h5 --symbols "$kind$i" --commission 10)
        for start in 2019-01-01 2019-05-17; do
            search flat.csv "${market[@]}" --start $start --strategy sma_cross --param fast=1:30:4 --param slow=2:45:7
            every flat.csv trades "$(printf '\n0')" "sma_cross $what from $start"
        done
        search flat.csv "${market[@]}" --strategy mean_reversion --param lookback=2:40 --param entry=0,0.5 --param exit=-1
        every flat.csv trades 0 "mean_reversion $what"
        search flat.csv "${market[@]}" --strategy rsi --param lookback=1:30 --param low=49 --param high=51
        every flat.csv trades 0 "rsi $what"
        search flat.csv "${market[@]}" --strategy inverse_volatility --param lookback=2:40 --param rebalance=3
        every flat.csv trades 0 "inverse_volatility $what"
    done
done
# of pairs the logarithms differ by the same number always; of momentum every score is 0, so that it takes the first sids
search flat.csv --bundle ./flat.h5 --strategy pairs --param lookback=2:40 --param entry=0.5 --param exit=0 --commission 10
every flat.csv trades 0 'pairs of prices that never change'
search flat.csv --bundle ./flat.h5 --strategy momentum --param lookback=1:60 --param top=1:3 --param rebalance=1,5 --cash 1e9
[ "$(column flat.csv trades | sort -u | tr '\n' ' ')" = '1 2 3 ' ] || fail 'momentum among prices that never change'
# one thousandth is a signal, at any level
days 500 | flat 10.1 | awk -F, 'BEGIN { OFS = "," } NR > 300 { $2 = $3 = $4 = $5 = "10.101" } { print }' >flat/daily/ONCE.csv
ingest flat
search flat.csv --bundle ./flat.h5 --symbols ONCE --strategy sma_cross --param fast=5 --param slow=20,40
every flat.csv trades 2 'a change of one thousandth'

# Results that mislead: what never traded does not win -------------------------------------------------------------------

best() { # OBJECTIVE [OPTION] : the trades of the combination that is ranked first; costs make trading worse than doing nothing
    alone --bundle ./two.h5 --strategy sma_cross --param fast=5 --param slow=20,2000 --commission 200 --no-journal \
        --objective "$1" --json "${@:2}"
    [ "$(grep -c '"trades":' out)" = 2 ] || fail "$1: not two combinations"
    sed -n 's/.*"trades": \([0-9]*\).*/\1/p' out | head -n 1
}
for objective in max_drawdown trades total_return cagr; do
    [ "$(best $objective)" -gt 0 ] || fail "$objective: a combination without a trade is ranked first"
    [ "$(best $objective --rank-untraded)" = 0 ] || fail "$objective: --rank-untraded does not rank what never traded"
done

# Numbers off what was typed ---------------------------------------------------------------------------------------------

grid() { # VALUES EXPECTED...
    search grid.csv --bundle ./two.h5 --strategy mean_reversion --param entry="$1" --param exit=-900
    [ "$(column grid.csv entry | tr '\n' ' ')" = "${*:2} " ] || fail "grid $1: $(column grid.csv entry | tr '\n' ' ')"
}
grid 0.1:0.5:0.1 0.1 0.2 0.3 0.4 0.5
grid 0.7:0.9:0.1 0.7 0.8 0.9
grid -0.3:0.3:0.1 -0.3 -0.2 -0.1 0 0.1 0.2 0.3
grid 1e-3:5e-3:1e-3 0.001 0.002 0.003 0.004 0.005
grid 1.1:1.5:0.1 1.1 1.2 1.3 1.4 1.5
grid 0.05:0.35:0.15 0.05 0.2 0.35
grid 0.1:0.45:0.1 0.1 0.2 0.3 0.4
grid 0.3,0.30,3e-1,0.2 0.3 0.2
grid 100.01:100.05:0.02 100.01 100.03 100.05
grid 0:1:0.125 0 0.125 0.25 0.375 0.5 0.625 0.75 0.875 1
search typed.csv --bundle ./two.h5 --strategy mean_reversion --param entry=0.1,0.2,0.3,0.4,0.5 --param exit=-900
search grid.csv --bundle ./two.h5 --strategy mean_reversion --param entry=0.1:0.5:0.1 --param exit=-900
same typed.csv grid.csv 'a grid and the same values typed'

finish
