/** @file src/search/note.h
 * What a rank leaves beside the journal when a strategy takes it down: which combinations were in its hands, and why it
 * had to end. `--resume` goes on without them.
 *
 * DESIGN
 *  - JOURNAL.crash.RANK is a text file of its own, because a rank that is about to die can do little: open, write and
 *    close are allowed in a signal handler; locking the journal and talking to rank 0 are not.
 *  - It begins with a hash of the search, so that it is never taken for one of another search with the same journal. It
 *    ends with a line "end": one that was cut off is no note.
 *  - Combinations are marked as failed in what belongs to the user. So only a regular file of this user's that nobody
 *    else may read or write is believed, and no link.
 *
 * One combination in a note is to blame. Of several, which were computed by one call, it is not known which is; they are
 * to be run one by one.
 */
#ifndef BP_SEARCH_NOTE_H
#define BP_SEARCH_NOTE_H

#include <bundlepool/config.h>

#include "core/hash.h"
#include "search/results.h"

#define BP__NOTE_MAX_TASKS 4096
#define BP__NOTE_WHY_MAX   128

/** Where a rank would leave its note. */
typedef struct bp__note_place {
    int folder; /**< descriptor, -1: there is no journal */
    int rank;
    char base[BP_PATH_MAX];     /**< name of the journal's file */
    char search[BP__HASH_TEXT]; /**< what tells searches apart */
} bp__note_place;

/** @param[in]  text   of the search: bp__spec_text()
 *  @param[out] place  bp__note_place_fini(), after a failure too
 *  @retval BP_EIO  the journal's folder cannot be opened */
bp_status bp__note_place_init(const char *journal, const char *text, int rank, bp__note_place *place);
void bp__note_place_fini(bp__note_place *place);

/** Leave a note. Async-signal-safe.
 *  @param[in] status  a failure
 *  @param[in] why     a line
 *  @param[in] count   at most BP__NOTE_MAX_TASKS
 *  @return false: it could not be written; errno tells why */
bool bp__note_write(const bp__note_place *place, bp_status status, const char *why, const uint64_t *task,
                    size_t count);

typedef struct bp__note {
    char *name; /**< of its file, in the journal's folder */
    bp_status status;
    char why[BP__NOTE_WHY_MAX];
    uint64_t *task; /**< [count] */
    size_t count;
} bp__note;

typedef struct bp__notes {
    bp__note *note; /**< [count] of this search; owned */
    size_t count;
    bp__note *stale; /**< [num_stale] of another search, or unfinished: only their names are there; owned */
    size_t num_stale;
    char odd[BP_PATH_MAX +
             80]; /**< something that looks like a note and is not to be believed, and why; "": none */
} bp__notes;

/** Read all notes beside a journal.
 *
 * @param[in]  num_tasks  of the search
 * @param[out] notes      bp__notes_fini(), after a failure too
 * @retval BP_EIO, BP_ENOMEM */
bp_status bp__notes_read(const bp__note_place *place, uint64_t num_tasks, bp__notes *notes);
void bp__notes_fini(bp__notes *notes);

/** Remove those that nobody needs any more. To be called by who has the journal: it is of this search then. */
bp_status bp__notes_tidy(const bp__note_place *place, const bp__notes *notes);

/** Remove the file of a note. */
bp_status bp__note_remove(const bp__note_place *place, const bp__note *note);

#endif
