#!/usr/bin/env bash
# bench_optimizer.sh --root DIR --bundle NAME [--repeats N] [--backtests N] [--json] [--bin DIR] : what a grid search
# costs beyond its backtests, on a grid of sma_cross with about N combinations (default 2000), all of which make sense:
#
#   efficiency   two ranks against two independent runs of one rank with half of the grid each, at the same time. The
#                pair is done when the later of the two is; `efficiency` is its time over that of two ranks by the
#                optimizer's own `elapsed`, `efficiency_wall` by the wall time of the processes. `efficiency_mean` takes
#                the mean of the pair's two instead of the later: what no luck with the halves can change.
#                `efficiency_processor` is the pair's processor time over that of two ranks: what others on the machine
#                change least; waiting ranks poll, which counts.
#   journal      two ranks with a journal over two ranks with --no-journal: `elapsed_ratio`, and `processor_ratio`
#                (user + system)
#   numpy        one rank beside numpy_sma.py, on a grid that takes that 8 s or so, neither with the time for reading the
#                bundle. `processor_rate` is per second of processor time, for the optimizer without that of starting it
#                (--version).
#   numba        the same beside numba_sma.py, where Numba is there, on a quarter of that grid
#
# The two sides of each ratio run one right after the other, in an order that alternates with each of the N repeats
# (default 5). Without --json a summary follows: median, least and most of ratios and rates, and the standard error of
# their mean. Exit status: 1 if a program fails, or if results differ that must not: the merged journals of the pair and
# the CSV of two ranks are the same bytes, and so are those with and without a journal; NumPy's results agree within
# 1e-9. 77: NumPy or h5py is missing (the rest is measured).
set -u
usage() {
    echo "usage: bench_optimizer.sh --root DIR --bundle NAME [--repeats N] [--backtests N] [--json] [--bin DIR]" >&2
    exit 2
}
project=$(cd "$(dirname "$0")/.." && pwd -P) || exit 1
run_mpi=$project/tests/support/run_mpi.sh
bin=$project/build/bin root='' bundle='' repeats=5 backtests=2000 json=0
while [ $# -gt 0 ]; do
    case $1 in
    --root | --bundle | --repeats | --backtests | --bin)
        [ $# -ge 2 ] || usage
        declare "${1#--}=$2"
        shift
        ;;
    --json) json=1 ;;
    *) usage ;;
    esac
    shift
done
[ -n "$root" ] && [ -n "$bundle" ] || usage
[[ $repeats =~ ^[1-9][0-9]*$ && $backtests =~ ^[1-9][0-9]*$ ]] || usage
die() {
    echo "bench_optimizer.sh: $*" >&2
    exit 1
}
[ -x "$bin/optimizer" ] || die "$bin: optimizer is not there; build it"
[ -e "$root/$bundle.h5" ] || die "$root/$bundle.h5 is not there"
python=python3
"$python" -c 'import h5py, numpy' 2>/dev/null || python=/usr/bin/python3
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# Samples -----------------------------------------------------------------------------------------------------------

