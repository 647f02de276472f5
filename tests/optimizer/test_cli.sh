#!/usr/bin/env bash
# test_cli.sh BIN SHARED_DATA RUN_MPI : the optimizer's command line, from outside: results that do not depend on the
# number of ranks, their format and order, what the summary says, and one clear error for everything that is wrong. What
# one process can detect is tested with one; that several ranks report it once is tested in a few cases.
. "$(dirname "$0")/common.sh"

"$bundle" demo demo --assets 12 --days 400 >out 2>err || { fail 'bundle demo'; exit 1; }
sma=(--bundle demo --strategy sma_cross)
grid=(--param 'fast=5:25:5' --param 'slow=10:40:10')

# Results ---------------------------------------------------------------------------------------------------------

for ranks in 1 2 16; do
    good $ranks "${sma[@]}" "${grid[@]}" --commission 5 --slippage 2 --out $ranks.csv
    expect out '^loads: 1$' "$ranks ranks"
    expect out '^combinations: 14 done, 6 skipped, 0 failed$' "$ranks ranks"
    expect out '^elapsed: [0-9.]+ s \([0-9.]+ backtests/s\)$' "$ranks ranks"
    cmp 1.csv $ranks.csv || fail "$ranks ranks give another file"
done
good 3 "${sma[@]}" --param 'slow=10:40:10' --param 'fast=5:25:5' --commission 5 --slippage 2 --out order.csv
cmp 1.csv order.csv || fail 'the order of the options changes the file'
alone "${sma[@]}" "${grid[@]}" --commission 5 --slippage 2 --out single.csv
cmp 1.csv single.csv || fail 'another file without mpirun'
alone --bundle "$work/bundles/demo.h5" --strategy sma_cross "${grid[@]}" --commission 5 --slippage 2 --out path.csv
cmp 1.csv path.csv || fail 'another file for a bundle named by its path'
good 2 --root bundles "${sma[@]}" "${grid[@]}" --out free.csv --max-staleness-ms 1000 --pool-memory 200M
expect out '^loads: 1$' 'pool options'
if cmp -s 1.csv free.csv; then fail 'costs change nothing'; fi
good 3 "${sma[@]}" --enable-bundle-pooling no
expect out '^loads: 3$' 'without pooling'
RUSTYBT_ENABLE_BUNDLE_POOLING=off good 2 "${sma[@]}"
expect out '^loads: 2$' 'without pooling, by environment'

# The file: header, every index once and in order, seven empty cells where nothing was done, no NaN but "nan"
awk -F, '
    NR == 1 { if ($0 != "index,status,fast,slow,total_return,cagr,sharpe,sortino,max_drawdown,calmar,trades") exit 1; next }
    NF != 11 || $1 != NR - 2 || $3 != 5 + 5 * int($1 / 4) || $4 != 10 + 10 * ($1 % 4) { exit 2 }
    { skipped = $3 >= $4 }
    skipped && $0 !~ /^[0-9]+,skipped,[0-9]+,[0-9]+,,,,,,,$/ { exit 3 }
    !skipped && $0 !~ /^[0-9]+,done,[0-9]+,[0-9]+(,(nan|-?[0-9.]+(e[-+][0-9]+)?))+$/ { exit 4 }
    END { if (NR != 21) exit 5 }' 1.csv || fail "1.csv is not as it should be, reason $?"

