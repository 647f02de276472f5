/** @file src/backtest/description.h
 * Whether what a file tells of its strategies can be relied on. Everything behind this check takes a `bp_strategy` as
 * its header describes it; so it is made once, for every strategy, before anything is asked of one.
 */
#ifndef BP_BACKTEST_DESCRIPTION_H
#define BP_BACKTEST_DESCRIPTION_H

#include <bundlepool/strategy.h>

#include "core/status.h"

/** What strategies, parameters and words may be called: as <bundlepool/strategy.h> says; or as names are in other
 *  languages, with A-Z, with _ first, and in words . and - as well. */
typedef enum bp__naming { BP__NAMES_OF_PLUGINS, BP__NAMES_OF_ANY_CASE } bp__naming;

/** Check a module and all of its strategies.
 *
 * @param[in] file    how errors name where it comes from
 * @param[in] module  NULL: the file's function has refused this program
 * @retval BP_EFORMAT  the text names the file, the strategy, its parameter, and what is wrong */
bp_status bp__description_check(const char *file, const bp_module *module, bp__naming naming);

/** Whether a parameter, as a journal has it, is called as the parameters of a strategy may be, and its words likewise, each of
 *  them once. */
bool bp__description_is_named(const bp_param *param);

/** The names of strategies, as many as there is room for. @param[out] text  [size], enough for a name @return `text` */
const char *bp__description_names(const bp_strategy *const *strategy, size_t count, char *text, size_t size);

/** None of several strategies has been chosen. @param[in] name  how they are named together: a path
 *  @retval BP_EINVAL  always; the text lists them */
bp_status bp__description_not_chosen(const char *name, const bp_strategy *const *strategy, size_t count);

#endif
