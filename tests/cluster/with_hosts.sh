#!/usr/bin/env bash
# with_hosts.sh N [OPTIONS] -- COMMAND [ARGUMENTS] : run COMMAND with N hosts h1..hN, then take them down.
#
# A host has its own network (eth0, a veth on a bridge), host name, PIDs, System V IPC, /tmp and /dev/shm; everything
# else of the file system is shared, as on a cluster. `mpirun -n R PROGRAM` inside COMMAND spreads over the hosts:
# rank 0 is on h1, neighbouring ranks sit together, every host gets R/N ranks.
#
#   --slots K[,K...]   fill the hosts in order instead: K ranks each, or a list with one number per host
#   --shm SIZE         size of each /dev/shm (default 2g)
#   --tmp SIZE         size of each /tmp (default 512m)
#   --share DIR        a folder under /tmp that stays visible everywhere; the current folder always does. Repeatable
#   --head-only DIR    a folder that only h1 and COMMAND itself see: the other hosts find it empty. Repeatable
#   --rate MBIT        limit each host's link, in each direction
#
# COMMAND finds the number of hosts in CLUSTER_HOSTS, and these commands in its PATH:
#   host_exec hK CMD [ARGUMENTS]   run CMD on a host, as ssh would: in this folder, with PATH, HOME and little else
#   host_kill hK                   SIGKILL everything on it, for good; its kernel still closes the connections.
#                                  With link_down first: the silence of a power cut
#   link_down hK, link_up hK       unplug its cable, plug it in again
#   link_cut hA hB, link_mend ...  lose all that these two send each other, and nothing else; let it pass again
# TMPDIR is unset: temporary files go to the private /tmp. Ranks see only what ssh would hand on: use `mpirun -x NAME`.
#
# Exit status: COMMAND's; 2 wrong usage; 1 the hosts did not come up; 77 after a line "SKIPPED: reason" where namespaces
# are not permitted or a tool is missing; 128 + signal if this script is told to stop. Nothing outlives it, SIGKILL
# included. Works as root and, where the kernel permits user namespaces, as anybody.
set -u
here=$(cd "$(dirname "$0")" && pwd -P) || exit 1
. "$here/common.sh"
PATH=$PATH:/usr/sbin:/sbin
cd -P . || exit 1 # mounts need real paths

usage() {
    echo "with_hosts.sh: $1; usage: with_hosts.sh N [--slots K[,K...]] [--shm SIZE] [--tmp SIZE] [--share DIR]" \
        "[--head-only DIR] [--rate MBIT] -- COMMAND [ARGUMENTS]" >&2
    exit 2
}

skip() {
    echo "SKIPPED: $1"
    exit 77
}

# folder DIR : its real path, which mounts can name; a colon separates folders in a list
folder() {
    [ -d "$1" ] || usage "$1 is not a folder"
    [[ $1 != *:* ]] || usage "$1 has a colon in its name"
    realpath "$1"
}

hosts=${1:-}
[[ $hosts =~ ^[1-9][0-9]*$ && $hosts -le 250 ]] || usage "N must be 1..250"
shift
slots='' shm=2g tmp=512m rate='' share='' head_only=''
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    [ $# -ge 2 ] || usage "$1 needs a value"
    case $1 in
    --slots) slots=$2 ;;
    --shm) shm=$2 ;;
    --tmp) tmp=$2 ;;
    --share) share+=$(folder "$2"): || exit ;;
    --head-only) head_only+=$(folder "$2"): || exit ;;
    --rate) rate=$2 ;;
    *) usage "unknown option $1" ;;
    esac
    shift 2
done
[ $# -ge 2 ] || usage "COMMAND is missing"
shift
[[ $slots =~ ^([1-9][0-9]*(,[1-9][0-9]*)*)?$ ]] || usage "--slots $slots: numbers from 1, separated by commas"
[[ $rate =~ ^([1-9][0-9]*)?$ ]] || usage "--rate $rate: a number of Mbit/s"

for tool in unshare nsenter setpriv mount ip hostname mpirun; do
    command -v "$tool" >/dev/null || skip "$tool is missing (Debian: util-linux mount iproute2 hostname openmpi-bin)"
done
enter=(unshare "${cluster_namespaces[@]}" --mount-proc --fork --kill-child=KILL)
[ "$(id -u)" = 0 ] || enter+=(--map-root-user)
reason=$("${enter[@]}" sh -c 'mount -t tmpfs shm /dev/shm && hostname probe && ip link add br0 type bridge &&
    ip link add h1 type veth peer name eth0' 2>&1) || skip "namespaces are not permitted here: ${reason//$'\n'/; }"
if [ -n "$rate" ]; then
    reason=$("${enter[@]}" sh -c 'ip link set lo up && tc qdisc add dev lo root tbf rate 1gbit burst 256kb latency 50ms' \
        2>&1) || skip "links cannot be limited here: ${reason//$'\n'/; }"
fi

export CLUSTER_HOSTS=$hosts CLUSTER_SLOTS=$slots CLUSTER_SHM_SIZE=$shm CLUSTER_TMP_SIZE=$tmp CLUSTER_RATE=$rate
export CLUSTER_HEAD_ONLY=$head_only CLUSTER_SHARE=$share$head_only$here:$PWD
unset TMPDIR

# unshare blocks SIGTERM while it waits, so this shell stays in between. Should it be killed itself, --pdeathsig and
# --kill-child pass that on. A background command would ignore SIGINT: undone before it starts.
{
    trap - INT QUIT
    exec setpriv --pdeathsig KILL "${enter[@]}" "$here/head.sh" "$@"
} <&0 &
supervisor=$!

stop() { # STATUS
    local head
    trap '' TERM INT HUP
    if read -r head <"/proc/$supervisor/task/$supervisor/children"; then
        kill_all "$head"
    else
        kill -KILL "$supervisor"
    fi
    wait "$supervisor"
    exit "$1"
} 2>/dev/null
trap 'stop 143' TERM
trap 'stop 130' INT
trap 'stop 129' HUP
wait "$supervisor"
