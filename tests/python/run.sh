#!/usr/bin/env bash
# run.sh PYTHON BUILD FILE PYTEST_OPTIONS... : a pytest file with the package of this build. Under AddressSanitizer its runtime is loaded
# first, which the interpreter itself was not built with.
set -u
python=$1 build=$2 file=$3
shift 3
for module in numpy pytest; do
    "$python" -c "import $module" 2>/dev/null || { echo "SKIPPED: $python has no $module (Debian: python3-$module)"; exit 77; }
done
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PYTHONPATH=$build/python PYTHONDONTWRITEBYTECODE=1 BUNDLEPOOL_TEST_BUILD=$build TMPDIR=$work
unset BUNDLEPOOL_ROOT BUNDLEPOOL_TEST_PRELOAD
if [ "$(id -u)" = 0 ]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
export OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_hwloc_base_binding_policy=none
export HWLOC_COMPONENTS=-gl,-opencl,-cuda,-nvml,-rsmi,-levelzero
runtime=$(ldd "$build/python/bundlepool/_core.abi3.so" | awk '$1 ~ /^libasan\.so/ {print $3}')
if [ -n "$runtime" ]; then
    # Objects from malloc(), so that their use after free is seen. Of each allocation only who asked for it is kept, so
    # that what the interpreter leaks can be told from what is leaked by what it calls: lsan.supp.
    runtime=$runtime:$build/python/keep_modules.so
    export BUNDLEPOOL_TEST_PRELOAD=$runtime PYTHONMALLOC=malloc
    cat "$here/lsan.supp" "$here/../support/lsan.supp" >"$work/lsan.supp"
    export LSAN_OPTIONS=suppressions=$work/lsan.supp:print_suppressions=0 ASAN_OPTIONS=detect_leaks=1:malloc_context_size=2
fi
LD_PRELOAD=$runtime "$python" -m pytest -q -rs -p no:cacheprovider -p no:randomly --rootdir="$here" \
    --basetemp="$work/pytest" "$here/$file" "$@" | tee "$work/out"
rc=${PIPESTATUS[0]}
if [ "$rc" = 0 ] && ! tail -n 1 "$work/out" | grep -q passed; then
    echo "SKIPPED: $(sed -n 's/^SKIPPED \[[0-9]*\] [^ ]* //p' "$work/out" | head -n 1)"
    exit 77
fi
exit "$rc"
