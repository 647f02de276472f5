/** @file src/backtest/backtest.h
 * Backtests over a bundle: strategies, fills, costs, metrics. docs/backtest.md is the rule book.
 *
 * Steps
 *  1. bp__scope_create() once per bundle version: which assets and sessions, and everything that does not
 *     depend on a strategy's parameters (observations, adjusted closes, marks, dated adjustments).
 *  2. bp__strategy_find(), bp__strategy_check() for a combination of parameters.
 *  3. bp__backtest_run() any number of times. Equal inputs give equal results, to the last bit, on any
 *     rank and any thread.
 *
 * Knows neither MPI nor HDF5, only the bundle's read interface. Not collective. A scope is read-only
 * after creation and may be used from several threads; it borrows the bundle, which must stay pinned.
 */
#ifndef BP_BACKTEST_BACKTEST_H
#define BP_BACKTEST_BACKTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bundlepool/bundle.h>

#include "backtest/metrics.h"

#define BP__MAX_PARAMS 8

typedef struct bp__param {
    const char *name;
    const char *help;
    double fallback; /**< used where the grid does not name the parameter */
    double min, max; /**< inclusive */
    bool integer;
} bp__param;

typedef struct bp__strategy bp__strategy;

/** The i-th strategy, NULL past the last. */
const bp__strategy *bp__strategy_at(unsigned i);

/** Find a strategy by its name. @retval BP_ENOTFOUND  the text lists the names that there are */
bp_status bp__strategy_find(const char *name, const bp__strategy **strategy);

const char *bp__strategy_name(const bp__strategy *s);
const char *bp__strategy_help(const bp__strategy *s);
const bp__param *bp__strategy_params(const bp__strategy *s, unsigned *count);

/** Whether a combination makes sense.
 *  @return NULL if it does; else why not (static text): the combination is to be skipped */
const char *bp__strategy_check(const bp__strategy *s, const double *params);

typedef struct bp__scope bp__scope;

/** Which part of a bundle is tested.
 *
 * Reads the closes of the selected assets once. Copies only those of assets with gaps or splits: at most
 * 2.5 float64 per bar up to `end`.
 *
 * @param[in]  bundle      borrowed; must stay pinned as long as the scope lives
 * @param[in]  symbols     NULL-terminated list, or NULL for all assets; copied
 * @param[in]  start, end  first and last day, inclusive, ns since the epoch; BP_TIME_MISSING: the first
 *                         or last session there is
 * @param[out] scope       owned: bp__scope_destroy()
 *
 * @retval BP_ENOTFOUND  a symbol is not in the bundle; the text names it
 * @retval BP_EINVAL     the list of symbols is empty
 * @retval BP_ERANGE     no session in the range, or fewer than two; the text gives the bundle's range
 * @retval BP_EFORMAT    the columns of an adjustment table differ in length
 * @retval BP_ENOMEM
 */
bp_status bp__scope_create(const bp_bundle *bundle, const char *const *symbols, int64_t start, int64_t end,
                           bp__scope **scope);
void bp__scope_destroy(bp__scope **scope);

size_t bp__scope_num_assets(const bp__scope *scope);
size_t bp__scope_num_sessions(const bp__scope *scope);
int64_t bp__scope_first_session(const bp__scope *scope);
int64_t bp__scope_last_session(const bp__scope *scope);

typedef struct bp__account {
    double cash;           /**< before the first session */
    double commission_bps; /**< of the traded value, per fill */
    double slippage_bps;   /**< buys pay more, sales get less */
} bp__account;

/** Memory that all runs of a thread over one scope reuse. About one bit per asset and session.
 *  @param[out] ws  owned: bp__workspace_destroy(), before the scope goes
 *  @retval BP_ENOMEM */
typedef struct bp__workspace bp__workspace;
bp_status bp__workspace_create(const bp__scope *scope, bp__workspace **ws);
void bp__workspace_destroy(bp__workspace **ws);

/** Run one backtest.
 *
 * @param[in]  params   one value per parameter of the strategy: within min and max, whole where the parameter
 *                      is an integer, and passed by bp__strategy_check(); NULL if there are none
 * @param[in]  ws       made for this scope
 * @param[out] metrics  filled on BP_OK
 * @param[out] equity   NULL, or [num_sessions] equity at each close
 *
 * @retval BP_EINVAL    the account: cash is not positive, or a cost is not in [0, 10000) bps
 * @retval BP_ERANGE    the account ran into something that has no number (overflow, a non-positive
 *                      equity); the text says where; other runs are not affected
 */
bp_status bp__backtest_run(const bp__scope *scope, const bp__strategy *strategy, const double *params,
                           const bp__account *account, bp__workspace *ws, bp__metrics *metrics,
                           double *equity);

#endif