# Chosen columns: the values of the usual ones stay the same
good 2 "${sma[@]}" "${grid[@]}" --commission 5 --slippage 2 --out columns.csv --metrics trades,win_rate,sharpe --top 1
expect out '^#  index  fast  slow  trades  win_rate  sharpe$' 'chosen columns'
expect columns.csv '^index,status,fast,slow,trades,win_rate,sharpe$' 'chosen columns'
expect columns.csv '^[0-9]+,skipped,[0-9]+,[0-9]+,,,$' 'chosen columns, a skipped row'
cmp <(cut -d, -f1-4,11 1.csv) <(cut -d, -f1-5 columns.csv) || fail 'another number of trades'
cmp <(cut -d, -f7 1.csv) <(cut -d, -f7 columns.csv) || fail 'another sharpe'
awk -F, '$2 == "done" && !($6 >= 0 && $6 <= 1) { exit 1 }' columns.csv || fail 'a share of wins out of 0 to 1'
good 1 "${sma[@]}" --objective win_rate
expect out '^top 1 by win_rate, highest first$' 'another objective'
expect out '  calmar  trades  win_rate$' 'another objective is the last column'
good 1 "${sma[@]}" --metrics win_rate,trades
expect out '^top 1 by win_rate, highest first$' 'ranked by the first column'

# Failures do not stop the rest: a fortune that one of two periods multiplies beyond what a number can hold
rc=0
optimizer 4 "${sma[@]}" "${grid[@]}" --cash 1.7e308 --out failed.csv || rc=$?
[ $rc = 1 ] || fail "exit code $rc with failed combinations"
expect err '^optimizer: error: [0-9]+ of 20 combinations failed$' 'failed combinations'
[ "$(grep -c '^optimizer: warning: combination ' err)" = 3 ] || fail 'not three failures are told'
[ "$(grep -c '^optimizer: error: ' err)" = 1 ] || fail 'not one error'
expect failed.csv '^[0-9]+,failed,[0-9]+,[0-9]+,,,,,,,$' 'a failed row'
awk -F, 'NR > 1 && $2 !~ /^(done|failed)$/ && !($2 == "skipped" && $3 >= $4) { exit 1 }' failed.csv ||
    fail 'failed.csv has an unexpected status'

# Nothing to do is not an error
alone "${sma[@]}" --param fast=50 --param slow=10,20
expect out '^combinations: 0 done, 2 skipped, 0 failed$' 'all skipped'
expect out '^loads: 1$' 'all skipped'

# Ranking ---------------------------------------------------------------------------------------------------------

ranked() { awk '$1 == "#" { on = 1; next } /^$/ { on = 0 } on { printf "%s%s", sep, $2; sep = " " } END { print "" }' out; }
expect_ranked() {
    [ "$(ranked)" = "$1" ] || fail "$2: ranked '$(ranked)', expected '$1'"
}
momentum=(--bundle demo --strategy momentum --param rebalance=21)
# 12 assets: holding the best 50, 60 or 70 is the same
alone "${momentum[@]}" --param lookback=20 --param top=50:70:10
expect_ranked '0 1 2' 'ties by index'
# a look back beyond the first bar never signals: no deviation, an undefined ratio, last, by index
good 3 "${momentum[@]}" --param lookback=5000,20,6000 --param top=3
expect_ranked '1 0 2' 'undefined last'
alone "${momentum[@]}" --param lookback=5000,20,6000 --param top=3 --objective max_drawdown
expect_ranked '1 0 2' 'what never traded last, whatever its drawdown'
alone "${momentum[@]}" --param lookback=5000,20,6000 --param top=3 --objective max_drawdown --rank-untraded
expect_ranked '0 2 1' 'the least drawdown first'
alone "${momentum[@]}" --param lookback=5000,20,6000 --param top=3 --top 1
expect_ranked '1' 'the best one only'
alone "${sma[@]}" "${grid[@]}" --out rank.csv --top 100 --objective cagr
expect_ranked "$(grep ,done, rank.csv | sort -t, -k6,6gr -k1,1n | cut -d, -f1 | paste -sd' ')" 'by cagr'

# What it says of itself ------------------------------------------------------------------------------------------

good 2 --help
expect out '^Usage: ' help
expect out '--pool-memory VALUE' help
expect out '^Exit codes: ' help
[ "$(grep -c '^Usage: ' out)" = 1 ] || fail 'more than one rank helps'
BUNDLEPOOL_POOL_MEMORY=much alone --help
good 2 --version
expect out '^optimizer [0-9]+\.[0-9]+\.[0-9]+$' version
alone --list-strategies
for name in sma_cross momentum mean_reversion buy_and_hold; do expect out "^$name$" strategies; done
if command -v python3 >/dev/null; then
    alone --list-strategies --json
    python3 -c 'import json,sys; assert len(json.load(sys.stdin)) >= 4' <out || fail 'strategies as JSON'
    alone "${momentum[@]}" --param lookback=5000,20 --json
    python3 -c '
