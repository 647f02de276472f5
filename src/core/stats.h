/** @file src/core/stats.h
 * Hands statistics to a caller whose bp_stats, and whose bp_counters inside it, may be shorter or longer than
 * ours.
 *
 * Where the nested counters lie in the caller's struct follows from the sizes in it: behind the fixed head
 * there are three structs of counters of equal size, then what was added to bp_stats later.
 */
#ifndef BP_CORE_STATS_H
#define BP_CORE_STATS_H

#include <bundlepool/stats.h>

#include "core/status.h"

/** @retval BP_EINVAL  a size is not possible, or the nested ones differ */
bp_status bp__stats_check(const bp_stats *theirs);

/** Copy to a struct that passed the check. */
void bp__stats_write(bp_stats *theirs, const bp_stats *own);

#endif
