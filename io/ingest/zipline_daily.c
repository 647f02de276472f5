/* daily_equities.bcolz: one table for all sids, each with its rows one after the other. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/day.h"
#include "io/ingest/each.h"
#include "io/ingest/zipline_parts.h"

#define SECONDS_PER_DAY 86400
#define SECOND_NS       INT64_C(1000000000)
#define PRICE_FACTOR    1000
/* A piece of work has at least so many rows, so that few blocks are unpacked by two threads. */
#define PIECE_ROWS 65536

/* Attributes ------------------------------------------------------------------------------------ */

/* An entry of one of the attributes that are objects with a number for each sid. */
static bp_status take_entry(const bp__zipline *z, const char *attribute, const char *sid, int64_t *value)
{
    const json_t *object;
    BP_TRY(bp__meta_get(&z->daily, attribute, JSON_OBJECT, &object));
    const json_t *entry = json_object_get(object, sid);
    if (!json_is_integer(entry))
        BP_FAIL(BP_EFORMAT, "%s/%s: '%s' has no whole number for sid %.20s", z->folder.root, z->daily.name,
                attribute, sid);
    *value = json_integer_value(entry);
    return BP_OK;
}

static bp_status take_rows(bp__zipline *z, const char *key)
{
    bp__zipline_rows rows = {0};
    int64_t first, last;
    if (!bp__meta_sid(key, &rows.sid))
        BP_FAIL(BP_EFORMAT, "%s/%s: '%.40s' in 'first_row' is no sid", z->folder.root, z->daily.name, key);
    BP_TRY(take_entry(z, "first_row", key, &first));
    BP_TRY(take_entry(z, "last_row", key, &last));
    BP_TRY(take_entry(z, "calendar_offset", key, &rows.offset));
    if (first < 0 || last < first - 1 || (uint64_t)last + 1 > z->day.rows)
        BP_FAIL(BP_EFORMAT,
                "%s/%s: sid %s has rows %" PRId64 " to %" PRId64 ", the columns have %" PRIu64 " rows",
                z->folder.root, z->daily.name, key, first, last, z->day.rows);
    if (rows.offset < 0 || rows.offset > INT32_MAX)
        BP_FAIL(BP_EFORMAT, "%s/%s: 'calendar_offset' of sid %s is %" PRId64, z->folder.root, z->daily.name,
                key, rows.offset);
    if (last < first) return BP_OK; /* an asset without bars */
    rows.first = (uint64_t)first;
    rows.n = (size_t)(last - first + 1);
    BP__APPEND(&z->rows, rows);
    return BP_OK;
}

static int by_first_row(const void *a, const void *b)
{
    const bp__zipline_rows *x = a, *y = b;
    if (x->first != y->first) return x->first < y->first ? -1 : 1;
    return (x->sid > y->sid) - (x->sid < y->sid);
}

static bp_status check_overlaps(const bp__zipline *z)
{
    uint64_t covered = 0;
    for (size_t i = 0; i < z->rows.n; i++) {
        const bp__zipline_rows *r = &z->rows.row[i];
        if (i > 0 && r->first < r[-1].first + r[-1].n)
            BP_FAIL(BP_EFORMAT, "%s/%s: row %" PRIu64 " belongs to sid %" PRId64 " and to sid %" PRId64,
                    z->folder.root, z->daily.name, r->first, r[-1].sid, r->sid);
        covered += r->n;
    }
    if (covered < z->day.rows)
        bp__report_add(z->in->report, BP__WARNING, z->folder.root, 0,
                       "%s: %" PRIu64 " of %" PRIu64 " rows belong to no sid and are left out",
                       BP__ZIPLINE_DAILY, z->day.rows - covered, z->day.rows);
    return BP_OK;
}

