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

/** The value of a field, for who shows it: which of the three it is, and in which of them it stands. */
typedef struct bp__setting {
    enum { BP__SETTING_BOOL, BP__SETTING_NUMBER, BP__SETTING_TEXT } kind;
    bool truth;
    int64_t number;
    const char *text; /**< of a text, borrowed from the configuration; of a choice, its name, static */
} bp__setting;

/** The value of the i-th field, in the order of bp_config_field(), in a whole configuration.
 *  @return false past the last field */
bool bp__config_value(const bp_config *cfg, unsigned i, bp__setting *value);

/** The most that the administrator's file allows of pool_memory, for a pool that chooses it by itself.
 *  @param[out] origin  "FILE:LINE" @return false: it says nothing of it */
bool bp__config_memory_cap(uint64_t *bytes, char *origin, size_t size);

/** The folder of the bundles as the administrator's file says, or by default. @retval BP_EINVAL, BP_EIO  the file */
bp_status bp__config_file_root(char root[BP_PATH_MAX]);

/** Name of the first field in which two whole configurations of one pool may not differ but do; NULL if none.
 *  */
const char *bp__config_difference(const bp_config *a, const bp_config *b);

#endif
