/* Who has which symbol.
 *
 * DESIGN. Sorted by symbol and start, a period overlaps with an earlier one of another sid if it begins before the
 * latest end among those; so the latest end is kept, and the latest of any other sid than that. The same walk over the
 * fuzzy spelling finds symbols that differ for a program and not for a person. */
#include "reader/audit_owners.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <bundlepool/bundle.h>

#include "core/day.h"
#include "reader/symbols.h"

static int64_t end_of(const bp__audit_owner *o)
{
    return o->end == BP_TIME_MISSING ? INT64_MAX : o->end;
}

static int by_time(const bp__audit_owner *x, const bp__audit_owner *y)
{
    if (x->start != y->start) return x->start < y->start ? -1 : 1;
    if (x->sid != y->sid) return x->sid < y->sid ? -1 : 1;
    return end_of(x) < end_of(y) ? -1 : end_of(x) > end_of(y);
}

static int by_symbol(const void *a, const void *b)
{
    const bp__audit_owner *x = a, *y = b;
    const int c = strcmp(x->symbol, y->symbol);
    return c ? c : by_time(x, y);
}

static int by_spelling(const void *a, const void *b)
{
    const bp__audit_owner *x = a, *y = b;
    const int c = bp__symbols_compare(x->symbol, y->symbol, true);
    return c ? c : by_symbol(a, b);
}

/* What is wrong with a period by itself. @return whether it is of use */
static bool check_period(bp__findings *findings, const bp__audit_owner *o)
{
    char text[32];
    if (!o->known)
        bp__findings_add(findings, BP__FOUND_MAPPING_SID, o->sid, o->symbol, o->start, 1, 2,
                         "the symbol is given to sid %" PRId64 ", which is no asset of the bundle", o->sid);
    if (o->start == BP_TIME_MISSING || o->start <= end_of(o)) return o->known;
    const int64_t days =
        o->start / BP_NS_PER_DAY - o->end / BP_NS_PER_DAY; /* their difference may not fit in ns */
    bp__findings_add(findings, BP__FOUND_MAPPING_BACKWARDS, o->sid, o->symbol, o->start, (double)days, 3,
                     "the asset has the symbol until %s, which is before it has it",
                     bp__day_text(o->end, text));
    return false;
}

/* The n periods of one symbol. */
static void check_shared(bp__findings *findings, const bp__audit_owner *o, size_t n)
{
    const bp__audit_owner *latest = o, *other = NULL; /* of the latest end, and that of another sid */
    for (size_t i = 1; i < n; i++) {
        const bp__audit_owner *rival = latest->sid != o[i].sid ? latest : other;
        if (rival && o[i].start <= end_of(rival))
            bp__findings_add(findings, BP__FOUND_SYMBOL_SHARED, o[i].sid, o[i].symbol, o[i].start, 2, 3,
                             "sid %" PRId64
                             " has this symbol at the same time: no look-up can tell which is meant",
                             rival->sid);
        if (end_of(&o[i]) > end_of(latest)) {
            if (latest->sid != o[i].sid) other = latest;
            latest = &o[i];
        } else if (o[i].sid != latest->sid && (!other || end_of(&o[i]) > end_of(other))) {
            other = &o[i];
        }
    }
}

/* The n periods of symbols that are spelled alike: each symbol is told once, beside an earlier one of somebody else. */
static void check_alike(bp__findings *findings, const bp__audit_owner *o, size_t n)
{
    const bp__audit_owner *first = NULL, *other = NULL; /* of the symbols before, two of different sids */
    for (size_t from = 0, to; from < n; from = to) {
        bool told = false;
        for (to = from; to < n && strcmp(o[to].symbol, o[from].symbol) == 0; to++) {
            const bp__audit_owner *rival = first && first->sid != o[to].sid ? first : other;
            if (told || !rival) continue;
            bp__findings_add(
                findings, BP__FOUND_SYMBOL_ALIKE, o[to].sid, o[to].symbol, BP_TIME_MISSING, 2, 1,
                "a look-up that does not mind case and share class, as zipline's fuzzy one, takes it for "
                "%s (sid %" PRId64 ")",
                rival->symbol, rival->sid);
            told = true;
        }
        for (size_t i = from; i < to; i++) {
            if (!first) first = &o[i];
            if (!other && o[i].sid != first->sid) other = &o[i];
        }
    }
}

static bool same(const bp__audit_owner *x, const bp__audit_owner *y, bool fuzzy)
{
    return fuzzy ? bp__symbols_compare(x->symbol, y->symbol, true) == 0 : strcmp(x->symbol, y->symbol) == 0;
}

static void check_groups(bp__findings *findings, bp__audit_owner *o, size_t n, bool fuzzy)
{
    if (n > 1) qsort(o, n, sizeof *o, fuzzy ? by_spelling : by_symbol);
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && same(&o[from], &o[to], fuzzy);) to++;
        (fuzzy ? check_alike : check_shared)(findings, &o[from], to - from);
    }
}

void bp__audit_owners(bp__findings *findings, bp__audit_owner *owner, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (check_period(findings, &owner[i]) && *owner[i].symbol) owner[kept++] = owner[i];
    check_groups(findings, owner, kept, false);
    check_groups(findings, owner, kept, true);
}
