#!/usr/bin/env bash
# test_lost_link.sh BIN [PYTHON] : what two hosts send each other is lost, and nothing else: not what the launcher says. With
# link_timeout_ms = 3000 every rank hears of it within the timeout and 10 s, whatever it does, with the names of both; the job
# ends with 1 and leaves nothing. A search says so in one line and can be resumed: the same file. Ranks that were stopped
# for longer than the timeout go on.
set -u
self=$(realpath "$0")
here=${self%/*}
ranks=8 timeout_ms=3000 slack_ms=10000

fail() {
    echo "FAILED: $*"
    for f in out err said.*; do [ ! -s "$f" ] || sed "s/^/  $f | /" "$f"; done
    exit 1
}

now() { # in ms
    local t=$EPOCHREALTIME
    echo $((${t/[.,]/} / 1000))
}

# until_true SECONDS COMMAND... : it comes true in time
until_true() {
    local end=$(($(now) + $1 * 1000))
    shift
    until "$@"; do
        [ "$(now)" -lt $end ] || return 1
        read -r -t 0.05 -u "$never" _ || :
    done
}

all_there() { # NAME
    local k
    for ((k = 0; k < ranks; k++)); do [ -e "$1.$k" ] || return 1; done
}

ended() { [ -e rc ]; }

# start COMMAND... : in the background; its exit code will be in rc
start() {
    rm -f rank.* said.* go stop rc
    { "$@" >out 2>err; echo $? >rc.draft; mv rc.draft rc; } &
}

nothing_left() {
    local k
    left=$(pgrep -a -x lost_link; pgrep -a -x optimizer; pgrep -a -f lost_sweep.py) # the head sees the processes of all hosts
    [ -z "$left" ] || return 1
    for ((k = 1; k <= CLUSTER_HOSTS; k++)); do
        left=$(host_exec "h$k" find /tmp /dev/shm -mindepth 1 -maxdepth 1 \( -path '/dev/shm/*' -o -name 'bundlepool-*' \
            ! -path "$PWD/*" \))
        [ -z "$left" ] || return 1
    done
}

# ends_broken A B CUT_MS WHAT : the job that was started ends as it should
ends_broken() {
    local took
    until_true $(((timeout_ms + slack_ms) / 1000)) ended || fail "$4, $1 and $2 cut off: the job does not end"
    took=$(($(now) - $3))
    [ "$(<rc)" = 1 ] || fail "$4, $1 and $2 cut off: exit code $(<rc)"
    until_true 5 nothing_left || fail "$4, $1 and $2 cut off: left: $left"
    echo "$4, $1 and $2 cut off: ended with 1 after $took ms"
}

names_both() { # A B < TEXT
    local text
    text=$(cat)
    [[ $text == *"($1)"* && $text == *"($2)"* ]]
}

pool_loses() { # WHAT A B
    local cut k
    start mpirun -n $ranks -x BUNDLEPOOL_LINK_TIMEOUT_MS=$timeout_ms -x "TMPDIR=$PWD/private" ./lost_link "$PWD" "$1"
    until_true 60 all_there rank || fail "$1: the ranks are not ready"
    [ "$1" != create ] || link_cut "$2" "$3"
    : >go
    if [ "$1" != create ]; then
        read -r -t 0.3 -u "$never" _ # in the middle of something
        link_cut "$2" "$3"
    fi
    cut=$(now)
    ends_broken "$2" "$3" "$cut" "pool, $1"
    all_there said || fail "$1: not every rank has heard of it"
    for ((k = 0; k < ranks; k++)); do
        grep -q '^BP_EMPI ' said.$k || fail "$1: rank $k has another reason"
        if [ "$1" = create ]; then # a rank that has never been heard has no name but its number
            grep -qE "[(]($2|$3)[)] cannot reach rank [0-9]" said.$k || fail "create: rank $k does not name who is lost"
        else
            names_both "$2" "$3" <said.$k || fail "$1: rank $k does not name $2 and $3"
        fi
    done
    link_mend "$2" "$3"
    rm -rf private/*
}

# Every rank stands still for longer than the timeout, and so nobody is missed.
pool_is_stopped() {
    local k host pid
    start mpirun -n $ranks -x BUNDLEPOOL_LINK_TIMEOUT_MS=$timeout_ms -x "TMPDIR=$PWD/private" ./lost_link "$PWD" invalidate
    until_true 60 all_there rank || fail "the ranks are not ready"
    : >go
    for ((k = 0; k < ranks; k++)); do read -r host pid <rank.$k && host_exec "$host" kill -STOP "$pid"; done
    read -r -t $((timeout_ms / 1000 + 3)) -u "$never" _ # this time has to pass
    for ((k = 0; k < ranks; k++)); do read -r host pid <rank.$k && host_exec "$host" kill -CONT "$pid"; done
    read -r -t $((timeout_ms / 1000 + 1)) -u "$never" _ # and if they missed each other, they would say so now
    : >stop
    until_true 60 ended || fail "the job does not end after it was stopped"
    [ "$(<rc)" = 0 ] || fail "the job does not survive that it was stopped: $(<rc)"
    until_true 5 nothing_left || fail "left: $left"
    echo "all ranks stopped for $((timeout_ms + 3000)) ms: they go on"
    rm -rf private/*
}

search=(--bundle demo --root bundles --strategy sma_cross --param fast=2:76 --param slow=77:476 --progress 0)

journal_has() { # BYTES
    [ -e hosts.csv.journal ] && [ "$(stat -c %s hosts.csv.journal)" -ge "$1" ]
}

search_loses() { # BIN A B
    local cut
    rm -f hosts.csv*
    # not by the fastest instructions: the search has to last longer than the link is waited for
    start mpirun -n $ranks "$1/optimizer" "${search[@]}" --isa portable --link-timeout-ms $timeout_ms --out hosts.csv
    until_true 60 journal_has 20000 || fail "the search has no results"
    link_cut "$2" "$3"
    cut=$(now)
    ends_broken "$2" "$3" "$cut" search
    [ "$(grep -c '^optimizer: ' err)" = 1 ] || fail "the search has not one line to say"
    grep '^optimizer: error: ' err | names_both "$2" "$3" || fail "the search does not name $2 and $3"
    [ ! -e hosts.csv ] || fail "the search has written its results"
    link_mend "$2" "$3"
    mpirun -n 2 "$1/optimizer" "${search[@]}" --out hosts.csv --resume >out 2>err || fail "the search cannot be resumed"
    grep '^resumed: [1-9]' out || fail "nothing was kept"
    cmp alone.csv hosts.csv || fail "resumed, it gives another file"
}

sweep() { # STAGE
    mpirun -n $ranks -x PYTHONPATH -x BUNDLEPOOL_LINK_TIMEOUT_MS=$timeout_ms "$python" ./lost_sweep.py "$PWD" "$1"
}

sweep_loses() { # A B
    local cut k
    rm -f hosts.csv*
    start sweep begin
    until_true 60 journal_has 20000 || fail "the sweep has no results"
    link_cut "$1" "$2"
    cut=$(now)
    ends_broken "$1" "$2" "$cut" "sweep from Python"
    all_there said || fail "sweep: not every rank has an exception"
    for ((k = 0; k < ranks; k++)); do
        grep '^MPIError ' said.$k | names_both "$1" "$2" || fail "sweep: rank $k has another reason"
    done
    link_mend "$1" "$2"
    rm -f said.*
    ranks=2 sweep resume >out 2>err || fail "the sweep cannot be resumed"
    cmp alone.csv hosts.csv || fail "resumed, the sweep gives another file"
}

# A dead link that MPI's own collectives need is found before the first of them.
search_begins_without() { # BIN A B
    local cut
    rm -f hosts.csv*
    link_cut "$2" "$3"
    cut=$(now)
    start mpirun -n $ranks "$1/optimizer" "${search[@]}" --link-timeout-ms $timeout_ms --out hosts.csv
    ends_broken "$2" "$3" "$cut" "search, from the start"
    [ "$(grep -c '^optimizer: ' err)" = 1 ] || fail "the search has not one line to say"
    grep '^optimizer: error: ' err | grep -qE "[(]($2|$3)[)] cannot reach rank [0-9]" ||
        fail "the search does not name who is lost"
    link_mend "$2" "$3"
}

if [ "${1:-}" = --inside ]; then
    exec {never}<> <(:) # a pipe that stays empty
    pool_is_stopped
    pool_loses idle h2 h3       # neighbours in the chain
    pool_loses load h1 h3       # in the tree
    pool_loses load h2 h3
    pool_loses invalidate h1 h2 # in both
    pool_loses idle h2 h4       # in neither: MPI's collectives may need them all the same
    pool_loses create h2 h3
    pool_loses create h1 h4
    search_begins_without "$2" h2 h4
    search_begins_without "$2" h1 h3
    search_loses "$2" h2 h3
    python=$3
    if [ -n "$python" ]; then sweep_loses h1 h3; fi
    exit
fi

bin=$(realpath "${1:?usage: test_lost_link.sh BIN}")
python=${2:-} PYTHONPATH=$(realpath -m "$bin/../python")
export PYTHONPATH PYTHONDONTWRITEBYTECODE=1
share=(--share "$bin")
if [ -n "$python" ] && "$python" -c 'import numpy' 2>/dev/null; then
    share+=(--share "$(realpath "$here/../..")" --share "$(realpath "$bin/..")") # the package is made of links
else
    echo "without the sweep from Python: it is not built, or has no NumPy"
    python=
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$bin/lost_link" "$bin/bundle-parser" "$here/lost_sweep.py" "$work" || exit 1
cd "$work" || exit 1
unset "${!BUNDLEPOOL_@}" "${!RUSTYBT_@}"
mkdir private bundles
"$bin/bundle" demo demo --root bundles --assets 60 --days 1500 >out 2>err || fail "bundle demo"
"$bin/optimizer" "${search[@]}" --out alone.csv >out 2>err || fail "the search on one rank"
"$here/with_hosts.sh" 4 "${share[@]}" --head-only "$work/private" -- "$self" --inside "$bin" "$python"
