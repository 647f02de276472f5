#!/usr/bin/env bash
# run.sh PROGRAM CORPUS FOUND SECONDS : has libFuzzer look for what PROGRAM, a fuzz target, does not stand, for so long. It begins
# with the seeds, as PROGRAM_corpus writes them, the files of the folder CORPUS, if there is one, and what former runs have kept.
# Inputs that break the target go to the folder FOUND. Ends with 1 if there is one.
set -euo pipefail
program=$1 corpus=$2 found=$3 seconds=$4
kept=$program.kept # what reaches code that nothing else does: it grows from run to run
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$kept" "$found" "$work/seeds"
"${program}_corpus" --write-seeds "$work/seeds"
folders=("$kept" "$work/seeds")
[ ! -d "$corpus" ] || folders+=("$corpus")
executions=0

look() { # SECONDS : the program's exit code
    local rc=0
    "$program" -max_total_time="$1" -timeout=30 -rss_limit_mb=2048 -max_len=20000 -print_final_stats=1 \
        -artifact_prefix="$found/" "${folders[@]}" >"$work/log" 2>&1 || rc=$?
    executions=$((executions + $(awk '/^stat::number_of_executed_units:/ { print $2 }' "$work/log")))
    return $rc
}

# Whether an input took long only because the machine stood still meanwhile: then it takes no second of processor time now.
is_fast() { # FILE
    [ -f "$1" ] && (ulimit -t 5 && "$program" -timeout=600 "$1") >/dev/null 2>&1
}

end=$((SECONDS + seconds))
until look $((end > SECONDS ? end - SECONDS : 1)); do
    slow=$(sed -n 's/.*Test unit written to \(.*\/timeout-[0-9a-f]*\)$/\1/p' "$work/log")
    if ! is_fast "$slow"; then
        tail -n 60 "$work/log"
        echo "FAILED: ${program##*/}, after $executions executions: what it does not stand is in $found"
        exit 1
    fi
    rm "$slow"
    [ $SECONDS -lt $end ] || break
done
echo "${program##*/}: $executions executions in $seconds s, nothing found"
