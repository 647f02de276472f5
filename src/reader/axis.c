#include <inttypes.h>
#include <stdlib.h>

#include "core/day.h"
#include "core/status.h"
#include "reader/minute.h"

/* Minutes of the market ------------------------------------------------------------------------- */

static void market_minutes(const bp__calendar *c, int64_t start, int64_t end, int64_t *out, size_t room,
                           size_t *count)
{
    size_t n = 0;
    /* the first session that closes at or after the start */
    size_t s = bp__sorted_below(&c->opens, start);
    if (s > 0 && c->close[s - 1] >= start) s--;
    for (; s < c->num && c->open[s] < end; s++) {
        int64_t first = bp__minute_of(c->open[s]) + BP__MINUTE_NS, last = bp__minute_of(c->close[s]);
        if (first < start) first = bp__minute_of(start - 1) + BP__MINUTE_NS;
        if (last > end) last = bp__minute_of(end);
        if (first > last) continue;
        const size_t minutes = (size_t)(((uint64_t)last - (uint64_t)first) / BP__MINUTE_NS) + 1;
        for (size_t k = 0; k < minutes && n + k < room; k++) out[n + k] = first + (int64_t)k * BP__MINUTE_NS;
        n += minutes;
    }
    *count = n;
}

/* Minutes of bars ------------------------------------------------------------------------------- */

static int by_time(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

typedef struct range {
    int64_t start, end;
} range;

/* Bars of the i-th sid within a range: begin … end-1. */
static size_t bars_in(const bp_reader *r, const int64_t *sids, size_t i, range within, size_t *begin)
{
    size_t row = i;
    if (sids) bp__sorted_find(&r->minute.sid, sids[i], &row);
    *begin = bp__reader_bars_below(&r->minute, row, within.start);
    return within.end == INT64_MAX ? (size_t)r->minute.offset[row + 1]
                                   : bp__reader_bars_below(&r->minute, row, within.end + 1);
}

static bp_status bar_minutes(const bp_reader *r, range within, const int64_t *sids, size_t num_sids,
                             int64_t *out, size_t room, size_t *count)
{
    size_t total = 0, begin, n = 0, kept = 0;
    for (size_t i = 0; i < num_sids; i++) {
        const size_t end = bars_in(r, sids, i, within, &begin);
        total += end - begin;
    }
    int64_t *time = malloc((total + 1) * sizeof *time);
    if (!time) BP_FAIL(BP_ENOMEM, "%s: no memory for the times of %zu bars", bp__reader_name(r), total);
    for (size_t i = 0; i < num_sids; i++) {
        const size_t end = bars_in(r, sids, i, within, &begin);
        for (size_t k = begin; k < end; k++) time[n++] = r->minute.dt[k];
    }
    qsort(time, n, sizeof *time, by_time);
    for (size_t k = 0; k < n; k++) {
        if (k > 0 && time[k] == time[k - 1]) continue;
        if (kept < room) out[kept] = time[k];
        kept++;
    }
    free(time);
    *count = kept;
    return BP_OK;
}

bp_status bp_reader_minutes(const bp_reader *reader, bp_axis axis, int64_t start, int64_t end,
                            const int64_t *sids, size_t num_sids, int64_t *out, size_t room, size_t *count)
{
    char from[32], to[32];
    size_t row;
    if (axis != BP_AXIS_MARKET && axis != BP_AXIS_BARS)
        BP_FAIL(BP_EINVAL, "%s: axis %d: neither BP_AXIS_MARKET nor BP_AXIS_BARS", bp__reader_name(reader),
                (int)axis);
    if (start > end)
        BP_FAIL(BP_EINVAL, "%s: start %s is after end %s", bp__reader_name(reader),
                bp__time_text(start, from), bp__time_text(end, to));
    for (size_t i = 0; sids && i < num_sids; i++) BP_TRY(bp__reader_minute_row(reader, sids[i], &row));
    if (axis == BP_AXIS_MARKET && reader->calendar.has_hours) {
        market_minutes(&reader->calendar, start, end, out, room, count);
        return BP_OK;
    }
    return bar_minutes(reader, (range){start, end}, sids, sids ? num_sids : reader->minute.assets, out, room,
                       count);
}
