/** @file io/ingest/input.h
 * A text file of a source, as a stream: opened with care, unpacked, and hashed on the way.
 *
 *  1. bp__input_open(): only a regular file, never a FIFO or device, and no link that leads out of the
 *  source's folder.
 *  2. bp__input_read() until it gives nothing.
 *  3. bp__input_finish(): what was read, and whether it stayed as it was meanwhile.
 *  4. bp__input_close(), at any time.
 *
 * What the file holds decides how it is unpacked. A suffix that says otherwise is an error, unless the file
 * is plain text: programs that fetch files sometimes unpack them and leave their names. Memory: some 100
 * KiB, and what the decompressor wants. One thread per input.
 */
#ifndef BP_IO_INGEST_INPUT_H
#define BP_IO_INGEST_INPUT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/status.h"

typedef struct bp__input bp__input;

/** What was read, for the origin of a bundle. */
typedef struct bp__input_stamp {
    uint64_t size; /**< stored bytes */
    int64_t time;  /**< of modification, ns */
    char hash[65]; /**< SHA-256 of the stored bytes in hex */
} bp__input_stamp;

/** @param[in] within  real path of a folder that the file must be in once every link is followed; NULL:
 * anywhere
 *  @param[in] read    stored bytes are added to it while they are read, for progress; NULL: nobody looks
 *  @retval BP_ENOTFOUND  no such file
 *  @retval BP_EFORMAT    not a regular file, a link out of the folder, an archive, or not what its suffix
 *    says
 *  @retval BP_EIO, BP_ENOMEM */
bp_status bp__input_open(const char *path, const char *within, _Atomic uint64_t *read, bp__input **input);
void bp__input_close(bp__input **input);

/** No more text than that: what unpacks to more is an error. For files whose text is held in memory. */
void bp__input_limit(bp__input *input, uint64_t most);

/** Plain text, although the suffix says that it is compressed. */
bool bp__input_is_misnamed(const bp__input *input);

/** The next text. @param[out] got  0 at the end, which is the true one: a file that is cut off is an error
 *  @retval BP_EFORMAT  damaged; BP_EIO, BP_ENOMEM */
bp_status bp__input_read(bp__input *input, char *text, size_t room, size_t *got);

/** After the end. @retval BP_ECHANGED  the file was written to while it was read */
bp_status bp__input_finish(bp__input *input, bp__input_stamp *stamp);

#endif
