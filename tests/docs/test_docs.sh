#!/usr/bin/env bash
# test_docs.sh BIN SOURCE : the commands of README.md, docs/guide.md, docs/ingest.md and docs/strategies.md work as they are written.
set -u
here=$(cd "$(dirname "$0")" && pwd -P)
bin=$(realpath "$1") source=$(realpath "$2")
command -v mpirun >/dev/null || { echo "SKIPPED: mpirun is missing (Debian: openmpi-bin)"; exit 77; }
. "$source/scripts/setup.sh" # how mpirun is to be run here
export PATH=$bin:$PATH
unset "${!BUNDLEPOOL_@}" "${!RUSTYBT_@}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$here/blocks.sh" "$source/docs/guide.md" || exit 1
"$here/blocks.sh" "$source/docs/ingest.md" || exit 1

# The first strategy of one's own is typed in from the page
mkdir "$work/strategies"
awk '/^```c$/ {inside = 1; next} /^```/ {inside = 0} inside' "$source/docs/strategies.md" >"$work/strategies/up.c"
PREFIX=$source "$here/blocks.sh" "$source/docs/strategies.md" "$work/strategies" || exit 1

# The README stands in the project's folder. Its section on Python, which is not everywhere, is test_python.sh's business
mkdir -p "$work/build"
ln -s "$bin" "$work/build/bin"
sed '/^## In Python$/,/^## Your own data$/s/.*//' "$source/README.md" >"$work/README.md"
cmp -s "$source/README.md" "$work/README.md" && { echo "FAILED: README.md has no section on Python"; exit 1; }
"$here/blocks.sh" "$work/README.md" "$work"
