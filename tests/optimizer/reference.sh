# shellcheck shell=bash disable=SC2154
# reference.sh, sourced by the tests that compare the optimizer with reference.py, after common.sh.
python=${PYTHON:-/usr/bin/python3}
"$python" -c 'import h5py, numpy' 2>/dev/null || { echo "SKIPPED: python3 lacks h5py or numpy (Debian: python3-h5py)"; exit 77; }

# against_reference RESULTS FILE.h5 STRATEGY OPTIONS... : agree with reference.py, which knows those of a plug-in by
# their plain names
against_reference() {
    "$python" "$here/reference.py" "$2" "${3##*:}" "${@:4}" --out reference.csv >out 2>err || fail "reference.py ${*:2}"
    "$python" "$here/compare.py" "$1" reference.csv --rel 1e-12 >out || fail "$(basename "$2") ${*:3}"
}
