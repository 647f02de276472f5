# shellcheck shell=bash
# common.sh, sourced by what runs under with_slurm.sh: functions to follow jobs. `sbatch -W` would do that too, but checks
# only every few seconds.

now() { # in ms
    local t=$EPOCHREALTIME
    echo $((${t/[.,]/} / 1000))
}

# poll_until SECONDS COMMAND : COMMAND succeeds in time; for states that nobody reports
poll_until() {
    local until=$(($(now) + 1000 * $1))
    until "${@:2}"; do
        [ "$(now)" -lt "$until" ] || return 1
        sleep 0.1
    done
}

nodes_are_idle() { # NUMBER
    [ "$(sinfo --noheader --states=idle --format=%D 2>/dev/null)" = "$1" ]
}

# job_state JOB : PENDING, RUNNING, COMPLETED, ...; of an array one line for each element (one for all that wait)
job_state() {
    squeue --noheader --states=all --format=%T --jobs="$1"
}

# job_field JOB NAME : what `scontrol show job` says after NAME=, such as ExitCode (75:0 is code and signal) or Restarts
job_field() {
    scontrol --oneliner show job "$1" | tr ' ' '\n' | sed -n "s/^$2=//p"
}

job_has_ended() {
    local states
    states=$(job_state "$1") && [ -n "$states" ] || return 1
    ! grep -qvxE 'COMPLETED|FAILED|CANCELLED|TIMEOUT|NODE_FAIL|OUT_OF_MEMORY|DEADLINE|BOOT_FAIL|PREEMPTED' <<<"$states"
}

# job_ended JOB SECONDS : the job ends in time, all elements of it if it is an array, and all its processes have gone
job_ended() {
    poll_until "$2" job_has_ended "$1"
}

job_is_running() {
    [ "$(job_state "$1")" = RUNNING ]
}

# job_running JOB SECONDS : the job starts in time; not that its script has got anywhere yet
job_running() {
    poll_until "$2" job_is_running "$1"
}

job_is_held_back() {
    [ "$(squeue --noheader --format=%T,%r --jobs="$1")" = PENDING,BeginTime ]
}

# start_again JOB SECONDS : the job is requeued in time, and is held back 2 s only, not 6. Slurm does that because a job
# that is launched in the second in which it was ended is taken for the old one, and fails.
start_again() {
    poll_until "$2" job_is_held_back "$1" && scontrol update JobId="$1" StartTime=now+2
}

# lose_node hK : the host dies, and Slurm hears of it at once instead of noticing after SLURM_NODE_TIMEOUT
lose_node() {
    host_kill "$1" && scontrol update NodeName="$1" State=DOWN Reason=killed
}
