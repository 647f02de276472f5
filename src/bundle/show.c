/* bundle info, bundle list, bundle version: what tells about bundle files. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/command.h"
#include "bundle/coverage.h"
#include "bundle/source_lines.h"
#include "cli/locate.h"
#include "core/bundle.h"
#include "core/day.h"
#include "core/direct.h"
#include "core/json.h"
#include "core/text.h"
#include "io/hdf5/h5read.h"

/* A bundle without its bars --------------------------------------------------------------------- */

/* The plan's head is the beginning of the image: everything but the bulk columns' values. */
typedef struct peek {
    bp__source *source; /* owned */
    uint64_t bytes;     /* of the file */
    bp_bundle bundle;
} peek;

static bp_status peek_open(const char *path, const char *name, peek *p)
{
    const bp__loader *loader = bp__h5_loader();
    BP_TRY(loader->open(path, &p->source));
    const bp__plan *plan = loader->plan(p->source);
    p->bytes = plan->identity.size;
    p->bundle = (bp_bundle){.image = plan->head};
    snprintf(p->bundle.name, sizeof p->bundle.name, "%s", name);
    return BP_OK;
}

static void peek_close(peek *p)
{
    bp__h5_loader()->close(&p->source);
}

static int64_t rows(const peek *p, bp_column column)
{
    bp_array a;
    return bp_bundle_column(&p->bundle, column, &a) ? (int64_t)a.shape[0] : 0;
}

/* First or last session, BP_TIME_MISSING if there is none. */
static int64_t session(const peek *p, bool last)
{
    size_t d = bp_bundle_num_sessions(&p->bundle);
    return d == 0 ? BP_TIME_MISSING : bp_bundle_sessions(&p->bundle)[last ? d - 1 : 0];
}

static void put_summary(bp__json *j, const peek *p, const char *path)
{
    char first[32], last[32];
    bp__json_text(j, "name", p->bundle.name);
    bp__json_text(j, "path", path);
    bp__json_int(j, "bytes", (int64_t)p->bytes);
    bp__json_int(j, "assets", rows(p, BP_COL_ASSET_SID));
    bp__json_int(j, "sessions", rows(p, BP_COL_DAY));
    bp__json_text(j, "first_session", bp__time_text(session(p, false), first));
    bp__json_text(j, "last_session", bp__time_text(session(p, true), last));
    bp__json_int(j, "minute_bars", rows(p, BP_COL_MINUTE_DT));
}

/* info ------------------------------------------------------------------------------------------ */

static const struct {
    const char *key;
    bp_column column;
} tables[] = {
    {"daily_assets", BP_COL_SID},
    {"minute_assets", BP_COL_MINUTE_SID},
    {"calendar_sessions", BP_COL_SESSION},
    {"splits", BP_COL_SPLIT_SID},
    {"mergers", BP_COL_MERGER_SID},
    {"dividends", BP_COL_DIVIDEND_SID},
    {"dividend_payouts", BP_COL_PAYOUT_SID},
    {"stock_dividend_payouts", BP_COL_STOCK_SID},
};
#define NUM_TABLES (sizeof tables / sizeof *tables)

/* @param[in] whole  NULL: the assets are not asked for */
static bp_status info_json(const peek *p, const char *path, const bp_bundle *whole)
{
    char unknown[256];
    bp__json j = {.file = stdout};
    bp__json_open(&j, NULL, '{');
    put_summary(&j, p, path);
    bp__json_int(&j, "image_bytes", (int64_t)p->bundle.image->bytes);
    bp__json_text(&j, "schema_version", p->bundle.image->schema_version);
    bp__json_text(&j, "calendar_name", p->bundle.image->calendar_name);
    for (size_t i = 0; i < NUM_TABLES; i++) bp__json_int(&j, tables[i].key, rows(p, tables[i].column));
    bp__source_json(&j, path);
    bp__json_text(&j, "not_known", bp__unknown_text(&p->bundle, path, unknown, sizeof unknown));
    bp_status s = whole ? bp__coverage_json(whole, &j) : BP_OK;
    bp__json_close(&j, '}');
    return s;
}

