/** @file io/spill.h
 * Bytes that have to wait somewhere: the first of them in memory, up to a fixed amount, all others in a file.
 *
 * The file has no name: nothing is left behind however the program ends. Most inputs never reach it, and need no kernel
 * for what is put down and picked up again. Bytes have addresses, from 0 on, which the caller hands out. Threads: any,
 * each in bytes of its own.
 */
#ifndef BP_IO_SPILL_H
#define BP_IO_SPILL_H

#include <stddef.h>
#include <stdint.h>

#include "core/status.h"

/** What stays in memory at most. It is taken page by page. */
#define BP__SPILL_MEMORY (UINT64_C(64) << 20)

typedef struct bp__spill {
    int fd;       /**< bytes from `room` on */
    char *label;  /**< how errors name it: its folder; owned */
    char *memory; /**< bytes before `room`; mapped; NULL: none */
    uint64_t room;
} bp__spill;

/** @param[in] folder  where the file goes; NULL: it is a memory file, for what is small
 *  @retval BP_EIO     no file can be made in the folder; the text names it
 *  @retval BP_ENOMEM
 *  On failure there is nothing to free. */
bp_status bp__spill_init(bp__spill *spill, const char *folder);
void bp__spill_fini(bp__spill *spill);

/** @retval BP_EIO  no space; the text names the folder */
bp_status bp__spill_write(const bp__spill *spill, const void *bytes, size_t size, uint64_t at);

/** Read what was written. @retval BP_EIO */
bp_status bp__spill_read(const bp__spill *spill, void *bytes, size_t size, uint64_t at);

/** What was written, where it is in memory: good until fini(). NULL: it is not, or not all of it */
const void *bp__spill_look(const bp__spill *spill, size_t size, uint64_t at);

#endif
