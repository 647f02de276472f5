/** @file src/search/journal.h
 * What has been found out so far, on disk: a search that is interrupted at any instant goes on from there.
 *
 * DESIGN
 *  - A file is a magic line, then records {mark, kind, length, CRC-32, payload}: first the search (spec.h)
 *    and which combinations are skipped (skips.h), then which version of a bundle is tested, then a record
 *    for each backtest; at the end, when everything that was asked for has been stored elsewhere too, END.
 *    Records are appended, never changed.
 *  - A result is written (write(2)) as soon as rank 0 has it, so a killed process loses what it had in hand
 *    and no more. A thread brings it to the disk (fdatasync) within a second, so a lost machine loses a
 *    second; nobody waits for it.
 *  - What is broken is the end if no whole record follows: then it was never complete, and is cut off.
 *    Otherwise it is damage, an error with its offset. So what is read is what was written, or nothing. Which of the two
 *    it is takes no longer than reading the file twice, whatever is in it.
 *  - The journal is locked (lock.h) as long as a job writes or reads it.
 *  - Its name may lie in a folder where others can make files: no link is followed to what is written, and a file that has
 *    other names as well is none of ours.
 *
 * Bytes are in this machine's order; a journal from a machine of the other one is not recognised. Rank 0, one
 * thread.
 */
#ifndef BP_SEARCH_JOURNAL_H
#define BP_SEARCH_JOURNAL_H

#include "search/lock.h"
#include "search/results.h"

typedef struct bp__journal bp__journal;

/** Gets what is in a journal, in its order. The first failure ends the reading and is its result. Of the others but spec
 *  each may be NULL. */
typedef struct bp__journal_visitor {
    bp_status (*spec)(void *context, const char *text);
    bp_status (*skips)(void *context, const void *bytes, size_t size); /* once, behind the search */
    bp_status (*bundle)(void *context, uint64_t bundle, const char *content_hash);
    bp_status (*result)(void *context, const bp__result *result);
    void *context;
} bp__journal_visitor;

/** What a journal begins with. Borrowed. */
typedef struct bp__journal_head {
    const char *spec;
    const void *skips; /**< [skips_size] as bp__skips_pack() has made them */
    size_t skips_size;
} bp__journal_head;

/** How a journal is opened. */
typedef struct bp__journal_how {
    bool
        resume; /**< false: a new journal, in the place of one that is finished or has no results; a finished one stays
                     as it is until the first bp__journal_bundle(). true: what is there is visited, and continued; if no
                     result is there it is new. Waits up to 10 s for another job to let go of it. */
    bool replace;                 /**< a finished one may be of another search */
    bool (*go_on)(void *context); /**< asked every few MB, and while it waits; NULL: yes */
    void *context;
} bp__journal_how;

/** Why a journal is not to be written, where that is no failure of the machine. */
typedef enum bp__journal_refusal {
    BP__JOURNAL_FINE,
    BP__JOURNAL_UNFINISHED, /**< there is an unfinished one, and that was not asked for */
    BP__JOURNAL_FOREIGN,    /**< it is no journal, or a finished one of another search */
} bp__journal_refusal;

/** Open a journal to write to it, and lock it.
 *
 * @param[in]  path      made if it is missing; borrowed until closed
 * @param[in]  head      what is searched: what a new journal begins with; borrowed until closed
 * @param[out] journal   owned: bp__journal_close(); NULL on failure
 * @param[out] refusal   whether it failed because of what is there
 *
 * @retval BP_EBUSY    unfinished, or another job writes it
 * @retval BP_EINVAL   not a journal, or a finished one of another search
 * @retval BP_EFORMAT  a damaged one; the text tells where
 * @retval BP_EIO      it cannot be made, read, written or locked
 * @retval BP_ESTOPPED how->go_on() said no
 * @retval any         of the visitor's; nothing was changed
 */
bp_status bp__journal_open(const char *path, const bp__journal_head *head, const bp__journal_how *how,
                           const bp__journal_visitor *visitor, bp__journal **journal,
                           bp__journal_refusal *refusal);

/** Close it; what is written stays. NULL inside is allowed. */
void bp__journal_close(bp__journal **journal);

/** From now on bundle number `bundle` is tested in this version; earlier results of another are void. */
bp_status bp__journal_bundle(bp__journal *journal, uint64_t bundle, const char *content_hash);

/** A backtest has ended. The record is in the file after bp__journal_write(), or before. */
bp_status bp__journal_result(bp__journal *journal, const bp__result *result);

/** Hand everything to the system. Returns what any write or the thread has failed with, once and for all:
 * from then on nothing more is written, and what was is whole.
 *  @retval BP_EIO  such as a full disk; the text says what to do */
bp_status bp__journal_write(bp__journal *journal);

/** The same, and wait until it is on the disk. */
bp_status bp__journal_sync(bp__journal *journal);

/** Mark it as finished, and sync. */
bp_status bp__journal_finish(bp__journal *journal);

/** Read a journal that nobody writes. A link to it is followed. @retval as bp__journal_open() */
bp_status bp__journal_read(const char *path, const bp__journal_visitor *visitor);

#endif
