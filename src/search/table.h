/** @file src/search/table.h
 * Results of a search as they are read back from a CSV, by the names of its columns: bundle (where there are several),
 * index, status, then parameters and metrics in any order. A column that is named like a metric is one; all others are
 * parameters. So a file that was filtered or sorted by another program is read as well; what is not understood is an
 * error that names file and line.
 *
 * Needs no MPI. Read-only once it is read; one thread.
 */
#ifndef BP_SEARCH_TABLE_H
#define BP_SEARCH_TABLE_H

#include "search/results.h"

#define BP__TABLE_MAX_PARAMS 64

/** A parameter's value. */
typedef struct bp__cell {
    double number;
    const char *word; /**< NULL: it is the number; borrowed from the table */
} bp__cell;

typedef struct bp__table {
    const char *path; /**< borrowed */
    bool several;     /**< there is a column bundle */
    unsigned num_params, num_metrics;
    char *param[BP__TABLE_MAX_PARAMS]; /**< [num_params] names; owned */
    unsigned metric[BP__NUM_METRICS];  /**< [num_metrics] which they are */
    uint64_t num_rows;
    uint64_t *line;         /**< [num_rows] of the file, from 1 */
    uint64_t *index;        /**< [num_rows] of the combination in its search */
    unsigned char *outcome; /**< [num_rows] a bp__outcome */
    const char **bundle;    /**< [num_rows] where there are several; equal names have equal addresses */
    bp__cell *cell;         /**< [num_rows][num_params] */
    double *value;          /**< [num_rows][num_metrics] NaN: undefined, or not done */
    char **word;            /**< [num_words] names and words that rows refer to; owned */
    size_t num_words;
} bp__table;

/** @param[in]  path   borrowed as long as the table
 *  @param[out] table  bp__table_fini(), after a failure too
 *  @retval BP_EFORMAT  the text names the line @retval BP_EIO, BP_ENOMEM */
bp_status bp__table_read(const char *path, bp__table *table);
void bp__table_fini(bp__table *table);

/** Which column has a metric. @return false: none has */
bool bp__table_column(const bp__table *table, unsigned metric, unsigned *column);

/** What rows are ranked by: the more, the better; NaN: last. NaN of rows that are not done, and of those that never
 *  traded.
 *
 * @param[in]  objective  name of a metric, or an expression over the columns; NULL: sharpe if it is there, else the first
 *                        column that is a metric
 * @param[out] value      [num_rows] of the objective, owned: free()
 * @param[out] score      [num_rows] owned: free()
 * @retval BP_ENOTFOUND  there is no such column; the text lists those that there are
 * @retval BP_EINVAL     as bp__expr_create() @retval BP_ENOMEM */
bp_status bp__table_score(const bp__table *table, const char *objective, double **value, double **score);

/** The objective where none is given. @return its name */
const char *bp__table_objective(const bp__table *table);

/** Rows that are done, best first: NaN last, ties in the order of the file.
 *  @param[out] order  [*count], owned: free() @retval BP_ENOMEM */
bp_status bp__table_rank(const bp__table *table, const double *score, uint64_t **order, uint64_t *count);

/** Two values: numbers by size, before words, which are by their letters. @return <0, 0, >0 */
int bp__cell_compare(const bp__cell *a, const bp__cell *b);

/** A row for people: "fast=5 slow=20", with the bundle's name before it where there are several. @return `text` */
const char *bp__table_text(const bp__table *table, uint64_t row, char *text, size_t size);

#endif
