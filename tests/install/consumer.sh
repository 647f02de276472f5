#!/usr/bin/env bash
# consumer.sh BUILD RUN_MPI : install, then build and run small programs against it: through the CMake package, through
# pkg-config, in C++, and with headers older and newer than the library.
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
same() { [ "$1" = "$2" ] && echo "$3" || { printf 'not so: %s\n%s\n' "$3" "$1"; exit 1; }; }
same "$("$run" 2 "$work/cmake/consumer")" BP_ENOTFOUND "the CMake package works"

PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name bundlepool.pc)")
export PKG_CONFIG_PATH
static=$([ -e "$(find "$work/prefix" -name 'libbundlepool.a')" ] && echo --static || true)
if [ -n "$static" ]; then export BUNDLEPOOL_PARSER=$work/prefix/bin/bundle-parser; fi # it lies beside no such program
# compile OUT CC ARGUMENTS...
compile() {
    local out=$1 cc=$2
    shift 2
    # shellcheck disable=SC2046,SC2086
    "$cc" $flags -Wall -Wextra -Werror "$@" -o "$out" $(pkg-config $static --cflags --libs bundlepool) \
        $([ -z "$static" ] || pkg-config --libs hdf5)
}
compile "$work/consumer" cc "$here/consumer.c"
same "$("$run" 2 "$work/consumer")" BP_ENOTFOUND "pkg-config works"

if command -v c++ >/dev/null; then
    for header in "$work"/prefix/include/bundlepool/*.h; do
        echo "#include <bundlepool/$(basename "$header")>" >"$work/header.cpp"
        compile "$work/header.o" c++ -DOMPI_SKIP_MPICXX -DMPICH_SKIP_MPICXX -c "$work/header.cpp"
    done
    echo "each header is C++ as well, by itself"
fi

# Headers of another age: fields that are not there yet, or that this library has never heard of.
mkdir -p "$work/older" "$work/newer"
cp -r "$work/prefix/include/bundlepool" "$work/older"
cp -r "$work/prefix/include/bundlepool" "$work/newer"
sed -i -e '/load_seconds;/d' -e '/wait_seconds;/d' "$work/older/bundlepool/stats.h"
sed -i '/char content_hash\[/d' "$work/older/bundlepool/bundle.h"
sed -i 's/^} bp_\(stats\|counters\);/    int64_t newer;\n&/' "$work/newer/bundlepool/stats.h"
sed -i 's/^} bp_version;/    int64_t newer;\n&/' "$work/newer/bundlepool/bundle.h"
sed -i 's/^} bp_config;/    int64_t newer;\n&/' "$work/newer/bundlepool/config.h"
for header in older/stats newer/stats older/bundle newer/bundle newer/config; do
    if cmp -s "$work/${header%/*}/bundlepool/${header#*/}.h" "$work/prefix/include/bundlepool/${header#*/}.h"; then
        echo "$header.h is as it was: the fields that this script edits are others by now"
        exit 1
    fi
done
"$work/prefix/bin/bundle" demo demo --assets 3 --days 20 --root "$work" >"$work/log" || { cat "$work/log"; exit 1; }

# The program of examples/: of every asset that there is, by its symbol, and of one that there is not.
compile "$work/readers" cc -std=c11 -D_DEFAULT_SOURCE "$here/../../examples/programs/readers.c"
"$work/readers" "$work" demo >"$work/log" || { cat "$work/log"; exit 1; }
symbol=$(sed -n '1s/,.*//p' "$work/log")
lower=$(tr '[:upper:]' '[:lower:]' <<<"$symbol")
same "$("$work/readers" "$work" demo "$lower")" "$(cat "$work/log")" "examples/programs/readers.c finds $symbol as $lower"
same "$(grep -c ' close [0-9.]* adjusted [0-9.]* volume [1-9]' "$work/log")" 5 "and tells its last five sessions"
same "$("$work/readers" "$work" demo NO.SUCH 2>&1)" "BP_ENOSYMBOL: demo: no asset has the symbol 'NO.SUCH' on 2010-01-29" \
    "a symbol that there is not is named"

for age in older newer; do
    case $age in older) define=OLDER ;; *) define=NEWER ;; esac
    compile "$work/$age/ages" cc -I "$work/$age" -D$define -DAGE="\"$age\"" "$here/ages.c"
    version=$(sed -n 's/^Version: //p' "$PKG_CONFIG_PATH/bundlepool.pc")
    same "$("$run" 2 "$work/$age/ages" "$work")" "$age works with $version" "a program of $age headers works"
done
