#include "core/plan.h"

#include <stdlib.h>

void bp__plan_fini(bp__plan *plan)
{
    free(plan->head);
    free(plan->dataset);
    free(plan->task);
    *plan = (bp__plan){.identity = plan->identity};
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
