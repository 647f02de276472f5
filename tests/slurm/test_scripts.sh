#!/usr/bin/env bash
# test_scripts.sh BIN SOURCE PART... : the scripts of slurm/ on a real Slurm of 3 hosts: the same files as without Slurm.
# Parts:
#   search      one search, started by mpirun and by srun
#   readme      the commands of slurm/README.md
#   launchers   mpirun and srun on three hosts, and a launch that would do the work several times
#   bundles     an array with one element for each bundle
#   python      a rule in Python: one search, an array, and a search that is stopped by its signal and goes on
#   time_limit  a time limit that is too short
#   cancelled   a cancelled job, and the same job again
#   host_lost   a host that is lost
set -u
self=$(realpath "$0")
here=${self%/*}
. "$here/common.sh"

fail() {
    echo "FAILED: $*"
    tail -n 30 ./*.log
    exit 1
}

# --- run by with_slurm.sh, on the head, in a folder that every host sees ---

completes() { # JOB SECONDS
    job_ended "$1" "$2" || fail "job $1 is $(job_state "$1") after $2 s"
    ! job_state "$1" | grep -vx COMPLETED || fail "job $1: exit code $(job_field "$1" ExitCode)"
}

same() { # FILE FILE
    cmp "$1" "$2" || fail "$1 and $2 differ"
}

search=(--bundle prices --strategy sma_cross --param fast=5:50:5 --param slow=20:200:20)
# orders that may expire are those of an account that runs combinations one by one, at 40 ms each: some 15 s on two cores, and
# some 50, as Slurm checks every 30
long=(--bundle wide --strategy sma_cross --param fast=5:50 --param slow=51:67 --expire 100000)
longer=(--bundle wide --strategy sma_cross --param fast=5:50 --param slow=51:107 --expire 100000)

need_bundle() { # NAME OPTIONS...
    [ -e "$BUNDLEPOOL_ROOT/$1.h5" ] || "$BUNDLE" demo "$@" >/dev/null || fail "bundle demo $*"
}

need_prices() { # as slurm/README.md makes them
    need_bundle prices --assets 50 --days 1000
}

need_wide() {
    need_bundle wide --assets 500 --days 2520 --seed 3
}

without_slurm() { # FILE ARGUMENTS... : what the scripts must come to
    local file=$1
    shift
    [ ! -e "$file" ] || return 0
    mpirun --host head:2 -n 2 "$OPTIMIZER" "$@" --out "$file" >"$file.log" 2>&1 || fail "without Slurm: $*"
}

part_readme() {
    "$DOCS/blocks.sh" "$SOURCE/slurm/README.md" "$PWD" >readme.log 2>&1 || fail "the commands of slurm/README.md"
    poll_until 300 all_have_ended || fail "jobs of slurm/README.md do not end: $(squeue --states=all)"
    ! squeue --noheader --states=all --format='%i %j %T' | grep -v COMPLETED || fail "jobs of slurm/README.md"
    without_slurm plain.csv "${search[@]}"
    same plain.csv results.csv
    same plain.csv array.csv
    without_slurm plain-momentum.csv --bundle prices --strategy momentum --param lookback=20:120:20 --param top=5,10
    same plain-momentum.csv momentum.csv
    grep -q "^pool memory: at most 250.0 MiB a node (half of Slurm's limit on h[123], 500 MiB)" grid_search-*.log ||
        fail "the pool does not go by the job's memory"
    tail -n 6 scaling-*.log
    [ "$(awk 'NR > 1 { printf "%s ", $1 }' scaling-*.txt)" = "2 4 8 16 " ] || fail "the table of scaling.sbatch"
    awk 'NR > 1 && !($2 > 0 && $3 > 0 && $4 > 0 && $5 > 0) { exit 1 }' scaling-*.txt || fail "a number of scaling.sbatch"
    [ "$(grep -c '<circle' scaling-*.svg)" = 4 ] || fail "the plot of scaling.sbatch"
    if command -v python3 >/dev/null; then
        python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' scaling-*.svg || fail "no SVG"
    fi
    echo "the commands of slurm/README.md do what it says"
}

all_have_ended() {
    ! squeue --noheader --states=all --format=%T | grep -qvxE 'COMPLETED|FAILED|CANCELLED|TIMEOUT|NODE_FAIL'
}

# searched LAUNCHER NODES FILE : the search as a job; the file is that of the search without Slurm
searched() {
    local job
    job=$(LAUNCH=$1 sbatch --parsable --nodes="$2" --ntasks-per-node=2 slurm/grid_search.sbatch "${search[@]}" --out "$3")
    completes "$job" 60
    same plain.csv "$3"
}

part_search() {
    need_prices
    without_slurm plain.csv "${search[@]}"
    searched mpirun 3 mpirun.csv
    searched srun 2 srun.csv
    echo "a search on Slurm gives the file of the one without"
}

part_launchers() {
    local launcher
    need_prices
    without_slurm plain.csv "${search[@]}"
    for launcher in mpirun srun; do searched $launcher 3 $launcher.csv; done
    # one rank where six were asked for: each would do all of the work
    sbatch --parsable --ntasks=6 --output=wrong.log --wrap "srun $OPTIMIZER ${search[*]}" >wrong.job
    job_ended "$(<wrong.job)" 60 || fail "a wrong launch does not end"
    [ "$(job_field "$(<wrong.job)" ExitCode)" = 2:0 ] || fail "a wrong launch: $(job_field "$(<wrong.job)" ExitCode)"
    [ "$(grep -c '^optimizer: error: srun has started this without MPI; start it as: srun --mpi=pmix -n 6' wrong.log)" = 1 ] ||
        fail "a wrong launch is not told of once"
    echo "srun and mpirun agree"
}

part_bundles() {
    local job
    need_prices
    need_bundle other --assets 40 --days 1000 --seed 5
    job=$(SPLIT=bundles sbatch --parsable --array=1-2 --ntasks=2 slurm/grid_array.sbatch --bundles prices,other \
        "${search[@]:2}" --out two.csv)
    job=$(sbatch --parsable --dependency="afterok:$job" --ntasks=1 slurm/grid_array.sbatch merge --out two.csv)
    completes "$job" 60
    without_slurm plain-two.csv --bundles prices,other "${search[@]:2}"
    same plain-two.csv two.csv
    echo "an array over bundles gives the file of one job"
}

part_python() {
    local job launcher where=(--where 'fast < slow') # which the rule in C sees to by itself
    need_prices
    need_wide
    without_slurm plain-where.csv "${search[@]}" "${where[@]}"
    without_slurm plain-long.csv "${long[@]}"
    printf '%s\n' 'def sma_cross(m, fast, slow):' '    return m.sma(fast) > m.sma(slow)' >rule.py
    local -x OPTIMIZER="$PYTHON -m bundlepool" PYTHONPATH=$PACKAGE PYTHONDONTWRITEBYTECODE=1
    for launcher in mpirun srun; do
        job=$(LAUNCH=$launcher sbatch --parsable --nodes=3 --ntasks-per-node=2 slurm/grid_search.sbatch \
            "${search[@]/sma_cross/rule.py:sma_cross}" "${where[@]}" --out "python-$launcher.csv")
        completes "$job" 120
        same plain-where.csv "python-$launcher.csv"
    done
    job=$(sbatch --parsable --array=1-2 --ntasks=2 slurm/grid_array.sbatch "${search[@]/sma_cross/rule.py:sma_cross}" \
        "${where[@]}" --out python-array.csv)
    job=$(sbatch --parsable --dependency="afterok:$job" --ntasks=1 slurm/grid_array.sbatch merge --out python-array.csv)
    completes "$job" 120
    same plain-where.csv python-array.csv
    echo "a rule in Python gives the file of the rule in C: by mpirun, by srun and as an array"

    # the signal of a time limit, without the waiting
    job=$(sbatch --parsable --nodes=3 --ntasks-per-node=2 slurm/grid_search.sbatch "${long[@]/sma_cross/rule.py:sma_cross}" \
        --out python-long.csv)
    poll_until 60 has_results python-long.csv 20 || fail "the job does not get on"
    scancel --batch --signal=USR1 "$job"
    start_again "$job" 60 || fail "the job is not requeued: $(job_state "$job")"
    completes "$job" 240
    same plain-long.csv python-long.csv
    grep -q '^optimizer: stopped: by SIGUSR1' "grid_search-$job.log" || fail "it was not told that its time is up"
    grep -q ': not finished (75), goes into the queue again$' "grid_search-$job.log" || fail "it did not end with 75"
    [ "$(grep -c "^20.* job $job, start " "grid_search-$job.log")" = 2 ] || fail "it did not start twice"
    grep -q "^resumed: [1-9]" "grid_search-$job.log" || fail "it did not go on"
    echo "a rule in Python, signalled: $(grep ^resumed: "grid_search-$job.log" | tr '\n' ' ')"

    # a package that is not there is told of once, before any rank starts
    job=$(OPTIMIZER="$PYTHON -m bundlepool_missing" sbatch --parsable --nodes=1 --ntasks-per-node=2 slurm/grid_search.sbatch \
        "${search[@]}" --out none.csv)
    job_ended "$job" 60 || fail "a job without the package does not end"
    [ "$(job_field "$job" ExitCode)" = 2:0 ] || fail "a job without the package: $(job_field "$job" ExitCode)"
    [ "$(grep -c 'No module named' "grid_search-$job.log")" = 1 ] || fail "a job without the package does not say so once"
    grep -q "^grid_search.sbatch: '.* -m bundlepool_missing' does not start" "grid_search-$job.log" ||
        fail "a job without the package goes on"
}

has_started() { # JOB
    [ "$(job_state "$1")" != PENDING ]
}

part_time_limit() {
    local job starts
    need_wide
    job=$(GRACE=2 sbatch --parsable --nodes=3 --ntasks-per-node=2 --time=0:20 --signal=B:USR1@40 \
        slurm/grid_search.sbatch "${longer[@]}" --out limited.csv)
    until job_has_ended "$job"; do
        if start_again "$job" 2; then poll_until 60 has_started "$job" || fail "it does not start again"; fi
    done
    completes "$job" 0
    without_slurm plain-longer.csv "${longer[@]}"
    same plain-longer.csv limited.csv
    starts=$(grep -c "^20.* job $job, start " "grid_search-$job.log")
    [ "$starts" -ge 2 ] || fail "the time limit did not stop it"
    grep -q '^optimizer: stopped: by SIGUSR1' "grid_search-$job.log" || fail "it was not told that its time is up"
    [ "$(grep -c "^resumed: [1-9]" "grid_search-$job.log")" -ge 1 ] || fail "it did not go on"
    echo "a time limit that is too short: $starts starts, $(grep ^resumed: "grid_search-$job.log" | tr '\n' ' ')"
}

results() { # FILE : roughly, of its journal
    local size
    size=$(stat -c %s "$1.journal" 2>/dev/null || echo 0)
    echo $(((size - 400) / 88))
}

has_results() { # FILE NUMBER
    [ "$(results "$1")" -ge "$2" ]
}

part_cancelled() {
    local job k launcher left
    need_wide
    without_slurm plain-long.csv "${long[@]}"
    for launcher in mpirun srun; do
        job=$(LAUNCH=$launcher sbatch --parsable --nodes=3 --ntasks-per-node=2 slurm/grid_search.sbatch "${long[@]}" \
            --out $launcher-cancelled.csv)
        poll_until 60 has_results $launcher-cancelled.csv 20 || fail "$launcher: the job does not get on"
        scancel "$job"
        job_ended "$job" 30 || fail "$launcher: a cancelled job does not end: $(job_state "$job")"
        for ((k = 1; k <= CLUSTER_HOSTS; k++)); do
            poll_until 10 host_is_clean "h$k" ||
                fail "$launcher: left on h$k: $(host_exec "h$k" ps -e) $(host_exec "h$k" find /dev/shm)"
        done
        [ ! -e $launcher-cancelled.csv ] || fail "$launcher: results of a cancelled job"
        left=$(results $launcher-cancelled.csv)
        job=$(sbatch --parsable --nodes=3 --ntasks-per-node=2 slurm/grid_search.sbatch "${long[@]}" \
            --out $launcher-cancelled.csv)
        completes "$job" 180
        same plain-long.csv $launcher-cancelled.csv
        grep -q "^resumed: [1-9]" "grid_search-$job.log" || fail "$launcher: nothing was left of $left results"
        echo "$launcher: a cancelled job leaves nothing behind but its journal: $(grep ^resumed "grid_search-$job.log")"
    done
}

# No process of ours or of Open MPI's, nothing in shared memory
host_is_clean() {
    local name
    for name in optimizer orted mpirun srun; do
        ! host_exec "$1" pgrep -x $name >/dev/null || return 1
    done
    [ -z "$(host_exec "$1" find /dev/shm -mindepth 1)" ]
}

part_host_lost() { # only two hosts are left afterwards
    local job nodes
    need_wide
    without_slurm plain-long.csv "${long[@]}"
    job=$(sbatch --parsable --nodes=2 --ntasks-per-node=2 slurm/grid_search.sbatch "${long[@]}" --out lost.csv)
    poll_until 60 has_results lost.csv 200 || fail "the job does not get on"
    nodes=$(scontrol show hostnames "$(job_field "$job" NodeList)" | tr '\n' ' ')
    host_kill "$(echo "$nodes" | cut -d' ' -f2)" # and Slurm is not told
    start_again "$job" 120 || fail "the job is not requeued: $(job_state "$job")"
    completes "$job" 180
    same plain-long.csv lost.csv
    [ "$(grep -c "^20.* job $job, start " "grid_search-$job.log")" = 2 ] || fail "it did not start twice"
    grep -q "^resumed: [1-9]" "grid_search-$job.log" || fail "it did not go on"
    echo "a host lost out of $nodes: $(grep ^resumed: "grid_search-$job.log" | tr '\n' ' ')"
}

if [ "${1:-}" = --inside ]; then
    for part in "${@:2}"; do
        # wins over the scripts', but not over README's own
        if [ "$part" = readme ]; then unset SBATCH_MEM_PER_NODE; else export SBATCH_MEM_PER_NODE=500; fi
        "part_$part"
    done
    exit
fi

# --- on the machine ---

bin=$(realpath "$1") source=$(realpath "$2")
shift 2
if [[ " $* " == *' python '* ]]; then
    export PYTHON=${PYTHON:-/usr/bin/python3} PACKAGE=${bin%/*}/python
    PYTHONPATH=$PACKAGE "$PYTHON" -c 'import numpy, bundlepool' 2>/dev/null ||
        { echo "SKIPPED: $PYTHON has no numpy, or no bundlepool was built for it (Debian: python3-dev, python3-numpy)"; exit 77; }
fi
[ $# -gt 0 ] || { echo "FAILED: no part is named" && exit 2; }
for part in "$@"; do
    [ "$(type -t "part_$part")" = function ] || { echo "FAILED: there is no part '$part'" && exit 2; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset "${!BUNDLEPOOL_@}" "${!RUSTYBT_@}"
export SLURM_NODE_TIMEOUT=20 # it takes Slurm that long to notice a lost host
export SLURM_KILL_WAIT=15    # half of what Slurm gives by default
export OPTIMIZER=$bin/optimizer BUNDLE=$bin/bundle SOURCE=$source DOCS=$source/tests/docs BUNDLEPOOL_ROOT=$work/bundles
mkdir build
ln -s "$bin" build/bin
ln -s "$source/slurm" slurm
# shellcheck disable=SC2086 # nothing, or two words
"$here/with_slurm.sh" 3 --share "$bin" ${PACKAGE:+--share "$PACKAGE"} --share "$source" -- "$self" --inside "$@"
