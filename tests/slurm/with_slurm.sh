#!/usr/bin/env bash
# with_slurm.sh N [OPTIONS] -- COMMAND [ARGUMENTS] : run COMMAND with a Slurm of N nodes h1..hN, then take it all down.
#
# The nodes are the hosts of ../cluster/with_hosts.sh, whose OPTIONS these are (--slots says nothing to Slurm). Each
# has a slurmd; munged and slurmctld run on the head, as COMMAND does. There `sbatch`, `srun --mpi=pmix`, `salloc` and
# the rest of Slurm work, and `mpirun` inside a job goes where the job is. A node has 4 CPUs and 2000 MB, whatever
# there really is; nothing enforces them. `sacct` knows nothing: ask `squeue --states=all` or `scontrol show job`.
#
# COMMAND finds host_kill, link_down and so on in its PATH, as under with_hosts.sh, and Slurm's logs beside $SLURM_CONF.
# What jobs read and write must be in the current folder or in a shared one. common.sh has what tests need.
#
#   SLURM_NODE_TIMEOUT   seconds after which a silent node is lost, as of Slurm's next check (default 30)
#   SLURM_KILL_WAIT      seconds between SIGTERM and SIGKILL for a job that is to end (default 5)
#
# Exit status: COMMAND's; 1 Slurm did not come up; 2, 77 and the rest as with_hosts.sh; 77 without root too. Nothing
# outlives it.
set -u
here=$(cd "$(dirname "$0")" && pwd -P) || exit 1
PATH=$PATH:/usr/sbin:/sbin

# A user namespace would not do: the daemons set groups, which is not permitted there.
[ "$EUID" = 0 ] || { echo "SKIPPED: only root can run Slurm's daemons"; exit 77; }
for tool in munged slurmctld slurmd sbatch; do
    command -v "$tool" >/dev/null || { echo "SKIPPED: $tool is missing (Debian: slurm-wlm munge)"; exit 77; }
done
before=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    before+=("$1")
    shift
done
# Without a COMMAND, with_hosts.sh says what is wrong.
[ $# -lt 2 ] || set -- --share "$here" -- "$here/slurm_head.sh" "${@:2}"
exec "$here/../cluster/with_hosts.sh" ${before[@]+"${before[@]}"} "$@"
