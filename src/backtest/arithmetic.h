/** @file src/backtest/arithmetic.h
 * What all results rest on: every operation on doubles rounds by itself, to nearest, and nothing is too small. A thread may
 * have been told otherwise: by a library that was built with -ffast-math, by fesetround(), by a strategy.
 */
#ifndef BP_BACKTEST_ARITHMETIC_H
#define BP_BACKTEST_ARITHMETIC_H

/** @return NULL: so it is in this thread; else what the processor does instead, or the compiler has done, as a static text */
const char *bp__arithmetic_fault(void);

/** Make it so in this thread, as far as the processor decides. */
void bp__arithmetic_restore(void);

#endif
