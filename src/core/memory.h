/** @file src/core/memory.h
 * How much shared memory this machine can give: the file system behind it, free memory, and the limits of
 * the cgroups that this process is in. Not collective; any thread.
 */
#ifndef BP_CORE_MEMORY_H
#define BP_CORE_MEMORY_H

#include "core/status.h"

#include <stdint.h>

#define BP__SHM_DIR "/dev/shm"

typedef struct bp__memory {
    uint64_t shm_free;  /**< of BP__SHM_DIR; UINT64_MAX where there is none */
    uint64_t available; /**< MemAvailable */
    uint64_t cgroup;    /**< least headroom of the memory cgroups above; UINT64_MAX: no limit */
} bp__memory;

/** Look. @retval BP_ESYS  /proc cannot be read */
bp_status bp__memory_look(bp__memory *memory);

/** The least of the three. */
uint64_t bp__memory_least(const bp__memory *memory);

#endif
