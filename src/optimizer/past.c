#include "optimizer/past.h"

#include <stdlib.h>
#include <string.h>

/* What a text of a search says, if it says anything. */
static bp_status keep_line(const bp__rerun *r, const char *key, char **value)
{
    const size_t size = strlen(r->origin.text) + 1;
    *value = malloc(size);
    if (!*value) BP_FAIL(BP_ENOMEM, "%.200s: no memory to read it", r->table.path);
    bp__result_origin_line(r->origin.text, key, *value, size);
    if (**value) return BP_OK;
    free(*value);
    *value = NULL;
    return BP_OK;
}

/* Make the search that they are of what the other options change. */
static bp_status read_results(const char *path, bp__options *o)
{
    bp__rerun *r = &o->rerun;
    BP_TRY(bp__rerun_read(path, r));
    if (!r->origin.text) return BP_OK;
    BP_TRY(bp__rerun_preset(r, &o->spec));
    BP_TRY(keep_line(r, "strategy", &o->past_strategy));
    return keep_line(r, "bundle", &o->past_bundles);
}

bp_status bp__past_begin(const bp__program *program, int argc, char **argv, bp__options *o)
{
    bp__options probe = {.command = o->command, .conduct = {.cfg = o->conduct.cfg}};
    char **arg;
    int num_args;
    bp__spec_init(&probe.spec);
    probe.param = calloc((size_t)argc + 1, sizeof *probe.param);
    bp_status s = probe.param ? bp__program_read(program, o->command, argc, argv, &probe, &arg, &num_args)
                              : bp__fail(BP_ENOMEM, "no memory for the command line");
    const char *path = probe.from ? probe.from : probe.results;
    const bool tells = probe.help || probe.version || probe.list_strategies || probe.list_metrics;
    bp__spec_fini(&probe.spec);
    free(probe.param);
    BP_TRY(s);
    return path && !tells ? read_results(path, o) : BP_OK;
}

/* A plug-in is known by its name and its content, not by where it is. */
static bp_status choose_strategy(bp__options *o)
{
    const char *path = o->rerun.table.path;
    char hash[BP__HASH_DIGITS + 1];
    const bool made = strstr(o->rerun.origin.text ? o->rerun.origin.text : "", "\npiece ") != NULL;
    if (o->strategy) return BP_OK;
    if (!o->past_strategy)
        BP_FAIL(BP_EINVAL,
                "--strategy is missing: there is no %.200s" BP__ORIGIN_SUFFIX " that says which it was",
                path);
    if (bp__result_origin_line(o->rerun.origin.text, "plugin", hash, sizeof hash))
        BP_FAIL(BP_EINVAL,
                "--strategy is missing: %.160s is of a strategy in a file; name it, as FILE%s:%.40s", path,
                made ? "" : ".so", o->past_strategy);
    o->strategy = o->past_strategy;
    return BP_OK;
}

/* Of several bundles a single run takes the one that its row is of. */
static void choose_bundles(bp__options *o)
{
    if (o->bundle || o->bundles || !o->past_bundles) return;
    const bool several = o->rerun.table.several;
    if (several)
        o->bundles = o->past_bundles;
    else
        o->bundle = o->past_bundles;
}

bp_status bp__past_complete(bp__options *o)
{
    const char *path = o->from ? o->from : o->results, *option = o->from ? "--from" : "--results";
    if ((o->row != BP__NO_TASK) != (o->results != NULL))
        BP_FAIL(BP_EINVAL, "--row and --results go together: a row of a file of results");
    if (!path) return BP_OK;
    if (o->num_params > 0)
        BP_FAIL(BP_EINVAL, "--param and %s: choose one; the combinations are those of %.200s", option, path);
    if (o->top == 0) BP_FAIL(BP_EINVAL, "--top: of %.200s at least 1 has to be tested", path);
    BP_TRY(choose_strategy(o));
    choose_bundles(o);
    return BP_OK;
}
