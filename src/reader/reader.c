#include "reader/reader.h"

#include <stdlib.h>

#include "core/status.h"

/* Columns --------------------------------------------------------------------------------------- */

/* A one-dimensional column that has to have `rows` elements. */
static bp_status column(const bp_reader *r, bp_column id, size_t rows, const void **data)
{
    bp_array array;
    bp_bundle_column(r->bundle, id, &array);
    if (array.shape[0] != rows)
        BP_FAIL(BP_EFORMAT, "%s: %s has %zu rows, expected %zu", bp__reader_name(r), bp_column_name(id),
                (size_t)array.shape[0], rows);
    *data = array.data;
    return BP_OK;
}

static bp_status int64s(const bp_reader *r, bp_column id, size_t rows, const int64_t **data)
{
    const void *found = NULL;
    BP_TRY(column(r, id, rows, &found));
    *data = found;
    return BP_OK;
}

static bp_status texts(const bp_reader *r, bp_column id, size_t rows, const uint32_t **data)
{
    const void *found = NULL;
    BP_TRY(column(r, id, rows, &found));
    *data = found;
    return BP_OK;
}

static size_t rows_of(const bp_reader *r, bp_column id)
{
    bp_array array;
    bp_bundle_column(r->bundle, id, &array);
    return (size_t)array.shape[0];
}

/* A column that may be left out: NULL then. */
static bp_status optional(const bp_reader *r, bp_column id, size_t rows, size_t cols, const void **data)
{
    bp_array array;
    bp_bundle_column(r->bundle, id, &array);
    *data = NULL;
    if (array.shape[0] == 0 && rows > 0) return BP_OK;
    if (array.shape[0] != rows || (rows > 0 && array.shape[1] != cols))
        BP_FAIL(BP_EFORMAT, "%s: %s is %zu x %zu, expected %zu x %zu", bp__reader_name(r), bp_column_name(id),
                (size_t)array.shape[0], (size_t)array.shape[1], rows, cols);
    *data = array.data;
    return BP_OK;
}

static bp_status sorted(const bp_reader *r, bp_column id, bool strictly, bp__sorted *index)
{
    bp_array array;
    bp_bundle_column(r->bundle, id, &array);
    bp_status s = bp__sorted_init(index, bp_column_name(id), array.data, (size_t)array.shape[0], strictly);
    if (bp__failed(s)) BP_FAIL(s, "%s: %s", bp__reader_name(r), bp_error_text());
    return BP_OK;
}

/* Assets ---------------------------------------------------------------------------------------- */

typedef struct by_exchange {
    const bp_bundle *bundle;
    const uint32_t *exchange;
} by_exchange;

static int compare_exchanges(const void *a, const void *b, void *context)
{
    const by_exchange *by = context;
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    if (by->exchange[x] != by->exchange[y]) {
        const int order =
            strcmp(bp_bundle_text(by->bundle, by->exchange[x]), bp_bundle_text(by->bundle, by->exchange[y]));
        if (order) return order;
    }
    return x < y ? -1 : x > y;
}

static bp_status read_assets(bp_reader *r)
{
    bp__asset_rows *a = &r->assets;
    a->num = rows_of(r, BP_COL_ASSET_SID);
    BP_TRY(sorted(r, BP_COL_ASSET_SID, true, &a->sid));
    BP_TRY(texts(r, BP_COL_ASSET_SYMBOL, a->num, &a->symbol));
    BP_TRY(texts(r, BP_COL_ASSET_NAME, a->num, &a->name));
    BP_TRY(texts(r, BP_COL_ASSET_EXCHANGE, a->num, &a->exchange));
    BP_TRY(int64s(r, BP_COL_ASSET_START, a->num, &a->start));
    BP_TRY(int64s(r, BP_COL_ASSET_END, a->num, &a->end));
    BP_TRY(int64s(r, BP_COL_ASSET_FIRST_TRADED, a->num, &a->first_traded));
    BP_TRY(int64s(r, BP_COL_ASSET_AUTO_CLOSE, a->num, &a->auto_close));
    a->by_exchange = malloc((a->num + 1) * sizeof *a->by_exchange);
    if (!a->by_exchange) BP_FAIL(BP_ENOMEM, "%s: no memory for %zu assets", bp__reader_name(r), a->num);
    for (size_t i = 0; i < a->num; i++) a->by_exchange[i] = (uint32_t)i;
    by_exchange by = {r->bundle, a->exchange};
    qsort_r(a->by_exchange, a->num, sizeof *a->by_exchange, compare_exchanges, &by);
    return BP_OK;
}

