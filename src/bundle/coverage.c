#include "bundle/coverage.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/match.h"
#include "core/bundle.h"
#include "core/day.h"
#include "core/number.h"
#include "core/search.h"
#include "core/text.h"
#include "io/hdf5/h5origin.h"
#include "io/ingest/calendar.h"
#include "reader/audit_columns.h"

/* What is not known -------------------------------------------------------------------------------- */

static void append(char *text, size_t size, const char *what, size_t of, size_t all, const char *unit)
{
    const size_t used = strlen(text);
    char part[64] = "";
    if (of < all) snprintf(part, sizeof part, " (of %zu of %zu %s)", of, all, unit);
    snprintf(text + used, size - used, "%s%s%s", used ? ", " : "", what, part);
}

/* A file has a group for its country, whether that is known or not: CSV files say nothing of it, so that only
 * a calendar or a currency can. */
static bool is_country_known(const bp_bundle *bundle)
{
    size_t assets, n;
    const uint32_t *exchange = bp__audit_column(bundle, BP_COL_ASSET_EXCHANGE, &assets);
    const char *currency = bp__audit_column(bundle, BP_COL_CURRENCY, &n);
    if (*bundle->image->calendar_name && strcmp(bundle->image->calendar_name, "24/7") != 0) return true;
    for (size_t i = 0; i < assets; i++)
        if (strcmp(bp_bundle_text(bundle, exchange[i]), "CSVDIR") != 0) return true;
    for (size_t i = 0; i < n; i++)
        if (memcmp(currency + 3 * i, "USD", 3) != 0) return false;
    return n > 0;
}

/* Whether --timezone said it: the file keeps the options that it was made with. */
static bool is_zone_given(const char *path)
{
    static const char option[] = "--timezone=";
    bp__origin origin;
    if (bp__failed(bp__h5_origin(path, &origin))) return false;
    const char *at = origin.options ? strstr(origin.options, option) : NULL;
    while (at && at > origin.options && at[-1] != '\n') at = strstr(at + 1, option);
    bp__origin_fini(&origin);
    return at != NULL;
}

/* Times are kept in UTC: that of the exchange tells which day a minute is of, and when it trades. */
static bool is_zone_known(const bp_bundle *bundle, const char *path)
{
    bp__calendar *calendar;
    if (*bundle->image->calendar_name &&
        bp__calendar_open(bundle->image->calendar_name, &calendar) == BP_OK) {
        bp__calendar_close(&calendar);
        return true;
    }
    return is_zone_given(path);
}

const char *bp__unknown_text(const bp_bundle *bundle, const char *path, char *text, size_t size)
{
    size_t n, missing = 0;
    *text = '\0';
    if (!*bundle->image->calendar_name) append(text, size, "calendar", 0, 0, "");
    if (!is_country_known(bundle)) append(text, size, "country", 0, 0, "");
    if (!is_zone_known(bundle, path)) append(text, size, "time zone", 0, 0, "");
    const int64_t *open = bp__audit_column(bundle, BP_COL_MARKET_OPEN, &n);
    for (size_t i = 0; i < n; i++) missing += open[i] == BP_TIME_MISSING;
    if (missing > 0 || n == 0) append(text, size, "hours", missing, n, "sessions");
    missing = 0;
    const char *currency = bp__audit_column(bundle, BP_COL_CURRENCY, &n);
    for (size_t i = 0; i < n; i++) missing += memcmp(currency + 3 * i, BP_NO_CURRENCY, 3) == 0;
    if (missing > 0 || n == 0) append(text, size, "currency", missing, n, "assets");
    missing = 0;
    const uint32_t *exchange = bp__audit_column(bundle, BP_COL_ASSET_EXCHANGE, &n);
    for (size_t i = 0; i < n; i++) missing += !*bp_bundle_text(bundle, exchange[i]);
    if (missing > 0 || n == 0) append(text, size, "exchange", missing, n, "assets");
    return text;
}

/* Coverage ----------------------------------------------------------------------------------------- */

typedef struct coverage {
    int64_t sid;
    const char *symbol;
    int64_t first, last; /* bar; BP_TIME_MISSING: there is none */
    size_t bars, missing, splits, dividends, minutes;
    double factor; /* of the daily prices; NaN: the same for all assets */
} coverage;

static size_t count_of(const bp_bundle *bundle, bp_column column, int64_t sid)
{
    size_t n, count = 0;
    const int64_t *sids = bp__audit_column(bundle, column, &n);
    if (n == 0) return 0;
    for (size_t i = bp__first_from(sids, n, sid); i < n && sids[i] == sid; i++)
        count++; /* they are sorted by sid */
    return count;
}

