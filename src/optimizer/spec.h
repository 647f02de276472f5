/** @file src/optimizer/spec.h
 * What is searched, as a text: everything that the results depend on but the bundles' contents. A journal
 * begins with it, so that results of one search never get into another.
 *
 * One line each, "KEY VALUE", in a fixed order: program, results, strategy, bundles, start, end, symbols,
 * cash, commission, slippage, slice, then "param NAME=VALUES" for each parameter of the strategy. A list of
 * more than 1000 values that was given as a range stays one.
 */
#ifndef BP_OPTIMIZER_SPEC_H
#define BP_OPTIMIZER_SPEC_H

#include "optimizer/options.h"

/** To be raised whenever the same search gives other numbers than before. */
#define BP__RESULTS_VERSION 1

/** @param[out] text  owned: free() @retval BP_ENOMEM */
bp_status bp__spec_make(const bp__options *options, char **text);

/** Whether the journal `path` that begins with `theirs` is of the search `ours`.
 *
 *  @param[in] any_part  slices and bundles may differ
 *  @retval BP_EINVAL  no; the text names the first difference */
bp_status bp__spec_compare(const char *path, const char *ours, const char *theirs, bool any_part);

/** What a journal's results need to be named: grid, bundles, slice.
 *
 *  @param[in]     path     for the texts of failures
 *  @param[in,out] options  without bundles and grid before
 *  @retval BP_EFORMAT  the text names the line
 *  @retval BP_ENOMEM, and as bp__grid_set() */
bp_status bp__spec_read(const char *path, const char *text, bp__options *options);

#endif
