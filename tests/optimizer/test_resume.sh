#!/usr/bin/env bash
# test_resume.sh BIN SHARED_DATA RUN_MPI : what the optimizer promises of its journal: what is refused and how, signals,
# resuming with any number of ranks, bundles that change, slices and their merge. killed.sh kills it.
. "$(dirname "$0")/common.sh"

# long enough to be interrupted; the sanitizers make it ten times slower
assets=100
if grep -q __asan_init "$optimizer"; then assets=10; fi
"$bundle" demo demo --assets $assets --days 1260 --seed 7 >out 2>err || { fail 'bundle demo'; exit 1; }
"$bundle" demo other --assets $assets --days 1260 --seed 8 >out 2>err || { fail 'bundle demo'; exit 1; }
cp bundles/demo.h5 demo.h5
sweep=(--bundle demo --strategy sma_cross --param fast=5:50 --param slow=51:130 --progress 0) # 3680 combinations
few=(--bundle demo --strategy sma_cross --param fast=5:25:5 --param slow=10:40:10)
good 2 "${sweep[@]}" --out all.csv
[ -s all.csv.journal ] || fail 'no journal beside --out'

interrupted() { # a journal x.csv.journal with some of the results, by SIGUSR1
    rm -f x.csv x.csv.journal
    start 4 "${sweep[@]}" --out x.csv
    until_results x.csv.journal 20 && kill -USR1 "$job"
    ends 75 SIGUSR1
    [ ! -e x.csv ] || fail 'an interrupted run wrote its results'
    had=$(sed -n 's/^optimizer: stopped: by SIGUSR1: \([0-9]*\) of 3680 are done$/\1/p' err)
    [[ $had =~ ^[0-9]+$ && $had -ge 20 && $had -lt 3680 ]] || fail 'it does not tell how far it got'
}

resumed() { # RANKS N ARGS... : goes on from N results, to the same file
    good "$1" "${sweep[@]}" --out x.csv --resume "${@:3}"
    expect out "^resumed: $2 of 3680\$" "$1 ranks"
    expect out '^loads: 1$' "$1 ranks"
    cmp all.csv x.csv || fail "$1 ranks: resumed to another file"
}

# Signals, and any number of ranks ----------------------------------------------------------------------------------

for ranks in 1 4 16; do
    interrupted
    resumed $ranks "$had"
done
good 2 "${sweep[@]}" --out x.csv --resume # a finished one: all of it is there
expect out '^resumed: 3680 of 3680$' finished
cmp all.csv x.csv || fail 'a finished run resumed to another file'
rm x.csv.journal
good 2 "${few[@]}" --out x.csv --resume --replace
expect out '^resumed: 0 of 14$' 'without a journal'

# SIGTERM, which mpirun takes its time to pass on, with an exit code of its own
endless=(--bundle demo --strategy sma_cross --param fast=5:50 --param slow=51:2000)
start 4 "${endless[@]}" --out y.csv
until_results y.csv.journal 20 && kill -TERM "$job"
wait "$job" && fail 'SIGTERM: exit code 0'
expect err '^optimizer: stopped: by SIGTERM: [0-9]* of 89700 are done$' SIGTERM
"$optimizer" merge y.csv.journal --out z.csv 2>err && fail 'an interrupted search is complete'
expect err 'are in none of the journals: ' 'what an interrupted search has not done'
rm y.csv.journal
"$optimizer" "${endless[@]}" --out y.csv >out 2>err &
job=$!
until_results y.csv.journal 20 && kill -TERM "$job"
ends 75 'SIGTERM without mpirun'
rm y.csv.journal
start 2 "${endless[@]}" --no-journal --out y.csv --progress 0.001
until grep -q backtests/s err; do kill -0 "$job" || break; sleep 0.01; done
kill -USR1 "$job"
ends 75 'without a journal'
expect err 'and lost: there is no journal$' 'without a journal'
[ ! -e y.csv.journal ] || fail '--no-journal made one'

# What is refused ---------------------------------------------------------------------------------------------------

interrupted
cp x.csv.journal before
rc=0
optimizer 4 "${sweep[@]}" --out x.csv || rc=$?
[ $rc = 1 ] || fail "exit code $rc for an unfinished journal"
expect err '^optimizer: error: --journal: x.csv.journal is of a search that was interrupted; go on with --resume' unfinished
command=$(sed -n 's/^  go on with: mpirun -n 4 //p' err)
cmp x.csv.journal before || fail 'an unfinished journal was touched'
eval "'$run' 2 $command" >out 2>err || fail "the command that it tells: $command"
expect out "^resumed: $had of 3680\$" 'the command that it tells'
cmp all.csv x.csv || fail 'the command that it tells gives another file'

