#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/day.h"
#include "core/sized.h"
#include "core/status.h"
#include "reader/reader.h"

/* What every caller's bp_asset covers: that of the first release. */
enum { LEAST_ASSET = offsetof(bp_asset, currency) + sizeof((bp_asset){0}.currency) };

size_t bp_reader_num_assets(const bp_reader *reader)
{
    return reader->assets.num;
}

const int64_t *bp_reader_sids(const bp_reader *reader)
{
    return reader->assets.sid.at;
}

/* Retrieving ------------------------------------------------------------------------------------ */

static bp_status find_asset(const bp_reader *r, int64_t sid, size_t *row)
{
    if (bp__sorted_find(&r->assets.sid, sid, row)) return BP_OK;
    BP_FAIL(BP_ENOSID, "%s: no asset with sid %" PRId64, bp__reader_name(r), sid);
}

static void fill_asset(const bp_reader *r, size_t row, bp_asset *asset)
{
    const bp__asset_rows *a = &r->assets;
    bp_asset own = bp_asset_init();
    own.sid = a->sid.at[row];
    own.symbol = bp_bundle_text(r->bundle, a->symbol[row]);
    own.name = bp_bundle_text(r->bundle, a->name[row]);
    own.exchange = bp_bundle_text(r->bundle, a->exchange[row]);
    own.start_date = a->start[row];
    own.end_date = a->end[row];
    own.first_traded = a->first_traded[row];
    own.auto_close_date = a->auto_close[row];
    size_t daily = 0;
    const bool priced = r->daily.currency && bp__sorted_find(&r->daily.sid, own.sid, &daily);
    memcpy(own.currency, priced ? r->daily.currency + 3 * daily : BP_NO_CURRENCY, 3);
    bp__sized_write(asset, &own);
}

bp_status bp_reader_retrieve_asset(const bp_reader *reader, int64_t sid, bp_asset *asset)
{
    size_t row = 0;
    BP_TRY(bp__sized_check(asset, LEAST_ASSET, "bp_asset"));
    BP_TRY(find_asset(reader, sid, &row));
    fill_asset(reader, row, asset);
    return BP_OK;
}

/* Elements of an array of a newer or older program are as large as it says. */
static bp_asset *asset_at(bp_asset *assets, size_t i)
{
    return (bp_asset *)(void *)((char *)assets + i * assets->size);
}

bp_status bp_reader_retrieve_all(const bp_reader *reader, const int64_t *sids, size_t num, bp_asset *assets,
                                 bool *found)
{
    size_t row = 0;
    for (size_t i = 0; i < num; i++) {
        BP_TRY(bp__sized_check(asset_at(assets, i), LEAST_ASSET, "bp_asset"));
        if (asset_at(assets, i)->size != assets->size)
            BP_FAIL(BP_EINVAL, "bp_asset: element %zu is of another size than the first", i);
        if (!found) BP_TRY(find_asset(reader, sids[i], &row));
    }
    for (size_t i = 0; i < num; i++) {
        const bool there = bp__sorted_find(&reader->assets.sid, sids[i], &row);
        if (there) fill_asset(reader, row, asset_at(assets, i));
        if (found) found[i] = there;
    }
    return BP_OK;
}

/* Looking up symbols ---------------------------------------------------------------------------- */

static const char *on_text(int64_t day, char text[40])
{
    char date[32];
    if (day == BP_TIME_MISSING)
        strcpy(text, "");
    else
        snprintf(text, 40, " on %s", bp__day_text(day, date));
    return text;
}

static bp_status unknown(const bp_reader *r, const char *symbol, int64_t day)
{
    char on[40];
    BP_FAIL(BP_ENOSYMBOL, "%s: no asset has the symbol '%.40s'%s", bp__reader_name(r), symbol,
            on_text(day, on));
}