/* What is not imported is told, and leaves the list. */
static void drop_strangers(bp__zipline *z)
{
    size_t kept = 0, strangers = 0;
    int64_t stranger = 0;
    for (size_t i = 0; i < z->rows.n; i++) {
        const bp__zipline_rows r = z->rows.row[i];
        if (bp__zipline_asset_of(z, r.sid)) {
            z->rows.row[kept++] = r;
            continue;
        }
        if (!bp__zipline_is_known(z, r.sid) && strangers++ == 0) stranger = r.sid;
    }
    z->rows.n = kept;
    if (strangers > 0)
        bp__report_add(
            z->in->report, BP__WARNING, z->folder.root, 0,
            "%s: the bars of %zu sids that are no equities of assets-%d.sqlite are left out; the first: "
            "sid %" PRId64,
            BP__ZIPLINE_DAILY, strangers, z->version, stranger);
}

static bp_status list_rows(bp__zipline *z)
{
    const json_t *first_row;
    const char *key;
    json_t *value;
    BP_TRY(bp__meta_get(&z->daily, "first_row", JSON_OBJECT, &first_row));
    json_object_foreach((json_t *)(uintptr_t)first_row, key, value) BP_TRY(take_rows(z, key));
    if (z->rows.n > 1) qsort(z->rows.row, z->rows.n, sizeof *z->rows.row, by_first_row);
    BP_TRY(check_overlaps(z));
    drop_strangers(z);
    return BP_OK;
}

static bp_status open_columns(bp__zipline *z)
{
    char path[64];
    for (int f = 0; f < BP__NUM_FIELDS; f++) {
        snprintf(path, sizeof path, "%s/%s", BP__ZIPLINE_DAILY, bp__field_name[f]);
        BP_TRY(bp__bcolz_open(&z->folder, path, &z->column[f]));
    }
    BP_TRY(bp__bcolz_open(&z->folder, BP__ZIPLINE_DAILY "/day", &z->day));
    BP_TRY(bp__bcolz_open(&z->folder, BP__ZIPLINE_DAILY "/id", &z->id));
    for (int f = 0; f <= BP__NUM_FIELDS; f++) {
        const bp__bcolz *column = f < BP__NUM_FIELDS ? &z->column[f] : &z->id;
        if (column->rows != z->day.rows)
            BP_FAIL(BP_EFORMAT, "%s/%s: has %" PRIu64 " rows, the column day has %" PRIu64, z->folder.root,
                    column->path, column->rows, z->day.rows);
    }
    return BP_OK;
}

/* Pieces ---------------------------------------------------------------------------------------- */

/* A piece of work: the sids from one that begins it to the one before the next that does. */
typedef struct pieces {
    bp__zipline *z;
    BP__TABLE(size_t) begin; /* rows of z->rows */
    bp_status (*each)(bp__zipline *z, bp__zipline_rows *rows, bp__bcolz_cursor *cursor, uint32_t *value);
    size_t values; /* a sid needs in memory, at most */
} pieces;

enum { DAY_CURSOR = BP__NUM_FIELDS, ID_CURSOR, NUM_CURSORS };

static bp_status do_piece(void *pieces_, size_t i)
{
    const pieces *p = pieces_;
    bp__zipline *z = p->z;
    bp__bcolz_cursor cursor[NUM_CURSORS] = {{.column = NULL}};
    const size_t end = i + 1 < p->begin.n ? p->begin.row[i + 1] : z->rows.n;
    bp_status s = BP_OK;
    for (int c = 0; c < NUM_CURSORS; c++)
        cursor[c].column = c == DAY_CURSOR ? &z->day : c == ID_CURSOR ? &z->id : &z->column[c];
    uint32_t *value = malloc(p->values * sizeof *value);
    if (!value) s = bp__fail(BP_ENOMEM, "%s: no memory for the bars of a sid", BP__ZIPLINE_DAILY);
    for (size_t r = p->begin.row[i]; r < end && s == BP_OK; r++)
        s = p->each(z, &z->rows.row[r], cursor, value);
    free(value);
    for (int c = 0; c < NUM_CURSORS; c++) bp__bcolz_cursor_fini(&cursor[c]);
    BP__TELL(&z->in->progress, "reading", end, z->rows.n);
    return s;
}

