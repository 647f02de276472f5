#include "io/ingest/zipline_tables.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define OLDEST 5
#define NEWEST 10

#define SECOND_NS INT64_C(1000000000)
/* A time of an asset that is nearer to 1970 than this many ns (100 s) is one in seconds. */
#define SECONDS_BELOW INT64_C(100000000000)

static const int64_t missing = BP_TIME_MISSING;

void bp__zipline_tables_fini(bp__zipline_tables *r)
{
    for (size_t i = 0; i < r->exchanges.n; i++) {
        free(r->exchanges.row[i].id);
        free(r->exchanges.row[i].name);
        free(r->exchanges.row[i].country);
    }
    for (size_t i = 0; i < r->assets.n; i++) {
        free(r->assets.row[i].symbol);
        free(r->assets.row[i].name);
        free(r->assets.row[i].exchange);
    }
    for (size_t i = 0; i < r->mappings.n; i++) free(r->mappings.row[i].symbol);
    free(r->exchanges.row);
    free(r->assets.row);
    free(r->mappings.row);
    bp__db_close(&r->db);
}

/* Columns --------------------------------------------------------------------------------------- */

static bp_status take_text(const bp__db_rows *rows, int column, char **text)
{
    const char *found;
    BP_TRY(bp__db_text(rows, column, &found));
    *text = strdup(found);
    if (!*text) BP_FAIL(BP_ENOMEM, "%s: no memory", rows->db->path);
    return BP_OK;
}

static bp_status take_sid(const bp__db_rows *rows, int column, int64_t *sid)
{
    BP_TRY(bp__db_integer(rows, column, NULL, sid));
    return *sid >= 0 ? BP_OK : bp__db_defect(rows, column, "is negative");
}

/* zipline writes ns since the epoch; others who wrote such files took seconds. */
static bp_status take_time(bp__zipline_tables *r, const bp__db_rows *rows, int column, int64_t *ns)
{
    BP_TRY(bp__db_integer(rows, column, &missing, ns));
    if (*ns == 0 || *ns == BP_TIME_MISSING || llabs(*ns) >= SECONDS_BELOW) return BP_OK;
    if (llabs(*ns) > INT64_MAX / SECOND_NS) return bp__db_defect(rows, column, "is no time");
    *ns *= SECOND_NS;
    if (!r->seconds)
        bp__report_add(r->z->in->report, BP__NOTE, r->db.path, 0,
                       "%s: %s is in seconds, not in ns, and was taken so", rows->table,
                       rows->column[column]);
    r->seconds = true;
    return BP_OK;
}

/* Call `take` for each row of a table; a row that is not in order is reported, and the next one is looked at.
 * */
static bp_status each_row(bp__zipline_tables *r, const char *table, const char *const *column, size_t n,
                          bp_status (*take)(bp__zipline_tables *, bp__db_rows *))
{
    bp__db_rows rows;
    bool there = true;
    bp_status s = bp__db_rows_open(&r->db, table, column, n, &rows);
    while (s == BP_OK && (s = bp__db_next(&rows, &there)) == BP_OK && there)
        s = bp__zipline_report(r->z, take(r, &rows));
    bp__db_rows_close(&rows);
    return s;
}

/* Tables ---------------------------------------------------------------------------------------- */

static bp_status take_exchange(bp__zipline_tables *r, bp__db_rows *rows)
{
    bp__zipline_exchange e = {0};
    bp_status s = take_text(rows, 0, &e.id);
    if (s == BP_OK) s = take_text(rows, 1, &e.name);
    if (s == BP_OK) s = take_text(rows, 2, &e.country);
    if (s == BP_OK) {
        void *row = r->exchanges.row;
        s = bp__table_grow(&row, r->exchanges.n, &r->exchanges.cap, sizeof e);
        r->exchanges.row = row;
    }
    if (s == BP_OK) {
        r->exchanges.row[r->exchanges.n++] = e;
        return BP_OK;
    }
    free(e.id);
    free(e.name);
    free(e.country);
    return s;
}

/* From version 7 on an exchange has a country; before, all were of the US. */
static bp_status read_exchanges(bp__zipline_tables *r)
{
    static const char *const column[] = {"exchange", "canonical_name", "country_code"};
    if (r->z->version < 7) return BP_OK;
    return each_row(r, "exchanges", column, 3, take_exchange);
}

const bp__zipline_exchange *bp__zipline_exchange_of(const bp__zipline_tables *r, const char *id)
{
    for (size_t i = 0; i < r->exchanges.n; i++)
        if (strcmp(r->exchanges.row[i].id, id) == 0) return &r->exchanges.row[i];
    return NULL;
}

static void set_currency(const bp__zipline_tables *r, bp__draft_asset *a)
{
    const char *currency = r->z->in->options->currency;
    if (currency) snprintf(a->currency, sizeof a->currency, "%s", currency);
}