/* Name two of those who had it: where there are more, the two tell as much. */
static bp_status ambiguous(const bp_reader *r, const char *symbol, int64_t day, const bp__owner *a,
                           const bp__owner *b)
{
    char on[40], from[2][32];
    BP_FAIL(BP_EAMBIGUOUS,
            "%s: '%.40s'%s: sid %" PRId64 " has it as %.40s from %s, sid %" PRId64 " as %.40s from %s; %s",
            bp__reader_name(r), symbol, on_text(day, on), a->sid, bp_bundle_text(r->bundle, a->symbol),
            bp__day_text(a->start, from[0]), b->sid, bp_bundle_text(r->bundle, b->symbol),
            bp__day_text(b->start, from[1]),
            day == BP_TIME_MISSING ? "give a date" : "give the sid, or a spelling that only one of them has");
}

/* Somebody in a spelling who is not `sid`; there is one. */
static const bp__owner *rival_of(const bp_reader *r, bp__spelling spelling, const bp__owner *owner)
{
    const bp__owner *o = r->symbols.owner + spelling.begin;
    uint32_t i = 0;
    while (i + 1 < spelling.count && o[i].sid == owner->sid) i++;
    return &o[i];
}

static bool is_contested(bp__spelling spelling, const bp__owner *owner, int64_t day)
{
    if (day == BP_TIME_MISSING) return spelling.several;
    return owner->contested != BP_TIME_MISSING && day <= owner->contested;
}

/* Who has a spelling on a day, or had it first; NULL: nobody by then. */
static const bp__owner *owner_of(const bp_reader *r, bp__spelling spelling, int64_t day)
{
    if (day == BP_TIME_MISSING) return r->symbols.owner + spelling.begin;
    return bp__symbols_on(&r->symbols, spelling, day);
}

static bp_status look_up_strictly(const bp_reader *r, const char *symbol, int64_t day, int64_t *sid)
{
    bp__spelling spelling;
    if (!bp__symbols_strict(&r->symbols, symbol, &spelling)) return unknown(r, symbol, day);
    const bp__owner *owner = owner_of(r, spelling, day);
    if (!owner) return unknown(r, symbol, day);
    if (is_contested(spelling, owner, day))
        return ambiguous(r, symbol, day, owner, rival_of(r, spelling, owner));
    *sid = owner->sid;
    return BP_OK;
}

/* One owner in all spellings is it; of several, that of the strict spelling. */
static bp_status look_up_fuzzily(const bp_reader *r, const char *symbol, int64_t day, int64_t *sid)
{
    const bp__owner *first = NULL, *second = NULL;
    bp__spelling spelling;
    size_t at = 0;
    while (bp__symbols_fuzzy(&r->symbols, symbol, &at, &spelling)) {
        const bp__owner *o = owner_of(r, spelling, day);
        if (!o) continue;
        if (is_contested(spelling, o, day)) second = rival_of(r, spelling, o);
        if (!first)
            first = o;
        else if (o->sid != first->sid)
            second = o;
    }
    if (!first) return unknown(r, symbol, day);
    if (second) {
        if (bp__symbols_strict(&r->symbols, symbol, &spelling) && owner_of(r, spelling, day))
            return look_up_strictly(r, symbol, day, sid);
        return ambiguous(r, symbol, day, first, second);
    }
    *sid = first->sid;
    return BP_OK;
}

static bp_status check_way(const bp_reader *r, bp_lookup how)
{
    if (how == BP_LOOKUP_STRICT || how == BP_LOOKUP_FUZZY) return BP_OK;
    BP_FAIL(BP_EINVAL, "%s: look-up %d: neither BP_LOOKUP_STRICT nor BP_LOOKUP_FUZZY", bp__reader_name(r),
            (int)how);
}

bp_status bp_reader_lookup_symbol(const bp_reader *reader, const char *symbol, int64_t as_of, bp_lookup how,
                                  int64_t *sid)
{
    BP_TRY(check_way(reader, how));
    return how == BP_LOOKUP_FUZZY ? look_up_fuzzily(reader, symbol, as_of, sid)
                                  : look_up_strictly(reader, symbol, as_of, sid);
}