static bp_status info_text(const peek *p, const char *path, const bp_bundle *whole)
{
    char unknown[256], file[32], image[32], first[32], last[32];
    const bp__image *head = p->bundle.image;
    bp__text_line(stdout, "%-24s%s", "bundle", p->bundle.name);
    bp__text_line(stdout, "%-24s%s, %s", "file", path, bp__bytes_text(p->bytes, file));
    bp__text_line(stdout, "%-24s%s", "image in memory", bp__bytes_text(head->bytes, image));
    bp__text_line(stdout, "%-24s%s", "schema", head->schema_version);
    bp__text_line(stdout, "%-24s%s", "calendar", *head->calendar_name ? head->calendar_name : "-");
    bp__text_line(stdout, "%-24s%" PRId64, "assets", rows(p, BP_COL_ASSET_SID));
    bp__text_line(stdout, "%-24s%" PRId64 ", %s to %s", "sessions", rows(p, BP_COL_DAY),
                  bp__time_text(session(p, false), first), bp__time_text(session(p, true), last));
    bp__text_line(stdout, "%-24s%" PRId64, "minute bars", rows(p, BP_COL_MINUTE_DT));
    for (size_t i = 0; i < NUM_TABLES; i++) {
        char label[32];
        snprintf(label, sizeof label, "%s", tables[i].key);
        for (char *c = label; *c; c++)
            if (*c == '_') *c = ' ';
        bp__text_line(stdout, "%-24s%" PRId64, label, rows(p, tables[i].column));
    }
    bp__source_text(path, p->bundle.name);
    bp__unknown_text(&p->bundle, path, unknown, sizeof unknown);
    bp__text_line(stdout, "%-24s%s", "not known", *unknown ? unknown : "-");
    return whole ? bp__coverage_text(whole) : BP_OK;
}

bp_status bp__run_info(const void *command_line)
{
    const bp__command_line *line = command_line;
    bp__target target;
    peek p;
    BP_TRY(bp__target_find(line->arg[0], line->root, &target));
    BP_TRY(peek_open(target.path, target.name, &p));
    const bp_bundle *whole = NULL;
    bp_status s =
        line->per_asset ? bp__direct_load(bp__h5_loader(), target.root, target.name, &whole) : BP_OK;
    if (s == BP_OK) s = (line->json ? info_json : info_text)(&p, target.path, whole);
    if (whole) bp_bundle_release(&whole);
    peek_close(&p);
    return s;
}

/* list ------------------------------------------------------------------------------------------ */

static int is_bundle_file(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);
    return entry->d_name[0] != '.' && n > 3 && strcmp(entry->d_name + n - 3, ".h5") == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void list_one(bp__json *j, bool json, const char *root, const char *file)
{
    char path[BP_PATH_MAX + 260], stem[256], bytes[32], first[32], last[32];
    peek p;
    snprintf(path, sizeof path, "%s%s%s", root, strcmp(root, "/") == 0 ? "" : "/", file);
    snprintf(stem, sizeof stem, "%.*s", (int)(strlen(file) - 3), file);
    bp_status s = bp__bundle_name_check(stem);
    if (s == BP_OK) s = peek_open(path, stem, &p);
    if (json) bp__json_open(j, NULL, '{');
    if (bp__failed(s) && json) {
        bp__json_text(j, "name", stem);
        bp__json_text(j, "path", path);
        bp__json_text(j, "error", bp_error_text());
    } else if (bp__failed(s)) {
        bp__text_line(stdout, "%-24s broken: %s", stem, bp_error_text());
    } else if (json) {
        put_summary(j, &p, path);
    } else {
        bp__text_line(stdout, "%-24s %10s  %6" PRId64 " assets  %6" PRId64 " sessions  %s to %s", stem,
                      bp__bytes_text(p.bytes, bytes), rows(&p, BP_COL_ASSET_SID), rows(&p, BP_COL_DAY),
                      bp__time_text(session(&p, false), first), bp__time_text(session(&p, true), last));
    }
    if (json) bp__json_close(j, '}');
    if (s == BP_OK) peek_close(&p);
}

