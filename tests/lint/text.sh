#!/usr/bin/env bash
# text.sh ROOT : the programs print texts by the printers of core/text.h, which clean them. printf() is for numbers, and for what
# has no %s in its format.
#
# Left out: files that write files or texts in memory, what is made of the programs' own tables, and the two that draw a line of
# progress.
set -u
cd "$1" || exit 1
left_out='src/bundle/(manifest|options|progress|remember)\.c|src/optimizer/(launch|options|progress|sheets)\.c'
found=0 looked=0
for file in src/bundle/*.c src/doctor/*.c src/optimizer/*.c; do
    [[ $file =~ ^($left_out)$ ]] && continue
    looked=$((looked + 1))
    # a call ends at the first ");" behind it
    while IFS= read -r -d '' call; do
        echo "$file: $(tr -s ' \n' ' ' <<<"$call"): bp__text_line(), bp__text_print() or bp__text_put() is meant"
        found=1
    done < <(grep -zoP '(?s)(?<![\w>.])(printf|fprintf|vfprintf|puts)\((?:(?!\);).)*?"[^"]*%[-*.0-9]*s(?:(?!\);).)*\);' "$file" |
        grep -zvP '"%\*s", .*""\);') # blanks
done
[ $looked -gt 30 ] || { echo "only $looked files in $1"; exit 1; }
[ $found = 0 ] && echo "$looked files print by the printers"
exit $found
