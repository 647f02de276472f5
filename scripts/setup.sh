# shellcheck shell=bash
# setup.sh, sourced by the other scripts: what the build and the tests need. As root on a Debian it installs what is
# missing; elsewhere it installs nothing, uses what modules provide, and names each tool that is missing.

# command-or-file:Debian package
needed=(cmake:cmake make:make gcc:gcc pkg-config:pkg-config mpicc:libopenmpi-dev mpirun:openmpi-bin
    h5cc:libhdf5-dev openssl/evp.h:libssl-dev libdeflate.h:libdeflate-dev zlib.h:zlib1g-dev)
# without these the programs work, but cannot read all that they could
useful=(sqlite3.h:libsqlite3-dev blosc.h:libblosc-dev jansson.h:libjansson-dev bzlib.h:libbz2-dev lzma.h:liblzma-dev
    zstd.h:libzstd-dev seccomp.h:libseccomp-dev /usr/share/zoneinfo/Europe/London:tzdata python3-dev:python3-dev python3-numpy:python3-numpy
    python3-cloudpickle:python3-cloudpickle)
wanted=(CUnit/CUnit.h:libcunit1-dev h5dump:hdf5-tools shellcheck:shellcheck clang-format:clang-format
    python3:python3 python3-h5py:python3-h5py python3-blosc:python3-blosc python3-mpi4py:python3-mpi4py
    python3-pandas:python3-pandas python3-pytest:python3-pytest python3-tqdm:python3-tqdm
    python3-setuptools:python3-setuptools python3-pip:python3-pip python3-venv:python3-venv unshare:util-linux ip:iproute2 pgrep:procps spin:spin git:git
    slurmctld:slurm-wlm munged:munge clang:clang c++:g++)
# for scripts/analyse.sh
analysis=(clang:clang clang-tidy:clang-tidy cppcheck:cppcheck
    python3:python3 git:git)
# for scripts/coverage.sh
coverage=(gcovr:gcovr)
# for scripts/fuzz.sh
fuzzing=(clang:clang libfuzzer:libclang-rt-dev)
# a second MPI beside the first: Debian's commands without a suffix stay those of Open MPI, whose priority is higher
other_mpi=(mpiexec.hydra:mpich mpicc.mpich:libmpich-dev)

# python_can STATEMENTS : whether the interpreter that the package is built for can run them: the one that cmake/python.cmake
# takes, the first with NumPy. Another's modules are of no use. Where none has NumPy, it is the one that Debian's is for
python_can() {
    local candidate
    for candidate in "$(command -v python3)" /usr/bin/python3 /usr/local/bin/python3; do
        "$candidate" -c "import numpy" >/dev/null 2>&1 && break
        candidate=/usr/bin/python3
    done
    "$candidate" -c "$1" >/dev/null 2>&1
}

# lacks_fuzzer : whether there is no clang that can build fuzz targets; then it says so
lacks_fuzzer() {
    printf 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return d && n ? 0 : 0; }\n' |
        clang -fsanitize=fuzzer,address,undefined -x c - -o /dev/null 2>/dev/null && return 1
    echo "clang with libFuzzer is missing (Debian: clang libclang-rt-dev)"
}

is_there() {
    case $1 in
    /*) [ -e "$1" ] ;;
    *.h) echo "#include <$1>" | ${CC:-cc} -E -x c - >/dev/null 2>&1 ;;
    libfuzzer) ! lacks_fuzzer >/dev/null ;;
    python3-dev) python_can "import os, sysconfig; os.stat(sysconfig.get_path('include') + '/Python.h')" ;;
    python3-venv) python_can "import ensurepip, venv" ;;
    python3-*) python_can "import ${1#python3-}" ;;
    *) PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null 2>&1 ;;
    esac
}

# missing LIST... : the Debian packages of what is not there
missing() {
    local item
    for item in "$@"; do
        is_there "${item%%:*}" || echo "${item##*:}"
    done
}

install_packages() { # PACKAGE...
    export DEBIAN_FRONTEND=noninteractive
    echo "installing: $*"
    # at run level 1 a package starts no daemon: where there is no systemd that could fail
    apt-get update -qq && RUNLEVEL=1 apt-get install -y -qq --no-install-recommends libc6-dev "$@" >/tmp/bundlepool-apt.$$ 2>&1
    local rc=$?
    [ $rc = 0 ] || tail -n 20 /tmp/bundlepool-apt.$$ >&2
    rm -f /tmp/bundlepool-apt.$$
    return $rc
}

# ensure tools|tests|all|analysis|coverage|fuzz : everything for the programs, or for the tests as well, or for all that --all
# adds, or for the programs and their analysis, or for the tests and what counts the lines that they run, or for the programs
# and their fuzz targets
ensure() {
    local list=("${needed[@]}" "${useful[@]}") lacking item
    case $1 in
    tests) list+=("${wanted[@]}") ;;
    all) list+=("${wanted[@]}" "${other_mpi[@]}" "${fuzzing[@]}") ;;
    analysis) list+=("${analysis[@]}") ;;
    coverage) list+=("${wanted[@]}" "${coverage[@]}") ;;
    fuzz) list+=("${fuzzing[@]}") ;;
    esac
    mapfile -t lacking < <(missing "${list[@]}" | sort -u)
    [ ${#lacking[@]} = 0 ] && return 0
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        install_packages "${lacking[@]}" || return 1
    fi
    mapfile -t lacking < <(missing "${needed[@]}")
    if [ ${#lacking[@]} -gt 0 ]; then
        for item in "${needed[@]}"; do
            is_there "${item%%:*}" || echo "missing: ${item%%:*} (Debian: ${item##*:}; on a cluster try 'module avail')" >&2
        done
        return 1
    fi
    for item in "${list[@]}"; do
        is_there "${item%%:*}" || echo "note: ${item%%:*} is missing (Debian: ${item##*:}): what needs it is left out" >&2
    done
    return 0
}

# mpirun as root wants to be told twice that it is meant
if [ "$(id -u)" = 0 ]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
# more ranks than cores: let those that wait give way, and bind nobody
export OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_hwloc_base_binding_policy=none
export HWLOC_COMPONENTS=-gl,-opencl,-cuda,-nvml,-rsmi,-levelzero
