#include "reader/symbols.h"

#include <stdlib.h>
#include <string.h>

/* Spellings ------------------------------------------------------------------------------------- */

enum { PART = 256 }; /* between company and share class: no byte of a text */

typedef struct letters {
    const unsigned char *at;
    bool fuzzy, parted;
} letters;

static letters letters_of(const char *symbol, bool fuzzy)
{
    return (letters){.at = (const unsigned char *)symbol, .fuzzy = fuzzy};
}

static bool parts(int c)
{
    return c == '.' || c == '/' || c == '-' || c == '_';
}

/* The next letter of a spelling; 0: it ends. A share class of no letters is none. */
static int next_letter(letters *l)
{
    int c = *l->at;
    if (c == 0) return 0;
    l->at++;
    if (!l->parted && parts(c)) {
        l->parted = true;
        c = *l->at;
        if (c == 0) return 0;
        if (!l->fuzzy) return PART;
        l->at++;
    }
    return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c;
}

static bool is_empty(const char *symbol)
{
    letters l = letters_of(symbol, true);
    return next_letter(&l) == 0;
}

int bp__symbols_compare(const char *a, const char *b, bool fuzzy)
{
    letters x = letters_of(a, fuzzy), y = letters_of(b, fuzzy);
    for (;;) {
        const int c = next_letter(&x), d = next_letter(&y);
        if (c != d) return c < d ? -1 : 1;
        if (c == 0) return 0;
    }
}

/* FNV-1a, and a last round that spreads it over the high bits, from which buckets are taken. */
static int64_t hash_of(const char *symbol, bool fuzzy)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    letters l = letters_of(symbol, fuzzy);
    for (int c = next_letter(&l); c != 0; c = next_letter(&l))
        h = (h ^ (uint64_t)c) * UINT64_C(0x100000001b3);
    h = (h ^ h >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    return (int64_t)(h ^ h >> 32);
}

/* Building -------------------------------------------------------------------------------------- */

typedef struct period {
    int64_t hash;
    bp__owner owner;
} period;

static int order_of(int64_t x, int64_t y)
{
    return x < y ? -1 : x > y;
}

static int same_group(const bp_bundle *bundle, const period *a, const period *b)
{
    if (a->hash != b->hash) return order_of(a->hash, b->hash);
    if (a->owner.symbol == b->owner.symbol) return 0;
    return bp__symbols_compare(bp_bundle_text(bundle, a->owner.symbol),
                               bp_bundle_text(bundle, b->owner.symbol), false);
}

static int compare_periods(const void *x, const void *y, void *context)
{
    const period *a = x, *b = y;
    const bp_bundle *bundle = context;
    int order = same_group(bundle, a, b);
    if (order == 0) order = order_of(a->owner.start, b->owner.start);
    if (order == 0) order = order_of(a->owner.end, b->owner.end);
    return order ? order : order_of(a->owner.sid, b->owner.sid);
}

static bool is_open(int64_t end)
{
    return end == BP_TIME_MISSING || end == INT64_MAX;
}

/* Of the periods before one: the latest end, and the latest end of somebody else; the same for periods that
 * begin together and have no end. */
typedef struct rivals {
    const bp__owner *latest, *other;
    const bp__owner *open, *other_open;
} rivals;

static const bp__owner *not_of(int64_t sid, const bp__owner *a, const bp__owner *b)
{
    return a && a->sid != sid ? a : b;
}

static void remember(rivals *r, const bp__owner *o)
{
    if (r->open && r->open->start != o->start) r->open = r->other_open = NULL;
    if (is_open(o->end)) {
        if (!r->open)
            r->open = o;
        else if (o->sid != r->open->sid)
            r->other_open = o;
    } else if (!r->latest || o->end > r->latest->end) {
        if (r->latest && r->latest->sid != o->sid) r->other = r->latest;
        r->latest = o;
    } else if (o->sid != r->latest->sid && (!r->other || o->end > r->other->end)) {
        r->other = o;
    }
}

