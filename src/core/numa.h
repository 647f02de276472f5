/** @file src/core/numa.h
 * NUMA domains: which of them a set of processors belongs to, and laying pages over them in turn.
 *
 * Otherwise a bundle's pages lie where they are first touched: in the domain of the few threads that decoded it,
 * so that the ranks of the other domains read through one link, and one memory serves all. The kernel is asked
 * by its own call, without libnuma. Not collective; any thread.
 */
#ifndef BP_CORE_NUMA_H
#define BP_CORE_NUMA_H

#include <sched.h>
#include <stddef.h>

#include "core/status.h"

#define BP__NUMA_FOLDER "/sys/devices/system/node"
#define BP__MAX_DOMAINS 1024u /* as many as Linux can have */

typedef struct bp__domains {
    unsigned long
        mask[BP__MAX_DOMAINS / (8 * sizeof(unsigned long))]; /**< a bit for each, as mbind(2) has it */
    unsigned count;
} bp__domains;

/** The domains that have memory and at least one of these processors. None where the system tells of none.
 *  @param[in] folder  BP__NUMA_FOLDER, but for tests */
void bp__domains_find(const char *folder, const cpu_set_t *cpus, bp__domains *domains);

/** From now on the pages of shared memory that become real lie in these domains in turn, whichever process
 * touches
 *  them first. @param[in] memory  on a page
 *  @retval BP_ESYS  the kernel does not do that; pages lie where they are first touched */
bp_status bp__domains_interleave(const bp__domains *domains, void *memory, size_t bytes);

#endif
