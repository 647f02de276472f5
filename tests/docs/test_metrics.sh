#!/usr/bin/env bash
# test_metrics.sh SOURCE : the lines of Python in docs/metrics.md give what other libraries compute.
set -u
python=${PYTHON:-/usr/bin/python3}
"$python" -c 'import numpy, pandas' 2>/dev/null || { echo "SKIPPED: python3 lacks numpy or pandas (Debian: python3-pandas)"; exit 77; }
exec "$python" "$(dirname "$0")/metrics.py" "$1"
