/** @file io/report.h
 * What is wrong with an input, what was skipped and what was assumed: collected while it is read by several threads,
 * and told in one go, in the order of files and lines.
 *
 * Errors keep a bundle from being made, or, with --keep-going, the file that they are in from being part of it. Warnings
 * and notes keep nothing from anything. Threads: any.
 */
#ifndef BP_IO_REPORT_H
#define BP_IO_REPORT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/status.h"

typedef enum bp__severity { BP__ERROR, BP__WARNING, BP__NOTE, BP__NUM_SEVERITIES } bp__severity;

typedef struct bp__report bp__report;

/** @param[in] most  of each severity that are told in words; further ones are counted */
bp_status bp__report_create(size_t most, bp__report **report);
void bp__report_destroy(bp__report **report);

/** @param[in] path  what it is about, copied; "" for all of the input
 *  @param[in] line  0: not a line */
void bp__report_add(bp__report *report, bp__severity severity, const char *path, uint64_t line,
                    const char *format, ...) __attribute__((format(printf, 5, 6)));

size_t bp__report_count(const bp__report *report, bp__severity severity);

/** How many different paths have errors. */
size_t bp__report_bad_files(const bp__report *report);

/** Print it, a line each, "error: PATH:LINE: TEXT", sorted by severity, path and line; then how many more there are.
 *  Where there are more errors than are told, each path has its share: as many paths as can be are named. */
void bp__report_print(const bp__report *report, FILE *file);

#endif
