/** @file src/optimizer/columns.h
 * A table for people: cells are collected, then printed with aligned columns.
 */
#ifndef BP_OPTIMIZER_COLUMNS_H
#define BP_OPTIMIZER_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "backtest/metrics.h"
#include "core/status.h"

#define BP__MAX_TABLE_COLUMNS 128

typedef struct bp__columns {
    char **cell; /**< row by row; owned */
    size_t num_cells, room;
    size_t num_columns;               /**< of the first row */
    bool left[BP__MAX_TABLE_COLUMNS]; /**< set by the caller: aligned to the left, as texts are */
    bool failed;                      /**< there was no memory */
} bp__columns;

/** One cell more. What is in it stays on one line, whatever it is. */
__attribute__((format(printf, 2, 3))) void bp__columns_cell(bp__columns *columns, const char *fmt, ...);

/** A number as tables show that metric; "-" where it is undefined. */
void bp__columns_metric(bp__columns *columns, const bp__metric *metric, double value);

/** The first row is complete: the others have as many cells. */
void bp__columns_end_header(bp__columns *columns);

/** Print all rows, each indented, and let go of them. @retval BP_ENOMEM  nothing was printed */
bp_status bp__columns_print(FILE *file, bp__columns *columns, int indent);

#endif
