#include "bundle/side_files.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "bundle/csvout.h"
#include "core/search.h"

#define NONE BP_NUM_COLUMNS /* no column */

typedef struct side {
    const bp__h5series *file;
    const bp_bundle *head;
    const bp__side_facts *facts;
} side;

static size_t rows_of(const side *s, bp_column column)
{
    bp_array a;
    return bp_bundle_column(s->head, column, &a) ? a.shape[0] : 0;
}

static const void *data_of(const side *s, bp_column column)
{
    bp_array a;
    return bp_bundle_column(s->head, column, &a) ? a.data : NULL;
}

static int64_t i64_at(const side *s, bp_column column, size_t row)
{
    return ((const int64_t *)data_of(s, column))[row];
}

static const char *text_at(const side *s, bp_column column, size_t row)
{
    return bp_bundle_text(s->head, ((const uint32_t *)data_of(s, column))[row]);
}

/* Assets and symbols ---------------------------------------------------------------------------- */

/* The factor of a series; 0 where it has none, or one for each price. */
static double price_factor(const side *s, bp_column open, size_t row)
{
    const double factor = bp__h5_series_factor(s->file, open, row);
    for (int f = 1; f < BP__VOLUME; f++)
        if (bp__h5_series_factor(s->file, open + (bp_column)f, row) != factor) return 0;
    return factor;
}

static bool find_row(const side *s, bp_column column, int64_t sid, size_t *row)
{
    const int64_t *sids = data_of(s, column);
    const size_t n = rows_of(s, column);
    *row = bp__first_from(sids, n, sid);
    return *row < n && sids[*row] == sid;
}

static void put_factors(const side *s, bp__csvout *out, bp_column index, bp_column open, int64_t sid)
{
    size_t row;
    if (!find_row(s, index, sid, &row)) {
        bp__csvout_text(out, "");
        bp__csvout_text(out, "");
        return;
    }
    bp__csvout_f64(out, price_factor(s, open, row));
    bp__csvout_f64(out, bp__h5_series_factor(s->file, open + BP__VOLUME, row));
}

static void put_asset(const side *s, bp__csvout *out, const bp__stem_of *asset)
{
    static const bp_column dates[] = {BP_COL_ASSET_START, BP_COL_ASSET_END, BP_COL_ASSET_FIRST_TRADED,
                                      BP_COL_ASSET_AUTO_CLOSE};
    size_t row, daily;
    char currency[4] = "";
    const bool listed = bp_bundle_asset_row(s->head, asset->sid, &row) == BP_OK;
    if (find_row(s, BP_COL_SID, asset->sid, &daily))
        memcpy(currency, (const char *)data_of(s, BP_COL_CURRENCY) + 3 * daily, 3);
    bp__csvout_i64(out, asset->sid);
    bp__csvout_text(out, asset->symbol);
    bp__csvout_text(out, listed ? text_at(s, BP_COL_ASSET_NAME, row) : "");
    bp__csvout_text(out, listed ? text_at(s, BP_COL_ASSET_EXCHANGE, row) : "");
    bp__csvout_text(out, currency);
    for (int k = 0; k < 4; k++) bp__csvout_time(out, listed ? i64_at(s, dates[k], row) : BP_TIME_MISSING);
    bp__csvout_text(out, strcmp(asset->stem, asset->symbol) == 0 ? "" : asset->stem);
    put_factors(s, out, BP_COL_SID, BP_COL_OPEN, asset->sid);
    put_factors(s, out, BP_COL_MINUTE_SID, BP_COL_MINUTE_OPEN, asset->sid);
    bp__csvout_end_line(out);
}

static void put_assets(const side *s, bp__csvout *out)
{
    for (size_t i = 0; i < s->facts->assets; i++) put_asset(s, out, &s->facts->asset[i]);
}

