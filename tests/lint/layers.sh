#!/usr/bin/env bash
# layers.sh ROOT : includes may only point down the table of docs/architecture.md; core and backtest know neither
# MPI nor HDF5; io and mpi never include each other.
set -u
cd "$1" || exit 1
failed=0
# FOLDER PATTERN-OF-FORBIDDEN-INCLUDES REASON
forbid() {
    local hits
    hits=$(grep -rnE --include='*.c' --include='*.h' "#include *[<\"]($2)" "$1")
    if [ -n "$hits" ]; then
        echo "layer broken: $3"
        echo "$hits"
        failed=1
    fi
}
forbid src/core 'mpi\.h|hdf5|H5|mpi/|io/|backtest/|bundle/|optimizer/|bundlepool/(pool|bundlepool)\.h' 'src/core stands alone'
forbid src/backtest 'mpi\.h|hdf5|H5|mpi/|io/|bundle/|optimizer/|bundlepool/(pool|bundlepool)\.h' 'src/backtest sees bundles only'
forbid io 'mpi\.h|mpi/|backtest/|bundle/|optimizer/|bundlepool/(pool|bundlepool)\.h' 'io sees src/core only'
forbid mpi 'hdf5|H5|io/|backtest/|bundle/|optimizer/' 'mpi sees src/core only'
forbid src/bundle 'mpi\.h|mpi/|optimizer/|bundlepool/(pool|bundlepool)\.h' 'the bundle tool needs no MPI'
for f in $(git ls-files '*.c' '*.h' 2>/dev/null); do
    n=$(wc -l <"$f")
    [ "$n" -le 800 ] || { echo "$f has $n lines: it is two modules by now"; failed=1; }
done
[ $failed = 0 ] && echo "layers hold"
exit $failed
