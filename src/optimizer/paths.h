/** @file src/optimizer/paths.h
 * Which bundles, journal and files a command line means.
 */
#ifndef BP_OPTIMIZER_PATHS_H
#define BP_OPTIMIZER_PATHS_H

#include "optimizer/options.h"

/** Names of one or several bundles, all of one folder, which becomes the configuration's.
 *  @param[in] several  the text is a list @retval BP_EINVAL  the text names the option @retval BP_ENOMEM */
bp_status bp__find_bundles(bp__options *options, const char *text, bool several);

/** Where the journal is, if there is one. @retval BP_EINVAL, BP_ENOMEM */
bp_status bp__choose_journal(bp__options *options);

#endif
