# shellcheck shell=bash
# endure.sh, sourced by scripts that let something happen during a load. Works in the current folder, which is
# empty at first, is visible on every host, and has ./test_endure and private/, where the bundles go.

fail() {
    echo "FAILED: $*"
    [ ! -s out ] || sed 's/^/  | /' out
    exit 1
}

now() { # in ms
    local t=$EPOCHREALTIME
    echo $((${t/[.,]/} / 1000))
}

# start_job ROUNDS LAUNCHER... : test_endure in the background; launcher.pid is written before its first load
start_job() {
    rm -f halfway go ended rank.*
    mkfifo halfway go ended
    exec 3<>halfway 4<>go 5<>ended
    {
        "${@:2}" ./test_endure "$PWD" "$1" >out 2>&1 3<&- 4<&- 5<&- &
        echo $! >launcher.pid
        wait $!
        echo $? >&5
    } 2>/dev/null & # so that bash says nothing when it is killed
}

# halfway_within SECONDS : half of a load is done; it waits
halfway_within() {
    read -r -t "$1" -u 3 _
}

go_on() { # [LOADS]
    local i
    for ((i = 0; i < ${1:-1}; i++)); do printf g >&4; done
}

# ended_within SECONDS : the launcher has ended; its exit code is in $rc
ended_within() {
    rc=none
    read -r -t "$1" -u 5 rc
}

# start_loading LAUNCHER... : an endless job that has done two rounds and waits in the middle of the next load
start_loading() {
    local i
    start_job 1000000 "$@"
    for i in 1 2 3; do
        halfway_within 60 || fail "load $i did not begin"
        [ "$i" = 3 ] || go_on
    done
}

# run_clean LAUNCHER... : a job of two rounds that nothing happens to
run_clean() {
    start_job 2 "$@"
    go_on 2
    ended_within 60 || fail "a job that nothing happens to does not end"
    [ "$rc" = 0 ] || fail "a job that nothing happens to ends with $rc"
}
