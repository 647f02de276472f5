#!/usr/bin/env bash
# slurm_head.sh COMMAND [ARGUMENTS] : on the head of with_hosts.sh, started by with_slurm.sh: brings Slurm up, runs
# COMMAND and ends with its status. The daemons go when the head goes.
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
. "$here/../cluster/common.sh"
. "$here/common.sh"
slurm=$cluster_shared/slurm
node_timeout=${SLURM_NODE_TIMEOUT:-30} kill_wait=${SLURM_KILL_WAIT:-5}
# If this runs in a job of another Slurm, ours must not take itself for a part of that.
unset "${!SLURM@}" "${!SBATCH_@}" "${!SALLOC_@}" "${!SRUN_@}"
export SLURM_CONF=$slurm/slurm.conf PATH=$PATH:/usr/sbin:/sbin

did_not_come_up() {
    echo "with_slurm.sh: $1" >&2
    tail -n 5 "$slurm"/*.log >&2
    exit 1
}

mkdir "$slurm" "$slurm/state"
(umask 077 && head -c 128 /dev/urandom >"$slurm/munge.key")

# cred_expire: a requeued job waits that long and a second more; with less than 5, Slurm takes 120. Slurm never gives up
# a node before it has waited MessageTimeout for an answer several times. The intervals are how often Slurm checks jobs
# to which nothing has happened: whether their time has come.
cat >"$SLURM_CONF" <<END
ClusterName=test
SlurmctldHost=head($cluster_net.254)
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$slurm/munge.socket,cred_expire=5
StateSaveLocation=$slurm/state
SlurmctldPidFile=$slurm/slurmctld.pid
SlurmctldLogFile=$slurm/slurmctld.log
SlurmdPidFile=/tmp/slurmd.pid
SlurmdSpoolDir=/tmp/slurmd
SlurmdLogFile=$slurm/%n.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,sched_interval=1,bf_interval=1
JobRequeue=1
ReturnToService=2
SlurmdTimeout=$node_timeout
MessageTimeout=$((node_timeout < 20 ? (node_timeout + 1) / 2 : 10))
KillWait=$kill_wait
OverTimeLimit=0
InactiveLimit=0
CompleteWait=0
MinJobAge=3600
NodeName=h[1-$CLUSTER_HOSTS] NodeAddr=$cluster_net.[1-$CLUSTER_HOSTS] CPUs=4 RealMemory=2000
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE
END
# In Slurm 22.05 (Debian 12) a PMIx fence in a tree, which is what a barrier gets otherwise, does not wait for other
# nodes: MPI_Init returns too early, and ranks that have not left it yet die of the first message.
echo "PMIxCollFence=ring" >"$slurm/mpi.conf"

munged --foreground --num-threads=2 --key-file="$slurm/munge.key" \
    --seed-file="$slurm/munge.seed" --socket="$slurm/munge.socket" --pid-file="$slurm/munged.pid" \
    </dev/null >"$slurm/munged.log" 2>&1 &
disown # so that bash says nothing when it is killed
poll_until 20 test -S "$slurm/munge.socket" || did_not_come_up "munged did not start"

slurmctld -D -i </dev/null >"$slurm/slurmctld.out.log" 2>&1 &
disown
for ((k = 1; k <= CLUSTER_HOSTS; k++)); do
    host_exec "h$k" env SLURM_CONF="$SLURM_CONF" slurmd -D -N "h$k" </dev/null >"$slurm/h$k.out.log" 2>&1 &
    disown
done
poll_until 60 nodes_are_idle "$CLUSTER_HOSTS" || did_not_come_up "not all nodes are idle: $(sinfo 2>&1)"

# Here Slurm says where mpirun puts its ranks, and starts its daemons. The networks and the rest remain as they are.
unset OMPI_MCA_plm OMPI_MCA_plm_rsh_agent OMPI_MCA_plm_rsh_no_tree_spawn OMPI_MCA_ras OMPI_MCA_orte_default_hostfile
unset OMPI_MCA_rmaps_base_mapping_policy OMPI_MCA_rmaps_base_ranking_policy

set +e
"$@"
exit $?
