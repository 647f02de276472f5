/** @file io/hdf5/h5util.h
 * Careful use of libhdf5: one lock, one way to report errors, files, datasets.
 *
 * Threads: libhdf5 admits one thread at a time, so everything below bp__h5_lock() is called between it
 * and bp__h5_unlock(). Errors name file and dataset and quote HDF5's innermost reason.
 *
 * A file must stand for itself, because only its own identity is watched: soft and external links,
 * external storage and virtual datasets are refused.
 */
#ifndef BP_IO_HDF5_H5UTIL_H
#define BP_IO_HDF5_H5UTIL_H

#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/image.h"
#include "io/hdf5/h5input.h"

#define BP__H5_PATH_MAX 96   /**< bytes of a dataset's path, NUL included */
#define BP__H5_TEXT_MAX 4096 /**< bytes of a text, without NUL */

/** Take the process-wide lock of libhdf5, and silence HDF5's own printing for this thread. */
void bp__h5_lock(void);
void bp__h5_unlock(void);

typedef struct bp__h5file {
    const char *label; /**< borrowed: how errors name the file */
    hid_t id;
    uint64_t bytes;    /**< size of the file */
    bp__h5input input; /**< of a file that is read: it must stay in its place while it is open */
} bp__h5file;

/** Open the very file that `fd` has open, for reading. The descriptor stays the caller's; nothing is opened.
 *  @retval BP_EFORMAT, BP_EIO, BP_ENOMEM */
bp_status bp__h5_open(const char *label, int fd, uint64_t bytes, bp__h5file *file);

/** Safe on a file that was zeroed or closed. */
void bp__h5_close(bp__h5file *file);

/** Report a failed HDF5 call: "LABEL: PATH: what (reason)". BP_EIO if reading failed, BP_ESYS if
 *  no descriptor was left, else BP_EFORMAT. */
bp_status bp__h5_fail(const bp__h5file *file, const char *path, const char *what);

/** Whether the reason of the HDF5 call that has failed contains a text. */
bool bp__h5_failed_with(const char *text);

/** Whether there is an object at an absolute path. @retval BP_EFORMAT  a link, or damaged */
bp_status bp__h5_find(const bp__h5file *file, const char *path, bool *found);

/** An open dataset. */
typedef struct bp__h5set {
    char path[BP__H5_PATH_MAX];
    hid_t id, type, space, dcpl;
    int rank;
    uint64_t shape[2]; /**< {n, 1} for one dimension */
} bp__h5set;

/** Open a dataset that must be there, with `rank` dimensions and only filters that can be undone.
 *  @param[out] set  on success owned: bp__h5_close_set() */
bp_status bp__h5_open_set(const bp__h5file *file, const char *path, int rank, bp__h5set *set);
void bp__h5_close_set(bp__h5set *set);

/** Describe a type, such as "4-byte float". */
void bp__h5_type_text(hid_t type, char *text, size_t size);

#endif
