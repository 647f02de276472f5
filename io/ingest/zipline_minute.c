/* minute_equities.bcolz: a table for each sid, with a row for every minute of every session. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/day.h"
#include "io/ingest/each.h"
#include "io/ingest/zipline_places.h"

#define MINUTE_NS INT64_C(60000000000)
/* Sessions that are read at a time: some MiB. */
#define SLAB_ROWS 32768

typedef struct minutes {
    bp__zipline *z;
    bp__zipline_places at;
    BP__TABLE(int64_t) sids; /* that have a table, ascending */
} minutes;

/* Bars ------------------------------------------------------------------------------------------ */

/* A table at work. */
typedef struct table {
    const minutes *m;
    const bp__zipline_asset *asset;
    char path[64];
    bp__bcolz column[BP__NUM_FIELDS];
    bp__bcolz_cursor cursor[BP__NUM_FIELDS];
    double ratio;
    size_t outside, late; /* minutes outside the asset's life, and after the close */
    int64_t first_late;
} table;

static bp_status open_table(table *t)
{
    const bp__zipline *z = t->m->z;
    char path[96];
    for (int f = 0; f < BP__NUM_FIELDS; f++) {
        snprintf(path, sizeof path, "%s/%s", t->path, bp__field_name[f]);
        bp_status s = bp__bcolz_open((bp__sealed *)(uintptr_t)&z->folder, path, &t->column[f]);
        if (s == BP_ENOTFOUND) BP_FAIL(BP_EFORMAT, "%s/%s: is missing", z->folder.root, path);
        BP_TRY(s);
        t->cursor[f].column = &t->column[f];
        if (t->column[f].rows != t->column[0].rows)
            BP_FAIL(BP_EFORMAT, "%s/%s: has %" PRIu64 " rows, the column open has %" PRIu64, z->folder.root,
                    path, t->column[f].rows, t->column[0].rows);
    }
    return BP_OK;
}

static void close_table(table *t)
{
    for (int f = 0; f < BP__NUM_FIELDS; f++) {
        bp__bcolz_cursor_fini(&t->cursor[f]);
        bp__bcolz_close(&t->column[f]);
    }
}

/* A row that is not blank. @return whether it becomes a bar */
static bool make_bar(table *t, const uint32_t *value[BP__NUM_FIELDS], size_t k, uint64_t row, bp__bar *bar)
{
    const bp__zipline_places *p = &t->m->at;
    const uint64_t per_day = (uint64_t)t->m->z->minutes.per_day, i = row / per_day;
    bar->dt = p->first[i] + (int64_t)(row % per_day) * MINUTE_NS;
    if (p->last[i] != BP_TIME_MISSING && bar->dt > p->last[i]) {
        if (t->late++ == 0) t->first_late = bar->dt;
        return false;
    }
    if (p->day[i] < t->asset->start || p->day[i] > t->asset->end) {
        t->outside++;
        return false;
    }
    for (int f = 0; f < BP__VOLUME; f++) bar->value[f] = value[f][k] ? value[f][k] * (1.0 / t->ratio) : NAN;
    bar->value[BP__VOLUME] = value[BP__VOLUME][k];
    return true;
}

static bool is_blank(const uint32_t *value[BP__NUM_FIELDS], size_t k)
{
    return (value[0][k] | value[1][k] | value[2][k] | value[3][k] | value[4][k]) == 0;
}

/* Some rows, from memory to memory. */
static bp_status make_bars(table *t, uint64_t first, size_t n, const uint32_t *value[BP__NUM_FIELDS],
                           bp__bar *bars, size_t *made)
{
    const bp__zipline_places *p = &t->m->at;
    const uint64_t per_day = (uint64_t)t->m->z->minutes.per_day;
    *made = 0;
    for (size_t k = 0; k < n; k++) {
        if (is_blank(value, k)) continue;
        const uint64_t session = (first + k) / per_day;
        if (session < p->unknown || session >= p->n)
            return bp__zipline_places_error(t->m->z, p, t->path, first + k);
        *made += make_bar(t, value, k, first + k, &bars[*made]);
    }
    return BP_OK;
}

static bp_status read_slabs(table *t, uint32_t *slab, bp__bar *bars)
{
    const bp__zipline *z = t->m->z;
    const uint32_t *value[BP__NUM_FIELDS];
    size_t n, made;
    for (uint64_t first = 0; first < t->column[0].rows; first += n) {
        const uint64_t left = t->column[0].rows - first;
        n = left < SLAB_ROWS ? (size_t)left : SLAB_ROWS;
        for (int f = 0; f < BP__NUM_FIELDS; f++) {
            value[f] = slab + (size_t)f * SLAB_ROWS;
            BP_TRY(bp__bcolz_read(&t->cursor[f], first, n, slab + (size_t)f * SLAB_ROWS));
        }
        BP_TRY(make_bars(t, first, n, value, bars, &made));
        BP_TRY(bp__draft_add_bars(z->in->draft, BP__MINUTE, t->asset->sid, bars, made, NULL));
    }
    return BP_OK;
}

