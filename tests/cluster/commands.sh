#!/usr/bin/env bash
# commands.sh : the commands that with_hosts.sh puts into COMMAND's PATH, told apart by the name of the link to it.
set -eu
. "$(dirname "$(realpath "$0")")/common.sh"
command=${0##*/}
host=${1:?"$command: name a host, as in: $command h1"}
shift
pid=$(host_pid "$host") || { echo "$command: $host is not up" >&2; exit 255; }

# enter COMMAND... : on the host, in the same folder, with what a login there would set. The sanitizers' options come
# along: they belong to the build under test.
enter() {
    local name environment=()
    for name in HOME USER PATH LD_LIBRARY_PATH HWLOC_COMPONENTS {ASAN,LSAN,TSAN,UBSAN}_OPTIONS; do
        [ -z "${!name+set}" ] || environment+=("$name=${!name}")
    done
    # shellcheck disable=SC2016 # expanded by the shell on the host
    exec nsenter --target "$pid" "${cluster_namespaces[@]}" -- env -i "${environment[@]}" \
        sh -c 'cd "$1" 2>/dev/null || cd /; shift; exec "$@"' sh "$PWD" "$@"
}

# turn_away A B : what A sends to B goes to a card that nobody has, or, with link_mend, to B again. Nobody is told: the
# packets are lost, as in a switch that has forgotten a port.
turn_away() {
    local to=(dev eth0 "$cluster_net.${2#h}") pid
    pid=$(host_pid "$1")
    if [ "$command" = link_cut ]; then
        nsenter --target "$pid" --net ip neigh replace "${to[@]}" lladdr 02:00:00:00:00:fe nud permanent
    else
        nsenter --target "$pid" --net ip neigh del "${to[@]}"
    fi
}

case $command in
host_exec) enter "$@" ;;
host_shell) enter sh -c "$*" ;; # as mpirun calls ssh: the words form one line for a shell over there
link_down) ip link set "$host" down ;;
link_up) ip link set "$host" up ;;
link_cut | link_mend)
    other=${1:?"$command: name two hosts, as in: $command h1 h2"}
    host_pid "$other" >/dev/null || { echo "$command: $other is not up" >&2; exit 255; }
    turn_away "$host" "$other" && turn_away "$other" "$host"
    ;;
host_kill) kill_all "$pid" || { echo "host_kill: $host does not die" >&2; exit 1; } ;;
esac
