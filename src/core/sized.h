/** @file src/core/sized.h
 * The structs of the public interface that a caller allocates and that grow with the library. Their first
 * member is `size_t size`: what sizeof was where the caller was compiled.
 *
 * An older caller has a shorter struct than the library, a newer one a longer. In both cases nothing behind
 * the caller's size is read or written, and what the other side does not know is taken to be all zeros or its
 * default. docs/abi.md says how such a struct may change. Any thread.
 */
#ifndef BP_CORE_SIZED_H
#define BP_CORE_SIZED_H

#include <stddef.h>

#include "core/status.h"

/** Check that the size in a caller's struct is possible. `least` covers the fields that every release had.
 *  @retval BP_EINVAL  the text names the initialiser of `type` */
bp_status bp__sized_check(const void *theirs, size_t least, const char *type);

/** Copy the fields that the caller's struct has over `own`, which holds the defaults and keeps its size.
 *  @retval BP_EINVAL  a newer caller has set what this library does not know */
bp_status bp__sized_read(const void *theirs, void *own, const char *type);

/** Copy the fields that the caller's struct has room for; those that this library does not know become 0. */
void bp__sized_write(void *theirs, const void *own);

/** Copy `length` bytes into `room`: the rest is cut off, or filled with zeros. */
void bp__copy_into(void *to, size_t room, const void *from, size_t length);

#endif
