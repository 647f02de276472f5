#!/bin/bash
# Options, exit codes, error lines, and where a bundle is looked for.
# shellcheck disable=SC2086 # $small is several words
. "$(dirname "$0")/common.sh"

refused 2 "a command is missing"
refused 2 "unknown command 'foo'" foo
refused 2 "unknown option '--foo'" --foo
refused 2 "try 'bundle --help'" info
refused 2 "unexpected argument 'y'" info x y
refused 2 "unexpected argument 'x'" list x
refused 2 "--json: 'bundle demo' has no such option; it takes --assets" demo x --json
refused 2 "unknown or ambiguous option '--foo'" demo x --foo
refused 2 "unknown option '-x'" demo x -x
refused 2 "--assets: a value is missing" demo x --assets
refused 2 "--json=1: this option takes no value" info x --json=1
refused 2 "--assets: '0' is not a whole number from 1" demo x --assets 0
refused 2 "--assets: '1e3' is not" demo x --assets 1e3
refused 2 "--assets: '-5' is not" demo x --assets=-5
refused 2 "--days: '99999999' is not" demo x --days 99999999
refused 2 "--seed: '99999999999999999999' is not" demo x --seed 99999999999999999999
refused 2 "--filter: 'zip' is neither" demo x --filter zip
refused 2 "--root: the folder's name is empty" info x --root=
refused 2 "unknown source 'quandl', choose from csvdir" ingest quandl . x
refused 2 "an argument is missing" ingest csvdir .
refused 2 "unknown source 'csvdir', choose from hdf5" import csvdir . x

for name in .. ../x /x a/b .x "a b" "" "$(printf 'x\ny')" "$(printf '%064d' 0)" dir/.h5 "dir/a b.h5"; do
    refused 2 "name" info "$name"
    refused 2 "name" demo "$name"
done
[ -e bundles ] && fail "wrong usage made a folder"

for command in demo ingest import export sync info version verify list; do
    run 0 "$command" --help
    case $out in "Usage: bundle $command "*Examples:*) ;; *) fail "$command --help: $out" ;; esac
done
run 0 --help
case $out in "Usage: bundle "*Examples:*) ;; *) fail "--help: $out" ;; esac
run 0 --version
case $out in "bundle "[0-9]*) ;; *) fail "--version: $out" ;; esac
"$bundle" --help >/dev/full 2>err && fail "a full standard output is no error"
grep -q '^bundle: error: standard output' err || fail "full standard output: $(cat err)"

# roots: ./bundles, $BUNDLEPOOL_ROOT, --root, a path; folders are made
small="--assets 2 --days 5"
run 0 demo one $small
[ -f bundles/one.h5 ] || fail "no bundles/one.h5"
BUNDLEPOOL_ROOT=$dir/env/deep run 0 demo two $small
[ -f env/deep/two.h5 ] || fail "no env/deep/two.h5"
BUNDLEPOOL_ROOT=$dir/env run 0 demo three --root opt $small
[ -f opt/three.h5 ] || fail "no opt/three.h5"
run 0 demo path/four.h5 $small --root opt
[ -f path/four.h5 ] || fail "no path/four.h5"
run 0 demo five.h5 $small
[ -f five.h5 ] || fail "no five.h5"
run 0 info ./five.h5
[ "$(find . -name '.*.h5*' | wc -l)" = 0 ] || fail "temporary files are left"

# what is not a bundle
refused 1 "no such bundle" info none
refused 1 "no such bundle" version none
refused 1 "no such bundle" verify none
refused 1 "no such folder" list --root none
refused 1 "five.h5: is not a folder" demo x --root five.h5 $small
refused 1 "/missing: cannot be opened" ingest csvdir "$PWD/missing" x
mkdir bad
: >bad/empty.h5
mkdir bad/folder.h5
mkfifo bad/fifo.h5
echo "no HDF5 file at all" >bad/text.h5
head -c 5000 bundles/one.h5 >bad/cut.h5
for name in empty folder fifo text cut; do
    refused 1 "bad/$name.h5" info $name --root bad
    refused 1 "bad/$name.h5" version $name --root bad
    refused 1 "bad/$name.h5" verify $name --root bad
done
cp bundles/one.h5 bad/good.h5
cp bundles/one.h5 "bad/not a name.h5"
cp bundles/one.h5 bad/.hidden.h5
run 0 list --root bad
same "$(echo "$out" | grep -c ' broken: ')" 6 "broken files in the list"
same "$(echo "$out" | grep -v ' broken: ' | cut -d' ' -f1)" good "good files in the list"
same "$(echo "$out" | grep -c hidden)" 0 "hidden files in the list"
run 0 list
same "$(echo "$out" | wc -l)" 1 "lines of the list"
finish
