/* adjustments.sqlite: splits, mergers and dividends. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "io/ingest/sqlite.h"
#include "io/ingest/zipline_parts.h"

#define SECOND_NS INT64_C(1000000000)

static const int64_t missing = BP_TIME_MISSING;

typedef struct reading {
    bp__zipline *z;
    bp__db db;
    size_t strangers; /* rows of sids that are not in the bundle */
    int64_t stranger; /* the first of them */
    unsigned absent;  /* a bit for each table that is not there */
} reading;

/* Whether a row is of a sid that is imported; what is not is counted, unless it was told already. */
static bool is_ours(reading *r, int64_t sid)
{
    if (bp__zipline_asset_of(r->z, sid)) return true;
    if (!bp__zipline_is_known(r->z, sid) && r->strangers++ == 0) r->stranger = sid;
    return false;
}

/* zipline writes seconds since the epoch, and casts what it does not know: NaT is the least int64, or that in
 * seconds. */
static bp_status take_time(const bp__db_rows *rows, int column, bool needed, int64_t *ns)
{
    int64_t seconds;
    BP_TRY(bp__db_integer(rows, column, &missing, &seconds));
    *ns = BP_TIME_MISSING;
    if (seconds <= INT64_MIN / SECOND_NS) {
        if (seconds != INT64_MIN && seconds < INT64_MIN / SECOND_NS - 1)
            return bp__db_defect(rows, column, "is beyond what int64 ns can name");
        return needed ? bp__db_defect(rows, column, "is missing") : BP_OK;
    }
    if (seconds > INT64_MAX / SECOND_NS)
        return bp__db_defect(rows, column, "is beyond what int64 ns can name: it should be in seconds");
    *ns = seconds * SECOND_NS;
    return BP_OK;
}

static bp_status take_ratio(const bp__db_rows *rows, int column, double *ratio)
{
    BP_TRY(bp__db_real(rows, column, ratio));
    return *ratio > 0 ? BP_OK : bp__db_defect(rows, column, "is not positive");
}

/* Tables ---------------------------------------------------------------------------------------- */

static bp_status take_factor(reading *r, bp__db_rows *rows, int kind)
{
    bp__draft_ratio ratio;
    BP_TRY(bp__db_integer(rows, 0, NULL, &ratio.sid));
    BP_TRY(take_time(rows, 1, true, &ratio.effective_date));
    BP_TRY(take_ratio(rows, 2, &ratio.ratio));
    return is_ours(r, ratio.sid) ? bp__draft_add_ratio(r->z->in->draft, kind, &ratio) : BP_OK;
}

static bp_status take_payout(reading *r, bp__db_rows *rows, int kind)
{
    (void)kind;
    bp__draft_payout p;
    BP_TRY(bp__db_integer(rows, 0, NULL, &p.sid));
    BP_TRY(take_time(rows, 1, true, &p.ex_date));
    BP_TRY(take_time(rows, 2, false, &p.declared_date));
    BP_TRY(take_time(rows, 3, false, &p.record_date));
    BP_TRY(take_time(rows, 4, false, &p.pay_date));
    BP_TRY(bp__db_real(rows, 5, &p.amount));
    if (p.amount < 0) return bp__db_defect(rows, 5, "is negative");
    return is_ours(r, p.sid) ? bp__draft_add_payout(r->z->in->draft, &p) : BP_OK;
}

static bp_status take_stock(reading *r, bp__db_rows *rows, int kind)
{
    (void)kind;
    bp__draft_stock s;
    BP_TRY(bp__db_integer(rows, 0, NULL, &s.sid));
    BP_TRY(take_time(rows, 1, true, &s.ex_date));
    BP_TRY(take_time(rows, 2, false, &s.declared_date));
    BP_TRY(take_time(rows, 3, false, &s.record_date));
    BP_TRY(take_time(rows, 4, false, &s.pay_date));
    BP_TRY(bp__db_integer(rows, 5, NULL, &s.payment_sid));
    BP_TRY(take_ratio(rows, 6, &s.ratio));
    return is_ours(r, s.sid) ? bp__draft_add_stock(r->z->in->draft, &s) : BP_OK;
}

