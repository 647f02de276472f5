#!/usr/bin/env bash
# run.sh [quick|full] [--out DIR] : the benchmark suite. quick (the default) ends within 5 minutes on two cores, full
# may take an hour.
#
# As root on a Debian it installs what is missing; elsewhere it names that and goes on without. In DIR (default
# benchmarks/results) it leaves report.md with its plots, headline.json, and what they are made of: samples.jsonl (one
# measurement a line, benchmarks/support.h), machine.json, commands.tsv. The bundles are made in DIR/bundles and kept.
#
# Exit status: 0 if every program has run, 1 if one has failed (the rest is measured and reported all the same).
set -u
usage() {
    echo "usage: benchmarks/run.sh [quick|full] [--out DIR]" >&2
    exit 2
}
mode=quick out=''
while [ $# -gt 0 ]; do
    case $1 in
    quick | full) mode=$1 ;;
    --out)
        [ $# -ge 2 ] || usage
        mkdir -p "$2" && out=$(cd "$2" && pwd -P) || exit 1
        shift
        ;;
    *) usage ;;
    esac
    shift
done
cd "$(dirname "$0")/.." || exit 1
out=${out:-benchmarks/results}
mkdir -p "$out" || exit 1
PATH=$PATH:/usr/sbin:/sbin
# shellcheck source=../scripts/setup.sh
. scripts/setup.sh

# Setting up --------------------------------------------------------------------------------------------------------

wanted_here=(redis-server:redis-server memcached:memcached hiredis/hiredis.h:libhiredis-dev
    libmemcached/memcached.h:libmemcached-dev lmdb.h:liblmdb-dev gnuplot:gnuplot-nox python3:python3
    python3-h5py:python3-h5py python3-numpy:python3-numpy python3-pandas:python3-pandas ip:iproute2)