import json, sys
run = json.load(sys.stdin)
assert run["pool"]["loads"] == 1 and run["done"] == 2 and [r["index"] for r in run["top"]] == [1, 0]
assert run["top"][1]["sharpe"] is None' <out || fail 'a run as JSON'
    expect err '^loads: 1$' 'a run as JSON'
fi

# Bad input: usage ------------------------------------------------------------------------------------------------

bad_ranks 2 2 'unknown or ambiguous option' "${sma[@]}" --bogus
bad 2 "unknown option '-x'" "${sma[@]}" --resume -xh
bad 2 "--resume=1: this option takes no value" "${sma[@]}" --resume=1
bad 2 "--metrics: there is no metric 'speed'" "${sma[@]}" --metrics sharpe,speed
bad 2 '--metrics: metric sharpe is named twice' "${sma[@]}" --metrics sharpe,sharpe
bad 2 "--objective: there is no metric 'foo'" merge nonesuch.journal --out merged.csv --objective foo
bad 2 'unknown or ambiguous option' "${sma[@]}" --bogus
bad 2 "unknown option '-x'" "${sma[@]}" -x
bad 2 '--json=1' "${sma[@]}" --json=1
bad 2 '--top: a value is missing' "${sma[@]}" --top
bad 2 "unexpected argument 'fast=5'" "${sma[@]}" fast=5
bad 2 '--bundle is missing' --strategy sma_cross
bad 2 '--strategy is missing' --bundle demo
bad 2 'momentum' --bundle demo --strategy nonesuch
bad 2 'total_return, cagr' "${sma[@]}" --objective speed
bad 2 'it takes fast, slow' "${sma[@]}" --param quick=5
bad 2 'given twice' "${sma[@]}" --param fast=5 --param fast=6
for malformed in fast =5 fast= fast=a fast=1: fast=1:2:3:4 fast=1,,2 fast=5x fast=nan fast=0x10; do
    bad 2 "--param $malformed:" "${sma[@]}" --param "$malformed"
done
bad 2 'range is empty' "${sma[@]}" --param fast=50:5:5
bad 2 'step must be greater than 0' "${sma[@]}" --param fast=5:50:0
bad 2 'whole numbers' "${sma[@]}" --param fast=2.5
bad 2 'out of range' "${sma[@]}" --param fast=0:5
bad 2 'combinations' "${sma[@]}" --param fast=1:100000 --param slow=1:100000
for date in yesterday 2020-13-01 2021-02-29 2020-1-1 20200101 '2020-01-01 '; do
    bad 2 "--start: '$date' is not a date" "${sma[@]}" --start "$date"
done
bad 2 '--end: 9999-12-31 is out of range' "${sma[@]}" --end 9999-12-31
bad 2 '--start lies after --end' "${sma[@]}" --start 2011-01-01 --end 2010-01-01
bad 2 '--cash' "${sma[@]}" --cash 0
bad 2 '--cash' "${sma[@]}" --cash 1e999
bad 2 '--commission' "${sma[@]}" --commission -1
bad 2 '--slippage' "${sma[@]}" --slippage 10000
bad 2 '--top' "${sma[@]}" --top -1
bad 2 '--symbols' "${sma[@]}" --symbols A,,B
bad 2 '--max-bundle-pool-size' "${sma[@]}" --max-bundle-pool-size 0
bad 2 '--pool-memory' "${sma[@]}" --pool-memory lots
bad 2 '--max-staleness-ms' "${sma[@]}" --max-staleness-ms -2
bad 2 '--enable-bundle-pooling' "${sma[@]}" --enable-bundle-pooling maybe
RUSTYBT_ENABLE_BUNDLE_POOLING=maybe bad 2 RUSTYBT_ENABLE_BUNDLE_POOLING "${sma[@]}"
BUNDLEPOOL_MAX_BUNDLE_POOL_SIZE=0 bad 2 BUNDLEPOOL_MAX_BUNDLE_POOL_SIZE "${sma[@]}"
bad 2 'is not allowed' --bundle 'x/..' --strategy sma_cross
bad 2 'name is empty' --bundle '' --strategy sma_cross
bad 2 'too long' --bundle "$(printf '%064d' 0)" --strategy sma_cross

