/** @file src/optimizer/options.h
 * What the command line and the environment ask for.
 */
#ifndef BP_OPTIMIZER_OPTIONS_H
#define BP_OPTIMIZER_OPTIONS_H

#include <bundlepool/bundle.h>
#include <bundlepool/config.h>

#include "optimizer/grid.h"

typedef enum bp__action { BP__SEARCH, BP__MERGE, BP__HELP, BP__VERSION, BP__LIST_STRATEGIES } bp__action;

/** What to do when another version of a bundle turns up while it is tested: go on with the one that is
 * pinned, fail, or test the new one from the start. */
typedef enum bp__on_update { BP__UPDATE_FINISH, BP__UPDATE_FAIL, BP__UPDATE_RESTART } bp__on_update;

typedef char bp__bundle_name[BP_NAME_MAX + 1];

typedef struct bp__options {
    bp__action action; /**< but for `json` and `cfg`, the rest is for BP__SEARCH, some of it for BP__MERGE */
    bool json;
    bp_config cfg;           /**< with the bundles' folder as root */
    bp__bundle_name *bundle; /**< [num_bundles], owned */
    uint64_t num_bundles;
    bool several; /**< named by --bundles: whatever names a combination names its bundle too */
    bp__grid grid;
    uint64_t slice, num_slices; /**< which part, from 1, of how many; 1 of 1 is everything */
    unsigned objective;         /**< as bp__objective_at() numbers them */
    uint64_t top;
    int64_t start, end; /**< BP_TIME_MISSING: from the first, to the last session */
    char **symbols;     /**< NULL-terminated, owned; NULL: all */
    bp__account account;
    const char *out; /**< borrowed from argv; NULL: no file */
    char *journal;   /**< owned; NULL: none */
    bool resume;
    bp__on_update on_update;
    double grace_s;    /**< for what is in hand, when a signal has come */
    double progress_s; /**< between two lines; 0: none */
    double stats_s;    /**< between two lines; 0: none */
    char **input;      /**< [num_inputs] journals to merge; borrowed from argv */
    int num_inputs;
    char *command; /**< this program and its arguments, for a shell; owned */
} bp__options;

/** Whether the command line asks for something that needs no MPI. */
bool bp__options_is_merge(int argc, char **argv);

/** Read the environment and the command line; options win. Permutes argv.
 *
 * @param[out] options  bp__options_fini(), after a failure too; borrows from argv
 * @retval BP_ENOMEM    the machine's fault
 * @retval any other    the caller's: the text names the option or the variable */
bp_status bp__options_parse(int argc, char **argv, bp__options *options);
void bp__options_fini(bp__options *options);

#endif
