#!/usr/bin/env bash
# test_text.sh BIN SHARED_DATA RUN_MPI : text from files, file names, command lines, environment and journals drives no
# terminal and forges no line, wherever it is printed; JSON is JSON, and UTF-8, whatever is in it.
. "$(dirname "$0")/common.sh"
python=${PYTHON:-/usr/bin/python3}
"$python" -c 'import h5py, numpy' 2>err || { echo "SKIPPED: $python has no h5py: $(tail -n 1 err)"; exit 77; }

# ESC, BEL, CSI as one character in UTF-8 and in Latin-1, a mark that turns text, the end of a line, DEL, CR
evil=$'\033]0;pwned\a\302\23331m\233\342\200\256x\nforged: line\177\r'
cells=$'\033]0;pwned\a\302\23331m\342\200\256\177' # what may be in one cell of a CSV

# clean WHAT : neither `out` nor `err` has anything that is not seen
clean() {
    local file
    for file in out err; do
        if LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]' $file; then
            echo "FAILED: $1: a control character in $file:"
            LC_ALL=C cat -v $file | head -n 20
            failed=1
        fi
        iconv -f UTF-8 -t UTF-8 $file >/dev/null 2>&1 || { echo "FAILED: $1: $file is not UTF-8"; failed=1; }
        if grep -q '^forged: line' $file; then echo "FAILED: $1: a forged line in $file"; failed=1; fi
    done
}

looked=0
try() { # PROGRAM ARGS... : whatever it says, it says it in one piece
    timeout 60 "$@" >out 2>err </dev/null
    looked=$((looked + 1))
    [ -s out ] || [ -s err ] || fail "nothing is said: ${*:1:3}"
    clean "$(printf '%q ' "${@:1:6}")"
}

json() { # PROGRAM ARGS... : and what it prints is JSON
    try "$@"
    "$python" -c 'import json, sys; json.loads(open("out", "rb").read().decode("utf-8", "strict"))' 2>err ||
        fail "no JSON: $(printf '%q ' "${@:1:6}")"
}

# A bundle whose every text is hostile -----------------------------------------------------------------------------------

"$bundle" demo ok.h5 --assets 6 --days 120 --seed 3 >out 2>err || { fail 'bundle demo'; exit 1; }
mkdir csv csv/daily bundles
printf 'date,open,high,low,close,volume\n2020-01-02,1,2,1,2,5\n2020-01-03,2,3,2,3,5\n' >csv/daily/A.csv
"$bundle" ingest csvdir csv made.h5 >out 2>err || fail 'bundle ingest'
spoil() { # FROM TO : texts of one are another's
    EVIL=$evil "$python" - "$1" "$2" <<'END' || fail "no bundle can be spoiled: $1"
import os, shutil, sys
import h5py, numpy as np
evil = os.environb[b"EVIL"]
shutil.copy(sys.argv[1], sys.argv[2])
with h5py.File(sys.argv[2], "r+") as f:
    for name in list(f.attrs):
        if isinstance(f.attrs[name], (str, bytes)) and name not in ("schema_version", "made_by", "source"):
            f.attrs[name] = np.bytes_(evil)
    def texts(name, item):
        if not isinstance(item, h5py.Dataset) or "currency" in name:
            return
        if item.dtype.kind in "SO":
            old = [bytes(x) if isinstance(x, (bytes, np.bytes_)) else x.encode() for x in item[...]]
            spoiled.append((name, [x + evil for x in old]))
    spoiled = []
    f.visititems(texts)
    for name, values in spoiled:
        del f[name]
        f[name] = np.array(values)
END
}
spoil ok.h5 evil.h5
spoil made.h5 bundles/evil.h5
for command in info 'info --assets' version verify; do
    # shellcheck disable=SC2086 # the command is several words
    for file in evil.h5 bundles/evil.h5; do
        try "$bundle" $command ./$file
        json "$bundle" $command --json ./$file
    done