interrupted
cp x.csv.journal before
another() { bad 1 "$@" --out x.csv --resume; }
another "127,128,129,130', here '...,121,122,123,124,125,126,127,128,129,130,131'" "${sweep[@]:0:6}" --param slow=51:131
another "there 'strategy sma_cross', here 'strategy momentum'" --bundle demo --strategy momentum
bad_ranks 4 1 "there 'strategy sma_cross', here 'strategy momentum'" --bundle demo --strategy momentum --out x.csv --resume
another "here 'commission 5bps'" "${sweep[@]}" --commission 5
another "here 'slice 1/2'" "${sweep[@]}" --slice 1/2
another "here 'bundle other'" --bundle other "${sweep[@]:2}"
sed 's/optimizer 0\./optimizer 9./' before >x.csv.journal
bad 1 'the journal is damaged' "${sweep[@]}" --out x.csv --resume
head -c 1800 before >x.csv.journal
printf x | dd of=x.csv.journal bs=1 seek=1200 conv=notrunc 2>/dev/null
bad 1 'the journal is damaged' "${sweep[@]}" --out x.csv --resume
truncate -s "$(sed -n "s/.*'truncate -s \([0-9]*\)'.*/\1/p" err)" x.csv.journal # as it says
resumed 2 '[1-9][0-9]*'
echo 'my notes' >x.csv.journal
bad 2 'is not a journal' "${sweep[@]}" --out x.csv
bad 2 'is not a journal' "${sweep[@]}" --out x.csv --resume --replace
[ "$(cat x.csv.journal)" = 'my notes' ] || fail 'what is no journal was touched'
head -c -5 before >x.csv.journal # within a record
resumed 2 '[1-9][0-9]*'

# a search that failed before its first result is in nobody's way
for again in '' --resume; do
    bad 1 nonesuch --bundle nonesuch --strategy sma_cross --out t.csv
    good 2 "${few[@]}" --out t.csv $again
    rm t.csv t.csv.journal
done

bad 2 'is --out as well' "${few[@]}" --out x.csv --journal x.csv
bad 2 'is --out as well' "${few[@]}" --out x.csv --journal ./../"${PWD##*/}"/x.csv
bad 2 'choose one' "${few[@]}" --out x.csv --journal j --no-journal
bad 2 'there is no journal' "${few[@]}" --resume
bad 2 'there is no journal' "${few[@]}" --out x.csv --no-journal --resume
bad 2 '--slice' "${few[@]}" --slice 0/4
bad 2 '--slice' "${few[@]}" --slice 5/4
bad 2 '--slice' "${few[@]}" --slice 1
bad 2 '--grace' "${few[@]}" --grace -1
bad 2 '--progress' "${few[@]}" --progress often
bad 2 '--stats-every' "${few[@]}" --stats-every 1e99
bad 2 'none of finish, fail, restart' "${few[@]}" --on-update ignore
bad 2 'choose one' "${few[@]}" --bundles demo,other
bad 2 'named twice' --bundles demo,demo "${few[@]:2}"
bad 2 'name is empty' --bundles demo,,other "${few[@]:2}"
bad 2 'different folders' --bundles demo,./x.h5 "${few[@]:2}"
# where nothing can be written is noticed before anything is loaded
for path in nofolder/j all.csv/j . /dev/null "$(printf '%0260d' 0)"; do
    bad 1 '--journal: ' --bundle nonesuch --strategy sma_cross --journal "$path"
done
mkdir closed
if unshare -m true 2>/dev/null; then # root may write whatever the mode says: a file system that is read-only
    # shellcheck disable=SC2016
    unshare -m bash -c 'mount -t tmpfs -o ro none closed && "$@"' sh \
        "$run" 2 "$optimizer" --bundle nonesuch --strategy sma_cross --journal closed/j >out 2>err
    [ $? = 1 ] && grep -q 'closed/j: cannot be made or written: Read-only file system' err || fail 'read-only'
else
    echo 'not tried: a read-only file system, for want of a mount namespace'
fi

# Two jobs, one journal: the first has enough to do to be there as long as the second one tries
rm -f x.csv x.csv.journal
start 2 "${endless[@]}" --progress 0 --out x.csv
first=$job
until_results x.csv.journal 20
rc=0
"$run" 2 "$optimizer" "${few[@]}" --out y.csv --journal x.csv.journal >out2 2>err2 || rc=$?
[ $rc = 1 ] && grep -q 'x.csv.journal: another job is writing it' err2 || fail "a journal of a running job: $rc: $(cat err2)"
[ ! -e y.csv ] || fail 'the second job wrote its results'
job=$first
had=$(results x.csv.journal)
until_results x.csv.journal $((had + 20)) && kill -USR1 "$job"
ends 75 'the first of two jobs'
"$optimizer" merge x.csv.journal --out z.csv >out 2>err && fail 'an interrupted search is complete'
expect err 'are in none of the journals: ' 'the journal of the first of two jobs'

