#!/usr/bin/env bash
# fuzz.sh MINUTES [TARGET...] : builds the fuzz targets of tests/fuzz with clang, and has libFuzzer look for MINUTES with each of
# them, or with each TARGET, for inputs that they do not stand. Without a TARGET: all of them, one after the other.
#
#   --list   names the targets
#
# What it finds is in build-fuzz/found/TARGET, a file for each finding; try one again with
#     build-fuzz/bin/fuzz_TARGET FILE
# When the code is mended the file belongs into tests/fuzz/corpus/TARGET, with a name that says what it was: from then on every
# run of the tests tries it. What only reaches new code is kept in build-fuzz/bin, and the next run begins with it.
#
# As root on Debian it installs what is missing. Ends with 1 if there is a finding, or if there is no clang with libFuzzer.
set -euo pipefail

usage() {
    sed -n '2,/^set /s/^# \{0,1\}//p' "$0"
    exit "$1"
}

cd "$(dirname "$0")/.."
known=$(cd tests/fuzz && printf '%s\n' fuzz_*.c | sed 's/^fuzz_\(.*\)\.c$/\1/')
case ${1:-} in
-h | --help) usage 0 ;;
--list)
    [ $# = 1 ] || usage 2 >&2
    echo "$known"
    exit
    ;;
esac
[[ ${1:-} =~ ^[1-9][0-9]{0,5}$ ]] || usage 2 >&2
minutes=$1
shift
for target in "$@"; do
    grep -qx -- "$target" <<<"$known" || { echo "fuzz.sh: no target '$target'; there are: ${known//$'\n'/ }" >&2 && exit 2; }
done
[ $# -gt 0 ] || mapfile -t known <<<"$known"
[ $# = 0 ] || known=("$@")

. scripts/setup.sh
ensure fuzz
if lacks_fuzzer >&2; then exit 1; fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
{ cmake --preset fuzz && cmake --build --preset fuzz -j "$(nproc)"; } >"$log" 2>&1 || { tail -n 60 "$log" && exit 1; }

failed=()
for target in "${known[@]}"; do
    tests/fuzz/run.sh build-fuzz/bin/fuzz_"$target" tests/fuzz/corpus/"$target" build-fuzz/found/"$target" $((60 * minutes)) ||
        failed+=("$target")
done
[ ${#failed[@]} = 0 ] && exit
echo "findings: ${failed[*]}; see build-fuzz/found, and scripts/fuzz.sh --help for what to do with them"
exit 1
