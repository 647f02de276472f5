#include "io/ingest/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/day.h"
#include "io/ingest/csvwork.h"
#include "io/ingest/wanted.h"

#define BARS_IN_MEMORY ((size_t)1 << 19) /* 24 MiB, in tables that may be half empty */
#define HELD_MOST      ((size_t)1 << 20) /* that wait to be turned round */
#define TELL_ROWS      65536

typedef struct asset {
    char *symbol;
    size_t size;
    bp__series series; /* its sid is the row in the table, until all are known */
    bool wanted;
} asset;

typedef struct ingest {
    bp__csv_work work;
    const char *path;
    bp__csv_file *file;
    BP__TABLE(asset *) assets; /* in the order of their first rows */
    size_t *slots, num_slots;  /* a hash table: rows of assets + 1; 0: free */
    size_t last;               /* the asset of the row before */
    size_t in_memory;          /* bars since the last time that all were given to the draft */
} ingest;

static void free_asset(asset **a)
{
    if (!*a) return;
    bp__series_fini(&(*a)->series);
    free((*a)->symbol);
    free(*a);
    *a = NULL;
}

static void fini(ingest *in)
{
    for (size_t i = 0; i < in->assets.n; i++) free_asset(&in->assets.row[i]);
    free(in->assets.row);
    free(in->slots);
    free(in->file);
    bp__csv_work_end(&in->work);
}

/* Assets ---------------------------------------------------------------------------------------- */

static uint64_t hash(const char *text, size_t size)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (size_t i = 0; i < size; i++) h = (h ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
    return h ^ h >> 32;
}

static bool is(const asset *a, const bp__csv_field *symbol)
{
    return a->size == symbol->size && memcmp(a->symbol, symbol->text, a->size) == 0;
}

/* The slot of a symbol, or the free one where it belongs. */
static size_t *find_slot(const ingest *in, const bp__csv_field *symbol)
{
    size_t at = hash(symbol->text, symbol->size) & (in->num_slots - 1);
    while (in->slots[at] != 0 && !is(in->assets.row[in->slots[at] - 1], symbol))
        at = (at + 1) & (in->num_slots - 1);
    return &in->slots[at];
}

static bp_status make_room(ingest *in)
{
    if (2 * (in->assets.n + 1) <= in->num_slots) return BP_OK;
    const size_t n = in->num_slots ? 2 * in->num_slots : 256;
    size_t *slots = calloc(n, sizeof *slots);
    if (!slots) BP_FAIL(BP_ENOMEM, "%s: no memory for its assets", in->path);
    free(in->slots);
    in->slots = slots;
    in->num_slots = n;
    for (size_t i = 0; i < in->assets.n; i++) {
        const bp__csv_field symbol = {in->assets.row[i]->symbol, (uint32_t)in->assets.row[i]->size, false};
        *find_slot(in, &symbol) = i + 1;
    }
    return BP_OK;
}

static bp_status new_asset(ingest *in, const bp__csv_field *symbol)
{
    if (in->assets.n == BP__ASSETS_MOST)
        BP_FAIL(BP_EFORMAT, "%s:%llu: more than %zu assets; split the table", in->path,
                (unsigned long long)in->file->text.line, BP__ASSETS_MOST);
    asset *a = calloc(1, sizeof *a);
    if (!a || !(a->symbol = strndup(symbol->text, symbol->size))) {
        free(a);
        BP_FAIL(BP_ENOMEM, "%s: no memory for its assets", in->path);
    }
    a->size = symbol->size;
    a->wanted = bp__csv_work_wants(&in->work, a->symbol);
    bp__series_init(&a->series, bp__csv_frame(in->file), (int64_t)in->assets.n);
    void *row = in->assets.row;
    const bp_status s = bp__table_grow(&row, in->assets.n, &in->assets.cap, sizeof *in->assets.row);
    if (bp__failed(s)) {
        free(a->symbol);
        free(a);
        return s;
    }
    in->assets.row = row;
    in->assets.row[in->assets.n++] = a;
    const char *problem = a->wanted ? bp__symbol_problem(a->symbol) : NULL;
    if (problem) a->series.bad = true;
    if (problem) bp__csv_error(in->file, in->file->text.line, "a symbol that %s", problem);
    return BP_OK;
}

