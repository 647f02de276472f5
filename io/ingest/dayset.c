#include "io/ingest/dayset.h"

#include <stdlib.h>
#include <string.h>

#include <bundlepool/bundle.h>

void bp__dayset_fini(bp__dayset *set)
{
    free(set->bits);
    *set = (bp__dayset){0};
}

static int64_t number_of(int64_t day)
{
    return day / BP_NS_PER_DAY - (day % BP_NS_PER_DAY < 0);
}

/* Make room for the words from..to. */
static bp_status reserve(bp__dayset *set, int64_t from, int64_t to)
{
    if (set->words > 0) {
        if (set->first < from) from = set->first;
        if (set->first + 64 * (int64_t)set->words > to) to = set->first + 64 * (int64_t)set->words;
    }
    const size_t words = (size_t)(to - from) / 64;
    if (words == set->words) return BP_OK;
    uint64_t *bits = calloc(words, sizeof *bits);
    if (!bits) BP_FAIL(BP_ENOMEM, "no memory for %zu days", words * 64);
    if (set->words > 0) memcpy(bits + (set->first - from) / 64, set->bits, set->words * sizeof *bits);
    free(set->bits);
    set->bits = bits;
    set->first = from;
    set->words = words;
    return BP_OK;
}

bp_status bp__dayset_add(bp__dayset *set, int64_t day)
{
    const int64_t n = number_of(day);
    if (set->words == 0 || n < set->first || n >= set->first + 64 * (int64_t)set->words) {
        const int64_t word = n - (n % 64 + 64) % 64;
        /* some years ahead: most sets grow forward; but many, of a table with a row per asset, do not grow */
        BP_TRY(reserve(set, word, word + 64 * (set->words > 0 ? 16 : 1)));
    }
    const uint64_t bit = (uint64_t)(n - set->first);
    set->bits[bit / 64] |= UINT64_C(1) << bit % 64;
    return BP_OK;
}

bp_status bp__dayset_merge(bp__dayset *into, const bp__dayset *from)
{
    if (from->words == 0) return BP_OK;
    BP_TRY(reserve(into, from->first, from->first + 64 * (int64_t)from->words));
    uint64_t *to = into->bits + (from->first - into->first) / 64;
    for (size_t i = 0; i < from->words; i++) to[i] |= from->bits[i];
    return BP_OK;
}

bool bp__dayset_has(const bp__dayset *set, int64_t day)
{
    const int64_t n = number_of(day) - set->first;
    return n >= 0 && n < 64 * (int64_t)set->words && (set->bits[n / 64] >> n % 64 & 1);
}

bool bp__dayset_next(const bp__dayset *set, int64_t *day)
{
    int64_t n = *day <= set->first * BP_NS_PER_DAY ? 0 : number_of(*day) - set->first;
    for (; n < 64 * (int64_t)set->words; n++)
        if (set->bits[n / 64] >> n % 64 & 1) {
            *day = (set->first + n) * BP_NS_PER_DAY;
            return true;
        }
    return false;
}

static int64_t last_of(const bp__dayset *set)
{
    for (size_t w = set->words; w-- > 0;)
        if (set->bits[w])
            return (set->first + 64 * (int64_t)w + 63 - __builtin_clzll(set->bits[w])) * BP_NS_PER_DAY;
    return BP_TIME_MISSING;
}

void bp__dayset_span(const bp__dayset *set, int64_t *first, int64_t *last)
{
    int64_t from = INT64_MIN;
    if (!bp__dayset_next(set, &from)) return;
    const int64_t to = last_of(set);
    if (*first == BP_TIME_MISSING || from < *first) *first = from;
    if (*last == BP_TIME_MISSING || to > *last) *last = to;
}
