/** @file src/core/config.h
 * What the library itself needs of a configuration, beyond the public functions.
 */
#ifndef BP_CORE_CONFIG_H
#define BP_CORE_CONFIG_H

#include <bundlepool/config.h>

#include "core/status.h"

#define BP__MAX_POOL_SIZE 4096

/** Take over a caller's configuration, which may be shorter or longer than ours: `own` is whole, with
 *  defaults for what the caller's does not have. On failure `own` holds the defaults.
 *  @retval BP_EINVAL  its size is not possible, or a newer caller has set what this library does not know */
bp_status bp__config_read(const bp_config *theirs, bp_config *own);

/** Name of the first field in which two whole configurations of one pool may not differ but do; NULL if none.
 *  */
const char *bp__config_difference(const bp_config *a, const bp_config *b);

#endif
