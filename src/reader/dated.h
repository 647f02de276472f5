/** @file src/reader/dated.h
 * Tables of dated values, as a bundle has them of adjustments and dividends: rows by sid, then by date.
 */
#ifndef BP_READER_DATED_H
#define BP_READER_DATED_H

#include <bundlepool/bundle.h>

#include "reader/sorted.h"

typedef struct bp__dated {
    bp__sorted sid; /**< of each row */
    const int64_t *date;
    const double *value;
} bp__dated;

/** @param[in]  sid, value  columns; that of the dates is behind `sid`
 *  @param[out] table       bp__dated_fini(), after a failure too; borrows from the bundle
 *  @retval BP_EFORMAT  the columns differ in length, or rows are not by sid and date
 *  @retval BP_ERANGE, BP_ENOMEM */
bp_status bp__dated_init(bp__dated *table, const bp_bundle *bundle, bp_column sid, bp_column value);
void bp__dated_fini(bp__dated *table);

/** Rows of a sid: begin … end-1. @return end */
static inline size_t bp__dated_rows(const bp__dated *table, int64_t sid, size_t *begin)
{
    *begin = bp__sorted_below(&table->sid, sid);
    return bp__sorted_upto(&table->sid, sid);
}

/** The first of the rows begin … end-1, which are of one sid, that is not before a date; or `end`. */
size_t bp__dated_below(const bp__dated *table, size_t begin, size_t end, int64_t date);

#endif
