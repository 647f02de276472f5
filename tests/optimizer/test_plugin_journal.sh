#!/usr/bin/env bash
# test_plugin_journal.sh BIN SHARED_DATA RUN_MPI : journals of strategies from files: merged where the file is gone, refused
# where it is another one, and where it has changed its mind about what makes sense.
. "$(dirname "$0")/common.sh"
command -v "${CC:-cc}" >/dev/null || { echo "SKIPPED: cc is missing (Debian: gcc)"; exit 77; }
umask 022
examples=$here/../../examples

build() { # SOURCE OUT FLAGS...
    "${CC:-cc}" -O2 -ffp-contract=off -shared -fPIC -I "$here/../../include" "${@:3}" -o "$2" "$1" -lm || exit 1
}
"$bundle" demo demo --assets 12 --days 400 >out 2>err || { fail 'bundle demo'; exit 1; }
sma=(--bundle demo --param fast=5:25:5 --param slow=10:40:10)

# Merged without the strategy, to the file that the built-in strategy has
build "$examples/sma_cross.c" mine.so
good 2 "${sma[@]}" --strategy sma_cross --out builtin.csv
good 2 "${sma[@]}" --strategy ./mine.so --out whole.csv
cmp builtin.csv whole.csv || fail 'the same rule from a file gives another file'
for k in 1 2 3; do alone "${sma[@]}" --strategy ./mine.so --where 'fast != 10' --slice $k/3 --journal $k.journal; done
good 2 "${sma[@]}" --strategy ./mine.so --where 'fast != 10' --out some.csv
mv mine.so aside
alone merge 1.journal 2.journal 3.journal --out merged.csv --objective 'sharpe - fast / 1000' --having 'trades > 0'
cmp some.csv merged.csv || fail 'merged to another file'
expect out '^combinations: 11 done, 9 skipped, 0 failed$|^merged: 3 journals, combinations: 11 done, 9 skipped' 'merged'

# Words of a strategy that is not there
build "$examples/pairs.c" mine.so
good 2 --bundle demo --strategy ./mine.so --param 'side=long,both' --param 'lookback=20,30' --out words.csv
rm mine.so
alone merge words.csv.journal --out again.csv --having 'side == both'
cmp words.csv again.csv || fail 'words are merged to another file'
bad 1 "side is never 'short', choose from long, both" merge words.csv.journal --out again.csv --having 'side == short'

# A file that was edited is another strategy
build "$examples/sma_cross.c" mine.so -DEDITED -O1
if cmp -s aside mine.so; then fail 'the edited file is the same one'; fi
bad 1 'the file of the strategy has changed: there its content is ' "${sma[@]}" --strategy ./mine.so --where 'fast != 10' \
    --slice 1/3 --journal 1.journal --resume
alone "${sma[@]}" --strategy ./mine.so --where 'fast != 10' --slice 2/3 --journal other.journal
bad 1 'other.journal: the file of the strategy has changed: there its content is ' merge 1.journal other.journal 3.journal \
    --out mixed.csv
bad 1 "there 'plugin " "${sma[@]}" --strategy sma_cross --where 'fast != 10' --slice 1/3 --journal 1.journal --resume
mv aside mine.so
good 2 "${sma[@]}" --strategy ./mine.so --where 'fast != 10' --slice 1/3 --journal 1.journal --resume

# What is skipped must not depend on anything but parameters
cat >moody.c <<'END'
#include <bundlepool/strategy.h>
#include <stdlib.h>
static const char *check(void *context, const double *params)
{
    (void)context;
    return params[0] > 3 && getenv("MOODY") ? "not today" : NULL;
}
static void signals(void *context, const bp_market *market, const double *params, bp_signals *s)
{
    (void)context, (void)market, (void)params, (void)s;
}
static const bp_param n = {.name = "n", .help = "a number", .kind = BP_PARAM_INTEGER, .fallback = 1, .min = 1, .max = 9};
static const bp_strategy moody = {.size = sizeof moody, .name = "moody", .help = "does nothing", .param = &n, .num_params = 1,
                                  .check = check, .signals = signals};
BP_STRATEGY_MODULE(&moody)
END
build moody.c moody.so
alone --bundle demo --strategy ./moody.so --param n=1:5 --journal moody.journal
MOODY=1 bad 1 "it skips other combinations; the strategy's check must depend on its parameters alone" \
    --bundle demo --strategy ./moody.so --param n=1:5 --journal moody.journal --resume

finish
