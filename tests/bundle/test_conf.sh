#!/bin/bash
# The administrator's file: defaults, what wins over them, what is allowed at most, and mistakes with file and line.
. "$(dirname "$0")/common.sh"
unset "${!BUNDLEPOOL_@}" "${!RUSTYBT_@}"
optimizer=$(dirname "$bundle")/optimizer
mkdir -p data/bundles data2
"$bundle" demo small --root data/bundles --assets 3 --days 20 >/dev/null || fail "bundle demo"
conf=$dir/bundlepool.conf
export BUNDLEPOOL_CONF=$conf

says() { grep -qE "^$1 +$2: .*${3:-}" "$dir/out" || fail "no line '$1 $2: ... ${3:-}' in: $out"; }
# optimize CODE TEXT OPTIONS... : the doctor of the optimizer, whose pool is of one rank, ends so, and says so
optimize() {
    local code=$1 text=$2 got=0
    shift 2
    "$optimizer" doctor "$@" >"$dir/out" 2>"$dir/err" </dev/null || got=$?
    out=$(cat "$dir/out" "$dir/err")
    [ "$got" = "$code" ] || fail "optimizer doctor $*: exit code $got instead of $code: $out"
    grep -qE -- "$text" <<<"$out" || fail "optimizer doctor $*: no '$text' in: $out"
}

# defaults < file < environment < options
printf '# ours\n\n  root =  %s\t\npool_memory = 64M\r\nlog_level=error\n' "$dir/data/bundles" >"$conf"
run 0 list
grep -q '^small ' "$dir/out" || fail "root of the file: $out"
BUNDLEPOOL_ROOT=$dir/data2 run 0 list
[ -z "$out" ] || fail "the variable does not win: $out"
run 0 list --root "$dir/data/bundles"
run 0 doctor
says good settings "pool_memory=67108864 log_level=error root=$dir/data/bundles"
optimize 0 '64.0 MiB on each node: pool_memory'
BUNDLEPOOL_POOL_MEMORY=32M optimize 0 '32.0 MiB on each node'
BUNDLEPOOL_POOL_MEMORY=32M optimize 0 '16.0 MiB on each node' --pool-memory 16M

# what is allowed at most, whoever asks
printf 'root = %s\nmax pool_memory = 48M\nmax max_staleness_ms = 1000\nroots = %s:/nowhere\n' "$dir/data/bundles" "$dir/data" >"$conf"
optimize 0 '48.0 MiB on each node: max pool_memory of .*bundlepool.conf:2'
optimize 0 '16.0 MiB on each node: pool_memory' --pool-memory 16M
optimize 2 'pool_memory: 52428800 is more than 50331648, which is the most that .*bundlepool.conf:2 allows' --pool-memory 50M
optimize 2 'max_staleness_ms: -1 is more than 1000.*bundlepool.conf:3' --max-staleness-ms -1
optimize 0 'pool' --max-staleness-ms 1000
optimize 2 'max_staleness_ms: 1001' --max-staleness-ms 1001
optimize 2 "root: .*data2: is in none of the folders that .*bundlepool.conf:4 allows" --root "$dir/data2"
ln -s "$dir/data2" data/bundles/out
optimize 2 'root: .*is in none' --root "$dir/data/bundles/out"
optimize 2 'root: .*is in none' --root "$dir/data/bundles/../../data2"
optimize 2 'root: .*not found' --root "$dir/data/none"
optimize 0 'pool' --root "$dir/data"
BUNDLEPOOL_POOL_MEMORY=50M optimize 2 'pool_memory: 52428800 is more than'

# mistakes: file and line, from both programs; the doctor tells of them and goes on
wrong() { # LINES TEXT
    printf '%b' "$1" >"$conf"
    run 2 list
    case $err in "bundle: error: $conf$2"*) ;; *) fail "'$1': '$2' is not in '$err'" ;; esac
    run 1 doctor
    says bad settings "$conf$2"
}
wrong '\npool_memory\n' ":2: no '='"
wrong 'pool_memroy = 1G\n' ":1: there is no setting 'pool_memroy'"
wrong 'max pool_memroy = 1G\n' ":1: there is no setting 'pool_memroy'"
wrong 'pool_memory = 1X\n' ":1: '1X' is not a number"
wrong 'max pool_memory = much\n' ":1: 'much' is not a number"
wrong 'max root = /data\n' ':1: max root: only numbers have a most'
wrong 'pool_memory =\n' ':1: a value is missing'
wrong ' = 3\n' ':1: a name is missing'
wrong 'max = 3\n' ":1: there is no setting 'max'"
wrong 'numa = interleave\n# x\nnuma = first-touch' ':3: numa is in line 1 already'
wrong 'numa = nowhere' ":1: 'nowhere' is none of"
wrong 'log_level = warn\n\0x = y\n' ': is no text'
for ((i = 0; i < 9000; i++)); do echo '# line'; done >"$conf"
run 1 list 2>/dev/null || true
[ -n "$err" ] || fail 'a file that is too large'

# which file
rm -f "$conf"
refused 1 'settings cannot be read: No such file' list --root data2
BUNDLEPOOL_CONF='' refused 2 'BUNDLEPOOL_CONF: empty' list
BUNDLEPOOL_CONF=$dir refused 1 'cannot be read: Is a directory' list
BUNDLEPOOL_CONF=/dev/null run 0 list --root data2
BUNDLEPOOL_CONF=$dir/none run 0 list --help
(unset BUNDLEPOOL_CONF && run 0 list --root data2 && exit $((failures > 0))) || fail 'without a file'
finish