typedef struct table {
    const char *name;
    bp_status (*take)(reading *r, bp__db_rows *rows, int kind);
    int kind;
    size_t columns;
    const char *column[BP__DB_COLUMNS];
} table;

#define DATES "ex_date", "declared_date", "record_date", "pay_date"

static const table tables[] = {
    {"splits", take_factor, BP__SPLITS, 3, {"sid", "effective_date", "ratio"}},
    {"mergers", take_factor, BP__MERGERS, 3, {"sid", "effective_date", "ratio"}},
    {"dividends", take_factor, BP__DIVIDENDS, 3, {"sid", "effective_date", "ratio"}},
    {"dividend_payouts", take_payout, 0, 6, {"sid", DATES, "amount"}},
    {"stock_dividend_payouts", take_stock, 0, 7, {"sid", DATES, "payment_sid", "ratio"}},
};

/* What --splits ignore and --dividends ignore leave out, with a note. */
static bool is_ignored(const reading *r, const table *t)
{
    const bp__ingest_options *o = r->z->in->options;
    const bool split = t->take == take_factor && t->kind == BP__SPLITS,
               dividend = t->take == take_payout || (t->take == take_factor && t->kind == BP__DIVIDENDS);
    if (!(split && o->ignore_splits) && !(dividend && o->ignore_dividends)) return false;
    bp__report_add(r->z->in->report, BP__NOTE, r->db.path, 0, "table %s is left out, as --%s ignore says",
                   t->name, split ? "splits" : "dividends");
    return true;
}

static bp_status read_table(reading *r, const table *t)
{
    bp__db_rows rows;
    bool there;
    if (is_ignored(r, t)) return BP_OK;
    BP_TRY(bp__db_has_table(&r->db, t->name, &there));
    if (!there) {
        r->absent |= 1u << (t - tables);
        return BP_OK;
    }
    bp_status s = bp__db_rows_open(&r->db, t->name, t->column, t->columns, &rows);
    while (s == BP_OK && (s = bp__db_next(&rows, &there)) == BP_OK && there)
        s = bp__zipline_report(r->z, t->take(r, &rows, t->kind));
    bp__db_rows_close(&rows);
    return s;
}

/* zipline writes all of them, even if they are empty: a table that is not there was lost. */
static void tell_absent(const reading *r)
{
    const size_t n = sizeof tables / sizeof *tables;
    if (r->absent == (1u << n) - 1) {
        bp__report_add(
            r->z->in->report, BP__WARNING, r->db.path, 0,
            "has none of its tables, as a copy that has failed: the bundle has no splits, mergers and "
            "dividends");
        return;
    }
    for (size_t i = 0; i < n; i++)
        if (r->absent & 1u << i)
            bp__report_add(r->z->in->report, BP__WARNING, r->db.path, 0,
                           "has no table %s, which zipline writes even if it is empty", tables[i].name);
}

bp_status bp__zipline_read_adjustments(bp__zipline *z)
{
    reading r = {.z = z};
    bool there;
    BP_TRY(bp__sealed_has(&z->folder, BP__ZIPLINE_ADJUSTMENTS, S_IFREG, &there));
    if (!there) {
        bp__report_add(z->in->report, BP__WARNING, z->folder.root, 0,
                       "has no %s: no splits, mergers and dividends", BP__ZIPLINE_ADJUSTMENTS);
        return BP_OK;
    }
    BP_TRY(bp__db_open(&z->folder, BP__ZIPLINE_ADJUSTMENTS, &r.db));
    bp_status s = BP_OK;
    for (size_t t = 0; t < sizeof tables / sizeof *tables && s == BP_OK; t++) s = read_table(&r, &tables[t]);
    if (s == BP_OK) tell_absent(&r);
    if (s == BP_OK && r.strangers > 0)
        bp__report_add(z->in->report, BP__WARNING, r.db.path, 0,
                       "%zu rows of sids that are no equities are left out; the first: sid %" PRId64,
                       r.strangers, r.stranger);
    bp__db_close(&r.db);
    return s;
}