static void tell_oddities(const table *t)
{
    const bp__zipline *z = t->m->z;
    char time[32];
    if (t->late > 0)
        bp__report_add(z->in->report, BP__WARNING, z->folder.root, 0,
                       "%s: %zu minute bars after the close are left out, the first: %s", t->path, t->late,
                       bp__time_text(t->first_late, time));
    if (t->outside > 0)
        bp__report_add(z->in->report, BP__WARNING, z->folder.root, 0,
                       "%s: %zu minute bars before the asset's start_date or after its end_date are left out",
                       t->path, t->outside);
}

static bp_status read_table(table *t)
{
    bp__draft *draft = t->m->z->in->draft;
    BP_TRY(open_table(t));
    BP_TRY(bp__zipline_minute_ratio(t->m->z, t->asset->sid, &t->ratio));
    uint32_t *slab = malloc(BP__NUM_FIELDS * SLAB_ROWS * sizeof *slab);
    bp__bar *bars = malloc(SLAB_ROWS * sizeof *bars);
    bp_status s =
        slab && bars ? read_slabs(t, slab, bars) : bp__fail(BP_ENOMEM, "%s: no memory for its bars", t->path);
    free(slab);
    free(bars);
    if (s == BP_OK) bp__draft_fix_factors(draft, BP__MINUTE, t->asset->sid, t->ratio, 1);
    if (s == BP_OK) tell_oddities(t);
    return s;
}

/* Tables ---------------------------------------------------------------------------------------- */

/* Where zipline looks for the table of a sid. */
static void sid_path(int64_t sid, char path[64])
{
    char digits[24];
    snprintf(digits, sizeof digits, "%06" PRId64, sid);
    snprintf(path, 64, "%s/%.2s/%.2s/%s.bcolz", BP__ZIPLINE_MINUTE, digits, digits + 2, digits);
}

static bp_status read_sid(void *minutes_, size_t i)
{
    minutes *m = minutes_;
    bp__zipline *z = m->z;
    table t = {.m = m, .asset = bp__zipline_asset_of(z, m->sids.row[i])};
    sid_path(m->sids.row[i], t.path);
    bp_status s = read_table(&t);
    close_table(&t);
    if (bp__failed(s)) bp__draft_drop(z->in->draft, BP__MINUTE, m->sids.row[i]);
    BP__TELL(&z->in->progress, "reading minutes", i + 1, m->sids.n);
    return bp__zipline_report(z, s); /* the tables of other sids can be good all the same */
}

/* A name in a folder of tables. What is not that of a table which zipline would find there is told. */
static bp_status take_name(minutes *m, const char *folder, const char *name)
{
    bp__zipline *z = m->z;
    char stem[32], path[64], found[128];
    int64_t sid;
    const char *dot = strstr(name, ".bcolz");
    const size_t length = dot && strcmp(dot, ".bcolz") == 0 ? (size_t)(dot - name) : 0;
    snprintf(stem, sizeof stem, "%.*s", (int)(length < 31 ? length : 31), name);
    snprintf(found, sizeof found, "%s/%.90s", folder, name);
    if (bp__meta_sid(stem, &sid)) sid_path(sid, path);
    if (!bp__meta_sid(stem, &sid) || strcmp(path, found) != 0) {
        bp__report_add(z->in->report, BP__WARNING, z->folder.root, 0,
                       "%s: is no table that zipline would find there, and is left out", found);
        return BP_OK;
    }
    if (bp__zipline_asset_of(z, sid)) {
        BP__APPEND(&m->sids, sid);
    } else if (!bp__zipline_is_known(z, sid)) {
        bp__report_add(z->in->report, BP__WARNING, z->folder.root, 0,
                       "%s: its sid is no equity of assets-%d.sqlite; left out", found, z->version);
    }
    return BP_OK;
}

static bool is_pair(const char *name)
{
    return strlen(name) == 2 && strspn(name, "0123456789") == 2;
}

/* Two levels of folders with names of two digits, and tables below. */
static bp_status list_level(minutes *m, const char *folder, int level)
{
    bp__sealed_names names;
    char below[64];
    bp_status s = bp__sealed_list(&m->z->folder, folder, &names);
    for (size_t i = 0; s == BP_OK && i < names.name.n; i++) {
        const char *name = names.name.row[i];
        if (level == 2) {
            s = take_name(m, folder, name);
        } else if (is_pair(name)) {
            snprintf(below, sizeof below, "%.40s/%.2s", folder, name);
            s = list_level(m, below, level + 1);
        }
    }
    bp__sealed_names_fini(&names);
    return s;
}

static int by_number(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static bp_status read_all(minutes *m)
{
    BP_TRY(list_level(m, BP__ZIPLINE_MINUTE, 0));
    if (m->sids.n == 0) return BP_OK; /* a folder that zipline makes in any case */
    qsort(m->sids.row, m->sids.n, sizeof *m->sids.row, by_number);
    BP_TRY(bp__zipline_places_find(m->z, &m->at));
    return bp__each(m->z->in->options->threads, m->sids.n, read_sid, m);
}

bp_status bp__zipline_read_minutes(bp__zipline *z)
{
    minutes m = {.z = z};
    if (!z->minutes.there) return BP_OK;
    bp_status s = read_all(&m);
    free(m.sids.row);
    bp__zipline_places_fini(&m.at);
    return s;
}
