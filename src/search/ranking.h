/** @file src/search/ranking.h
 * How results are ranked: by a metric, or by an expression over metrics and parameters; which of them at all;
 * and what never traded comes last. Nothing here changes a result, or a file of results.
 */
#ifndef BP_SEARCH_RANKING_H
#define BP_SEARCH_RANKING_H

#include "search/spec.h"

/** Rank by a metric, or by an expression over metrics and parameters: then the highest comes first.
 *
 * @param[in,out] spec     with its strategy
 * @param[in]     settled  whether there are results already: what is not kept cannot be used. false: a metric
 *                         that is not among the columns becomes the last of them; what an expression needs is
 *                         kept, hidden
 *
 * @retval BP_ENOTFOUND  there is no such metric, or it is not kept; the text lists those that can be used
 * @retval BP_EINVAL     as bp__expr_create(), or it uses no metric
 * @retval BP_ENOMEM
 * The texts begin with the option. */
bp_status bp__ranking_by(bp__spec *spec, const char *text, bool settled);

/** Rank only what has this. @param[in] text  a condition over metrics and parameters @retval as bp__ranking_by() */
bp_status bp__ranking_having(bp__spec *spec, const char *text, bool settled);

/** The metric of a name. @retval BP_ENOTFOUND  the text lists those that there are */
bp_status bp__ranking_find_metric(const char *name, unsigned *metric);

/** What can be said of such texts before there is a strategy. @param[in] text  NULL is allowed
 *  @retval as bp__ranking_by() */
bp_status bp__ranking_check_objective(const char *text);
bp_status bp__ranking_check_having(const char *text);

/** A combination as it is ranked. */
typedef struct bp__rated {
    uint64_t task;
    double objective; /**< NaN: undefined, or infinite */
    bool untraded;    /**< it comes last for that */
} bp__rated;

/** Rate what a backtest has found. @param[in] value  [spec->num_metrics]
 *  @return whether it is to be ranked */
bool bp__ranking_rate(const bp__spec *spec, uint64_t task, const double *value, bp__rated *rated);

/** @return less than 0: a comes before b; never 0 for two tasks */
int bp__ranking_compare(const bp__spec *spec, const bp__rated *a, const bp__rated *b);

/** What results are ranked by, as a text. */
const char *bp__ranking_text(const bp__spec *spec);

/** Whether its highest value comes first. */
bool bp__ranking_is_descending(const bp__spec *spec);

/** The metric that results are ranked by; NULL: an expression. */
const bp__metric *bp__ranking_metric(const bp__spec *spec);

#endif
