#include "backtest/lines.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LINE ((size_t)64)
#define PAGE ((size_t)2 << 20) /* a large one; where they have another size, nothing is lost */

void *bp__lines(size_t count, size_t size)
{
    if (size == 0 || count > (SIZE_MAX - PAGE) / size) return NULL;
    const size_t unit = count * size >= 2 * PAGE ? PAGE : LINE,
                 bytes = (count * size + unit - 1) / unit * unit;
    void *p = aligned_alloc(unit, bytes);
    if (!p) return NULL;
    if (unit == PAGE) (void)madvise(p, bytes, MADV_HUGEPAGE); /* a kernel without them refuses */
    memset(p, 0, bytes);
    return p;
}
