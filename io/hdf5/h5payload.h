/** @file io/hdf5/h5payload.h
 * The questions about bundle files, their arguments, and the payloads of their answers, as they lie in memory: whoever
 * asks and whoever answers are of one build.
 */
#ifndef BP_IO_HDF5_H5PAYLOAD_H
#define BP_IO_HDF5_H5PAYLOAD_H

#include "core/plan.h"
#include "io/hdf5/h5read.h"
#include "io/origin.h"

typedef enum bp__h5_question {
    BP__H5_ASK_PLAN = 1,  /**< bp__h5_plan_argument → bp__h5_plan_payload */
    BP__H5_ASK_BLOCK,     /**< bp__h5_block_argument → the rows, as native elements */
    BP__H5_ASK_COUNTRIES, /**< nothing → bp__h5countries */
    BP__H5_ASK_ORIGIN,    /**< nothing → bp__h5_origin_payload */
} bp__h5_question;

typedef struct bp__h5_plan_argument {
    bool any_country;
    char country[BP__H5_COUNTRY_MAX];
} bp__h5_plan_argument;

typedef struct bp__h5_block_argument {
    bp__plan_dataset dataset;
    uint64_t first, rows; /**< whole ones */
} bp__h5_block_argument;

/** Followed by the head, the datasets and the tasks. */
typedef struct bp__h5_plan_payload {
    uint64_t image_bytes, head_bytes, num_datasets, num_tasks;
} bp__h5_plan_payload;

/** Followed by path and options. */
typedef struct bp__h5_origin_payload {
    char maker[sizeof((bp__origin *)0)->maker];
    char source[sizeof((bp__origin *)0)->source];
    char content[sizeof((bp__origin *)0)->content];
    int64_t time;
    uint64_t files, stamp, path_bytes, options_bytes; /**< of texts: NUL included; 0: NULL */
} bp__h5_origin_payload;

#endif
