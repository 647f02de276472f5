#!/usr/bin/env bash
# test_hosts.sh [PROBE] : with_hosts.sh gives what it promises. PROBE is hosts_probe.c compiled; without it mpicc is used.
set -u
self=$(realpath "$0")
here=${self%/*}

fail() {
    echo "FAILED: $*"
    exit 1
}

now() { # in ms
    local t=$EPOCHREALTIME
    echo $((${t/[.,]/} / 1000))
}

# start COMMAND... : in the background, as $job; its input is our 3, its output our 4
start() {
    rm -f input output
    mkfifo input output
    {
        trap - INT # a background job would ignore SIGINT
        exec "$@"
    } <input >output 2>&1 &
    job=$!
    exec 3>input 4<output
}

# next_line MS : the job's next line, in $line; 1 at the end of its output, more than 128 if none came in time
next_line() {
    IFS= read -r -t "$(($1 / 1000)).$(printf %03d $(($1 % 1000)))" -u 4 line
}

# ends_within SECONDS : the job ends in time; its exit code is in $rc
ends_within() {
    local until=$(($(now) + 1000 * $1)) left
    rc=none
    while left=$((until - $(now))) && [ "$left" -gt 0 ]; do
        next_line "$left" && continue
        [ $? = 1 ] || return 1
        wait "$job" 2>/dev/null
        rc=$?
        return 0
    done
    return 1
}

start_rounds() { # LAUNCHER...
    start "$@" -n 4 "$probe" rounds
    while next_line 30000; do
        [[ $line == round* ]] && return 0
    done
    fail "the job did not start"
}

# poll_until SECONDS COMMAND : COMMAND succeeds in time; for states that nobody reports
poll_until() {
    local tries
    for ((tries = 0; tries < 50 * $1; tries++)); do
        "${@:2}" && return 0
        sleep 0.02
    done
    return 1
}

# --- run by with_hosts.sh, on the head; $work is a folder that every host sees, $mark its name ---

each_host_is_its_own() {
    local k
    for ((k = 1; k <= CLUSTER_HOSTS; k++)); do
        host_exec "h$k" touch "/dev/shm/$mark.h$k" "/tmp/$mark.h$k"
        host_exec "h$k" setsid --fork tail -f "$work/nothing" >/dev/null
    done
    touch "/dev/shm/$mark.head" "/tmp/$mark.head"
    for ((k = 1; k <= CLUSTER_HOSTS; k++)); do
        # shellcheck disable=SC2016 # expanded on the host
        host_exec "h$k" sh -c 'echo "$(hostname) in $PWD, shm of $(df --output=size -BM /dev/shm | tail -n 1)"
            ls /dev/shm/*"$1".* /tmp/*"$1".*; pgrep -c tail; ls private' sh "$mark" | tr -s ' \n' ' '
        echo
    done >seen
    for ((k = 1; k <= CLUSTER_HOSTS; k++)); do
        echo "h$k in $work, shm of 96M /dev/shm/$mark.h$k /tmp/$mark.h$k 1 $([ $k != 1 ] || echo 'bundle.h5 ')"
    done | diff - seen || fail "a host sees something else than its own files and processes"
    [ -e private/bundle.h5 ] || fail "the head does not see what h1 sees"
    echo "each of $CLUSTER_HOSTS hosts has its own name, /tmp, /dev/shm and processes; h1 alone sees the head's folder"
}

ranks_spread() {
    mpirun -n 10 "$probe" split 4 16 || fail "10 ranks over 4 hosts"
    mpirun -n 3 "$probe" split 3 1 || fail "3 ranks over 4 hosts"
    mpirun -n 8 --tag-output hostname | sort >placed
    printf '[1,%d]<stdout>:h%d\n' 0 1 1 1 2 2 3 2 4 3 5 3 6 4 7 4 | diff - placed ||
        fail "neighbouring ranks are not on the same host"
}

slots_are_filled_in_order() {
    mpirun -n 7 --tag-output hostname | sort >placed
    printf '[1,%d]<stdout>:h%d\n' 0 1 1 1 2 1 3 2 4 3 5 3 6 3 | diff - placed ||
        fail "slots 3,1,3 are not filled in order"
    echo "3 uneven hosts are filled in order"
}

link_is_limited() {
    local ms
    mpirun -n 2 "$probe" split 2 16 | tee limited
    ms=$(grep -o '[0-9]* ms' limited) || fail "the probe"
    [ "${ms% ms}" -ge 600 ] || fail "16 MiB took $ms at 200 Mbit/s"
}

no_probe() { # on HOST
    ! host_exec "$1" pgrep hosts_probe >/dev/null
}

host_dies() {
    local killed
    start_rounds mpirun
    killed=$(now)
    host_kill h3 || fail "host_kill"
    ends_within 10 || fail "mpirun did not end within 10 s of the death of h3"
    [ "$rc" != 0 ] || fail "mpirun ended with 0 after the death of h3"
    echo "h3 killed: mpirun ended with $rc after $(($(now) - killed)) ms"
    host_exec h3 true 2>/dev/null && fail "h3 still runs commands"
    poll_until 10 no_probe h1 || fail "ranks are left on h1"
    mpirun --host h1,h2,h4 -n 3 "$probe" split 3 1 || fail "the hosts that are left are of no use"
}

link_breaks() {
    local down up left lines=0
    start_rounds mpirun
    link_down h2
    down=$(now)
    # Listen for as long as the cable is out: a line or two may have been under way.
    while left=$((down + 5000 - $(now))) && [ "$left" -gt 0 ]; do
        next_line "$left" && lines=$((lines + 1))
    done
    [ "$lines" -lt 10 ] || fail "the job goes on without the link of h2"
    link_up h2
    up=$(now)
    next_line 60000 || fail "the job did not go on within 60 s of link_up"
    echo "link of h2 down for $((up - down)) ms ($lines lines meanwhile): the job went on $(($(now) - up)) ms later"
    exec 3>&-
    ends_within 30
    [ "$rc" = 0 ] || fail "the job did not survive: exit code $rc"
}

if [ "${1:-}" = --inside ]; then
    "$2"
    exit
fi

# --- on the machine ---

. "$here/probe.sh"
work_with_probe "${1:-$here/hosts_probe.c}"
mkdir private tools
touch nothing private/bundle.h5

hosts() { # N OPTIONS... CASE
    "$here/with_hosts.sh" "${@:1:$#-1}" -- "$self" --inside "${!#}"
}

# What a run could leave on the machine.
traces() {
    cat /proc/self/mounts
    ls /sys/class/net
    find /tmp /dev/shm -maxdepth 1 \( -name .cluster -o -name "$mark*" -o -name '*.head.*' -o -name '*.h[0-9].*' \)
    pgrep -a -f "$mark"
}
traces >before

hosts 4 --shm 96m --head-only "$work/private" each_host_is_its_own
rc=$?
[ $rc = 77 ] && exit 77
[ $rc = 0 ] || exit 1
unchanged || fail "something is left: $(diff before after)"
hosts 4 ranks_spread || exit 1
hosts 3 --slots 3,1,3 slots_are_filled_in_order || exit 1
hosts 4 host_dies || exit 1
hosts 4 link_breaks || exit 1
hosts 2 --rate 200 link_is_limited
rc=$?
[ $rc = 0 ] || [ $rc = 77 ] || exit 1
unchanged || fail "something is left: $(diff before after)"

"$here/with_hosts.sh" 2 -- sh -c 'exit 5'
[ $? = 5 ] || fail "the command's exit status is not passed on"
"$here/with_hosts.sh" 2 -- sh -c 'cat; cat <&3' <<<"input" 3<<<"and more" | tr '\n' ' ' | grep -q '^input and more $' ||
    fail "the command's input is not passed on"
"$here/with_hosts.sh" 0 -- true 2>/dev/null
[ $? = 2 ] || fail "0 hosts are not refused"
ln -s "$(command -v dirname)" tools
PATH=$work/tools "$BASH" "$here/with_hosts.sh" 2 -- true >skipped
[ $? = 77 ] || fail "a missing tool does not end with 77"
grep -q "^SKIPPED: .* is missing" skipped || fail "a missing tool is not named: $(cat skipped)"
if [ "$(id -u)" = 0 ]; then
    setpriv --bounding-set -sys_admin "$here/with_hosts.sh" 2 -- true >skipped
    [ $? = 77 ] || fail "a lack of permission does not end with 77"
    grep -q "^SKIPPED: namespaces are not permitted here: ." skipped || fail "it says: $(cat skipped)"
fi
echo "exit status and input are passed on; what is missing or not permitted skips"

for signal in TERM:143 INT:130 KILL:137; do
    start_rounds "$here/with_hosts.sh" 4 -- mpirun
    kill -"${signal%:*}" "$job"
    ends_within 10 || fail "SIG${signal%:*} does not end it"
    [ "$rc" = "${signal#*:}" ] || fail "SIG${signal%:*} ends it with $rc"
    poll_until 5 unchanged || fail "something is left after SIG${signal%:*}: $(diff before after)"
done 2>/dev/null # bash reports the kill that was asked for
echo "nothing is left after a normal end, SIGTERM, SIGINT and SIGKILL"
