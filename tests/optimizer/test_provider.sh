#!/usr/bin/env bash
# test_provider.sh BIN SHARED_DATA RUN_MPI PROGRAM : strategies that are neither built in nor shared objects (tiny.c), in everything
# that a strategy is named for: lists, searches, dry runs, single runs, look-ahead, crashes, resuming and merging.
. "$(dirname "$0")/common.sh"
optimizer=$(realpath "$4")
"$bundle" demo demo --assets 8 --days 200 --seed 7 >out 2>err || { fail 'bundle demo'; exit 1; }
printf '%s\n' 'function rule: return 1' 'function helper: return 2' 'constant LIMIT: 3' >mine.tiny
search=(--bundle demo --param n=1:12 --progress 0)

# Names ---------------------------------------------------------------------------------------------------------------

alone --list-strategies mine.tiny
expect out '^hold$' 'the list of a provider'
expect out '^Loud$' 'the list of a provider'
expect out '^    --param Share ' 'a parameter with a capital'
alone --list-strategies=./mine.tiny:peek --json
[ "$(grep -c '"form": ' out)" = 1 ] || fail 'the list of one strategy'
alone --list-strategies
expect out '^sma_cross$' 'what is built in is still there'
bad 2 'mine.tiny: it holds several strategies: hold, Loud, crash, peek; choose one, such as mine.tiny:hold' \
    "${search[@]}" --strategy mine.tiny
bad 2 "mine.tiny: there is no strategy 'nonesuch' in it" "${search[@]}" --strategy mine.tiny:nonesuch
bad 2 'other.tiny: no such file' "${search[@]}" --strategy other.tiny:hold
bad_ranks 2 2 'other.tiny: no such file' "${search[@]}" --strategy other.tiny:hold
bad 2 'nonesuch.so: no such file' "${search[@]}" --strategy nonesuch.so
echo 'bad hash: 1' >wrong.tiny
bad 1 'wrong.tiny: its hash is not 64 lower-case hex digits' "${search[@]}" --strategy wrong.tiny:hold
echo 'bad count: 1' >wrong.tiny
bad 1 'wrong.tiny: there is no strategy in it' "${search[@]}" --strategy wrong.tiny:hold

# A search, the same by any number of ranks, and with MPI that runs already ----------------------------------------------

hold=("${search[@]}" --strategy mine.tiny:hold --param 'Share=0.5,1')
good 1 "${hold[@]}" --out one.csv
good 4 "${hold[@]}" --out four.csv
cmp one.csv four.csv || fail 'other results on other ranks'
[ "$(grep -c ',done,' one.csv)" = 24 ] || fail 'combinations are missing'
PROVIDED_MPI=yes good 3 "${hold[@]}" --out twice.csv
[ "$(grep -c '^loads: 1$' out)" = 2 ] || fail 'not searched twice'
cmp one.csv twice.csv || fail 'other results where MPI runs already'
PROVIDED_MPI=yes good 1 --list-metrics
PROVIDED_MPI=yes alone --list-metrics
PROVIDED_MPI=yes alone "${hold[@]}" --out alone.csv
cmp one.csv alone.csv || fail 'other results without a launcher'
rc=0
PROVIDED_MPI=yes optimizer 2 "${search[@]}" --strategy other.tiny:hold || rc=$?
[ $rc = 2 ] && [ "$(grep -c 'other.tiny: no such file' err)" = 2 ] || fail "wrong usage where MPI runs already: $rc"

alone "${hold[@]}" --dry-run
expect out '^combinations: 24 to be tested, 0 skipped$' 'a dry run'
alone run --bundle demo --strategy mine.tiny:hold --param n=3 --param Share=1 --equity equity.csv
[ "$(wc -l <equity.csv)" = 201 ] || fail 'the equity of a run'

