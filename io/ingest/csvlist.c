#include "io/ingest/csvlist.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <bundlepool/config.h>

#include "io/ingest/unpack.h"

#define NAMED 8 /* of those that are not taken, in words */

const char *const bp__side_names[] = {"assets.csv", "symbols.csv", "adjustments.csv", "sessions.csv",
                                      "bundle.csv"};
const size_t bp__num_side_names = sizeof bp__side_names / sizeof *bp__side_names;

typedef struct skipped {
    BP__TABLE(char *) names; /* owned */
} skipped;

void bp__csv_list_fini(bp__csv_list *list)
{
    for (size_t i = 0; i < list->entries.n; i++) {
        free(list->entries.row[i].stem);
        for (int f = 0; f < BP__NUM_FRAMES; f++) free(list->entries.row[i].path[f]);
    }
    free(list->entries.row);
    *list = (bp__csv_list){0};
}

/* Names ----------------------------------------------------------------------------------------- */

/* Length of SYMBOL in SYMBOL.csv, with a suffix of compression or without, in any case; 0 for another file.
 * */
static size_t stem_length(const char *name)
{
    bp__packing packing;
    const size_t n = bp__packing_of_name(name, &packing);
    return name[0] != '.' && n > 4 && strncasecmp(name + n - 4, ".csv", 4) == 0 ? n - 4 : 0;
}