/* Until when somebody whose period began no later has the symbol as well. An end that is not known is where
 * the next period begins, unless they begin together. */
static void find_contests(bp__owner *owner, bp__spelling *group)
{
    rivals r = {NULL, NULL, NULL, NULL};
    /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): groups are filled, as many as there are */
    for (bp__owner *o = owner + group->begin; o < owner + group->begin + group->count; o++) {
        if (o->sid != owner[group->begin].sid) group->several = true;
        const bp__owner *rival = not_of(o->sid, r.latest, r.other);
        const bp__owner *open = not_of(o->sid, r.open, r.other_open);
        o->contested = rival && rival->end >= o->start ? rival->end : BP_TIME_MISSING;
        if (open && open->start == o->start) o->contested = INT64_MAX;
        remember(&r, o);
    }
}

static void put_groups(bp__symbols *s, const period *sorted)
{
    for (size_t i = 0; i < s->num; i++) {
        if (i == 0 || same_group(s->bundle, &sorted[i - 1], &sorted[i]) != 0) {
            s->hash[s->num_groups] = sorted[i].hash;
            s->group[s->num_groups++] = (bp__spelling){.begin = (uint32_t)i};
        }
        s->owner[i] = sorted[i].owner;
        s->owner[i].group = (uint32_t)(s->num_groups - 1);
        s->group[s->num_groups - 1].count++;
    }
    for (size_t g = 0; g < s->num_groups; g++) find_contests(s->owner, &s->group[g]);
}

typedef struct keyed {
    int64_t key;
    uint32_t value;
} keyed;

static int compare_keyed(const void *x, const void *y)
{
    const keyed *a = x, *b = y;
    return a->key != b->key ? order_of(a->key, b->key) : order_of(a->value, b->value);
}

static void split_keyed(keyed *sorted, size_t n, int64_t *key, uint32_t *value)
{
    qsort(sorted, n, sizeof *sorted, compare_keyed);
    for (size_t i = 0; i < n; i++) {
        key[i] = sorted[i].key;
        value[i] = sorted[i].value;
    }
}

static int by_time(const void *x, const void *y, void *context)
{
    const bp__owner *owner = context, *a = &owner[*(const uint32_t *)x], *b = &owner[*(const uint32_t *)y];
    if (a->sid != b->sid) return order_of(a->sid, b->sid);
    if (a->start != b->start) return order_of(a->start, b->start);
    return a->end != b->end ? order_of(a->end, b->end) : order_of(a - owner, b - owner);
}

static bp_status put_indexes(bp__symbols *s)
{
    keyed *scratch = malloc((s->num_groups + 1) * sizeof *scratch);
    if (!scratch) return BP_ENOMEM;
    for (size_t g = 0; g < s->num_groups; g++) {
        const char *symbol = bp_bundle_text(s->bundle, s->owner[s->group[g].begin].symbol);
        scratch[g] = (keyed){hash_of(symbol, true), (uint32_t)g};
    }
    split_keyed(scratch, s->num_groups, s->fuzzy_hash, s->fuzzy_group);
    free(scratch);

    for (size_t i = 0; i < s->num; i++) s->of_sid[i] = (uint32_t)i;
    qsort_r(s->of_sid, s->num, sizeof *s->of_sid, by_time, s->owner);
    for (size_t i = 0; i < s->num; i++) s->sid[i] = s->owner[s->of_sid[i]].sid;
    BP_TRY(bp__sorted_init(&s->strict, "symbols", s->hash, s->num_groups, false));
    BP_TRY(bp__sorted_init(&s->fuzzy, "symbols", s->fuzzy_hash, s->num_groups, false));
    return bp__sorted_init(&s->by_sid, "symbols by sid", s->sid, s->num, false);
}

