/** @file io/ingest/unpack.h
 * Decompressors, as one stream of text: gzip, bzip2, xz and zstd by their libraries, and plain text.
 *
 * Files may consist of several members (streams, frames), as the formats allow. A file that ends within
 * one, and bytes behind the last one, are errors: half of the rows in silence is what must not happen.
 * Zeros that pad a file at its end are passed over, as gzip and xz do. One thread per unpacker.
 */
#ifndef BP_IO_INGEST_UNPACK_H
#define BP_IO_INGEST_UNPACK_H

#include <stdbool.h>
#include <stddef.h>

#include "core/status.h"

typedef struct bp__unpack bp__unpack;

typedef enum bp__packing { BP__PLAIN, BP__GZIP, BP__BZIP2, BP__XZ, BP__ZSTD, BP__NUM_PACKINGS } bp__packing;

/** "plain text", "gzip", … */
const char *bp__packing_name(bp__packing packing);

/** Length of a name without a suffix of compression, in any case: 5 of "A.csv.GZ"; `packing` is what the
 * suffix says. */
size_t bp__packing_of_name(const char *name, bp__packing *packing);

/** What the first bytes of a file say. @param[in] size  6 or more, or the whole file */
bp__packing bp__packing_of_bytes(const void *bytes, size_t size);

/** @param[in] label  how errors name the file; borrowed
 *  @retval BP_EFORMAT  the program was built without this library: only gzip is always there
 *  @retval BP_ENOMEM */
bp_status bp__unpack_create(bp__packing packing, const char *label, bp__unpack **unpack);
void bp__unpack_destroy(bp__unpack **unpack);

/** Take some stored bytes and give some text. Call it with what is left of the stored bytes until `*taken`
 * and `*given` are both 0: then it wants more of them.
 *
 * @param[in] last  no stored bytes follow those of `in`
 * @retval BP_EFORMAT  damaged, cut off, or bytes behind the end
 * @retval BP_ENOMEM
 */
bp_status bp__unpack_run(bp__unpack *unpack, const void *in, size_t size, bool last, size_t *taken, char *out,
                         size_t room, size_t *given);

#endif