# Bad input: what is not there, or not what it should be ----------------------------------------------------------

bad_ranks 4 1 nonesuch.h5 --bundle nonesuch --strategy sma_cross
bad 1 nonesuch.h5 --bundle nonesuch --strategy sma_cross
bad 1 nofolder --root nofolder "${sma[@]}"
bad 1 "'NOSUCH'" "${sma[@]}" --symbols NOSUCH
bad 1 'the selected assets have 2010-01-04 to' "${sma[@]}" --start 2050-01-01
bad 1 'the selected assets have 2010-01-04 to' "${sma[@]}" --end 1990-01-01
bad 1 'pool_memory' "${sma[@]}" --pool-memory 100K
"$bundle" demo larger --assets 40 --days 1000 >/dev/null || fail 'bundle demo larger'
bad_ranks 4 1 "larger than the pool's memory" --bundle larger --strategy sma_cross --pool-memory 1M
: >bundles/empty.h5
mkdir bundles/folder.h5
mkfifo bundles/fifo.h5
echo 'no bundle at all' >bundles/text.h5
size=$(stat -c %s bundles/demo.h5)
head -c $((size / 2)) bundles/demo.h5 >bundles/truncated.h5
for name in empty folder fifo text truncated; do
    bad 1 "$name.h5" --bundle $name --strategy sma_cross
done
bad_ranks 4 1 truncated.h5 --bundle truncated --strategy sma_cross
if [ -d "$shared/zipline" ]; then
    bad 1 ascending --bundle "$shared/zipline/zipline_daily_unsorted.h5" --strategy sma_cross
fi

# Where nothing can be written is noticed before anything is loaded
touch file
bad_ranks 4 1 '--out: ' --bundle nonesuch --strategy sma_cross --out nofolder/o.csv
for path in nofolder/o.csv file/o.csv . bundles/ /dev/null bundles/fifo.h5 "$(printf '%0250d' 0).csv"; do
    bad 1 '--out: ' --bundle nonesuch --strategy sma_cross --out "$path"
done
if [ ! -c /dev/null ] || [ ! -p bundles/fifo.h5 ]; then fail 'something was replaced by --out'; fi
mkdir closed
chmod a-w closed
if ! touch closed/probe 2>/dev/null; then bad 1 '--out: ' "${sma[@]}" --out closed/o.csv; fi
leftovers=$(find . -name '.*.??????' | wc -l)
[ "$leftovers" = 0 ] || fail "$leftovers temporary files are left"

# An MPI library that gives less than was asked for
cat >shim.c <<'C'
int PMPI_Init_thread(int *, char ***, int, int *);
int MPI_Init_thread(int *argc, char ***argv, int required, int *provided);
int MPI_Init_thread(int *argc, char ***argv, int required, int *provided)
{
    int rc = PMPI_Init_thread(argc, argv, required, provided);
    *provided = required - 1;
    return rc;
}
C
if cc -shared -fPIC -o shim.so shim.c 2>/dev/null; then
    # only the ranks load it: it resolves its PMPI_Init_thread in their libraries
    cat >shimmed <<EOF
#!/bin/sh
LD_PRELOAD=$work/shim.so ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0" exec "$optimizer" "\$@"
EOF
    chmod +x shimmed
    optimizer=$work/shimmed
    bad 1 MPI_THREAD_MULTIPLE "${sma[@]}"
fi

finish