bp_status bp__symbols_init(bp__symbols *symbols, const bp_bundle *bundle, const bp__owner *owner, size_t num)
{
    *symbols = (bp__symbols){.bundle = bundle};
    if (num >= UINT32_MAX) BP_FAIL(BP_ERANGE, "%s: %zu symbols are too many", bp_bundle_name(bundle), num);
    const size_t room = num + 1;
    period *sorted = malloc(room * sizeof *sorted);
    symbols->owner = malloc(room * sizeof *symbols->owner);
    symbols->group = malloc(room * sizeof *symbols->group);
    symbols->hash = malloc(room * sizeof *symbols->hash);
    symbols->fuzzy_hash = malloc(room * sizeof *symbols->fuzzy_hash);
    symbols->fuzzy_group = malloc(room * sizeof *symbols->fuzzy_group);
    symbols->sid = malloc(room * sizeof *symbols->sid);
    symbols->of_sid = malloc(room * sizeof *symbols->of_sid);
    bp_status s = BP_ENOMEM;
    if (sorted && symbols->owner && symbols->group && symbols->hash && symbols->fuzzy_hash &&
        symbols->fuzzy_group && symbols->sid && symbols->of_sid) {
        for (size_t i = 0; i < num; i++) {
            const char *symbol = bp_bundle_text(bundle, owner[i].symbol);
            if (!is_empty(symbol)) sorted[symbols->num++] = (period){hash_of(symbol, false), owner[i]};
        }
        qsort_r(sorted, symbols->num, sizeof *sorted, compare_periods, (void *)(uintptr_t)bundle);
        put_groups(symbols, sorted);
        s = put_indexes(symbols);
    }
    free(sorted);
    return s;
}

void bp__symbols_fini(bp__symbols *symbols)
{
    bp__sorted_fini(&symbols->strict);
    bp__sorted_fini(&symbols->fuzzy);
    bp__sorted_fini(&symbols->by_sid);
    free(symbols->owner);
    free(symbols->group);
    free(symbols->hash);
    free(symbols->fuzzy_hash);
    free(symbols->fuzzy_group);
    free(symbols->sid);
    free(symbols->of_sid);
    *symbols = (bp__symbols){0};
}

/* Looking up ------------------------------------------------------------------------------------ */

static bool spells(const bp__symbols *s, bp__spelling group, const char *symbol, bool fuzzy)
{
    return bp__symbols_compare(bp_bundle_text(s->bundle, s->owner[group.begin].symbol), symbol, fuzzy) == 0;
}

bool bp__symbols_strict(const bp__symbols *symbols, const char *symbol, bp__spelling *spelling)
{
    const int64_t hash = hash_of(symbol, false);
    for (size_t g = bp__sorted_below(&symbols->strict, hash);
         g < symbols->num_groups && symbols->hash[g] == hash; g++) {
        if (!spells(symbols, symbols->group[g], symbol, false)) continue;
        *spelling = symbols->group[g];
        return true;
    }
    return false;
}

bool bp__symbols_fuzzy(const bp__symbols *symbols, const char *symbol, size_t *at, bp__spelling *spelling)
{
    const int64_t hash = hash_of(symbol, true);
    const size_t begin = bp__sorted_below(&symbols->fuzzy, hash);
    while (begin + *at < symbols->num_groups && symbols->fuzzy_hash[begin + *at] == hash) {
        const bp__spelling group = symbols->group[symbols->fuzzy_group[begin + *at]];
        ++*at;
        if (!spells(symbols, group, symbol, true)) continue;
        *spelling = group;
        return true;
    }
    return false;
}

const bp__owner *bp__symbols_on(const bp__symbols *symbols, bp__spelling spelling, int64_t day)
{
    const bp__owner *owner = symbols->owner + spelling.begin;
    size_t low = 0, high = spelling.count;
    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        if (owner[mid].start <= day)
            low = mid + 1;
        else
            high = mid;
    }
    return low ? &owner[low - 1] : NULL;
}
