/* Stages: what was written is found again, and a ring never gives away a place that is still needed. */
#include "tests/core/suite.h"

#include <stdlib.h>

#include "core/stage.h"

#define MAX_TASKS 400u

static uint64_t state = 7;

/* A plan with chunks of random sizes, some of them never written. */
static void make_plan(bp__plan *plan, bp__plan_dataset *dataset, bp__plan_task *task, uint64_t largest)
{
    static uint64_t head[32];
    *plan = (bp__plan){.image_bytes = 1 << 20,
                       .head_bytes = sizeof head,
                       .head = head,
                       .num_datasets = 2,
                       .dataset = dataset,
                       .num_tasks = 1 + draw(&state, MAX_TASKS),
                       .task = task};
    for (size_t i = 0; i < sizeof head / sizeof *head; i++) head[i] = draw(&state, UINT64_MAX);
    for (uint64_t i = 0; i < plan->num_tasks; i++)
        task[i] = (bp__plan_task){.origin = {i, 2 * i},
                                  .stored_bytes = draw(&state, 8) == 0 ? 0 : 1 + draw(&state, largest),
                                  .file_offset = i,
                                  .dataset = (uint32_t)(i % 2)};
}

static void test_tables(void)
{
    bp__plan_dataset dataset[2] = {{.path = "/US/data/open"}, {.path = "/US/data/close"}};
    static bp__plan_task task[MAX_TASKS];
    for (int round = 0; round < 50; round++) {
        bp__plan plan;
        make_plan(&plan, dataset, task, 5000);
        const char *label = round % 2 ? "/data/bundles/demo.h5" : "x";
        uint64_t bytes = bp__stage_tables(&plan, label) + bp__stage_chunks(&plan);
        bp__stage *stage = aligned_alloc(64, (bytes + 63) / 64 * 64);
        CU_ASSERT_FATAL(stage != NULL);
        bp__stage_write(stage, bytes, &plan, label);
        MUST(bp__stage_check(stage, bytes));
        FAILS(bp__stage_check(stage, bytes - 1), BP_EFORMAT, "another node");
        CU_ASSERT_STRING_EQUAL(bp__stage_label(stage), label);
        CU_ASSERT(memcmp(bp__stage_head(stage), plan.head, plan.head_bytes) == 0);
        CU_ASSERT_STRING_EQUAL(bp__stage_dataset(stage, 1)->path, "/US/data/close");
        uint64_t end = stage->tables_bytes;
        for (uint64_t i = 0; i < plan.num_tasks; i++) { /* one after the other */
            const bp__plan_task *t = bp__stage_task(stage, i);
            CU_ASSERT(t->origin[1] == 2 * i && t->dataset == i % 2 && t->file_offset % 64 == 0);
            CU_ASSERT(t->file_offset >= end && t->file_offset < end + 64);
            end = bp__stage_end_of(stage, i);
            CU_ASSERT(end <= bytes);
        }
        stage->num_tasks = UINT64_MAX;
        FAILS(bp__stage_check(stage, bytes), BP_EFORMAT, "another node");
        free(stage);
    }
}

/* Against a map that knows for each 64 bytes whose they are. */
static void test_ring(void)
{
    bp__plan_dataset dataset[2] = {{.path = "a"}, {.path = "b"}};
    static bp__plan_task task[MAX_TASKS];
    uint64_t waits = 0;
    for (int round = 0; round < 300; round++) {
        bp__plan plan;
        make_plan(&plan, dataset, task, round % 3 == 0 ? 64 : 5000);
        uint64_t tables = bp__stage_tables(&plan, "x"), least = bp__stage_least_ring(&plan);
        uint64_t all = bp__stage_chunks(&plan), bytes = tables + least + draw(&state, all - least + 1);
        uint32_t *owner = calloc(bytes / 64 + 1, sizeof *owner); /* task + 1 */
        bp__stage *stage = aligned_alloc(64, (bytes + 63) / 64 * 64);
        CU_ASSERT_FATAL(stage != NULL && owner != NULL);
        bp__stage_write(stage, bytes, &plan, "x");
        bp__ring ring = {0};
        uint64_t before = 0;
        for (uint64_t i = 0; i < plan.num_tasks; i++) {
            uint64_t needed = bp__ring_next(&ring, stage, i), from = bp__stage_task(stage, i)->file_offset;
            CU_ASSERT(needed <= i && needed >= before);
            CU_ASSERT(from >= tables && bp__stage_end_of(stage, i) <= bytes);
            before = needed;
            waits += needed > 0;
            for (uint64_t at = from / 64; at * 64 < bp__stage_end_of(stage, i); at++) {
                CU_ASSERT(owner[at] <= needed);
                owner[at] = (uint32_t)i + 1;
            }
        }
        free(owner);
        free(stage);
    }
    CU_ASSERT(waits > 1000);
}

/* Memory that is being used for something else: what is copied lies within the stage, or nothing is. */
static void test_copy(void)
{
    bp__plan_dataset dataset[2] = {{.path = "a"}, {.path = "b"}};
    static bp__plan_task task[MAX_TASKS];
    static bp__stage_copy copy;
    bp__plan plan;
    make_plan(&plan, dataset, task, 64);
    uint64_t tables = bp__stage_tables(&plan, "x"), bytes = tables + bp__stage_chunks(&plan), refused = 0;
    uint8_t *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
    CU_ASSERT_FATAL(memory != NULL);
    const bp__stage *stage = (const bp__stage *)(const void *)memory;
    for (int round = 0; round < 20000; round++) {
        bp__stage_write(memory, bytes, &plan, "x");
        uint64_t which = draw(&state, plan.num_tasks);
        MUST(bp__stage_copy_task(stage, bytes, which, &copy));
        CU_ASSERT_EQUAL(memcmp(&copy.task, bp__stage_task(stage, which), sizeof copy.task), 0);
        CU_ASSERT_STRING_EQUAL(copy.label, "x");
        CU_ASSERT_PTR_EQUAL(copy.stored, memory + copy.task.file_offset);
        for (uint64_t n = 1 + draw(&state, 8); n > 0; n--)
            memory[draw(&state, draw(&state, 2) ? sizeof *stage : tables)] = (uint8_t)draw(&state, 256);
        if (bp__stage_copy_task(stage, bytes, which, &copy) != BP_OK) {
            refused++;
            continue;
        }
        CU_ASSERT((const uint8_t *)copy.stored >= memory);
        CU_ASSERT((const uint8_t *)copy.stored + copy.task.stored_bytes <= memory + bytes);
    }
    CU_ASSERT(refused > 1000);
    free(memory);
}

int main(void)
{
    CU_TestInfo tests[] = {{"tables are found again", test_tables},
                           {"a ring gives away only what is done", test_ring},
                           {"copies of what changes", test_copy},
                           CU_TEST_INFO_NULL};
    return suite_main("stage", tests);
}