done
try "$bundle" diff ./ok.h5 ./evil.h5
json "$bundle" diff --json ./ok.h5 ./evil.h5
try "$bundle" sync ./bundles/evil.h5
json "$bundle" sync --json ./bundles/evil.h5
try "$bundle" demo ./bundles/evil.h5
try "$bundle" import hdf5 ./evil.h5 ./again.h5
try "$bundle" export csvdir ./evil.h5 exported
try "$bundle" export zipline-hdf5 ./evil.h5 exported.h5

# A country, and names of files
mkdir names
cp ok.h5 "names/$evil.h5"
cp evil.h5 names/fine.h5
"$python" - names/country.h5 <<'END' || fail 'no country can be spoiled'
import shutil, sys, h5py
shutil.copy("ok.h5", sys.argv[1])
with h5py.File(sys.argv[1], "r+") as f:
    f.move("US", "\x1b[31mX\nforged: line")
    del f["\x1b[31mX\nforged: line/data/low"]
END
try "$bundle" list --root names
json "$bundle" list --root names --json
for file in "names/$evil.h5" names/country.h5 "nothing/$evil"; do
    for command in info version verify 'import hdf5' 'ingest table' demo; do
        more=()
        case $command in import*|ingest*) more=("./target.h5") ;; esac
        # shellcheck disable=SC2086 # the command is several words
        try "$bundle" $command "$file" "${more[@]}"
    done
done

# Sources: names, headers, cells, and what options say
mkdir "$evil" "$evil/daily"
printf 'date,open,high,low,close,volume\n2020-01-02,1,2,1,2,5\n' >"$evil/daily/$cells.csv"
printf 'date,open,high,low,close,volume,%s\n2020-01-02,1,2,1,%s,5,1\n' "$cells" "$cells" >"$evil/daily/B.csv"
printf 'date,open,high,low,close,volume\n%s,1,2,1,2,5\n' "$cells" >"$evil/daily/C.csv"
printf '"%s"\n' "$evil" >"$evil/daily/D.csv"
printf 'symbol,date,open,high,low,close,volume\n%s,2020-01-02,1,2,1,2,5\n%s,2020-01-02,1,2,1,2,5\n' "$cells" "$cells" >"$evil.csv"
try "$bundle" ingest csvdir "$evil" ./t.h5
try "$bundle" ingest csvdir "$evil" ./t.h5 --keep-going
try "$bundle" ingest table "$evil.csv" ./t.h5
for option in --date-format --timezone --calendar --currency --symbols --decimal --filter --threads --max-errors "--$evil"; do
    try "$bundle" ingest csvdir csv ./t.h5 "$option" "$evil"
done
try "$bundle" "$evil"
try "$bundle" ingest "$evil" csv ./t.h5
BUNDLEPOOL_ROOT=$evil/none try "$bundle" list
BUNDLEPOOL_POOL_MEMORY=$evil try "$optimizer" --bundle ./ok.h5 --strategy buy_and_hold
printf '%s\n' "$cells = 5" >evil.conf
BUNDLEPOOL_CONF=evil.conf try "$bundle" list
BUNDLEPOOL_CONF=evil.conf json "$bundle" doctor --json
try "$bundle" doctor --root "$evil"
json "$bundle" doctor --root "$evil" --json

# Searches ---------------------------------------------------------------------------------------------------------------

sma=(--strategy sma_cross --param 'fast=2,3' --param 'slow=5,6')
try "$optimizer" --bundle ./evil.h5 "${sma[@]}" --out e.csv
json "$optimizer" --bundle ./evil.h5 "${sma[@]}" --json
try "$optimizer" --bundle ./evil.h5 "${sma[@]}" --check-lookahead
try "$optimizer" run --bundle ./evil.h5 --strategy buy_and_hold
json "$optimizer" run --bundle ./evil.h5 --strategy buy_and_hold --json
BUNDLEPOOL_LOG_FORMAT=json BUNDLEPOOL_LOG_LEVEL=debug try "$optimizer" --bundle ./evil.h5 "${sma[@]}"
for option in --bundle --strategy --param --where --objective --having --metrics --start --symbols --commission --journal --out --from \
    --equity --on-update --root --slice "--$evil"; do
    try "$optimizer" --bundle ./ok.h5 "${sma[@]}" "$option" "$evil"
    BUNDLEPOOL_LOG_FORMAT=json try "$optimizer" --bundle ./ok.h5 "${sma[@]}" "$option" "$evil"
