#include "core/sized.h"

#include <stdint.h>
#include <string.h>

#include <bundlepool/version.h>

/* Far beyond what any of the structs will grow to: what is larger was never set. */
enum { LARGEST = 16384, BEHIND_SIZE = sizeof(size_t) };

static size_t size_of(const void *sized)
{
    size_t size;
    memcpy(&size, sized, sizeof size);
    return size;
}

bp_status bp__sized_check(const void *theirs, size_t least, const char *type)
{
    if (!theirs) BP_FAIL(BP_EINVAL, "%s: NULL", type);
    size_t size = size_of(theirs);
    if (size < least || size > LARGEST || size % _Alignof(uint64_t) != 0)
        BP_FAIL(BP_EINVAL, "%s: %zu is not a possible size; initialise it with %s_init()", type, size, type);
    return BP_OK;
}

bp_status bp__sized_read(const void *theirs, void *own, const char *type)
{
    size_t size = size_of(theirs), own_size = size_of(own);
    size_t both = size < own_size ? size : own_size;
    for (size_t i = own_size; i < size; i++)
        if (((const unsigned char *)theirs)[i] != 0)
            BP_FAIL(BP_EINVAL,
                    "%s: the program is newer than this library (%s) and sets what it does not know", type,
                    BP_VERSION_STRING);
    memcpy((char *)own + BEHIND_SIZE, (const char *)theirs + BEHIND_SIZE, both - BEHIND_SIZE);
    return BP_OK;
}

void bp__sized_write(void *theirs, const void *own)
{
    bp__copy_into((char *)theirs + BEHIND_SIZE, size_of(theirs) - BEHIND_SIZE,
                  (const char *)own + BEHIND_SIZE, size_of(own) - BEHIND_SIZE);
}

void bp__copy_into(void *to, size_t room, const void *from, size_t length)
{
    size_t both = room < length ? room : length;
    memcpy(to, from, both);
    memset((char *)to + both, 0, room - both);
}
