#!/usr/bin/env bash
# run_layouts.sh RUN_MPI RUN_HISTORY WITH_HOSTS [SECONDS [GETS]] : histories of 16 ranks at five layouts, SECONDS (120) of
# gets in all: one node, 4 x 4, 16 x 1 and uneven virtual nodes, and 4 real hosts where namespaces are permitted. No history
# may hold a violation; together they must hold GETS (10^6) gets, 200 evictions, 100 invalidations and 100 rewrites: a
# machine that is busy with other things takes longer over that, and is no failure.
set -euo pipefail

run_mpi=$(realpath "$1")
run_history=$(realpath "$2")
with_hosts=$(realpath "$3")
seconds=${4:-120} wanted=${5:-1000000}
ranks=16
each=(--seconds $((seconds / 5)) --min-evictions 20 --min-invalidations 10 --min-rewrites 10)

log=$(mktemp)
trap 'rm -f "$log"' EXIT

# run LABEL COMMAND... : adds the counts of its line "total: ..." to the sums
gets=0 evictions=0 invalidations=0 rewrites=0
run() {
    local label=$1 code=0
    shift
    echo "== $label"
    "$@" >"$log" 2>&1 || code=$?
    cat "$log"
    if [ "$code" = 77 ]; then return 0; fi
    if [ "$code" != 0 ]; then
        echo "FAILED: $label: exit $code"
        exit 1
    fi
    read -r _ g _ _ _ e _ i _ r _ < <(grep '^total: ' "$log")
    gets=$((gets + g)) evictions=$((evictions + e)) invalidations=$((invalidations + i)) rewrites=$((rewrites + r))
}

# Bundles on a memory file system: a disk that is busy with other things is not what is tested.
export TMPDIR=/dev/shm
round() {
    local per_node
    for per_node in 0 4 1 6; do
        run "$ranks ranks, $per_node on a virtual node (0: one node)" \
            env BUNDLEPOOL_RANKS_PER_NODE=$per_node "$run_mpi" "$ranks" "$run_history" "${each[@]}"
    done
    run "$ranks ranks on 4 hosts" "$with_hosts" 4 --share "${run_history%/*}" -- \
        mpirun -n "$ranks" "$run_history" "${each[@]}"
}
round
while ((gets < wanted || evictions < 200 || invalidations < 100 || rewrites < 100)); do round; done

echo "all layouts: $gets gets, $evictions evictions, $invalidations invalidations, $rewrites rewrites, 0 violations"
