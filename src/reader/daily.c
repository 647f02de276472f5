#include <inttypes.h>
#include <math.h>

#include "core/day.h"
#include "core/status.h"
#include "reader/reader.h"
#include "reader/transpose.h"

int64_t bp_reader_first_session(const bp_reader *reader)
{
    return reader->daily.sessions ? reader->daily.day.first : BP_TIME_MISSING;
}

int64_t bp_reader_last_session(const bp_reader *reader)
{
    return reader->daily.sessions ? reader->daily.day.last : BP_TIME_MISSING;
}

bp_status bp__reader_daily_row(const bp_reader *r, int64_t sid, size_t *row)
{
    if (bp__sorted_find(&r->daily.sid, sid, row)) return BP_OK;
    BP_FAIL(BP_ENOSID, "%s: no daily bars of sid %" PRId64, bp__reader_name(r), sid);
}

bp_status bp__reader_session(const bp_reader *r, int64_t day, size_t *at)
{
    char text[32];
    if (bp__sorted_find(&r->daily.day, day, at)) return BP_OK;
    BP_FAIL(BP_ENODATA_ON, "%s: %s is no session of the daily bars", bp__reader_name(r),
            bp__time_text(day, text));
}

bp_status bp__reader_daily_values(const bp_reader *r, bp_field field, const double **value)
{
    BP_TRY(bp__reader_check_field(r, field));
    *value = r->daily.value[field];
    if (*value) return BP_OK;
    BP_FAIL(BP_ENOTFOUND, "%s: the bundle holds no %s", bp__reader_name(r),
            bp_column_name((bp_column)(BP_COL_OPEN + (int)field)));
}

bp_status bp_reader_currency(const bp_reader *reader, int64_t sid, char code[4])
{
    size_t row = 0;
    BP_TRY(bp__reader_daily_row(reader, sid, &row));
    memcpy(code, reader->daily.currency ? reader->daily.currency + 3 * row : BP_NO_CURRENCY, 3);
    code[3] = '\0';
    return BP_OK;
}

/* Single values --------------------------------------------------------------------------------- */

/* Nothing is there: a hole, or a day on which the asset did not live. */
static bp_status missing(const bp_reader *r, size_t row, size_t at)
{
    const bp__daily_bars *d = &r->daily;
    char day[32], bound[32];
    if (!d->life_start || !d->life_end) return BP_OK;
    const int64_t start = d->life_start[row], end = d->life_end[row];
    if (end < start || start >= (int64_t)d->sessions || end < 0) /* it never had a bar */
        BP_FAIL(BP_ENODATA_BEFORE, "%s: sid %" PRId64 " has no bars at all", bp__reader_name(r),
                d->sid.at[row]);
    if ((int64_t)at < start)
        BP_FAIL(BP_ENODATA_BEFORE, "%s: sid %" PRId64 " on %s: its first bar is on %s", bp__reader_name(r),
                d->sid.at[row], bp__day_text(d->day.at[at], day), bp__day_text(d->day.at[start], bound));
    if ((int64_t)at > end)
        BP_FAIL(BP_ENODATA_AFTER, "%s: sid %" PRId64 " on %s: its last bar is on %s", bp__reader_name(r),
                d->sid.at[row], bp__day_text(d->day.at[at], day), bp__day_text(d->day.at[end], bound));
    return BP_OK;
}

bp_status bp_reader_daily_value(const bp_reader *reader, int64_t sid, int64_t day, bp_field field,
                                double *value)
{
    const double *values = NULL;
    size_t row = 0, at = 0;
    BP_TRY(bp__reader_daily_values(reader, field, &values));
    BP_TRY(bp__reader_daily_row(reader, sid, &row));
    BP_TRY(bp__reader_session(reader, day, &at));
    const double found = values[row * reader->daily.sessions + at];
    if (field == BP_FIELD_VOLUME ? found == 0 : isnan(found)) BP_TRY(missing(reader, row, at));
    *value = found;
    return BP_OK;
}

bp_status bp_reader_daily_last_traded(const bp_reader *reader, int64_t sid, int64_t time, int64_t *session)
{
    const bp__daily_bars *d = &reader->daily;
    const double *volume = NULL;
    size_t row = 0, found = 0;
    BP_TRY(bp__reader_daily_values(reader, BP_FIELD_VOLUME, &volume));
    BP_TRY(bp__reader_daily_row(reader, sid, &row));
    const size_t low = row * d->sessions, end = low + bp__sorted_upto(&d->day, time);
    BP_TRY(bp__trades_last(d->trades, bp__reader_name(reader), volume, d->assets * d->sessions, low, end,
                           &found));
    *session = found == SIZE_MAX ? BP_TIME_MISSING : d->day.at[found - low];
    return BP_OK;
}

/* Tables ---------------------------------------------------------------------------------------- */

bp_status bp_reader_daily_range(const bp_reader *reader, int64_t start, int64_t end, size_t *first,
                                size_t *num)
{
    char from[32], to[32];
    size_t low = 0, high = 0;
    if (start > end)
        BP_FAIL(BP_EINVAL, "%s: start %s is after end %s", bp__reader_name(reader),
                bp__time_text(start, from), bp__time_text(end, to));
    BP_TRY(bp__reader_session(reader, start, &low));
    BP_TRY(bp__reader_session(reader, end, &high));
    *first = low;
    *num = high - low + 1;
    return BP_OK;
}

enum { ASSETS = 512 }; /* whose series are looked up at a time */

/* The sids are known to be there. */
static void copy_table(const bp__daily_bars *d, const double *values, size_t first, size_t num,
                       const int64_t *sids, size_t num_sids, double *out, size_t stride)
{
    const double *series[ASSETS];
    for (size_t at = 0; at < num_sids; at += ASSETS) {
        const size_t n = num_sids - at < ASSETS ? num_sids - at : ASSETS;
        for (size_t i = 0; i < n; i++) {
            size_t row = 0;
            bp__sorted_find(&d->sid, sids[at + i], &row);
            series[i] = values + row * d->sessions + first;
        }
        bp__transpose(series, n, num, out + at, stride, num * num_sids * sizeof *out);
    }
}

bp_status bp_reader_daily_load(const bp_reader *reader, const bp_field *fields, size_t num_fields,
                               int64_t start, int64_t end, const int64_t *sids, size_t num_sids,
                               double *const *out, size_t stride)
{
    const double *values = NULL;
    size_t first = 0, num = 0, row;
    for (size_t f = 0; f < num_fields; f++) BP_TRY(bp__reader_daily_values(reader, fields[f], &values));
    BP_TRY(bp_reader_daily_range(reader, start, end, &first, &num));
    BP_TRY(bp__reader_check_stride(reader, num_sids, &stride));
    for (size_t i = 0; i < num_sids; i++) BP_TRY(bp__reader_daily_row(reader, sids[i], &row));
    for (size_t f = 0; f < num_fields; f++)
        copy_table(&reader->daily, reader->daily.value[fields[f]], first, num, sids, num_sids, out[f],
                   stride);
    return BP_OK;
}
