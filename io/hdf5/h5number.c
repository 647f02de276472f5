#include "io/hdf5/h5number.h"

#include <assert.h>
#include <string.h>

static bool integer_of(hid_t type, bp__h5number *number)
{
    const size_t bytes = H5Tget_size(type);
    const H5T_order_t order = H5Tget_order(type);
    if (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8) return false;
    if (H5Tget_precision(type) != 8 * bytes || H5Tget_offset(type) != 0) return false;
    if (order != H5T_ORDER_LE && order != H5T_ORDER_BE && bytes > 1) return false;
    const H5T_sign_t sign = H5Tget_sign(type);
    if (sign != H5T_SGN_NONE && sign != H5T_SGN_2) return false;
    *number =
        (bp__h5number){.bytes = bytes, .is_signed = sign == H5T_SGN_2, .swapped = order == H5T_ORDER_BE};
    return true;
}

static bool float_of(hid_t type, bp__h5number *number)
{
    const hid_t standard[4] = {H5T_IEEE_F64LE, H5T_IEEE_F64BE, H5T_IEEE_F32LE, H5T_IEEE_F32BE};
    for (int i = 0; i < 4; i++)
        if (H5Tequal(type, standard[i]) > 0) {
            *number = (bp__h5number){
                .bytes = i < 2 ? 8 : 4, .is_float = true, .is_signed = true, .swapped = i % 2 == 1};
            return true;
        }
    return false;
}

bool bp__h5_number_of(hid_t type, bp__h5number *number)
{
    switch (H5Tget_class(type)) {
    case H5T_INTEGER: return integer_of(type, number);
    case H5T_FLOAT: return float_of(type, number);
    default: return false;
    }
}

/* The bits of a value, in the low bytes. */
static uint64_t bits_of(const bp__h5number *number, const void *stored)
{
    uint64_t bits = 0;
    const uint8_t *byte = stored;
    if (number->bytes == 8) { /* as nearly all of them are */
        memcpy(&bits, stored, sizeof bits);
        return number->swapped ? __builtin_bswap64(bits) : bits;
    }
    for (size_t i = 0; i < number->bytes; i++)
        bits |= (uint64_t)byte[number->swapped ? number->bytes - 1 - i : i] << 8 * i;
    return bits;
}

bool bp__h5_to_i64(const bp__h5number *number, const void *stored, int64_t *value)
{
    const uint64_t bits = bits_of(number, stored);
    assert(number->bytes > 0 && number->bytes <= 8);
    const unsigned unused = (unsigned)(64 - 8 * number->bytes);
    if (number->is_float || (!number->is_signed && bits > INT64_MAX)) return false;
    *value = number->is_signed ? (int64_t)(bits << unused) >> unused : (int64_t)bits;
    return true;
}

bool bp__h5_to_f64(const bp__h5number *number, const void *stored, double *value)
{
    const uint64_t bits = bits_of(number, stored);
    if (number->is_float && number->bytes == 8) {
        memcpy(value, &bits, sizeof *value);
        return true;
    }
    if (number->is_float) {
        const uint32_t low = (uint32_t)bits;
        float narrow;
        memcpy(&narrow, &low, sizeof narrow);
        *value = (double)narrow;
        return true;
    }
    int64_t whole;
    if (!bp__h5_to_i64(number, stored, &whole)) return false;
    *value = (double)whole;
    return *value < 0x1p63 && (int64_t)*value == whole;
}
