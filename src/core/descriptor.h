/** @file src/core/descriptor.h
 * A file that cannot be opened, for the reason that counts: one that is damaged is another matter than a process that
 * has too many open.
 */
#ifndef BP_CORE_DESCRIPTOR_H
#define BP_CORE_DESCRIPTOR_H

#include <stdbool.h>

#include "core/status.h"

/** Whether open() failed with `err` because this process, or the system, has too many files open. */
bool bp__no_descriptor(int err);

/** Report that a file could not be opened. @param label  how errors name it
 *  @retval BP_ESYS  too many are open; the text names the limit
 *  @retval BP_EIO   any other reason */
bp_status bp__open_failed(const char *label, int err);

#endif