static size_t minutes_of(const bp_bundle *bundle, int64_t sid)
{
    size_t n;
    const int64_t *sids = bp__audit_column(bundle, BP_COL_MINUTE_SID, &n);
    const int64_t *offset = bp__audit_column(bundle, BP_COL_MINUTE_OFFSET, NULL);
    const size_t row = sids ? bp__first_from(sids, n, sid) : n;
    return row < n && sids[row] == sid ? (size_t)(offset[row + 1] - offset[row]) : 0;
}

static void count_bars(const bp_bundle *bundle, size_t row, coverage *c)
{
    const size_t d = bp_bundle_num_sessions(bundle);
    size_t first = 0, last = 0;
    for (size_t t = 0; t < d; t++) {
        bool any = false;
        for (int k = 0; k < 4; k++)
            any |= !isnan(bp_bundle_daily(bundle, (bp_column)(BP_COL_OPEN + k))[row * d + t]);
        if (!any) continue;
        if (c->bars++ == 0) first = t;
        last = t;
    }
    if (c->bars == 0) return;
    c->first = bp_bundle_sessions(bundle)[first];
    c->last = bp_bundle_sessions(bundle)[last];
    c->missing = last - first + 1 - c->bars;
}

static void cover(const bp_bundle *bundle, const bp__party *p, coverage *c)
{
    size_t row;
    *c = (coverage){
        .sid = p->sid, .factor = NAN, .symbol = p->symbol, .first = BP_TIME_MISSING, .last = BP_TIME_MISSING};
    if (bp_bundle_row(bundle, p->sid, &row) == BP_OK) {
        size_t n;
        const double *factor = bp__audit_column(bundle, BP_COL_FACTOR, &n);
        if (row < n) c->factor = factor[row];
        count_bars(bundle, row, c);
    }
    c->splits = count_of(bundle, BP_COL_SPLIT_SID, p->sid) + count_of(bundle, BP_COL_MERGER_SID, p->sid);
    c->dividends = count_of(bundle, BP_COL_PAYOUT_SID, p->sid) + count_of(bundle, BP_COL_STOCK_SID, p->sid);
    c->minutes = minutes_of(bundle, p->sid);
}

bp_status bp__coverage_text(const bp_bundle *bundle)
{
    bp__match all; /* of a bundle with itself: its assets */
    bp_status s = bp__match_init(bundle, bundle, &all);
    char first[32], last[32], factor[32];
    if (s == BP_OK) {
        putchar('\n');
        bp__text_line(stdout, "%12s  %-12s  %-10s  %-10s  %8s  %7s  %6s  %9s  %11s  %8s", "sid", "symbol",
                      "first bar", "last bar", "sessions", "missing", "splits", "dividends", "minute bars",
                      "factor");
    }
    for (size_t i = 0; i < all.n[0]; i++) {
        coverage c;
        cover(bundle, &all.party[0][i], &c);
        bp__text_line(stdout, "%12" PRId64 "  %-12s  %-10s  %-10s  %8zu  %7zu  %6zu  %9zu  %11zu  %8s", c.sid,
                      c.symbol, bp__day_text(c.first, first), bp__day_text(c.last, last), c.bars, c.missing,
                      c.splits, c.dividends, c.minutes,
                      isnan(c.factor) ? "-" : bp__number_text(c.factor, factor));
    }
    bp__match_fini(&all);
    return s;
}

static void put_day(bp__json *j, const char *key, int64_t day)
{
    char text[32];
    if (day == BP_TIME_MISSING)
        bp__json_raw(j, key, "null");
    else
        bp__json_text(j, key, bp__day_text(day, text));
}

bp_status bp__coverage_json(const bp_bundle *bundle, bp__json *j)
{
    bp__match all;
    bp_status s = bp__match_init(bundle, bundle, &all);
    bp__json_open(j, "coverage", '[');
    for (size_t i = 0; i < all.n[0]; i++) {
        coverage c;
        cover(bundle, &all.party[0][i], &c);
        bp__json_open(j, NULL, '{');
        bp__json_int(j, "sid", c.sid);
        bp__json_text(j, "symbol", c.symbol);
        put_day(j, "first_bar", c.first);
        put_day(j, "last_bar", c.last);
        bp__json_int(j, "sessions", (int64_t)c.bars);
        bp__json_int(j, "missing", (int64_t)c.missing);
        bp__json_int(j, "splits", (int64_t)c.splits);
        bp__json_int(j, "dividends", (int64_t)c.dividends);
        bp__json_int(j, "minute_bars", (int64_t)c.minutes);
        bp__json_number(j, "factor", c.factor);
        bp__json_close(j, '}');
    }
    bp__json_close(j, ']');
    bp__match_fini(&all);
    return s;
}
