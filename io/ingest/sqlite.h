/** @file io/ingest/sqlite.h
 * Tables of a SQLite file that anybody may have made. It is opened read-only and immutable: nothing is
 * written beside it.
 *
 * What is not the type that it should be, damaged pages, views in the place of tables: each is an error that
 * names file, table, row (counted from 1 in the order of the table) and column.
 */
#ifndef BP_IO_INGEST_SQLITE_H
#define BP_IO_INGEST_SQLITE_H

#include <sqlite3.h>

#include "io/ingest/sealed.h"

typedef struct bp__db {
    sqlite3 *handle; /**< owned */
    char *path;      /**< owned */
} bp__db;

/** Open and check it from the first page to the last.
 *
 * @retval BP_ENOTFOUND  nothing there
 * @retval BP_EFORMAT    not a database, damaged; changes that are not in the file yet lie beside it
 */
bp_status bp__db_open(bp__sealed *sealed, const char *name, bp__db *db);

/** A zeroed one is allowed. */
void bp__db_close(bp__db *db);

/** Whether there is such a table. @retval BP_EFORMAT  it is a view or a virtual table */
bp_status bp__db_has_table(const bp__db *db, const char *table, bool *there);

/** Whether a table that is there has such a column. */
bp_status bp__db_has_column(const bp__db *db, const char *table, const char *column, bool *there);

#define BP__DB_COLUMNS 8

/** The rows of a table, one after the other. */
typedef struct bp__db_rows {
    const bp__db *db;                   /**< borrowed */
    const char *table;                  /**< borrowed */
    const char *column[BP__DB_COLUMNS]; /**< borrowed; NULL behind the last one */
    sqlite3_stmt *statement;            /**< owned */
    uint64_t row;                       /**< of the one at hand */
} bp__db_rows;

/** @param[in] column  [n] of the table: all must be there
 *  @retval BP_EFORMAT  no such table or column */
bp_status bp__db_rows_open(const bp__db *db, const char *table, const char *const *column, size_t n,
                           bp__db_rows *rows);
void bp__db_rows_close(bp__db_rows *rows);

/** Go to the next row. @param[out] there  false: that was the last one */
bp_status bp__db_next(bp__db_rows *rows, bool *there);

/** A whole number; a real number that is one is allowed. @param[in] null  what NULL and NaN mean; NULL: they
 *  are errors */
bp_status bp__db_integer(const bp__db_rows *rows, int column, const int64_t *null, int64_t *value);

/** A finite number. */
bp_status bp__db_real(const bp__db_rows *rows, int column, double *value);

/** UTF-8 without NUL; "" for NULL. @param[out] text  borrowed until the next row */
bp_status bp__db_text(const bp__db_rows *rows, int column, const char **text);

/** Raise an error about a column of the row at hand. */
bp_status bp__db_defect(const bp__db_rows *rows, int column, const char *what);

#endif
