/** @file tests/io/sample.h
 * Random drafts, and what was put into them: for tests of what becomes of a draft.
 */
#ifndef TESTS_IO_SAMPLE_H
#define TESTS_IO_SAMPLE_H

#include "io/draft.h"

typedef struct sample_options {
    uint64_t seed;  /**< not 0 */
    size_t assets;  /**< sids are random; some have no bar */
    size_t days;    /**< from 2010 on; from 1845 on where there are more than 100,000 */
    size_t minutes; /**< bars of each asset at most */
    bool wide;      /**< prices and volumes for which one factor cannot do */
    bool backwards; /**< added in another order, in other runs: the same draft */
} sample_options;

typedef struct sample_series {
    int64_t sid;
    size_t n;
    bp__bar *bar; /**< owned */
} sample_series;

typedef struct sample {
    bp__draft draft;                       /**< finished */
    size_t n;                              /**< assets */
    sample_series *series[BP__NUM_FRAMES]; /**< [n] by sid; n = 0: none */
} sample;

/** Make a finished draft. The program ends if that fails. */
void sample_make(const sample_options *options, const char *name, sample *s);
void sample_free(sample *s);

/** The value that a price or volume is stored as with a factor. */
uint32_t sample_stored(double value, double factor);

#endif
