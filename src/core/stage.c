#include "core/stage.h"

#include <string.h>

#define MAGIC UINT64_C(0x3147545344504e42) /* "BNPDSTG1" */
#define ALIGN UINT64_C(64)

#define RING_CHUNKS 16u /* of the largest size, at least */

static uint64_t up(uint64_t n)
{
    return (n + ALIGN - 1) & ~(ALIGN - 1);
}

static bp__stage layout(const bp__plan *plan, const char *label)
{
    bp__stage s = {.magic = MAGIC,
                   .image_bytes = plan->image_bytes,
                   .head_bytes = plan->head_bytes,
                   .num_datasets = plan->num_datasets,
                   .num_tasks = plan->num_tasks};
    s.label_at = up(sizeof s);
    s.datasets_at = up(s.label_at + strlen(label) + 1);
    s.tasks_at = up(s.datasets_at + plan->num_datasets * sizeof *plan->dataset);
    s.head_at = up(s.tasks_at + plan->num_tasks * sizeof *plan->task);
    s.tables_bytes = up(s.head_at + plan->head_bytes);
    return s;
}

uint64_t bp__stage_tables(const bp__plan *plan, const char *label)
{
    return layout(plan, label).tables_bytes;
}

uint64_t bp__stage_chunks(const bp__plan *plan)
{
    uint64_t bytes = 0;
    for (uint64_t i = 0; i < plan->num_tasks; i++) bytes += up(plan->task[i].stored_bytes);
    return bytes;
}

uint64_t bp__stage_least_ring(const bp__plan *plan)
{
    uint64_t all = bp__stage_chunks(plan), largest = 0;
    for (uint64_t i = 0; i < plan->num_tasks; i++)
        if (plan->task[i].stored_bytes > largest) largest = plan->task[i].stored_bytes;
    uint64_t least = RING_CHUNKS * up(largest);
    return least < all ? least : all;
}

void bp__stage_write(void *stage, uint64_t bytes, const bp__plan *plan, const char *label)
{
    bp__stage *s = stage;
    *s = layout(plan, label);
    s->bytes = bytes;
    memcpy((char *)stage + s->label_at, label, strlen(label) + 1);
    memcpy((char *)stage + s->datasets_at, plan->dataset, plan->num_datasets * sizeof *plan->dataset);
    memcpy((char *)stage + s->head_at, plan->head, plan->head_bytes);
    bp__plan_task *task = (bp__plan_task *)(void *)((char *)stage + s->tasks_at);
    uint64_t at = s->tables_bytes;
    for (uint64_t i = 0; i < plan->num_tasks; i++) {
        task[i] = plan->task[i];
        if (at + task[i].stored_bytes > bytes) at = s->tables_bytes;
        task[i].file_offset = at;
        at += up(task[i].stored_bytes);
    }
}

bp_status bp__stage_check(const bp__stage *s, uint64_t bytes)
{
    bool sound = s->magic == MAGIC && s->bytes <= bytes && s->tables_bytes <= s->bytes &&
                 s->label_at < s->datasets_at && s->datasets_at <= s->tasks_at && s->tasks_at <= s->head_at &&
                 s->head_at <= s->tables_bytes && s->head_bytes <= s->tables_bytes - s->head_at &&
                 s->num_tasks <= (s->head_at - s->tasks_at) / sizeof(bp__plan_task) &&
                 s->num_datasets <= (s->tasks_at - s->datasets_at) / sizeof(bp__plan_dataset);
    if (!sound) BP_FAIL(BP_EFORMAT, "what another node sent of a bundle is not this program's");
    return BP_OK;
}

const char *bp__stage_label(const bp__stage *stage)
{
    return (const char *)stage + stage->label_at;
}

const void *bp__stage_head(const bp__stage *stage)
{
    return (const char *)stage + stage->head_at;
}

const bp__plan_dataset *bp__stage_dataset(const bp__stage *stage, uint64_t dataset)
{
    return (const bp__plan_dataset *)(const void *)((const char *)stage + stage->datasets_at) + dataset;
}

const bp__plan_task *bp__stage_task(const bp__stage *stage, uint64_t task)
{
    return (const bp__plan_task *)(const void *)((const char *)stage + stage->tasks_at) + task;
}

uint64_t bp__stage_end_of(const bp__stage *stage, uint64_t task)
{
    const bp__plan_task *t = bp__stage_task(stage, task);
    return t->file_offset + t->stored_bytes;
}

bp_status bp__stage_copy_task(const bp__stage *stage, uint64_t bytes, uint64_t task, bp__stage_copy *copy)
{
    const char *at = (const char *)stage;
    bp__stage s; /* looked at once */
    memcpy(&s, stage, sizeof s);
    BP_TRY(bp__stage_check(&s, bytes));
    bool sound = task < s.num_tasks;
    if (sound) memcpy(&copy->task, at + s.tasks_at + task * sizeof copy->task, sizeof copy->task);
    const bp__plan_task *t = &copy->task;
    sound = sound && t->dataset < s.num_datasets && t->file_offset <= bytes &&
            t->stored_bytes <= bytes - t->file_offset;
    if (!sound) BP_FAIL(BP_EFORMAT, "a task is not where the tables of its bundle say");
    memcpy(&copy->dataset, at + s.datasets_at + t->dataset * sizeof copy->dataset, sizeof copy->dataset);
    copy->stored = at + t->file_offset;
    uint64_t room = s.datasets_at - s.label_at, most = sizeof copy->label - 1;
    memcpy(copy->label, at + s.label_at, room < most ? room : most);
    copy->label[room < most ? room : most] = '\0';
    return BP_OK;
}

/* Places go up within a lap, and so did those of the lap before: a task's place overlaps those that come next
 * in that lap. When a lap ends, all that is left of the one before it counts as taken. */
uint64_t bp__ring_next(bp__ring *ring, const bp__stage *stage, uint64_t task)
{
    if (task > ring->lap && bp__stage_task(stage, task)->file_offset == stage->tables_bytes) {
        ring->old = ring->lap;
        ring->lap = task;
    }
    while (ring->old < ring->lap &&
           bp__stage_task(stage, ring->old)->file_offset < bp__stage_end_of(stage, task))
        ring->old++;
    return ring->old;
}
