#!/usr/bin/env bash
# test_slurm.sh [PROBE] : with_slurm.sh gives what it promises. PROBE is hosts_probe.c compiled; without it,
# mpicc does that.
set -u
self=$(realpath "$0")
here=${self%/*}
. "$here/common.sh"

fail() {
    echo "FAILED: $*"
    for file in ./*.out; do
        [ ! -s "$file" ] || sed "s|^|  $file: |" "$file"
    done
    exit 1
}

# --- run by with_slurm.sh, on the head, in a folder that every host sees ---

# submit NAME [OPTIONS OF SBATCH] : standard input as the job NAME, in $job; its output goes to NAME.out
submit() {
    { echo "#!/usr/bin/env bash"; cat; } >"$1.sh"
    job=$(sbatch --parsable --job-name="$1" --output="$1.out" --open-mode=append "${@:2}" "$1.sh") || fail "sbatch $*"
}

completes() { # NAME SECONDS
    job_ended "$job" "$2" || fail "$1 is $(job_state "$job") after $2 s"
    [ "$(job_state "$job")" = COMPLETED ] || fail "$1 ended as $(job_state "$job"), $(job_field "$job" ExitCode)"
}

says() { # FILE LINE
    grep -qsxF -- "$2" "$1"
}

ranks_spread() {
    local launcher started
    for launcher in "mpirun" "srun --mpi=pmix"; do
        started=$(now)
        submit spread --nodes=3 --ntasks-per-node=2 <<<"$launcher $probe split 3 16"
        completes "$launcher" 60
        grep -q "^6 ranks on 3 nodes" spread.out || fail "$launcher does not make one job of 6 ranks"
        echo "$launcher: $(grep '^6 ranks' spread.out); $(($(now) - started)) ms from sbatch to the end"
        rm spread.out
    done
}

environment_arrives() {
    # shellcheck disable=SC2016 # expanded in the job
    GIVEN=something submit environment --nodes=1 --ntasks=3 --mem=300 \
        <<<'echo $GIVEN, $SLURM_NTASKS tasks, $SLURM_MEM_PER_NODE MB, $SLURM_CPUS_ON_NODE CPUs'
    completes "a job that tells of its environment" 30
    says environment.out "something, 3 tasks, 300 MB, 3 CPUs" || fail "the job's environment"
}

jobs_depend() {
    local array broken
    # shellcheck disable=SC2016 # expanded in the job
    submit array --array=1-4 <<<'touch element.$SLURM_ARRAY_TASK_ID'
    array=$job
    submit after --dependency="afterok:$array" <<<"ls element.[1-4] | wc -l"
    completes "a job after an array" 30
    says after.out 4 || fail "a job did not wait for all elements of the array it depends on"
    job_ended "$array" 0 || fail "the array has not ended: $(job_state "$array")"

    submit broken <<<"exit 7"
    broken=$job
    submit never --dependency="afterok:$broken" --kill-on-invalid-dep=yes <<<"touch ran"
    job_ended "$job" 30 || fail "a job after a failed one is $(job_state "$job")"
    [ "$(job_state "$job") $(job_field "$broken" ExitCode)" = "CANCELLED 7:0" ] && [ ! -e ran ] ||
        fail "a job after one that failed"
    echo "arrays and dependencies work"
}

# start_rounds [OPTIONS OF SBATCH] LAUNCHER : a job, in $job, that goes on for ever, but is done at once if requeued;
# returns when all its ranks run
start_rounds() {
    rm -f rounds.out
    submit rounds "${@:1:$#-1}" <<<"
        [ \"\${SLURM_RESTART_COUNT:-0}\" = 0 ] || exec echo \"again on \$SLURM_JOB_NODELIST\"
        ${!#} $probe rounds <>never" # a FIFO that is open for writing too does not end
    poll_until 60 grep -qs "^round" rounds.out || fail "${!#}: the job is $(job_state "$job")"
}

no_ranks() {
    local k name
    for ((k = 1; k <= CLUSTER_HOSTS; k++)); do
        for name in hosts_probe orted mpirun srun; do
            ! host_exec "h$k" pgrep "$name" >/dev/null || return 1
        done
    done
}

cancelling_clears() {
    local launcher cancelled
    for launcher in "mpirun" "srun --mpi=pmix"; do
        start_rounds --nodes=3 --ntasks-per-node=2 "$launcher"
        no_ranks && fail "there are no ranks to be seen"
        cancelled=$(now)
        scancel "$job"
        job_ended "$job" 30 || fail "a cancelled job is $(job_state "$job")"
        [ "$(job_state "$job")" = CANCELLED ] || fail "a cancelled job is $(job_state "$job")"
        no_ranks || fail "a cancelled job leaves something: $(for k in 1 2 3; do host_exec h$k ps -e; done)"
        echo "$launcher: a cancelled job is gone after $(($(now) - cancelled)) ms"
    done
}

# Slurm checks time limits every 30 s and counts them in minutes: a job that may still run for a minute and is to be
# signalled 40 s before its end is signalled at Slurm's next check. Submitted first, awaited last.
submit_limited() {
    # shellcheck disable=SC2016 # expanded in the job
    submit limited --time=0:20 --signal=B:USR1@40 <<<'
        again() {
            echo signalled
            scontrol requeue "$SLURM_JOB_ID"
        }
        trap again USR1
        echo "start ${SLURM_RESTART_COUNT:-0}"
        [ "${SLURM_RESTART_COUNT:-0}" = 0 ] || exit 0
        tail -f never &
        wait'
    limited=$job limited_since=$(now)
}

limited_job_ends() { # SECONDS
    completes "a job that requeues itself" "$1"
    [ "$(grep -xE 'start .|signalled' limited.out | tr '\n' ' ')" = "start 0 signalled start 1 " ] ||
        fail "a job that requeues itself does not start again once"
    [ "$(job_field "$job" Restarts)" = 1 ] || fail "Slurm counts $(job_field "$job" Restarts) restarts"
}

limited_job_starts_again() {
    local signalled
    job=$limited
    poll_until 60 says limited.out signalled || fail "no SIGUSR1 before the time limit"
    signalled=$(now)
    limited_job_ends 60
    echo "a job is signalled by its time limit after $((signalled - limited_since)) ms, and ends $(($(now) -
        signalled)) ms later, requeued"

    # The same signal to the same process, without the waiting.
    rm limited.out
    submit_limited
    poll_until 30 says limited.out "start 0" || fail "the job is $(job_state "$job")"
    signalled=$(now)
    scancel --batch --signal=USR1 "$job"
    start_again "$job" 20 || fail "the job is $(job_state "$job")"
    limited_job_ends 30
    echo "signalled by hand and not held back, it ends after $(($(now) - signalled)) ms"
}

# requeued_without hK MS HOW : the job, on two of three hosts at first, starts again without hK, killed at MS
requeued_without() {
    job_ended "$job" 120 || fail "the job is $(job_state "$job") after its host $1 died"
    [ "$(job_state "$job") $(job_field "$job" Restarts)" = "COMPLETED 1" ] || fail "the job is $(job_state "$job")"
    grep "^again on h" rounds.out >again || fail "the job was not requeued after its host $1 died"
    ! grep -q "${1#h}" again || fail "$(cat again), after the death of $1"
    echo "$1 killed, $3: the job is done on the others after $(($(now) - $2)) ms"
}

all_jobs() {
    local host lost
    submit_limited
    ranks_spread
    environment_arrives
    jobs_depend
    cancelling_clears
    limited_job_starts_again
    start_rounds --nodes=2 --ntasks-per-node=2 "srun --mpi=pmix"
    host=$(squeue --noheader --format=%B --jobs="$job") lost=$(now) # where the script runs
    lose_node "$host" || fail "lose_node"
    start_again "$job" 30 || fail "the job is $(job_state "$job") after its host $host died"
    requeued_without "$host" "$lost" "Slurm told"
}

silence_is_noticed() {
    local host lost
    start_rounds --nodes=2 --ntasks-per-node=2 "srun --mpi=pmix"
    host=$(scontrol show hostnames "$(job_field "$job" NodeList)" | tail -n 1) lost=$(now) # where the script is not
    host_kill "$host" || fail "host_kill"
    requeued_without "$host" "$lost" "Slurm not told"
}

if [ "${1:-}" = --inside ]; then
    "$2"
    exit
fi

# --- on the machine ---

. "$here/../cluster/probe.sh"
work_with_probe "${1:-$here/../cluster/hosts_probe.c}"
mkfifo never up
mkdir tools

# What a run could leave on the machine. Every process of it has the name of our folder in its environment; others may
# run Slurms of their own meanwhile.
traces() {
    cat /proc/self/mounts
    ls /sys/class/net
    find /tmp /dev/shm -maxdepth 1 \( -name .cluster -o -name slurmd -o -name '*.head.*' -o -name '*.h[0-9].*' \)
    env -i "$(command -v grep)" -lsF "$mark" /proc/[0-9]*/environ
}
traces >before

