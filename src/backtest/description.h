/** @file src/backtest/description.h
 * Whether what a file tells of its strategies can be relied on. Everything behind this check takes a `bp_strategy` as
 * its header describes it; so it is made once, for every strategy, before anything is asked of one.
 */
#ifndef BP_BACKTEST_DESCRIPTION_H
#define BP_BACKTEST_DESCRIPTION_H

#include <bundlepool/strategy.h>

#include "core/status.h"

/** Check a module and all of its strategies.
 *
 * @param[in] file    how errors name where it comes from
 * @param[in] module  NULL: the file's function has refused this program
 * @retval BP_EFORMAT  the text names the file, the strategy, its parameter, and what is wrong */
bp_status bp__description_check(const char *file, const bp_module *module);

#endif