static bp_status take_asset(bp__zipline_tables *r, bp__db_rows *rows)
{
    bp__draft_asset a = {.currency = BP_NO_CURRENCY};
    BP_TRY(take_sid(rows, 0, &a.sid));
    BP_TRY(take_time(r, rows, 3, &a.start_date));
    BP_TRY(take_time(r, rows, 4, &a.end_date));
    BP_TRY(take_time(r, rows, 5, &a.first_traded));
    BP_TRY(take_time(r, rows, 6, &a.auto_close_date));
    if (a.end_date == INT64_MAX) a.end_date = BP_TIME_MISSING; /* zipline's default: not known */
    if (a.end_date != BP_TIME_MISSING && a.end_date < a.start_date)
        return bp__db_defect(rows, 4, "lies before start_date");
    set_currency(r, &a);
    bp_status s = take_text(rows, 1, &a.name);
    if (s == BP_OK) s = take_text(rows, 2, &a.exchange);
    if (s == BP_OK) {
        void *row = r->assets.row;
        s = bp__table_grow(&row, r->assets.n, &r->assets.cap, sizeof a);
        r->assets.row = row;
    }
    if (s == BP_OK) {
        r->assets.row[r->assets.n++] = a;
        return BP_OK;
    }
    free(a.name);
    free(a.exchange);
    return s;
}

static int by_sid(const void *a, const void *b)
{
    const int64_t x = ((const bp__draft_asset *)a)->sid, y = ((const bp__draft_asset *)b)->sid;
    return (x > y) - (x < y);
}

static bp__draft_asset *asset_of(const bp__zipline_tables *r, int64_t sid)
{
    const bp__draft_asset key = {.sid = sid};
    return r->assets.n ? bsearch(&key, r->assets.row, r->assets.n, sizeof key, by_sid) : NULL;
}

static bp_status read_equities(bp__zipline_tables *r)
{
    static const char *const column[] = {"sid",      "asset_name",   "exchange",       "start_date",
                                         "end_date", "first_traded", "auto_close_date"};
    BP_TRY(each_row(r, "equities", column, 7, take_asset));
    if (r->assets.n > 1) qsort(r->assets.row, r->assets.n, sizeof *r->assets.row, by_sid);
    for (size_t i = 1; i < r->assets.n; i++)
        if (r->assets.row[i].sid == r->assets.row[i - 1].sid)
            BP_FAIL(BP_EFORMAT, "%s: equities: sid %" PRId64 " is there twice", r->db.path,
                    r->assets.row[i].sid);
    return BP_OK;
}

static bp_status add_mapping(bp__zipline_tables *r, const bp__zipline_mapping *m, const char *symbol)
{
    bp__zipline_mapping added = *m;
    BP__APPEND(&r->mappings, added);
    bp__zipline_mapping *last = &r->mappings.row[r->mappings.n - 1];
    if ((last->symbol = strdup(symbol))) return BP_OK;
    r->mappings.n--;
    BP_FAIL(BP_ENOMEM, "%s: no memory", r->db.path);
}

static bp_status take_mapping(bp__zipline_tables *r, bp__db_rows *rows)
{
    bp__zipline_mapping m = {0};
    const char *symbol;
    BP_TRY(take_sid(rows, 0, &m.sid));
    BP_TRY(bp__db_text(rows, 1, &symbol));
    BP_TRY(take_time(r, rows, 2, &m.start));
    BP_TRY(take_time(r, rows, 3, &m.end));
    const bp__draft_asset *asset = asset_of(r, m.sid);
    if (!asset) return bp__db_defect(rows, 0, "is no sid of the table equities");
    if (!*symbol) return bp__db_defect(rows, 1, "is empty");
    if (m.start == BP_TIME_MISSING) return bp__db_defect(rows, 2, "is missing");
    if (m.end == BP_TIME_MISSING) m.end = INT64_MAX; /* still its symbol */
    if (m.end < m.start) return bp__db_defect(rows, 3, "lies before start_date");
    const bp__zipline_exchange *e = bp__zipline_exchange_of(r, asset->exchange);
    m.country = e ? e->country : "";
    return add_mapping(r, &m, symbol);
}

/* Before there was a table of symbols, an asset had one. */
static bp_status take_symbol(bp__zipline_tables *r, bp__db_rows *rows)
{
    bp__zipline_mapping m = {.country = ""};
    const char *symbol;
    BP_TRY(take_sid(rows, 0, &m.sid));
    BP_TRY(bp__db_text(rows, 1, &symbol));
    const bp__draft_asset *asset = asset_of(r, m.sid);
    if (!asset || !*symbol) return BP_OK; /* told of elsewhere */
    m.start = asset->start_date == BP_TIME_MISSING ? 0 : asset->start_date;
    m.end = asset->end_date == BP_TIME_MISSING ? INT64_MAX : asset->end_date;
    return add_mapping(r, &m, symbol);
}

