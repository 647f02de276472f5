#!/usr/bin/env bash
# examples.sh BUILD RUN_MPI SOURCE : install, build the strategies of examples/ elsewhere against what is installed (by gcc -O2,
# by clang -O3, by CMake without MPI, and as C++ what a strategy needs of the header), and run them: on 1, 4 and 16 ranks each
# gives the file that the built-in strategy of the same rule gives, byte for byte.
set -eu
build=$1 run=$2 source=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 022
cmake --install "$build" --prefix "$work/prefix" >"$work/log" || { cat "$work/log"; exit 1; }
export LD_LIBRARY_PATH=$work/prefix/lib/x86_64-linux-gnu:$work/prefix/lib:$work/prefix/lib64
optimizer=$work/prefix/bin/optimizer
PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name bundlepool-strategy.pc)")
export PKG_CONFIG_PATH
cp -r "$source/examples" "$work/examples"

# Building ------------------------------------------------------------------------------------------------------------

compilers=()
make_with() { # NAME CC CFLAGS
    command -v "$2" >/dev/null || { echo "not tried: $2 is missing"; return 0; }
    mkdir "$work/$1"
    make -s -C "$work/$1" -f "$work/examples/Makefile" CC="$2" CFLAGS="$3 -Wall -Wextra -Werror" >"$work/log" 2>&1 ||
        { cat "$work/log"; exit 1; }
    compilers+=("$1")
}
make_with gcc gcc -O2
make_with clang clang -O3
[ ${#compilers[@]} -gt 0 ] || { echo 'SKIPPED: neither gcc nor clang is there'; exit 77; }
# a project that may find no MPI, and must not need it
cmake -S "$work/examples" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_DISABLE_FIND_PACKAGE_MPI=ON >"$work/log" 2>&1 &&
    cmake --build "$work/cmake" >>"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
grep -q -- -ffp-contract=off "$work"/cmake/CMakeFiles/sma_cross.dir/flags.make || { echo 'no -ffp-contract=off by CMake'; exit 1; }
compilers+=(cmake)
mkdir "$work/consumer"
cat >"$work/consumer/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.16)
project(consumer LANGUAGES C)
find_package(bundlepool REQUIRED) # without components, and without MPI: what can be used without it
get_target_property(there bundlepool::strategy TYPE)
if(TARGET bundlepool::bundlepool)
    message(FATAL_ERROR "the library without MPI")
endif()
find_package(bundlepool QUIET COMPONENTS bundlepool)
if(bundlepool_FOUND)
    message(FATAL_ERROR "the library was asked for, and is found without MPI")
endif()
END
cmake -S "$work/consumer" -B "$work/consumer/build" -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_DISABLE_FIND_PACKAGE_MPI=ON \
    >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }

cat >"$work/plus.cpp" <<'END'
#include <bundlepool/strategy.h>

namespace {
void hold(void *, const bp_market *market, const double *params, bp_signals *signals)
{
    for (size_t i = 0; i < bp_market_num_assets(market); i++) bp_signals_toggle(signals, int32_t(params[0]), i);
}
const bp_param params[] = {{"start", "first bar", BP_PARAM_INTEGER, 0, 0, 9, nullptr}};
bp_strategy make()
{
    bp_strategy s{};
    s.size = sizeof s;
    s.name = "plus";
    s.help = "holds everything";
    s.param = params;
    s.num_params = 1;
    s.signals = hold;
    return s;
}
const bp_strategy strategy = make();
} // namespace
BP_STRATEGY_MODULE(&strategy)
END
if command -v c++ >/dev/null; then
    # shellcheck disable=SC2046
    c++ -O2 -Wall -Wextra -Werror $(pkg-config --cflags bundlepool-strategy) -shared -fPIC -o "$work/plus.so" "$work/plus.cpp"
    "$optimizer" --list-strategies "$work/plus.so" | grep -qx plus
    echo 'a strategy in C++ is understood'
fi

# Running -------------------------------------------------------------------------------------------------------------

cd "$work"
"$work/prefix/bin/bundle" demo demo --assets 31 --days 900 --seed 11 >log || { cat log; exit 1; }

compare() { # STRATEGY ARGS... : the same by every compiler, on 1, 4 and 16 ranks, as what is built in
    local name=$1 by n
    shift
    rm -f built-in.csv* own.csv*
    "$run" 4 "$optimizer" --bundle demo --strategy "$name" "$@" --progress 0 --no-journal --out built-in.csv >log 2>&1 ||
        { cat log; exit 1; }
    [ "$(grep -c ,done, built-in.csv)" -gt 3 ] || { echo "$name: hardly anything was done"; exit 1; }
    grep -q ',0$' built-in.csv && { echo "$name: without a trade"; exit 1; }
    for by in "${compilers[@]}"; do
        for n in 1 4 16; do
            [ "$by" != cmake ] || [ "$n" = 1 ] || continue # one of the two compilers again
            "$run" $n "$optimizer" --bundle demo --strategy "$work/$by/$name.so" "$@" --progress 0 --no-journal --replace --out own.csv \
                >log 2>&1 || { cat log; exit 1; }
            cmp built-in.csv own.csv || { echo "$name by $by on $n ranks is another than what is built in"; exit 1; }
        done
    done
    echo "$name: as built in, by ${compilers[*]}, on 1, 4 and 16 ranks"
}
compare sma_cross --param fast=5:20:5 --param slow=20:60:20 --start 2011-01-03
compare rsi --param lookback=2,14 --param low=20,30 --param high=60,70 --commission 5bps --slippage 2bps
compare inverse_volatility --param lookback=20,60 --param rebalance=5,21 --lots fractional
compare pairs --param lookback=20,60 --param entry=1:2 --param exit=0,0.5 --param side=long,both --short --max-leverage 2
"$run" 2 "$optimizer" --bundle demo --strategy "$work/${compilers[0]}/cheat.so" --progress 0 --no-journal >log 2>&1 || { cat log; exit 1; }
echo 'all as it should be'
