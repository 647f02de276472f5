#!/usr/bin/env bash
# test_out.sh BIN SHARED_DATA RUN_MPI : what --out replaces, and what it does not.
. "$(dirname "$0")/common.sh"
"$bundle" demo demo --assets 8 --days 200 --seed 3 >out 2>err || { fail 'bundle demo'; exit 1; }
"$bundle" demo next --assets 8 --days 201 --seed 3 >out 2>err || { fail 'bundle demo'; exit 1; }
cp bundles/demo.h5 old.h5
search=(--bundle demo --strategy sma_cross --param fast=3:9:3 --param slow=5:20:5)
sums() { sha256sum x.csv x.csv.origin x.csv.journal 2>/dev/null; }

# spared TEXT ARGS... : wrong usage, before anything is loaded where no bundle is needed to see it; nothing is touched
spared() {
    local before
    before=$(sums)
    bad 2 "$@"
    [ "$(sums)" = "$before" ] || fail "something was touched: ${*:2}"
}

# The same search over the same content --------------------------------------------------------------------------------

header=index,status,fast,slow,total_return,cagr,sharpe,sortino,max_drawdown,calmar,trades
alone "${search[@]}" --out x.csv
cp x.csv first.csv
[ "$(head -n 1 x.csv)" = $header ] || fail 'the file has another header'
for again in '' --resume --no-journal --replace; do
    alone "${search[@]}" --out x.csv $again
    cmp first.csv x.csv || fail "the same search again $again"
done
alone "${search[@]}" --out x.csv --top 3 --objective calmar # ranks only what is printed
rm x.csv.journal
alone "${search[@]}" --out ./x.csv --root bundles
: >empty.csv # mktemp makes such
alone "${search[@]}" --out empty.csv
cmp first.csv empty.csv || fail 'an empty file'

# Another one --------------------------------------------------------------------------------------------------------

never=(--bundle nonesuch "${search[@]:2}") # it is not looked for
spared "x.csv has results of another search (bundle: there 'demo', here 'nonesuch'); give --replace" "${never[@]}" --out x.csv
spared "(commission: there '0bps', here '5bps')" "${search[@]}" --out x.csv --commission 5
spared "(strategy: there 'sma_cross', here 'momentum')" --bundle demo --strategy momentum --out x.csv --no-journal
spared "(fast: there '3,6,9', here '3,6')" --bundle demo --strategy sma_cross --param fast=3,6 --param slow=5:20:5 --out x.csv
spared "(end: there 'of the bundle', here '2010-06-30')" "${search[@]}" --end 2010-06-30 --out x.csv
spared "(slice: there '1/1', here '1/2')" "${search[@]}" --slice 1/2 --out x.csv
spared "(metrics: there '-', here 'sharpe,trades')" "${search[@]}" --metrics sharpe,trades --out x.csv
bad_ranks 3 2 "(commission: there '0bps', here '5bps')" "${search[@]}" --out x.csv --commission 5

# other content: known when the bundle is loaded; the finished journal stays as well
alone "${search[@]}" --out x.csv
cp bundles/next.h5 bundles/demo.h5
spared "x.csv has results of another search (content of demo: there '" "${search[@]}" --out x.csv
bad_ranks 3 2 '(content of demo: there ' "${search[@]}" --out x.csv
spared '(content of demo: there ' "${search[@]}" --out x.csv --no-journal
alone "${search[@]}" --out x.csv --replace
cmp -s first.csv x.csv && fail 'the content has changed, and the results have not'
alone "${search[@]}" --out x.csv
cp old.h5 bundles/demo.h5
alone "${search[@]}" --out x.csv --replace
cmp first.csv x.csv || fail '--replace'

# of several bundles, the second has changed
both=(--bundles 'demo,next' "${search[@]:2}")
alone "${both[@]}" --out both.csv
cp both.csv before.csv
"$bundle" demo next --assets 8 --days 202 --seed 3 >out 2>err || fail 'bundle demo'
rc=0
optimizer 1 "${both[@]}" --out both.csv || rc=$?
[ $rc = 2 ] && grep -q '(content of next: there ' err || fail "the second of two bundles has changed: $rc"
cmp before.csv both.csv || fail 'the second of two bundles has changed: replaced'
alone "${both[@]}" --out both.csv --replace --resume
expect out '^resumed: [1-9]' 'with --replace the search goes on'

# What is no results of ours -----------------------------------------------------------------------------------------

printf 'chapter,pages\n1,20\n' >thesis.csv
printf 'notes\n' >notes.csv.origin
for n in thesis.csv README; do
    printf 'chapter,pages\n1,20\n' >$n
    spared "$n is not a file of results; give --replace to lose it" "${never[@]}" --out $n
