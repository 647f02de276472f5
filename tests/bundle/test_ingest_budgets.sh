#!/bin/bash
# bundle ingest, bundle import: what an input claims, or unpacks to, is not held in memory without a bound. Each input is
# refused by the name of its file, and by its line where it has lines; the memory of each process is looked at.
. "$(dirname "$0")/common.sh"
need_python lzma
"$python" "$(dirname "$self")/ingest_budgets.py" "$bundle" "$dir" "$(dirname "$self")/../support" || fail "budgets"
finish