/* Without symbol mappings every asset has had its symbol all its life, and so has one that they leave out. */
static bp_status read_symbols(bp_reader *r)
{
    const bp__asset_rows *a = &r->assets;
    const size_t mappings = rows_of(r, BP_COL_MAP_SID);
    const int64_t *sid, *start, *end;
    const uint32_t *symbol;
    BP_TRY(int64s(r, BP_COL_MAP_SID, mappings, &sid));
    BP_TRY(texts(r, BP_COL_MAP_SYMBOL, mappings, &symbol));
    BP_TRY(int64s(r, BP_COL_MAP_START, mappings, &start));
    BP_TRY(int64s(r, BP_COL_MAP_END, mappings, &end));

    bp__owner *owner = malloc((mappings + a->num + 1) * sizeof *owner);
    bool *mapped = calloc(a->num + 1, sizeof *mapped);
    size_t n = 0, row;
    bp_status s = BP_ENOMEM;
    if (owner && mapped) {
        for (size_t i = 0; i < mappings; i++) {
            owner[n++] = (bp__owner){.sid = sid[i], .start = start[i], .end = end[i], .symbol = symbol[i]};
            if (bp__sorted_find(&a->sid, sid[i], &row)) mapped[row] = true;
        }
        for (size_t i = 0; i < a->num; i++)
            if (!mapped[i])
                owner[n++] = (bp__owner){
                    .sid = a->sid.at[i], .start = a->start[i], .end = a->end[i], .symbol = a->symbol[i]};
        s = bp__symbols_init(&r->symbols, r->bundle, owner, n);
    }
    free(owner);
    free(mapped);
    if (s == BP_ENOMEM)
        BP_FAIL(BP_ENOMEM, "%s: no memory for %zu symbols", bp__reader_name(r), mappings + a->num);
    return s;
}

/* Bars ------------------------------------------------------------------------------------------ */

static bp_status read_daily(bp_reader *r)
{
    bp__daily_bars *d = &r->daily;
    const void *data = NULL;
    d->assets = bp_bundle_num_assets(r->bundle);
    d->sessions = bp_bundle_num_sessions(r->bundle);
    BP_TRY(sorted(r, BP_COL_SID, true, &d->sid));
    BP_TRY(sorted(r, BP_COL_DAY, true, &d->day));
    BP_TRY(optional(r, BP_COL_LIFE_START, d->assets, 1, &data));
    d->life_start = data;
    BP_TRY(optional(r, BP_COL_LIFE_END, d->assets, 1, &data));
    d->life_end = data;
    BP_TRY(optional(r, BP_COL_CURRENCY, d->assets, 3, &data));
    d->currency = data;
    for (size_t f = 0; f < BP__NUM_READER_FIELDS; f++) {
        BP_TRY(optional(r, (bp_column)(BP_COL_OPEN + f), d->assets, d->sessions, &data));
        d->value[f] = data;
    }
    return BP_OK;
}

/* The earliest and the latest bar of all. */
static void find_ends(bp__minute_bars *m)
{
    m->first = m->last = BP_TIME_MISSING;
    for (size_t i = 0; i < m->assets; i++) {
        if (m->offset[i] == m->offset[i + 1]) continue;
        const int64_t first = m->dt[m->offset[i]], last = m->dt[m->offset[i + 1] - 1];
        if (m->first == BP_TIME_MISSING || first < m->first) m->first = first;
        if (m->last == BP_TIME_MISSING || last > m->last) m->last = last;
    }
}

static bp_status read_minute(bp_reader *r)
{
    bp__minute_bars *m = &r->minute;
    const void *data = NULL;
    m->assets = rows_of(r, BP_COL_MINUTE_SID);
    m->bars = rows_of(r, BP_COL_MINUTE_DT);
    m->first = m->last = BP_TIME_MISSING;
    BP_TRY(sorted(r, BP_COL_MINUTE_SID, true, &m->sid));
    if (m->assets == 0) return BP_OK;
    BP_TRY(int64s(r, BP_COL_MINUTE_OFFSET, m->assets + 1, &m->offset));
    BP_TRY(int64s(r, BP_COL_MINUTE_DT, m->bars, &m->dt));
    for (size_t i = 0; i <= m->assets; i++)
        if (m->offset[i] < (i ? m->offset[i - 1] : 0) || (uint64_t)m->offset[i] > m->bars)
            BP_FAIL(BP_EFORMAT, "%s: %s: row %zu is %lld, of %zu bars", bp__reader_name(r),
                    bp_column_name(BP_COL_MINUTE_OFFSET), i, (long long)m->offset[i], m->bars);
    for (size_t f = 0; f < BP__NUM_READER_FIELDS; f++) {
        BP_TRY(optional(r, (bp_column)(BP_COL_MINUTE_OPEN + f), m->bars, 1, &data));
        m->value[f] = data;
    }
    find_ends(m);
    return BP_OK;
}

