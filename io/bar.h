/** @file io/bar.h
 * A bar on its way, and the same in half the space.
 *
 * Prices are decimals with few digits, or come from a file that holds them as whole numbers: then the whole number says
 * all, and the double is worked out of it again, the same to the last bit. Pure; any thread.
 */
#ifndef BP_IO_BAR_H
#define BP_IO_BAR_H

#include <stddef.h>
#include <stdint.h>

enum { BP__OPEN, BP__HIGH, BP__LOW, BP__CLOSE, BP__VOLUME, BP__NUM_FIELDS };

typedef struct bp__bar {
    int64_t dt; /**< of a daily bar: a midnight, UTC */
    double value[BP__NUM_FIELDS];
} bp__bar;

/** As zipline stores it: prices in thousandths, 0 for a missing one; single shares. */
typedef struct bp__packed_bar {
    int32_t minute; /**< since the epoch */
    uint32_t value[BP__NUM_FIELDS];
} bp__packed_bar;

#define BP__PACKED_PRICE_FACTOR  1000.0
#define BP__PACKED_AMOUNT_FACTOR 1.0

/** In ns since the epoch. */
static inline int64_t bp__packed_time(const bp__packed_bar *bar)
{
    return bar->minute * INT64_C(60000000000);
}

/** What becomes of a whole number. */
typedef enum bp__bar_form {
    BP__BARS_WHOLE,   /**< not packed: something would be lost */
    BP__BARS_DECIMAL, /**< number / 1000: what text says */
    BP__BARS_STORED,  /**< number × (1 / 1000): what bundle files say */
} bp__bar_form;

/** Pack all of the bars in one form, or none. @param[out] packed  [n]
 *  @return the form; BP__BARS_WHOLE: `packed` means nothing */
bp__bar_form bp__bars_pack(const bp__bar *bars, size_t n, bp__packed_bar *packed);

void bp__bars_unpack(bp__bar_form form, const bp__packed_bar *packed, size_t n, bp__bar *bars);

#endif
