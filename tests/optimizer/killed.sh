#!/usr/bin/env bash
# killed.sh BIN SHARED_DATA RUN_MPI [KILLS [SEED]] : SIGKILL of a whole job, launcher and ranks, at KILLS (20) random instants
# between its first and its last result, and each time the rest on 1, 4 or 16 ranks in turn: always the same file. Counts
# the backtests that had to be run again: only those under way at the kill may be, which are a batch of 64 on each rank, and
# the results of another one that rank 0, busy with its own, has not taken yet. The program is optimizer_counted.
. "$(dirname "$0")/common.sh"
optimizer=$bin/optimizer_counted
kills=${4:-20} seed=${5:-20261125}
RANDOM=$seed
export COUNT_RUNS=$work/runs
mkdir ompi # what Open MPI leaves behind when it is killed
export TMPDIR=$work/ompi OMPI_MCA_btl_vader_backing_directory=$work/ompi

"$bundle" demo demo --assets 300 --days 2520 --seed 7 >out 2>err || { fail 'bundle demo'; exit 1; }
sweep=(--bundle demo --strategy sma_cross --param fast=5:50 --param slow=51:94 --progress 0)
total=2024
from=${EPOCHREALTIME/[.,]/}
good 1 "${sweep[@]}" --out all.csv
to=${EPOCHREALTIME/[.,]/}
echo "uninterrupted, 1 rank: $(((to - from) / 1000)) ms, $total backtests; seed $seed"
[ "$(stat -c %s runs)" = $total ] || fail "$(stat -c %s runs) backtests were counted"

resumed=0 again=0 most=0 ranks=(1 4 16)
for ((k = 0; k < kills; k++)); do
    n=${ranks[k % 3]}
    at=$((1 + (RANDOM * 32768 + RANDOM) % (total - 1)))
    rm -f x.csv x.csv.journal runs
    start 4 "${sweep[@]}" --out x.csv
    until_results x.csv.journal $at
    # shellcheck disable=SC2046 # one word for each rank
    kill -KILL "$job" $(pgrep -P "$job")
    wait "$job" 2>/dev/null
    begun=$(stat -c %s runs)
    good "$n" "${sweep[@]}" --out x.csv --resume
    had=$(sed -n "s/^resumed: \([0-9]*\) of $total\$/\1/p" out)
    cmp all.csv x.csv || fail "killed with $at results, resumed on $n ranks: another file"
    repeated=$((begun - had))
    [ "$(stat -c %s runs)" = $((total + repeated)) ] || fail "$(($(stat -c %s runs) - total)) repeated, $repeated were in hand"
    [ "$repeated" -ge 0 ] && [ $repeated -le $((4 * 2 * 64)) ] || fail "$repeated backtests were in hand of 4 ranks"
    [ "$had" = 0 ] || resumed=$((resumed + 1))
    again=$((again + repeated))
    [ $repeated -le $most ] || most=$repeated
    echo "killed after $at: resumed $had of $total on $n ranks, $repeated run again"
done
echo "$kills kills, $resumed resumed with results, $again backtests run again, at most $most after one kill"
[ $((4 * resumed)) -ge $((3 * kills)) ] || fail "only $resumed of $kills kills left results"
finish
