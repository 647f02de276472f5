/** @file io/ingest/sealed.h
 * Files of a folder that anybody may have made: only regular files below it are read, and each is remembered
 * with its hash.
 *
 * A link is followed if what it leads to lies below the folder. What is a FIFO, a device, a folder where a
 * file should be, or lies elsewhere is refused before it is opened for reading. Names are relative to the
 * folder.
 *
 *  1. bp__sealed_open(); what the folder looks like then is its state (io/origin.h).
 *  2. bp__sealed_load(), bp__sealed_path() for each file; from any thread.
 *  3. bp__sealed_content(): the hash of all that was read.
 *  4. bp__sealed_close().
 */
#ifndef BP_IO_INGEST_SEALED_H
#define BP_IO_INGEST_SEALED_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "core/hash.h"
#include "io/draft.h"

typedef struct bp__sealed_file {
    char *name; /**< owned */
    char hash[BP__HASH_TEXT];
} bp__sealed_file;

typedef struct bp__sealed {
    char *root; /**< absolute, without links; owned */
    pthread_mutex_t lock;
    BP__TABLE(bp__sealed_file) files; /**< that were read, under the lock */
} bp__sealed;

/** @retval BP_ENOTFOUND, BP_EIO, BP_EFORMAT  there is no such folder, or it is none */
bp_status bp__sealed_open(const char *folder, bp__sealed *sealed);

/** A zeroed one is allowed. */
void bp__sealed_close(bp__sealed *sealed);

/** Open a file or a folder below it. Threads: any.
 *
 * @param[in]  type  S_IFREG or S_IFDIR
 * @param[out] fd    owned
 * @retval BP_ENOTFOUND  nothing there
 * @retval BP_EFORMAT    something else, or it leads out of the folder; the text names it
 */
bp_status bp__sealed_get(const bp__sealed *sealed, const char *name, unsigned type, int *fd);

/** Read a whole file. Threads: any.
 *
 * @param[in]  most   bytes that it may have
 * @param[out] bytes  owned (free); NUL behind the last one
 * @retval BP_ENOTFOUND, BP_EFORMAT, BP_EIO, BP_ENOMEM  as bp__sealed_get(), or it is longer than that
 */
bp_status bp__sealed_load(bp__sealed *sealed, const char *name, uint64_t most, char **bytes, size_t *size);

/** Where a regular file is, for a library that opens it by its path; hashed now. @param[out] path  owned
 *  (free) */
bp_status bp__sealed_path(bp__sealed *sealed, const char *name, char **path);

/** Whether there is a regular file (or, with S_IFDIR, a folder) of that name, as bp__sealed_get() would open.
 *  What is there and must not be read is an error. */
bp_status bp__sealed_has(const bp__sealed *sealed, const char *name, unsigned type, bool *there);

typedef struct bp__sealed_names {
    BP__TABLE(char *) name; /**< in the order of bytes; owned */
} bp__sealed_names;

/** Names in a folder below it, but hidden ones. @param[in] name  "." for itself */
bp_status bp__sealed_list(const bp__sealed *sealed, const char *name, bp__sealed_names *names);
void bp__sealed_names_fini(bp__sealed_names *names);

/** SHA-256 over names and bytes of all files that were read, in the order of their names. */
bp_status bp__sealed_content(bp__sealed *sealed, char hash[BP__HASH_TEXT]);

#endif
