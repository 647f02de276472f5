/** @file io/ingest/source.h
 * Where an ingest can read from: a table with one row per kind of source, so that a further kind is a further
 * row.
 */
#ifndef BP_IO_INGEST_SOURCE_H
#define BP_IO_INGEST_SOURCE_H

#include "io/draft.h"

/** Called after each file that was read; for progress only. */
typedef void bp__ingest_progress(void *context, size_t done, size_t total);

typedef struct bp__ingest_source {
    const char *name; /**< as users type it: "csvdir" */
    const char *help; /**< what it reads, in one line */

    /** Read all of it into a draft that was just initialised.
     *
     * @param[in] path      of the folder or file to read
     * @param[in] progress  NULL: none is wanted
     *
     * @retval any  the text names the file and says what is wrong with it
     * On failure the draft holds an unusable part: bp__draft_fini(). */
    bp_status (*read)(const char *path, bp__ingest_progress *progress, void *context, bp__draft *draft);
} bp__ingest_source;

/** The table; the row after the last has no name. */
extern const bp__ingest_source bp__ingest_sources[];

/** @return the row of that name, or NULL */
const bp__ingest_source *bp__ingest_source_find(const char *name);

#endif
