#!/bin/bash
# bundle verify: tables that contradict themselves, each other, or the bars. Each change of a good bundle is told by the kinds
# that are expected of it, and by no others.
. "$(dirname "$0")/common.sh"
need_python h5py
"$python" "$(dirname "$self")/verify_tables.py" "$bundle" "$dir" || fail "tables"
finish