# Bundles that change -----------------------------------------------------------------------------------------------

changes() { # CODE ARGS... : in the middle of the run
    rm -f x.csv x.csv.journal
    cp demo.h5 bundles/demo.h5
    start 3 "${sweep[@]}" --out x.csv "${@:2}"
    until_results x.csv.journal 20
    cp bundles/other.h5 new.h5
    mv new.h5 bundles/demo.h5
    ends "$1" "a change with $*"
}
good 2 --bundle other "${sweep[@]:2}" --out other.csv

changes 0
cmp all.csv x.csv || fail 'a change has changed the results'
expect err 'warning: bundle demo has changed on disk meanwhile' 'a change'
changes 0 --on-update finish
changes 1 --on-update fail
expect err '^optimizer: error: a bundle has changed on disk while it was tested' 'a change'
[ ! -e x.csv ] || fail 'results of a run that failed'
rc=0
optimizer 2 "${sweep[@]}" --out x.csv --resume || rc=$?
[ $rc = 1 ] || fail "exit code $rc with another version of the bundle"
expect err "^optimizer: error: bundle demo has content [0-9a-f]{12}, but the journal's results are of" 'another version'
rc=0
optimizer 2 "${sweep[@]}" --out x.csv --resume --on-update restart || rc=$?
[ $rc = 0 ] || fail "exit code $rc of a restart"
expect err 'warning: bundle demo has changed; it is tested from the start' restart
cmp other.csv x.csv || fail 'a restart gives other results'
changes 0 --on-update restart
cmp other.csv x.csv || fail 'restarted in the middle: other results'
"$optimizer" merge x.csv.journal --out merged.csv >out 2>err && cmp other.csv merged.csv || fail 'merged after a restart'
good 2 "${sweep[@]}" --out x.csv --resume
expect out '^resumed: 3680 of 3680$' 'after a restart'
cmp other.csv x.csv || fail 'resumed after a restart: other results'
cp demo.h5 bundles/demo.h5

# Slices ------------------------------------------------------------------------------------------------------------

for k in 1 2 3; do good $k "${few[@]}" --slice $k/3 --out s$k.csv; done
good 2 "${few[@]}" --out few.csv
merge() { "$optimizer" merge "$@" >out 2>err; }
merge s3.csv.journal s1.csv.journal s2.csv.journal --out merged.csv --replace || fail merge
cmp few.csv merged.csv || fail 'merged to another file'
expect out '^merged: 3 journals, combinations: 14 done, 6 skipped, 0 failed$' merge
expect out '^top 10 by sharpe' merge
[ "$(tail -q -n +2 s?.csv | sort -n | md5sum)" = "$(tail -n +2 few.csv | md5sum)" ] || fail 'slices are not the whole'
merge few.csv.journal --out merged.csv --json --top 3 --objective calmar && cmp few.csv merged.csv || fail 'merge of one'
if command -v python3 >/dev/null; then
    python3 -c 'import json,sys; j = json.load(sys.stdin); assert len(j["top"]) == 3 and j["done"] == 14' <out || fail 'merge --json'
fi
refused() { # CODE TEXT ARGS...
    local rc=0
    rm -f merged.csv
    merge "${@:3}" || rc=$?
    [ $rc = "$1" ] && [ "$(wc -l <err)" = 1 ] && grep -qF -- "$2" err && [ ! -e merged.csv ] || fail "merge ${*:3}: $rc"
}
refused 1 'are in none of the journals: ' s1.csv.journal s2.csv.journal --out merged.csv
refused 1 'is in s1.csv.journal and in few.csv.journal' s1.csv.journal few.csv.journal --out merged.csv
refused 1 'is in s1.csv.journal and in s1.csv.journal' s1.csv.journal s1.csv.journal --out merged.csv
refused 1 'is of another search' s1.csv.journal all.csv.journal --out merged.csv
refused 1 'nonesuch: cannot be read' s1.csv.journal nonesuch --out merged.csv
refused 1 'is not a journal' few.csv --out merged.csv
refused 2 'merge: an argument is missing' --out merged.csv
refused 2 '--out is missing' s1.csv.journal
refused 2 "--strategy: 'optimizer merge' has no such option" s1.csv.journal --out merged.csv --strategy sma_cross
refused 2 'is a journal to be merged' s1.csv.journal --out s1.csv.journal
cp bundles/other.h5 bundles/demo.h5
good 1 "${few[@]}" --slice 3/3 --out t3.csv
cp demo.h5 bundles/demo.h5
refused 1 'bundle demo has content' s1.csv.journal s2.csv.journal t3.csv.journal --out merged.csv

