/** @file parser/confine.h
 * What a process may no longer do from now on.
 */
#ifndef BP_PARSER_CONFINE_H
#define BP_PARSER_CONFINE_H

#include <stdbool.h>
#include <stdint.h>

/** Close every descriptor from `first` on. */
bool bp__close_from(int first);

/** Limit this process: at most `memory` bytes of address space more than now (a sanitized build has no such limit), no
 *  core, no byte in any file, no further descriptor, no further process; where there is seccomp, no system call but
 *  those that reading, writing to what is open, memory and ending take.
 *  @return false with errno: a limit could not be set */
bool bp__confine(uint64_t memory);

/** Whether system calls are limited as well. */
bool bp__confines_calls(void);

#endif
