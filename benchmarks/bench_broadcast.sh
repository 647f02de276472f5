#!/usr/bin/env bash
# bench_broadcast.sh PROGRAM [OPTIONS] : bench_broadcast (PROGRAM) at several numbers of nodes, its samples one after
# the other.
#
#   --nodes "N..."   virtual nodes on this machine (default "2 4 8 16"; "" for none)
#   --hosts "N..."   hosts of their own, where namespaces are permitted (default "4"; "" for none)
#   --rate MBIT      limit each host's link
#   and --json, --mib M, --repeats R, --ways LIST, which are PROGRAM's
set -u
usage() {
    sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
    exit 2
}
[ -x "${1:-}" ] || usage
tests=$(cd "$(dirname "$0")/../tests" && pwd -P) || exit 1
program=$(realpath "$1")
shift
nodes='2 4 8 16' hosts=4 limit=() options=()
while [ $# -gt 0 ]; do
    case $1 in
    --json)
        options+=("$1")
        shift
        continue
        ;;
    esac
    [ $# -ge 2 ] || usage
    case $1 in
    --nodes) nodes=$2 ;;
    --hosts) hosts=$2 ;;
    --rate) limit=(--rate "$2") link=(--link-mbit "$2") ;;
    --mib | --repeats | --ways) options+=("$1" "$2") ;;
    *) usage ;;
    esac
    shift 2
done
cd "${program%/*}" || exit 1 # the hosts see the current folder

worst=0
for n in $nodes; do
    "$tests/support/run_mpi.sh" "$n" "$program" "${options[@]}" || worst=$?
done
for n in $hosts; do
    "$tests/cluster/with_hosts.sh" "$n" "${limit[@]}" -- mpirun -n "$n" "$program" "${options[@]}" ${link+"${link[@]}"}
    rc=$?
    [ $rc = 77 ] || [ $rc = 0 ] || worst=$rc
done
exit $worst
