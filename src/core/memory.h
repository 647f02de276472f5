/** @file src/core/memory.h
 * How much shared memory this machine can give: the file system behind it, free memory, the limits of the
 * cgroups that this process is in, and what Slurm gave the job. (Slurm may enforce that without a cgroup: it
 * checks now and then, and kills.) Not collective; any thread.
 */
#ifndef BP_CORE_MEMORY_H
#define BP_CORE_MEMORY_H

#include "core/status.h"

#include <stdint.h>

#define BP__SHM_DIR "/dev/shm"

/** Bytes that a pool cannot do without. */
#define BP__LEAST_BUDGET (UINT64_C(1) << 20)

typedef struct bp__memory {
    uint64_t shm_free;  /**< of the folder of shared memory; UINT64_MAX where there is none */
    uint64_t available; /**< MemAvailable */
    uint64_t cgroup;    /**< least headroom of this process's memory cgroups; UINT64_MAX: no limit */
    uint64_t slurm;     /**< of the job on this node, used or not; UINT64_MAX: no job, or no limit */
    uint64_t shm_size;  /**< of that folder's file system, used or not; 0 where there is none */
} bp__memory;

/** Where the least of them comes from. */
typedef enum bp__memory_source { BP__SHM, BP__AVAILABLE, BP__CGROUP, BP__SLURM } bp__memory_source;

/** Find out all of it, for shared memory in BP__SHM_DIR. @retval BP_ESYS  /proc cannot be read */
bp_status bp__memory_look(bp__memory *memory);

/** The same for shared memory in another folder; NULL: in none. */
bp_status bp__memory_look_at(const char *folder, bp__memory *memory);

/** The least of the four. @param[out] source  which one it is; may be NULL */
uint64_t bp__memory_least(const bp__memory *memory, bp__memory_source *source);

/** Bytes that one window may have by what its folder has free: Open MPI refuses one that is larger than that less a
 *  margin, though it reserves nothing. */
uint64_t bp__memory_window(const bp__memory *memory);

/** Name of a source for messages, such as "/dev/shm". */
const char *bp__memory_source_name(bp__memory_source source);

#endif
