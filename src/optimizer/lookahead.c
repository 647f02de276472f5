#include "optimizer/lookahead.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/day.h"
#include "core/json.h"
#include "core/text.h"
#include "optimizer/guard.h"

typedef struct checks {
    const bp__options *options;
    bp__results results; /* tells which combinations make sense and belong to the slice */
    bp__json json;
    uint64_t combinations; /* checked */
    bool failed;           /* one looks ahead, or cannot be told */
} checks;

/* "mine.so:cheat", or the name of a strategy that is built in. @return `text` */
static const char *strategy_of(const bp__options *o, char *text, size_t size)
{
    const char *name = o->spec.strategy;
    if (o->provided_by)
        snprintf(text, size, "%s:%s", o->provided.file, name);
    else
        snprintf(text, size, "%s", name);
    return text;
}

/* "combination 3 (fast=5)". @return `text` */
static const char *combination_of(const checks *c, uint64_t task, char *text, size_t size)
{
    char params[192];
    bp__results_task(&c->results, task, params, sizeof params);
    snprintf(text, size, *params ? "combination %" PRIu64 " (%s)" : "combination %" PRIu64,
             task % c->options->spec.grid.size, params);
    return text;
}

/* Text ------------------------------------------------------------------------------------------- */

static void tell_what_was_said(const bp__lookahead *r)
{
    char at[32], known[32];
    bp__text_print(stdout, "at %s", bp__day_text(r->session, at));
    if (r->symbol) bp__text_print(stdout, " asset %s", r->symbol);
    bp__text_line(stdout, ", known at the close of %s it says '%s', with later data '%s'",
                  bp__day_text(r->known, known), r->early, r->late);
}

static void tell(checks *c, uint64_t task, const bp__lookahead *r)
{
    char strategy[256], combination[256];
    const bp__options *o = c->options;
    bp__text_print(stdout, "look-ahead: %s, %s: ", strategy_of(o, strategy, sizeof strategy),
                   combination_of(c, task, combination, sizeof combination));
    if (r->found)
        tell_what_was_said(r);
    else if (r->cuts == 0)
        bp__text_line(stdout, "cannot be told, it failed on all data that was cut: %s", r->why);
    else if (r->failed > 0)
        bp__text_line(stdout,
                      "none in %" PRIu64 " runs on data that was cut, seed %" PRIu64 "; it failed in %" PRIu64
                      " more: %s",
                      r->cuts, o->lookahead_seed, r->failed, r->why);
    else
        printf("none in %" PRIu64 " runs on data that was cut, seed %" PRIu64 "\n", r->cuts,
               o->lookahead_seed);
    fflush(stdout);
}

/* JSON ------------------------------------------------------------------------------------------- */

static void tell_json(checks *c, uint64_t task, const bp__lookahead *r)
{
    char text[256], day[32];
    bp__json *j = &c->json;
    bp__json_open(j, NULL, '{');
    bp__json_int(j, "index", (int64_t)(task % c->options->spec.grid.size));
    bp__json_text(j, "combination", bp__results_task(&c->results, task, text, sizeof text));
    bp__json_bool(j, "looks_ahead", r->found);
    bp__json_int(j, "cuts", (int64_t)r->cuts);
    bp__json_int(j, "failed", (int64_t)r->failed);
    if (r->found) {
        bp__json_text(j, "session", bp__day_text(r->session, day));
        if (r->symbol) bp__json_text(j, "asset", r->symbol);
        bp__json_text(j, "known", bp__day_text(r->known, day));
        bp__json_text(j, "says", r->early);
        bp__json_text(j, "says_later", r->late);
    }
    bp__json_close(j, '}');
}

/* Checks ----------------------------------------------------------------------------------------- */

static bp_status check_task(checks *c, const bp_bundle *bundle, uint64_t task)
{
    const bp__options *o = c->options;
    const bp__spec *spec = &o->spec;
    double params[BP__MAX_PARAMS];
    bp__lookahead result;
    bp__grid_at(&spec->grid, task % spec->grid.size, params);
    const bp__lookahead_task what = {
        .bundle = bundle,
        .symbols = (const char *const *)spec->symbols,
        .start = spec->start,
        .end = spec->end,
        .delisted_after = spec->delisted_after,
        .strategy = spec->runs,
        .params = params,
        .account = &spec->account,
        .cuts = o->lookahead_cuts,
        .seed = o->lookahead_seed,
    };
    bp__guard_enter(NULL, &task, 1);
    const bp_status s = bp__lookahead_check(&what, &result);
    bp__guard_leave(NULL);
    if (bp__failed(s)) {
        char text[256], why[BP_ERROR_TEXT_MAX];
        snprintf(why, sizeof why, "%s", bp_error_text());
        return bp__fail(s, "look-ahead: %s: %.700s", combination_of(c, task, text, sizeof text), why);
    }
    c->combinations++;
    c->failed |= result.found || result.cuts == 0;
    if (o->json)
        tell_json(c, task, &result);
    else
        tell(c, task, &result);
    return BP_OK;
}

static bp_status check_bundle(checks *c, uint64_t b)
{
    const bp__spec *spec = &c->options->spec;
    const bp_bundle *bundle = NULL;
    uint64_t *todo = NULL, count = 0;
    BP_TRY(bp_bundle_load(c->options->conduct.cfg.root, spec->bundle[b], &bundle));
    bp_status s = bp__results_todo(&c->results, b, &todo, &count);
    for (uint64_t i = 0; s == BP_OK && i < count && i < BP__LOOKAHEAD_COMBINATIONS; i++)
        s = check_task(c, bundle, todo[i]);
    free(todo);
    bp_bundle_release(&bundle);
    return s;
}

static bp_status check_bundles(checks *c)
{
    for (uint64_t b = 0; b < c->options->spec.num_bundles; b++) BP_TRY(check_bundle(c, b));
    if (c->combinations == 0)
        BP_FAIL(BP_EINVAL,
                "--check-lookahead: no combination of these parameters makes sense, nothing was checked");
    return BP_OK;
}

static bp_status check_all(checks *c)
{
    const bp__options *o = c->options;
    bp__json *j = &c->json;
    char text[256];
    BP_TRY(bp__results_init(&o->spec, NULL, &c->results));
    if (!o->json) {
        BP_TRY(check_bundles(c));
        return bp__check_stdout();
    }
    bp__json_open(j, NULL, '{');
    bp__json_text(j, "strategy", strategy_of(o, text, sizeof text));
    bp__json_int(j, "seed", (int64_t)o->lookahead_seed);
    bp__json_open(j, "checked", '[');
    const bp_status s = check_bundles(c);
    bp__json_close(j, ']');
    bp__json_close(j, '}');
    BP_TRY(s);
    return bp__check_stdout();
}

int bp__run_lookahead(const bp__options *o)
{
    checks c = {.options = o, .json = {.file = stdout}};
    bp_status s = bp__guard_begin(o, false, 0, 1);
    if (s == BP_OK) s = check_all(&c);
    bp__guard_end();
    bp__results_fini(&c.results);
    if (bp__failed(s)) return bp__program_error(bp__optimizer(), BP__EXIT_FAILED);
    return c.failed ? BP__EXIT_FAILED : BP__EXIT_DONE;
}