bp_status bp__run_list(const void *command_line)
{
    const bp__command_line *line = command_line;
    const char *root = bp__root(line->root);
    if (strlen(root) >= BP_PATH_MAX) BP_FAIL(BP_EINVAL, "%.40s...: the folder's path is too long", root);
    struct dirent **entry;
    int n = scandir(root, &entry, is_bundle_file, by_bytes);
    if (n < 0 && errno == ENOENT)
        BP_FAIL(BP_ENOTFOUND, "%s: no such folder; 'bundle demo NAME' makes one, or use --root DIR", root);
    if (n < 0) BP_FAIL_ERRNO(BP_EIO, errno, "%s: cannot be listed", root);
    bp__json j = {.file = stdout};
    if (line->json) bp__json_open(&j, NULL, '[');
    for (int i = 0; i < n; i++) {
        list_one(&j, line->json, root, entry[i]->d_name);
        free(entry[i]);
    }
    free(entry);
    if (line->json) bp__json_close(&j, ']');
    return BP_OK;
}

/* version --------------------------------------------------------------------------------------- */

static void version_json(const bp_version *v)
{
    bp__json j = {.file = stdout};
    bp__json_open(&j, NULL, '{');
    bp__json_text(&j, "bundle_name", v->bundle_name);
    bp__json_open(&j, "asset_list", '[');
    for (size_t i = 0; i < v->num_assets; i++) bp__json_text(&j, NULL, v->asset_list[i]);
    bp__json_close(&j, ']');
    bp__json_open(&j, "date_range", '[');
    for (int i = 0; i < 2; i++) bp__json_text(&j, NULL, v->date_range[i]);
    bp__json_close(&j, ']');
    bp__json_text(&j, "schema_version", v->schema_version);
    bp__json_text(&j, "computed_hash", v->computed_hash);
    bp__json_text(&j, "content_hash", v->content_hash);
    bp__json_close(&j, '}');
}

static void version_text(const bp_version *v)
{
    bp__text_line(stdout, "%-16s%s", "bundle", v->bundle_name);
    bp__text_print(stdout, "%-16s%zu", "assets", v->num_assets);
    for (size_t i = 0; i < v->num_assets && i < 8; i++) {
        fputs(i ? ", " : ": ", stdout);
        bp__text_put(stdout, v->asset_list[i]);
    }
    bp__text_line(stdout, "%s", v->num_assets > 8 ? ", ..." : "");
    bp__text_line(stdout, "%-16s%s to %s", "dates", v->date_range[0], v->date_range[1]);
    bp__text_line(stdout, "%-16s%s", "schema", v->schema_version);
    bp__text_line(stdout, "%-16s%s", "computed_hash", v->computed_hash);
    bp__text_line(stdout, "%-16s%s", "content_hash", v->content_hash);
}

bp_status bp__run_version(const void *command_line)
{
    const bp__command_line *line = command_line;
    bp__target target;
    const bp_bundle *bundle;
    bp_version version = bp_version_init();
    BP_TRY(bp__target_find(line->arg[0], line->root, &target));
    BP_TRY(bp__direct_load(bp__h5_loader(), target.root, target.name, &bundle));
    bp_status s = bp_bundle_version(bundle, &version);
    bp_bundle_release(&bundle);
    BP_TRY(s);
    if (line->json)
        version_json(&version);
    else
        version_text(&version);
    bp_version_fini(&version);
    return BP_OK;
}
