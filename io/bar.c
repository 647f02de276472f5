#include "io/bar.h"

#include <math.h>
#include <stdbool.h>

#define MINUTE_NS INT64_C(60000000000) /* all times in int64 ns are fewer minutes than an int32 counts */

static double price_of(bp__bar_form form, uint32_t number)
{
    if (number == 0) return NAN;
    return form == BP__BARS_DECIMAL ? number / BP__PACKED_PRICE_FACTOR
                                    : number * (1 / BP__PACKED_PRICE_FACTOR);
}

/* The number that a value would be stored as; any, if there is none: it is not what becomes the value again. */
static uint32_t number_of(double value, double factor)
{
    const double x = value * factor + 0.5;
    return x > 0 && x < UINT32_MAX ? (uint32_t)(int64_t)x : 0;
}

static bool pack_bar(bp__bar_form form, const bp__bar *bar, bp__packed_bar *packed)
{
    bool same = bar->dt % MINUTE_NS == 0;
    packed->minute = (int32_t)(bar->dt / MINUTE_NS);
    for (int f = 0; f < BP__VOLUME; f++) {
        const double value = bar->value[f];
        packed->value[f] = number_of(value, BP__PACKED_PRICE_FACTOR);
        const double back = price_of(form, packed->value[f]);
        same &= back == value || (isnan(back) && isnan(value));
    }
    packed->value[BP__VOLUME] = number_of(bar->value[BP__VOLUME], BP__PACKED_AMOUNT_FACTOR);
    return same && packed->value[BP__VOLUME] == bar->value[BP__VOLUME];
}

static bool pack(bp__bar_form form, const bp__bar *bars, size_t n, bp__packed_bar *packed)
{
    for (size_t i = 0; i < n; i++)
        if (!pack_bar(form, &bars[i], &packed[i])) return false;
    return true;
}

bp__bar_form bp__bars_pack(const bp__bar *bars, size_t n, bp__packed_bar *packed)
{
    if (pack(BP__BARS_DECIMAL, bars, n, packed)) return BP__BARS_DECIMAL;
    return pack(BP__BARS_STORED, bars, n, packed) ? BP__BARS_STORED : BP__BARS_WHOLE;
}

void bp__bars_unpack(bp__bar_form form, const bp__packed_bar *packed, size_t n, bp__bar *bars)
{
    for (size_t i = 0; i < n; i++) {
        bars[i].dt = bp__packed_time(&packed[i]);
        for (int f = 0; f < BP__VOLUME; f++) bars[i].value[f] = price_of(form, packed[i].value[f]);
        bars[i].value[BP__VOLUME] = packed[i].value[BP__VOLUME];
    }
}
