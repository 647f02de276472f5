/** @file src/optimizer/out.h
 * Whether the files that the command line names may be written.
 */
#ifndef BP_OPTIMIZER_OUT_H
#define BP_OPTIMIZER_OUT_H

#include "optimizer/options.h"

/** Whether results may replace what --out names, as far as it is known what they are of. Writes nothing.
 *  @param[in] content  [spec->num_bundles] hashes, "" where they are not known; NULL: none is
 *  @retval BP_EINVAL  no; the text says what is there @retval BP_ENOMEM */
bp_status bp__check_out(const bp__options *options, const bp__spec *spec,
                        char (*content)[BP__HASH_DIGITS + 1]);

#endif
