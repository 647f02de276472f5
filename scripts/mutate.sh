#!/usr/bin/env bash
# mutate.sh [--all-of-them] [--list] [NAME...] : tests that can fail. Builds small doctored versions of the code, in copies of
# it, and runs the tests that must notice; tests/mutations/*.ini lists them. Without a NAME: all that must be
# caught; --all-of-them: also those that are known to survive. see `mutate.sh --help`.
set -eu
cd "$(dirname "$0")/.."
case " $* " in *' --help '* | *' -h '* | *' --list '*) ;; *) . scripts/setup.sh && ensure tests ;; esac
exec python3 tests/mutations/mutate.py "$@"
