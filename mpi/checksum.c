#include "mpi/checksum.h"

#include <libdeflate.h>

uint32_t bp__checksum(const void *bytes, size_t size)
{
    return libdeflate_crc32(0, bytes, size);
}
