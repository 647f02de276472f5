#!/usr/bin/env bash
# examples.sh PYTHON BUILD RUN_MPI SOURCE : the programs of examples/python, on one rank and on four. On both, each rule
# gives the file that the rule of the same name in C gives, byte for byte.
set -u
python=$1 build=$2 run=$3 source=$4
for module in numpy mpi4py; do
    "$python" -c "import $module" 2>/dev/null || { echo "SKIPPED: $python has no $module (Debian: python3-$module)"; exit 77; }
done
command -v mpirun >/dev/null || { echo "SKIPPED: mpirun is missing (Debian: openmpi-bin)"; exit 77; }
export PYTHONPATH=$build/python PYTHONDONTWRITEBYTECODE=1
unset "${!BUNDLEPOOL_@}" "${!RUSTYBT_@}"
examples=$source/examples/python optimizer=$build/bin/optimizer
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

fail() {
    echo "FAILED: $*"
    [ ! -s log ] || tail -n 30 log
    exit 1
}
"$build/bin/bundle" demo demo --assets 31 --days 900 --seed 11 >log || fail "bundle demo"

# The rules ------------------------------------------------------------------------------------------------------------

compare() { # STRATEGY FILE.py:NAME ARGS... : as what is built in, on one rank and on four
    local name=$1 file=$2 n
    shift 2
    rm -f c.csv python.csv
    "$run" 2 "$optimizer" --bundle demo --strategy "$name" "$@" --progress 0 --no-journal --out c.csv >log 2>&1 ||
        fail "$name in C"
    [ "$(grep -c ,done, c.csv)" -gt 3 ] || fail "$name: hardly anything was done"
    ! grep -q ',0$' c.csv || fail "$name: without a trade"
    for n in 1 4; do
        "$run" $n "$python" -m bundlepool --bundle demo --strategy "$examples/$file" "$@" --progress 0 --no-journal \
            --replace --out python.csv >log 2>&1 || fail "$file on $n ranks"
        cmp c.csv python.csv || fail "$file on $n ranks is another rule than $name in C"
    done
    echo "$file: as in C, on 1 and 4 ranks"
}
compare sma_cross sweep.py --param fast=5:20:5 --param slow=20:60:20 --where 'fast < slow' --start 2011-01-03
compare rsi own_strategy.py:rsi --param lookback=2,14 --param low=20,30 --param high=60,70 \
    --commission 5bps --slippage 2bps
compare inverse_volatility own_strategy.py:inverse_volatility --param lookback=20,60 --param rebalance=5,21 \
    --lots fractional --start 2010-06-01
compare pairs own_strategy.py:Pairs --param lookback=20,60 --param entry=1:2 --param exit=0,0.5 --param side=long,both \
    --short --max-leverage 2

# The programs ---------------------------------------------------------------------------------------------------------

"$optimizer" --bundle demo --strategy sma_cross --param fast=5:50:5 --param slow=20:200:20 --where 'fast < slow' \
    --commission 5 --slippage 2 --progress 0 --no-journal --out swept.csv >log 2>&1 || fail "sma_cross in C"
for n in 1 4 16; do
    "$run" $n "$python" "$examples/sweep.py" --out swept$n.csv >log 2>&1 || fail "sweep.py on $n ranks"
    cmp swept.csv swept$n.csv || fail "sweep.py on $n ranks"
    [ "$(grep -c 'Results of sma_cross: 90 done' log)" = 1 ] || fail "sweep.py does not say what it has found, once"
done
for n in 1 4; do
    "$run" $n "$python" "$examples/own_strategy.py" >log 2>&1 || fail "own_strategy.py on $n ranks"
    [ "$(grep -c ' 0 failed; by sharpe>$' log)" = 3 ] || fail "own_strategy.py on $n ranks: three sweeps"
    [ "$(grep -c ': none in .* runs on data that was cut$' log)" = 3 ] || fail "own_strategy.py: three rules do not look ahead"
    grep -q '^cheat, .*: at 20[0-9-]* asset [A-Z]*, known at the close of 20' log ||
        fail "own_strategy.py: cheat looks ahead"
    "$run" $n "$python" "$examples/subcommunicators.py" >log 2>&1 || fail "subcommunicators.py on $n ranks"
    [ "$(grep -c 'loads so far: 1$' log)" = $((n > 1 ? 4 : 2)) ] || fail "subcommunicators.py on $n ranks: one load a group"
    "$run" $n "$python" "$examples/executor.py" >log 2>&1 || fail "executor.py on $n ranks"
    grep -qx "66 pairs on $n ranks, loads: 1" log || fail "executor.py on $n ranks: one load"
    grep -v ' ranks, ' log >pairs$n
done
cmp pairs1 pairs4 || fail "executor.py finds something else on four ranks"
echo 'all programs do what they say'