done
try "$optimizer" --bundle ./ok.h5 --strategy sma_cross --param "fast=$evil"
try "$optimizer" --bundle ./ok.h5 --strategy sma_cross --param "$evil=1"
printf '%s\n' "$cells" >values
try "$optimizer" --bundle ./ok.h5 --strategy sma_cross --param fast=@values
try "$optimizer" "$evil"
try "$optimizer" --list-strategies "./$evil.so"

# what a search is told to go on from: a journal, results, what stands beside them
"$optimizer" --bundle ./ok.h5 "${sma[@]}" --out r.csv >out 2>err || fail 'a search'
"$python" - r.csv.journal forged.journal <<'END' || fail 'no journal can be forged'
import struct, sys, zlib
data = open(sys.argv[1], "rb").read()
mark, kind, length, _ = struct.unpack_from("<4I", data, 16)
text = data[32 : 32 + length]
text = text.replace(b"strategy sma_cross", b"strategy \x1b]0;p\x07\xc2\x9b\x9b").replace(b"fast", b"fa\x1b\x9bst")
crc = zlib.crc32(struct.pack("<2I", kind, len(text)) + text)
open(sys.argv[2], "wb").write(data[:16] + struct.pack("<4I", mark, kind, len(text), crc) + text + data[32 + length :])
END
try "$optimizer" merge forged.journal --out m.csv
try "$optimizer" merge forged.journal --out m2.csv --json
try "$optimizer" merge "nothing/$evil" --out m3.csv
try "$optimizer" --bundle ./ok.h5 "${sma[@]}" --journal forged.journal
try "$optimizer" --bundle ./ok.h5 "${sma[@]}" --journal forged.journal --resume
sed "1s/fast/$cells/; 2s/done/$cells/" r.csv >s.csv
cp r.csv.origin s.csv.origin
sed "s/sma_cross/$cells/; s/commission.*/commission $cells/" r.csv.origin >t.csv.origin
cp r.csv t.csv
for file in s.csv t.csv "nothing/$evil.csv"; do
    try "$optimizer" compare r.csv "$file"
    try "$optimizer" --bundle ./ok.h5 --from "$file"
    try "$optimizer" run --bundle ./ok.h5 --results "$file" --row 1
    try "$optimizer" --bundle ./ok.h5 "${sma[@]}" --out "$file"
done
json "$optimizer" compare r.csv t.csv --json

# Python shows the same ----------------------------------------------------------------------------------------------------

if PYTHONPATH=${bin%/bin}/python "$python" -c 'import bundlepool' 2>err; then
    cat >show.py <<'END'
import sys, warnings
import bundlepool as bp

warnings.simplefilter("ignore")
def show(thing):
    print(thing)
    print(str(thing).replace("\n", " "), file=sys.stderr)
    html = getattr(thing, "_repr_html_", None)
    if html:
        print(html())

for name in ("./evil.h5", "bundles/evil.h5"):
    show(bp.info(name))
    show(bp.verify(name))
    show(bp.diff("./ok.h5", name))
b = bp.load("evil", root=".")
show(b)
show(b.version)
for asset in b.assets.retrieve_all(b.assets.sids):
    print(repr(asset))
for row in bp.bundles("names"):
    show(row)
for call in (lambda: bp.info("names/country.h5"), lambda: bp.load("\x1b[31m\x9b\u202ex", root="."),
             lambda: bp.ingest.csvdir("\x1b[31m\x9bx", "t", root=".")):
    try:
        call()
    except (bp.Error, ValueError) as error:
        show(error)
END
    PYTHONPATH=${bin%/bin}/python try "$python" show.py
    if grep -q Traceback err; then fail 'Python'; fi
fi

echo "$looked outputs"
[ $looked -ge 130 ] || fail 'too few outputs were looked at'
finish
