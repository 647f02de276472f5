/** @file io/hdf5/h5origin.h
 * Where a bundle file says that it came from.
 */
#ifndef BP_IO_HDF5_H5ORIGIN_H
#define BP_IO_HDF5_H5ORIGIN_H

#include "io/source_state.h"

/** Read the origin of a bundle file. Threads: any.
 *
 * @param[out] origin  on success owned: bp__origin_fini(); what the file does not tell is 0
 * @retval BP_ENOTFOUND, BP_EFORMAT, BP_EIO, BP_ENOMEM
 */
bp_status bp__h5_origin(const char *path, bp__origin *origin);

/** Keep another state of the source in a bundle file that was made from the same content. The file is
 *  replaced as a whole; nothing else in it changes.
 *  @retval BP_EFORMAT, BP_EIO, BP_ENOMEM  the old file is untouched */
bp_status bp__h5_restamp(const char *path, const bp__source_seen *seen);

/** What is to be said about the source of a bundle file: that it has changed, or is gone. Looks, and reads
 *  nothing.
 *
 * @param[in] bundle  how `bundle sync` would be told which bundle
 * @return false if there is nothing to say: the same, not known, or the file cannot be read, which others
 * tell
 */
bool bp__h5_source_note(const char *path, const char *bundle, char *text, size_t size);

#endif
