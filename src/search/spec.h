/** @file src/search/spec.h
 * What is searched: everything that the results depend on but the bundles' contents; and the same as a text,
 * with which a journal begins, so that results of one search never get into another.
 *
 * The text has one line each, "KEY VALUE", in a fixed order: program, results, strategy, the hash of its
 * plug-in if it is from one, a line "piece NAME HASH" for each piece that it is made of, where that is known, a line
 * "parameter" for each that it takes, bundles, start, end, symbols, cash,
 * commission, slippage, the account's other options, slice, sessions-per-year, first-return, where, metrics
 * if they are not the usual ones, hidden ones, then "param NAME=VALUES" for each parameter. A list of more
 * than 1000 values that was given as a range stays one. The line "program" tells people who wrote the
 * journal; whether results may be used is decided by the line "results". So a journal can be merged and
 * ranked where the strategy is not at hand.
 */
#ifndef BP_SEARCH_SPEC_H
#define BP_SEARCH_SPEC_H

#include <bundlepool/bundle.h>

#include "backtest/backtest.h"
#include "search/expr.h"
#include "search/grid.h"

/** To be raised whenever the same search gives other numbers than before. */
#define BP__RESULTS_VERSION 2

#define BP__EXCERPT_MAX       88 /**< bytes of an excerpt, NUL included */
#define BP__HASH_DIGITS       64
#define BP__STRATEGY_NAME_MAX 31
#define BP__MAX_NAMES         (BP__NUM_METRICS + BP_STRATEGY_MAX_PARAMS)

typedef char bp__bundle_name[BP_NAME_MAX + 1];

/** How results are ranked: changes none of them. */
typedef struct bp__ranking {
    unsigned column;     /**< by which of the metrics that are kept, where there is no expression */
    bp__expr *objective; /**< over metrics and parameters, the highest first; owned; NULL: by a metric */
    bp__expr *having;    /**< what does not have it is not ranked; owned; NULL: everything is */
    bool untraded_too;   /**< what never traded is ranked like the rest; else it comes last */
} bp__ranking;

typedef struct bp__spec {
    char strategy[BP__STRATEGY_NAME_MAX + 1];
    char plugin[BP__HASH_DIGITS + 1]; /**< hash of the file that the strategy is from; "": it is built in */
    char *pieces; /**< lines "NAME HASH\n" of what the strategy is made of; owned; NULL: not known */
    const bp_strategy *runs; /**< borrowed; NULL: the search has been read from a journal */
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
    bp__expr *where; /**< over parameters: what does not hold it is skipped; owned; NULL: nothing is */
    unsigned
        metric[BP__NUM_METRICS]; /**< [num_metrics] numbers of the metrics that are kept, columns first */
    unsigned num_columns;        /**< of tables and files */
    unsigned num_metrics;        /**< with those that are needed, and not shown: trades always is */
    bp__ranking ranking;
} bp__spec;

/** Everything at its default: no bundle, no grid, all of the time, the usual metrics, ranked by sharpe.
 *  @param[out] spec  bp__spec_fini() */
void bp__spec_init(bp__spec *spec);
void bp__spec_fini(bp__spec *spec);

/** What is tested, with every parameter at its fallback. At most once.
 *  @param[in] strategy  borrowed
 *  @param[in] plugin    hash of the file that it is from, BP__HASH_DIGITS; "": it is built in
 *  @retval BP_ENOMEM */
bp_status bp__spec_set_strategy(bp__spec *spec, const bp_strategy *strategy, const char *plugin);

/** Say what the strategy is made of, so that a journal tells what has changed. At most once.
 *  @param[in] pieces  a line "NAME HASH" for each piece, in a fixed order; a name may have blanks in it; copied
 *  @retval BP_EINVAL  it is none: the text names the line @retval BP_ENOMEM */
bp_status bp__spec_set_pieces(bp__spec *spec, const char *pieces);

/** What else to say, where a piece of that name has changed: of values of Python, that a program may have filled
 *  them; else "". */
const char *bp__spec_piece_hint(const char *name);

/** Why the strategy takes no sense in a combination, or --where excludes it. @return NULL: it is to be tested */
const char *bp__spec_check(const bp__spec *spec, const double *params);

/** Choose the columns. Where they lack the objective, the first of them becomes it.
 *  @param[in] list  "sharpe,trades"
 *  @retval BP_ENOTFOUND  the text lists the metrics there are @retval BP_EINVAL  one is named twice
 *  After a failure the columns are undefined. */
bp_status bp__spec_set_metrics(bp__spec *spec, const char *list);

/** Keep a metric, not shown if it is not among the columns. */
void bp__spec_keep(bp__spec *spec, unsigned metric);

/** Make a metric a column, the last one unless it is one. @return which */
unsigned bp__spec_show(bp__spec *spec, unsigned metric);

/** Where a metric is among those that are kept. @return false: it is not */
bool bp__spec_has(const bp__spec *spec, unsigned metric, unsigned *column);

/** A metric that is kept. */
const bp__metric *bp__spec_metric(const bp__spec *spec, unsigned column);

/** Names for expressions: of the metrics, if `metrics`, and behind them of the parameters.
 *  @param[out] name  borrowed from the grid
 *  @return how many */
size_t bp__spec_names(const bp__spec *spec, bool metrics, bp__expr_name name[BP__MAX_NAMES]);

/** Skip what does not hold. When the strategy is set, at most once.
 *  @param[in] text  a condition over parameters
 *  @retval BP_EINVAL, BP_ENOMEM  as bp__expr_create() */
bp_status bp__spec_set_where(bp__spec *spec, const char *text);

/** How runs over a scope are measured. */
bp__terms bp__spec_terms(const bp__spec *spec, const bp__scope *scope);

/** Whether a metric needs to know what fills were worth. */
bool bp__spec_needs_fills(const bp__spec *spec);

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
