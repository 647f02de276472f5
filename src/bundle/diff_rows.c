/* DESIGN. Every row becomes a key (asset, date, which table) and a text of its values. Rows of both bundles are sorted; what
 * is equal is passed over; of what is left, rows of one key are a change, the others have been added or removed. Rows of an
 * asset that only one bundle has say nothing that is not told of the asset already.
 */
#include "bundle/diff_rows.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/bundle.h"
#include "core/day.h"
#include "core/number.h"
#include "reader/audit_columns.h"

#define NO_ASSET (SIZE_MAX - 1)

typedef struct row {
    size_t asset; /* its place in the first bundle; NO_ASSET: it is about none, or of a sid that is unknown */
    int64_t date;
    const char *field;
    char *text; /* owned */
} row;

typedef struct rows {
    row *at; /* owned */
    size_t n, cap;
    bp_status status;
} rows;

__attribute__((format(printf, 5, 6))) static void add(rows *r, size_t asset, int64_t date, const char *field,
                                                      const char *format, ...)
{
    va_list ap;
    char *text;
    if (bp__failed(r->status)) return;
    if (r->n == r->cap) {
        const size_t cap = r->n < 8 ? 64 : 2 * r->n;
        row *at = realloc(r->at, cap * sizeof *at);
        if (!at) {
            r->status = BP_ENOMEM;
            return;
        }
        r->at = at;
        r->cap = cap;
    }
    va_start(ap, format);
    const int n = vasprintf(&text, format, ap);
    va_end(ap);
    if (n < 0)
        r->status = BP_ENOMEM;
    else
        r->at[r->n++] = (row){asset, date, field, text};
}

static void free_rows(rows *r)
{
    for (size_t i = 0; i < r->n; i++) free(r->at[i].text);
    free(r->at);
}

/* Making rows -------------------------------------------------------------------------------------- */

/* @return whether the asset is in both bundles, or in none */
static bool place(const bp__match *m, int side, int64_t sid, size_t *asset)
{
    const size_t i = bp__match_find(m, side, sid);
    *asset = i == BP__NO_MATCH ? NO_ASSET : side == 0 ? i : m->party[1][i].other;
    return i == BP__NO_MATCH || m->party[side][i].other != BP__NO_MATCH;
}

static void add_ratios(const bp__match *m, int side, rows *r)
{
    static const struct {
        bp_column sid, date, ratio;
        const char *name;
    } table[] = {{BP_COL_SPLIT_SID, BP_COL_SPLIT_DATE, BP_COL_SPLIT_RATIO, "split"},
                 {BP_COL_MERGER_SID, BP_COL_MERGER_DATE, BP_COL_MERGER_RATIO, "merger"},
                 {BP_COL_DIVIDEND_SID, BP_COL_DIVIDEND_DATE, BP_COL_DIVIDEND_RATIO, "dividend ratio"}};
    for (size_t k = 0; k < sizeof table / sizeof *table; k++) {
        size_t n, asset;
        char number[32];
        const int64_t *sid = bp__audit_column(m->bundle[side], table[k].sid, &n);
        const int64_t *date = bp__audit_column(m->bundle[side], table[k].date, NULL);
        const double *ratio = bp__audit_column(m->bundle[side], table[k].ratio, NULL);
        for (size_t i = 0; i < n; i++)
            if (place(m, side, sid[i], &asset))
                add(r, asset, date[i], table[k].name, "%s", bp__number_text(ratio[i], number));
    }
}

static void add_payouts(const bp__match *m, int side, rows *r)
{
    size_t n, asset;
    char number[32], declared[32], record[32], pay[32];
    const bp_bundle *b = m->bundle[side];
    const int64_t *sid = bp__audit_column(b, BP_COL_PAYOUT_SID, &n), *date[4];
    const double *amount = bp__audit_column(b, BP_COL_PAYOUT_AMOUNT, NULL);
    for (int k = 0; k < 4; k++) date[k] = bp__audit_column(b, (bp_column)(BP_COL_PAYOUT_EX + k), NULL);
    for (size_t i = 0; i < n; i++)
        if (place(m, side, sid[i], &asset))
            add(r, asset, date[0][i], "dividend", "%s, declared %s, record %s, pay %s",
                bp__number_text(amount[i], number), bp__day_text(date[1][i], declared),
                bp__day_text(date[2][i], record), bp__day_text(date[3][i], pay));
    sid = bp__audit_column(b, BP_COL_STOCK_SID, &n);
    const int64_t *payment = bp__audit_column(b, BP_COL_STOCK_PAYMENT_SID, NULL);
    const double *ratio = bp__audit_column(b, BP_COL_STOCK_RATIO, NULL);
    for (int k = 0; k < 4; k++) date[k] = bp__audit_column(b, (bp_column)(BP_COL_STOCK_EX + k), NULL);
    for (size_t i = 0; i < n; i++)
        if (place(m, side, sid[i], &asset))
            add(r, asset, date[0][i], "stock dividend", "%s of %s, declared %s, record %s, pay %s",
                bp__number_text(ratio[i], number), bp__audit_symbol(b, payment[i]),
                bp__day_text(date[1][i], declared), bp__day_text(date[2][i], record),
                bp__day_text(date[3][i], pay));
}

