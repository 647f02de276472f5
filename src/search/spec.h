/** @file src/search/spec.h
 * What is searched: everything that the results depend on but the bundles' contents; and the same as a text, with
 * which a journal begins, so that results of one search never get into another.
 *
 * The text has one line each, "KEY VALUE", in a fixed order: program, results, strategy, bundles, start, end, symbols,
 * cash, commission, slippage, the account's other options, slice, sessions-per-year, first-return, metrics where they
 * are not the usual ones, then "param NAME=VALUES" for each parameter of the strategy. A list of more than 1000 values
 * that was given as a range stays one. The line "program" tells people who wrote the journal; whether results may be
 * used is decided by the line "results".
 */
#ifndef BP_SEARCH_SPEC_H
#define BP_SEARCH_SPEC_H

#include <bundlepool/bundle.h>

#include "search/grid.h"

/** To be raised whenever the same search gives other numbers than before. */
#define BP__RESULTS_VERSION 2

#define BP__EXCERPT_MAX 88 /**< bytes of an excerpt, NUL included */

typedef char bp__bundle_name[BP_NAME_MAX + 1];

typedef struct bp__spec {
    bp__bundle_name *bundle; /**< [num_bundles], owned */
    uint64_t num_bundles;
    bool several; /**< a list was asked for: whatever names a combination names its bundle too */
    bp__grid grid;
    uint64_t slice, num_slices; /**< which part, from 1, of how many; 1 of 1 is everything */
    int64_t start, end;         /**< BP_TIME_MISSING: from the first, to the last session */
    char **symbols;             /**< NULL-terminated, owned; NULL: all */
    bp__account account;
    uint32_t delisted_after; /**< sessions after an asset's last one that make it delisted; 0: it never is */
    bp__terms terms;         /**< sessions_per_year is 0 where each bundle's calendar tells */
    unsigned metric[BP__NUM_METRICS]; /**< [num_metrics] numbers of the metrics that are kept: columns */
    unsigned num_metrics;
    unsigned objective; /**< what results are ranked by: which of the columns */
} bp__spec;

/** Everything at its default: no bundle, no grid, all of the time, the usual metrics, ranked by sharpe.
 *  @param[out] spec  bp__spec_fini() */
void bp__spec_init(bp__spec *spec);
void bp__spec_fini(bp__spec *spec);

/** Choose the columns. Where they lack the objective, the first of them becomes it.
 *  @param[in] list  "sharpe,trades"
 *  @retval BP_ENOTFOUND  the text lists the metrics there are @retval BP_EINVAL  one is named twice
 *  After a failure the columns are undefined. */
bp_status bp__spec_set_metrics(bp__spec *spec, const char *list);

/** Rank by a metric; one that is not among the columns becomes the last of them.
 *  @retval BP_ENOTFOUND  the text lists the metrics there are */
bp_status bp__spec_set_objective(bp__spec *spec, const char *name);

/** The metric of a column. */
const bp__metric *bp__spec_metric(const bp__spec *spec, unsigned column);

/** How runs over a scope are measured. */
bp__terms bp__spec_terms(const bp__spec *spec, const bp__scope *scope);

/** How many tasks there are: combinations times bundles. */
uint64_t bp__spec_num_tasks(const bp__spec *spec);

/** @param[out] text  owned: free() @retval BP_ENOMEM */
bp_status bp__spec_text(const bp__spec *spec, char **text);

/** Whether the journal `path` that begins with `theirs` is of the search `ours`.
 *
 *  @param[in] any_part  slices and bundles may differ
 *  @retval BP_EINVAL  no; the text names the first difference */
bp_status bp__spec_compare(const char *path, const char *ours, const char *theirs, bool any_part);

/** As much of a line as a message has room for, about byte `at`. @return `text` */
const char *bp__spec_excerpt(const char *line, size_t length, size_t at, char text[BP__EXCERPT_MAX]);

/** The search that a text is of: all but what its results are ranked by.
 *
 *  @param[in]  path  for the texts of failures
 *  @param[out] spec  bp__spec_fini(), after a failure too
 *  @retval BP_EFORMAT  the text names the line
 *  @retval BP_EINVAL   results of another version than this program's
 *  @retval BP_ENOMEM, and as bp__grid_set() */
bp_status bp__spec_read(const char *path, const char *text, bp__spec *spec);

#endif
