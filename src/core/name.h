/** @file src/core/name.h
 * Names of bundles: which are allowed, and where their files are.
 */
#ifndef BP_CORE_NAME_H
#define BP_CORE_NAME_H

#include <stddef.h>

#include <bundlepool/bundle.h>

#include "core/status.h"

/** What the name of a bundle's file ends in. */
#define BP__FILE_SUFFIX ".h5"

/** @retval BP_EINVAL  not 1..63 bytes of [A-Za-z0-9._-], or it begins with '.' */
bp_status bp__bundle_name_check(const char *name);

/** ROOT/NAME.h5, after checking the name. @retval BP_EINVAL  the name, or the path is too long */
bp_status bp__bundle_path(const char *root, const char *name, char *path, size_t size);

#endif
