#include "backtest/builtin.h"

#include <stdio.h>
#include <string.h>

#include "backtest/backtest.h"
#include "core/status.h"

static const bp_strategy *const BUILTINS[] = {
#define X(name) &bp__builtin_##name,
    BP__BUILTIN_MAP(X)
#undef X
};

#define NUM_BUILTINS (sizeof BUILTINS / sizeof *BUILTINS)

const bp_strategy *bp__builtin_at(unsigned i)
{
    return i < NUM_BUILTINS ? BUILTINS[i] : NULL;
}

bp_status bp__builtin_find(const char *name, const bp_strategy **strategy)
{
    char names[512] = "";
    *strategy = NULL;
    for (size_t i = 0, used = 0; i < NUM_BUILTINS; i++) {
        if (strcmp(name, BUILTINS[i]->name) == 0) {
            *strategy = BUILTINS[i];
            return BP_OK;
        }
        int n = snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", BUILTINS[i]->name);
        if (n > 0 && used + (size_t)n < sizeof names) used += (size_t)n;
    }
    BP_FAIL(BP_ENOTFOUND,
            "strategy '%s': there is no such strategy, choose from %s, or name a plug-in, ./FILE.so", name,
            names);
}

const char *bp__strategy_check(const bp_strategy *s, const double *params)
{
    return s->check ? s->check(s->context, params) : NULL;
}