static bool is_side_name(const char *name)
{
    if (strcmp(name, BP__EXPORT_LIST) == 0) return true;
    for (size_t i = 0; i < bp__num_side_names; i++)
        if (strcmp(name, bp__side_names[i]) == 0) return true;
    return false;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bp_status skip(skipped *s, const char *name)
{
    char *copy = strdup(name);
    if (!copy) BP_FAIL(BP_ENOMEM, "%s: no memory", name);
    void *row = s->names.row;
    const bp_status grown = bp__table_grow(&row, s->names.n, &s->names.cap, sizeof *s->names.row);
    if (bp__failed(grown)) {
        free(copy);
        return grown;
    }
    s->names.row = row;
    s->names.row[s->names.n++] = copy;
    return BP_OK;
}

/* Name what was not taken, and free it. */
static void tell_skipped(skipped *s, const char *folder, const char *why, bp__report *report)
{
    char text[400] = "";
    if (s->names.n > 0) qsort(s->names.row, s->names.n, sizeof *s->names.row, by_text);
    for (size_t i = 0; i < s->names.n; i++) {
        const size_t used = strlen(text);
        if (i < NAMED) snprintf(text + used, sizeof text - used, "%s'%.40s'", i ? ", " : "", s->names.row[i]);
        free(s->names.row[i]);
    }
    const size_t more = s->names.n > NAMED ? s->names.n - NAMED : 0, used = strlen(text);
    if (more > 0) snprintf(text + used, sizeof text - used, " and %zu more", more);
    if (s->names.n > 0)
        bp__report_add(report, BP__NOTE, folder, 0, "%zu not read: %s%s", s->names.n, text, why);
    free(s->names.row);
}

/* Folders --------------------------------------------------------------------------------------- */

static bp_status add_file(bp__csv_list *list, const char *folder, int frame, const char *name, size_t stem)
{
    struct stat st;
    BP__APPEND(&list->entries, (bp__csv_entry){0});
    bp__csv_entry *added = &list->entries.row[list->entries.n - 1];
    added->stem = strndup(name, stem);
    if (!added->stem || asprintf(&added->path[frame], "%s/%s", folder, name) < 0) {
        added->path[frame] = NULL;
        BP_FAIL(BP_ENOMEM, "%s: no memory", folder);
    }
    /* for the order in which files are read, and for progress: what is wrong with a file is said when it is
     * opened */
    if (stat(added->path[frame], &st) == 0 && S_ISREG(st.st_mode)) added->size[frame] = (uint64_t)st.st_size;
    return BP_OK;
}

typedef enum place { FRAME, TOP, FLAT } place; /* daily/ and minute/; DIR beside them; DIR without them */

static bp_status take_entry(bp__csv_list *list, const char *folder, place kind, int frame, const char *name,
                            skipped *skip_)
{
    const size_t stem = stem_length(name);
    const bool is_frame =
        strcmp(name, bp__frame_name[BP__DAILY]) == 0 || strcmp(name, bp__frame_name[BP__MINUTE]) == 0;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return BP_OK;
    if (kind != FRAME && is_side_name(name)) return BP_OK;
    if (kind == TOP && is_frame) return BP_OK;
    if (kind == TOP || stem == 0) return skip(skip_, name);
    return add_file(list, folder, frame, name, stem);
}

/* @param[out] found  whether the folder is there */
static bp_status list_folder(bp__csv_list *list, const char *folder, place kind, int frame,
                             bp__report *report, bool *found)
{
    DIR *d = opendir(folder);
    *found = d != NULL;
    if (!d && errno == ENOENT) return BP_OK;
    if (!d) BP_FAIL_ERRNO(BP_EIO, errno, "%s: cannot be opened as a folder", folder);
    skipped not_taken = {0};
    bp_status s = BP_OK;
    const struct dirent *entry;
    while (s == BP_OK && (errno = 0, entry = readdir(d)))
        s = take_entry(list, folder, kind, frame, entry->d_name, &not_taken);
    if (s == BP_OK && errno != 0) s = bp__fail_errno(BP_EIO, errno, "%s: cannot be listed", folder);
    closedir(d);
    tell_skipped(&not_taken, folder,
                 kind == TOP ? "; only the folders 'daily' and 'minute' hold bars"
                             : "; names end in .csv, or .csv.gz, .bz2, .xz, .zst",
                 report);
    return s;
}

/* Symbols --------------------------------------------------------------------------------------- */

static int by_stem(const void *a, const void *b)
{
    const bp__csv_entry *x = a, *y = b;
    const int c = strcmp(x->stem, y->stem);
    if (c != 0) return c;
    for (int f = 0; f < BP__NUM_FRAMES; f++)
        if (x->path[f] && y->path[f]) return strcmp(x->path[f], y->path[f]);
    return 0;
}

/* One entry for the daily and the minute file of a symbol. */
static void merge(bp__csv_list *list, bp__report *report)
{
    size_t kept = 0;
    bp__csv_entry *row = list->entries.row;
    if (list->entries.n > 1) qsort(row, list->entries.n, sizeof *row, by_stem);
    for (size_t i = 0; i < list->entries.n; i++) {
        bp__csv_entry e = row[i];
        if (kept == 0 || strcmp(e.stem, row[kept - 1].stem) != 0) {
            row[kept++] = e;
            continue;
        }
        bp__csv_entry *last = &row[kept - 1];
        for (int f = 0; f < BP__NUM_FRAMES; f++) {
            if (!e.path[f]) continue;
            if (last->path[f]) {
                bp__report_add(report, BP__ERROR, e.path[f], 0, "the same symbol as %s; remove one of them",
                               last->path[f]);
                last->bad = true;
                free(e.path[f]);
                continue;
            }
            last->path[f] = e.path[f];
            last->size[f] = e.size[f];
        }
        free(e.stem);
    }
    list->entries.n = kept;
}

static bp_status list_all(const char *dir, bp__report *report, bp__csv_list *list)
{
    char folder[BP_PATH_MAX];
    bool found, frames = false;
    for (int f = 0; f < BP__NUM_FRAMES; f++) {
        const int n = snprintf(folder, sizeof folder, "%s/%s", dir, bp__frame_name[f]);
        if (n < 0 || (size_t)n >= sizeof folder) BP_FAIL(BP_EINVAL, "%.60s...: the path is too long", dir);
        BP_TRY(list_folder(list, folder, FRAME, f, report, &found));
        frames |= found;
    }
    BP_TRY(list_folder(list, dir, frames ? TOP : FLAT, BP__DAILY, report, &found));
    if (list->entries.n == 0)
        BP_FAIL(BP_ENOTFOUND, "%s: no SYMBOL.csv in it%s", dir,
                frames ? "s folders 'daily' and 'minute'"
                       : ", and neither a folder 'daily' nor a folder 'minute'");
    if (!frames)
        bp__report_add(
            report, BP__NOTE, dir, 0,
            "it has neither a folder 'daily' nor a folder 'minute': its files are taken as daily bars");
    merge(list, report);
    return BP_OK;
}

bp_status bp__csv_list_make(const char *dir, bp__report *report, bp__csv_list *list)
{
    *list = (bp__csv_list){0};
    DIR *d = opendir(dir);
    if (!d) BP_FAIL_ERRNO(BP_ENOTFOUND, errno, "%s: cannot be opened as a folder", dir);
    closedir(d);
    const bp_status s = list_all(dir, report, list);
    if (bp__failed(s)) bp__csv_list_fini(list);
    return s;
}
