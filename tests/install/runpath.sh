#!/usr/bin/env bash
# runpath.sh FILE... : no program or library looks for the libraries that it needs in the folder that a user is in, or in any
# other that depends on it: who may write there would choose what the program does.
set -u
command -v readelf >/dev/null || { echo "SKIPPED: readelf is missing (Debian: binutils)"; exit 77; }
bad=0
for file in "$@"; do
    path=$(readelf -d "$file" | sed -n 's/.*(R\(UN\)\?PATH).*\[\(.*\)\]$/\2/p') || exit 1
    [ -n "$path" ] || continue
    while IFS= read -r -d: folder; do
        [[ $folder == /* || $folder == \$ORIGIN* ]] && continue
        echo "$file: its run path '$path' has the element '$folder'"
        bad=1
    done <<<"$path:"
done
exit $bad