static void add_assets(const bp__match *m, int side, rows *r)
{
    static const struct {
        bp_column column;
        const char *name;
    } text[] = {{BP_COL_ASSET_NAME, "name"}, {BP_COL_ASSET_EXCHANGE, "exchange"}},
      date[] = {{BP_COL_ASSET_START, "start_date"},
                {BP_COL_ASSET_END, "end_date"},
                {BP_COL_ASSET_FIRST_TRADED, "first_traded"},
                {BP_COL_ASSET_AUTO_CLOSE, "auto_close_date"}};
    size_t n, asset, currencies;
    char day[32];
    const bp_bundle *b = m->bundle[side];
    const int64_t *sid = bp__audit_column(b, BP_COL_ASSET_SID, &n);
    for (size_t k = 0; k < sizeof text / sizeof *text; k++) {
        const uint32_t *offset = bp__audit_column(b, text[k].column, NULL);
        for (size_t i = 0; offset && i < n; i++)
            if (place(m, side, sid[i], &asset))
                add(r, asset, BP_TIME_MISSING, text[k].name, "%s", bp_bundle_text(b, offset[i]));
    }
    for (size_t k = 0; k < sizeof date / sizeof *date; k++) {
        const int64_t *at = bp__audit_column(b, date[k].column, NULL);
        for (size_t i = 0; at && i < n; i++)
            if (place(m, side, sid[i], &asset))
                add(r, asset, BP_TIME_MISSING, date[k].name, "%s", bp__time_text(at[i], day));
    }
    const char *currency = bp__audit_column(b, BP_COL_CURRENCY, &currencies);
    for (size_t i = 0; i < currencies && i < bp_bundle_num_assets(b); i++)
        if (place(m, side, bp_bundle_sids(b)[i], &asset))
            add(r, asset, BP_TIME_MISSING, "currency", "%.3s", currency + 3 * i);
    for (size_t i = 0; i < m->n[side]; i++)
        if (place(m, side, m->party[side][i].sid, &asset))
            add(r, asset, BP_TIME_MISSING, "sid", "%" PRId64, m->party[side][i].sid);
}

static void add_mappings(const bp__match *m, int side, rows *r)
{
    size_t n, asset;
    char end[32];
    const bp_bundle *b = m->bundle[side];
    const int64_t *sid = bp__audit_column(b, BP_COL_MAP_SID, &n);
    const uint32_t *symbol = bp__audit_column(b, BP_COL_MAP_SYMBOL, NULL);
    const int64_t *from = bp__audit_column(b, BP_COL_MAP_START, NULL),
                  *to = bp__audit_column(b, BP_COL_MAP_END, NULL);
    for (size_t i = 0; i < n; i++)
        if (place(m, side, sid[i], &asset))
            add(r, asset, from[i], "symbol", "%s until %s", bp_bundle_text(b, symbol[i]),
                bp__time_text(to[i], end));
}

static void add_calendar(const bp__match *m, int side, rows *r)
{
    size_t n;
    char from[32], to[32];
    const bp_bundle *b = m->bundle[side];
    const int64_t *session = bp__audit_column(b, BP_COL_SESSION, &n);
    const int64_t *open = bp__audit_column(b, BP_COL_MARKET_OPEN, NULL),
                  *close = bp__audit_column(b, BP_COL_MARKET_CLOSE, NULL);
    for (size_t i = 0; i < n; i++)
        if (open[i] == BP_TIME_MISSING && close[i] == BP_TIME_MISSING)
            add(r, NO_ASSET, session[i], "hours", "not known");
        else
            add(r, NO_ASSET, session[i], "hours", "%s to %s", bp__time_text(open[i], from),
                bp__time_text(close[i], to));
    add(r, NO_ASSET, BP_TIME_MISSING, "calendar_name", "%s", b->image->calendar_name);
    add(r, NO_ASSET, BP_TIME_MISSING, "schema_version", "%s", b->image->schema_version);
}

