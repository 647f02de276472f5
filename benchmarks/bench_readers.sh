#!/usr/bin/env bash
# bench_readers.sh --root DIR --bundle NAME [--repeats N] [--seconds S] [--json] [--bin DIR] : what the readers of a
# bundle cost, beside h5py and pandas doing the same on the same file: bench_readers and bench_readers.py in turns, so
# that both meet the same noise. PYTHON names an interpreter that has h5py and pandas.
set -u
usage() {
    echo "usage: bench_readers.sh --root DIR --bundle NAME [--repeats 5] [--seconds 0.2] [--json] [--bin DIR]" >&2
    exit 2
}
project=$(cd "$(dirname "$0")/.." && pwd -P) || exit 1
bin=$project/build/bin root='' bundle='' repeats=5 seconds=0.2 json=()
while [ $# -gt 0 ]; do
    case $1 in
    --root | --bundle | --repeats | --seconds | --bin)
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
[ -x "$bin/bench_readers" ] || { echo "bench_readers.sh: $bin: bench_readers is not there; build it" >&2; exit 1; }

python=''
for candidate in "${PYTHON:-python3}" /usr/bin/python3; do
    ! "$candidate" -c 'import h5py, pandas' 2>/dev/null || { python=$candidate; break; }
done
[ -n "$python" ] || echo 'bench_readers.sh: goes on without h5py and pandas (Debian: python3-h5py python3-pandas)' >&2

for ((i = 0; i < repeats; i++)); do
    common=(--root "$root" --bundle "$bundle" --repeat "$i" --seconds "$seconds" ${json[@]+"${json[@]}"})
    "$project/tests/support/run_mpi.sh" 1 "$bin/bench_readers" "${common[@]}" || exit 1
    [ -z "$python" ] || "$python" "$project/benchmarks/bench_readers.py" "${common[@]}" || exit 1
done
