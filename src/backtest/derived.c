#include "backtest/derived.h"

#include <float.h>
#include <stdlib.h>

#include "backtest/exact.h"
#include "backtest/lines.h"
#include "core/status.h"

#define NONE SIZE_MAX /* no asset */

bp_status bp__derived_init(const bp__scope *scope, bp__derived *d)
{
    const size_t n = scope->history;
    *d = (bp__derived){.scope = scope, .in_closes = NONE, .in_sums = NONE};
    d->asset = calloc(scope->num_assets + 1, sizeof *d->asset);
    d->closes = calloc(n + 1, sizeof *d->closes);
    d->prefix = calloc(n + 2 * (n + 1) + BP__SUMS_BEHIND, sizeof *d->prefix);
    return d->asset && d->closes && d->prefix ? BP_OK : BP_ENOMEM;
}

void bp__derived_fini(bp__derived *d)
{
    for (size_t i = 0; d->asset && i < d->scope->num_assets; i++)
        if (!d->asset[i].lent) free((void *)(uintptr_t)d->asset[i].closes);
    free(d->asset);
    free(d->closes);
    free(d->prefix);
    free(d->kept_sums);
    bp__scratch_fini(&d->lent);
}

bool bp__derived_reserve(bp__derived *d, size_t bytes)
{
    if (bytes > d->stats.bound || d->stats.bytes > d->stats.bound - bytes) return false;
    d->stats.bytes += bytes;
    return true;
}

/* Closes ------------------------------------------------------------------------------------------- */

const double *bp__derived_closes(bp__derived *d, size_t asset)
{
    const bp__derived_asset *known = &d->asset[asset];
    const bp__asset *a = &d->scope->asset[asset];
    if (a->adj || known->closes) return a->adj ? a->adj : known->closes;
    if (d->in_closes != asset) bp__scope_closes(d->scope, asset, d->closes);
    d->in_closes = asset;
    return d->closes;
}

const double *bp__derived_lend_closes(bp__derived *d, size_t asset)
{
    bp__derived_asset *known = &d->asset[asset];
    const bp__asset *a = &d->scope->asset[asset];
    const size_t bytes = (size_t)a->count * sizeof *known->closes;
    if (a->adj || known->closes || bytes == 0) return a->adj ? a->adj : known->closes;
    known->lent = !bp__derived_reserve(d, bytes);
    double *closes = known->lent ? bp__scratch_take(&d->lent, bytes) : malloc(bytes);
    if (closes) known->closes = bp__scope_closes(d->scope, asset, closes);
    return known->closes;
}

void bp__derived_take_back(bp__derived *d)
{
    if (d->lent.used == 0) return;
    for (size_t i = 0; i < d->scope->num_assets; i++)
        if (d->asset[i].lent) d->asset[i].closes = NULL;
    bp__scratch_clear(&d->lent);
}

/* Sums --------------------------------------------------------------------------------------------- */

/* Room for the sums of all assets, or of as many as half of what may be kept has room for. */
static void make_room_for_sums(bp__derived *d)
{
    size_t numbers = 0;
    for (size_t i = 0; i < d->scope->num_assets; i++) numbers += 2 * ((size_t)d->scope->asset[i].count + 1);
    const size_t most = d->stats.bound / 2 / sizeof *d->kept_sums;
    if (numbers > most) numbers = most;
    d->sums_refused =
        !bp__derived_reserve(d, numbers * sizeof *d->kept_sums) ||
        !(d->kept_sums = bp__lines(d->scope->history + numbers + BP__SUMS_BEHIND, sizeof *d->kept_sums));
    d->kept_used = d->scope->history;
    d->kept_end = d->scope->history + numbers;
}

/* @return where the sums of an asset are to be kept; NULL: nowhere */
static double *place_to_keep(bp__derived *d, size_t count)
{
    const size_t numbers = 2 * (count + 1);
    if (!d->kept_sums && !d->sums_refused) make_room_for_sums(d);
    if (!d->kept_sums || numbers > d->kept_end - d->kept_used) return NULL;
    double *place = d->kept_sums + d->kept_used;
    d->kept_used += numbers;
    return place;
}

const bp__sums *bp__derived_sums(bp__derived *d, size_t asset)
{
    bp__derived_asset *known = &d->asset[asset];
    const size_t n = (size_t)d->scope->asset[asset].count;
    if (d->in_sums == asset) return &d->sums;
    d->stats.hits += known->sums.hi != NULL;
    if (known->sums.hi) return &known->sums;
    d->stats.misses++;
    double *place = known->asked ? place_to_keep(d, n) : NULL, *hi = place ? place : d->prefix + n,
           *lo = hi + n + 1, least = DBL_MAX;
    const double *closes = bp__derived_closes(d, asset);
    bp__prefix_sums(closes, n, hi, lo);
    for (size_t i = 0; i < n; i++) least = closes[i] < least ? closes[i] : least;
    const bp__sums sums = {hi, lo, least};
    known->asked = true;
    if (place) {
        known->sums = sums;
        return &known->sums;
    }
    d->sums = sums;
    d->in_sums = asset;
    return &d->sums;
}