done
spared 'notes.csv.origin has to be written as well, and is something else' "${never[@]}" --out notes.csv --replace
rm x.csv.origin
spared 'x.csv has results, of which search is not known (there is no x.csv.origin)' "${search[@]}" --out x.csv
alone "${search[@]}" --out x.csv --replace
sed -i 's/,done,/,failed,/' x.csv
spared 'x.csv is not as a search has written it' "${search[@]}" --out x.csv
cp both.csv x.csv
spared 'x.csv is not as a search has written it' "${search[@]}" --out x.csv
sed -i 's/^csv /cvs /' x.csv.origin
spared 'what tells which beside it is damaged' "${search[@]}" --out x.csv
head -c 40 x.csv.origin >some && mv some x.csv.origin
spared 'what tells which beside it is damaged' "${search[@]}" --out x.csv
alone "${search[@]}" --out x.csv --replace
cmp first.csv x.csv || fail 'a damaged origin is replaced'

# a bundle, a journal, whatever the options are
alone "${search[@]}" --out j.csv
cp bundles/demo.h5 d4.h5
for replace in '' --replace; do
    spared 'is a bundle, or another HDF5 file; name another file' --bundle ./d4.h5 --strategy buy_and_hold \
        --out ./bundles/../bundles/demo.h5 --no-journal $replace
    spared 'none.h5 is the name of a bundle' "${never[@]}" --out none.h5 $replace
    spared 'j.csv.journal is a journal; name another file' "${never[@]}" --out j.csv.journal $replace
    spared 'j.csv.origin is what tells the results beside it apart' "${never[@]}" --out j.csv.origin $replace
    spared 'd4.h5 is a bundle' merge j.csv.journal --out d4.h5 $replace
done
cmp old.h5 d4.h5 && cmp old.h5 bundles/demo.h5 || fail 'a bundle was touched'
{ head -c 512 /dev/zero; cat old.h5; } >user.csv # HDF5 with a user block before it
spared 'is a bundle, or another HDF5 file' "${never[@]}" --out user.csv --replace
ln -s d4.h5 link.csv
spared 'is a bundle, or another HDF5 file' "${never[@]}" --out link.csv --replace
spared 'j.csv.origin is what is written beside --out as well' "${never[@]}" --out j.csv --journal ./j.csv.origin

# What is read is never written, whatever it is called and whatever is given -----------------------------------------------

mkdir folder
ln -s ../bundles/demo.h5 folder/soft
ln bundles/demo.h5 folder/hard
ln -s ../bundles folder/bundles
printf '3\n6\n' >values.txt
printf 'root = %s\n' "$PWD/bundles" >admin.conf
before=$(find . -type f ! -name out ! -name err -exec sha256sum {} + | sort)
for name in bundles/demo.h5 ./bundles/../bundles/demo.h5 "$PWD/bundles/demo.h5" folder/soft folder/hard folder/bundles/demo.h5; do
    bad 2 "--out: $name is bundle demo, which is read" "${search[@]}" --out "$name" --replace
done
for option in --journal --equity --trades --positions --unfilled; do
    bad 2 "$option: folder/hard is bundle demo, which is read" "${search[@]}" $option folder/hard --replace
