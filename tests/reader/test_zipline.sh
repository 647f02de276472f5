#!/usr/bin/env bash
# test_zipline.sh BUNDLE SHARED_DATA LIBRARY : the readers answer over bundle files what zipline's rules, written out in
# Python over h5py, give: a demo, one whose symbols have share classes and pass from asset to asset, and, where they are
# there, files that zipline's own writer made.
set -eu
bundle=$1 shared=$2 library=$3 here=$(cd "$(dirname "$0")" && pwd)
python=''
for candidate in python3 /usr/bin/python3; do
    ! "$candidate" -c 'import h5py, numpy' 2>/dev/null || { python=$candidate; break; }
done
[ -n "$python" ] || { echo 'SKIPPED: h5py or numpy is missing (Debian: python3-h5py python3-numpy)'; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$bundle" demo demo --assets 30 --days 600 --seed 5 --root "$work" >/dev/null
"$bundle" demo passed_on --assets 12 --days 400 --seed 6 --root "$work" >/dev/null
"$python" - "$work/passed_on.h5" <<'END'
import sys
import h5py
import numpy as np

with h5py.File(sys.argv[1], "r+") as file:
    table = file["US/assets/symbol_mappings"][:]
    days, names = file["US/index/day"][:], [f"{name.decode()[:2]}_{name.decode()[2:]}" for name in table["symbol"]]
    rows = np.zeros(2 * len(table), table.dtype)
    for i, row in enumerate(table):  # at the middle each takes the symbol of the one before
        for half in (0, 1):
            rows[2 * i + half] = row
            rows[2 * i + half]["symbol"] = names[i - half].encode()
            rows[2 * i + half]["start_date"] = days[half * len(days) // 2]
            rows[2 * i + half]["end_date"] = days[(half + 1) * len(days) // 2 - 1]
    del file["US/assets/symbol_mappings"]
    file["US/assets/symbol_mappings"] = rows
END
names=(demo passed_on)
for file in "$shared"/zipline/zipline_daily_{csvdir,edge,empty}.h5; do
    [ -e "$file" ] || { echo "not there: $file"; continue; }
    cp "$file" "$work"
    names+=("$(basename "$file" .h5)")
done
for name in "${names[@]}"; do "$python" "$here/beside_zipline.py" "$library" "$work" "$name"; done
