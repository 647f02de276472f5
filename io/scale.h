/** @file io/scale.h
 * Scaling factors: a file holds prices and volumes as uint32, value × factor rounded, and 0 for missing.
 *
 * A factor is a power of ten. It keeps a value if what is read back differs from the value by 1e-6 of it at most, and if
 * the product fits. Finer factors keep whatever a coarser one keeps, until the largest value no longer fits: so the
 * factors that keep all of some values are those from 10^low to 10^high, and none if low > high. Pure; any thread.
 */
#ifndef BP_IO_SCALE_H
#define BP_IO_SCALE_H

#include <stdbool.h>
#include <stdint.h>

#define BP__SCALE_FINEST   18 /* 1e-12 still has a million steps */
#define BP__SCALE_COARSEST (-9)

/** zipline's factors: 1000 for prices, 1 for volumes. */
#define BP__SCALE_PRICE  3
#define BP__SCALE_VOLUME 0

typedef struct bp__scale {
    int low, high; /**< exponents of ten */
} bp__scale;

/** Of no value: every factor will do. */
#define BP__SCALE_ANY ((bp__scale){BP__SCALE_COARSEST, BP__SCALE_FINEST})

/** Take in a further value: NaN and 0 change nothing. @param[in] value  not negative, finite
 *  @return whether there is still a factor that keeps all of them */
bool bp__scale_note(bp__scale *scale, double value);

/** What keeps both. */
bp__scale bp__scale_both(bp__scale a, bp__scale b);

/** The exponent that keeps all, as near to `usual` as possible; `high` where none does: what can be kept at all. */
int bp__scale_choose(bp__scale scale, int usual);

/** 10^exponent, for BP__SCALE_COARSEST .. BP__SCALE_FINEST. */
double bp__scale_factor(int exponent);

/** As stored: 0 for NaN and 0; at least 1 for any other value, so that a small volume does not become none. */
uint32_t bp__scale_store(double value, double factor);

/** As read back: bit for bit what the loader makes of it. `price`: 0 is NaN. */
double bp__scale_read(uint32_t stored, double factor, bool price);

#endif
