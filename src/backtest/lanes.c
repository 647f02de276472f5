#include "backtest/lanes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backtest/lanes_state.h"
#include "backtest/lines.h"
#include "core/status.h"

#define NARROW 8 /* lanes that are no more than a vector: others would go along for nothing */

static size_t block_numbers(const bp__lanes *k)
{
    return 2 * (BP__LANES_BLOCK + 1) * k->stride;
}

bp_status bp__lanes_create(const bp__scope *scope, bp__derived *derived, bp__lanes **lanes)
{
    bp__lanes *k = calloc(1, sizeof *k);
    *lanes = k;
    if (!k) return BP_ENOMEM;
    k->scope = scope;
    k->derived = derived;
    k->words = scope->num_assets / 64 + 1;
    k->num_blocks = (scope->num_sessions + BP__LANES_BLOCK - 1) / BP__LANES_BLOCK;
    const size_t assets = k->words * 64;
    /* a line more: rows whose lengths are a power of two would share few sets of the cache */
    k->stride = (scope->num_assets + 7) / 8 * 8 + 8;
    if (k->stride > assets) k->stride = assets;
    double **const numbers[] = {&k->shares, &k->target, &k->waiting};
    for (size_t i = 0; i < 3; i++)
        if (!(*numbers[i] = bp__lines(assets * BP__MAX_LANES, sizeof(double)))) goto fail;
    k->cash = bp__lines(3 * BP__MAX_LANES, sizeof *k->cash);
    k->equity = bp__lines(scope->num_sessions * BP__MAX_LANES, sizeof *k->equity);
    k->in_set = bp__lines(k->words * BP__MAX_LANES, sizeof *k->in_set);
    k->want = bp__lines(assets, sizeof *k->want);
    k->wanted = bp__lines(4 * k->words, sizeof *k->wanted);
    k->list = bp__lines(assets, sizeof *k->list);
    k->prices = bp__lines(block_numbers(k), sizeof *k->prices);
    k->block = calloc(k->num_blocks, sizeof *k->block);
    k->sale = bp__lines(4 * k->stride, sizeof *k->sale);
    if (!k->cash || !k->equity || !k->in_set || !k->want || !k->wanted || !k->list || !k->prices ||
        !k->block || !k->sale)
        goto fail;
    k->each = k->cash + BP__MAX_LANES;
    k->fills = k->each + BP__MAX_LANES;
    k->held = k->wanted + k->words;
    k->waits = k->held + k->words;
    k->missing = k->waits + k->words;
    k->buy = k->sale + k->stride;
    k->least = k->buy + k->stride;
    k->most = k->least + k->stride;
    return BP_OK;
fail:
    bp__lanes_destroy(lanes);
    return BP_ENOMEM;
}

void bp__lanes_destroy(bp__lanes **lanes)
{
    bp__lanes *k = *lanes;
    *lanes = NULL;
    if (!k) return;
    free(k->shares);
    free(k->target);
    free(k->waiting);
    free(k->worth);
    free(k->basis);
    free(k->traded);
    free(k->cash);
    free(k->equity);
    free(k->in_set);
    free(k->want);
    free(k->wanted);
    free(k->list);
    free(k->kept);
    free(k->block);
    free(k->prices);
    free(k->sale);
    free(k);
}

/* From the second run on, as many blocks as there is room for. */
static void keep_blocks(bp__lanes *k)
{
    size_t count = 0;
    if (++k->runs != 2) return;
    while (count < k->num_blocks && bp__derived_reserve(k->derived, block_numbers(k) * sizeof *k->kept))
        count++;
    k->kept = count > 0 ? bp__lines(count * block_numbers(k), sizeof *k->kept) : NULL;
    for (size_t i = 0; k->kept && i < count; i++) k->block[i].kept = k->kept + i * block_numbers(k);
}

