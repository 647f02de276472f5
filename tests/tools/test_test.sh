#!/usr/bin/env bash
# test_test.sh SOURCE : scripts/test.sh in a small project whose tests pass, fail, pass at their second try and are skipped:
# what it prints of them, and its exit code.
set -u
source=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

fail() {
    echo "FAILED: $*"
    sed 's/^/  | /' out
    exit 1
}

tells() { # LINE : a regular expression, of a whole line
    grep -qxE -- "$1" out || fail "no line '$1'"
}

tested() { # CODE OPTIONS... : what test.sh says is in out
    local rc=0
    scripts/test.sh "${@:2}" >out 2>&1 </dev/null || rc=$?
    [ $rc = "$1" ] || fail "test.sh ${*:2}: exit code $rc instead of $1"
}

mkdir scripts
cp "$source/scripts/test.sh" "$source/CMakePresets.json" .
mv test.sh scripts/
echo 'ensure() { :; }; lacks_fuzzer() { return 1; }' >scripts/setup.sh
cat >scripts/mutate.sh <<'E2'
#!/usr/bin/env bash
case $1 in
--certain | --list) echo "doctored    a promise" ;;
--results) echo "1.5 mutate doctored $(cat mutation)" >"$2"; ! grep -q failed mutation ;;
esac
E2
chmod +x scripts/mutate.sh
mkdir bin # an MPICH that is never called: the small project is in no language
ln -s /bin/true bin/mpicc.mpich
ln -s /bin/true bin/mpiexec.hydra
PATH=$work/bin:$PATH
echo passed >mutation
cat >CMakeLists.txt <<'E2'
cmake_minimum_required(VERSION 3.25)
project(small NONE)
enable_testing()
add_custom_target(portable)
add_custom_target(fuzz)
add_test(NAME good COMMAND ${CMAKE_COMMAND} -E true)
add_test(NAME more COMMAND ${CMAKE_COMMAND} -E true)
add_test(NAME more_still COMMAND ${CMAKE_COMMAND} -E true CONFIGURATIONS long)
set_tests_properties(good PROPERTIES LABELS threads)
set_tests_properties(more PROPERTIES LABELS "threads;all;portable;fuzz")
set_tests_properties(more_still PROPERTIES LABELS "threads;long")
if(EXISTS ${CMAKE_SOURCE_DIR}/flaky)
    add_test(NAME flaky COMMAND rm ${CMAKE_SOURCE_DIR}/once)
    add_test(NAME without COMMAND echo "SKIPPED: nothing like it here")
    set_tests_properties(without PROPERTIES SKIP_REGULAR_EXPRESSION "^SKIPPED:")
    set_tests_properties(flaky PROPERTIES PASS_REGULAR_EXPRESSION "No such file")
endif()
if(EXISTS ${CMAKE_SOURCE_DIR}/bad)
    add_test(NAME bad COMMAND ${CMAKE_COMMAND} -E false)
endif()
E2

tested 0
tells '4 passed, 0 failed, 0 skipped in [0-9]+ min'
tells 'everything passed'
tested 0 --quick
tells '1 passed, 0 failed, 0 skipped in [0-9]+ min'
tested 0 --all
tells ' *1\.5 s  doctored \(mutate\)'
tells '11 passed, 0 failed, 0 skipped in [0-9]+ min'
tested 0 --long
tells '15 passed, 0 failed, 0 skipped in [0-9]+ min'
tested 0 --list
tells '  more \(asan\)'
tells '  more \(mpich\)'
tells '  more \(fuzz\)'
tells '  more_still \(core\)'
tells '  doctored \(mutate\)'
! grep -q ' good ' out || fail 'what runs always is listed'

# Without clang
echo 'ensure() { :; }; lacks_fuzzer() { echo "no clang"; }' >scripts/setup.sh
tested 0 --all
tells ' +targets \(fuzz\): no clang'
tells '10 passed, 0 failed, 1 skipped in [0-9]+ min'
tested 0 --list
! grep -q '(fuzz)' out || fail 'what cannot be built is listed'

# The rest: all of it if there is time, in an order that the seed alone decides; and none without time
tested 0 --rest one 1
tells '9 passed, 0 failed, 0 skipped in [0-9]+ min'
grep '^-- ' out >first
tested 0 --rest one 1
grep '^-- ' out | cmp -s - first || fail 'the same seed chooses another order'
for seed in two three four five six; do
    tested 0 --rest $seed 1
    grep '^-- ' out | cmp -s - first || other=yes
done
[ -n "${other:-}" ] || fail 'no seed chooses another order'
tested 0 --rest one 0
tells '4 passed, 0 failed, 0 skipped in [0-9]+ min'

touch flaky once
tested 0 --quick
tells ' +flaky \(default\)'
grep -q '^passed only at the second try:$' out || fail 'a second try is not told of'
tells ' +without \(default\): nothing like it here'
tells '2 passed, 0 failed, 1 skipped in [0-9]+ min'

touch bad
tested 1 --quick
tells ' +bad \(default\)'
tells '2 passed, 1 failed, 1 skipped in [0-9]+ min'
rm bad
echo failed >mutation
tested 1 --all
tells ' +doctored \(mutate\)'
! grep -q '^everything passed' out || fail 'it passes in spite of a mutation that survived'
echo 'message(FATAL_ERROR "no compiler")' >>CMakeLists.txt
tested 1 --quick
tells 'failed: default \(build\)'
tested 2 --nonsense
tested 2 --rest one
echo 'test.sh tells what passed, failed, passed at its second try and was skipped'
