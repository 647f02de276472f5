#!/usr/bin/env bash
# analyse.sh [cppcheck] [tidy] : what static analysis finds in src, mpi and io, or the part that is named. What finds something ends
# with 1. .clang-tidy and .cppcheck say what is left out, and why. The checks of scan-build are among those of clang-tidy, as
# clang-analyzer-*. In a folder of its own, build-analysis; takes as long as some builds.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh
ensure analysis
parts="${*:-cppcheck tidy}"
build="build-analysis"
jobs=${JOBS:-$(nproc)}
failed=0

tool() { # NAME : its newest version, if only such are there
    command -v "$1" || compgen -c "$1-" | grep -E "^$1-[0-9]+$" | sort -t- -k3 -n | tail -n 1
}
sources() { git ls-files 'src/*.c' 'mpi/*.c' 'io/*.c'; }

cmake -S . -B $build -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_COMPILER=clang -DCMAKE_EXPORT_COMPILE_COMMANDS=ON >$build.log 2>&1 ||
    { cat $build.log; exit 1; }
cmake --build $build --target bp_commit >/dev/null # a header that the sources include
rm -f $build.log

case " $parts " in *' cppcheck '*)
    echo "cppcheck: $(cppcheck --version)"
    # tests and benchmarks make their mistakes on purpose
    python3 - "$PWD" $build <<'PYTHON'
import json, sys
root, build = sys.argv[1:]
ours = tuple("%s/%s/" % (root, folder) for folder in ("src", "mpi", "io"))
commands = json.load(open(build + "/compile_commands.json"))
json.dump([c for c in commands if c["file"].startswith(ours)], open(build + "/ours.json", "w"))
PYTHON
    cppcheck --project=$build/ours.json --std=c11 -j "$jobs" --quiet --enable=warning,performance,portability \
        --suppressions-list=.cppcheck --relative-paths="$PWD" --error-exitcode=1 ||
        failed=1
    ;;
esac

case " $parts " in *' tidy '*)
    tidy=$(tool clang-tidy)
    echo "clang-tidy: $($tidy --version | grep -m 1 version)"
    sources | xargs -P "$jobs" -n 4 "$tidy" -p $build --quiet 2>/dev/null || failed=1
    ;;
esac

[ $failed = 0 ] && echo "nothing was found"
exit $failed
