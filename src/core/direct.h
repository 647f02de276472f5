/** @file src/core/direct.h
 * A load without a pool: private memory, filled by the calling thread.
 */
#ifndef BP_CORE_DIRECT_H
#define BP_CORE_DIRECT_H

#include "core/bundle.h"
#include "core/loader.h"

/** Read ROOT/NAME.h5 as `loader` reads it: bp_bundle_load() with a loader of the caller's choice.
 *
 * Threads: any.  Blocks: on the disk, and until a file that was just written has settled.
 *
 * @param[in]  loader  borrowed during the call
 * @param[out] bundle  owned: bp_bundle_release(); NULL on failure
 *
 * @retval BP_ECHANGED  the file changed during each of several attempts to read it
 * @retval any          what bp__bundle_path() and the loader return */
bp_status bp__direct_load(const bp__loader *loader, const char *root, const char *name,
                          const bp_bundle **bundle);

#endif
