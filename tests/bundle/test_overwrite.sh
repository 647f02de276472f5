#!/bin/bash
# test_overwrite.sh BIN : what demo, ingest, import and export replace, and what they never do.
. "$(dirname "$0")/common.sh"
small=(--assets 2 --days 5)

mkdir -p csv/daily
printf 'date,open,high,low,close,volume\n2020-01-02,1,2,1,2,5\n2020-01-03,2,3,2,3,5\n' >csv/daily/A.csv

# spared CODE TEXT FILE ARGUMENTS... : refused, and the file is as it was
spared() {
    local before
    before=$(sha256sum "$3")
    refused "$1" "$2" "${@:4}"
    same "$(sha256sum "$3")" "$before" "$3 after bundle ${*:4}"
}

# A demo replaces a demo, and nothing else.
run 0 demo d "${small[@]}"
run 0 demo d "${small[@]}" --seed 8
run 0 ingest csvdir csv real
cp bundles/real.h5 real.before
spared 2 'bundles/real.h5: is a bundle of '"$dir"'/csv, which a made-up market would replace' bundles/real.h5 demo real
spared 2 'give --replace to lose it' bundles/real.h5 demo bundles/real.h5 "${small[@]}"
ln -s "$PWD/bundles/real.h5" bundles/soft.h5
spared 2 'bundles/soft.h5: is a bundle of ' bundles/real.h5 demo soft
rm bundles/soft.h5

# An ingest replaces what one made, from whatever source, and a demo.
run 0 ingest csvdir csv real
cmp -s bundles/real.h5 real.before || fail 'the same ingest gives another file'
run 0 ingest csvdir csv d
run 0 import hdf5 bundles/real.h5 again
run 0 import hdf5 bundles/real.h5 again
run 0 ingest csvdir csv again
printf 'date,open,high,low,close,volume\n2020-01-02,1,2,1,2,5\n2020-01-03,2,3,2,4,5\n' >csv/daily/A.csv
run 0 sync again
grep -q 'bundles/again.h5: 1 asset' out || fail "sync makes it again: $out"

# What another program made, or nobody can read, is replaced if that is said.
mkdir other
for name in text cut foreign zero; do
    case $name in
    text) echo 'a thesis' >other/$name.h5 ;;
    cut) head -c 3000 real.before >other/$name.h5 ;;
    foreign) "$python" -c 'import sys, h5py; h5py.File(sys.argv[1], "w").create_dataset("x", data=[1, 2])' \
        other/$name.h5 2>err || { echo 'not tried: a file of h5py'; continue; } ;;
    zero) head -c 4096 /dev/zero >other/$name.h5 ;;
    esac
    for command in "demo other/$name.h5" "ingest csvdir csv other/$name.h5" "import hdf5 real.before other/$name.h5"; do
        # shellcheck disable=SC2086 # the command is several words
        spared 2 "other/$name.h5: is there already, and no bundle that" other/$name.h5 $command
    done
    run 0 demo other/$name.h5 "${small[@]}" --replace
    run 0 info other/$name.h5
done
run 0 export zipline-hdf5 real other/export.h5
spared 2 "no bundle that 'import' made" other/export.h5 import hdf5 bundles/real.h5 other/export.h5
spared 2 "no bundle that 'demo' made" other/export.h5 demo other/export.h5
run 0 import hdf5 bundles/real.h5 other/export.h5 --replace
: >other/empty.h5 # mktemp makes such
run 0 demo other/empty.h5 "${small[@]}"
mkdir other/folder.h5
refused 1 'is a folder, not a file' demo other/folder.h5 "${small[@]}" --replace

# What is read is never replaced, whatever it is called.
ln bundles/real.h5 other/hard.h5
ln -s ../bundles/real.h5 other/link.h5
for name in bundles/real.h5 ./bundles/../bundles/real.h5 other/hard.h5 other/link.h5; do
    spared 2 "$name: is what is read" bundles/real.h5 import hdf5 bundles/real.h5 $name --replace
done
[ -L other/link.h5 ] || fail 'a link was replaced'
printf 'date,symbol,open,high,low,close,volume\n2020-01-02,A,1,2,1,2,5\n' >all.h5
spared 2 'all.h5: is what is read' all.h5 ingest table all.h5 ./all.h5 --replace
for name in bundles/real.h5 other/hard.h5; do
    spared 2 "$name: is the bundle itself" bundles/real.h5 export zipline-hdf5 real $name --replace
done

# Of several countries each is looked at before the first is made.
if "$python" -c 'import h5py' 2>err; then
    cp real.before two.h5
    "$python" -c 'import sys, h5py; f = h5py.File(sys.argv[1], "a"); f.copy("US", "CA")' two.h5
    echo mine >bundles/w_US.h5
    refused 2 'bundles/w_US.h5: is there already' import hdf5 two.h5 w
    [ ! -e bundles/w_CA.h5 ] || fail 'a bundle of one country was made'
    run 0 import hdf5 two.h5 w --replace
    run 0 import hdf5 two.h5 w
fi

# A limit of the shell is an error that names file and limit, and leaves nothing.
mkdir limited
for command in 'demo limited/x.h5' 'ingest csvdir csv limited/x.h5 --filter none' 'import hdf5 big.h5 limited/x.h5' \
    'export zipline-hdf5 big.h5 limited/x.h5' 'export csvdir big.h5 limited/x'; do
    [ -e big.h5 ] || run 0 demo big.h5 --assets 20 --days 500
    # shellcheck disable=SC2086 # the command is several words
    (ulimit -f 8 && exec "$bundle" $command) >out 2>err
    same $? 1 "exit code of $command"
    grep -q '^bundle: error: limited/x.*files of more than 8192 bytes are not allowed here: raise ulimit -f' err ||
        fail "$command: $(cat err)"
    same "$(ls -A limited)" '' "what $command leaves"
done
finish
