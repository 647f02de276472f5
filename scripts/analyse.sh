#!/usr/bin/env bash
# analyse.sh [cppcheck] [tidy] [scan] : what static analysis finds in src, mpi and io, or the parts that are named. Without a word
# all three; what finds something ends with 1. .clang-tidy and .cppcheck say what is left out, and why. In a folder of its own,
# build-analysis; a run of all takes as long as twenty builds.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh
ensure analysis
parts="${*:-cppcheck tidy scan}"
build="build-analysis"
jobs=${JOBS:-$(nproc)}
failed=0

tool() { # NAME : its newest version, since Debian numbers some of them
    command -v "$1" || compgen -c "$1-" | grep -E "^$1-[0-9]+$" | sort -t- -k3 -n | tail -n 1
}
sources() { git ls-files 'src/*.c' 'mpi/*.c' 'io/*.c'; }

cmake -S . -B $build -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_COMPILER=clang -DCMAKE_EXPORT_COMPILE_COMMANDS=ON >$build.log 2>&1 ||
    { cat $build.log; exit 1; }
cmake --build $build --target bp_commit >/dev/null # a header that the sources include
rm -f $build.log

case " $parts " in *' cppcheck '*)
    echo "cppcheck: $(cppcheck --version)"
    # its own files only: those of tests and benchmarks make their mistakes on purpose
    sources | sed "s|^|--file-filter=$PWD/|" | xargs cppcheck --project=$build/compile_commands.json --std=c11 -j "$jobs" --quiet \
        --enable=warning,performance,portability --suppressions-list=.cppcheck --relative-paths="$PWD" --error-exitcode=1 ||
        failed=1
    ;;
esac

case " $parts " in *' tidy '*)
    tidy=$(tool clang-tidy)
    echo "clang-tidy: $($tidy --version | grep -m 1 version)"
    sources | xargs -P "$jobs" -n 4 "$tidy" -p $build --quiet 2>/dev/null || failed=1
    ;;
esac

case " $parts " in *' scan '*)
    scan=$(tool scan-build)
    echo "scan-build: $scan"
    # make builds again all that it has; tests and benchmarks are no part of these targets
    if ! "$scan" cmake -S . -B $build/scanned -DCMAKE_BUILD_TYPE=Debug >$build/scan.log ||
        ! "$scan" -o $build/scan --status-bugs make -C $build/scanned -j "$jobs" -B bundle optimizer bundlepool >$build/scan.log 2>&1; then
        grep -E 'warning:|error:' $build/scan.log
        failed=1
    fi
    ;;
esac

[ $failed = 0 ] && echo "nothing was found"
exit $failed
