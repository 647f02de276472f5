/* DESIGN of a header in the first format
 *
 * 16 bytes: version, a reserved byte, how many messages (2), references (4), size of the first block (4), padding. A block holds
 * messages, each with a head of 8 bytes (type 2, size 2, flags 1, reserved 3) and a size that is a multiple of 8. A message
 * of type 16 says where another block is (address, length).
 *
 * An attribute is a message of type 12: version, flags (reserved in version 1), then the sizes of name, type and space (2 each), in
 * version 3 a byte more, and then these three, in version 1 each filled up to a multiple of 8. Behind them is the value.
 */
#include "io/hdf5/h5attr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/hdf5/h5number.h"

enum { PREFIX = 16, MESSAGE_HEAD = 8, ATTRIBUTE = 12, CONTINUATION = 16, SHARED = 2 };
enum { MOST_BLOCKS = 1000, MOST_BYTES = 16 << 20 };

#if H5_VERSION_GE(1, 12, 0)
typedef H5O_info1_t object_info;
#else
typedef H5O_info_t object_info;
#endif

typedef struct header {
    bp__h5input input;
    uint64_t base; /* of addresses in the file */
    size_t address_bytes, length_bytes;
    uint64_t block[MOST_BLOCKS][2]; /* [blocks] address, length */
    size_t blocks;
} header;

static uint64_t number(const uint8_t *at, size_t bytes)
{
    uint64_t x = 0;
    for (size_t i = 0; i < bytes; i++) x |= (uint64_t)at[i] << 8 * i;
    return x;
}

static bool read_at(header *h, uint64_t address, size_t size, void *buffer)
{
    return address <= h->input.bytes && bp__h5_input_read(&h->input, h->base + address, size, buffer);
}

/* How many elements a dataspace has. @return false: it is damaged */
static bool num_elements(const header *h, const uint8_t *space, size_t bytes, uint64_t *n)
{
    if (bytes < 4) return false;
    const size_t rank = space[1], head = space[0] == 1 ? 8 : 4;
    *n = space[0] == 2 && space[3] == 2 ? 0 : 1; /* the null space */
    if (bytes < head + rank * h->length_bytes) return false;
    for (size_t i = 0; i < rank; i++)
        if (__builtin_mul_overflow(*n, number(space + head + i * h->length_bytes, h->length_bytes), n))
            return false;
    return true;
}

static bool attribute_fits(const header *h, const uint8_t *message, size_t bytes)
{
    uint64_t n, value;
    if (bytes < 9 || message[0] < 1 || message[0] > 3) return false;
    const size_t fill = message[0] == 1 ? 7 : 0;
    const size_t name = number(message + 2, 2), type = number(message + 4, 2), space = number(message + 6, 2);
    const size_t type_at = (message[0] == 3 ? 9 : 8) + ((name + fill) & ~fill);
    const size_t space_at = type_at + ((type + fill) & ~fill), value_at = space_at + ((space + fill) & ~fill);
    if (value_at > bytes) return false;
    if (message[0] > 1 && message[1] != 0) return true; /* its type or space lies elsewhere */
    if (type < 8 || !num_elements(h, message + space_at, space, &n)) return false;
    return !__builtin_mul_overflow(n, number(message + type_at + 4, 4), &value) && value <= bytes - value_at;
}

static bool block_fits(header *h, const uint8_t *block, size_t bytes)
{
    for (size_t at = 0, size; at + MESSAGE_HEAD <= bytes; at += MESSAGE_HEAD + size) {
        const uint8_t *message = block + at + MESSAGE_HEAD;
        const unsigned type = (unsigned)number(block + at, 2);
        size = number(block + at + 2, 2);
        if (size > bytes - at - MESSAGE_HEAD) return false;
        if (block[at + 4] & SHARED) continue;
        if (type == ATTRIBUTE && !attribute_fits(h, message, size)) return false;
        if (type != CONTINUATION) continue;
        if (size < h->address_bytes + h->length_bytes || h->blocks == MOST_BLOCKS) return false;
        h->block[h->blocks][0] = number(message, h->address_bytes);
        h->block[h->blocks++][1] = number(message + h->address_bytes, h->length_bytes);
    }
    return true;
}

static bool blocks_fit(header *h)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < h->blocks; i++) {
        const uint64_t address = h->block[i][0], size = h->block[i][1];
        if (size > MOST_BYTES - bytes) return false;
        bytes += size;
        uint8_t *block = malloc(size + 1);
        const bool fits = block && read_at(h, address, size, block) && block_fits(h, block, size);
        free(block);
        if (!fits) return false;
    }
    return true;
}

static bool header_fits(header *h, uint64_t address)
{
    uint8_t prefix[PREFIX];
    if (!read_at(h, address, sizeof prefix, prefix)) return false;
    if (prefix[0] != 1) return true;
    h->block[0][0] = address + PREFIX;
    h->block[0][1] = number(prefix + 8, 4);
    h->blocks = 1;
    return blocks_fit(h);
}

