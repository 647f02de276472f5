#!/usr/bin/env bash
# bench_broadcast.sh PROGRAM [--json] [OPTIONS...] : bench_broadcast (PROGRAM, with these OPTIONS) at 2, 4, 8 and 16
# nodes on this machine and on 4 hosts of their own, where namespaces are permitted; one table, or JSON lines.
set -u
usage() {
    echo "usage: bench_broadcast.sh PROGRAM [--json] [--mib M] [--repeats R]" >&2
    exit 2
}
[ -x "${1:-}" ] || usage
tests=$(cd "$(dirname "$0")/../tests" && pwd -P) || exit 1
program=$(realpath "$1")
shift
json='' options=()
while [ $# -gt 0 ]; do
    case $1 in
    --json) json=1 ;;
    --mib | --repeats)
        [ $# -ge 2 ] || usage
        options+=("$1" "$2")
        shift
        ;;
    *) usage ;;
    esac
    shift
done
cd "${program%/*}" || exit 1 # the hosts see the current folder
lines=$(mktemp)
trap 'rm -f "$lines"' EXIT

for nodes in 2 4 8 16; do
    out=$("$tests/support/run_mpi.sh" "$nodes" "$program" --json ${options[@]+"${options[@]}"})
    rc=$?
    [ $rc = 0 ] || { echo "$out" >&2; exit $rc; }
    echo "$out" >>"$lines"
done
out=$("$tests/cluster/with_hosts.sh" 4 -- mpirun -n 4 "$program" --json ${options[@]+"${options[@]}"})
rc=$?
if [ $rc = 77 ]; then
    echo "4 hosts: $out" >&2
elif [ $rc != 0 ]; then
    echo "$out" >&2
    exit $rc
else
    echo "$out" >>"$lines"
fi

if [ -n "$json" ]; then
    cat "$lines"
    exit
fi
awk -F'[:,{}] *' '
{
    for (i = 1; i < NF; i++) {
        key = $i
        gsub(/"/, "", key)
        value = $(i + 1)
        gsub(/"/, "", value)
        field[key] = value
    }
    layout = field["machines"] == 1 ? field["nodes"] " nodes" : field["machines"] " hosts"
    if (!(layout in seen)) { seen[layout] = 1; column[++columns] = layout }
    if (!(field["case"] in known)) { known[field["case"]] = 1; row[++rows] = field["case"] }
    cell[field["case"], layout] = /"ratio"/ ? field["ratio"] : field["mib_per_s"]
    if (field["case"] == "chain") over[layout] = field["over_point_to_point"]
}
END {
    printf "%-26s", "MiB/s, medians"
    for (c = 1; c <= columns; c++) printf "%10s", column[c]
    for (r = 1; r <= rows; r++) {
        printf "\n%-26s", row[r]
        for (c = 1; c <= columns; c++) {
            value = (row[r], column[c]) in cell ? cell[row[r], column[c]] : "-"
            printf row[r] ~ /_over_/ || value == "-" ? "%10s" : "%10.0f", value
        }
    }
    printf "\n%-26s", "chain_over_point_to_point"
    for (c = 1; c <= columns; c++) printf "%10s", over[column[c]]
    print ""
}' "$lines"
