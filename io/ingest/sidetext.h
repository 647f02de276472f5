/** @file io/ingest/sidetext.h
 * A small table in CSV with columns of known names: one of those beside the bars of an exported bundle. One
 * thread.
 */
#ifndef BP_IO_INGEST_SIDETEXT_H
#define BP_IO_INGEST_SIDETEXT_H

#include "io/ingest/csvwork.h"

#define BP__SIDE_COLUMNS 16

typedef struct bp__side_text {
    bp__csv_work *work;
    const char *name; /**< of the file in the folder */
    char *path;
    bp__input *input;
    bp__csv_text text;
    const char *const *names;
    size_t n, num_fields;
    size_t at[BP__SIDE_COLUMNS]; /**< field of each column; SIZE_MAX */
    bool bad;                    /**< there were errors */
    uint64_t rows;               /**< that were read */
    /* for the reader of rows; borrowed */
    const int64_t *sids; /**< [num_sids] of the folder, ascending */
    size_t num_sids;
    const int64_t
        *known; /**< [num_known] of the draft, ascending: those that are wanted, and without errors */
    size_t num_known;
    size_t keys;           /**< for the reader of rows: a bit for each key that was there */
    struct bp__side *side; /**< for the reader of rows: what assets.csv says; borrowed */
} bp__side_text;

/** @param[in]  names     [n] of the columns that are known
 *  @param[in]  required  how many of the first ones must be there
 *  @param[out] found     whether there is such a file: if not, nothing is to be closed */
bp_status bp__side_open(bp__side_text *side, bp__csv_work *work, const char *dir, const char *name,
                        const char *const *names, size_t n, size_t required, bool *found);

/** The next row with all its fields; others go to the report. */
bp_status bp__side_next(bp__side_text *side, bool *more);

/** Remember what was read. */
bp_status bp__side_finish(bp__side_text *side);
void bp__side_close(bp__side_text *side);

/* A cell of the row at hand. What is wrong with it goes to the report. A column that is not there is empty.
 * */
const bp__csv_field *bp__side_cell(const bp__side_text *side, size_t column);
bool bp__side_whole(bp__side_text *side, size_t column, int64_t *number);
bool bp__side_number(bp__side_text *side, size_t column, double *number);     /**< empty: 0 */
bool bp__side_time(bp__side_text *side, size_t column, int64_t *ns);          /**< empty: BP_TIME_MISSING */
bp_status bp__side_string(bp__side_text *side, size_t column, char **string); /**< owned by the caller */

/** An error in the row at hand. */
void bp__side_error(bp__side_text *side, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
