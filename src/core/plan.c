#include "core/plan.h"

#include <stdlib.h>

void bp__plan_fini(bp__plan *plan)
{
    free(plan->head);
    free(plan->dataset);
    free(plan->task);
    *plan = (bp__plan){.identity = plan->identity};
}

#define SMALL_CHUNK (UINT64_C(1) << 20) /* bytes that a chunk may always have */
#define MOST_TIMES  4 /* what a chunk may have of its dataset's bytes: it may stick out at the edges */

uint64_t bp__plan_chunk_bytes(const uint64_t shape[2], const uint64_t chunk[2], uint64_t element_bytes)
{
    uint64_t elements, bytes;
    const uint64_t all = shape[0] * shape[1] * element_bytes;
    if (__builtin_mul_overflow(chunk[0], chunk[1], &elements) ||
        __builtin_mul_overflow(elements, element_bytes, &bytes))
        return 0;
    return bytes <= SMALL_CHUNK || bytes / MOST_TIMES <= all ? bytes : 0;
}

uint64_t bp__plan_most_stored(uint64_t chunk_bytes)
{
    return chunk_bytes + chunk_bytes / 4 + 4096;
}

uint64_t bp__plan_decoder_bytes(const bp__plan *plan)
{
    uint64_t undone = 0, copied = 0; /* the largest chunk of those with filters, and without */
    for (uint32_t i = 0; i < plan->num_datasets; i++) {
        const bp__plan_dataset *d = &plan->dataset[i];
        uint64_t *most = d->filters.n > 0 ? &undone : &copied;
        const uint64_t bytes = d->chunk[0] * d->chunk[1] * d->elem_bytes;
        if (bytes > *most) *most = bytes;
    }
    return 2 * undone + copied; /* a filter reads one buffer and writes another */
}

void bp__plan_range(const bp__image *head, const bp__plan_dataset *dataset, const bp__plan_task *task,
                    uint64_t *from, uint64_t *to)
{
    uint64_t base = head->column[dataset->column].offset, cols = dataset->shape[1];
    uint64_t row = task->origin[0] + dataset->chunk[0] - 1, col = task->origin[1] + dataset->chunk[1] - 1;
    if (row >= dataset->shape[0]) row = dataset->shape[0] - 1;
    if (col >= cols) col = cols - 1;
    *from = base + (task->origin[0] * cols + task->origin[1]) * 8; /* bulk columns have 8 bytes an element */
    *to = base + (row * cols + col) * 8 + 8;
}

void bp__plan_first_bytes(const bp__plan *plan, uint64_t *first)
{
    uint64_t least = plan->image_bytes;
    first[plan->num_tasks] = least;
    for (uint64_t i = plan->num_tasks; i-- > 0;) {
        uint64_t from, to;
        bp__plan_range(plan->head, &plan->dataset[plan->task[i].dataset], &plan->task[i], &from, &to);
        if (from < least) least = from;
        first[i] = least;
    }
}
