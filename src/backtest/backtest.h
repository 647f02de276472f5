/** @file src/backtest/backtest.h
 * Backtests over a bundle: strategies, fills, costs. docs/backtest.md is the rule book.
 *
 * Steps
 *  1. bp__scope_create() once per bundle version: which assets and sessions, and what does not depend on a strategy's
 *     parameters (observations, dated adjustments).
 *  2. A strategy: bp__builtin_find(), or one of a plug-in (plugin.h).
 *  3. bp__backtest_run() any number of times; bp__metrics_from() (metrics.h) makes metrics of the record. Equal inputs
 *     give equal results, to the last bit, on any rank and any thread.
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
#include <bundlepool/strategy.h>

#include "backtest/account.h"
#include "backtest/isa.h"
#include "backtest/ledger.h"
#include "backtest/metrics.h"

#define BP__MAX_PARAMS BP_STRATEGY_MAX_PARAMS
#define BP__MAX_BATCH  64 /* combinations that are found in one call */

/* Strategies ------------------------------------------------------------------------------------ */

/** The i-th built-in strategy, NULL past the last. */
const bp_strategy *bp__builtin_at(unsigned i);

/** Find a built-in strategy by its name. @retval BP_ENOTFOUND  the text lists the names that there are */
bp_status bp__builtin_find(const char *name, const bp_strategy **strategy);

/** Whether a combination makes sense.
 *  @return NULL if it does; else why not (static text): the combination is to be skipped */
const char *bp__strategy_check(const bp_strategy *strategy, const double *params);

/* Scope ----------------------------------------------------------------------------------------- */

typedef struct bp__scope bp__scope;

/** Which part of a bundle is tested.
 *
 * Reads the closes of the selected assets once. Copies none: of assets with gaps it keeps an int32 per bar up to `end`. But opens and
 * closes of all are copied, if on some day of the bundle none of them trades.
 *
 * @param[in]  bundle      borrowed; must stay pinned as long as the scope lives
 * @param[in]  symbols     NULL-terminated list, or NULL for all assets; copied
 * @param[in]  start, end  first and last day, inclusive, ns since the epoch; BP_TIME_MISSING: the first
 *                         or last session there is
 * @param[in]  delisted_after  an asset with so many sessions after its last one is delisted there; 0: none is
 * @param[out] scope       owned: bp__scope_destroy()
 *
 * @retval BP_ENOTFOUND  a symbol is not in the bundle; the text names it
 * @retval BP_EINVAL     the list of symbols is empty
 * @retval BP_ERANGE     no session in the range, or fewer than two; the text gives the range there is
 * @retval BP_EFORMAT    the columns of an adjustment table differ in length
 * @retval BP_ENOMEM
 */
bp_status bp__scope_create(const bp_bundle *bundle, const char *const *symbols, int64_t start, int64_t end,
                           uint32_t delisted_after, bp__scope **scope);
void bp__scope_destroy(bp__scope **scope);

size_t bp__scope_num_assets(const bp__scope *scope);
size_t bp__scope_num_sessions(const bp__scope *scope);
int64_t bp__scope_first_session(const bp__scope *scope);
int64_t bp__scope_last_session(const bp__scope *scope);

/** How many sessions are a year: bp__sessions_per_year() of those up to the end of the range, from the first one on. */
double bp__scope_sessions_per_year(const bp__scope *scope);

/** Day of session t of the range. */
int64_t bp__scope_session(const bp__scope *scope, int32_t t);

/** Symbol and sid of an asset. Borrowed from the bundle. */
const char *bp__scope_asset(const bp__scope *scope, size_t asset, int64_t *sid);

/** Assets that are delisted within the range: what is held of them is sold there. */
size_t bp__scope_num_delisted(const bp__scope *scope);

/** The i-th of them, in order of time. @param[out] t  at which session */
size_t bp__scope_delisted(const bp__scope *scope, size_t i, int32_t *t);

/* Runs ------------------------------------------------------------------------------------------ */

/** Memory that all runs of a thread over one scope reuse. About one bit per asset and session. If the thread does not round to
 *  nearest, or takes what is very small for 0, it is made to do as IEEE 754 says.
 *  @param[out] ws  owned: bp__workspace_destroy(), before the scope goes
 *  @retval BP_EINVAL  this build's arithmetic is another one; the text says which
 *  @retval BP_ENOMEM */
typedef struct bp__workspace bp__workspace;
bp_status bp__workspace_create(const bp__scope *scope, bp__workspace **ws);
void bp__workspace_destroy(bp__workspace **ws);

#define BP__CACHE_BYTES ((size_t)64 << 20) /**< what bp__workspace_keep() is given, unless it is called */

/** How much of what combinations have in common is kept from one to the next; results are the same.
 *  @param[in] bytes  beyond what a run needs anyway. Before the first run */
void bp__workspace_keep(bp__workspace *ws, size_t bytes);

/** What is kept: adjusted closes, prefix sums, blocks of prices session by session. */
typedef struct bp__derived_stats {
    uint64_t hits, misses; /**< of prefix sums and blocks: found, or derived */
    size_t bytes, bound;   /**< that are kept; that may be */
} bp__derived_stats;

bp__derived_stats bp__workspace_stats(const bp__workspace *ws);

/** Nothing is prepared any more. @param[in] next  how many combinations will be prepared next; there may be room for fewer */
void bp__backtest_forget(bp__workspace *ws, size_t next);

/** Find what combinations say, beside those that are prepared already: all of them by one call where the strategy can, else the
 *  first one. Their runs take it from there. What fails here is found, and told, by its run.
 *  @param[in]  params  [count] of the strategy's parameters each
 *  @param[out] taken   how many are dealt with, from the first one on; 0: there is no room, or this strategy decides
 *  @retval BP_ESTOPPED  the strategy was interrupted; nothing else fails */
bp_status bp__backtest_prepare(bp__workspace *ws, const bp_strategy *strategy, size_t count,
                               const double *const *params, size_t *taken);

/** Run all that is prepared, side by side, where that can be done. Their runs for this account take their records from there.
 *  @param[in] account  told by its address; unchanged until these runs are made
 *  @param[in] fills    whether the records are to tell what fills were worth; else that is NaN in them, or 0 */
void bp__backtest_run_prepared(bp__workspace *ws, const bp__account *account, bool fills);

/** How many combinations had best be prepared at once: fewer take hardly less time. 1: each takes its own. */
uint32_t bp__backtest_at_once(const bp_strategy *strategy, const bp__account *account);

/** By which instructions runs are made side by side; the fastest that are there, unless this was called. */
void bp__workspace_use(bp__workspace *ws, bp__isa isa);

/** Run one backtest.
 *
 * @param[in]  params   one value per parameter of the strategy: within its range, whole where the parameter
 *                      is an integer or a word, and passed by bp__strategy_check(); NULL if there are none
 * @param[in]  ws       of a scope
 * @param[in]  ledger   gets what the account does, or NULL
 * @param[out] record   filled in on BP_OK; its arrays are the workspace's, until the next run
 *
 * @retval BP_EINVAL    the account is not one (bp__account_check()), or the strategy has said something that is no
 *                      order, or has failed: the text names strategy and session
 * @retval BP_ERANGE    the account ran into something that has no number (overflow, a non-positive
 *                      equity); the text says where
 * @retval BP_ENOMEM    other runs are not affected by any of these
 */
bp_status bp__backtest_run(bp__workspace *ws, const bp_strategy *strategy, const double *params,
                           const bp__account *account, const bp__ledger *ledger, bp__record *record);

#endif
