/** @file src/optimizer/options.h
 * What the command line and the environment ask for.
 */
#ifndef BP_OPTIMIZER_OPTIONS_H
#define BP_OPTIMIZER_OPTIONS_H

#include <bundlepool/config.h>

#include "optimizer/grid.h"

typedef enum bp__action { BP__SEARCH, BP__HELP, BP__VERSION, BP__LIST_STRATEGIES } bp__action;

typedef struct bp__options {
    bp__action action; /**< but for `json`, the rest is for BP__SEARCH only */
    bool json;
    bp_config cfg;              /**< with the bundle's folder as root */
    char name[BP_NAME_MAX + 1]; /**< of the bundle */
    bp__grid grid;
    unsigned objective; /**< as bp__objective_at() numbers them */
    uint64_t top;
    int64_t start, end; /**< BP_TIME_MISSING: from the first, to the last session */
    char **symbols;     /**< NULL-terminated, owned; NULL: all */
    bp__account account;
    const char *out; /**< borrowed from argv; NULL: no file */
} bp__options;

/** Read the environment and the command line; options win. Permutes argv.
 *
 * @param[out] options  bp__options_fini(), after a failure too; borrows from argv
 * @retval BP_ENOMEM    the machine's fault
 * @retval any other    the caller's: the text names the option or the variable */
bp_status bp__options_parse(int argc, char **argv, bp__options *options);
void bp__options_fini(bp__options *options);

#endif
