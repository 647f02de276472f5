/** @file src/backtest/scratch.h
 * Memory for the length of a call: blocks are handed out one after the other and all taken back at once. What was
 * allocated once is used again.
 */
#ifndef BP_BACKTEST_SCRATCH_H
#define BP_BACKTEST_SCRATCH_H

#include <stddef.h>

typedef struct bp__scratch {
    struct bp__scratch_block {
        void *at;
        size_t size;
    } * block; /**< [count] */
    size_t count, used;
} bp__scratch;

/** @return aligned to 64 bytes, of undefined contents, until bp__scratch_clear(); NULL: there is no memory */
void *bp__scratch_take(bp__scratch *scratch, size_t bytes);

void bp__scratch_clear(bp__scratch *scratch);
void bp__scratch_fini(bp__scratch *scratch);

#endif