/* Comparing ---------------------------------------------------------------------------------------- */

static int compare_keys(const row *x, const row *y)
{
    if (x->asset != y->asset) return x->asset < y->asset ? -1 : 1;
    if (x->date != y->date) return x->date < y->date ? -1 : 1;
    return strcmp(x->field, y->field);
}

static int compare_rows(const void *a, const void *b)
{
    const row *x = a, *y = b;
    const int c = compare_keys(x, y);
    return c != 0 ? c : strcmp(x->text, y->text);
}

/* Drop what both have. */
static void drop_equal(rows *a, rows *b)
{
    size_t i = 0, k = 0, left_a = 0, left_b = 0;
    while (i < a->n || k < b->n) {
        const int c = i == a->n ? 1 : k == b->n ? -1 : compare_rows(&a->at[i], &b->at[k]);
        if (c == 0) {
            free(a->at[i++].text);
            free(b->at[k++].text);
        } else if (c < 0) {
            a->at[left_a++] = a->at[i++];
        } else {
            b->at[left_b++] = b->at[k++];
        }
    }
    a->n = left_a;
    b->n = left_b;
}

typedef struct kinds {
    bp__change_kind added, removed, changed;
} kinds;

static void tell(const bp__match *m, const kinds *kind, const row *before, const row *after,
                 bp__changes *changes)
{
    const row *r = before ? before : after;
    assert(r);
    const bp__party *p = r->asset == NO_ASSET ? NULL : &m->party[0][r->asset];
    bp__changes_add(changes, &(bp__change){.kind = !before  ? kind->added
                                                   : !after ? kind->removed
                                                            : kind->changed,
                                           .symbol = p ? p->symbol : NULL,
                                           .sid = p ? p->sid : 0,
                                           .date = r->date,
                                           .field = r->field,
                                           .before = before ? before->text : NULL,
                                           .after = after ? after->text : NULL});
}

static bp_status compare(const bp__match *m, void (*make)(const bp__match *, int, rows *), const kinds *kind,
                         bp__changes *changes)
{
    rows a = {0}, b = {0};
    make(m, 0, &a);
    make(m, 1, &b);
    const bp_status s = bp__failed(a.status) ? a.status : b.status;
    if (s == BP_OK) {
        if (a.n > 0) qsort(a.at, a.n, sizeof *a.at, compare_rows);
        if (b.n > 0) qsort(b.at, b.n, sizeof *b.at, compare_rows);
        drop_equal(&a, &b);
        for (size_t i = 0, k = 0; i < a.n || k < b.n;) {
            const int c = i == a.n ? 1 : k == b.n ? -1 : compare_keys(&a.at[i], &b.at[k]);
            tell(m, kind, c <= 0 ? &a.at[i] : NULL, c >= 0 ? &b.at[k] : NULL, changes);
            i += c <= 0;
            k += c >= 0;
        }
    }
    free_rows(&a);
    free_rows(&b);
    if (bp__failed(s)) BP_FAIL(s, "no memory to compare the tables of two bundles");
    return BP_OK;
}

bp_status bp__diff_rows(const bp__match *m, bp__changes *changes)
{
    static const kinds assets = {BP__CHANGE_ASSET_CHANGED, BP__CHANGE_ASSET_CHANGED,
                                 BP__CHANGE_ASSET_CHANGED};
    static const kinds events = {BP__CHANGE_EVENT_ADDED, BP__CHANGE_EVENT_REMOVED, BP__CHANGE_EVENT_CHANGED};
    static const kinds calendar = {BP__CHANGE_CALENDAR, BP__CHANGE_CALENDAR, BP__CHANGE_CALENDAR};
    BP_TRY(compare(m, add_assets, &assets, changes));
    BP_TRY(compare(m, add_mappings, &assets, changes));
    BP_TRY(compare(m, add_ratios, &events, changes));
    BP_TRY(compare(m, add_payouts, &events, changes));
    return compare(m, add_calendar, &calendar, changes);
}
