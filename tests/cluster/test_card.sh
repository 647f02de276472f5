#!/usr/bin/env bash
# test_card.sh CARD PROGRAM [ARGUMENTS] : PROGRAM on 4 hosts of 2 ranks each, over network cards that move bytes by
# themselves; CARD is tests/support/card.c. See tests/mpi/card.sh.
set -u
here=$(cd "$(dirname "$0")" && pwd -P) || exit 1
over_card=$(realpath "$here/../mpi/card.sh") || exit 1
[ $# -ge 2 ] || { echo "usage: test_card.sh CARD PROGRAM [ARGUMENTS]"; exit 2; }
card=$(realpath "$1") program=$(realpath "$2")
shift 2
# all of them, in case they are under /tmp
exec "$here/with_hosts.sh" 4 --share "${card%/*}" --share "${program%/*}" --share "${over_card%/*}" -- \
    "$over_card" "$card" mpirun -n 8 -- "$program" "$@"
