/** @file src/bundle/folder.h
 * A folder that is made for what is to be written into it, and goes again if nothing comes of that.
 */
#ifndef BP_BUNDLE_FOLDER_H
#define BP_BUNDLE_FOLDER_H

#include <stdbool.h>

#include <bundlepool/config.h>

#include "core/status.h"

typedef struct bp__folder {
    char path[BP_PATH_MAX];
    bool made[BP_PATH_MAX]; /**< whether the first so many bytes are a folder that we have made */
} bp__folder;

/** Like mkdir -p. Again for the same folder: what somebody has removed meanwhile is made.
 *  @param[in,out] folder  {0} before the first time
 *  @retval BP_EIO  something on the way is no folder, or cannot be made: what we have made is gone again */
bp_status bp__folder_make(bp__folder *folder, const char *path);

/** Remove what we have made of it, as far as it is empty. */
void bp__folder_unmake(bp__folder *folder);

#endif