static bp_status list_pieces(pieces *p)
{
    size_t rows = PIECE_ROWS;
    for (size_t r = 0; r < p->z->rows.n; r++) {
        const size_t n = p->z->rows.row[r].n;
        if (rows >= PIECE_ROWS) {
            BP__APPEND(&p->begin, r);
            rows = 0;
        }
        rows += n;
        if (n * NUM_CURSORS > p->values) p->values = n * NUM_CURSORS;
    }
    return BP_OK;
}

static bp_status each_sid(bp__zipline *z, bp_status (*each)(bp__zipline *z, bp__zipline_rows *rows,
                                                            bp__bcolz_cursor *cursor, uint32_t *value))
{
    pieces p = {.z = z, .each = each, .values = 1};
    bp_status s = list_pieces(&p);
    if (s == BP_OK) s = bp__each(z->in->options->threads, p.begin.n, do_piece, &p);
    free(p.begin.row);
    return s;
}

/* Days ------------------------------------------------------------------------------------------ */

static bp_status row_error(const bp__zipline *z, const bp__zipline_rows *rows, size_t k, const char *column,
                           const char *what)
{
    BP_FAIL(BP_EFORMAT, "%s/%s/%s: row %" PRIu64 ", sid %" PRId64 ": %s", z->folder.root, BP__ZIPLINE_DAILY,
            column, rows->first + k, rows->sid, what);
}

/* The days of a sid ascend, and each row is its own. */
static bp_status look_at(bp__zipline *z, bp__zipline_rows *rows, bp__bcolz_cursor *cursor, uint32_t *value)
{
    uint32_t *id = value + rows->n;
    BP_TRY(bp__bcolz_read(&cursor[DAY_CURSOR], rows->first, rows->n, value));
    BP_TRY(bp__bcolz_read(&cursor[ID_CURSOR], rows->first, rows->n, id));
    for (size_t k = 0; k < rows->n; k++) {
        if (id[k] != rows->sid) return row_error(z, rows, k, "id", "is not the sid that __attrs__ tells");
        if (value[k] % SECONDS_PER_DAY != 0) return row_error(z, rows, k, "day", "is no midnight");
        if (k > 0 && value[k] == value[k - 1]) return row_error(z, rows, k, "day", "is there twice");
        if (k > 0 && value[k] < value[k - 1])
            return row_error(z, rows, k, "day", "is before that of the row before");
    }
    rows->begin = value[0] * SECOND_NS;
    rows->end = value[rows->n - 1] * SECOND_NS;
    return BP_OK;
}

bp_status bp__zipline_look_at_daily(bp__zipline *z)
{
    bool there;
    BP_TRY(bp__sealed_has(&z->folder, BP__ZIPLINE_DAILY, S_IFDIR, &there));
    if (!there) {
        bp__report_add(z->in->report, BP__NOTE, z->folder.root, 0, "has no %s: no daily bars",
                       BP__ZIPLINE_DAILY);
        return BP_OK;
    }
    BP_TRY(open_columns(z));
    BP_TRY(bp__meta_load(&z->folder, BP__ZIPLINE_DAILY "/__attrs__", &z->daily));
    BP_TRY(list_rows(z));
    return each_sid(z, look_at);
}

/* Bars ------------------------------------------------------------------------------------------ */

/* What is odd about the bars of one sid. */
typedef struct oddities {
    size_t moved, before, after; /* bars of other days; before and after the asset's life */
    int64_t day, place;          /* the first bar of another day, and where it goes */
} oddities;

