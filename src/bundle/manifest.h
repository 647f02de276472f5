/** @file src/bundle/manifest.h
 * What an export wrote into its folder: a newer one removes these files, and only as long as they are what was written.
 *
 * The list is a file of the folder itself, `.export`, with a line for each of the others, in the order of their paths:
 *
 *     CRC-32 of what is in it, in eight hex digits; its bytes; its path in the folder, such as daily/AAPL.csv
 *
 * Its name is hidden: it holds no bars, and cannot be the name of a symbol's file. One thread.
 */
#ifndef BP_BUNDLE_MANIFEST_H
#define BP_BUNDLE_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>

#include "io/draft.h"
#include "io/ingest/csvlist.h"

#define BP__MANIFEST      BP__EXPORT_LIST
#define BP__MANIFEST_PART BP__MANIFEST ".part" /**< what a kill leaves of it */

typedef struct bp__manifest_file {
    char *path; /**< owned */
    uint64_t bytes;
    uint32_t crc;
} bp__manifest_file;

typedef struct bp__manifest {
    BP__TABLE(bp__manifest_file) files; /**< by path, once written or read */
} bp__manifest;

/** @param[in] folder  within the exported one; "": that itself */
bp_status bp__manifest_add(bp__manifest *manifest, const char *folder, const char *name, uint64_t bytes,
                           uint32_t crc);

/** Create the list in an open folder that has none, as a whole. @param[in] label  how errors name the folder
 *  @retval BP_EIO, BP_ENOMEM */
bp_status bp__manifest_write(bp__manifest *manifest, int folder, const char *label);

/** @param[out] manifest  empty where it fails
 *  @retval BP_ENOTFOUND  the folder has none
 *  @retval BP_EFORMAT    what has that name is no such list: the text says which line
 *  @retval BP_EIO, BP_ENOMEM */
bp_status bp__manifest_read(int folder, const char *label, bp__manifest *manifest);

/** @return borrowed; NULL: it lists no such file */
const bp__manifest_file *bp__manifest_find(const bp__manifest *manifest, const char *folder,
                                           const char *name);

/** Whether a file of an open folder is a regular one and holds what was written. Reads all of it. */
bool bp__manifest_matches(const bp__manifest_file *file, int folder, const char *name);

void bp__manifest_fini(bp__manifest *manifest);

#endif