static void put_symbols(const side *s, bp__csvout *out)
{
    for (size_t i = 0; i < rows_of(s, BP_COL_MAP_SID); i++) {
        bp__csvout_i64(out, i64_at(s, BP_COL_MAP_SID, i));
        bp__csvout_text(out, text_at(s, BP_COL_MAP_SYMBOL, i));
        bp__csvout_time(out, i64_at(s, BP_COL_MAP_START, i));
        bp__csvout_time(out, i64_at(s, BP_COL_MAP_END, i));
        bp__csvout_end_line(out);
    }
}

/* Adjustments ----------------------------------------------------------------------------------- */

/* An adjustment of a kind, column by column: those that it has not are empty. */
typedef struct event {
    const char *kind;
    bp_column sid, effective, ex, declared, record, pay, payment_sid, ratio, amount; /* NONE: it has not */
} event;

static void put_event(const side *s, bp__csvout *out, const event *e, size_t row)
{
    const bp_column times[] = {e->effective, e->ex, e->declared, e->record, e->pay},
                    numbers[] = {e->ratio, e->amount};
    bp__csvout_text(out, e->kind);
    bp__csvout_i64(out, i64_at(s, e->sid, row));
    for (int k = 0; k < 5; k++)
        bp__csvout_time(out, times[k] == NONE ? BP_TIME_MISSING : i64_at(s, times[k], row));
    if (e->payment_sid == NONE)
        bp__csvout_text(out, "");
    else
        bp__csvout_i64(out, i64_at(s, e->payment_sid, row));
    for (int k = 0; k < 2; k++)
        if (numbers[k] == NONE)
            bp__csvout_text(out, "");
        else
            bp__csvout_f64(out, ((const double *)data_of(s, numbers[k]))[row]);
    bp__csvout_end_line(out);
}

static void put_adjustments(const side *s, bp__csvout *out)
{
    static const event events[] = {
        {"split", BP_COL_SPLIT_SID, BP_COL_SPLIT_DATE, NONE, NONE, NONE, NONE, NONE, BP_COL_SPLIT_RATIO,
         NONE},
        {"merger", BP_COL_MERGER_SID, BP_COL_MERGER_DATE, NONE, NONE, NONE, NONE, NONE, BP_COL_MERGER_RATIO,
         NONE},
        {"dividend_ratio", BP_COL_DIVIDEND_SID, BP_COL_DIVIDEND_DATE, NONE, NONE, NONE, NONE, NONE,
         BP_COL_DIVIDEND_RATIO, NONE},
        {"dividend", BP_COL_PAYOUT_SID, NONE, BP_COL_PAYOUT_EX, BP_COL_PAYOUT_DECLARED, BP_COL_PAYOUT_RECORD,
         BP_COL_PAYOUT_PAY, NONE, NONE, BP_COL_PAYOUT_AMOUNT},
        {"stock_dividend", BP_COL_STOCK_SID, NONE, BP_COL_STOCK_EX, BP_COL_STOCK_DECLARED,
         BP_COL_STOCK_RECORD, BP_COL_STOCK_PAY, BP_COL_STOCK_PAYMENT_SID, BP_COL_STOCK_RATIO, NONE},
    };
    for (size_t k = 0; k < sizeof events / sizeof *events; k++)
        for (size_t i = 0; i < rows_of(s, events[k].sid); i++) put_event(s, out, &events[k], i);
}

/* Sessions, facts ------------------------------------------------------------------------------- */

/* The first day from `day` on with minute bars; INT64_MAX if there is none. */
static int64_t next_minute_day(const side *s, int64_t day)
{
    const uint64_t *set = s->facts->minute_days;
    for (uint64_t bit = day == INT64_MIN ? 0 : (uint64_t)(day / BP_NS_PER_DAY + BP__DAYS_BEFORE_EPOCH);
         bit < 64 * BP__DAY_WORDS; bit++) {
        if (set[bit / 64] == 0) bit |= 63;
        if (set[bit / 64] >> bit % 64 & 1) return ((int64_t)bit - BP__DAYS_BEFORE_EPOCH) * BP_NS_PER_DAY;
    }
    return INT64_MAX;
}

