#!/usr/bin/env bash
# doctored.sh ROOT TABLE CC : layers.sh notices what it is there for, in objects and files that are wrong on purpose.
set -u
root=$1 table=$2 cc=$3
lint=$(cd "$(dirname "$0")" && pwd)/layers.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# object NAME LAYER CODE : compile CODE and add it to a copy of the table
object() {
    printf '%s\n' "$3" >"$work/$1.c"
    "$cc" -c "$work/$1.c" -o "$work/$1.o" || exit 1
    echo "object $2 $work/$1.o" >>"$work/table"
}
# must_fail ROOT TEXT : the lint fails and says TEXT
must_fail() {
    if "$lint" "$1" "$work/table" >"$work/out" 2>&1; then
        echo "not noticed: $2"
        exit 1
    fi
    grep -qF "$2" "$work/out" || { echo "noticed for another reason: $2"; cat "$work/out"; exit 1; }
    echo "noticed: $2"
}

"$lint" "$root" "$table" >"$work/out" 2>&1 || { echo "the tree as it is does not pass"; cat "$work/out"; exit 1; }

cp "$table" "$work/table"
object above backtest 'int bp__above(void) { return 0; }'
object below core 'int bp__above(void); int bp__below(void) { return bp__above(); }'
must_fail "$root" 'below of core calls bp__above of backtest (above)'

cp "$table" "$work/table"
object one core 'int bp__two(void); int bp__one(void) { return bp__two(); }'
object two core 'int bp__one(void); int bp__two(void) { return bp__one(); }'
must_fail "$root" 'circle of calls: core one two'

if grep -q '^object door ' "$table"; then # the build has all layers
    cp "$table" "$work/table"
    object seam mpi 'const void *bp__h5_loader(void); const void *bp__seam(void) { return bp__h5_loader(); }'
    must_fail "$root" 'seam of mpi calls bp__h5_loader of hdf5 (h5read)'

    cp "$table" "$work/table"
    object hole core 'int bp__nowhere(void); int bp__hole(void) { return bp__nowhere(); }'
    must_fail "$root" 'hole of core needs bp__nowhere, which nothing defines'
fi

mkdir -p "$work/tree/src/core" "$work/tree/mpi"
grep '^layer ' "$table" >"$work/table"
: >"$work/tree/mpi/pool.h"
echo '#include "mpi/pool.h"' >"$work/tree/src/core/arena.c"
must_fail "$work/tree" 'src/core/arena.c:1: core includes "mpi/pool.h" of mpi'
echo '#  include <mpi.h>' >"$work/tree/src/core/arena.c"
must_fail "$work/tree" 'src/core/arena.c:1: core includes "mpi.h" of MPI'
seq 801 | sed 's|.*|/* & */|' >"$work/tree/src/core/arena.c"
must_fail "$work/tree" 'src/core/arena.c has 801 lines'
