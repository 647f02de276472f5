#!/usr/bin/env bash
# test_python.sh PYTHON BUILD SOURCE : the pages that show Python work as they are written, and a block that does not is named.
set -u
here=$(cd "$(dirname "$0")" && pwd -P)
python=$1 build=$(realpath "$2") source=$(realpath "$3")
for module in numpy pandas mpi4py cloudpickle; do
    "$python" -c "import $module" 2>/dev/null || { echo "SKIPPED: $python has no $module (Debian: python3-$module)"; exit 77; }
done
command -v mpirun >/dev/null || { echo "SKIPPED: mpirun is missing (Debian: openmpi-bin)"; exit 77; }
. "$source/scripts/setup.sh" # how mpirun is to be run here
export PATH=$build/bin:$PATH PYTHONPATH=$build/python PYTHONDONTWRITEBYTECODE=1
unset "${!BUNDLEPOOL_@}" "${!RUSTYBT_@}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$python" "$here/pages.py" "$source/docs/python.md" "$source/docs/readers.md" "$source/examples/python/first_look.ipynb" ||
    exit 1

# The README stands in the project's folder, and has the reader set the paths
env -u PYTHONPATH "$python" "$here/pages.py" --link "build=$build" "$source/README.md" || exit 1

# Broken pages ---------------------------------------------------------------------------------------------------------

broken() { # WHAT IT SAYS, and the page from stdin
    cat >"$work/page.md"
    "$python" "$here/pages.py" "$work/page.md" >"$work/log" 2>&1 && { echo "FAILED: it passes, and should say: $1"; exit 1; }
    grep -qF "FAILED: page.md$1" "$work/log" || { echo "FAILED: it should say: $1"; cat "$work/log"; exit 1; }
}
page() { # LINES... : a page that is right, and then these
    printf '%s\n' '# A page' '```python' 'import os' 'x = 1' '```' "$@"
}
page '```sh' 'export Y=2' '```' '```python' 'assert x == 1' '```' >"$work/page.md"
"$python" "$here/pages.py" "$work/page.md" || exit 1
page '' 'words' '```python' '' 'def f():' '    return x / 0' 'f()' '```' | broken ':12: ZeroDivisionError'
page '```python' 'x = (' '```' | broken ':7: SyntaxError'
page '```python' 'import sys' 'sys.exit(0)' '```' | broken ':8: SystemExit'
page '```python' 'os._exit(0)' '```' | broken ':7: Python has ended'
page '```sh' 'true' 'false | cat' '```' | broken ':8: '
page '```sh' 'true' 'if' '```' | broken ':7: the shell gave up'
page '```sh' 'exit 3' '```' | broken ':7: the shell gave up (exit code 3)'
page '```sh' 'export Y=2' 'exit' '```' | broken ':7: the shell gave up'
page '```python' '# more.py' 'y = 3' '```' | broken ':7: more.py is written, and nothing behind it uses it'
page '```python' 'assert x == 1' | broken ':6: a block without an end'
page '<!-- not run: it fails -->' '```sh' 'false' '```' '```sh' 'false' '```' | broken ':11: false'
page '```python' 'import atexit' 'atexit.register(os._exit, 4)' '```' | broken ': the session of Python has ended with exit code 4'
printf '%s\n' 'words' '```sh' 'true' '```' | broken ':1: there is no Python on it'
echo 'broken pages are named, with the line'
