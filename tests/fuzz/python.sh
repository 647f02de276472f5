#!/usr/bin/env bash
# python.sh SCRIPT ARGUMENTS... : a script of this folder, where there are what it needs.
python=${PYTHON:-/usr/bin/python3}
"$python" -c 'import h5py, numpy' 2>/dev/null || { echo "SKIPPED: $python has no module h5py (Debian: python3-h5py)"; exit 77; }
exec "$python" "$(dirname "$0")/$1" "${@:2}"
