#!/usr/bin/env bash
# limits.sh RUN_MPI BIN [all] : a machine that cannot give the memory of a window, on all ranks or on one alone. Every run ends within
# seconds: by itself with a smaller pool, or in one error that names the limit or the folder and exit code 1. Nothing is left.
# shellcheck disable=SC2016 # what is tried is evaluated in the ranks
set -u
run=$(realpath "$1") bin=$(realpath "$2")
unshare -m -i --propagation private true 2>/dev/null || { echo "SKIPPED: namespaces are not permitted here"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$bin/bundle" demo small --root "$work" --assets 20 --days 200 >/dev/null || exit 1
failed=0

# Run before the program, in the ranks that it is for: $RANK is the number of the rank.
cat >"$work/rank" <<'END'
#!/usr/bin/env bash
RANK=$OMPI_COMM_WORLD_RANK
eval "$RANK_SETUP"
exec "$@"
END
# Run in namespaces of its own, before mpirun.
cat >"$work/machine" <<'END'
#!/usr/bin/env bash
mount -t tmpfs -o size=6g,mode=1777 none /dev/shm || exit 99
mkdir -p "$PLACE"
eval "$MACHINE_SETUP"
"$@"
rc=$?
for folder in /dev/shm "$PLACE"; do
    [ -d "$folder" ] && find "$folder" -mindepth 1 ! -path "$folder/ompi.*" | sed 's/^/left: /'
done
exit $rc
END
chmod +x "$work/rank" "$work/machine"
export PLACE=$work/place

# try EXIT TEXT MACHINE RANK [OPTIONS...] : what runs before mpirun, and in each rank before the program; then the program's
# options. The exit code that is expected, and a pattern that the error, or else the output, must have.
try() {
    local code=$1 text=$2 out rc started=$SECONDS
    out=$(MACHINE_SETUP=$3 RANK_SETUP=$4 unshare -m -i --propagation private timeout -k 5 100 "$work/machine" "$run" 4 \
        "$work/rank" "$bin/optimizer" --root "$work" --bundle small --strategy buy_and_hold --progress 0 "${@:5}" 2>&1)
    rc=$?
    local errors
    errors=$(grep '^optimizer: error:' <<<"$out")
    if [ $rc != "$code" ] || [ "$(grep -c . <<<"$errors")" != "$code" ] || grep -q '^left:' <<<"$out" ||
        ! grep -qE -- "$text" <<<"${errors:-$out}"; then
        echo "FAILED: machine: $3; ranks: $4; ${*:5}: exit code $rc after $((SECONDS - started)) s, output:"
        echo "$out"
        failed=1
    else
        echo "$3;$4 ${*:5}: exit code $rc, ${errors:-runs}"
    fi
}

# No folder of a library's own is in the way of what is tried here.
plain='export OMPI_MCA_btl=self,tcp'
in_place="$plain OMPI_MCA_osc_sm_backing_directory=\$PLACE"

try 0 "what 'ulimit -f' leaves on" "$plain" 'ulimit -f 1000000'
try 1 '/nowhere: .*there is no such folder.*OMPI_MCA_osc_sm_backing_directory' "$plain" \
    'export OMPI_MCA_osc_sm_backing_directory=/nowhere'
try 1 "$PLACE: .*no inodes left" "$in_place; mount -t tmpfs -o size=1g,nr_inodes=1 none \$PLACE" ''
[ "${3:-}" = all ] || exit $failed

# the length of files, below a page, too little for the arena or only for the one that pool_memory wants
try 0 "what 'ulimit -f' leaves on" "$plain" '[ $RANK != 2 ] || ulimit -f 500000'
for kib in 0 1 100; do
    try 1 "node .*'ulimit -f' leaves on .*; raise the limit that 'ulimit -f' shows" "$plain" "[ \$RANK != 0 ] || ulimit -f $kib"
done
try 1 "pool_memory = 104857600 .*(ulimit -f).*raise the limit that 'ulimit -f' shows" "$plain" 'ulimit -f 50000' --pool-memory 100M

# address space: of all, and of one that is not the first
try 0 "what 'ulimit -v' leaves on" "$plain" 'ulimit -v 3000000'
try 0 "what 'ulimit -v' leaves on" "$plain" '[ $RANK != 3 ] || ulimit -v 3000000'
try 1 "pool_memory = 2147483648 .*(ulimit -v).*raise the limit that 'ulimit -v' shows" "$plain" \
    '[ $RANK != 3 ] || ulimit -v 3000000' --pool-memory 2G

# the folder
try 0 'once per node' "$in_place; mount -t tmpfs -o size=1g,noexec none \$PLACE" ''
try 1 '/etc/hostname: .*it is not a folder' "$plain" 'export OMPI_MCA_osc_sm_backing_directory=/etc/hostname'
try 1 "$PLACE: .*mounted read-only" "$in_place; mount -t tmpfs -o ro none \$PLACE" ''
try 1 "$PLACE on .*, 0 of 0 MiB free.*enlarge" "$in_place; mount -t tmpfs -o size=64k none \$PLACE" ''
try 1 "$PLACE on .*, 1 of 1 MiB free.*enlarge" "$in_place; mount -t tmpfs -o size=1m none \$PLACE" ''
# on one node of two only; and one that a rank of a node sees otherwise than the rest
try 1 '/nowhere: .*there is no such folder' "$plain" \
    '[ $RANK -lt 2 ] || export OMPI_MCA_osc_sm_backing_directory=/nowhere' --ranks-per-node 2
try 1 "$PLACE: .*another does not see" "$in_place" \
    '[ $RANK != 1 ] || [ "$IN" ] || exec env IN=1 unshare -m --propagation private bash -c "mount -t tmpfs none $PLACE && exec $0 \"\$@\"" rank "$@"'

# memory of System V has limits of its own
try 1 'kernel.shmmax' "$plain OMPI_MCA_shmem=sysv; echo 1000000 >/proc/sys/kernel/shmmax" ''
try 1 'bundles: .*kernel.shmall' "$plain OMPI_MCA_shmem=sysv; echo 2000 >/proc/sys/kernel/shmall" ''
exit $failed
