#!/usr/bin/env bash
# run_mpi.sh RANKS PROGRAM ARGS... : PROGRAM on so many ranks of this machine, whoever runs it and however few
# cores there are. MPIEXEC names the launcher, which must be of the MPI that PROGRAM was built with: the tests of a build
# folder are told that; without it, mpirun.
set -u
launcher=${MPIEXEC:-mpirun}
command -v "$launcher" >/dev/null || { echo "SKIPPED: $launcher is missing (Debian: openmpi-bin)"; exit 77; }
ranks=$1
shift
version=$("$launcher" --version 2>&1)
case $version in
*HYDRA*) # MPICH's: it takes more ranks than cores as they come
    exec "$launcher" -launcher fork -n "$ranks" "$@"
    ;;
esac
if [ "$(id -u)" = 0 ]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    export PRTE_ALLOW_RUN_AS_ROOT=1 PRTE_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
export HWLOC_COMPONENTS=-gl,-opencl,-cuda,-nvml,-rsmi,-levelzero
export OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_hwloc_base_binding_policy=none
# how Open MPI 5 calls what the last line and --oversubscribe say to older ones
export PRTE_MCA_hwloc_default_binding_policy=none PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe
case $version in
*'(Open MPI) '[1-4].* | *'(OpenRTE) '[1-4].*) exec "$launcher" --oversubscribe -n "$ranks" "$@" ;;
esac
exec "$launcher" -n "$ranks" "$@"
