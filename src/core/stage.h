/** @file src/core/stage.h
 * A stage: what the decoders of a load need, in memory that they share, without pointers.
 *
 *     header | label | datasets | tasks | head of the image | chunks as they are stored
 *     `------------------ tables -----------------------'
 *
 * Everything but the chunks is there from the beginning; a task's file_offset is an offset in the stage. If
 * there is no room for all chunks at once, later ones take the places of earlier ones (a ring): bp__ring
 * says how many tasks must be done before a place is free.
 */
#ifndef BP_CORE_STAGE_H
#define BP_CORE_STAGE_H

#include "core/plan.h"

typedef struct bp__stage {
    uint64_t magic;
    uint64_t bytes; /**< tables and chunks */
    uint64_t tables_bytes, image_bytes, head_bytes;
    uint64_t label_at, datasets_at, tasks_at, head_at; /**< from the start of the stage */
    uint64_t num_datasets, num_tasks;
} bp__stage;

/** Bytes of the tables, and of all chunks at once. */
uint64_t bp__stage_tables(const bp__plan *plan, const char *label);
uint64_t bp__stage_chunks(const bp__plan *plan);

/** The least that is worth a ring: several of the largest chunks. At most bp__stage_chunks(). */
uint64_t bp__stage_least_ring(const bp__plan *plan);

/** Write the tables. @param[in] bytes  of the whole stage; at least tables + least ring */
void bp__stage_write(void *stage, uint64_t bytes, const bp__plan *plan, const char *label);

/** Whether the tables lie within `bytes` and are of this build. @retval BP_EFORMAT */
bp_status bp__stage_check(const bp__stage *stage, uint64_t bytes);

const char *bp__stage_label(const bp__stage *stage);
const void *bp__stage_head(const bp__stage *stage);
const bp__plan_dataset *bp__stage_dataset(const bp__stage *stage, uint64_t dataset);
const bp__plan_task *bp__stage_task(const bp__stage *stage, uint64_t task);

/** Offset of the first byte after a task's chunk. */
uint64_t bp__stage_end_of(const bp__stage *stage, uint64_t task);

/** What a decoder needs to know of a task. */
typedef struct bp__stage_copy {
    char label[BP_ERROR_TEXT_MAX]; /**< cut, like the texts it is for */
    bp__plan_dataset dataset;
    bp__plan_task task;
    const void *stored; /**< in the stage */
} bp__stage_copy;

/** Copy what is known of a task out of a stage whose memory may be used for something else meanwhile: nothing beyond
 *  its `bytes` is read, whatever stands there. What was copied is the task if the memory still was the stage's
 *  afterwards.  @retval BP_EFORMAT  what stands there is no such stage */
bp_status bp__stage_copy_task(const bp__stage *stage, uint64_t bytes, uint64_t task, bp__stage_copy *copy);

/** Goes through the tasks of a stage in order and says when the place of each is free. All zero at first. */
typedef struct bp__ring {
    uint64_t lap; /**< first task since the ring began anew */
    uint64_t old; /**< first task of the lap before whose place has not been taken again */
} bp__ring;

/** @return how many tasks, from the first, must have been decoded before `task` may be put in its place */
uint64_t bp__ring_next(bp__ring *ring, const bp__stage *stage, uint64_t task);

#endif