ensure tools || exit 1
mapfile -t lacking < <(missing "${wanted_here[@]}")
if [ ${#lacking[@]} -gt 0 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    install_packages "${lacking[@]}"
    mapfile -t lacking < <(missing "${wanted_here[@]}")
fi
[ ${#lacking[@]} = 0 ] || echo "goes on without: ${lacking[*]}"
python=python3
"$python" -c 'import h5py' 2>/dev/null || { [ -x /usr/bin/python3 ] && python=/usr/bin/python3; }

programs=(bundle optimizer)
for source in benchmarks/bench_*.c; do programs+=("$(basename "$source" .c)"); done
cmake --preset default >/dev/null && cmake --build --preset default -j "$(nproc)" --target "${programs[@]}" >"$out/build.log" ||
    { tail -n 20 "$out/build.log"; exit 1; }

samples=$out/samples.jsonl commands=$out/commands.tsv bundles=$out/bundles bin=build/bin failed=0
: >"$samples"
: >"$commands"
"$python" benchmarks/report.py --describe "$mode" "$out" || exit 1

# Running -----------------------------------------------------------------------------------------------------------

# run SECONDS COMMAND... : at most so long; its samples are collected
run() {
    local rc last='' began=$SECONDS limit=$1
    shift
    echo "+ $*"
    timeout --kill-after=20 "$limit" "$@" >"$out/stdout" 2>"$out/stderr"
    rc=$?
    grep '^{' "$out/stdout" >>"$samples"
    if [ $rc != 0 ]; then
        last=$(cat "$out/stdout" "$out/stderr" | grep -E '^(bench_|make_|SKIPPED|[^ ]*error)' | tail -n 1)
        [ -n "$last" ] || last=$(grep -v '^-*$' "$out/stderr" | tail -n 1)
        last=${last//$'\t'/ }
        [ $rc != 124 ] || last="not finished after $limit s"
        echo "  exit code $rc: $last"
        [ $rc = 77 ] || failed=1
    fi
    printf '%d\t%d\t%s\t%s\n' $rc $((SECONDS - began)) "$*" "$last" >>"$commands"
    rm -f "$out/stdout" "$out/stderr"
    return $rc
}

mpi() { # SECONDS RANKS PROGRAM ARGUMENTS...
    local limit=$1 ranks=$2 program=$3
    shift 3
    run "$limit" tests/support/run_mpi.sh "$ranks" "$bin/$program" --json "$@"
}

nodes() { # SECONDS NODES PROGRAM ARGUMENTS... : virtual nodes of one rank
    local limit=$1 n=$2 program=$3
    shift 3
    run "$limit" env BUNDLEPOOL_RANKS_PER_NODE=1 tests/support/run_mpi.sh "$n" "$bin/$program" --json "$@"
}

hosts() { # SECONDS HOSTS MBIT PROGRAM ARGUMENTS...
    local limit=$1 n=$2 rate=$3 program=$4
    shift 4
    run "$limit" tests/cluster/with_hosts.sh "$n" --rate "$rate" --share "$bundles" -- \
        mpirun -n "$n" "$bin/$program" --json --link-mbit "$rate" "$@"
}

# sized ASSETS : a bundle whose image has about ASSETS / 10 MB
sized() {
    local name=size$1
    [ -e "$bundles/$name.h5" ] || run 900 "$bin/bundle" demo "$name" --assets "$1" --days 2520 --root "$bundles" || return
}

if [ "$mode" = quick ]; then
    quick=(--quick) minute=minute5m
    many_nodes='1 2 4 8 16' sizes='10 40 160 640 2560' residents='1 10 100 1000' tbf_hosts='4'
else
    quick=() minute=minute20m
    many_nodes='1 2 4 8 16 32 64' sizes='10 40 160 640 2560 10400 20800'
    residents='1 3 10 30 100 300 1000' tbf_hosts='4 8'
fi
run 900 "$python" benchmarks/make_bundles.py "$bin/bundle" "$bundles" ${quick[@]+"${quick[@]}"}
for assets in $sizes; do sized "$assets"; done

# Cold start. quick measures at fewer ranks, and what takes gigabytes for private copies of the daily bundle only.
cold() { # BUNDLE RANKS [OPTIONS...]
    local bundle=$1 ranks=$2
    shift 2
    [ ! -e "$bundles/$bundle.h5" ] || mpi 900 "$ranks" bench_cold --root "$bundles" --bundle "$bundle" "$@"
}
if [ "$mode" = quick ]; then
    for ranks in 2 16; do cold daily_gzip "$ranks"; done
    for bundle in "${minute}_gzip" daily_lzf "${minute}_lzf"; do
        cold "$bundle" 16 --modes single,h5dread,pool,pool_fresh
    done
else
    for bundle in daily_gzip daily_lzf "${minute}_gzip" "${minute}_lzf"; do
        for ranks in 2 4 8 16; do cold "$bundle" "$ranks"; done
    done
    cold daily_gzip 16 --drop-cache
    cold "${minute}_gzip" 16 --drop-cache --modes single,h5dread,pool,pool_fresh
fi

# Hits, waiting, memory
mpi 300 2 bench_hit --root "$bundles" --bundle daily_gzip --alone
mpi 300 2 bench_hit --root "$bundles" --bundle daily_gzip
mpi 120 2 bench_wait --root "$bundles" --bundle daily_gzip --other size40
[ "$mode" = quick ] || nodes 120 4 bench_wait --root "$bundles" --bundle daily_gzip --other size40
mpi 300 16 bench_memory --root "$bundles" --bundle "$([ "$mode" = quick ] && echo "${minute}_gzip" || echo size10400)"

# The optimizer: efficiency, the journal, NumPy
[ -e "$bundles/optimizer.h5" ] || run 300 "$bin/bundle" demo optimizer --assets 500 --days 2520 --root "$bundles"
if [ "$mode" = quick ]; then optimizer=(--repeats 1 --backtests 500); else optimizer=(--repeats 5 --backtests 2000); fi
run 1800 benchmarks/bench_optimizer.sh --json --root "$bundles" --bundle optimizer "${optimizer[@]}"

# Readers, on a bundle with minutes for the last of their cases
run 900 benchmarks/bench_readers.sh --json --root "$bundles" --bundle optimizer --repeats "$([ "$mode" = quick ] && echo 3 || echo 7)"
mpi 120 1 bench_readers --root "$bundles" --bundle "${minute}_gzip"

# Helpers of rules that are written for arrays
for holes in 0 50; do mpi 120 1 bench_panel --holes "$holes"; done

# Backtests, one by one and side by side
for count in 8 64; do mpi 600 1 bench_account --root "$bundles" --bundle optimizer --combinations "$count"; done

# Making bundles
if [ "$mode" = quick ]; then ingest=(--repeats 1 --gigabytes 0); else ingest=(--repeats 5 --gigabytes 2); fi
run 1800 "$python" benchmarks/bench_ingest.py --json --dir "$bundles/ingest" "${ingest[@]}"

# The seed's tables
run 1200 benchmarks/bench_grid.sh --json --root "$bundles" --bundle daily_gzip

# Nodes
run 600 benchmarks/bench_broadcast.sh "$bin/bench_broadcast" --json --nodes "4 8 16" --hosts ''
run 600 benchmarks/bench_broadcast.sh "$bin/bench_broadcast" --json --nodes '' --hosts "$tbf_hosts" --rate 1000 \
    --ways point_to_point,chain,bcast
for n in $tbf_hosts; do
    hosts 300 "$n" 1000 bench_growth --root "$bundles" --bundle daily_gzip --axis hosts
done

# Pressure and growth
mpi 300 4 bench_sweep
for n in $many_nodes; do nodes 300 "$n" bench_growth --root "$bundles" --bundle size10 --axis nodes; done
for assets in $sizes; do mpi 600 2 bench_growth --root "$bundles" --bundle "size$assets" --axis size; done
for k in $residents; do mpi 300 2 bench_growth --root "$bundles" --bundle size10 --axis resident --resident "$k"; done
for ranks in 1 2 4 8 16; do mpi 300 "$ranks" bench_growth --root "$bundles" --bundle size160 --axis ranks; done

# Reporting ---------------------------------------------------------------------------------------------------------

"$python" benchmarks/report.py "$out" || failed=1
echo "$out/report.md"
exit $failed
