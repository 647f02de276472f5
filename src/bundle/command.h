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

typedef struct bp__command_line {
    const char *arg[2]; /**< positional arguments, as many as the subcommand takes; borrowed */
    const char *root;   /**< --root, or NULL; borrowed */
    bool json;
    const bp__ingest_source *source; /**< of ingest */
    bp__demo_options demo;
    bp__write_filter filter;
} bp__command_line;

/** A bundle on the command line, found: names only, nothing is opened. */
typedef struct bp__target {
    char root[BP_PATH_MAX];
    char name[BP_NAME_MAX + 1];
    char path[BP_PATH_MAX + BP_NAME_MAX + 8]; /**< ROOT/NAME.h5 */
} bp__target;

/** @retval BP_EINVAL  no name of a bundle */
bp_status bp__target_find(const char *arg, const bp__command_line *line, bp__target *target);

bp_status bp__run_demo(const bp__command_line *line);
bp_status bp__run_ingest(const bp__command_line *line);
bp_status bp__run_info(const bp__command_line *line);
bp_status bp__run_list(const bp__command_line *line);
bp_status bp__run_version(const bp__command_line *line);
bp_status bp__run_verify(const bp__command_line *line);

/** "2010-01-04", with " HH:MM" where the time is no midnight, "-" where it is missing.
 *  @return `text` */
const char *bp__time_text(int64_t ns, char text[32]);

/** "12.3 MiB". @return `text` */
const char *bp__bytes_text(uint64_t bytes, char text[32]);

#endif
