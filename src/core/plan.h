/** @file src/core/plan.h
 * What a load will do, as plain data: made from an open file before any memory is reserved.
 *
 * A plan says how large the image will be, contains everything small (the head), and cuts the rest into
 * tasks: one stored chunk of one dataset each, to be fetched from the file and decoded into its place in a
 * bulk column. Tasks are independent of each other; together they write every byte of every bulk column
 * exactly once.
 */
#ifndef BP_CORE_PLAN_H
#define BP_CORE_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "core/identity.h"
#include "core/image.h"

#define BP__MAX_FILTERS 8

typedef enum bp__filter {
    BP__FILTER_DEFLATE = 1,
    BP__FILTER_SHUFFLE = 2,
    BP__FILTER_FLETCHER32 = 3,
    BP__FILTER_LZF = 32000, /**< as h5py and zipline use it */
} bp__filter;

/** What a writer has done to each chunk of a dataset, in this order. */
typedef struct bp__filters {
    uint32_t n;
    uint32_t id[BP__MAX_FILTERS]; /**< bp__filter */
    uint32_t shuffle_bytes;       /**< element size of the shuffle filter */
} bp__filters;

typedef enum bp__decode {
    BP__DECODE_PRICE,  /**< u32 → f64: 0 → NaN, else x * (1.0 / factor) */
    BP__DECODE_VOLUME, /**< u32 → f64: x * (1.0 / factor) */
    BP__DECODE_I64,    /**< copied */
} bp__decode;

/** A dataset that fills one bulk column. 1-D datasets have shape {n, 1} and chunk {c, 1}. */
typedef struct bp__plan_dataset {
    char path[96]; /**< in the file, for texts and for reading through HDF5 */
    bp_column column;
    bp__decode decode;
    uint32_t elem_bytes;  /**< as stored: 4 or 8 */
    double factor, scale; /**< scaling_factor of all rows, unless they are by_asset; 1.0 / factor */
    bool by_asset; /**< each asset has a factor of its own, in the column `factors` of the image's head:
                               a daily dataset one for each row, a minute one for each sid of its index */
    bp_column factors;
    uint64_t shape[2];
    uint64_t chunk[2]; /**< of every task: as stored, chunks at an edge have the full size, too */
    bp__filters filters;
    bool swapped;      /**< stored with the high byte first */
    bool through_hdf5; /**< its blocks come from the parser, as plain native elements, without filters */
    uint64_t fill;     /**< the value, as a native element, of what was never written */
} bp__plan_dataset;

typedef struct bp__plan_task {
    uint64_t origin[2];    /**< of the chunk, in elements of its dataset */
    uint64_t file_offset;  /**< of the stored bytes */
    uint64_t stored_bytes; /**< as fetched; 0: never written, the fill value stands for all of it */
    uint32_t filter_mask;  /**< bit i set: filter i was skipped for this chunk */
    uint32_t dataset;      /**< index into plan->dataset */
} bp__plan_task;

typedef struct bp__plan {
    bp__identity identity; /**< of the open file it was made from */
    uint64_t image_bytes;
    uint64_t head_bytes;
    void *head; /**< first head_bytes of the image */
    uint32_t num_datasets;
    bp__plan_dataset *dataset;
    uint64_t num_tasks;
    bp__plan_task *task; /**< by dataset, then by origin */
} bp__plan;

/** Free what a plan owns. */
void bp__plan_fini(bp__plan *plan);

/** Check everything that whoever carries out a plan relies on, as it may come from a process that has read a hostile file:
 *  that the head is sound and its texts and offsets lie within it, that each dataset fills a column of its shape, that its
 *  chunks are no larger than its shape gives reason for, and that its tasks are the chunks of the grid, each once, and lie
 *  in the file.
 *
 * @param[in] label       how errors name the file
 * @param[in] file_bytes  its size
 * @retval BP_EFORMAT  the text says what */
bp_status bp__plan_check(const bp__plan *plan, const char *label, uint64_t file_bytes);

/** The bytes of a chunk before its filters, which is what whoever reads a part of it has to decode.
 *  @param[in] element_bytes  as stored; shape[0] * shape[1] * element_bytes must not overflow
 *  @return 0: there are none, or more than the shape of its dataset gives reason for */
uint64_t bp__plan_chunk_bytes(const uint64_t shape[2], const uint64_t chunk[2], uint64_t element_bytes);

/** What filters may make of a chunk at most. */
uint64_t bp__plan_most_stored(uint64_t chunk_bytes);

/** What a decoder may come to hold, while it decodes tasks of a plan. */
uint64_t bp__plan_decoder_bytes(const bp__plan *plan);

/** Where in the image a task writes: from its first to its last byte. Rows may lie apart; the bytes between
 *  them belong to other tasks. @param[in] head  of the image, or all of it */
void bp__plan_range(const bp__image *head, const bp__plan_dataset *dataset, const bp__plan_task *task,
                    uint64_t *from, uint64_t *to);

/** Set first[n], for each n: when tasks [0, n) are done, every byte of the image before first[n] is written.
 *  @param[out] first  [num_tasks + 1] */
void bp__plan_first_bytes(const bp__plan *plan, uint64_t *first);

#endif
