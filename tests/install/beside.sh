#!/usr/bin/env bash
# beside.sh BUILD OTHER : what was built with one MPI and what was built with another, installed beside each other on a
# machine that has both. BUILD and OTHER are the two build folders. Programs of both give the same results; who compiles
# against one gets the MPI that it was built with, whichever comes first in PATH; and a launcher of the wrong MPI is told of.
set -eu
declare -A folder=([build]=$1 [other]=$2)
other=$2
here=$(cd "$(dirname "$0")" && pwd)
[ -e "$other/CMakeCache.txt" ] && [ -e "$other/bin/optimizer" ] || { echo "SKIPPED: nothing is built in $other"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
same() { [ "$1" = "$2" ] && echo "$3" || { printf 'not so: %s\n%s\n' "$3" "$1"; exit 1; }; }

for which in build other; do
    cmake --install "${folder[$which]}" --prefix "$work/$which" >log || { cat log; exit 1; }
done
pc=$(dirname "$(cd build && find . -name bundlepool.pc)")
about() { PKG_CONFIG_PATH=$work/$1/$pc pkg-config "${@:2}" bundlepool; } # PREFIX OPTIONS...
mpi=$(about build --variable=mpi) other_mpi=$(about other --variable=mpi)
[ "${mpi%% [0-9]*}" != "${other_mpi%% [0-9]*}" ] || { echo "SKIPPED: both are built with ${mpi%% [0-9]*}"; exit 77; }

start() { # PREFIX PROGRAM... : two ranks, by the launcher of the MPI that PREFIX was built with
    MPIEXEC=$(about "$1" --variable=mpiexec) "$here/../support/run_mpi.sh" 2 "${@:2}"
}

# Programs: both at work on the same bundle
build/bin/bundle demo demo --assets 5 --days 200 >log || { cat log; exit 1; }
sweep=(--bundle demo --strategy sma_cross --param fast=5:20:5 --param 'slow=30,40' --progress 0 --no-journal)
for which in build other; do
    start $which "$work/$which/bin/optimizer" "${sweep[@]}" --out $which.csv >log 2>&1 || { cat log; exit 1; }
    grep -qx 'loads: 1' log || { cat log; echo "the ranks of $which share nothing"; exit 1; }
done
cmp build.csv other.csv
echo "$mpi and $other_mpi: the same results"

# A launcher of the other MPI starts ranks that know nothing of each other, and each would do all of the work
rc=0
start other "$work/build/bin/optimizer" "${sweep[@]}" --out wrong.csv >out 2>err || rc=$?
same "$rc $(grep -c '^optimizer: error: ' err) $(grep -c "built with $mpi" err)" '2 1 1' 'the wrong launcher is told of, once' ||
    { cat out err; exit 1; }
[ ! -e wrong.csv ] || { echo 'the wrong launcher leaves results'; exit 1; }

# Compiling: by pkg-config, and by CMake with whatever MPI comes first in PATH
for which in build other; do
    # shellcheck disable=SC2046
    cc "$here/consumer.c" -o $which.consumer $(about $which --cflags --libs) -Wl,-rpath,"$(about $which --variable=libdir)"
    same "$(start $which "$work/$which.consumer")" BP_ENOTFOUND "pkg-config finds $(about $which --variable=mpi)"
    cmake -S "$here" -B $which.cmake -DCMAKE_PREFIX_PATH="$work/$which" >log 2>&1 && cmake --build $which.cmake >>log 2>&1 ||
        { cat log; exit 1; }
    same "$(start $which "$work/$which.cmake/consumer")" BP_ENOTFOUND "CMake finds $(about $which --variable=mpi)"
done
wrapper=$(sed -n 's/^MPI_C_COMPILER:[A-Z]*=//p' "$other/CMakeCache.txt")
mkdir asks
cp "$here/CMakeLists.txt" "$here/consumer.c" asks
sed -i 's/REQUIRED/REQUIRED COMPONENTS bundlepool/' asks/CMakeLists.txt
if cmake -S asks -B wrong -DCMAKE_PREFIX_PATH="$work/build" -DMPI_C_COMPILER="$wrapper" >log 2>&1; then
    echo "a project with $other_mpi is given a library of $mpi"
    exit 1
fi
tr -s ' \n' ' ' <log | grep -qF "built with $mpi, and the MPI here is $other_mpi" || { cat log; exit 1; }
echo 'a project with another MPI than the library is told so'
