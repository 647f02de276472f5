#include "backtest/strategy.h"

#include <stdio.h>
#include <string.h>

#include "core/status.h"

static const bp__strategy *const STRATEGIES[] = {
#define X(name) &bp__strategy_##name,
    BP__STRATEGY_MAP(X)
#undef X
};

#define NUM_STRATEGIES (sizeof STRATEGIES / sizeof *STRATEGIES)

const bp__strategy *bp__strategy_at(unsigned i)
{
    return i < NUM_STRATEGIES ? STRATEGIES[i] : NULL;
}

bp_status bp__strategy_find(const char *name, const bp__strategy **strategy)
{
    char names[256] = "";
    *strategy = NULL;
    for (size_t i = 0, used = 0; i < NUM_STRATEGIES; i++) {
        if (strcmp(name, STRATEGIES[i]->name) == 0) {
            *strategy = STRATEGIES[i];
            return BP_OK;
        }
        int n = snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", STRATEGIES[i]->name);
        if (n > 0 && used + (size_t)n < sizeof names) used += (size_t)n;
    }
    BP_FAIL(BP_ENOTFOUND, "strategy '%s': there is no such strategy, choose from %s", name, names);
}

const char *bp__strategy_name(const bp__strategy *s)
{
    return s->name;
}

const char *bp__strategy_help(const bp__strategy *s)
{
    return s->help;
}

const bp__param *bp__strategy_params(const bp__strategy *s, unsigned *count)
{
    *count = s->num_params;
    return s->param;
}

const char *bp__strategy_check(const bp__strategy *s, const double *params)
{
    return s->check ? s->check(params) : NULL;
}
