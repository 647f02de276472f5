# shellcheck shell=bash disable=SC2034
# common.sh, sourced by the tests of the optimizer: $1 is the folder of the programs, $2 that of shared test data, $3
# run_mpi.sh. They run in a new folder, and in a /dev/shm of their own where that is possible.
set -u
self=$(realpath "$0")
here=${self%/*}
bin=$(realpath "$1") shared=$(realpath -m "$2") run=$(realpath "$3")
optimizer=$bin/optimizer bundle=$bin/bundle
command -v "${MPIEXEC:-mpirun}" >/dev/null || { echo "SKIPPED: mpirun is missing (Debian: openmpi-bin)"; exit 77; }

# In a /dev/shm of our own, what is left at the end is certainly ours.
if [ -z "${OWN_SHM:-}" ] && unshare -m --propagation private mount -t tmpfs probe /dev/shm 2>/dev/null; then
    # shellcheck disable=SC2016
    OWN_SHM=yes exec unshare -m --propagation private bash -c \
        'mount -t tmpfs -o mode=1777 own /dev/shm && exec "$@"' sh "$self" "$@"
fi

work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work" || exit 1
unset BUNDLEPOOL_ROOT
failed=0

fail() {
    echo "FAILED: $*"
    sed 's/^/    stdout: /' out
    sed 's/^/    stderr: /' err
    failed=1
}

optimizer() { # RANKS ARGS... : what it prints is in `out` and `err`
    local ranks=$1
    shift
    timeout 120 "$run" "$ranks" "$optimizer" "$@" >out 2>err
}

# complains : something is told on stderr, other than what the data deserves: shared prices know of their splits already
complains() { grep '^optimizer: ' err | grep -qv ': its prices contradict '; }

good() { # RANKS ARGS... : exit code 0 and no problem on stderr
    local rc=0
    optimizer "$@" || rc=$?
    [ $rc = 0 ] || fail "exit code $rc: $*"
    if complains; then fail "unexpected message: $*"; fi
}

# one_error CODE RC TEXT WHAT : a run ended with CODE, one error line, with this text, and no output
one_error() {
    if [ "$2" != "$1" ] || [ "$(grep -c '^optimizer: ' err)" != 1 ] || ! grep '^optimizer: error: ' err | grep -qF -- "$3"; then
        fail "expected exit code $1 and one error with '$3', got $2: $4"
    elif [ -s out ]; then
        fail "output in spite of the error: $4"
    else
        echo "ok: $1 $(grep '^optimizer: error: ' err)"
    fi
}

# bad CODE TEXT ARGS... : exit code, and one line with this text; the program alone, as it needs no other rank to see it
bad() {
    local rc=0
    timeout 120 "$optimizer" "${@:3}" >out 2>err || rc=$?
    one_error "$1" $rc "$2" "${*:3}"
}

# bad_ranks RANKS CODE TEXT ARGS... : the same, reported once for so many ranks
bad_ranks() {
    local rc=0
    optimizer "$1" "${@:4}" || rc=$?
    one_error "$2" $rc "$3" "${*:4}"
}

# alone ARGS... : exit code 0 and no problem on stderr, of the program without a launcher
alone() {
    local rc=0
    timeout 120 "$optimizer" "$@" >out 2>err || rc=$?
    [ $rc = 0 ] || fail "exit code $rc: $*"
    if complains; then fail "unexpected message: $*"; fi
}

expect() { # FILE PATTERN WHAT
    grep -qE -- "$2" "$1" || fail "$3: no line like '$2' in $1"
}

# start RANKS ARGS... : in the background, as $job: the launcher itself
start() {
    "$run" "$1" "$optimizer" "${@:2}" >out 2>err &
    job=$!
}

# ends CODE WHAT : the job ends with this exit code
ends() {
    local rc=0
    wait "$job" || rc=$?
    [ $rc = "$1" ] || fail "$2: exit code $rc instead of $1"
}

# results JOURNAL : how many a journal has, roughly: each takes 88 bytes
results() {
    local size
    size=$(stat -c %s "$1" 2>/dev/null || echo 0)
    echo $(((size - 400) / 88))
}

# until_results JOURNAL N : waits until that many are in it, as long as the job runs
until_results() {
    while [ "$(results "$1")" -lt "$2" ]; do
        kill -0 "$job" 2>/dev/null || { fail "the job ended before $2 results were in $1"; return 1; }
        sleep 0.01
    done
}

# finish : the end of a test
finish() {
    if [ -n "${OWN_SHM:-}" ]; then
        left=$(ls -A /dev/shm)
        [ -z "$left" ] || fail "left in /dev/shm: $left"
    else
        echo 'not looked at: what is left in /dev/shm, for want of a mount namespace'
    fi
    [ $failed = 0 ] && echo 'all as it should be'
    exit $failed
}
