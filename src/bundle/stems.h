/** @file src/bundle/stems.h
 * Names of files for assets: the symbol where that is a name, else one made of it and the sid.
 *
 * A stem is made of A-Z a-z 0-9 . _ - and begins with none of the last three; it is at most 100 bytes long,
 * no device of DOS, and no two differ in case only: a folder of them can be copied to any file system.
 */
#ifndef BP_BUNDLE_STEMS_H
#define BP_BUNDLE_STEMS_H

#include <stddef.h>
#include <stdint.h>

#include "core/status.h"

typedef struct bp__stem_of {
    int64_t sid;
    const char *symbol; /**< borrowed */
    char decimal[24];   /**< the sid: the symbol where there is no other */
    char *stem;         /**< owned, once made: bp__stems_free() */
} bp__stem_of;

/** Make the stems of all assets.
 *  @param[in,out] asset  [n], stems NULL; to be freed, on failure too
 *  @retval BP_ENOMEM */
bp_status bp__stems_make(bp__stem_of *asset, size_t n);
void bp__stems_free(bp__stem_of *asset, size_t n);

#endif
