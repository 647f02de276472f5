#include "reader/minute.h"

#include <inttypes.h>
#include <math.h>

#include "core/day.h"
#include "core/status.h"

size_t bp_reader_num_minute_sids(const bp_reader *reader)
{
    return reader->minute.assets;
}

const int64_t *bp_reader_minute_sids(const bp_reader *reader)
{
    return reader->minute.sid.at;
}

bp_status bp__reader_minute_row(const bp_reader *reader, int64_t sid, size_t *row)
{
    if (bp__sorted_find(&reader->minute.sid, sid, row)) return BP_OK;
    BP_FAIL(BP_ENOSID, "%s: no minute bars of sid %" PRId64, bp__reader_name(reader), sid);
}

size_t bp__reader_bars_below(const bp__minute_bars *minute, size_t row, int64_t time)
{
    size_t low = (size_t)minute->offset[row], high = (size_t)minute->offset[row + 1];
    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        if (minute->dt[mid] < time)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static bp_status values_of(const bp_reader *r, bp_field field, const double **value)
{
    BP_TRY(bp__reader_check_field(r, field));
    *value = r->minute.value[field];
    if (*value || r->minute.assets == 0) return BP_OK; /* without a sid, it is the sid that is missing */
    BP_FAIL(BP_ENOTFOUND, "%s: the bundle holds no %s", bp__reader_name(r),
            bp_column_name((bp_column)(BP_COL_MINUTE_OPEN + (int)field)));
}

static double missing_value(bp_field field)
{
    return field == BP_FIELD_VOLUME ? 0 : NAN;
}

/* Single values --------------------------------------------------------------------------------- */

/* Whether a bar could be there. */
static bool may_trade(const bp_reader *r, int64_t minute)
{
    if (r->calendar.has_hours) return bp__reader_is_market_minute(r, minute);
    return r->minute.first != BP_TIME_MISSING && minute >= r->minute.first && minute <= r->minute.last;
}

bp_status bp_reader_minute_value(const bp_reader *reader, int64_t sid, int64_t minute, bp_field field,
                                 double *value)
{
    const bp__minute_bars *m = &reader->minute;
    const double *values = NULL;
    size_t row = 0;
    char text[32];
    BP_TRY(values_of(reader, field, &values));
    BP_TRY(bp__reader_minute_row(reader, sid, &row));
    const size_t at = bp__reader_bars_below(m, row, minute);
    if (at < (size_t)m->offset[row + 1] && m->dt[at] == minute) {
        *value = values[at];
        return BP_OK;
    }
    if (!may_trade(reader, minute))
        BP_FAIL(BP_ENODATA_ON, "%s: %s is no minute of a session", bp__reader_name(reader),
                bp__time_text(minute, text));
    *value = missing_value(field);
    return BP_OK;
}

bp_status bp_reader_minute_last_traded(const bp_reader *reader, int64_t sid, int64_t time, int64_t *minute)
{
    const bp__minute_bars *m = &reader->minute;
    const double *volume = NULL;
    size_t row = 0, found = 0;
    BP_TRY(values_of(reader, BP_FIELD_VOLUME, &volume));
    BP_TRY(bp__reader_minute_row(reader, sid, &row));
    const size_t low = (size_t)m->offset[row];
    const size_t end =
        time == INT64_MAX ? (size_t)m->offset[row + 1] : bp__reader_bars_below(m, row, time + 1);
    BP_TRY(bp__trades_last(m->trades, bp__reader_name(reader), volume, m->bars, low, end, &found));
    *minute = found == SIZE_MAX ? BP_TIME_MISSING : m->dt[found];
    return BP_OK;
}

/* Tables ---------------------------------------------------------------------------------------- */

enum {
    MINUTES = 64
}; /* rows at a time, so that they stay in the cache while one asset after the other is put in */

static void clear_rows(double *out, size_t rows, size_t num_sids, size_t stride, double missing)
{
    for (size_t t = 0; t < rows; t++)
        for (size_t i = 0; i < num_sids; i++) out[t * stride + i] = missing;
}

/* Put one asset's bars at the minutes that they belong to; both ascend. */
static void put_bars(const bp__minute_bars *m, const double *values, size_t row, const int64_t *minutes,
                     size_t num, double *out, size_t stride)
{
    const size_t end = (size_t)m->offset[row + 1];
    size_t k = bp__reader_bars_below(m, row, minutes[0]);
    for (size_t t = 0; t < num && k < end; t++) {
        while (k < end && m->dt[k] < minutes[t]) k++;
        if (k < end && m->dt[k] == minutes[t]) out[t * stride] = values[k++];
    }
}

static void load_table(const bp_reader *r, bp_field field, const int64_t *minutes, size_t num,
                       const int64_t *sids, size_t num_sids, double *out, size_t stride)
{
    const bp__minute_bars *m = &r->minute;
    for (size_t at = 0; at < num; at += MINUTES) {
        const size_t rows = num - at < MINUTES ? num - at : MINUTES;
        clear_rows(out + at * stride, rows, num_sids, stride, missing_value(field));
        for (size_t i = 0; i < num_sids; i++) {
            size_t row = 0;
            bp__sorted_find(&m->sid, sids[i], &row);
            put_bars(m, m->value[field], row, minutes + at, rows, out + at * stride + i, stride);
        }
    }
}

static bp_status check_minutes(const bp_reader *r, const int64_t *minutes, size_t num)
{
    char text[32], before[32];
    for (size_t i = 1; i < num; i++)
        if (minutes[i] <= minutes[i - 1])
            BP_FAIL(BP_EINVAL, "%s: minutes are not ascending: %s after %s", bp__reader_name(r),
                    bp__time_text(minutes[i], text), bp__time_text(minutes[i - 1], before));
    return BP_OK;
}

bp_status bp_reader_minute_load(const bp_reader *reader, const bp_field *fields, size_t num_fields,
                                const int64_t *minutes, size_t num_minutes, const int64_t *sids,
                                size_t num_sids, double *const *out, size_t stride)
{
    const double *values = NULL;
    size_t row;
    for (size_t f = 0; f < num_fields; f++) BP_TRY(values_of(reader, fields[f], &values));
    BP_TRY(check_minutes(reader, minutes, num_minutes));
    BP_TRY(bp__reader_check_stride(reader, num_sids, &stride));
    for (size_t i = 0; i < num_sids; i++) BP_TRY(bp__reader_minute_row(reader, sids[i], &row));
    for (size_t f = 0; f < num_fields; f++)
        load_table(reader, fields[f], minutes, num_minutes, sids, num_sids, out[f], stride);
    return BP_OK;
}