static bp_status read_mappings(bp__zipline_tables *r)
{
    static const char *const column[] = {"sid", "symbol", "start_date", "end_date"};
    bool there;
    BP_TRY(bp__db_has_table(&r->db, "equity_symbol_mappings", &there));
    if (there) return each_row(r, "equity_symbol_mappings", column, 4, take_mapping);
    return each_row(r, "equities", column, 2, take_symbol);
}

/* Futures --------------------------------------------------------------------------------------- */

static bp_status take_future(bp__zipline_tables *r, bp__db_rows *rows)
{
    int64_t sid;
    BP_TRY(take_sid(rows, 0, &sid));
    BP__APPEND(&r->z->known, sid);
    return BP_OK;
}

static bp_status read_futures(bp__zipline_tables *r)
{
    static const char *const column[] = {"sid", "symbol"};
    bp__db_rows rows;
    const char *symbol;
    char names[120] = "";
    bool there;
    BP_TRY(bp__db_has_table(&r->db, "futures_contracts", &there));
    if (!there) return BP_OK;
    BP_TRY(each_row(r, "futures_contracts", column, 1, take_future));
    const size_t n = r->z->known.n;
    if (n == 0) return BP_OK;
    BP_TRY(bp__db_rows_open(&r->db, "futures_contracts", column, 2, &rows));
    for (size_t i = 0; i < 5 && bp__db_next(&rows, &there) == BP_OK && there; i++) {
        const size_t used = strlen(names);
        if (bp__db_text(&rows, 1, &symbol) == BP_OK)
            snprintf(names + used, sizeof names - used, "%s%.16s", i ? ", " : "", symbol);
    }
    bp__db_rows_close(&rows);
    bp__report_add(r->z->in->report, BP__NOTE, r->db.path, 0,
                   "%zu futures (%s%s) are skipped: a bundle holds equities", n, names, n > 5 ? ", ..." : "");
    return BP_OK;
}

/* File ------------------------------------------------------------------------------------------ */

static bp_status check_version(bp__zipline_tables *r)
{
    static const char *const column[] = {"version"};
    bp__db_rows rows;
    int64_t version = 0;
    bool there;
    BP_TRY(bp__db_rows_open(&r->db, "version_info", column, 1, &rows));
    bp_status s = bp__db_next(&rows, &there);
    if (s == BP_OK && !there) s = bp__fail(BP_EFORMAT, "%s: version_info has no row", r->db.path);
    if (s == BP_OK) s = bp__db_integer(&rows, 0, NULL, &version);
    bp__db_rows_close(&rows);
    BP_TRY(s);
    if (version != r->z->version)
        BP_FAIL(BP_EFORMAT, "%s: is version %" PRId64 " by its table version_info", r->db.path, version);
    return BP_OK;
}

/* The newest version that is there and can be read; zipline writes older ones beside it on request. */
static bp_status choose_file(bp__zipline *z, char name[32])
{
    bp__sealed_names names;
    int other = 0;
    bp_status s = bp__sealed_list(&z->folder, ".", &names);
    for (size_t i = 0; s == BP_OK && i < names.name.n; i++) {
        int version, end = 0;
        if (sscanf(names.name.row[i], "assets-%6d.sqlite%n", &version, &end) != 1) continue;
        if (end == 0 || names.name.row[i][end]) continue;
        if (version < OLDEST || version > NEWEST)
            other = version;
        else if (version > z->version)
            z->version = version;
    }
    bp__sealed_names_fini(&names);
    BP_TRY(s);
    if (z->version == 0 && other != 0)
        BP_FAIL(BP_EFORMAT, "%s: assets-%d.sqlite: versions %d to %d are read; let %s make one of these",
                z->folder.root, other, OLDEST, NEWEST, other < OLDEST ? "a newer zipline" : "zipline");
    if (z->version == 0)
        BP_FAIL(BP_ENOTFOUND, "%s: has no assets-N.sqlite: not an ingestion of zipline", z->folder.root);
    snprintf(name, 32, "assets-%d.sqlite", z->version);
    return BP_OK;
}

static bp_status read_tables(bp__zipline_tables *r)
{
    BP_TRY(check_version(r));
    BP_TRY(read_exchanges(r));
    BP_TRY(read_equities(r));
    BP_TRY(read_mappings(r));
    return read_futures(r);
}

bp_status bp__zipline_tables_read(bp__zipline *z, bp__zipline_tables *tables)
{
    char name[32];
    *tables = (bp__zipline_tables){.z = z};
    BP_TRY(choose_file(z, name));
    BP_TRY(bp__db_open(&z->folder, name, &tables->db));
    return read_tables(tables);
}
