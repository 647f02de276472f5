/** @file src/search/lock.h
 * Who has a journal: nobody writes it while another job does, or reads it.
 *
 * DESIGN
 *  - Whoever can open a file can lock it (flock), and a journal may be readable for all. So what is locked is a file of
 *    its own beside it, JOURNAL.lock: empty, of this user, and closed to everybody else. What is called so and is anything
 *    else, such as another user's file or a link, is never locked, changed or removed: it is an error.
 *  - The lock ends with its process, and network file systems carry it from host to host. The file is removed by who has
 *    it: so that a colleague who may write the journal as well finds no lock that is not his own. Whoever gets the lock of a
 *    file that has lost its name meanwhile begins again.
 *  - Who only reads need not be able to write to the folder: where the lock cannot be made the journal is read without it,
 *    and so is another user's, who would take our lock for a stranger's.
 */
#ifndef BP_SEARCH_LOCK_H
#define BP_SEARCH_LOCK_H

#include <stdbool.h>

#include "core/status.h"

#define BP__JOURNAL_LOCK ".lock"

typedef struct bp__lock {
    char *path; /**< owned */
    int fd;     /**< -1: it is not held */
} bp__lock;

#define BP__LOCK_NONE ((bp__lock){.fd = -1})

/** Whether to go on waiting, or reading. */
typedef struct bp__lock_waits {
    bool wait;                    /**< up to 10 s for another job */
    bool (*go_on)(void *context); /**< asked every few milliseconds meanwhile; NULL: yes */
    void *context;
} bp__lock_waits;

/** Lock a journal to write it. @param[in] waits  NULL: not at all
 *
 * @param[out] lock  bp__lock_release(), after a failure too
 * @retval BP_EBUSY     another job has it
 * @retval BP_ESTOPPED  go_on() said no
 * @retval BP_EIO       the lock cannot be made, or what is called so is something else: the text says what to do */
bp_status bp__lock_to_write(const char *journal, const bp__lock_waits *waits, bp__lock *lock);

/** Lock a journal to read it, as far as that is possible: several can. @retval BP_EBUSY, BP_ENOMEM */
bp_status bp__lock_to_read(const char *journal, bp__lock *lock);

/** Allowed where nothing is held. */
void bp__lock_release(bp__lock *lock);

#endif
