#include <inttypes.h>
#include <string.h>

#include "core/status.h"
#include "reader/reader.h"

/* Exchanges ------------------------------------------------------------------------------------- */

static const char *exchange_at(const bp_reader *r, size_t i)
{
    return bp_bundle_text(r->bundle, r->assets.exchange[r->assets.by_exchange[i]]);
}

/* Assets whose exchange is less than `name`, or, where `upto`, no greater. */
static size_t exchanges_below(const bp_reader *r, const char *name, bool upto)
{
    size_t low = 0, high = r->assets.num;
    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        const int order = strcmp(exchange_at(r, mid), name);
        if (order < 0 || (upto && order == 0))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

void bp_reader_exchanges(const bp_reader *reader, const char **out, size_t room, size_t *count)
{
    size_t n = 0;
    for (size_t i = 0; i < reader->assets.num; n++) {
        const char *name = exchange_at(reader, i);
        if (n < room) out[n] = name;
        i = exchanges_below(reader, name, true);
    }
    *count = n;
}

void bp_reader_sids_of_exchange(const bp_reader *reader, const char *exchange, int64_t *out, size_t room,
                                size_t *count)
{
    const bp__asset_rows *a = &reader->assets;
    const size_t begin = exchanges_below(reader, exchange, false);
    const size_t end = exchanges_below(reader, exchange, true);
    for (size_t i = begin; i < end && i - begin < room; i++) out[i - begin] = a->sid.at[a->by_exchange[i]];
    *count = end - begin;
}

/* Lifetimes ------------------------------------------------------------------------------------- */

enum { BLOCK = 256 }; /* assets whose dates are gathered at a time, so that rows are written along */

/* A start date that is not known is the least of all numbers anyway. */
static int64_t last_day(int64_t end)
{
    return end == BP_TIME_MISSING ? INT64_MAX : end;
}

static bool is_alive(int64_t start, int64_t end, int64_t date, bool include_start)
{
    return (include_start ? start <= date : start < date) && date <= end;
}

static bp_status check_sids(const bp_reader *r, const int64_t *sids, size_t num)
{
    size_t row;
    if (!sids && num != r->assets.num)
        BP_FAIL(BP_EINVAL, "%s: lifetimes of all %zu assets into room for %zu", bp__reader_name(r),
                r->assets.num, num);
    for (size_t i = 0; sids && i < num; i++)
        if (!bp__sorted_find(&r->assets.sid, sids[i], &row))
            BP_FAIL(BP_ENOSID, "%s: no asset with sid %" PRId64, bp__reader_name(r), sids[i]);
    return BP_OK;
}

bp_status bp_reader_lifetimes(const bp_reader *reader, const int64_t *dates, size_t num_dates,
                              const int64_t *sids, size_t num_sids, bool include_start, bool *alive)
{
    const bp__asset_rows *a = &reader->assets;
    int64_t start[BLOCK], end[BLOCK];
    BP_TRY(check_sids(reader, sids, num_sids));
    for (size_t at = 0; at < num_sids; at += BLOCK) {
        const size_t n = num_sids - at < BLOCK ? num_sids - at : BLOCK;
        for (size_t i = 0; i < n; i++) {
            size_t row = at + i;
            if (sids) bp__sorted_find(&a->sid, sids[at + i], &row);
            start[i] = a->start[row];
            end[i] = last_day(a->end[row]);
        }
        for (size_t t = 0; t < num_dates; t++)
            for (size_t i = 0; i < n; i++)
                alive[t * num_sids + at + i] = is_alive(start[i], end[i], dates[t], include_start);
    }
    return BP_OK;
}

void bp_reader_alive(const bp_reader *reader, int64_t date, bool include_start, int64_t *out, size_t room,
                     size_t *count)
{
    const bp__asset_rows *a = &reader->assets;
    size_t n = 0;
    for (size_t i = 0; i < a->num; i++) {
        if (!is_alive(a->start[i], last_day(a->end[i]), date, include_start)) continue;
        if (n < room) out[n] = a->sid.at[i];
        n++;
    }
    *count = n;
}
