/** @file src/cli/locate.h
 * Which bundle an argument of a command line means.
 */
#ifndef BP_CLI_LOCATE_H
#define BP_CLI_LOCATE_H

#include <stddef.h>

#include <bundlepool/bundle.h>
#include <bundlepool/config.h>

#include "core/status.h"

/** The folder of the bundles: `root_option` if not NULL, else $BUNDLEPOOL_ROOT if set and not empty, else
 *  as the administrator's file says, else "bundles". Borrowed; main thread. */
const char *bp__root(const char *root_option);

/** Split an argument into root and name. One that ends in ".h5" is a path: its folder is the root, its
 *  stem the name. Anything else is a name, below bp__root(root_option).
 *
 * @param[out] root  NUL-terminated, of `root_size` bytes; untouched on failure, as `name`
 * @retval BP_EINVAL  the name is not allowed, or something is too long
 */
bp_status bp__locate(const char *arg, const char *root_option, char *root, size_t root_size, char *name,
                     size_t name_size);

/** A bundle on a command line, found: names only, nothing is opened. */
typedef struct bp__target {
    char root[BP_PATH_MAX];
    char name[BP_NAME_MAX + 1];
    char path[BP_PATH_MAX + BP_NAME_MAX + 8]; /**< ROOT/NAME.h5 */
} bp__target;

/** The same, with the path. @retval BP_EINVAL  as bp__locate() */
bp_status bp__target_find(const char *arg, const char *root_option, bp__target *target);

#endif