/* The asset of a row; the last one, nearly always, in a file that is sorted by symbol. */
static bp_status find_asset(ingest *in, const bp__csv_field *symbol, asset **found)
{
    if (in->last < in->assets.n && is(in->assets.row[in->last], symbol)) {
        *found = in->assets.row[in->last];
        return BP_OK;
    }
    BP_TRY(make_room(in));
    size_t *slot = find_slot(in, symbol);
    if (*slot == 0) {
        BP_TRY(new_asset(in, symbol));
        *slot = in->assets.n;
    }
    in->last = *slot - 1;
    *found = in->assets.row[in->last];
    return BP_OK;
}

/* Rows ------------------------------------------------------------------------------------------ */

/* All bars to the draft: there are too many in memory. Those of a table that begins with its newest rows
 * stay. */
static bp_status flush_all(ingest *in)
{
    size_t held = 0;
    for (size_t i = 0; i < in->assets.n; i++) {
        bp__series *s = &in->assets.row[i]->series;
        if (s->bars.cap == 0) continue;
        BP_TRY(bp__series_flush(s, in->work.in->draft));
        held += s->bars.n;
        if (s->bars.n > 0) continue;
        free(s->bars.row);
        s->bars.row = NULL;
        s->bars.n = s->bars.cap = 0;
    }
    if (held > HELD_MOST)
        BP_FAIL(
            BP_EFORMAT,
            "%s: begins with its newest rows, and has too many to be turned round in memory: sort it by date",
            in->path);
    in->in_memory = 0;
    return BP_OK;
}

/* What is wrong with rows of assets that nobody asked for keeps nothing from anything. */
static bp_status take_row(ingest *in, bp__csv_row *row, bool *more)
{
    asset *a;
    BP_TRY(find_asset(in, &row->symbol, &a));
    if (!a->wanted) return BP_OK;
    BP_TRY(bp__csv_row_read(in->file, row, more));
    if (!row->good) {
        a->series.bad = true;
        return BP_OK;
    }
    BP_TRY(bp__series_add(&a->series, in->file, row, in->work.in->draft));
    return ++in->in_memory < BARS_IN_MEMORY ? BP_OK : flush_all(in);
}

static bp_status read_rows(ingest *in)
{
    bp__csv_row row;
    bool more;
    for (uint64_t n = 1;; n++) {
        BP_TRY(bp__csv_row_begin(in->file, &row, &more));
        if (!more) break;
        BP_TRY(take_row(in, &row, &more));
        if (!more) break;
        if (n % TELL_ROWS == 0) bp__csv_work_tell(&in->work);
    }
    if (in->assets.n == 0 && !in->file->bad) BP_FAIL(BP_EFORMAT, "%s: no row after the header", in->path);
    return BP_OK;
}

/* The end --------------------------------------------------------------------------------------- */

static int by_symbol(const void *a, const void *b)
{
    return strcmp((*(asset *const *)a)->symbol, (*(asset *const *)b)->symbol);
}

/* Sids in the order of the symbols, over all that are in the file. */
static bp_status number_assets(ingest *in)
{
    int64_t *to = malloc((in->assets.n + 1) * sizeof *to);
    if (!to) BP_FAIL(BP_ENOMEM, "%s: no memory for its assets", in->path);
    const size_t n = in->assets.n;
    if (n > 1) qsort(in->assets.row, n, sizeof *in->assets.row, by_symbol);
    for (size_t i = 0; i < n; i++) {
        bp__series *s = &in->assets.row[i]->series;
        to[s->sid] = (int64_t)i;
        s->sid = (int64_t)i;
    }
    bp__draft_renumber(in->work.in->draft, to, n);
    free(to);
    return BP_OK;
}

