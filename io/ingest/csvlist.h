/** @file io/ingest/csvlist.h
 * The files of a folder of CSV files, one per symbol: which are taken, and what each of the others is. One
 * thread.
 */
#ifndef BP_IO_INGEST_CSVLIST_H
#define BP_IO_INGEST_CSVLIST_H

#include "io/draft.h"
#include "io/report.h"

typedef struct bp__csv_entry {
    char *stem;                    /**< SYMBOL of SYMBOL.csv; owned */
    char *path[BP__NUM_FRAMES];    /**< NULL: not there; owned */
    uint64_t size[BP__NUM_FRAMES]; /**< stored bytes */
    bool bad;                      /**< two files of one symbol */
} bp__csv_entry;

typedef struct bp__csv_list {
    BP__TABLE(bp__csv_entry) entries; /**< by stem */
} bp__csv_list;

/** List DIR/daily and DIR/minute, or, where neither is there, DIR itself: its files are daily ones then.
 * What is not taken is named in notes, two files of one symbol in an error.
 *
 * @retval BP_ENOTFOUND  no such folder, or no CSV file in it
 * @retval BP_EIO, BP_ENOMEM
 */
bp_status bp__csv_list_make(const char *dir, bp__report *report, bp__csv_list *list);
void bp__csv_list_fini(bp__csv_list *list);

/** The names of side files, which are not bars: io/ingest/sidefile.h. */
extern const char *const bp__side_names[];
extern const size_t bp__num_side_names;

/** What an export lists its files in, for itself: of no use to an ingest. */
#define BP__EXPORT_LIST ".export"

#endif
