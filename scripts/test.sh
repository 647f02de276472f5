#!/usr/bin/env bash
# test.sh [--quick] : build, and pass every test that can run here: optimised, then with AddressSanitizer and UBSan,
# then what is concurrent with ThreadSanitizer, then the core with neither MPI nor HDF5. --quick: the first only.
# Installs what is missing (as root on Debian); tests for what a machine lacks skip with the reason.
set -eu
case ${1:-} in
-h | --help) sed -n '2,4s/^# //p' "$0"; exit 0 ;;
esac
cd "$(dirname "$0")/.."
. scripts/setup.sh
ensure tests

failed=()
run_preset() { # NAME
    echo "== $1"
    cmake --preset "$1" >"build-$1.log" 2>&1 && cmake --build --preset "$1" -j "$(nproc)" >>"build-$1.log" 2>&1 || {
        tail -n 60 "build-$1.log"
        rm -f "build-$1.log"
        failed+=("$1 (build)")
        return 0
    }
    rm -f "build-$1.log"
    # Two at a time, as many start programs and wait for them. A shared machine may stand still as a whole for longer than
    # a test may wait: what fails is run once more, and ctest says so.
    ctest --preset "$1" --no-tests=error -j 2 --repeat until-pass:2 || failed+=("$1")
}

run_preset default
if [ "${1:-}" != --quick ]; then
    run_preset asan
    run_preset tsan
    run_preset core
fi
if [ ${#failed[@]} -gt 0 ]; then
    echo "failed: ${failed[*]}"
    exit 1
fi
echo "everything passed"