static bool is_there(const void *context, const char *symbol)
{
    const ingest *in = context;
    for (size_t i = 0; i < in->assets.n; i++)
        if (strcmp(in->assets.row[i]->symbol, symbol) == 0) return true;
    return false;
}

static bp_status put_asset(ingest *in, const asset *a)
{
    const bp__series *s = &a->series;
    if (!a->wanted || s->bad) return BP_OK;
    int64_t first = BP_TIME_MISSING, last = BP_TIME_MISSING;
    BP_TRY(bp__dayset_merge(&in->work.days, &s->days));
    bp__dayset_span(&s->days, &first, &last);
    BP_TRY(bp__csv_work_add_events(&in->work, s->sid, &s->events, s->frame == BP__DAILY));
    return bp__csv_work_add_asset(&in->work, s->sid, a->symbol, first, last);
}

#define NAMED 10 /* assets that are left out, by name */

/* Which assets --keep-going leaves out. */
static void tell_left_out(ingest *in)
{
    char names[NAMED * 48] = "";
    size_t n = 0, used = 0;
    for (size_t i = 0; i < in->assets.n; i++) {
        const asset *a = in->assets.row[i];
        if (!a->wanted || !a->series.bad || a->series.empty) continue;
        if (n++ < NAMED)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%.40s", used > 0 ? ", " : "",
                                     a->symbol);
    }
    in->work.in->left_out = n;
    if (n > NAMED) snprintf(names + used, sizeof names - used, ", %zu more", n - NAMED);
    if (n > 0 && in->work.in->options->keep_going)
        bp__report_add(in->work.in->report, BP__WARNING, in->path, 0,
                       "assets that are left out, for errors: %s", names);
}

static bp_status put_together(ingest *in)
{
    bp__input_stamp stamp;
    for (size_t i = 0; i < in->assets.n; i++) {
        asset *a = in->assets.row[i];
        if (a->wanted) BP_TRY(bp__series_finish(&a->series, in->file, a->symbol, in->work.in->draft));
    }
    BP_TRY(bp__csv_finish(in->file, &stamp));
    const char *name = strrchr(in->path, '/');
    BP_TRY(bp__csv_work_read(&in->work, name ? name + 1 : in->path, &stamp));
    BP_TRY(number_assets(in));
    BP_TRY(bp__wanted_check(in->work.in->options->symbols, in->path, is_there, in));
    tell_left_out(in);
    for (size_t i = 0; i < in->assets.n; i++) {
        BP_TRY(put_asset(in, in->assets.row[i]));
        free_asset(&in->assets.row[i]); /* the draft grows as fast as this goes */
    }
    BP_TRY(bp__csv_work_add_sessions(&in->work));
    return bp__csv_work_finish(&in->work);
}

static bp_status read_table(ingest *in)
{
    struct stat st;
    if (stat(in->path, &st) == 0 && S_ISREG(st.st_mode)) in->work.total = (uint64_t)st.st_size;
    in->file = malloc(sizeof *in->file);
    if (!in->file) BP_FAIL(BP_ENOMEM, "%s: no memory to read it", in->path);
    BP_TRY(bp__csv_open(in->path, BP__NUM_FRAMES, &in->work.rules, in->file));
    bp_status s = read_rows(in);
    if (s == BP_OK && in->file->headless) /* told already: with an asset unknown, all are in doubt */
        s = bp__fail(BP_EFORMAT, "%s: rows that cannot be said to be of one asset", in->path);
    if (s == BP_OK) s = put_together(in);
    bp__csv_close(in->file);
    return s;
}

static bp_status read(bp__ingest *in, const char *path)
{
    ingest work = {.path = path, .last = SIZE_MAX};
    BP_TRY(bp__csv_work_begin(&work.work, in, NULL));
    const bp_status s = read_table(&work);
    fini(&work);
    return s;
}

const bp__ingest_source bp__table_source = {
    .verb = "ingest",
    .name = "table",
    .help = "one CSV file, with a column that names the asset",
    .read = read,
};
