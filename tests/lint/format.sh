#!/usr/bin/env bash
# format.sh ROOT : every C file is as clang-format 14 with .clang-format would write it.
set -u
cd "$1" || exit 1
command -v clang-format >/dev/null || { echo "SKIPPED: clang-format is missing (Debian: clang-format)"; exit 77; }
[[ $(clang-format --version) == *"version 14."* ]] || { echo "SKIPPED: clang-format is not version 14"; exit 77; }
mapfile -t files < <(git ls-files '*.c' '*.h' 2>/dev/null)
[ ${#files[@]} -gt 0 ] || { echo "SKIPPED: not a git checkout"; exit 77; }
clang-format --dry-run --Werror "${files[@]}" || { echo "run: clang-format -i FILES"; exit 1; }
echo "${#files[@]} files are formatted"