static bool look_up(const bp__h5file *file, header *h)
{
    hsize_t base = 0;
    const hid_t fcpl = H5Fget_create_plist(file->id);
    const bool told = fcpl >= 0 && H5Pget_sizes(fcpl, &h->address_bytes, &h->length_bytes) >= 0 &&
                      H5Pget_userblock(fcpl, &base) >= 0 && h->address_bytes <= 8 && h->length_bytes <= 8;
    if (fcpl >= 0) H5Pclose(fcpl);
    h->base = base;
    return told;
}

static bp_status check_header(const bp__h5file *file, const char *path)
{
    object_info info;
    if (H5Oget_info_by_name2(file->id, path, &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0)
        return bp__h5_fail(file, path, "its attributes cannot be read");
    header *h = malloc(sizeof *h);
    if (!h) BP_FAIL(BP_ENOMEM, "%s: %s: no memory to read it", file->label, path);
    *h = (header){.input = file->input};
    const bool told = look_up(file, h), fits = told && header_fits(h, info.addr);
    const int error = h->input.error;
    free(h);
    if (error) BP_FAIL_ERRNO(BP_EIO, error, "%s: %s: its attributes cannot be read", file->label, path);
    if (!told) return bp__h5_fail(file, "", "its superblock cannot be read");
    if (!fits)
        BP_FAIL(
            BP_EFORMAT,
            "%s: %s: damaged: an attribute, or another part of its header, is larger than there is room for it",
            file->label, path);
    return BP_OK;
}

/* Reading ------------------------------------------------------------------------------------ */

/* Open a scalar attribute of an object; *attr stays -1 where there is none. */
static bp_status open_attr(const bp__h5file *file, const char *path, const char *name, hid_t *attr,
                           hid_t *type)
{
    *attr = *type = -1;
    BP_TRY(check_header(file, path)); /* before libhdf5 looks at any of them */
    htri_t there = H5Aexists_by_name(file->id, path, name, H5P_DEFAULT);
    if (there < 0) return bp__h5_fail(file, path, "its attributes cannot be read");
    if (there == 0) return BP_OK;
    hid_t space = -1;
    bool scalar = false;
    *attr = H5Aopen_by_name(file->id, path, name, H5P_DEFAULT, H5P_DEFAULT);
    if (*attr >= 0) {
        *type = H5Aget_type(*attr);
        space = H5Aget_space(*attr);
    }
    if (space >= 0) {
        scalar = H5Sget_simple_extent_npoints(space) == 1;
        H5Sclose(space);
    }
    if (*type >= 0 && scalar) return BP_OK;
    bp_status s =
        *type < 0 ? bp__h5_fail(file, path, "its attributes cannot be read")
                  : bp__fail(BP_EFORMAT, "%s: %s: attribute %s: not a single value", file->label, path, name);
    if (*type >= 0) H5Tclose(*type);
    if (*attr >= 0) H5Aclose(*attr);
    return s;
}

bp_status bp__h5_attr_number(const bp__h5file *file, const char *path, const char *name, bp_type type,
                             void *value, bool *found)
{
    hid_t attr, stored;
    BP_TRY(open_attr(file, path, name, &attr, &stored));
    *found = attr >= 0;
    if (attr < 0) return BP_OK;

    bp_status s = BP_OK;
    bp__h5number number;
    unsigned char raw[8];
    if (!bp__h5_number_of(stored, &number) || (number.is_float && type == BP_TYPE_I64))
        s = bp__fail(BP_EFORMAT, "%s: %s: attribute %s: not %s of a standard kind", file->label, path, name,
                     type == BP_TYPE_I64 ? "an integer" : "a number");
    else if (H5Aread(attr, stored, raw) < 0)
        s = bp__h5_fail(file, path, "its attributes cannot be read");
    else if (type == BP_TYPE_I64 ? !bp__h5_to_i64(&number, raw, value) : !bp__h5_to_f64(&number, raw, value))
        s = bp__fail(BP_EFORMAT, "%s: %s: attribute %s: out of range", file->label, path, name);
    H5Tclose(stored);
    H5Aclose(attr);
    return s;
}

bp_status bp__h5_attr_text(const bp__h5file *file, const char *path, const char *name, char *text,
                           size_t size)
{
    hid_t attr, stored;
    char fixed[BP__H5_TEXT_MAX], *variable = NULL;
    BP_TRY(open_attr(file, path, name, &attr, &stored));
    if (attr < 0) return BP_OK;

    bp_status s = BP_OK;
    bool is_variable = H5Tis_variable_str(stored) > 0;
    size_t bytes = H5Tget_size(stored);
    if (H5Tget_class(stored) != H5T_STRING || bytes > sizeof fixed)
        s = bp__fail(BP_EFORMAT, "%s: %s: attribute %s: not a text of at most %zu bytes", file->label, path,
                     name, sizeof fixed);
    else if (H5Aread(attr, stored, is_variable ? (void *)&variable : (void *)fixed) < 0)
        s = bp__h5_fail(file, path, "its attributes cannot be read");
    else if (is_variable)
        snprintf(text, size, "%s", variable ? variable : "");
    else
        snprintf(text, size, "%.*s", (int)bytes, fixed);
    H5free_memory(variable);
    H5Tclose(stored);
    H5Aclose(attr);
    return s;
}
