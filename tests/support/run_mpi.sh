#!/usr/bin/env bash
# run_mpi.sh RANKS PROGRAM ARGS... : PROGRAM on so many ranks of this machine, whoever runs it and however few
# cores there are.
set -u
command -v mpirun >/dev/null || { echo "SKIPPED: mpirun is missing (Debian: openmpi-bin)"; exit 77; }
ranks=$1
shift
if [ "$(id -u)" = 0 ]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
export OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_hwloc_base_binding_policy=none
export HWLOC_COMPONENTS=-gl,-opencl,-cuda,-nvml,-rsmi,-levelzero
exec mpirun --oversubscribe -n "$ranks" "$@"
