/** @file src/search/values.h
 * The values that an option gives to a parameter, as they were typed:
 *
 *     5            5,10,20      numbers, or words of a parameter that has words
 *     5:50         0.1:0.5:0.1  FROM:TO[:STEP]: FROM, FROM + STEP, … up to TO, which is included if it is on
 *     the
 *                               grid to within 1e-9 steps; the step is 1 if it is left out, and below 0
 *                               counts down
 *     log:1e-4:0.1:7            log:FROM:TO:N: N values whose ratios are equal, rounded if they have to be
 *     whole @FILE                     one value or list a line; blank lines and what follows a # do not count
 *
 * FROM + i * STEP is computed in decimal, and each value is the double nearest to it: 0.1:0.5:0.1 has 0.3, as
 * if that had been typed. A value that is given twice counts once, where it stands first. Reads a file where
 * one is named, and is pure otherwise.
 */
#ifndef BP_SEARCH_VALUES_H
#define BP_SEARCH_VALUES_H

#include <bundlepool/strategy.h>

#include "core/status.h"

#define BP__VALUES_MAX UINT64_C(10000000)

typedef struct bp__values {
    double *value; /**< [count]; owned: free() */
    uint64_t count;
    bool is_range; /**< the text alone says what they are, and gives the same again */
} bp__values;

/** @param[in]  option  what failures quote: "fast=5:50:5"
 *  @param[in]  list    its part behind the name
 *  @param[in]  param   whose values they are to be; borrowed for the call
 *  @param[out] values  empty on failure
 *
 *  @retval BP_EINVAL  malformed, not a value of that parameter, or more than BP__VALUES_MAX; the text quotes
 *  the
 *                     option, or names file and line
 *  @retval BP_EIO     the file cannot be read
 *  @retval BP_ENOMEM */
bp_status bp__values_read(const char *option, const char *list, const bp_param *param, bp__values *values);

#endif
