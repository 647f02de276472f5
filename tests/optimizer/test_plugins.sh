#!/usr/bin/env bash
# test_plugins.sh BIN SHARED_DATA RUN_MPI : strategies from files, and what one may do to the job: crashes, endless loops,
# calls of exit(), weights and orders that cannot be. Each is told by one line that names strategy and combination; what was
# done is kept; --resume goes on without that combination, to the same file as if it had merely failed.
. "$(dirname "$0")/common.sh"
command -v "${CC:-cc}" >/dev/null || { echo "SKIPPED: cc is missing (Debian: gcc)"; exit 77; }
umask 022

build() { # SOURCE OUT FLAGS...
    "${CC:-cc}" -O2 -Wall -ffp-contract=off -shared -fPIC -I "$here/../../include" "${@:3}" -o "$2" "$1" -lm || exit 1
}
build "$here/plugins/bad.c" bad.so
"$bundle" demo demo --assets 20 --days 250 --seed 7 >out 2>err || { fail 'bundle demo'; exit 1; }
search=(--bundle demo --param n=0:9 --progress 0)

# Files ---------------------------------------------------------------------------------------------------------------

alone --list-strategies ./bad.so
expect out '^divide$' 'the list of a file'
expect out '^unknown_bar$' 'the list of a file'
alone --list-strategies=./bad.so:late --json
[ "$(grep -c '"help": "' out)" -gt 0 ] || fail 'the list of a file as JSON'
bad 2 'it holds several strategies: divide, write' "${search[@]}" --strategy ./bad.so
bad 2 "there is no strategy 'nonesuch' in it, choose from divide" "${search[@]}" --strategy ./bad.so:nonesuch
bad 2 'missing behind the colon' "${search[@]}" --strategy ./bad.so:
bad 2 './nonesuch.so: no such file' "${search[@]}" --strategy ./nonesuch.so
bad 2 'nonesuch.so: no such file' --list-strategies nonesuch.so
bad 1 'not a regular file' "${search[@]}" --strategy ./
cp "$here/plugins/bad.c" text.so
bad 1 'not a shared object; build it by' "${search[@]}" --strategy text.so
bad_ranks 4 1 'not a shared object; build it by' "${search[@]}" --strategy text.so
mkdir open
cp bad.so open
chmod 775 open
bad 1 'others may write to its folder: chmod go-w open ' "${search[@]}" --strategy open/bad.so:never
chmod 755 open
chmod 646 open/bad.so
bad 1 'others may write to it: chmod go-w open/bad.so' "${search[@]}" --strategy open/bad.so:never
bad_ranks 4 1 'others may write to it: chmod go-w open/bad.so' "${search[@]}" --strategy open/bad.so:never
cat >crash.c <<'END'
#include <bundlepool/strategy.h>
#include <stdlib.h>
__attribute__((constructor)) static void crash(void) { abort(); }
BP_STRATEGY_MODULE(NULL)
END
build crash.c crash.so
bad 1 './crash.so: while it was loaded, the strategy crashed (SIGABRT)' "${search[@]}" --strategy ./crash.so

# One content on all ranks
mkdir a b
cp bad.so a/mine.so
build "$here/plugins/bad.c" b/mine.so -O1
rc=0
"$run" 1 "$optimizer" "${search[@]}" --strategy a/mine.so:never : -n 1 "$optimizer" "${search[@]}" --strategy b/mine.so:never \
    >out 2>err || rc=$?
one_error 1 $rc 'has content ' 'another content on one rank'
rc=0
"$run" 1 "$optimizer" "${search[@]}" --strategy a/mine.so:never : -n 1 "$optimizer" "${search[@]}" --strategy c/mine.so:never \
    >out 2>err || rc=$?
one_error 2 $rc 'on node ' 'no file on one rank'

# The same on every number of ranks, and not told apart by the folder they lie in.
for ranks in 1 4 16; do good $ranks "${search[@]}" --strategy ./bad.so:never --out never$ranks.csv; done
cmp never1.csv never4.csv && cmp never1.csv never16.csv || fail 'the ranks change the file'
[ "$(grep -c ,done, never1.csv)" = 10 ] || fail 'a good strategy of a file'

# What it is belongs to the search: another content is not gone on with, wherever it lies, and is named
good 2 "${search[@]}" --strategy a/mine.so:never --out x.csv
good 2 "${search[@]}" --strategy a/mine.so:never --out x.csv --resume
expect out '^resumed: 10 of 10$' 'the same file'
cp a/mine.so moved.so
good 2 "${search[@]}" --strategy ./moved.so:never --out x.csv --resume
expect out '^resumed: 10 of 10$' 'the same content'
rm -f x.csv*
# a batch is lost with its rank, and n=3 must not be in the first one
in_the_end=(--bundle demo --param "n=$(seq -s, 4 40),3" --progress 0)
rc=0
optimizer 1 "${in_the_end[@]}" --strategy a/mine.so:divide --out x.csv || rc=$?
[ $rc = 75 ] || fail "exit code $rc"
bad_ranks 2 1 'the file of the strategy has changed: there its content is ' "${in_the_end[@]}" --strategy b/mine.so:divide \
    --out x.csv --resume
rc=0
optimizer 2 "${in_the_end[@]}" --strategy ./moved.so:divide --out x.csv --resume || rc=$?
[ $rc = 1 ] && grep -q '^37,failed,' x.csv || fail "the same content in another file: exit code $rc"
rm -f x.csv*
# without a result there is nothing to go on with: another content begins anew, and what the note says is not of it
rc=0
optimizer 1 "${search[@]}" --strategy a/mine.so:divide --out x.csv || rc=$?
[ $rc = 75 ] && [ -e x.csv.journal.crash.0 ] || fail "exit code $rc"
good 2 "${search[@]}" --strategy b/mine.so:never --out x.csv --resume
expect out '^resumed: 0 of 10$' 'another content, without results'
[ ! -e x.csv.journal.crash.0 ] && cmp x.csv never1.csv || fail 'the note of another content'
rm -f x.csv*

# What is no crash ----------------------------------------------------------------------------------------------------

fails() { # STRATEGY TEXT : the combination n=3 fails, and no other
    local rc=0
    rm -f f.csv*
    optimizer 2 "${search[@]}" --strategy "./bad.so:$1" --out f.csv || rc=$?
    [ $rc = 1 ] || fail "$1: exit code $rc"
    expect err "^optimizer: warning: combination 3 \(n=3\) failed: .*$2" "$1"
    expect err '^optimizer: error: 1 of 10 combinations failed$' "$1"
    [ "$(grep -c ,done, f.csv)" = 9 ] && grep -q '^3,failed,3,,*$' f.csv || fail "$1: not the one combination"
}
fails fail 'three is a crowd'
fails nan_weight 'nan'
fails infinite_weight 'inf'
fails negative_weight '-0.5'
fails too_much ''
fails unknown_asset '100000'
fails nan_order 'nan'
fails infinite_order 'inf'
fails unknown_bar '1000000'

# Crashes -------------------------------------------------------------------------------------------------------------

sed 's/^3,done,3,.*/3,failed,3,,,,,,,/' never1.csv >without.csv
notes() { find . -maxdepth 1 -name 'x.csv.journal.crash.*'; }

crashes() { # RANKS STRATEGY REASON REFERENCE ARGS... : the job ends with 75, and goes on
    local rc=0
    rm -f x.csv*
    optimizer "$1" "${search[@]}" --strategy "./bad.so:$2" --out x.csv "${@:5}" || rc=$?
    [ $rc = 75 ] || fail "$2 on $1 ranks: exit code $rc"
    [ "$(grep -c '^optimizer: error: ' err)" = 1 ] || fail "$2 on $1 ranks: not one error"
    expect err "^optimizer: error: strategy $2 of ./bad.so:$2, n=3, rank [0-9]+: $3; --resume goes on without it\$" "$2 on $1 ranks"
    expect err '^  go on with: .* --resume$' "$2 on $1 ranks"
    [ "$(notes | wc -l)" = 1 ] && [ "$(stat -c %a "$(notes)")" = 600 ] || fail "$2 on $1 ranks: not one note"
    [ ! -e x.csv ] || fail "$2 on $1 ranks: results of a job that has ended early"
    rc=0
    optimizer "$1" "${search[@]}" --strategy "./bad.so:$2" --out x.csv --resume || rc=$?
    [ $rc = 1 ] || fail "$2 on $1 ranks: exit code $rc when resumed"
    expect err "^optimizer: warning: combination 3 \(n=3\) failed: $3\$" "$2 on $1 ranks, resumed"
    [ -z "$(notes)" ] || fail "$2 on $1 ranks: the note is still there"
    cmp x.csv "$4" || fail "$2 on $1 ranks: resumed to another file"
}
written='the strategy crashed \(SIGSEGV: at memory that must not be written, such as prices\)'
divided='the strategy crashed \(SIGFPE: a whole number was divided by 0\)'
for ranks in 1 16; do
    crashes $ranks divide "$divided" without.csv
    crashes $ranks write "$written" without.csv
    crashes $ranks loop 'it took longer than 1 seconds' without.csv --timeout 1
done
crashes 4 null 'the strategy crashed \(SIGSEGV\)' without.csv
crashes 1 abort 'the strategy crashed \(SIGABRT\)' without.csv
crashes 4 trap 'the strategy crashed \(SIGILL\)' without.csv
crashes 1 stack 'the strategy crashed \(SIGSEGV: its stack is full\)' without.csv
crashes 16 batch "$divided" without.csv # a batch of one for each rank
crashes 4 exit 'the strategy called exit\(\)' without.csv
rm -f x.csv*

# of several combinations at once it is not known which is to blame: they are run one by one, and none is
many=(--bundle demo --param n=0:79 --progress 0)
rc=0
optimizer 2 "${many[@]}" --strategy ./bad.so:batch_only --out x.csv || rc=$?
[ $rc = 75 ] || fail "a batch: exit code $rc"
expect err "^optimizer: error: strategy batch_only of ./bad.so:batch_only, n=[0-9]+ and [0-9]+ more at once, rank [01]: $divided; --resume runs them one by one\$" 'a batch'
[ "$(cat x.csv.journal.crash.* | grep -c '^task ')" -gt 1 ] || fail 'a batch: a note of one combination'
good 2 "${many[@]}" --strategy ./bad.so:batch_only --out x.csv --resume
good 2 "${many[@]}" --strategy ./bad.so:never --out many.csv
cmp x.csv many.csv || fail 'a batch: resumed to another file'
[ -z "$(notes)" ] || fail 'a batch: the note is still there'
rm -f x.csv*

# without a launcher, without a journal, and with a crash before anything is known
rc=0
timeout 120 "$optimizer" "${search[@]}" --strategy ./bad.so:late --out x.csv >out 2>err || rc=$?
[ $rc = 75 ] || fail "alone: exit code $rc"
expect err "^optimizer: error: strategy late of ./bad.so:late, n=3, rank 0: $divided; --resume goes on" alone
rm -f x.csv*
rc=0
optimizer 2 "${search[@]}" --strategy ./bad.so:divide || rc=$?
[ $rc = 1 ] || fail "without a journal: exit code $rc"
expect err "rank [01]: $divided; what was done is lost: there is no journal to go on from\$" 'without a journal'
rc=0
optimizer 2 "${search[@]}" --strategy ./bad.so:check --out x.csv || rc=$?
[ $rc = 1 ] || fail "a crash of check: exit code $rc"
expect err "^optimizer: error: strategy check of ./bad.so:check, while combinations were looked at, rank 0: $divided" 'a crash of check'
rm -f x.csv*

rc=0
timeout 120 "$optimizer" run --bundle demo --strategy ./bad.so:late --param n=3 >out 2>err || rc=$?
[ $rc = 1 ] || fail "a crash of a run: exit code $rc"
expect err "^optimizer: error: strategy late of ./bad.so:late, n=3, rank 0: $divided\$" 'a crash of a run'
alone run --bundle demo --strategy ./bad.so:late --param n=4
rc=0
timeout 120 "$optimizer" "${search[@]}" --strategy ./bad.so:check --dry-run >out 2>err || rc=$?
[ $rc = 1 ] || fail "a crash of an estimate: exit code $rc"
expect err "^optimizer: error: strategy check of ./bad.so:check, while combinations were looked at, rank 0: $divided\$" 'an estimate'
rc=0
timeout 120 "$optimizer" "${search[@]}" --strategy ./bad.so:divide --check-lookahead --out x.csv >out 2>err || rc=$?
[ $rc = 1 ] || fail "a crash while it is checked: exit code $rc"
expect err "^optimizer: error: strategy divide of ./bad.so:divide, n=3, rank 0: $divided\$" 'a crash while it is checked'
[ -z "$(notes)" ] || fail 'a note without a search'

# A note that is not to be believed marks nothing
rc=0
optimizer 1 "${search[@]}" --strategy ./bad.so:divide --out x.csv || rc=$?
[ $rc = 75 ] || fail "exit code $rc"
chmod 644 x.csv.journal.crash.0
rc=0
optimizer 1 "${search[@]}" --strategy ./bad.so:divide --out x.csv --resume || rc=$?
[ $rc = 75 ] || fail "a note that others can read was believed: exit code $rc"
expect err '^optimizer: warning: x.csv.journal.crash.0 is not believed: others may read or write it$' 'an open note'
[ -e x.csv.journal.crash.0.1 ] || fail 'no second note'
rc=0
optimizer 1 "${search[@]}" --strategy ./bad.so:divide --out x.csv --resume || rc=$?
[ $rc = 1 ] && cmp x.csv without.csv || fail "the second note: exit code $rc"
rm -f x.csv*

# Signals from outside are no strategy's: they end the job as ever
: >out
start 1 --bundle demo --strategy ./bad.so:loop --param n=3 --out x.csv
until grep -q '^search: ' out; do kill -0 "$job" || break; sleep 0.01; done
pkill -SEGV -P "$job"
wait "$job"
[ -z "$(notes)" ] || fail 'a signal from outside was taken for a crash'
grep -q 'the strategy crashed' err && fail 'a signal from outside was taken for a crash'
rm -f x.csv*

# As JSON
rc=0
optimizer 2 "${search[@]}" --strategy ./bad.so:divide --log-format json --out x.csv || rc=$?
[ $rc = 75 ] || fail "as JSON: exit code $rc"
expect err '"level": "error", "text": "strategy divide of ./bad.so:divide, n=3, rank [01]: the strategy crashed' JSON
finish
