#!/usr/bin/env bash
# scripts.sh ROOT : every shell script passes shellcheck (SC2015 is a matter of taste: `a && b || fail` is intended here).
set -u
cd "$1" || exit 1
command -v shellcheck >/dev/null || { echo "SKIPPED: shellcheck is missing (Debian: shellcheck)"; exit 77; }
mapfile -t files < <(git ls-files '*.sh' '*.sbatch' .ci/run 2>/dev/null)
[ ${#files[@]} -gt 0 ] || { echo "SKIPPED: not a git checkout"; exit 77; }
shellcheck -x -P SCRIPTDIR -e SC2015 "${files[@]}" && echo "${#files[@]} scripts are clean"
