#!/usr/bin/env bash
# test_pages.sh BIN BUILD : what the programs say of themselves comes from one table: each option of --help is in the man
# page and in the completion; the pages are clean man(7); the completion completes.
set -u
bin=$(realpath "$1") build=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0
fail() { echo "FAILED: $*"; failed=1; }

for program in bundle optimizer; do
    page=$build/man/$program.1
    "$bin/$program" --help >help || fail "$program --help"
    while read -r command; do
        "$bin/$program" "$command" --help >>help || fail "$program $command --help"
        grep -qE "^\.B $command " "$page" || fail "$program.1 lacks the command $command"
    done < <(sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' help)
    options=$(grep -oE '^  --[a-z-]+' help | sort -u)
    [ "$(wc -w <<<"$options")" -ge 9 ] || fail "$program --help names few options: $options"
    for option in $options; do
        grep -qF -- ".BI ${option//-/\\-}" "$page" || fail "$program.1 lacks $option"
        grep -qE -- "[ ']${option}[ ']" "$build/completions/$program" || fail "the completion of $program lacks $option"
    done
    if grep -qE '@[A-Za-z_]+@' "$page"; then fail "$program.1 has a place that nothing was put into"; fi
    if command -v groff >/dev/null; then
        groff -man -Tutf8 -ww -W break -z "$page" 2>&1 | grep . && fail "$program.1 is no clean man(7)"
    else
        echo 'not tried: the man pages, for want of groff'
    fi
    bash -n "$build/completions/$program" || fail "the completion of $program is no bash"
done

# under a launcher the first process answers, and MPI is not needed
[ "$(PMIX_RANK=0 "$bin/optimizer" --man | grep -c '^.SH OPTIONS')" = 1 ] || fail '--man as the first of a job'
[ -z "$(PMIX_RANK=1 "$bin/optimizer" --man)" ] || fail '--man as the second of a job'

# complete WORD... : what bash would offer for the last one
complete_words() (
    # shellcheck disable=SC2317 # the completion calls it
    compopt() { :; } # only where a terminal completes
    # shellcheck source=/dev/null
    . "$build/completions/$1"
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    "_$1"
    echo "${COMPREPLY[*]}"
)
offers() { # EXPECTED WORD...
    local offered
    offered=$(complete_words "${@:2}")
    [ "$offered" = "$1" ] || fail "'${*:2}' is completed by '$offered', not '$1'"
}
offers momentum optimizer --strategy mo
offers 'sharpe sortino skew' optimizer --objective s
offers restart optimizer --resume --on-update r
offers --commission optimizer --comm
offers merge optimizer m
offers --top optimizer merge --t
offers '' optimizer merge --cash
offers 'ingest info' bundle in
offers gzip bundle demo x --filter g
offers '--minute --minute-days' bundle demo --minu
[ $failed = 0 ] && echo 'all as it should be'
exit $failed