static bp_status read_calendar(bp_reader *r)
{
    bp__calendar *c = &r->calendar;
    c->num = rows_of(r, BP_COL_SESSION);
    BP_TRY(sorted(r, BP_COL_SESSION, true, &c->session));
    BP_TRY(int64s(r, BP_COL_MARKET_OPEN, c->num, &c->open));
    BP_TRY(int64s(r, BP_COL_MARKET_CLOSE, c->num, &c->close));
    c->has_hours = c->num > 0;
    for (size_t i = 0; i < c->num && c->has_hours; i++)
        c->has_hours = c->open[i] >= INT64_MIN + BP_NS_PER_DAY && c->close[i] <= INT64_MAX - BP_NS_PER_DAY &&
                       c->close[i] > c->open[i] && (i == 0 || c->open[i] >= c->close[i - 1]);
    return c->has_hours ? sorted(r, BP_COL_MARKET_OPEN, true, &c->opens) : BP_OK;
}

/* Adjustments ----------------------------------------------------------------------------------- */

static bp_status read_adjustments(bp_reader *r)
{
    BP_TRY(bp__dated_init(&r->ratio[0], r->bundle, BP_COL_SPLIT_SID, BP_COL_SPLIT_RATIO));
    BP_TRY(bp__dated_init(&r->ratio[1], r->bundle, BP_COL_MERGER_SID, BP_COL_MERGER_RATIO));
    BP_TRY(bp__dated_init(&r->ratio[2], r->bundle, BP_COL_DIVIDEND_SID, BP_COL_DIVIDEND_RATIO));
    BP_TRY(bp__dated_init(&r->payout, r->bundle, BP_COL_PAYOUT_SID, BP_COL_PAYOUT_AMOUNT));
    BP_TRY(int64s(r, BP_COL_PAYOUT_DECLARED, r->payout.sid.n, &r->payout_declared));
    BP_TRY(int64s(r, BP_COL_PAYOUT_RECORD, r->payout.sid.n, &r->payout_record));
    BP_TRY(int64s(r, BP_COL_PAYOUT_PAY, r->payout.sid.n, &r->payout_pay));
    BP_TRY(bp__dated_init(&r->stock, r->bundle, BP_COL_STOCK_SID, BP_COL_STOCK_RATIO));
    BP_TRY(int64s(r, BP_COL_STOCK_DECLARED, r->stock.sid.n, &r->stock_declared));
    BP_TRY(int64s(r, BP_COL_STOCK_RECORD, r->stock.sid.n, &r->stock_record));
    BP_TRY(int64s(r, BP_COL_STOCK_PAY, r->stock.sid.n, &r->stock_pay));
    return int64s(r, BP_COL_STOCK_PAYMENT_SID, r->stock.sid.n, &r->stock_payment);
}

/* Public ---------------------------------------------------------------------------------------- */

static bp_status build(bp_reader *r)
{
    BP_TRY(bp__trades_create(&r->daily.trades));
    BP_TRY(bp__trades_create(&r->minute.trades));
    BP_TRY(read_assets(r));
    BP_TRY(read_symbols(r));
    BP_TRY(read_daily(r));
    BP_TRY(read_minute(r));
    BP_TRY(read_calendar(r));
    return read_adjustments(r);
}

bp_status bp_reader_create(const bp_bundle *bundle, bp_reader **reader)
{
    *reader = NULL;
    bp_reader *r = calloc(1, sizeof *r);
    if (!r) BP_FAIL(BP_ENOMEM, "%s: no memory for a reader", bp_bundle_name(bundle));
    r->bundle = bundle;
    bp_status s = build(r);
    if (bp__failed(s)) bp_reader_destroy(&r);
    *reader = r;
    return s;
}

void bp_reader_destroy(bp_reader **reader)
{
    bp_reader *r = *reader;
    *reader = NULL;
    if (!r) return;
    for (size_t k = 0; k < BP__RATIOS; k++) bp__dated_fini(&r->ratio[k]);
    bp__dated_fini(&r->payout);
    bp__dated_fini(&r->stock);
    bp__sorted_fini(&r->calendar.session);
    bp__sorted_fini(&r->calendar.opens);
    bp__sorted_fini(&r->minute.sid);
    bp__trades_destroy(&r->minute.trades);
    bp__sorted_fini(&r->daily.sid);
    bp__sorted_fini(&r->daily.day);
    bp__trades_destroy(&r->daily.trades);
    bp__symbols_fini(&r->symbols);
    bp__sorted_fini(&r->assets.sid);
    free(r->assets.by_exchange);
    free(r);
}

const bp_bundle *bp_reader_bundle(const bp_reader *reader)
{
    return reader->bundle;
}

bp_status bp__reader_check_field(const bp_reader *reader, bp_field field)
{
    if ((unsigned)field < BP__NUM_READER_FIELDS) return BP_OK;
    BP_FAIL(BP_EINVAL, "%s: field %d: there is none of this number", bp__reader_name(reader), (int)field);
}

bp_status bp__reader_check_stride(const bp_reader *r, size_t num_sids, size_t *stride)
{
    if (*stride == 0) *stride = num_sids;
    if (*stride >= num_sids) return BP_OK;
    BP_FAIL(BP_EINVAL, "%s: rows of %zu assets do not fit into a stride of %zu", bp__reader_name(r), num_sids,
            *stride);
}
