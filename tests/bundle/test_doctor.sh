#!/bin/bash
# bundle doctor: what it says of this machine, of one with a small or full /dev/shm, under limits, and of settings.
. "$(dirname "$0")/common.sh"
mkdir root
export BUNDLEPOOL_ROOT=$dir/root
sanitized=$(grep -cE '__(asan|tsan)_init' "$bundle") # they take address space and descriptors for themselves

# says HEALTH WHAT TEXT : there is such a line
says() { grep -qE "^$1 +$2: .*${3:-}" "$dir/out" || fail "no line '$1 $2: ... ${3:-}' in: $out"; }

# under LIMIT... -- CODE [OPTIONS...] : with these limits of `ulimit`
under() {
    local limits=()
    while [ "$1" != -- ]; do limits+=("$1"); shift; done
    local code=$2 got=0
    shift 2
    (ulimit "${limits[@]}" && exec "$bundle" doctor "$@") >"$dir/out" 2>"$dir/err" </dev/null || got=$?
    out=$(cat "$dir/out")
    [ "$got" = "$code" ] || fail "ulimit ${limits[*]}: exit code $got instead of $code: $out $(cat "$dir/err")"
}

run 0 doctor
[ "$(grep -vcE '^(good|warn|bad ) [^:]+: .' "$dir/out")" = 1 ] && fail "a line of another form: $out"
grep -E '^warn' "$dir/out" | grep -v ' — ' && fail 'a warning without anything to do'
for what in system settings processors 'NUMA domains' clock memory 'shared memory' window 'huge pages' 'file size limit' \
    'address space limit' descriptors threads 'core dumps' 'locked memory' 'copies between ranks' parser bundles Slurm; do
    says '(good|warn)' "$what"
done
says good settings "root=$dir/root"
lines=$(wc -l <"$dir/out")
run 0 doctor --json
[ "$(field 'len(j["findings"])')" = "$lines" ] || fail "--json has not as many findings as there are lines"
[ "$(field 'j["bad"], all(set(f) == {"health", "what", "host", "value", "remedy"} for f in j["findings"])')" = '(0, True)' ] ||
    fail "--json: $out"

refused 2 "unexpected argument 'x'" doctor x
refused 2 "no such option" doctor --assets 3
[ "$("$bundle" doctor --help | grep -c '^  bundle doctor')" -ge 2 ] || fail 'no examples'
"$bundle" doctor >/dev/full 2>"$dir/err" && fail 'a full standard output'

# the folder of the bundles
run 0 doctor --root "$dir/nowhere"
says warn bundles 'no such folder.*--root'
run 1 doctor --root "$bundle"
says bad bundles 'not a folder'

# the parser
parser=$(dirname "$bundle")/bundle-parser
run 0 doctor
says good parser "$(realpath "$parser"): answers, and is of this build"
BUNDLEPOOL_PARSER=$parser run 0 doctor
says good parser "$(realpath "$parser"): answers"
says good settings "root=$dir/root"
BUNDLEPOOL_PARSER=inline run 0 doctor
says good parser 'inline: .*BUNDLEPOOL_PARSER'
BUNDLEPOOL_PARSER=$dir/nowhere run 1 doctor
says bad parser 'nowhere: cannot be opened.* — name the bundle-parser of this installation'
BUNDLEPOOL_PARSER=/bin/true run 1 doctor --json
[ "$(field '[f["health"] for f in j["findings"] if f["what"] == "parser"]')" = "['bad']" ] || fail "--json: $out"
printf '#!/bin/sh\nexit 1\n' >"$dir/script"
BUNDLEPOOL_PARSER=$dir/script run 1 doctor
says bad parser 'cannot be started|does not start, or is another program'

# settings
BUNDLEPOOL_POOL_MEMORY=12x run 1 doctor
says bad settings "BUNDLEPOOL_POOL_MEMORY: '12x' is not a number"
BUNDLEPOOL_POOL_MEMROY=1G run 0 doctor
says warn settings 'BUNDLEPOOL_POOL_MEMROY is set, and is no setting'
BUNDLEPOOL_POOL_MEMORY=900T run 1 doctor
says bad memory 'pool_memory is more than that.*set pool_memory lower'
SLURM_JOB_ID=17 SLURM_NTASKS=4 run 0 doctor
says good Slurm 'JOB_ID=17 NTASKS=4'
SLURM_JOB_ID=17 SLURM_MEM_PER_NODE=1 run 1 doctor
says bad memory 'Slurm: 1.0 MiB.*ask Slurm for more'

# limits
under -f 1000 -- 1
says bad 'file size limit' "1000.0 KiB.*'ulimit -f'"
says bad window "'ulimit -f'"
under -f 100000 -- 0
says warn 'file size limit' "97.7 MiB: a pool may have 96.7 MiB.*'ulimit -f'"
says good window '96.7 MiB can be had'
under -f 0 -- 1
under -u 20 -- 0 2>/dev/null
if [ "$sanitized" = 0 ]; then
    under -n 40 -- 1
    says bad descriptors "40, of which .*'ulimit -n'"
    under -v 1000000 -- 0
    says warn 'address space limit' "976.6 MiB: a pool may have .*'ulimit -v'"
fi

# machines
# in_machine SETUP CODE : where SETUP has been run before
in_machine() {
    local got=0
    # shellcheck disable=SC2016
    unshare -m --propagation private bash -c 'eval "$1" && exec "$2" doctor' in "$1" "$bundle" >"$dir/out" 2>"$dir/err" || got=$?
    out=$(cat "$dir/out")
    [ "$got" = "$2" ] || fail "$1: exit code $got instead of $2: $out $(cat "$dir/err")"
}
if unshare -m --propagation private true 2>/dev/null; then
    in_machine 'mount -t tmpfs -o size=64m none /dev/shm' 0
    says warn 'shared memory' '/dev/shm: 64.0 MiB, 64.0 MiB free, tmpfs .* — enlarge it \(Docker: --shm-size'
    says warn memory 'enlarge the folder of shared memory'
    in_machine 'mount -t tmpfs -o size=64k none /dev/shm' 1
    says bad 'shared memory' 'enlarge it'
    in_machine 'mount -t tmpfs -o size=1g,nr_inodes=1 none /dev/shm' 1
    says bad window 'no inodes left'
    in_machine 'mount -t tmpfs -o noexec none /dev/shm' 0
    says good 'shared memory' noexec
else
    echo 'not tried: mounts, which are not permitted here'
fi
finish
