/** @file src/search/rerun.h
 * The best of earlier results, as a search of their own: the same combinations, over what is there now, and the old
 * values beside the new ones.
 *
 * Steps
 *  1. bp__rerun_read() the file of results and, if it is there, what it is of.
 *  2. bp__rerun_preset() a search with what identifies the old one: options then change what they name.
 *  3. bp__rerun_choose() the rows, once strategy, bundles and ranking are known: they become the search's grid.
 *  4. The search runs like any other. The tasks of rows say what has become of them.
 */
#ifndef BP_SEARCH_RERUN_H
#define BP_SEARCH_RERUN_H

#include "search/origin.h"
#include "search/table.h"

/** An old result that is tested once more. */
typedef struct bp__rerun_row {
    uint64_t row;  /**< of the table */
    uint64_t task; /**< of the new search */
    double old;    /**< its objective then; NaN: undefined */
} bp__rerun_row;

typedef struct bp__rerun {
    bp__table table;
    bp__result_origin origin; /**< its text is NULL: not known */
    bp__rerun_row *row;       /**< [num_rows] best first, as it was then */
    uint64_t num_rows;
    uint64_t picked; /**< row of the table, after bp__rerun_pick() */
} bp__rerun;

/** @param[in]  path   borrowed as long as the rerun
 *  @param[out] rerun  bp__rerun_fini(), after a failure too
 *  @retval any  of bp__table_read(), bp__result_origin_read(); that there is no origin is no failure */
bp_status bp__rerun_read(const char *path, bp__rerun *rerun);
void bp__rerun_fini(bp__rerun *rerun);

/** Give a search what the old one is known by: range, symbols, account, columns; but neither strategy, nor bundles, grid
 *  and slice. Of an old search that is not known, nothing. Its numbers may follow other rules of a backtest.
 *  @param[in,out] spec  as bp__spec_init() has left it
 *  @retval BP_EFORMAT, BP_ENOMEM */
bp_status bp__rerun_preset(const bp__rerun *rerun, bp__spec *spec);

/** Choose the best rows of the bundles that the search has, and make their combinations its grid.
 *
 *  @param[in]     top   how many at most
 *  @param[in,out] spec  with strategy, bundles and ranking; what is not a parameter in the file has its fallback
 *  @retval BP_EINVAL    a parameter is not the strategy's, or a value is not allowed: the text names the line; or nothing
 *                       is left
 *  @retval BP_ENOTFOUND the file lacks a metric that is ranked by
 *  @retval BP_ENOMEM */
bp_status bp__rerun_choose(bp__rerun *rerun, uint64_t top, bp__spec *spec);

/** Make one row the only combination, whatever has become of it then.
 *  @param[in] index   as the file has it
 *  @param[in] bundle  of the row, where the file has several; NULL: whichever
 *  @retval as bp__rerun_choose() */
bp_status bp__rerun_pick(bp__rerun *rerun, uint64_t index, const char *bundle, bp__spec *spec);

/** What has become of a row. */
typedef struct bp__rerun_now {
    uint64_t then;         /**< which row: its rank then, from 0 */
    unsigned char outcome; /**< a bp__outcome */
    double objective;      /**< NaN: undefined */
} bp__rerun_now;

/** The rows as they are ranked now, best first; what is not done last.
 *  @param[out] now  [rerun->num_rows], owned: free() @retval BP_ENOMEM */
bp_status bp__rerun_now_ranked(const bp__rerun *rerun, const bp__results *results, bp__rerun_now **now);

#endif