# Look-ahead, with weights as they were answered
alone "${search[@]}" --strategy mine.tiny:hold --check-lookahead
expect out '^look-ahead: mine.tiny:hold, combination 0 ' 'look-ahead: the name'
if grep -qv ': none in ' out; then fail 'an honest strategy looks ahead'; fi
rc=0
"$optimizer" --bundle demo --strategy mine.tiny:peek --check-lookahead >out 2>err || rc=$?
[ $rc = 1 ] || fail "look-ahead of one that peeks: $rc"
expect out '^look-ahead: mine.tiny:peek, .* asset [A-Z]*, known at .* it says .weight 0.00[0-9]*., with later data .weight 0.0' 'look-ahead: what was said'

# Failures with much to say: a line each in tables, all of it in the journal and of a single run ----------------------------

loud=("${search[@]}" --strategy mine.tiny:Loud)
rc=0
optimizer 3 "${loud[@]}" --out loud.csv || rc=$?
[ $rc = 1 ] || fail "a search with failures: $rc"
expect err '^optimizer: warning: combination 2 \(n=3 Share=1\) failed: strategy Loud: ValueError: no 3 \(mine.tiny:3\) \.\.\.$' \
    'a failure in one line'
if grep -q 'Traceback' err; then fail 'a traceback in a table'; fi
[ "$(grep -ac 'Traceback, line 60' loud.csv.journal)" = 4 ] || fail 'the journal lacks texts'
rc=0
optimizer 2 "${loud[@]}" --out loud.csv --resume || rc=$?
[ $rc = 1 ] && grep -q '^resumed: 12 of 12$' out || fail 'long texts are not read again'
rc=0
"$optimizer" merge loud.csv.journal --out again.csv >out 2>err || rc=$?
[ $rc = 1 ] || fail "merged failures: $rc"
cmp loud.csv again.csv || fail 'merged to another file'
rc=0
timeout 60 "$optimizer" run --bundle demo --strategy mine.tiny:Loud --param n=6 >out 2>err || rc=$?
[ $rc = 1 ] && [ "$(grep -c '^optimizer: error: strategy Loud: ValueError: no 6 (mine.tiny:3)$' err)" = 1 ] ||
    fail "a single run that fails: $rc"
expect err '^    Traceback, line 60$' 'the traceback of a single run'

# A crash is told, and gone on from
rc=0
optimizer 2 "${search[@]}" --strategy mine.tiny:crash --out crash.csv || rc=$?
[ $rc = 75 ] && grep -q 'strategy crash of mine.tiny:crash, n=5 .*the strategy crashed (SIGABRT)' err || fail "a crash: $rc"
rc=0
optimizer 2 "${search[@]}" --strategy mine.tiny:crash --out crash.csv --resume || rc=$?
[ $rc = 1 ] && [ "$(grep -c ',failed,' crash.csv)" = 1 ] || fail "after a crash: $rc"

# What a strategy is made of --------------------------------------------------------------------------------------------

for k in 1 2; do alone "${hold[@]}" --slice $k/2 --journal $k.journal; done
cp mine.tiny before.tiny
sed -i 's/return 2/return 4/' mine.tiny
bad 1 '1.journal: the strategy has changed since: function helper has changed; restore it' \
    "${hold[@]}" --slice 1/2 --journal 1.journal --resume
alone "${hold[@]}" --slice 2/2 --journal other.journal
bad 1 'the strategy has changed since: function helper has changed' merge 1.journal other.journal --out mixed.csv
bad 2 'piece function helper' "${hold[@]}" --out one.csv
sed -i '/LIMIT/d' mine.tiny
bad 1 'function helper has changed, constant LIMIT is gone' "${hold[@]}" --slice 1/2 --journal 1.journal --resume
mv before.tiny mine.tiny
good 2 "${hold[@]}" --slice 1/2 --journal 1.journal --resume
mv mine.tiny aside # a merge needs no strategy
alone merge 1.journal 2.journal --out merged.csv
cmp one.csv merged.csv || fail 'merged to another file'
grep -q '^piece function helper ' merged.csv.origin || fail 'merged results do not tell what they are of'
bad 2 'is of a strategy in a file; name it, as FILE:hold' --from merged.csv --top 3
mv aside mine.tiny
alone --from merged.csv --top 3 --strategy mine.tiny:hold

finish