static void begin(bp__lanes *k, size_t count, const bp__account *account)
{
    const size_t assets = k->words * 64;
    memset(k->shares, 0, assets * BP__MAX_LANES * sizeof *k->shares);
    memset(k->target, 0, assets * BP__MAX_LANES * sizeof *k->target);
    memset(k->cash, 0, 3 * BP__MAX_LANES * sizeof *k->cash);
    memset(k->in_set, 0, k->words * BP__MAX_LANES * sizeof *k->in_set);
    memset(k->want, 0, assets * sizeof *k->want);
    memset(k->wanted, 0, 4 * k->words * sizeof *k->wanted);
    memset(k->next_row, 0, sizeof k->next_row);
    if (k->worth_of_fills) {
        memset(k->basis, 0, assets * BP__MAX_LANES * sizeof *k->basis);
        memset(k->traded, 0, 6 * BP__MAX_LANES * sizeof *k->traded);
    }
    if (k->weights) memset(k->worth, 0, assets * BP__MAX_LANES * sizeof *k->worth);
    keep_blocks(k);
    k->count = count;
    k->cash_before = account->cash;
    for (size_t l = 0; l < count; l++) k->cash[l] = account->cash;
    k->buy_factor = 1 + account->slippage_bps / 10000;
    k->sale_factor = 1 - account->slippage_bps / 10000;
    k->rate = account->commission_bps / 10000;
    k->deciding = 0;
    k->next_split = k->next_dividend = k->next_delisting = 0;
}

static void run(bp__lanes *k, bp__isa isa, size_t count, const bp__account *account)
{
    static void (*const runs[BP__NUM_ISAS])(bp__lanes *) = {
        bp__lanes_run_portable,
#if defined(__x86_64__)
        bp__lanes_run_avx2,
        bp__lanes_run_avx512,
#endif
    };
    begin(k, count, account);
#if defined(__x86_64__)
    if (isa == BP__ISA_AVX512 && count <= NARROW) return bp__lanes_run_avx512_narrow(k);
#endif
    runs[isa](k);
}

/* Before a run. */
static bp_status make_room(bp__lanes *k, bool fills)
{
    const size_t all = k->words * 64 * BP__MAX_LANES;
    k->worth_of_fills = fills;
    if (k->weights && !k->worth && !(k->worth = bp__lines(all, sizeof *k->worth))) return BP_ENOMEM;
    if (!fills || k->basis) return BP_OK;
    k->basis = bp__lines(all, sizeof *k->basis);
    k->traded = bp__lines(6 * BP__MAX_LANES, sizeof *k->traded);
    if (!k->basis || !k->traded) {
        free(k->basis);
        free(k->traded);
        k->basis = k->traded = NULL;
        return BP_ENOMEM;
    }
    k->costs = k->traded + BP__MAX_LANES;
    k->closings = k->costs + BP__MAX_LANES;
    k->gains = k->closings + BP__MAX_LANES;
    k->losses = k->gains + BP__MAX_LANES;
    k->sessions_held = k->losses + BP__MAX_LANES;
    return BP_OK;
}

bp_status bp__lanes_run(bp__lanes *lanes, bp__isa isa, const bp__lane_signals *signals, size_t count,
                        const bp__account *account, bool fills)
{
    lanes->signals = signals;
    lanes->weights = NULL;
    BP_TRY(make_room(lanes, fills));
    run(lanes, isa, count, account);
    return BP_OK;
}

bp_status bp__lanes_run_weights(bp__lanes *lanes, bp__isa isa, const bp__weights *const *weights,
                                size_t count, const bp__account *account, bool fills)
{
    lanes->signals = NULL;
    lanes->weights = weights;
    BP_TRY(make_room(lanes, fills));
    run(lanes, isa, count, account);
    return BP_OK;
}

void bp__lanes_result(const bp__lanes *k, size_t lane, double *equity, bp__record *record)
{
    for (size_t t = 0; t < k->scope->num_sessions; t++) equity[t] = k->equity[t * BP__MAX_LANES + lane];
    *record = (bp__record){.cash = k->cash_before,
                           .trades = (int64_t)k->fills[lane],
                           .traded = NAN,
                           .costs = NAN,
                           .gains = NAN,
                           .losses = NAN};
    if (!k->worth_of_fills) return;
    record->traded = k->traded[lane];
    record->costs = k->costs[lane];
    record->closings = (int64_t)k->closings[lane];
    record->gains = k->gains[lane];
    record->losses = k->losses[lane];
    record->held = (size_t)k->sessions_held[lane];
}