# sample TABLE CASE RANKS METRIC UNIT VALUE [REPEAT] : as bench_sample() prints it
sample() {
    if [ $json = 1 ]; then
        printf '{"bench":"optimizer","case":"%s","table":"%s","bundle":"%s","backtests":%d,"ranks":%d,' \
            "$2" "$1" "$bundle" "$count" "$3"
        [ $# -lt 7 ] || printf '"repeat":%d,' "$7"
        printf '"metric":"%s","unit":"%s","value":%s}\n' "$4" "$5" "$6"
    else
        printf 'optimizer: %s  table %s  bundle %s  backtests %d  ranks %d%s  %s [%s] %s\n' \
            "$2" "$1" "$bundle" "$count" "$3" "${7+  repeat $7}" "$4" "$5" "$6"
    fi
    [ "$5" = ns ] || echo "$6" >>"$tmp/kept.$1.$2.$4"
}

over() { # A B : the quotient of two numbers
    awk -v a="$1" -v b="$2" 'BEGIN { printf "%.5f", a / b }'
}

larger() {
    awk -v a="$1" -v b="$2" 'BEGIN { print (a > b ? a : b) }'
}

mean() {
    awk -v a="$1" -v b="$2" 'BEGIN { print (a + b) / 2 }'
}

# seconds TABLE CASE RANKS REPEAT METRIC VALUE...
seconds() {
    local table=$1 case=$2 ranks=$3 repeat=$4
    shift 4
    while [ $# -gt 0 ]; do
        sample "$table" "$case" "$ranks" "$1" ns "$2e9" "$repeat"
        shift 2
    done
}

# The spread of what sample() has kept
summary() {
    local file name
    for file in "$tmp"/kept.*; do
        [ -e "$file" ] || continue
        name=${file##*/kept.}
        sort -g "$file" | awk -v name="$name" '
            { v[NR] = $1; sum += $1 }
            END {
                mean = sum / NR
                for (i = 1; i <= NR; i++) squares += (v[i] - mean) ^ 2
                error = NR > 1 ? sqrt(squares / (NR - 1) / NR) : 0
                median = (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2
                printf "%-40s median %9.4f (%.4f..%.4f), mean %.4f +- %.4f, n = %d\n",
                    name, median, v[1], v[NR], mean, error, NR
            }'
    done
}

# Running -----------------------------------------------------------------------------------------------------------

# grid N : sets `grid` and `count` to a rectangle of about N combinations, in which each fast is less than each slow
grid() {
    local fasts=1 slows least
    while [ $(((fasts + 1) * (fasts + 1))) -le "$1" ]; do fasts=$((fasts + 1)); done
    slows=$((($1 + fasts / 2) / fasts)) least=$((fasts + 10 > 50 ? fasts + 10 : 50))
    count=$((fasts * slows))
    grid=(--param "fast=2:$((fasts + 1))" --param "slow=$least:$((least + 4 * (slows - 1))):4"
        --commission 5 --slippage 2) # with costs: numpy_sma.py tells why
}

# timed NAME COMMAND... : leaves NAME.out, and wall, user and system seconds in NAME.time
timed() {
    local name=$1 TIMEFORMAT='%3R %3U %3S'
    shift
    { time "$@" >"$tmp/$name.out" 2>"$tmp/$name.err"; } 2>"$tmp/$name.time" && return
    cat "$tmp/$name.out" "$tmp/$name.err" >&2
    echo "bench_optimizer.sh: failed: $*" >&2
    return 1
}

# search NAME RANKS OPTIONS... : of the grid; leaves NAME.csv too
search() {
    local name=$1 ranks=$2
    shift 2
    rm -f "$tmp/$name.csv" "$tmp/$name.csv.journal"
    timed "$name" "$run_mpi" "$ranks" "$bin/optimizer" --root "$root" --bundle "$bundle" --strategy sma_cross \
        "${grid[@]}" --out "$tmp/$name.csv" "$@"
}

wall() {
    awk '{ print $1 }' "$tmp/$1.time"
}

processor() {
    awk '{ print $2 + $3 }' "$tmp/$1.time"
}

elapsed() {
    sed -n 's/^elapsed: \([0-9.]*\) s.*/\1/p' "$tmp/$1.out"
}

two_ranks() {
    search two 2 || exit 1
}

independent() {
    local first
    search half1 1 --slice 1/2 &
    first=$!
    search half2 1 --slice 2/2 || { wait; exit 1; }
    wait "$first" || exit 1
}

efficiency() { # REPEAT
    local elapsed1 elapsed2 later later_wall wall_two elapsed_two used
    if [ $(($1 % 2)) = 0 ]; then
        two_ranks
        independent
    else
        independent
        two_ranks
    fi
    elapsed1=$(elapsed half1) elapsed2=$(elapsed half2)
    later=$(larger "$elapsed1" "$elapsed2") later_wall=$(larger "$(wall half1)" "$(wall half2)")
    wall_two=$(wall two) elapsed_two=$(elapsed two)
    used=$(awk '{ sum += $2 + $3 } END { print sum }' "$tmp/half1.time" "$tmp/half2.time")
    seconds efficiency two_ranks 2 "$1" wall "$wall_two" elapsed "$elapsed_two" processor "$(processor two)"
    seconds efficiency independent 1 "$1" wall "$later_wall" elapsed "$later" processor "$used"
    sample efficiency two_ranks 2 efficiency_wall ratio "$(over "$later_wall" "$wall_two")" "$1"
    sample efficiency two_ranks 2 efficiency ratio "$(over "$later" "$elapsed_two")" "$1"
    sample efficiency two_ranks 2 efficiency_mean ratio "$(over "$(mean "$elapsed1" "$elapsed2")" "$elapsed_two")" "$1"
    sample efficiency two_ranks 2 efficiency_processor ratio "$(over "$used" "$(processor two)")" "$1"

    timed merge "$run_mpi" 1 "$bin/optimizer" merge "$tmp/half1.csv.journal" "$tmp/half2.csv.journal" \
        --out "$tmp/merged.csv" || exit 1
    cmp "$tmp/two.csv" "$tmp/merged.csv" || die "the merged halves are not the results of two ranks"
}

journal() { # REPEAT
    if [ $(($1 % 2)) = 0 ]; then
        search with 2 && search without 2 --no-journal
    else
        search without 2 --no-journal && search with 2
    fi || exit 1
    cmp "$tmp/with.csv" "$tmp/without.csv" || die "the journal changes the results"
    [ -s "$tmp/with.csv.journal" ] || die "no journal was written"
    [ ! -e "$tmp/without.csv.journal" ] || die "a journal was written in spite of --no-journal"
    seconds journal journal 2 "$1" elapsed "$(elapsed with)" processor "$(processor with)"
    seconds journal no_journal 2 "$1" elapsed "$(elapsed without)" processor "$(processor without)"
    sample journal journal 2 elapsed_ratio ratio "$(over "$(elapsed with)" "$(elapsed without)")" "$1"
    sample journal journal 2 processor_ratio ratio "$(over "$(processor with)" "$(processor without)")" "$1"
}

peer_search() { # numpy | numba
    timed "$1" "$python" "$project/benchmarks/$1_sma.py" "$root/$bundle.h5" "${grid[@]}" --json --out "$tmp/$1.csv"
}

field() { # PEER NAME : of what it has printed
    sed -n "s/.*\"$2\": \([-+.0-9e]*\).*/\1/p" "$tmp/$1.out"
}

peer() { # numpy | numba REPEAT
    local name=$1 used
    shift
    timed startup "$run_mpi" 1 "$bin/optimizer" --version || exit 1
    if [ $(($1 % 2)) = 0 ]; then
        search one 1 && peer_search "$name"
    else
        peer_search "$name" && search one 1
    fi || exit 1
    "$python" "$project/tests/optimizer/compare.py" "$tmp/one.csv" "$tmp/$name.csv" --rel 1e-9 >"$tmp/compare.out" ||
        { tail -n 5 "$tmp/compare.out" >&2; die "the results of $name differ"; }
    sample "$name" optimizer 1 rate backtests/s "$(over "$count" "$(elapsed one)")" "$1"
    used=$(awk -v all="$(processor one)" -v startup="$(processor startup)" 'BEGIN { print all - startup }')
    sample "$name" optimizer 1 processor_rate backtests/s "$(over "$count" "$used")" "$1"
    sample "$name" "$name" 1 rate backtests/s "$(over "$count" "$(field "$name" seconds)")" "$1"
    sample "$name" "$name" 1 processor_rate backtests/s "$(over "$count" "$(field "$name" cpu_seconds)")" "$1"
    sample "$name" optimizer 1 "over_$name" ratio "$(over "$(field "$name" seconds)" "$(elapsed one)")" "$1"
}

grid "$backtests"
[ $json = 1 ] || echo "grid: $count backtests: ${grid[*]}"
search one 1 || exit 1 # what is read for the first time, is read here
for ((i = 0; i < repeats; i++)); do
    efficiency "$i"
    journal "$i"
done

code=0
if "$python" -c 'import h5py, numpy' 2>/dev/null; then
    grid $((backtests < 128 ? backtests : 128))
    peer_search numpy || exit 1
    for name in numpy numba; do
        "$python" -c "import $name" 2>/dev/null || { [ $json = 1 ] || echo "optimizer: $name is not measured: it is missing"; continue; }
        span=8
        [ $name = numpy ] || span=2
        grid "$(awk -v r="$(field numpy rate)" -v s="$span" -v most="$backtests" 'BEGIN { n = int(s * r); print (n < most ? n : most) }')"
        [ $json = 1 ] || echo "grid: $count backtests: ${grid[*]}"
        for ((i = 0; i < repeats; i++)); do peer $name "$i"; done
    done
else
    [ $json = 1 ] && printf '{"bench":"optimizer","case":"numpy","table":"numpy","metric":"rate",%s}\n' \
        '"unit":"backtests/s","value":null,"reason":"NumPy or h5py is missing"' ||
        echo "optimizer: numpy is not measured: NumPy or h5py is missing"
    code=77
fi
[ $json = 1 ] || summary
exit $code