started=$(now)
"$here/with_slurm.sh" 3 -- sh -c 'exit 5'
rc=$?
[ $rc = 77 ] && exit 77
[ $rc = 5 ] || fail "the command's exit status is not passed on: $rc"
echo "up and down: $(($(now) - started)) ms"
"$here/with_slurm.sh" 3 -- "$self" --inside all_jobs || exit 1
SLURM_NODE_TIMEOUT=10 "$here/with_slurm.sh" 3 -- "$self" --inside silence_is_noticed || exit 1
unchanged || fail "something is left: $(diff before after)"

"$here/with_slurm.sh" 3 2>/dev/null
[ $? = 2 ] || fail "a missing command is not refused"
ln -s "$(command -v dirname)" tools
PATH=$work/tools "$BASH" "$here/with_slurm.sh" 2 -- true >skipped
[ $? = 77 ] || fail "a missing tool does not end with 77"
grep -q "^SKIPPED: .* is missing" skipped || fail "a missing tool is not named: $(cat skipped)"

{
    exec 3<>up
    # shellcheck disable=SC2016 # expanded on the head
    "$here/with_slurm.sh" 2 -- sh -c 'sbatch --quiet --output=/dev/null --wrap "echo up >up; exec tail -f never"
        exec tail -f never' &
    read -r -t 60 -u 3 _ || fail "no job started"
    kill -KILL $!
    wait $!
    [ $? = 137 ] || fail "SIGKILL does not end it"
    poll_until 10 unchanged || fail "something is left after SIGKILL: $(diff before after)"
} 2>/dev/null # bash reports the kill that was asked for
echo "nothing is left after a normal end and SIGKILL"
