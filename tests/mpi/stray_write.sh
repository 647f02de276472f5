#!/usr/bin/env bash
# stray_write.sh RUN_MPI PROGRAM : a stray write ends its process by SIGSEGV, on rank 0 and on another.
set -u
run=$1 program=$2
failed=0
"$run" 4 "$program" maps || failed=1
for what in 0 2 '2 directory' '2 lines' '0 lines'; do
    # AddressSanitizer would turn the signal into an exit of its own
    # shellcheck disable=SC2086
    out=$(ASAN_OPTIONS=handle_segv=0:detect_leaks=0 TSAN_OPTIONS=handle_segv=0 "$run" 4 "$program" $what 2>&1)
    rc=$?
    if [ $rc -ne 139 ] || grep -q "and lives" <<<"$out" || ! grep -qi "signal.*11\|segmentation" <<<"$out"; then
        echo "FAILED: rank $what wrote where it must not; exit code $rc, output:"
        echo "$out"
        failed=1
    else
        echo "rank $what: it died by SIGSEGV, as it must"
    fi
done
exit $failed
