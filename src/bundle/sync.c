/* bundle sync: makes a bundle again if its source has changed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/command.h"
#include "bundle/remember.h"
#include "bundle/sources.h"
#include "bundle/tables.h"
#include "cli/locate.h"
#include "core/json.h"
#include "core/text.h"
#include "io/hdf5/h5origin.h"

typedef struct sync {
    const bp__command_line *line;
    bp__target target;
    bp__origin origin;
    bp__source_state state;
    bp__make_unless unless;
    const char *action; /* "none", "restamped", "made" */
} sync;

/* A source is called the same whichever command uses it. */
static bp_status find_source(const char *name, unsigned *use, bp_status (**run)(const void *command_line))
{
    const bp__ingest_source *source;
    *use = BP__USE_INGEST;
    *run = bp__run_ingest;
    if (bp__source_find("ingest", name, &source) == BP_OK) return BP_OK;
    *use = BP__USE_IMPORT;
    *run = bp__run_import;
    return bp__source_find("import", name, &source);
}

/* As if it were typed again. */
static bp_status make_again(sync *y)
{
    char *args[] = {y->origin.source, y->origin.path, y->line->arg[0]};
    bp__command_line line = {.arg = args,
                             .root = y->line->root,
                             .json = y->line->json,
                             .max_errors = y->line->max_errors,
                             .unless = &y->unless};
    bp_status (*run)(const void *command_line);
    unsigned use;
    BP_TRY(find_source(y->origin.source, &use, &run));
    BP_TRY(bp__recall_options(y->origin.options, use, &line));
    line.ingest.threads = y->line->ingest.threads;
    y->unless.content = y->origin.content;
    const bp_status s = run(&line);
    if (y->unless.made) y->action = "made";
    /* of a bundle that is there: what is wrong with the options is nothing that was typed now */
    return s == BP_EINVAL ? bp__fail_text(BP_EFORMAT, bp_error_text()) : s;
}

static bp_status bring_in(sync *y)
{
    BP_TRY(make_again(y));
    if (!y->unless.same) return BP_OK;
    BP_TRY(bp__h5_restamp(y->target.path, &y->unless.seen));
    y->action = "restamped";
    return BP_OK;
}

static bp_status look_and_act(sync *y)
{
    BP_TRY(bp__h5_origin(y->target.path, &y->origin));
    if (!*y->origin.source)
        BP_FAIL(BP_ENOTFOUND,
                "%s: does not tell what it was made from; make it again with 'bundle ingest' or "
                "'bundle import'",
                y->target.path);
    y->state = bp__source_compare(&y->origin);
    if (y->state == BP__SOURCE_GONE)
        BP_FAIL(BP_ENOTFOUND, "%s: its source %s is gone, or cannot be looked at", y->target.path,
                y->origin.path);
    return y->state == BP__SOURCE_SAME ? BP_OK : bring_in(y);
}

static const char *state_name(bp__source_state state)
{
    static const char *const name[] = {"unknown", "same", "newer", "gone"};
    return name[state];
}

static void tell_json(const sync *y, bp_status s)
{
    bp__json j = {.file = stdout};
    bp__json_open(&j, NULL, '{');
    bp__json_text(&j, "name", y->target.name);
    bp__json_text(&j, "path", y->target.path);
    bp__json_text(&j, "source", y->origin.source);
    bp__json_text(&j, "source_path", y->origin.path ? y->origin.path : "");
    bp__json_text(&j, "source_state", state_name(y->state));
    bp__json_text(&j, "action", y->action);
    if (bp__failed(s)) bp__json_text(&j, "error", bp_error_text());
    bp__json_close(&j, '}');
}

/* What was made has been told already. */
static void tell_text(const sync *y)
{
    if (y->state == BP__SOURCE_SAME)
        bp__text_line(stdout, "%s: its source %s has not changed: %" PRIu64 " file%s of the %s as before",
                      y->target.path, y->origin.path, y->origin.files, y->origin.files == 1 ? "" : "s",
                      y->origin.stamp != 0 ? "same names, sizes and times" : "same age");
    else if (y->unless.same)
        bp__text_line(stdout, "%s: its source %s was touched, but holds the same: no bar was written",
                      y->target.path, y->origin.path);
}

bp_status bp__run_sync(const void *command_line)
{
    sync y = {.line = command_line, .action = "none"};
    BP_TRY(bp__target_find(y.line->arg[0], y.line->root, &y.target));
    const bp_status s = look_and_act(&y);
    if (y.line->json)
        tell_json(&y, s);
    else if (s == BP_OK)
        tell_text(&y);
    bp__origin_fini(&y.origin);
    return s;
}
