/** @file io/scale.h
 * Scaling factors: a file holds prices and volumes as uint32, value × factor rounded, and 0 for missing.
 *
 * A factor is a power of ten. It keeps a value if what is read back differs from the value by 1e-6 of it at most, and if
 * the product fits. Finer factors keep whatever a coarser one keeps, until the largest value no longer fits: so the
 * factors that keep all of some values are those from 10^low to 10^high, and none if low > high. Pure; any thread.
 */
#ifndef BP_IO_SCALE_H
#define BP_IO_SCALE_H

#include <math.h>
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

/** What a value may change by when it is read back, relatively. */
#define BP__SCALE_TOLERANCE 1e-6

/* What follows is done for each value of a bundle, so that it is worth being part of loops. */

extern const double bp__scale_power[BP__SCALE_FINEST - BP__SCALE_COARSEST + 1]; /* 10^exponent */
extern const double bp__scale_inverse[BP__SCALE_FINEST - BP__SCALE_COARSEST + 1];

/* As nearbyint(), half to even, without a call: a double of 2^52 and more has no fraction, so adding that much rounds. */
static inline double bp__scale_nearest(double x)
{
    const double whole = 0x1p52;
    return x < whole ? x + whole - whole : x;
}

static inline bool bp__scale_keeps(int exponent, double value)
{
    const int i = exponent - BP__SCALE_COARSEST;
    const double back = bp__scale_nearest(value * bp__scale_power[i]) * bp__scale_inverse[i];
    return fabs(back - value) <= BP__SCALE_TOLERANCE * value;
}

static inline bool bp__scale_fits(int exponent, double value)
{
    return value * bp__scale_power[exponent - BP__SCALE_COARSEST] < UINT32_MAX + 0.5; /* half to even: up */
}

/* Of a value that one of the bounds does not take. */
bool bp__scale_note_more(bp__scale *scale, double value);

/** Take in a further value: NaN and 0 change nothing. @param[in] value  not negative, finite
 *  @return whether there is still a factor that keeps all of them */
static inline bool bp__scale_note(bp__scale *scale, double value)
{
    /* neither bound ever moves back: most values cost two looks */
    if (!(value > 0)) return scale->low <= scale->high;
    if (scale->low <= scale->high && bp__scale_keeps(scale->low, value) && bp__scale_fits(scale->high, value))
        return true;
    return bp__scale_note_more(scale, value);
}

/** What keeps both. */
bp__scale bp__scale_both(bp__scale a, bp__scale b);

/** The exponent that keeps all, as near to `usual` as possible; `high` where none does: what can be kept at all. */
int bp__scale_choose(bp__scale scale, int usual);

/** 10^exponent, for BP__SCALE_COARSEST .. BP__SCALE_FINEST. */
double bp__scale_factor(int exponent);

/** As stored: 0 for NaN and 0; at least 1 for any other value, so that a small volume does not become none. */
static inline uint32_t bp__scale_store(double value, double factor)
{
    if (!(value > 0)) return 0;
    const double x = bp__scale_nearest(value * factor); /* half to even: the default rounding mode */
    return x < 1 ? 1 : x > UINT32_MAX ? UINT32_MAX : (uint32_t)x;
}

/** As read back: bit for bit what the loader makes of it. `price`: 0 is NaN. */
static inline double bp__scale_read(uint32_t stored, double factor, bool price)
{
    if (price && stored == 0) return NAN;
    return stored * (1.0 / factor);
}

#endif
