#!/usr/bin/env bash
# blocks.sh FILE.md [FOLDER] : runs all commands that a page shows, in order, in one shell, in FOLDER or a new folder.
# Commands are what stands in blocks of the language sh, except for blocks after a line "<!-- not run: reason -->". Names
# the line of the page at which something fails.
set -u
page=$(realpath "$1")
work=${2:-}
if [ -z "$work" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
fi
# an assignment before each block records its line of the page
awk -v page="${page##*/}" '
    /^<!-- not run: .*-->$/ { skip = 1; next }
    /^```sh$/ { inside = !skip; if (inside) printf "block=%d\n", NR; next }
    /^```/ { inside = skip = 0; next }
    inside { print }' "$page" >"$work/.commands"
[ -s "$work/.commands" ] || { echo "FAILED: $page shows no commands"; exit 1; }
cd "$work" || exit 1
# shellcheck disable=SC2016 # expanded by that shell
bash -c 'set -eEuo pipefail
    trap "echo \"FAILED: in the block at line \$block of $0: \$BASH_COMMAND\"" ERR
    . ./.commands' "${page##*/}" </dev/null
rc=$?
[ $rc = 0 ] && echo "$(grep -c '^block=' .commands) blocks of ${page##*/} do what they say"
exit $rc
