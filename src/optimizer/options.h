/** @file src/optimizer/options.h
 * What the command line and the environment ask for.
 */
#ifndef BP_OPTIMIZER_OPTIONS_H
#define BP_OPTIMIZER_OPTIONS_H

#include "backtest/lookahead.h"
#include "cli/program.h"
#include "optimizer/provider.h"
#include "optimizer/sheets.h"
#include "search/rerun.h"
#include "search/search.h"

/** Commands, each with its bit in the table of options. */
enum { BP__SEARCH = 1, BP__MERGE = 2, BP__COMPARE = 4, BP__RUN = 8, BP__DOCTOR = 16 };

typedef struct bp__options {
    const bp__command *command; /**< NULL: the command line has failed before it was known */
    bool help, version, list_strategies, list_metrics, json;
    const char *list_of;       /**< whose strategies are listed; borrowed from argv; NULL: what is built in */
    const bp_strategy *listed; /**< the one of them that was named; NULL: all */
    bp__spec spec;             /**< search */
    bp__conduct conduct;       /**< search; what it borrows is owned here */
    bool dry_run;
    uint64_t ranks; /**< that a dry run is about; 0: those of this job */
    uint64_t top;
    const char *out; /**< borrowed from argv; NULL: no file */
    const char
        *sheet[4]; /**< files of what one run did, by a bp__sheet_kind; borrowed from argv; NULL: none */
    bool replace;  /**< whatever results are there */
    const bp__provider *provider;    /**< the caller's; borrowed; NULL: none */
    const bp__provider *provided_by; /**< whose the strategy is; NULL: it is built in */
    bp__provided provided;           /**< what it is from, if it is not */
    double timeout_s;                /**< for one backtest; 0: none */
    bool check_lookahead;            /**< in place of a search, or of a run */
    uint64_t lookahead_cuts, lookahead_seed;
    double grace_s;           /**< for what is in hand, when a signal has come */
    double progress_s;        /**< between two lines; 0: none */
    double stats_s;           /**< between two lines; 0: none */
    const char *const *input; /**< [num_inputs] journals to merge, results to compare; borrowed from argv */
    int num_inputs;
    const char *from, *results; /**< earlier results, all of them or a row; borrowed from argv; NULL: none */
    uint64_t row;               /**< BP__NO_TASK: none */
    bp__rerun rerun;            /**< of either */
    char *past_strategy, *past_bundles; /**< that they are of; owned; NULL: not known */
    char *command_line;                 /**< this program and its arguments, for a shell; owned */

    /* As they were given: understood when all options are there. Borrowed from argv. */
    const char *bundle, *bundles, *strategy, *objective, *metrics, *journal, *where, *having;
    const char **param; /**< [num_params], owned */
    int num_params;
    bool no_journal;
    bool doubtful_commission, doubtful_slippage; /**< a bare number that looks like a fraction */
    char *journal_path;                          /**< owned */
} bp__options;

/** Commands and options. The first call makes them: before there is a second thread. */
const bp__program *bp__optimizer(void);

/** Read the environment and the command line; options win. Permutes argv. Needs no MPI.
 *
 * @param[in]  provider  of strategies that are neither built in nor shared objects; borrowed until bp__options_fini();
 *                       NULL: none
 * @param[out] options   bp__options_fini(), after a failure too; borrows from argv
 * @retval BP_ENOMEM    the machine's fault
 * @retval any other    the caller's: the text names the option or the variable */
bp_status bp__options_parse(int argc, char **argv, const bp__provider *provider, bp__options *options);
void bp__options_fini(bp__options *options);

/** Whether help, the version or a list is all that is asked for. */
bool bp__options_only_tell(const bp__options *options);

#endif