bp_status bp_reader_lookup_symbols(const bp_reader *reader, const char *const *symbols, size_t num,
                                   int64_t as_of, bp_lookup how, int64_t *sids)
{
    int64_t sid;
    for (size_t i = 0; i < num; i++) BP_TRY(bp_reader_lookup_symbol(reader, symbols[i], as_of, how, &sid));
    for (size_t i = 0; i < num; i++)
        BP_TRY(bp_reader_lookup_symbol(reader, symbols[i], as_of, how, &sids[i]));
    return BP_OK;
}

/* Histories of symbols -------------------------------------------------------------------------- */

static bp_ownership ownership(const bp_reader *r, const bp__owner *o)
{
    return (bp_ownership){o->sid, bp_bundle_text(r->bundle, o->symbol), o->start, o->end};
}

static size_t put_owners(const bp_reader *r, bp__spelling spelling, bp_ownership *out, size_t room, size_t n)
{
    for (uint32_t i = 0; i < spelling.count; i++, n++)
        if (n < room) out[n] = ownership(r, &r->symbols.owner[spelling.begin + i]);
    return n;
}

/* Several spellings are merged by insertion: each is in order, and there are two or three of them. */
static void sort_by_start(bp_ownership *out, size_t n)
{
    for (size_t i = 1; i < n; i++)
        for (size_t j = i; j > 0 && out[j].start_date < out[j - 1].start_date; j--) {
            const bp_ownership moved = out[j];
            out[j] = out[j - 1];
            out[j - 1] = moved;
        }
}

bp_status bp_reader_owners(const bp_reader *reader, const char *symbol, bp_lookup how, bp_ownership *out,
                           size_t room, size_t *count)
{
    bp__spelling spelling;
    size_t n = 0, at = 0;
    BP_TRY(check_way(reader, how));
    if (how == BP_LOOKUP_STRICT) {
        if (bp__symbols_strict(&reader->symbols, symbol, &spelling))
            n = put_owners(reader, spelling, out, room, 0);
    } else {
        while (bp__symbols_fuzzy(&reader->symbols, symbol, &at, &spelling))
            n = put_owners(reader, spelling, out, room, n);
    }
    if (n == 0) return unknown(reader, symbol, BP_TIME_MISSING);
    if (how == BP_LOOKUP_FUZZY) sort_by_start(out, n < room ? n : room);
    *count = n;
    return BP_OK;
}

/* Periods of an asset: begin … end-1 of of_sid. */
static bp_status periods_of(const bp_reader *r, int64_t sid, size_t *begin, size_t *end)
{
    size_t row;
    BP_TRY(find_asset(r, sid, &row));
    *begin = bp__sorted_below(&r->symbols.by_sid, sid);
    *end = bp__sorted_upto(&r->symbols.by_sid, sid);
    return BP_OK;
}

bp_status bp_reader_symbol_of(const bp_reader *reader, int64_t sid, int64_t as_of, const char **symbol)
{
    const bp__symbols *s = &reader->symbols;
    const int64_t day = as_of == BP_TIME_MISSING ? INT64_MAX : as_of;
    size_t low = 0, high = 0;
    BP_TRY(periods_of(reader, sid, &low, &high));
    const size_t begin = low;
    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        if (s->owner[s->of_sid[mid]].start <= day)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == begin) {
        char on[40];
        BP_FAIL(BP_ENOSYMBOL, "%s: sid %" PRId64 " has no symbol%s", bp__reader_name(reader), sid,
                on_text(as_of, on));
    }
    *symbol = bp_bundle_text(reader->bundle, s->owner[s->of_sid[low - 1]].symbol);
    return BP_OK;
}

bp_status bp_reader_symbols_of(const bp_reader *reader, int64_t sid, bp_ownership *out, size_t room,
                               size_t *count)
{
    size_t begin = 0, end = 0;
    BP_TRY(periods_of(reader, sid, &begin, &end));
    for (size_t i = begin; i < end && i - begin < room; i++)
        out[i - begin] = ownership(reader, &reader->symbols.owner[reader->symbols.of_sid[i]]);
    *count = end - begin;
    return BP_OK;
}
