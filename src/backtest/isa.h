/** @file src/backtest/isa.h
 * Instruction sets that loops are compiled for: results are the same by all of them, to the last bit.
 */
#ifndef BP_BACKTEST_ISA_H
#define BP_BACKTEST_ISA_H

#include <stdbool.h>

typedef enum bp__isa { BP__ISA_PORTABLE, BP__ISA_AVX2, BP__ISA_AVX512, BP__NUM_ISAS } bp__isa;

/** "portable", "avx2", "avx512". */
const char *bp__isa_name(bp__isa isa);

/** Whether this processor has it, and this program a path for it. */
bool bp__isa_is_there(bp__isa isa);

/** The fastest that is there, or the one that is preferred. */
bp__isa bp__isa_best(void);

/** Prefer one that is there, whatever is faster. Before anything asks, and threads begin. */
void bp__isa_prefer(bp__isa isa);

#endif
