/** @file src/backtest/bits.h
 * Squares of bits. The loops are compiled for each instruction set (bits_run.h).
 */
#ifndef BP_BACKTEST_BITS_H
#define BP_BACKTEST_BITS_H

#include <stdint.h>

#include "backtest/isa.h"

/** Rows as columns: bit j of word i becomes bit i of word j. */
void bp__turn_bits(bp__isa isa, uint64_t bits[64]);

/** The same by one instruction set. */
void bp__turn_bits_portable(uint64_t bits[64]);
void bp__turn_bits_avx2(uint64_t bits[64]);
void bp__turn_bits_avx512(uint64_t bits[64]);

#endif
