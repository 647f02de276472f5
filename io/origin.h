/** @file io/origin.h
 * Where a bundle came from: kept in its file as attributes of the root, so that it can be made again.
 * It is no part of the content: it is in no hash and in no image.
 */
#ifndef BP_IO_ORIGIN_H
#define BP_IO_ORIGIN_H

#include <stdint.h>

#include "core/status.h"

typedef struct bp__origin {
    char maker[16];  /**< command that made the file, "demo"; "": not known */
    char source[16]; /**< name of the kind of source, "csvdir"; "": not known, everything that follows is 0 */
    char *path;      /**< absolute, of the folder or file; owned */
    char *options;   /**< as given, one per line: "--timezone=America/New_York"; owned; NULL: none */
    int64_t time;    /**< newest modification of anything that was read, ns */
    uint64_t files;  /**< how many were read */
    uint64_t stamp;  /**< of names, sizes and times of all files (io/source_state.h); 0: not known */
    char content
        [72]; /**< SHA-256 in hex over names and bytes of all that was read, in the order of the names */
} bp__origin;

void bp__origin_fini(bp__origin *origin);

#endif
