#!/usr/bin/env bash
# layers.sh ROOT TABLE : the tree and its objects keep to the layers of cmake/layers.cmake, which TABLE repeats for this
# build. The table that is printed says, for each layer, how many of its includes and of the symbols that its objects
# leave undefined lead to which layer.
#
#  - Includes: every file belongs to one layer, and includes only that layer and those it may use.
#  - Calls: every symbol that an object leaves undefined and that another object of the project defines is defined in its
#    own layer or in one that its layer may use. Declaring by hand what no header offers does not get round that.
#  - Circles: files of one layer do not call each other in a circle, except for those listed here.
#  - Size: a file of more than 800 lines is two modules.
set -u
root=$1 table=$2
known_circles=$(dirname "$0")/circles.txt
cd "$root" || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

awk '$1 == "layer" {gsub(",", "\n", $3); print $3}' "$table" | sed 's|/[^/]*$||' | sort -u | while read -r folder; do
    [ -d "$folder" ] && find "$folder" -name '*.c' -o -name '*.h'
done | sort -u >"$work/files"
[ -s "$work/files" ] || { echo "no files of any layer in $root"; exit 1; }
xargs grep -HnE '^[[:space:]]*#[[:space:]]*include' <"$work/files" >"$work/includes"
awk '$1 == "object" {print $3}' "$table" >"$work/objects"
: >"$work/symbols"
if [ -s "$work/objects" ]; then
    xargs nm -A -P -g <"$work/objects" >"$work/symbols" || exit 1
fi

awk -f "$(dirname "$0")/layers.awk" "$table" "$known_circles" "$work/files" "$work/includes" "$work/symbols" || exit 1
xargs wc -l <"$work/files" | awk '$2 != "total" && $1 > 800 {print $2 " has " $1 " lines: it is two modules by now"; bad = 1}
                                  END {exit bad}'
