#!/usr/bin/env bash
# test_ranking.sh BIN SHARED_DATA RUN_MPI : --where, --having and --objective with expressions, from outside:
# what is skipped, what is ranked and how, what the journal keeps for it, and that no result depends on it.
# shellcheck disable=SC2016 # programs of awk
. "$(dirname "$0")/common.sh"

"$bundle" demo demo --assets 12 --days 400 >out 2>err || { fail 'bundle demo'; exit 1; }
sma=(--bundle demo --strategy sma_cross --param fast=5:25:5 --param slow=10:40:10)

ranked() { awk '$1 == "#" { on = 1; next } /^$/ { on = 0 } on { printf "%s%s", sep, $2; sep = " " } END { print "" }' out; }
expect_ranked() { # INDICES WHAT
    [ "$(ranked)" = "$1" ] || fail "$2: ranked '$(ranked)', expected '$1'"
}
by() { # AWK_EXPRESSION [AWK_CONDITION] : indices of the rows of all.csv that are done, highest first
    awk -F, "NR > 1 && \$2 == \"done\" && (${2:-1}) { printf \"%s,%.17g\n\", \$1, $1 }" all.csv | sort -t, -k2,2gr -k1,1n |
        cut -d, -f1 | paste -sd' '
}
same_file() { # FILE WHAT
    cmp all.csv "$1" || fail "$2 changes the file"
}
good 2 "${sma[@]}" --out all.csv --top 100 # columns: sharpe is 7, max_drawdown 9, trades 11
expect_ranked "$(by '$7')" 'by sharpe'

# Objectives ------------------------------------------------------------------------------------------------------

good 3 "${sma[@]}" --out o.csv --top 100 --objective 'sharpe - 0.5*max_drawdown'
expect_ranked "$(by '$7 - 0.5 * $9')" 'by an expression'
expect out '^top 14 by sharpe - 0.5 \* max_drawdown, highest first$' 'an expression'
expect out '^ *# .* trades +objective$' 'an expression'
same_file o.csv 'an objective'
alone "${sma[@]}" --top 100 --objective '-sharpe + slow / 1e3 * (fast > 10)'
expect_ranked "$(by '-$7 + $4 / 1000 * ($3 > 10)')" 'an expression with parameters'
alone "${sma[@]}" --top 3 --objective 'sharpe * 1 / (fast - 10)' --metrics sharpe --json
expect out '"objective": "sharpe \* 1 / \(fast - 10\)"' 'an expression, as JSON'

# Conditions ------------------------------------------------------------------------------------------------------

good 2 "${sma[@]}" --out h.csv --top 100 --having 'trades > 100 and not slow == 40'
expect_ranked "$(by '$7' '$11 > 100 && $4 != 40')" 'what has enough trades'
expect out '^top [0-9]+ by sharpe, highest first, of [0-9]+ that have trades > 100 and not slow == 40$' 'a condition'
same_file h.csv 'a condition'
alone "${sma[@]}" --out h.csv --having 'trades < 0 and skew > 0' # another condition, the same results
expect out '^none of the 14 that are done has trades < 0 and skew > 0$' 'what nothing has'
expect_ranked '' 'what nothing has'
same_file h.csv 'a condition that nothing fulfils'
alone "${sma[@]}" --having 'sharpe > 99' --json
expect out '"top": \[\s*\]|"top": \[$' 'what nothing has, as JSON'

# What is needed is kept in the journal, and no column
good 2 "${sma[@]}" --out k1.csv --metrics cagr --having 'skew < 9' --slice 1/2 --journal 1.journal
good 2 "${sma[@]}" --out k2.csv --metrics cagr --having 'skew < 9' --slice 2/2 --journal 2.journal
expect k1.csv '^index,status,fast,slow,cagr$' 'hidden metrics'
alone merge 1.journal 2.journal --out m.csv --objective 'cagr - skew' --top 100
expect out '^top 14 by cagr - skew, highest first$' 'merged with an objective'
expect m.csv '^index,status,fast,slow,cagr$' 'hidden metrics, merged'
cmp <(cut -d, -f1-4,6 all.csv) m.csv || fail 'merged to another file'
alone merge 1.journal 2.journal --out m.csv --having 'trades > 100 and not slow == 40' --objective trades --top 100
expect_ranked "$(by '-$11' '$11 > 100 && $4 != 40')" 'merged with a condition'
bad 1 '--objective: kurtosis is not in the journals, choose from cagr, trades, skew' merge 1.journal 2.journal --out m.csv \
    --objective 'cagr - kurtosis'