done
bad 2 '--equity: ./values.txt is a file of --param' "${search[@]:0:6}" --param slow=@values.txt --equity ./values.txt --replace
bad 2 '--journal: ./j.csv is what is read' --bundle demo --from j.csv --journal ./j.csv --replace
bad 2 '--trades: ./j.csv.origin is what is read' --bundle demo --from j.csv --trades ./j.csv.origin --replace
BUNDLEPOOL_CONF=admin.conf bad 2 "--out: ./admin.conf is the administrator's file" "${search[@]}" --out ./admin.conf --replace
bad 2 '--equity: ./new.csv is --out as well' "${search[@]}" --out new.csv --equity ./new.csv
bad 2 '--trades: folder/../new.csv is --equity as well' "${search[@]}" --equity new.csv --trades folder/../new.csv
bad 2 '--equity: new.csv.journal is --journal as well' "${search[@]}" --out new.csv --equity new.csv.journal
bad 2 '--equity: new.csv.journal.lock is the lock of --journal as well' "${search[@]}" --out new.csv --equity new.csv.journal.lock
bad 2 '--positions: new.csv.origin is what is written beside --out as well' "${search[@]}" --out new.csv --positions new.csv.origin
bad 2 '--equity: folder/soft is bundle demo, which is read' run --bundle demo --strategy buy_and_hold --equity folder/soft --replace
bad 2 '--equity: what is in folder/ cannot be read' "${never[@]}" --equity folder/
bad 2 "--equity: 'nothing/' is not the name of a file" "${never[@]}" --equity nothing/
bad 2 "--out: 'nothing/' is not the name of a file" "${never[@]}" --out nothing/
bad 1 '--equity: nothing/e.csv cannot be made there' "${never[@]}" --equity nothing/e.csv
bad 2 '--out: folder/../j.csv.journal is a journal to be merged' merge j.csv.journal --out folder/../j.csv.journal --replace
[ "$(find . -type f ! -name out ! -name err -exec sha256sum {} + | sort)" = "$before" ] || fail 'something was touched'
rm folder/*

# Nor is the journal of another search ----------------------------------------------------------------------------------

alone "${search[@]}" --journal k.journal
cp k.journal k.before
bad 2 "k.journal is of another search (commission: there '0bps', here '5bps'); give --replace to lose it" \
    "${search[@]}" --commission 5 --journal k.journal
bad 2 'is of another search (slice: ' "${search[@]}" --slice 1/2 --journal k.journal
bad 2 'x.csv is not a journal' "${never[@]}" --journal x.csv --replace
bad 2 'd4.h5 is not a journal' "${never[@]}" --journal d4.h5 --replace
bad_ranks 3 2 'k.journal is of another search' "${search[@]}" --slice 1/2 --journal k.journal
cmp k.journal k.before || fail 'the journal of another search was touched'
alone "${search[@]}" --journal k.journal # the same one
alone "${search[@]}" --slice 1/2 --journal k.journal --replace
cmp -s k.journal k.before && fail 'the journal was not replaced'
ln -s k.before linked.journal
bad 1 'linked.journal is a symbolic link' "${search[@]}" --journal linked.journal
bad 1 'linked.journal is a symbolic link' "${search[@]}" --journal linked.journal --resume
ln -s nothing loose.journal
bad 1 'loose.journal is a symbolic link' "${search[@]}" --journal loose.journal
[ ! -e nothing ] || fail 'written through a link'
alone merge linked.journal --out linked.csv # which only reads
[ -z "$(find . -name '*.lock')" ] || fail 'a lock is left'

# a job that waits for another one's journal hears a signal
if command -v flock >/dev/null; then
    exec 9<>k.journal.lock
    chmod 600 k.journal.lock
    flock 9
    "$optimizer" "${search[@]}" --slice 1/2 --journal k.journal --resume >out 2>err 9>&- &
    job=$!
    until readlink /proc/$job/fd/* 2>/dev/null | grep -q 'k\.journal$'; do
        kill -0 $job 2>/dev/null || { fail 'it does not wait'; break; }
    done
    kill -TERM $job
    ends 75 'a signal while it waits for a journal'
    expect err '^optimizer: stopped: by SIGTERM: ' 'a signal while it waits for a journal'
    exec 9>&-
    rm k.journal.lock
fi

# A kill between the two files ---------------------------------------------------------------------------------------

alone "${search[@]}" --commission 5 --out y.csv
cp y.csv y.old; cp y.csv.origin y.old.origin
alone "${search[@]}" --out y.csv --replace --no-journal
{ # what it would have left: the origin of the new results beside the old ones
    sed -n 1,2p y.csv.origin
    sed -n 's/^csv /before /p' y.old.origin
    sed '1,2d' y.csv.origin
} >y.between
cp y.between y.csv.origin; cp y.old y.csv
alone "${search[@]}" --out y.csv --no-journal
cmp first.csv y.csv || fail 'killed before the results were written'
cp y.between y.csv.origin
alone "${search[@]}" --out y.csv --no-journal
if grep -q '^before' y.csv.origin; then fail 'killed after the results were written'; fi

# merge ----------------------------------------------------------------------------------------------------------------

for k in 1 2; do alone "${search[@]}" --slice $k/2 --out part$k.csv; done
for n in 1 2; do alone merge part1.csv.journal part2.csv.journal --out m.csv; done
cmp first.csv m.csv || fail merge
alone "${search[@]}" --out m.csv # the same as one job
alone "${search[@]}" --commission 5 --out five.csv
cp m.csv before.csv
bad 2 "(commission: there '0bps', here '5bps')" merge five.csv.journal --out m.csv
cmp before.csv m.csv || fail 'a refused merge has replaced the file'
alone merge five.csv.journal --out m.csv --replace
cmp five.csv m.csv || fail 'merge --replace'

# A limit of the shell is an error, which names file and limit and leaves nothing ------------------------------------------

# limited TEXT ARGS... : files may have 8 KiB
limited() {
    local rc=0
    (ulimit -f 8 && exec "$optimizer" "${@:2}") >out 2>err || rc=$?
    [ $rc = 1 ] && grep -qF -- "$1" err || fail "exit code $rc under ulimit -f: ${*:2}"
    [ -z "$(find . -name '.?*.??????' -o -name 'l.*')" ] || fail "something is left: $(find . -name '.?*.??????' -o -name 'l.*')"
}
alone --bundle demo --strategy sma_cross --param fast=3:22 --param slow=31:50 --out many.csv
many='files of more than 8192 bytes are not allowed here: raise ulimit -f'
for sheet in equity positions; do
    limited "l.csv: cannot be written: $many" run --bundle demo --strategy buy_and_hold --$sheet l.csv
done
rc=0
(ulimit -f 8 && exec "$optimizer" merge many.csv.journal --out l.csv) >out 2>err || rc=$?
[ $rc = 1 ] && grep -qF "l.csv: cannot be written: $many" err && [ ! -e l.csv ] || fail "merge under ulimit -f: $rc"
rc=0
(ulimit -f 8 && exec "$optimizer" run --bundle demo --strategy buy_and_hold --json) >big 2>err || rc=$?
[ $rc = 1 ] && grep -q '^optimizer: error: standard output cannot be written: File too large' err || fail "stdout under ulimit -f: $rc"

finish
