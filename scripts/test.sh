#!/usr/bin/env bash
# test.sh [--quick | --all | --long] [--rest SEED MINUTES] : build, and pass the tests that can run here: optimised, then with
# AddressSanitizer and UBSan, then what is concurrent with ThreadSanitizer, then the core with neither MPI nor HDF5.
#
#   (none)     tests that together touch every promise: some twenty minutes on two cores, with the builds
#   --quick    of these, the optimised build's only
#   --all      all tests, those that any MPI passes with MPICH as well, some seconds with each fuzz target (scripts/fuzz.sh has
#              hours), and the doctored versions of the code of mutate.sh: two hours and a half
#   --long     the tests that take longer still as well
#   --rest SEED MINUTES
#              afterwards, for so long, more of --all, in an order that SEED decides: whole tests, one at a time, none of
#              them longer than until an hour after the start
#   --list     names what --all and --long add
#
# Installs what is missing (as root on Debian); a test for what a machine lacks is skipped. What fails is run once more:
# a shared machine may stand still as a whole for longer than a test may wait. The run ends with its slowest tests, those
# that passed only at their second try, and those skipped, with the reason; then with how many passed, failed, were skipped.
set -euo pipefail

usage() {
    sed -n '2,/^set /s/^# \{0,1\}//p' "$0"
    exit "$1"
}

limit=57 # minutes after which --rest ends, whatever runs then
tier=every quick='' seed='' minutes=0 only_list=''
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) usage 0 ;;
    --quick) quick=yes ;;
    --all) tier=all ;;
    --long) tier=long ;;
    --list) only_list=yes ;;
    --rest)
        [[ $# -ge 3 && $3 =~ ^[0-9]+$ ]] || usage 2 >&2
        seed=$2 minutes=$3
        shift 2
        ;;
    *) usage 2 >&2 ;;
    esac
    shift
done

cd "$(dirname "$0")/.."
. scripts/setup.sh
case $tier in
every) ensure tests ;;
*) ensure all ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
started=$SECONDS

presets=(default asan tsan core)
[ -z "$quick" ] || presets=(default)
[ -n "$quick" ] || [ $tier = every ] || presets+=(mpich fuzz)
case $tier in
every) selection=(-LE '^(all|long)$') ;;
all) selection=() ;;
long) selection=(-C long) ;;
esac
failed_builds=()
cut_off=() # what ends a test that would take the whole run too long

configure() { # PRESET
    cmake --preset "$1" >"$work/build.log" 2>&1 || { tail -n 60 "$work/build.log" && return 1; }
}

build() { # PRESET
    configure "$1" && { cmake --build --preset "$1" -j "$(nproc)" >"$work/build.log" 2>&1 ||
        { grep -B 1 -A 12 -E 'error|Error' "$work/build.log" || tail -n 60 "$work/build.log"; return 1; }; }
}

# run_tests PRESET CTEST_OPTIONS... : two tests at a time, as many of them start programs and wait
run_tests() {
    local rc=0
    ${cut_off[@]+"${cut_off[@]}"} ctest --preset "$1" --no-tests=error --repeat until-pass:2 "${@:2}" | tee "$work/console" || rc=$?
    report "$1" "$rc"
}

# report PRESET RC : takes down in $work/results what each test came to, a line "SECONDS PRESET NAME OUTCOME", and in
# $work/skipped why it was skipped. A test that ctest could not run, or a ctest that broke off, is a failure too.
report() {
    awk -v preset="$1" '
        match($0, /Test +#[0-9]+: /) {
            split(substr($0, RSTART + RLENGTH), field, " ")
            name = field[1]
            outcome = /\.   Passed / ? "passed" : /\*\*\*Skipped / ? "skipped" : "failed"
            seconds[name] += $(NF - 1)
            if (outcome == "passed" && name in last && last[name] == "failed") outcome = "second"
            last[name] = outcome
        }
        END { for (name in last) print seconds[name], preset, name, last[name] }' "$work/console" >"$work/now"
    if [ "$2" = 124 ] && [ ${#cut_off[@]} -gt 0 ]; then
        echo "not finished: it is left to another run"
        return 0
    fi
    if [ "$2" != 0 ] && ! grep -q ' failed$' "$work/now"; then echo "0 $1 ctest failed" >>"$work/now"; fi
    cat "$work/now" >>"$work/results"
    awk -v preset="$1" '
        /^"[^"]*" start time: / { name = $1; gsub(/"/, "", name) }
        /^(SKIPPED|skipped): / { if (!(name in why)) why[name] = $0 }
        END { for (name in why) print preset, name, why[name] }' \
        "$(binary_dir "$1")/Testing/Temporary/LastTest.log" >>"$work/skipped"
}

# lacks_mpich : whether there is none; then that is taken down as one test skipped
lacks_mpich() {
    command -v mpicc.mpich >/dev/null && command -v mpiexec.hydra >/dev/null && return 1
    echo "mpich portable SKIPPED: MPICH is missing (Debian: mpich libmpich-dev)" | tee -a "$work/skipped"
    echo "0 mpich portable skipped" >>"$work/results"
}

