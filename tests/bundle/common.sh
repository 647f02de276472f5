# shellcheck shell=bash disable=SC2034
# Sourced by the tests of the bundle tool: $1 is the program, $2 the folder of shared test data.
set -u
self=$(realpath "$0")
bundle=$(realpath "$1")
data=${2:-}
[ -n "$data" ] && [ -d "$data" ] && data=$(realpath "$data")
python=${PYTHON:-/usr/bin/python3}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
unset BUNDLEPOOL_ROOT
failures=0

fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
skip() { echo "SKIPPED: $*"; exit 77; }
need_python() { "$python" -c "import $1" 2>"$dir/err" || skip "$python has no module $1"; }

# run CODE ARGUMENTS...: the tool ends with CODE; its output is in $out and $err
run() {
    local code=$1 got=0
    shift
    "$bundle" "$@" >"$dir/out" 2>"$dir/err" </dev/null || got=$?
    out=$(cat "$dir/out")
    err=$(cat "$dir/err")
    [ "$got" = "$code" ] || fail "bundle $*: exit code $got instead of $code ($err)"
}

# refused CODE TEXT ARGUMENTS...: one line on stderr, nothing on stdout
refused() {
    local code=$1 text=$2
    shift 2
    run "$code" "$@"
    [ "$(wc -l <"$dir/err")" = 1 ] || fail "bundle $*: not one line on stderr: $err"
    case $err in "bundle: error: "*"$text"*) ;; *) fail "bundle $*: '$text' is not in '$err'" ;; esac
    [ -z "$out" ] || fail "bundle $*: prints on stdout: $out"
}

# field FILTER: evaluates a Python expression over the JSON `j` that was just printed
field() { "$python" -c 'import json, sys; j = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$dir/out" "$1"; }
same() { [ "$1" = "$2" ] || fail "$3: '$1' is not '$2'"; }
finish() { [ "$failures" = 0 ] && echo "passed"; exit $((failures > 0)); }
