#!/usr/bin/env bash
# head.sh COMMAND [ARGUMENTS] : PID 1 of the head, started by with_hosts.sh in fresh namespaces. Brings the hosts up,
# runs COMMAND and ends with its status; whatever still runs then, hosts included, ends with this process.
set -eu
here=$(dirname "$0")
. "$here/common.sh"
trap 'echo "with_hosts.sh: the hosts did not come up" >&2' ERR

IFS=: read -ra share <<<"$CLUSTER_SHARE"
IFS=, read -ra slots <<<"$CLUSTER_SLOTS"
folder=$PWD
own_tmp "${share[@]}"
own_shm
cd "$folder"
hostname head
mkdir -p "$cluster_state/bin" "$cluster_shared"
# Open MPI's daemons insist that their stand-in for ssh exists on the hosts too.
CLUSTER_SHARE+=:$cluster_state/bin:$cluster_shared

# Names are answered from here alone; an empty resolv.conf keeps Open MPI from asking a name server about the hosts.
{
    echo "127.0.0.1 localhost"
    echo "$cluster_net.254 head"
    for ((k = 1; k <= CLUSTER_HOSTS; k++)); do
        echo "$cluster_net.$k h$k"
    done
} >"$cluster_state/hosts"
mount --bind "$cluster_state/hosts" /etc/hosts
[ ! -e /etc/resolv.conf ] || mount --bind /dev/null /etc/resolv.conf

ip -batch - <<END
link set lo up
link add br0 type bridge forward_delay 0 stp_state 0
link set br0 up
address add $cluster_net.254/24 dev br0
END

# Every host reports once through this pipe: its name and its PID, or 0 if it failed.
mkfifo "$cluster_state/up"
exec {up}<>"$cluster_state/up"
for ((k = 1; k <= CLUSTER_HOSTS; k++)); do
    unshare "${cluster_namespaces[@]}" --fork --kill-child=KILL "$here/host.sh" "h$k" </dev/null >/dev/null &
    disown # so that bash says nothing when it is killed
done
for ((k = 1; k <= CLUSTER_HOSTS; k++)); do
    read -r -t 20 name pid <&"$up"
    [ "$pid" != 0 ]
    echo "$pid" >"$cluster_state/$name.pid"
done
exec {up}<&-

# The head's end of a host's cable bears the host's name.
for ((k = 1; k <= CLUSTER_HOSTS; k++)); do
    pid=$(host_pid "h$k")
    # Held by this mount, the network outlives the processes that use it, as a kernel does: peers are told that their
    # connections are closed. If the network went with the last process, these messages would sometimes be lost.
    : >"$cluster_state/h$k.net"
    mount --bind "/proc/$pid/ns/net" "$cluster_state/h$k.net"
    ip link add "h$k" type veth peer name eth0 netns "$pid"
    ip link set "h$k" master br0 up
    nsenter --target "$pid" --net ip -batch - <<END
address add $cluster_net.$k/24 dev eth0
link set eth0 up
END
    if [ -n "$CLUSTER_RATE" ]; then
        tbf=(root tbf rate "${CLUSTER_RATE}mbit" burst 256kb latency 50ms)
        tc qdisc add dev "h$k" "${tbf[@]}"
        nsenter --target "$pid" --net tc qdisc add dev eth0 "${tbf[@]}"
    fi
done

for ((k = 1; k <= CLUSTER_HOSTS; k++)); do
    echo "h$k slots=${slots[k - 1]:-${slots[0]:-1}}"
done >"$cluster_state/hostfile"
for name in host_exec host_shell host_kill link_down link_up link_cut link_mend; do
    ln -s "$here/commands.sh" "$cluster_state/bin/$name"
done
export PATH=$cluster_state/bin:$PATH

# One daemon per host, started by our stand-in for ssh, from here (the hosts cannot enter one another).
export OMPI_MCA_plm=rsh OMPI_MCA_plm_rsh_agent=$cluster_state/bin/host_shell OMPI_MCA_plm_rsh_no_tree_spawn=1
export OMPI_MCA_ras=^slurm OMPI_MCA_orte_default_hostfile=$cluster_state/hostfile
# Shared memory within a host, TCP over the bridge between hosts, nothing else.
export OMPI_MCA_pml=ob1 OMPI_MCA_btl=self,vader,tcp
export OMPI_MCA_btl_tcp_if_include=$cluster_net.0/24 OMPI_MCA_oob_tcp_if_include=$cluster_net.0/24
# All hosts share the same few cores.
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_mpi_yield_when_idle=1
export HWLOC_COMPONENTS=-gl,-opencl,-cuda,-nvml,-rsmi,-levelzero # nobody looks for GPUs
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
# Without --slots: count the ranks out host by host, then number them so that neighbours sit together.
if [ -z "$CLUSTER_SLOTS" ]; then
    export OMPI_MCA_rmaps_base_mapping_policy=node OMPI_MCA_rmaps_base_ranking_policy=slot
else
    export OMPI_MCA_rmaps_base_mapping_policy=slot
fi

trap - ERR
set +e
"$@"
exit $?