static void tell_oddities(const bp__zipline *z, const bp__zipline_rows *rows, const oddities *odd)
{
    const bp__zipline_asset *asset = bp__zipline_asset_of(z, rows->sid);
    char day[32], place[32];
    if (odd->moved > 0)
        bp__report_add(
            z->in->report, BP__WARNING, z->folder.root, 0,
            "sid %" PRId64
            ": %zu daily bars have another day than that of their place, from %s on, which goes to "
            "%s; placed as zipline does",
            rows->sid, odd->moved, bp__day_text(odd->day, day), bp__day_text(odd->place, place));
    if (odd->before > 0)
        bp__report_add(z->in->report, BP__WARNING, z->folder.root, 0,
                       "sid %" PRId64 ": %zu daily bars before its start_date %s are left out", rows->sid,
                       odd->before, bp__day_text(asset->start, day));
    if (odd->after > 0)
        bp__report_add(z->in->report, BP__WARNING, z->folder.root, 0,
                       "sid %" PRId64 ": %zu daily bars after its end_date %s are left out", rows->sid,
                       odd->after, bp__day_text(asset->end, day));
}

static void make_bar(const uint32_t *value, size_t n, size_t k, int64_t session, bp__bar *bar)
{
    bar->dt = session;
    for (int f = 0; f < BP__VOLUME; f++) {
        const uint32_t x = value[(size_t)f * n + k];
        bar->value[f] = x ? x * (1.0 / PRICE_FACTOR) : NAN;
    }
    bar->value[BP__VOLUME] = value[BP__VOLUME * n + k];
}

/* @param[in] value  the columns one behind the other, with the days last
 * @return how many bars there are */
static size_t make_bars(const bp__zipline *z, const bp__zipline_rows *rows, const uint32_t *value,
                        bp__bar *bars, oddities *odd)
{
    const bp__zipline_asset *asset = bp__zipline_asset_of(z, rows->sid);
    const int64_t *session = z->calendar.session.row + (rows->offset - z->calendar.base);
    size_t n = 0;
    for (size_t k = 0; k < rows->n; k++) {
        const int64_t day = value[DAY_CURSOR * rows->n + k] * SECOND_NS;
        make_bar(value, rows->n, k, session[k], &bars[n]);
        if (bp__bar_is_blank(&bars[n])) continue;
        if (day != session[k] && odd->moved++ == 0) {
            odd->day = day;
            odd->place = session[k];
        }
        odd->before += session[k] < asset->start;
        odd->after += session[k] > asset->end;
        n += session[k] >= asset->start && session[k] <= asset->end;
    }
    return n;
}

static bp_status read_bars(bp__zipline *z, bp__zipline_rows *rows, bp__bcolz_cursor *cursor, uint32_t *value)
{
    static const bp__scale scale[BP__NUM_SCALES] = {{BP__SCALE_PRICE, BP__SCALE_PRICE},
                                                    {BP__SCALE_VOLUME, BP__SCALE_VOLUME}};
    const int64_t at = rows->offset - z->calendar.base;
    oddities odd = {0};
    if (at < 0 || (uint64_t)at + rows->n > z->calendar.session.n)
        BP_FAIL(BP_EFORMAT,
                "%s/%s: sid %" PRId64 " has %zu rows from session %" PRId64
                " on, %s has %zu from session %" PRId64 " on",
                z->folder.root, BP__ZIPLINE_DAILY, rows->sid, rows->n, rows->offset, z->calendar.from,
                z->calendar.session.n, z->calendar.base);
    for (int c = 0; c <= DAY_CURSOR; c++)
        BP_TRY(bp__bcolz_read(&cursor[c], rows->first, rows->n, value + (size_t)c * rows->n));
    bp__bar *bars = malloc(rows->n * sizeof *bars);
    if (!bars) BP_FAIL(BP_ENOMEM, "%s: no memory for the bars of a sid", BP__ZIPLINE_DAILY);
    const size_t n = make_bars(z, rows, value, bars, &odd);
    bp_status s = bp__draft_add_bars(z->in->draft, BP__DAILY, rows->sid, bars, n, scale);
    free(bars);
    BP_TRY(s);
    bp__draft_fix_factors(z->in->draft, BP__DAILY, rows->sid, PRICE_FACTOR, 1);
    tell_oddities(z, rows, &odd);
    return BP_OK;
}

bp_status bp__zipline_read_daily(bp__zipline *z)
{
    return z->daily.object ? each_sid(z, read_bars) : BP_OK;
}
