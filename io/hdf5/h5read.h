/** @file io/hdf5/h5read.h
 * The loader of bundle files in HDF5.
 */
#ifndef BP_IO_HDF5_H5READ_H
#define BP_IO_HDF5_H5READ_H

#include "core/loader.h"

#define BP__H5_COUNTRY_MAX   32  /**< bytes of a country group's name, NUL included */
#define BP__H5_MAX_COUNTRIES 256 /**< in one file; there are not as many in ISO 3166 */

/** The country groups of a file, by name. */
typedef struct bp__h5countries {
    size_t n;
    char name[BP__H5_MAX_COUNTRIES][BP__H5_COUNTRY_MAX];
} bp__h5countries;

/** Reads zipline's HDF5 daily layout, and beside it what zipline leaves out. @return static */
const bp__loader *bp__h5_loader(void);

/** The loader's open(), for one country of a file that may hold several.
 *  @param[in] country  NULL: the only one, as open() */
bp_status bp__h5_open_country(const char *path, const char *country, bp__source **source);

/** Open what this process has just written: nobody else has had a hand in it, and no parser is asked.
 *  @param[in] label  how errors name the file
 *  @param[in] fd     stays the caller's */
bp_status bp__h5_open_written(const char *label, int fd, bp__source **source);

/** Whether the file is still in the state in which it was opened. @retval BP_ECHANGED, BP_EIO */
bp_status bp__h5_check_unchanged(const bp__source *source);

/** Which countries a file holds, by name. @retval any  what open() returns */
bp_status bp__h5_countries_of(const char *path, bp__h5countries *countries);

#endif
