/** @file io/ingest/remark.h
 * What is said once about many files: the same words are counted, and told with how many files they are
 * about and where they came first. Five hundred files of one vendor do not make five hundred lines.
 * Threads: any.
 */
#ifndef BP_IO_INGEST_REMARK_H
#define BP_IO_INGEST_REMARK_H

#include "io/report.h"

typedef struct bp__remarks bp__remarks;

bp_status bp__remarks_create(bp__remarks **remarks);
void bp__remarks_destroy(bp__remarks **remarks);

/** @param[in] amount  how many things of that kind are in this file; 0: it is about the file as such
 *  @param[in] line    of the first one; 0 */
void bp__remark(bp__remarks *remarks, bp__severity severity, const char *path, uint64_t line, uint64_t amount,
                const char *format, ...) __attribute__((format(printf, 6, 7)));

/** The same, with the cell of a file that shows what is meant: that of the first file is told. */
void bp__remark_cell(bp__remarks *remarks, bp__severity severity, const char *path, uint64_t line,
                     const char *cell, const char *format, ...) __attribute__((format(printf, 6, 7)));

/** Tell all, and begin anew. */
void bp__remarks_tell(bp__remarks *remarks, bp__report *report);

/** Add the last failure of this thread to a report as an error of a file: its text may begin with
 * "PATH:LINE: ". */
void bp__report_failure(bp__report *report, const char *path);

#endif
