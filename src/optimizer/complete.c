#include "optimizer/complete.h"

#include <inttypes.h>
#include <stdio.h>

#include "optimizer/files.h"
#include "optimizer/past.h"
#include "optimizer/paths.h"
#include "optimizer/plugins.h"

bp_status bp__blame(const char *option, bp_status s)
{
    char text[BP_ERROR_TEXT_MAX];
    if (s == BP_OK) return s;
    snprintf(text, sizeof text, "%s", bp_error_text());
    return bp__fail(s, "--%s: %s", option, text);
}

static bp_status choose_grid(bp__options *o)
{
    const bp_strategy *strategy;
    bp__spec *spec = &o->spec;
    if (!o->strategy) BP_FAIL(BP_EINVAL, "--strategy is missing; --list-strategies tells which there are");
    BP_TRY(bp__strategy_named(o, o->strategy, &strategy));
    if (!strategy) return bp__strategy_not_chosen(o, o->strategy);
    BP_TRY(bp__spec_set_strategy(spec, strategy, o->provided.hash));
    if (o->provided.pieces) BP_TRY(bp__spec_set_pieces(spec, o->provided.pieces));
    for (int i = 0; i < o->num_params; i++) BP_TRY(bp__grid_set(&spec->grid, o->param[i]));
    if (o->results) BP_TRY(bp__rerun_pick(&o->rerun, o->row, o->bundle ? spec->bundle[0] : NULL, spec));
    if (spec->num_bundles > BP__MAX_COMBINATIONS / spec->grid.size)
        BP_FAIL(BP_EINVAL,
                "--bundles: %" PRIu64 " combinations over %" PRIu64
                " bundles are too many; search in several runs",
                spec->grid.size, spec->num_bundles);
    return BP_OK;
}

static bp_status finish_search(bp__options *o)
{
    bp__spec *spec = &o->spec;
    if (o->ranks && !o->dry_run) BP_FAIL(BP_EINVAL, "--ranks: mpirun -n decides that; it is for --dry-run");
    BP_TRY(bp__past_complete(o));
    if (o->bundle && o->bundles) BP_FAIL(BP_EINVAL, "--bundle and --bundles: choose one");
    if (!o->bundle && !o->bundles)
        BP_FAIL(BP_EINVAL, "--bundle is missing; name a bundle, or a file that ends in .h5");
    if (o->metrics) BP_TRY(bp__blame("metrics", bp__spec_set_metrics(spec, o->metrics)));
    if (spec->start != BP_TIME_MISSING && spec->end != BP_TIME_MISSING && spec->start > spec->end)
        BP_FAIL(BP_EINVAL, "--start lies after --end; nothing is left to test");
    BP_TRY(bp__find_bundles(o, o->bundles ? o->bundles : o->bundle, o->bundles != NULL));
    BP_TRY(choose_grid(o));
    if (o->where) BP_TRY(bp__spec_set_where(spec, o->where));
    if (o->objective) BP_TRY(bp__ranking_by(spec, o->objective, false));
    if (o->having) BP_TRY(bp__ranking_having(spec, o->having, false));
    if (o->from) BP_TRY(bp__rerun_choose(&o->rerun, o->top, spec));
    BP_TRY(bp__choose_journal(o));
    BP_TRY(bp__check_files(o));
    return bp_config_check(&o->conduct.cfg);
}

static bp_status finish_compare(bp__options *o)
{
    BP_TRY(bp__ranking_check_objective(o->objective));
    for (int i = 0; i < o->num_inputs; i++)
        if (!*o->input[i]) BP_FAIL(BP_EINVAL, "'' is not the name of a file");
    return BP_OK;
}

static bp_status finish_run(bp__options *o)
{
    bp__spec *spec = &o->spec;
    BP_TRY(bp__past_complete(o));
    if (o->bundles)
        BP_FAIL(BP_EINVAL, "--results: %.160s is of several bundles (%.160s); say by --bundle which is meant",
                o->results, o->bundles);
    if (!o->bundle) BP_FAIL(BP_EINVAL, "--bundle is missing; name a bundle, or a file that ends in .h5");
    if (spec->start != BP_TIME_MISSING && spec->end != BP_TIME_MISSING && spec->start > spec->end)
        BP_FAIL(BP_EINVAL, "--start lies after --end; nothing is left to test");
    BP_TRY(bp__find_bundles(o, o->bundle, false));
    BP_TRY(choose_grid(o));
    if (spec->grid.size > 1)
        BP_FAIL(BP_EINVAL,
                "--param: %" PRIu64 " combinations; a run is one of them, give each parameter one value",
                spec->grid.size);
    BP_TRY(bp__check_files(o));
    return bp_config_check(&o->conduct.cfg);
}

static bp_status finish_merge(bp__options *o)
{
    /* the journals may lack a metric; what is wrong whatever they have is wrong usage */
    BP_TRY(bp__ranking_check_objective(o->objective));
    BP_TRY(bp__ranking_check_having(o->having));
    if (!o->out) BP_FAIL(BP_EINVAL, "--out is missing; name the file of all results");
    return bp__check_files(o);
}

bp_status bp__complete(bp__options *o)
{
    switch (o->command->use) {
    case BP__MERGE: return finish_merge(o);
    case BP__COMPARE: return finish_compare(o);
    case BP__RUN: return finish_run(o);
    case BP__DOCTOR: return bp_config_check(&o->conduct.cfg);
    default: return finish_search(o);
    }
}
