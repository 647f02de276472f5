# shellcheck shell=bash disable=SC2034,SC2154 # used by those who source this; `fail` and `traces` are theirs
# probe.sh, sourced by the tests of the hosts themselves, on the machine: where they work, and whether they leave it as it was.

# work_with_probe SOURCE_OR_PROGRAM : goes to a new folder, $work, which is removed at the end. Its name, $mark, is in the
# environment of everything that is started; $probe is the program, under a name by which its processes are found.
work_with_probe() {
    local given
    given=$(realpath "$1")
    export work mark probe
    work=$(mktemp -d)
    mark=${work##*/}
    probe=$work/hosts_probe
    trap 'rm -rf "$work"' EXIT
    cd "$work" || exit 1
    if [ "${given##*.}" = c ]; then
        command -v mpicc >/dev/null || { echo "SKIPPED: mpicc is missing (Debian: libopenmpi-dev)"; exit 77; }
        mpicc -std=c11 -D_GNU_SOURCE -O2 "$given" -o "$probe" || fail "hosts_probe.c does not compile"
    else
        cp "$given" "$probe" || exit 1
    fi
}

# unchanged : what `traces` prints is what it has printed into `before`
unchanged() {
    traces >after
    cmp -s before after
}
