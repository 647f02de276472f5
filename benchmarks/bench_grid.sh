#!/usr/bin/env bash
# bench_grid.sh --root DIR --bundle NAME [--repeats N] [--json] [--bin DIR] : what was promised for a pool of
# bundles, row for row, and what is measured here, by bench_grid and optimizer:
#
#   initialisation   first load, later loads, 100 workers (where there are cores for them)
#   scaling          2, 4, 8 and 16 workers
#   grid_search      100 backtests on 16 workers: what the bundle costs beyond the backtests
#
# Cases promised_private, promised_pool and promised_resident are the promise: 313 ms for a load, less than 50 ms for a
# later one, and sums of these. Cases private, pool and resident are bench_grid's. optimizer_pool, optimizer_private and
# optimizer_startup (--version) are wall times of whole jobs on 16 ranks; without the pool, optimizer also hashes each
# copy, to be sure that all ranks test the same. The programs are those in --bin (default ../build/bin).
set -u
usage() {
    echo "usage: bench_grid.sh --root DIR --bundle NAME [--repeats N] [--json] [--bin DIR]" >&2
    exit 2
}
project=$(cd "$(dirname "$0")/.." && pwd -P) || exit 1
run_mpi=$project/tests/support/run_mpi.sh
bin=$project/build/bin root='' bundle='' repeats=5 json=()
while [ $# -gt 0 ]; do
    case $1 in
    --root | --bundle | --repeats | --bin)
        [ $# -ge 2 ] || usage
        declare "${1#--}=$2"
        shift
        ;;
    --json) json=(--json) ;;
    *) usage ;;
    esac
    shift
done
[ -n "$root" ] && [ -n "$bundle" ] || usage
[[ $repeats =~ ^[1-9][0-9]*$ ]] || usage
[ -x "$bin/bench_grid" ] && [ -x "$bin/optimizer" ] ||
    { echo "bench_grid.sh: $bin: bench_grid and optimizer are not there; build them" >&2; exit 1; }

# sample TABLE CASE RANKS METRIC NS CONDITION... : as bench_sample() prints it; a CONDITION is two words, NAME VALUE
sample() {
    local table=$1 case=$2 ranks=$3 metric=$4 value=$5 more=''
    shift 5
    if [ ${#json[@]} -gt 0 ]; then
        while [ $# -gt 0 ]; do
            [[ $2 =~ ^[0-9]+$ ]] && more+="\"$1\":$2," || more+="\"$1\":\"$2\","
            shift 2
        done
        printf '{"bench":"grid","case":"%s","table":"%s","ranks":%d,%s"metric":"%s","unit":"ns","value":%s}\n' \
            "$case" "$table" "$ranks" "$more" "$metric" "$value"
    else
        while [ $# -gt 0 ]; do
            more+="  $1 $2"
            shift 2
        done
        printf 'grid: %s  table %s  ranks %d%s  %s [ns] %s\n' "$case" "$table" "$ranks" "$more" "$metric" "$value"
    fi
}

promised() { # TABLE CASE RANKS METRIC NS
    sample "$1" "promised_$2" "$3" "$4" "$5"
}

measured() { # TABLE RANKS OPTIONS...
    local table=$1 ranks=$2
    shift 2
    "$run_mpi" "$ranks" "$bin/bench_grid" --root "$root" --bundle "$bundle" --table "$table" --repeats "$repeats" \
        ${json[@]+"${json[@]}"} "$@" || exit 1
}

search() {
    "$run_mpi" 16 "$bin/optimizer" --root "$root" --bundle "$bundle" --strategy sma_cross --param fast=5:50:5 \
        --param slow=60:240:20 "$@"
}

# wall CASE REPEAT COMMAND... : wall time of a job that must succeed
wall() {
    local name=$1 repeat=$2 from to out
    shift 2
    from=${EPOCHREALTIME/[.,]/}
    out=$("$@" 2>&1) || { echo "bench_grid.sh: $*: $out" >&2; exit 1; }
    to=${EPOCHREALTIME/[.,]/}
    sample grid_search "$name" 16 wall "$(((to - from) * 1000))" bundle "$bundle" repeat "$repeat"
}

promised initialisation private 1 init 313e6
promised initialisation pool 1 init 313e6
promised initialisation resident 1 init 50e6
promised initialisation private 100 init 31.3e9
promised initialisation resident 100 init 5e9
measured initialisation 1 --backtests 0
if [ "$(nproc)" -ge 25 ]; then
    measured initialisation 100 --backtests 0
else
    sample initialisation pool 100 init null reason "100 workers need 25 cores at least, here are $(nproc)"
fi

promised scaling private 2 init 626e6
promised scaling pool 2 init 363e6
promised scaling private 4 init 1.25e9
promised scaling pool 4 init 413e6
promised scaling private 8 init 2.5e9
promised scaling pool 8 init 513e6
promised scaling private 16 init 5.01e9
promised scaling pool 16 init 713e6
for ranks in 2 4 8; do measured scaling "$ranks" --backtests 0; done

# the promise is for any number of workers
promised grid_search private 16 overhead 31.3e9
promised grid_search pool 16 overhead 400e6
measured scaling 16
for ((i = 0; i < repeats; i++)); do
    wall optimizer_startup "$i" "$run_mpi" 16 "$bin/optimizer" --version
    wall optimizer_pool "$i" search
    wall optimizer_private "$i" search --enable-bundle-pooling false
done
