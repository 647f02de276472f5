/* bundle demo, ingest, import: what makes bundle files. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bundle/command.h"
#include "bundle/folder.h"
#include "bundle/look.h"
#include "bundle/overwrite.h"
#include "bundle/progress.h"
#include "bundle/remember.h"
#include "bundle/sources.h"
#include "cli/locate.h"
#include "core/name.h"
#include "core/text.h"
#include "io/source_state.h"

/* @param[in,out] folder  {0}; on failure what was made of it is gone again */
static bp_status begin(const bp__target *target, bp__folder *folder, bp__draft *draft)
{
    BP_TRY(bp__folder_make(folder, target->root));
    const bp_status s = bp__draft_init(draft, target->name, target->root);
    if (bp__failed(s)) {
        bp__draft_fini(draft);
        bp__folder_unmake(folder);
    }
    return s;
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

/* The folder is made again: whoever was the first to make it may have failed meanwhile, and removed it. */
static bp_status write_file(const bp__draft *draft, const bp__target *target,
                            const bp__write_options *options)
{
    bp__folder folder = {0};
    BP_TRY(bp__folder_make(&folder, target->root));
    const bp_status s = bp__h5_write(draft, target->path, options);
    if (bp__failed(s)) bp__folder_unmake(&folder);
    return s;
}

/* @param[in] look  NULL: nobody looks at what is written */
static bp_status write_draft(const bp__draft *draft, const bp__target *target, const bp__command_line *line,
                             bp__progress progress, bp__look *look)
{
    struct stat st;
    char bytes[32];
    const bp__write_options options = {.filter = line->filter,
                                       .threads = line->ingest.threads,
                                       .progress = progress,
                                       .look = look ? bp__look_series : NULL,
                                       .look_context = look};
    BP_TRY(write_file(draft, target, &options));
    const uint64_t size = stat(target->path, &st) == 0 ? (uint64_t)st.st_size : 0;
    bp__progress_hide();
    if (line->unless) line->unless->made = true;
    if (line->json) return BP_OK; /* told by who asked for JSON */
    const size_t assets = draft->assets.n, sessions = draft->days.n,
                 minutes = bp__draft_num_bars(draft, BP__MINUTE);
    bp__text_line(stdout, "%s: %zu asset%s, %zu session%s, %zu minute bar%s, %s", target->path, assets,
                  plural(assets), sessions, plural(sessions), minutes, plural(minutes),
                  bp__bytes_text(size, bytes));
    return BP_OK;
}

bp_status bp__run_demo(const void *command_line)
{
    const bp__command_line *line = command_line;
    bp__target target;
    bp__draft draft;
    bp__folder folder = {0};
    BP_TRY(bp__target_find(line->arg[0], line->root, &target));
    BP_TRY(bp__overwrite_check(&target, "demo", line->replace, NULL, 0));
    BP_TRY(begin(&target, &folder, &draft));
    bp_status s = bp__demo_generate(&line->demo, &draft);
    strcpy(draft.origin.maker, "demo");
    if (s == BP_OK) s = bp__draft_finish(&draft);
    if (s == BP_OK) s = bp__overwrite_check(&target, "demo", line->replace, NULL, 0); /* it took a while */
    if (s == BP_OK) s = write_draft(&draft, &target, line, bp__progress_show(), NULL);
    bp__progress_hide();
    bp__draft_fini(&draft);
    if (bp__failed(s)) bp__folder_unmake(&folder);
    return s;
}

/* Ingest and import ----------------------------------------------------------------------------- */

/* What kept values from being stored as zipline would: told, because other programs may read the file. */
static void report_factors(const bp__draft *draft, bp__report *report)
{
    for (int f = 0; f < BP__NUM_FRAMES; f++) {
        if (draft->by_asset[f][BP__PRICE])
            bp__report_add(report, BP__WARNING, "", 0,
                           "%s prices need a scaling factor for each asset: zipline would read other prices "
                           "from this file",
                           bp__frame_name[f]);
        if (draft->by_asset[f][BP__AMOUNT] || (draft->series[f].n > 0 && draft->factor[f][BP__AMOUNT] != 1))
            bp__report_add(report, BP__WARNING, "", 0,
                           "%s volumes are not stored in single shares: zipline would read other volumes "
                           "from this file",
                           bp__frame_name[f]);
    }
}

/* What the report says of errors decides whether a bundle is made. */
static bp_status judge(const bp__command_line *line, const bp__report *report)
{
    const size_t errors = bp__report_count(report, BP__ERROR), files = bp__report_bad_files(report);
    if (errors == 0 || line->ingest.keep_going) return BP_OK;
    BP_FAIL(BP_EFORMAT,
            "%zu error%s in %zu file%s: no bundle was made; mend %s, or leave %s out with --keep-going",
            errors, errors == 1 ? "" : "s", files, files == 1 ? "" : "s", files == 1 ? "it" : "them",
            files == 1 ? "it" : "them");
}

/* What is asked for: of an input, or of one part of it. */
typedef struct order {
    const bp__command_line *line;
    const bp__ingest_source *source;
    bp__ingest_options options;
    bp__target target;
} order;

/* What a source cannot know, or need not: only what it held is its own affair. */
static bp_status complete_origin(const order *o, bp__origin *origin)
{
    bp__command_line asked = *o->line;
    const char *path = asked.arg[1];
    asked.ingest = o->options;
    snprintf(origin->maker, sizeof origin->maker, "%s", o->source->verb);
    snprintf(origin->source, sizeof origin->source, "%s", o->source->name);
    free(origin->path);
    free(origin->options);
    origin->options = NULL;
    origin->path = realpath(path, NULL);
    if (!origin->path) BP_FAIL_ERRNO(BP_EIO, errno, "%s: cannot tell where it is", path);
    return bp__remember_options(&asked, &origin->options);
}

/* What is read, and whether that is what the bundle was made from already. The state of the source is that
 * before anything was read: what changes meanwhile is newer than the bundle. */
static bp_status read_source(const order *o, bp__ingest *in, bool *same)
{
    bp__origin *origin = &in->draft->origin;
    bp__make_unless *unless = o->line->unless;
    bp__source_seen seen;
    BP_TRY(bp__source_look(o->line->arg[1], &seen));
    BP_TRY(o->source->read(in, o->line->arg[1]));
    BP_TRY(complete_origin(o, origin));
    origin->time = seen.time;
    origin->files = seen.files;
    origin->stamp = seen.stamp;
    *same = unless && *origin->content && strcmp(origin->content, unless->content) == 0;
    if (!*same) return BP_OK;
    *unless = (bp__make_unless){.content = unless->content, .same = true, .seen = seen};
    return BP_OK;
}

/* What does not fit together in an input is no fault of the command line. */
static bp_status finish_draft(bp__draft *draft, const char *path)
{
    char text[BP_ERROR_TEXT_MAX];
    const bp_status s = bp__draft_finish(draft);
    if (s != BP_EINVAL && s != BP_ERANGE && s != BP_EFORMAT) return s;
    snprintf(text, sizeof text, "%s", bp_error_text());
    BP_FAIL(BP_EFORMAT, "%s: %s", path, text);
}

/* Before anything is read, and once more when it is about to be written. */
static bp_status check_target(const order *o)
{
    const char *const read[] = {o->line->arg[1], o->options.sessions};
    return bp__overwrite_check(&o->target, o->source->verb, o->line->replace, read, 2);
}

static bp_status make_bundle(const order *o, bp__report *report, bp__draft *draft)
{
    const bp__command_line *line = o->line;
    bp__ingest in = {
        .options = &o->options, .report = report, .progress = bp__progress_show(), .draft = draft};
    bool same;
    bp__look *look;
    BP_TRY(read_source(o, &in, &same));
    BP_TRY(judge(line, report));
    if (same) return BP_OK;
    BP_TRY(finish_draft(draft, line->arg[1]));
    if (draft->assets.n == 0) BP_FAIL(BP_EFORMAT, "%s: nothing is left to make a bundle of", line->arg[1]);
    report_factors(draft, report);
    BP_TRY(check_target(o));
    BP_TRY(bp__look_begin(draft, &look));
    bp_status s = write_draft(draft, &o->target, line, in.progress, look);
    const bp_status told = bp__look_end(&look, s == BP_OK ? stderr : NULL);
    BP_TRY(s == BP_OK ? told : s);
    const size_t files = bp__report_bad_files(report), left_out = in.left_out > 0 ? in.left_out : files;
    if (files == 0) return BP_OK;
    BP_FAIL(BP_EFORMAT, "%s: made without %zu %s%s that %s errors", o->target.path, left_out,
            in.left_out > 0 ? "asset" : "file", plural(left_out), left_out == 1 ? "has" : "have");
}

static bp_status carry_out(const order *o)
{
    bp__draft draft;
    bp__folder folder = {0};
    bp__report *report;
    BP_TRY(check_target(o));
    BP_TRY(bp__report_create(o->line->max_errors, &report));
    bp_status s = begin(&o->target, &folder, &draft);
    if (s == BP_OK) {
        s = make_bundle(o, report, &draft);
        bp__progress_hide();
        bp__report_print(report, stderr);
        bp__draft_fini(&draft);
        if (bp__failed(s)) bp__folder_unmake(&folder);
    }
    bp__report_destroy(&report);
    return s;
}

/* NAME_PART, or FOLDER/NAME_PART.h5. */
static bp_status find_part_target(const bp__command_line *line, const char *part, bp__target *target)
{
    char *name = NULL;
    BP_TRY(bp__target_find(line->arg[2], line->root, target));
    if (asprintf(&name, "%s_%s", target->name, part) < 0) BP_FAIL(BP_ENOMEM, "no memory for a name");
    const bp_status s = bp__bundle_path(target->root, name, target->path, sizeof target->path);
    snprintf(target->name, sizeof target->name, "%s", name);
    free(name);
    if (s == BP_EINVAL && bp__bundle_name_check(part) != BP_OK) /* else NAME is too long for it */
        BP_FAIL(
            BP_EFORMAT,
            "%s: its country '%s' cannot be part of a bundle's name: import each country on its own, with "
            "--country and a name",
            line->arg[1], part);
    return s;
}

/* A bundle of each part. Whether each can have its name is known before the first is made. */
static bp_status make_parts(const order *whole, const bp__ingest_parts *parts)
{
    order o = *whole;
    for (size_t i = 0; i < parts->n; i++) {
        BP_TRY(find_part_target(o.line, parts->name[i], &o.target));
        BP_TRY(check_target(&o));
    }
    for (size_t i = 0; i < parts->n; i++) {
        BP_TRY(find_part_target(o.line, parts->name[i], &o.target));
        o.options.country = parts->name[i];
        BP_TRY(carry_out(&o));
    }
    return BP_OK;
}

static bp_status make(const bp__command_line *line, const char *verb)
{
    bp__ingest_parts parts = {.n = 0};
    order o = {.line = line, .options = line->ingest};
    BP_TRY(bp__source_find(verb, line->arg[0], &o.source));
    BP_TRY(bp__target_find(line->arg[2], line->root, &o.target));
    if (o.options.country && !o.source->parts)
        BP_FAIL(BP_EINVAL, "--country: an input of the kind '%s' has one country", o.source->name);
    if (o.source->parts && !o.options.country) BP_TRY(o.source->parts(line->arg[1], &parts));
    return parts.n > 1 ? make_parts(&o, &parts) : carry_out(&o);
}

bp_status bp__run_ingest(const void *command_line)
{
    return make(command_line, "ingest");
}

bp_status bp__run_import(const void *command_line)
{
    return make(command_line, "import");
}
