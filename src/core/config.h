/** @file src/core/config.h
 * What the library needs of a configuration beside the public face.
 */
#ifndef BP_CORE_CONFIG_H
#define BP_CORE_CONFIG_H

#include <bundlepool/config.h>

#include "core/status.h"

#define BP__MAX_POOL_SIZE 4096

/** Name of the first field in which two configurations of one pool may not differ but do; NULL if none. */
const char *bp__config_difference(const bp_config *a, const bp_config *b);

#endif
