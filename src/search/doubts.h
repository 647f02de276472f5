/** @file src/search/doubts.h
 * What makes results over a bundle doubtful: splits, mergers and dividends that its prices contradict. A search has the
 * time for these only; `bundle verify` looks at everything.
 */
#ifndef BP_SEARCH_DOUBTS_H
#define BP_SEARCH_DOUBTS_H

#include "backtest/backtest.h"

#define BP__DOUBTS_TEXT 200

typedef struct bp__doubts {
    size_t num; /**< of weight, about a selected asset and within the range */
    char text
        [BP__DOUBTS_TEXT]; /**< the heaviest, for people: "AAPL 2014-06-09 +611 %, KO 2012-08-13 +99.5 %, ..." */
} bp__doubts;

/** @param[in] bundle  that the scope is of
 *  @retval BP_ENOMEM */
bp_status bp__doubts_find(const bp_bundle *bundle, const bp__scope *scope, bp__doubts *doubts);

#endif
