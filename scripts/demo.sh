#!/usr/bin/env bash
# demo.sh [RANKS] : the main job on a made-up market: a grid search over moving-average crossovers on 16 ranks (or
# RANKS) that share one copy of the bundle. Installs what is missing (as root on Debian), builds into build/.
set -eu
case ${1:-} in
-h | --help) sed -n '2,3s/^# //p' "$0"; exit 0 ;;
esac
ranks=${1:-16}
cd "$(dirname "$0")/.."
. scripts/setup.sh
ensure tools

cmake --preset default >build.log 2>&1 || { cat build.log; rm -f build.log; exit 1; }
targets=(bundle optimizer)
if cmake --build --preset default --target help | grep -qx '\.\.\. _core'; then
    targets+=(_core) # the package for Python, where that can be built
fi
cmake --build --preset default -j "$(nproc)" --target "${targets[@]}" >build.log 2>&1 || { cat build.log; rm -f build.log; exit 1; }
rm -f build.log

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
build/bin/bundle demo demo --root "$root" --assets 100 --days 1260 --seed 7
echo
mpirun --oversubscribe -n "$ranks" build/bin/optimizer --root "$root" --bundle demo --strategy sma_cross \
    --param fast=5:50:5 --param slow=20:200:20 --commission 5 --slippage 2
[ ${#targets[@]} = 2 ] || printf '\nfrom Python: export PYTHONPATH=%s, and see docs/python.md\n' "$PWD/build/python"
