#!/usr/bin/env bash
# test_docs.sh BIN SOURCE : what README.md and docs/guide.md tell to type works.
set -u
here=$(cd "$(dirname "$0")" && pwd -P)
bin=$(realpath "$1") source=$(realpath "$2")
command -v mpirun >/dev/null || { echo "SKIPPED: mpirun is missing (Debian: openmpi-bin)"; exit 77; }
. "$source/scripts/setup.sh" # how mpirun is to be run here
export PATH=$bin:$PATH OMPI_MCA_rmaps_base_oversubscribe=1
unset "${!BUNDLEPOOL_@}" "${!RUSTYBT_@}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$here/blocks.sh" "$source/docs/guide.md" || exit 1

# The README stands in the project's folder, and calls the reader's files DIR
mkdir -p "$work/build" "$work/DIR/daily" "$work/home"
ln -s "$bin" "$work/build/bin"
for symbol in AAA BBB; do
    {
        echo date,open,high,low,close,volume
        for ((day = 1; day <= 28; day++)); do printf '2021-02-%02d,10,12,9,%d.5,1000\n' $day $((10 + day % 3)); done
    } >"$work/DIR/daily/$symbol.csv"
done
HOME=$work/home "$here/blocks.sh" "$source/README.md" "$work"