bad 1 "there is no 'quick', choose from" merge 1.journal 2.journal --out m.csv --having 'quick > 1'
bad 2 "--having 'trades': it is a number" merge 1.journal --out m.csv --having trades
bad 2 "--objective 'cagr -': column 7: a number, a name or '(' is missing" merge 1.journal --out m.csv --objective 'cagr -'

# What is tested --------------------------------------------------------------------------------------------------

good 2 "${sma[@]}" --out w.csv --where '3 * fast <= slow'
expect out '^combinations: 5 done, 15 skipped, 0 failed$' where
expect out ' 20 combinations where 3 \* fast <= slow on ' where
cmp <(awk -F, 'NR > 1 && 3 * $3 <= $4' all.csv) <(grep ,done, w.csv) || fail 'what is excluded changes the rest'
awk -F, 'NR > 1 && (3 * $3 <= $4) != ($2 == "done") || NF != 11 { exit 1 }' w.csv || fail 'something else is skipped'
good 2 "${sma[@]}" --out w.csv --where '3*fast <= slow and 1 < 2' --symbols CIDM,BOBP --replace
for k in 1 2 3; do
    alone "${sma[@]}" --where '3*fast <= slow and 1 < 2' --symbols CIDM,BOBP --slice $k/3 --journal w$k.journal
done
alone merge w1.journal w2.journal w3.journal --out merged.csv
cmp w.csv merged.csv || fail 'slices are merged to another file'
bad 1 "there 'where 3 * fast <= slow and 1 < 2', here 'where fast <= slow'" "${sma[@]}" --where 'fast <= slow' --slice 1/3 \
    --symbols CIDM,BOBP --journal w1.journal --resume
alone "${sma[@]}" --where '1 < 0'
expect out '^combinations: 0 done, 20 skipped, 0 failed$' 'everything is excluded'

# Words
pairs=(--bundle demo --strategy pairs --param 'side=long,both' --param 'lookback=20,30')
good 2 "${pairs[@]}" --out words.csv --where 'side == both or lookback > 20' --top 4
expect words.csv '^0,skipped,20,2,0.5,long,' 'words in a file'
expect words.csv '^3,done,30,2,0.5,both,' 'words in a file'
expect out ' 30 +2 +0[.]5 +both ' 'words in a table'
alone "${pairs[@]}" --having 'side != long' --top 4 --json
expect out '"side": "both"' 'words as JSON'
if grep -q '"side": "long"' out; then fail 'a word that was excluded is ranked'; fi
alone merge words.csv.journal --out again.csv --having 'side == both'
cmp words.csv again.csv || fail 'words are merged to another file'
bad 2 "side is never 'short', choose from long, both" "${pairs[@]}" --where 'side == short'

# What never traded -------------------------------------------------------------------------------------------------

untraded=(--bundle demo --strategy sma_cross --param fast=5 --param 'slow=2000,20,1000')
for objective in max_drawdown total_return trades '-max_drawdown'; do
    alone "${untraded[@]}" --objective "$objective"
    expect_ranked '1 0 2' "what never traded, by $objective"
done
alone "${untraded[@]}" --objective max_drawdown --metrics max_drawdown --out u.csv
expect_ranked '1 0 2' 'what never traded, without a column that tells'
alone merge u.csv.journal --out v.csv --objective max_drawdown
expect_ranked '1 0 2' 'what never traded, merged'
alone merge u.csv.journal --out v.csv --objective max_drawdown --rank-untraded
expect_ranked '0 2 1' 'what never traded, merged and ranked like the rest'
alone "${untraded[@]}" --objective max_drawdown --rank-untraded
expect_ranked '0 2 1' 'what never traded, ranked like the rest'
alone --bundle demo --strategy sma_cross --param fast=5 --param slow=2000,1000
expect_ranked '0 1' 'nothing traded'

# Wrong usage -----------------------------------------------------------------------------------------------------

bad 2 "--where 'fast < slw': column 8: there is no 'slw', choose from fast, slow" "${sma[@]}" --where 'fast < slw'
bad 2 "there is no 'sharpe', choose from fast, slow" "${sma[@]}" --where 'sharpe > 1'
bad 2 "--where 'fast': it is a number" "${sma[@]}" --where fast
bad 2 "--having 'sharp > 1': column 1: there is no 'sharp', choose from total_return" "${sma[@]}" --having 'sharp > 1'
bad 2 'comparisons do not chain' "${sma[@]}" --where '1 < fast < 10'
bad 2 "for '=' write ==" "${sma[@]}" --where 'fast = 10'
bad 2 "--objective: there is no metric 'fast'" "${sma[@]}" --objective fast
bad 2 'it has no metric' "${sma[@]}" --objective 'fast - slow'
bad_ranks 2 2 'nested too deeply' "${sma[@]}" --where "$(printf '%0200d' 0 | tr 0 '(')fast"

finish
