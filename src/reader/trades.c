#include "reader/trades.h"

#include <pthread.h>
#include <stdlib.h>

#include "core/atomic.h"

#define NO_WORD UINT32_MAX

typedef struct trade_bits {
    uint64_t *bits;   /* [words] */
    uint32_t *before; /* [words] the last word before this one that is not 0, or NO_WORD */
} trade_bits;

struct bp__trades {
    /* Stored with release under the lock once it is complete; pairs with the load-acquire of everyone who
     * asks. Never changes again. */
    trade_bits *_Atomic built;
    pthread_mutex_t lock; /* held by the one who builds */
};

static void destroy_index(trade_bits *trades)
{
    if (!trades) return;
    free(trades->bits);
    free(trades->before);
    free(trades);
}

static uint64_t bits_of(const double *volume, size_t n)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < n; i++) bits |= (uint64_t)(volume[i] > 0) << i;
    return bits;
}

static bp_status build(const char *name, const double *volume, size_t n, trade_bits **built)
{
    const size_t words = n / 64 + 1;
    if (words >= NO_WORD) BP_FAIL(BP_ERANGE, "%s: %zu volumes are too many for a reader", name, n);
    trade_bits *trades = calloc(1, sizeof *trades);
    if (trades) {
        trades->bits = malloc(words * sizeof *trades->bits);
        trades->before = malloc(words * sizeof *trades->before);
    }
    if (!trades || !trades->bits || !trades->before) {
        destroy_index(trades);
        BP_FAIL(BP_ENOMEM, "%s: no memory for an index of %zu volumes", name, n);
    }
    uint32_t last = NO_WORD;
    for (size_t w = 0; w < words; w++) {
        const size_t at = 64 * w;
        trades->bits[w] = bits_of(volume + at, n - at < 64 ? n - at : 64);
        trades->before[w] = last;
        if (trades->bits[w]) last = (uint32_t)w;
    }
    *built = trades;
    return BP_OK;
}

bp_status bp__trades_create(bp__trades **trades)
{
    bp__trades *t = calloc(1, sizeof *t);
    *trades = NULL;
    if (!t) BP_FAIL(BP_ENOMEM, "no memory for a reader");
    int rc = pthread_mutex_init(&t->lock, NULL);
    if (rc) {
        free(t);
        BP_FAIL_ERRNO(BP_ESYS, rc, "no mutex for a reader");
    }
    *trades = t;
    return BP_OK;
}

void bp__trades_destroy(bp__trades **trades)
{
    bp__trades *t = *trades;
    *trades = NULL;
    if (!t) return;
    destroy_index(bp__load_relaxed(&t->built));
    pthread_mutex_destroy(&t->lock);
    free(t);
}

static bp_status built(bp__trades *trades, const char *name, const double *volume, size_t n,
                       const trade_bits **there)
{
    trade_bits *found = bp__load_acquire(&trades->built);
    bp_status s = BP_OK;
    if (!found) {
        pthread_mutex_lock(&trades->lock);
        found = bp__load_relaxed(&trades->built); /* stored under this lock */
        if (!found) s = build(name, volume, n, &found);
        if (s == BP_OK) bp__store_release(&trades->built, found);
        pthread_mutex_unlock(&trades->lock);
    }
    *there = found;
    return s;
}

bp_status bp__trades_last(bp__trades *trades, const char *name, const double *volume, size_t n, size_t low,
                          size_t end, size_t *found)
{
    const trade_bits *there = NULL;
    BP_TRY(built(trades, name, volume, n, &there));
    *found = SIZE_MAX;
    if (end <= low) return BP_OK;
    const size_t last = end - 1;
    size_t w = last / 64;
    uint64_t bits = there->bits[w] & (UINT64_MAX >> (63 - last % 64));
    if (!bits) {
        w = there->before[w];
        if (w == NO_WORD) return BP_OK;
        bits = there->bits[w];
    }
    const size_t at = 64 * w + 63 - (size_t)__builtin_clzll(bits);
    if (at >= low) *found = at;
    return BP_OK;
}
