#!/usr/bin/env bash
# coverage.sh [report] : how many lines of src/core, mpi and io the default tier's tests of the library and of `bundle` run.
# Prints the share of each folder, and by file the lines that no test runs. Ends with 1 if a folder has less than 90 %, or a
# test fails. `report` builds and runs nothing: it tells what the last run has counted.
#
# In a folder of its own, build-coverage; takes some ten minutes on two cores. What looks into files is a process that is
# killed, or may write nothing: its lines are counted in tests that read files once more, in their own process.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh
ensure coverage
build="build-coverage"
least=90
failed=0
folders=(src/core mpi io)
reading='^io_(bad|read|series|stored|write)$' # tests that read files of every form

run_tests() { ctest --test-dir $build --no-tests=error -LE '^(all|long)$' --output-on-failure "$@" >>$build.log 2>&1 || failed=1; }

case "${1:-all}" in
all)
    { cmake --preset coverage && cmake --build $build -j "$(nproc)"; } >$build.log 2>&1 || { tail -n 40 $build.log; exit 1; }
    find $build -name '*.gcda' -delete
    run_tests -L '^unit$' -j 2
    run_tests -L '^mpi$'
    run_tests -R '^bundle_' -E '^bundle_full_disk$' -j 2 # where files may not grow, counters are not written either
    BUNDLEPOOL_PARSER=inline run_tests -R "$reading"
    [ $failed = 0 ] || { grep -E '\*\*\*(Failed|Timeout|Exception|Not Run)' $build.log; echo "tests have failed: see $build.log"; }
    ;;
report) ;;
*) sed -n '2,/^set /s/^# \{0,1\}//p' "$0" && exit 2 ;;
esac

filters=()
for folder in "${folders[@]}"; do filters+=(--filter "$folder/"); done
gcovr --root . "${filters[@]}" --exclude-directories '.*/CompilerIdC' -j "$(nproc)" --json $build/coverage.json $build >/dev/null
python3 - $build/coverage.json $least "${folders[@]}" <<'PYTHON' || failed=1
import collections, json, sys
path, least, folders = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
files = {f["file"]: [c for c in f["lines"] if not c.get("gcovr/noncode")] for f in json.load(open(path))["files"]}

def ranges(numbers):
    """7-9, 12: lines that follow each other are one."""
    parts = []
    for n in numbers:
        if parts and n == parts[-1][1] + 1:
            parts[-1][1] = n
        else:
            parts.append([n, n])
    return ", ".join(str(a) if a == b else "%d-%d" % (a, b) for a, b in parts)

lines, run = collections.Counter(), collections.Counter()
for name, counted in sorted(files.items()):
    folder = next(f for f in folders if name.startswith(f + "/"))
    missing = sorted({c["line_number"] for c in counted} - {c["line_number"] for c in counted if c["count"]})
    total = len({c["line_number"] for c in counted})
    lines[folder] += total
    run[folder] += total - len(missing)
    if missing:
        print("%s: %s" % (name, ranges(missing)))
short = False
for folder in folders:
    share = 100 * run[folder] / lines[folder] if lines[folder] else 0
    short = short or share < least
    print("%-10s %5.1f %%  %d of %d lines" % (folder, share, run[folder], lines[folder]))
sys.exit(short)
PYTHON
exit $failed
