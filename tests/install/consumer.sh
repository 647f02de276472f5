#!/usr/bin/env bash
# consumer.sh BUILD RUN_MPI : install, then build and run a small program against it through the CMake package and
# through pkg-config.
set -eu
build=$1 run=$2 here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$build" --prefix "$work/prefix" >"$work/log" || { cat "$work/log"; exit 1; }
if grep -q '^BUNDLEPOOL_SANITIZE:STRING=.' "$build/CMakeCache.txt"; then
    flags=-fsanitize=$(sed -n 's/^BUNDLEPOOL_SANITIZE:STRING=//p' "$build/CMakeCache.txt")
else
    flags=
fi
cmake -S "$here" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_C_FLAGS="$flags" >"$work/log" 2>&1 &&
    cmake --build "$work/cmake" >>"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
export LD_LIBRARY_PATH=$work/prefix/lib/x86_64-linux-gnu:$work/prefix/lib:$work/prefix/lib64
[ "$("$run" 2 "$work/cmake/consumer" | sort -u)" = BP_ENOTFOUND ] && echo "the CMake package works"

PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name bundlepool.pc)")
export PKG_CONFIG_PATH
static=$([ -e "$(find "$work/prefix" -name 'libbundlepool.a')" ] && echo --static || true)
# shellcheck disable=SC2046,SC2086
cc $flags "$here/consumer.c" -o "$work/consumer" $(pkg-config $static --cflags --libs bundlepool) \
    $([ -z "$static" ] || pkg-config --libs hdf5)
[ "$("$run" 2 "$work/consumer" | sort -u)" = BP_ENOTFOUND ] && echo "pkg-config works"
