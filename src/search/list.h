/** @file src/search/list.h
 * Combinations that are no product of values, but a list of their own: such as the best ones of an earlier search. They
 * are a grid like any other, with indices in the order of the list. Pure.
 */
#ifndef BP_SEARCH_LIST_H
#define BP_SEARCH_LIST_H

#include <stdio.h>

#include "search/grid.h"

/** Read a value of a parameter as it is typed: a number, or one of its words.
 *  @retval BP_EINVAL  it is none; the text names the parameter and quotes the value */
bp_status bp__list_value(const bp_param *param, const char *text, size_t length, double *value);

/** Make a grid a list, in the place of whatever it was.
 *  @param[in] params  [count][num_axes] valid values; count from 1 to BP__MAX_COMBINATIONS
 *  @retval BP_ENOMEM  the grid is unchanged */
bp_status bp__list_make(bp__grid *grid, const double *params, uint64_t count);

/** As a line of the text of a search: "combinations 5,long;20,both". */
void bp__list_put(FILE *file, const bp__grid *grid);

/** The way back: what stands behind "combinations ".
 *  @retval BP_EINVAL  it is none, or not of this strategy @retval BP_ENOMEM  in both cases the grid is unchanged */
bp_status bp__list_read(bp__grid *grid, const char *text);

#endif
