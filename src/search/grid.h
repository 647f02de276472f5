/** @file src/search/grid.h
 * The combinations of a search: the product of one list of values per parameter of a strategy.
 *
 * The index of a combination depends on the values alone, not on the order in which they were given: the
 * strategy's first parameter varies slowest, its last one fastest. A parameter that is not named has one
 * value, its fallback. A grid has a table of the parameters of its own, so that nothing about it needs the
 * strategy. Pure, but for a file that an option names; a grid is read-only once its last parameter is set.
 */
#ifndef BP_SEARCH_GRID_H
#define BP_SEARCH_GRID_H

#include "search/values.h"

#define BP__MAX_COMBINATIONS BP__VALUES_MAX

typedef struct bp__axis {
    bp_param param; /**< whose values they are; its name and words are in `texts`, it has no help */
    char *texts;    /**< owned */
    char **words;   /**< owned */
    double *value;  /**< [count]; owned */
    uint64_t count;
    char *range;   /**< as it was given, without the name, if that is a range; owned; else NULL */
    bool is_named; /**< by an option */
} bp__axis;

typedef struct bp__grid {
    unsigned num_axes; /**< parameters of the strategy, in its order */
    bp__axis axis[BP_STRATEGY_MAX_PARAMS];
    uint64_t size; /**< combinations; at least 1 */
    bool listed;   /**< not a product: each axis has a value for each combination (list.h) */
} bp__grid;

/** Every parameter at its fallback: one combination.
 *  @param[in]  param  [count] of a strategy, at most BP_STRATEGY_MAX_PARAMS; copied
 *  @param[out] grid   bp__grid_fini(), after a failure too
 *  @retval BP_ENOMEM */
bp_status bp__grid_init(const bp_param *param, size_t count, bp__grid *grid);
void bp__grid_fini(bp__grid *grid);

/** A further parameter, the last one, at its fallback. @retval BP_ENOMEM  the grid is unchanged */
bp_status bp__grid_add(bp__grid *grid, const bp_param *param);

/** Set the values of one parameter.
 *
 * @param[in] text  "name=" and what values.h says
 *
 * @retval BP_EINVAL  malformed, unknown, named before, empty, not a value of that parameter, or more than
 *                    BP__MAX_COMBINATIONS combinations; the text quotes the option; the grid is unchanged
 * @retval BP_EIO, BP_ENOMEM  the grid is unchanged
 */
bp_status bp__grid_set(bp__grid *grid, const char *text);

/** Combination `index`.
 *  @param[out] params  one value per parameter of the strategy */
void bp__grid_at(const bp__grid *grid, uint64_t index, double *params);

/** Put combinations in an order in which as many as are run at once have few values of each parameter: tiles of eight values of each.
 *  Where there is no memory for that they stay in their order.
 *  @param[in,out] task  [count] ascending; task % grid->size is the combination, and all are of one bundle */
void bp__grid_tile(const bp__grid *grid, uint64_t *task, uint64_t count);

/** A value of a parameter, as it is typed: a word, or a number at its shortest.
 *  @return `text`, or the grid's own */
const char *bp__axis_text(const bp__axis *axis, double value, char text[32]);

/** Combination `index` for people: "fast=5 slow=20". @return text */
const char *bp__grid_text(const bp__grid *grid, uint64_t index, char *text, size_t size);

#endif
