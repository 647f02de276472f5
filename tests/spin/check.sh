#!/usr/bin/env bash
# check.sh [SCENARIO [BUG...]] : search the model of the protocol, pool.pml, for broken promises: in every scenario, or in
# one, with all the bugs that are seeded in it or with those of these numbers only.
#
# A scenario must be searched to the end without an error, and a seeded bug must be found by the invariant that it breaks.
# Skipped (77) where spin or a compiler is missing.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
memory_mb=4000
depth=100000

for tool in spin cc; do
    if ! command -v "$tool" >/dev/null; then
        echo "SKIPPED: $tool is missing (Debian: spin, gcc)"
        exit 77
    fi
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

scenarios=(ROOM INVALIDATE REWRITE FRESH FORWARD FAULTY)
if [ $# -gt 0 ]; then
    [[ " ${scenarios[*]} " == *" $1 "* ]] || { echo "FAILED: '$1' is none of ${scenarios[*]}" && exit 2; }
    scenarios=("$1")
fi

# The bug's number in pool.pml, a scenario that meets it, what the search must say, and what is wrong.
moved='extent_of\[g\])-1)\]==g))' # a pinned slot was used again, or its bytes changed
incomplete='((content\[' # READY while a node lacks bytes
backward='version_of\[g\]>=least' # a get returned what was out of date
bugs=(
    "1 REWRITE $moved the scan for pins begins before the store that unlists"
    "2 ROOM $moved RECLAIM when one node is drained"
    "3 ROOM $incomplete READY before the last vote"
    "4 FRESH $backward a get joins a check that was sent before it began"
    "5 FAULTY $incomplete a rank helps to decode without a pin"
    "6 FORWARD $backward READY of the new version before UNLIST of the old"
    "7 REWRITE g>gone an invalidation returns when one node has acknowledged it"
    "8 FORWARD reading==identity no second look at the file"
    "9 REWRITE $moved a rank pins without looking at the word again"
    "10 FAULTY name_of\[g\]==name the word is looked at again, but not its generation"
    "11 FAULTY invalid.end.state a slot is drained while its stream still runs"
    "12 FORWARD published an old look unlists a version that was loaded after it"
    "13 ROOM $moved a rank closes its box before it pins the answer"
    "14 FRESH $backward the time of a look is that of READY, not of the vote before it"
    "15 REWRITE $backward a plan from before an invalidation is carried out after it"
)

# Search SCENARIO with BUG: sets $outcome to what pan printed. The limit on memory is one that pan reports.
search() {
    local scenario=$1 bug=$2 folder=$work/$1.$2
    mkdir "$folder"
    (
        cd "$folder"
        cp "$here/pool.pml" .
        spin "-D$scenario" "-DBUG=$bug" -a pool.pml >spin.log 2>&1 || { cat spin.log && exit 1; }
        cc -O1 -w -DSAFETY "-DMEMLIM=$memory_mb" -o pan pan.c
        ./pan "-m$depth" -w22 >pan.log 2>&1 || true
    ) || { echo "FAILED: $scenario: the model does not compile" && exit 1; }
    outcome=$(cat "$folder/pan.log")
    rm -rf "$folder"
}

number_of() { grep -Eo "$1" <<<"$outcome" | head -1 | tr -dc 0-9; }

failures=0
total=0
for scenario in "${scenarios[@]}"; do
    search "$scenario" 0
    states=$(number_of '[0-9]+ states, stored')
    reached=$(number_of 'depth reached [0-9]+')
    if grep -q 'errors: 0' <<<"$outcome" &&
        ! grep -Eq 'max search depth too small|Search not completed|memory was exhausted|reached -DMEMLIM' <<<"$outcome"; then
        echo "$scenario: complete, $states states, depth $reached, no error"
        total=$((total + states))
    else
        echo "FAILED: $scenario: $(grep -E '^pan:|errors:|too small|not completed|exhausted' <<<"$outcome" | tr '\n' ' ')"
        failures=$((failures + 1))
    fi
done
echo "states in all: $total"

is_wanted() { # SCENARIO BUG ARGUMENTS... : of check.sh
    [ $# = 2 ] && return 0
    [ "$1" = "$3" ] || return 1
    [ $# = 3 ] && return 0
    [[ " ${*:4} " == *" $2 "* ]]
}

searched=0
for line in "${bugs[@]}"; do
    read -r bug scenario invariant meaning <<<"$line"
    is_wanted "$scenario" "$bug" "$@" || continue
    searched=$((searched + 1))
    search "$scenario" "$bug"
    if grep -q "^pan:1: .*$invariant" <<<"$outcome"; then
        echo "bug $bug ($meaning): found, $scenario, depth $(number_of 'at depth [0-9]+')"
    else
        echo "FAILED: bug $bug ($meaning): $scenario: $(grep -E '^pan:|errors:' <<<"$outcome" | tr '\n' ' ')"
        failures=$((failures + 1))
    fi
done

# A bug that no scenario meets, or a number that stands for none, must not pass for one that was found.
if [ $# -gt 1 ] && [ $searched != $(($# - 1)) ]; then
    echo "FAILED: not all of the bugs ${*:2} are seeded in $1"
    exit 2
fi
if ((failures)); then
    echo "FAILED: $failures searches"
    exit 1
fi
echo "${#scenarios[@]} scenarios and $searched seeded bugs: all as they should be"
