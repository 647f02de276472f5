#include <math.h>

#include "core/day.h"
#include "core/status.h"
#include "reader/adjustments.h"

/* The bars of a window: value[i] is session first + i of the bundle. */
typedef struct window {
    const int64_t *day; /* of value[0] */
    size_t num;
    double *value;
    bool is_volume;
} window;

/* One adjustment acts on the sessions before its date. */
static void adjust(const window *w, int64_t date, double ratio)
{
    for (size_t i = 0; i < w->num && w->day[i] < date; i++)
        w->value[i] = w->is_volume ? w->value[i] / ratio : w->value[i] * ratio;
}

static void adjust_by(const bp_reader *r, const window *w, size_t k, int64_t sid, int64_t as_of)
{
    const bp__dated *table = &r->ratio[k];
    size_t begin = 0;
    const size_t end = bp__dated_rows(table, sid, &begin);
    begin = bp__dated_below(table, begin, end, w->day[0]); /* what is earlier changes nothing */
    for (size_t i = begin; i < end && table->date[i] <= as_of; i++)
        if (bp__reader_applies(table->value[i])) adjust(w, table->date[i], table->value[i]);
}

bp_status bp_reader_window(const bp_reader *reader, int64_t sid, bp_field field, int64_t session, size_t k,
                           int64_t as_of, unsigned kinds, double *value)
{
    const bp__daily_bars *d = &reader->daily;
    const double *values = NULL;
    size_t row = 0, last = 0;
    char text[2][32];
    if (as_of == BP_TIME_MISSING) as_of = session;
    BP_TRY(bp__reader_daily_values(reader, field, &values));
    BP_TRY(bp__reader_check_kinds(reader, kinds));
    BP_TRY(bp__reader_daily_row(reader, sid, &row));
    BP_TRY(bp__reader_session(reader, session, &last));
    if (as_of < session)
        BP_FAIL(BP_EINVAL, "%s: a window up to %s cannot be seen as of %s", bp__reader_name(reader),
                bp__time_text(session, text[0]), bp__time_text(as_of, text[1]));
    const size_t num = k < last + 1 ? k : last + 1, absent = k - num, first = last + 1 - num;
    const bool is_volume = field == BP_FIELD_VOLUME;
    for (size_t i = 0; i < absent; i++) value[i] = is_volume ? 0 : NAN;
    const double *from = values + row * d->sessions + first;
    for (size_t i = 0; i < num; i++) value[absent + i] = from[i];
    if (num == 0) return BP_OK;
    const window w = {d->day.at + first, num, value + absent, is_volume};
    for (size_t kind = 0; kind < (is_volume ? 1 : BP__RATIOS); kind++)
        if (kinds & 1u << kind) adjust_by(reader, &w, kind, sid, as_of);
    return BP_OK;
}
