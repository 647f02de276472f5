/** @file src/bundle/command.h
 * The subcommands of `bundle`, and what the command line tells them.
 *
 * A subcommand prints its result to stdout and returns a status; main() prints the error and makes the exit
 * code: BP_EINVAL is wrong usage, everything else a failure.
 */
#ifndef BP_BUNDLE_COMMAND_H
#define BP_BUNDLE_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include <bundlepool/config.h>

#include "io/hdf5/h5write.h"
#include "io/ingest/demo.h"
#include "io/ingest/source.h"
#include "io/source_state.h"
#include "reader/audit_series.h"

/** For `bundle sync`: a bundle is made unless its source holds what it held. */
typedef struct bp__make_unless {
    const char *content;  /**< of the origin; borrowed */
    bool same, made;      /**< what came of it */
    bp__source_seen seen; /**< of the source, as it is now */
} bp__make_unless;

typedef struct bp__command_line {
    char **arg;       /**< arguments that are no options, as many as the subcommand takes; borrowed */
    const char *root; /**< --root, or NULL; borrowed */
    bool help, json;
    bp__demo_options demo;
    bp__ingest_options ingest;
    uint64_t max_errors; /**< of each severity that are told in words */
    bp__write_filter filter;
    bool replace;               /**< what has the name already; of an export: if an older one made it */
    bp__make_unless *unless;    /**< NULL: made in any case; borrowed */
    bp__audit_thresholds audit; /**< verify: from where on something is told */
    uint64_t most;              /**< how many findings of a kind, or differences, are told in words */
    double lightest;            /**< verify: what weighs less is no finding */
    bool strict;                /**< verify: a finding makes exit code 1 */
    bool per_asset;             /**< info --assets */
    int *code;                  /**< exit code of a success: 0 unless the subcommand says otherwise */
} bp__command_line;

/* What each subcommand does, as bp__command.run. */
bp_status bp__run_demo(const void *command_line);
bp_status bp__run_ingest(const void *command_line);
bp_status bp__run_import(const void *command_line);
bp_status bp__run_export(const void *command_line);
bp_status bp__run_sync(const void *command_line);
bp_status bp__run_info(const void *command_line);
bp_status bp__run_list(const void *command_line);
bp_status bp__run_version(const void *command_line);
bp_status bp__run_verify(const void *command_line);
bp_status bp__run_diff(const void *command_line);
bp_status bp__run_doctor(const void *command_line);

#endif
