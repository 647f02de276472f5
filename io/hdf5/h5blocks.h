/** @file io/hdf5/h5blocks.h
 * The bars themselves: from the draft's spill into compressed chunks of datasets that are open, by several threads.
 */
#ifndef BP_IO_HDF5_H5BLOCKS_H
#define BP_IO_HDF5_H5BLOCKS_H

#include "io/hdf5/h5out.h"
#include "io/hdf5/h5write.h"

/** Where the bars go, and how they are cut. */
typedef struct bp__h5bars {
    const bp__h5out *out;
    const bp__write_options *options;
    hid_t set[BP__NUM_FRAMES][BP__NUM_FIELDS], dt; /**< open; negative: none */
    uint64_t rows;                                 /**< of daily datasets: bp__h5_num_rows() */
    uint64_t chunk[2], across;                     /**< of daily datasets; across: chunks side by side */
    uint64_t minute_chunk;                         /**< bars */
    uint64_t *minute_first;                        /**< [series + 1] of all minute bars; owned */
    size_t daily_blocks, blocks; /**< rows of daily chunks, and chunks of minutes behind them */
} bp__h5bars;

/** BP__PRICE or BP__AMOUNT. */
int bp__h5_scale_of(int field);

/** The factor that a series is stored with. @param[in] series  NULL: of an asset without bars */
double bp__h5_factor_of(const bp__draft *draft, int frame, const bp__draft_series *series, int scale);

/** Write every block. Takes the lock of libhdf5 itself, for moments; returns when every thread has ended.
 *  @retval BP_EINVAL  a daily bar on a day that is no session
 *  @retval BP_ENOMEM, BP_EIO */
bp_status bp__h5_write_blocks(const bp__h5bars *bars);

#endif