# Several bundles in a pool that has room for one -------------------------------------------------------------------

"$bundle" demo third --assets $((assets - 5)) --days 1260 --seed 9 >out 2>err || fail 'bundle demo'
three=(--bundles 'demo,other,third' --strategy sma_cross --param fast=5:25:5 --param slow=10:40:10)
for ranks in 1 4; do
    good $ranks "${three[@]}" --out three$ranks.csv --max-bundle-pool-size 1
    expect out '^loads: 3$' 'three bundles, room for one'
    good $ranks "${three[@]}" --out bytes.csv --pool-memory 8M
    expect out '^loads: 3$' 'three bundles, memory for one'
    cmp three$ranks.csv bytes.csv || fail 'three bundles: other results with less memory'
done
cmp three1.csv three4.csv || fail 'three bundles: the ranks change the file'
good 2 --bundle third "${few[@]:2}" --out third.csv
diff <(sed -n 's/^third,//p' three1.csv) <(tail -n +2 third.csv) || fail 'three bundles: not the results of each'
[ "$(head -n 1 three1.csv)" = "bundle,$(head -n 1 third.csv)" ] || fail 'three bundles: header'
[ "$(cut -d, -f1 three1.csv | uniq -c | tr -s ' \n' ' ')" = ' 1 bundle 20 demo 20 other 20 third ' ] || fail 'three bundles: order'
for k in 1 2; do good 2 "${three[@]}" --slice $k/2 --out s$k.csv --replace; done
merge s1.csv.journal s2.csv.journal --out merged.csv --replace && cmp three1.csv merged.csv || fail 'three bundles: merge'
for name in demo other third; do good 2 --bundle $name "${few[@]:2}" --out b-$name.csv; done
merge b-demo.csv.journal b-other.csv.journal b-third.csv.journal --out merged.csv && cmp three1.csv merged.csv ||
    fail 'one job for each bundle: merge'
merge b-third.csv.journal --out merged.csv --replace && cmp third.csv merged.csv || fail 'one bundle: merge'
refused 1 ') is in b-third.csv.journal and in s1.csv.journal' b-third.csv.journal s1.csv.journal --out merged.csv
long=(--bundles 'demo,other' "${sweep[@]:2}")
good 2 "${long[@]}" --out long.csv
for n in 20 3900; do
    rm -f x.csv x.csv.journal
    start 4 "${long[@]}" --out x.csv
    until_results x.csv.journal $n && kill -USR1 "$job"
    ends 75 "two bundles, $n results"
    good 3 "${long[@]}" --out x.csv --resume
    expect out '^resumed: [1-9][0-9]* of 7360$' 'two bundles'
    cmp long.csv x.csv || fail 'two bundles: resumed to another file'
done

# Lines for machines ------------------------------------------------------------------------------------------------

good 2 "${sweep[@]}" --no-journal --log-format json --progress 0.2 --stats-every 0.2
expect err '"event": "progress", "done": [0-9]+, "total": 3680, "backtests_per_second": ' progress
expect err '"ranks": 2, "cache_hits": [0-9]+, "cache_misses": [0-9]+, "cache_bytes": [0-9]+, "cache_limit": 58720256}' 'stats of what is kept'
expect err '"event": "stats", "done": [0-9]+, "total": 3680, "pool_size": 1, "max_pool_size": 100, "utilization_percent": 1, "hits": ' stats
if command -v python3 >/dev/null; then
    python3 -c 'import json,sys
for line in sys.stdin: json.loads(line)["time"]' <err || fail 'log lines are not JSON'
fi
optimizer 2 "${sweep[@]}" --no-journal --stats-every 0.2 || fail 'stats as text'
expect err '^optimizer: stats: done=[0-9]+ total=3680 pool_size=1 .*bytes_limit=[0-9]+ ' 'stats as text'

# Launched otherwise than Slurm was asked for -----------------------------------------------------------------------

export SLURM_NTASKS=16
bad_ranks 2 2 'SLURM_NTASKS is 16; start it as: srun --mpi=pmix -n 16' "${few[@]}"
rc=0
SLURM_PROCID=3 "$optimizer" "${few[@]}" >out 2>err || rc=$?
[ $rc = 2 ] && [ ! -s err ] || fail 'every one of several jobs tells of the same mistake'
SLURM_NTASKS=2 good 2 "${few[@]}"
unset SLURM_NTASKS
SLURM_MEM_PER_NODE=64 good 2 "${few[@]}"
expect out "^pool memory: at most 32\.0 MiB a node \(half of Slurm's limit on .*, 64 MiB\)\$" "the job's memory"
SLURM_MEM_PER_NODE=64 bad_ranks 4 1 'ask for more with --mem' "${few[@]}" --pool-memory 100M

finish
