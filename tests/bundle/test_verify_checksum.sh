#!/usr/bin/env bash
# test_verify_checksum.sh BUNDLE : what is changed in a file that we wrote is a finding, whatever it is.
. "$(dirname "$0")/common.sh"
need_python h5py
"$python" "$(dirname "$self")/verify_checksum.py" "$bundle" "$dir" || failures=1
finish
