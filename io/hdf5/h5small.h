/** @file io/hdf5/h5small.h
 * Everything of a bundle file that is small: index, lifetimes, assets, calendar, adjustments.
 *
 * Called between bp__h5_lock() and bp__h5_unlock().
 */
#ifndef BP_IO_HDF5_H5SMALL_H
#define BP_IO_HDF5_H5SMALL_H

#include "io/hdf5/h5read.h"
#include "io/hdf5/h5util.h"

#define BP__H5_NUM_FACTORS (BP_COL_MINUTE_VOLUME_FACTOR - BP_COL_FACTOR + 1)

/** List the groups of the root that have 'index' and 'data'.
 *  @retval BP_EFORMAT  there is none: not a bundle; or more than a file may have */
bp_status bp__h5_list_countries(const bp__h5file *file, bp__h5countries *countries);

/** What the small datasets say about the size of the bulk ones. */
typedef struct bp__h5shape {
    char country[BP__H5_COUNTRY_MAX];
    uint64_t assets, sessions; /**< of every daily dataset */
    bool has_minute;
    uint64_t minute_bars;              /**< of every minute dataset */
    bool by_asset[BP__H5_NUM_FACTORS]; /**< which columns of factors there are, from BP_COL_FACTOR on */
} bp__h5shape;

/** Path of a column's dataset: "/US/data/open". */
void bp__h5_column_path(const char *country, bp_column column, char path[BP__H5_PATH_MAX]);

/** Whether values can be divided by a factor: positive, and neither so large nor so small that a price would
 *  become 0 or infinite. */
bool bp__h5_is_factor(double factor);

/** Put every small column of a country into `head`.
 *  @param[in] country  NULL: the only one that the file has
 *  @retval BP_EFORMAT  not a bundle, damaged, in conflict with itself, or of several countries
 *  @retval BP_EIO, BP_ENOMEM */
bp_status bp__h5_read_small(const bp__h5file *file, const char *country, bp__head *head, bp__h5shape *shape);

#endif