/* Every day that the bundle knows. `daily`: 0: of the calendar; 1: of the daily bars, too; 2: of the daily
 * bars only; 3: of minute bars only. */
static void put_sessions(const side *s, bp__csvout *out)
{
    const int64_t *session = data_of(s, BP_COL_SESSION), *day = bp_bundle_sessions(s->head);
    const size_t q = rows_of(s, BP_COL_SESSION), d = bp_bundle_num_sessions(s->head);
    size_t a = 0, b = 0;
    int64_t minute = next_minute_day(s, INT64_MIN);
    while (a < q || b < d || minute != INT64_MAX) {
        const int64_t in_calendar = a < q ? session[a] : INT64_MAX, in_bars = b < d ? day[b] : INT64_MAX;
        int64_t now = in_calendar < in_bars ? in_calendar : in_bars;
        if (minute < now) now = minute;
        const bool listed = a < q && in_calendar == now, barred = b < d && in_bars == now;
        bp__csvout_time(out, now);
        bp__csvout_time(out, listed ? i64_at(s, BP_COL_MARKET_OPEN, a) : BP_TIME_MISSING);
        bp__csvout_time(out, listed ? i64_at(s, BP_COL_MARKET_CLOSE, a) : BP_TIME_MISSING);
        bp__csvout_i64(out, listed ? barred : barred ? 2 : 3);
        bp__csvout_end_line(out);
        a += listed;
        b += barred;
        if (minute == now) minute = next_minute_day(s, now + BP_NS_PER_DAY);
    }
}

static void put_facts(const side *s, bp__csvout *out)
{
    const char *const facts[][2] = {{"calendar_name", s->head->image->calendar_name},
                                    {"schema_version", s->head->image->schema_version},
                                    {"country", bp__h5_series_country(s->file)}};
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        bp__csvout_text(out, facts[i][0]);
        bp__csvout_text(out, facts[i][1]);
        bp__csvout_end_line(out);
    }
}

/* All of them ----------------------------------------------------------------------------------- */

static const struct {
    const char *name, *header;
    void (*put)(const side *s, bp__csvout *out);
} files[] = {
    {"assets.csv",
     "sid,symbol,name,exchange,currency,start_date,end_date,first_traded,auto_close_date,file,price_factor,"
     "volume_factor,minute_price_factor,minute_volume_factor",
     put_assets},
    {"symbols.csv", "sid,symbol,start_date,end_date", put_symbols},
    {"adjustments.csv",
     "kind,sid,effective_date,ex_date,declared_date,record_date,pay_date,payment_sid,ratio,amount",
     put_adjustments},
    {"sessions.csv", "session,market_open,market_close,daily", put_sessions},
    {"bundle.csv", "key,value", put_facts},
};

#define NUM_FILES (sizeof files / sizeof *files)

bool bp__is_side_file(const char *name)
{
    for (size_t i = 0; i < NUM_FILES; i++)
        if (strcmp(name, files[i].name) == 0) return true;
    return false;
}

bp_status bp__side_files_write(const bp__h5series *file, const bp__side_facts *facts, bp__newdir *dir)
{
    const side s = {.file = file, .head = bp__h5_series_head(file), .facts = facts};
    for (size_t i = 0; i < NUM_FILES; i++) {
        char label[PATH_MAX + NAME_MAX];
        bp__csvout out;
        snprintf(label, sizeof label, "%s/%s", dir->path, files[i].name);
        BP_TRY(bp__csvout_open(dir->fd, files[i].name, label, files[i].header, &out));
        files[i].put(&s, &out);
        BP_TRY(bp__csvout_close(&out));
        BP_TRY(bp__manifest_add(&dir->made, "", files[i].name, out.bytes, out.crc));
    }
    return BP_OK;
}
