#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "core/day.h"
#include "core/search.h"
#include "core/status.h"
#include "reader/adjustments.h"

bp_status bp__reader_check_kinds(const bp_reader *r, unsigned kinds)
{
    if ((kinds & ~(unsigned)BP_ADJUST_ALL) == 0) return BP_OK;
    BP_FAIL(BP_EINVAL, "%s: adjustments %u: other bits than BP_ADJUST_ALL", bp__reader_name(r), kinds);
}

bool bp__reader_applies(double ratio)
{
    return ratio > 0 && isfinite(ratio) && isfinite(1.0 / ratio);
}

bp_status bp_reader_ratios_of(const bp_reader *reader, unsigned kind, int64_t sid, bp_ratio *out, size_t room,
                              size_t *count)
{
    size_t k = 0, begin = 0;
    while (k < BP__RATIOS && kind != 1u << k) k++;
    if (k == BP__RATIOS)
        BP_FAIL(BP_EINVAL, "%s: kind %u: none of splits, mergers and dividends alone",
                bp__reader_name(reader), kind);
    const bp__dated *table = &reader->ratio[k];
    const size_t end = bp__dated_rows(table, sid, &begin);
    for (size_t i = begin; i < end && i - begin < room; i++)
        out[i - begin] = (bp_ratio){table->date[i], table->value[i]};
    *count = end - begin;
    return BP_OK;
}

/* Tables of dates and sids ---------------------------------------------------------------------- */

static bp_status check_dates(const bp_reader *r, const int64_t *dates, size_t num)
{
    char text[32], before[32];
    for (size_t i = 1; i < num; i++)
        if (dates[i] <= dates[i - 1])
            BP_FAIL(BP_EINVAL, "%s: dates are not ascending: %s after %s", bp__reader_name(r),
                    bp__time_text(dates[i], text), bp__time_text(dates[i - 1], before));
    return BP_OK;
}

/* What is to be written, and where to. */
typedef struct sink {
    bp_adjustment *out;
    size_t room, count;
    const int64_t *dates;
    size_t num_dates;
    bool inverse;
} sink;

static void put(sink *to, size_t k, size_t col, int64_t date, double ratio)
{
    if (to->count < to->room) {
        const int64_t row = (int64_t)bp__first_from(to->dates, to->num_dates, date);
        to->out[to->count] = (bp_adjustment){
            .row = row,
            .last_row = row,
            .first_col = (int64_t)col,
            .last_col = (int64_t)col,
            .value = to->inverse ? 1.0 / ratio : ratio,
            .kind = 1u << k,
        };
    }
    to->count++;
}

static void put_table(const bp_reader *r, size_t k, const int64_t *sids, size_t num_sids, sink *to)
{
    const bp__dated *table = &r->ratio[k];
    if (table->sid.n == 0) return;
    const int64_t from = to->dates[0], until = to->dates[to->num_dates - 1];
    for (size_t col = 0; col < num_sids; col++) {
        size_t begin = 0;
        const size_t end = bp__dated_rows(table, sids[col], &begin);
        for (size_t i = bp__dated_below(table, begin, end, from); i < end && table->date[i] <= until; i++)
            if (bp__reader_applies(table->value[i])) put(to, k, col, table->date[i], table->value[i]);
    }
}

/* By row, kind, sid, date. */
static int by_row(const void *x, const void *y)
{
    const bp_adjustment *a = x, *b = y;
    if (a->row != b->row) return a->row < b->row ? -1 : 1;
    if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
    if (a->first_col != b->first_col) return a->first_col < b->first_col ? -1 : 1;
    return a->first_row < b->first_row ? -1 : a->first_row > b->first_row;
}

bp_status bp_reader_load_adjustments(const bp_reader *reader, const int64_t *dates, size_t num_dates,
                                     const int64_t *sids, size_t num_sids, bp_field field, unsigned kinds,
                                     bp_adjustment *out, size_t room, size_t *count)
{
    BP_TRY(bp__reader_check_field(reader, field));
    BP_TRY(bp__reader_check_kinds(reader, kinds));
    BP_TRY(check_dates(reader, dates, num_dates));
    if (field == BP_FIELD_VOLUME) kinds &= BP_ADJUST_SPLITS;
    sink to = {.out = out, .room = room, .dates = dates, .num_dates = num_dates};
    to.inverse = field == BP_FIELD_VOLUME;
    for (size_t k = 0; k < BP__RATIOS && num_dates > 0; k++)
        if (kinds & 1u << k) put_table(reader, k, sids, num_sids, &to);
    /* within a sid dates ascend, so the place in the list is their order: first_row holds it for a while */
    const size_t written = to.count < room ? to.count : room;
    for (size_t i = 0; i < written; i++) out[i].first_row = (int64_t)i;
    if (written > 1) qsort(out, written, sizeof *out, by_row);
    for (size_t i = 0; i < written; i++) out[i].first_row = 0;
    *count = to.count;
    return BP_OK;
}