# lacks_clang : whether there is none with libFuzzer; then that is taken down as one test skipped
lacks_clang() {
    local why
    why=$(lacks_fuzzer) || return 1
    echo "fuzz targets SKIPPED: $why" | tee -a "$work/skipped"
    echo "0 fuzz targets skipped" >>"$work/results"
}

binary_dir() { # PRESET
    if [ "$1" = default ]; then echo build; else echo "build-$1"; fi
}

run_preset() { # PRESET
    local jobs=2
    echo "== $1"
    if [ "$1" = mpich ]; then
        lacks_mpich && return
        jobs=1 # its ranks spin while they wait
    elif [ "$1" = fuzz ]; then
        lacks_clang && return
    fi
    if build "$1"; then run_tests "$1" -j $jobs ${selection[@]+"${selection[@]}"}; else failed_builds+=("$1 (build)"); fi
}

# names PRESET LABEL : the tests with this tier
names() {
    ctest --preset "$1" -N -C long -L "^$2\$" | sed -n 's/^ *Test *#[0-9]*: //p'
}

run_mutation() { # NAME... : none: all
    local rc=0
    ${cut_off[@]+"${cut_off[@]}"} scripts/mutate.sh --results "$work/mutations" "$@" || rc=$?
    [ $rc != 124 ] || rc=0
    if [ ! -s "$work/mutations" ]; then
        [ $rc = 0 ] || echo "0 mutate - failed" >>"$work/results"
        return 0
    fi
    cat "$work/mutations" >>"$work/results"
    rm "$work/mutations"
}

# In the order of their hashes, so that another seed is another part, and an equal seed the same
in_order() {
    local line
    while read -r line; do echo "$(sha256sum <<<"$seed $line" | cut -c -16) $line"; done | sort | cut -d ' ' -f 2-
}

run_rest() {
    local preset name until=$((SECONDS + 60 * minutes)) end=$((started + 60 * limit))
    for preset in "${presets[@]}"; do
        names "$preset" all | sed "s/^/$preset /"
    done >"$work/rest"
    scripts/mutate.sh --certain --list | sed -n 's/^\([^ ]*\) .*/mutate \1/p' >>"$work/rest"
    in_order <"$work/rest" >"$work/ordered"
    echo "== of the $(wc -l <"$work/rest") others, for $minutes minutes, in the order of $seed"
    while read -r preset name <&3 && [ $SECONDS -lt $until ] && [ $SECONDS -lt $((end - 60)) ]; do
        cut_off=(timeout --kill-after=20 $((end - SECONDS)))
        if [ "$preset" = mutate ]; then
            run_mutation "$name"
        else
            echo "-- $preset: $name"
            run_tests "$preset" -R "^$name\$"
        fi
    done 3<"$work/ordered"
}

summary() {
    local passed failed skipped
    echo
    echo "the slowest:"
    sort -rn "$work/results" | awk 'NR <= 10 { printf "%8.1f s  %s (%s)\n", $1, $3, $2 }'
    if grep -q ' second$' "$work/results"; then
        echo "passed only at the second try:"
        awk '$4 == "second" { printf "            %s (%s)\n", $3, $2 }' "$work/results"
    fi
    if grep -q ' skipped$' "$work/results"; then
        echo "skipped:"
        awk 'NR == FNR { name = $1 " " $2; sub(/^[^ ]+ [^ ]+ (SKIPPED|skipped): */, ""); why[name] = $0; next }
            $4 == "skipped" { printf "            %s (%s): %s\n", $3, $2, why[$2 " " $3] }' "$work/skipped" "$work/results"
    fi
    if grep -q ' failed$' "$work/results"; then
        echo "failed:"
        awk '$4 == "failed" { printf "            %s (%s)\n", $3, $2 }' "$work/results"
    fi
    passed=$(grep -cE ' (passed|second)$' "$work/results") || true
    failed=$(grep -c ' failed$' "$work/results") || true
    skipped=$(grep -c ' skipped$' "$work/results") || true
    [ ${#failed_builds[@]} = 0 ] || printf 'failed: %s\n' "${failed_builds[@]}"
    echo "$passed passed, $failed failed, $skipped skipped in $(((SECONDS - started + 59) / 60)) min"
    [ ${#failed_builds[@]} = 0 ] && [ "$failed" = 0 ] || exit 1
    echo "everything passed"
}

: >"$work/results"
: >"$work/skipped"
if [ -n "$only_list" ]; then
    presets=(default asan tsan core)
    lacks_mpich >/dev/null || presets+=(mpich)
    lacks_fuzzer >/dev/null || presets+=(fuzz)
    for preset in "${presets[@]}"; do configure "$preset"; done
    for label in all long; do
        echo "--$label adds:"
        for preset in "${presets[@]}"; do names "$preset" $label | sed "s/\$/ ($preset)/"; done | sed 's/^/  /'
        [ $label = long ] || scripts/mutate.sh --list | awk '{ print "  " $1 " (mutate)" }'
    done
    exit
fi
for preset in "${presets[@]}"; do run_preset "$preset"; done
[ $tier = every ] || run_mutation
[ -z "$seed" ] || run_rest
summary
