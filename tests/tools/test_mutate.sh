#!/usr/bin/env bash
# test_mutate.sh SOURCE : scripts/mutate.sh in a small project: what it prints of mutations that are caught, that survive, and
# that cannot be tried, and its exit code; the working tree stays as it is.
set -u
source=$(realpath "$1")
command -v python3 >/dev/null || { echo "SKIPPED: python3 is missing (Debian: python3)"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

fail() {
    echo "FAILED: $*"
    sed 's/^/  | /' out
    exit 1
}

# tried CODE PATTERN ARGUMENTS... : what mutate.sh ends with, and a line that it prints
tried() {
    local rc=0
    scripts/mutate.sh "${@:3}" >out 2>&1 </dev/null || rc=$?
    [ $rc = "$1" ] || fail "mutate.sh ${*:3}: exit code $rc instead of $1"
    grep -qE -- "$2" out || fail "mutate.sh ${*:3}: no line '$2'"
}

mkdir -p src scripts tests/mutations
cp "$source/scripts/mutate.sh" scripts/
cp "$source/tests/mutations/mutate.py" tests/mutations/
echo 'ensure() { :; }' >scripts/setup.sh
cat >src/sum.c <<'END'
int sum(int a, int b);
int sum(int a, int b)
{
    if (a ==
        12345) return a + b;
    return a + b;
}
int twice(int a);
int twice(int a) { return sum(a, a) + 0 * 7; }
END
cat >src/main.c <<'END'
int sum(int a, int b);
int twice(int a);
int main(int argc, char **argv) { return argc > 1 ? argv[1][0] : sum(1, 2) != 3 || twice(4) != 8; }
END
cat >CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.25)
project(small C)
enable_testing()
add_executable(small src/sum.c src/main.c)
add_test(NAME sums COMMAND small)
add_test(NAME again COMMAND small)
add_test(NAME always COMMAND ${CMAKE_COMMAND} -E true)
add_test(NAME never COMMAND small x)
END
section() { # NAME WAS NOW TESTS [SURVIVES]
    printf '[%s]\npromise = a promise\nwas = %s\nnow = %s\ntests = %s\n%s\n' "$1" "$2" "$3" "$4" "${5:+survives = $5}"
}
{
    section caught 'return sum(a, a)' 'return sum(a, a + 1)' 'always sums'
    section caught_again 'return sum(a, a)' 'return sum(a, a + 2)' again
    section hangs 'int twice(int a) {' 'int twice(int a) { while (a) __asm__ volatile("");' sums
    section lives '0 * 7' '0 * 8' 'always sums'
    section lives_as_told 'if (a == 12345) return' 'if (a == 12345) return 1 +' sums 'nobody sums that'
    section unclear 'return a + b;' 'return a - b;' sums
    section gone 'return a * b;' 'return a - b;' sums
    section broken 'return sum(a, a)' 'return nonesuch;' sums
    section red '0 * 7' '0 * 8' never
    section nameless '0 * 7' '0 * 8' nonesuch
} >tests/mutations/small.ini
find . -type f -exec sha256sum {} + | sort >before

tried 0 '^caught +[0-9.]+ s  caught by sums +a promise$' caught
tried 0 '^hangs +[0-9.]+ s  caught by sums \(hangs\)' hangs
tried 0 '^caught_again +[0-9.]+ s  caught by again' caught caught_again # the program is doctored when that begins
tried 1 '^lives +[0-9.]+ s  SURVIVED  ' caught lives
tried 0 '^lives_as_told +[0-9.]+ s  SURVIVED, as expected' lives_as_told
tried 1 'FAILED: small.ini: \[unclear\]: its text stands 2 times in the code: src/sum.c, src/sum.c' unclear
tried 1 'FAILED: small.ini: \[gone\]: its text stands 0 times in the code' gone
tried 1 'FAILED: it does not build' broken caught
tried 1 '^caught +[0-9.]+ s  caught by sums' broken caught # nothing is left of the one before
tried 1 'FAILED: never fails on the code as it is' red
tried 1 "FAILED: there is no test 'nonesuch'" nameless
tried 1 "there is no mutation 'nonesuch'" nonesuch
tried 0 '^caught +a promise$' --list
! grep -q lives_as_told out || fail 'a mutation that survives is listed among those that must be caught'
tried 0 '^lives_as_told +a promise  \(survives: nobody sums that\)$' --list --all-of-them
tried 0 'usage' --help
scripts/mutate.sh --results results caught lives >out 2>&1
[ "$(cut -d ' ' -f 2- results | tr '\n' ' ')" = 'mutate caught passed mutate lives failed ' ] || fail "results: $(cat results)"
rm results
find . -type f -not -path './build-mutations/*' -not -name out -not -name before -exec sha256sum {} + | sort |
    diff <(grep -v -e ' ./out$' -e ' ./before$' before) - || fail 'the working tree was touched'
section unknown '0 * 7' '0 * 8' sums | sed 's/promise/promises/' >>tests/mutations/small.ini
tried 1 '\[unknown\]: unknown: promises'
echo 'mutate.sh tells what is caught, what survives and what cannot be tried'
