#include "search/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"

#define WAIT_MS   10000
#define NAP_NS    20000000
#define LOST_MOST 100 /* files that lose their names, one after the other */

/* What makes a file unfit: a lock that others can hold, or something that is no lock of ours. @return NULL: nothing */
static const char *distrust(const struct stat *st)
{
    if (!S_ISREG(st->st_mode)) return "it is not a regular file";
    if (st->st_uid != geteuid()) return "it belongs to another user";
    if (st->st_mode & (S_IRWXG | S_IRWXO)) return "others may open it";
    if (st->st_nlink > 1) return "it has several names";
    return st->st_size > 0 ? "it is not empty, so it is something else" : NULL;
}

static void let_go(bp__lock *lock)
{
    if (lock->fd >= 0) close(lock->fd);
    lock->fd = -1;
}

/* What is not held is not removed either. */
static bp_status refuse(bp__lock *lock, const char *why)
{
    let_go(lock);
    BP_FAIL(BP_EIO, "--journal: %.200s is not taken as a lock: %s; remove it, or name another journal",
            lock->path, why);
}

static bp_status open_lock(bp__lock *lock)
{
    struct stat st;
    lock->fd = open(lock->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
    if (lock->fd < 0 && errno == ELOOP) return refuse(lock, "it is a symbolic link");
    if (lock->fd < 0 && errno == EACCES && lstat(lock->path, &st) == 0) {
        const char *why = distrust(&st);
        return refuse(lock, why ? why : "it cannot be opened");
    }
    if (lock->fd < 0) BP_FAIL_ERRNO(BP_EIO, errno, "--journal: %.200s cannot be made", lock->path);
    if (fstat(lock->fd, &st) != 0) return refuse(lock, strerror(errno));
    /* one that was removed meanwhile has no name at all, and is not kept */
    const char *why = distrust(&st);
    return why ? refuse(lock, why) : BP_OK;
}

/* Whoever had it may have removed it in the meantime. */
static bool has_name(const bp__lock *lock)
{
    struct stat mine, there;
    return fstat(lock->fd, &mine) == 0 && lstat(lock->path, &there) == 0 && mine.st_dev == there.st_dev &&
           mine.st_ino == there.st_ino;
}

/* @param[out] busy  it is another one's */
static bp_status try_once(bp__lock *lock, int kind, bool *busy)
{
    *busy = false;
    BP_TRY(open_lock(lock));
    while (flock(lock->fd, kind | LOCK_NB) != 0) {
        if (errno == EINTR) continue;
        *busy = errno == EWOULDBLOCK || errno == ESTALE; /* ESTALE: it was removed by another host */
        if (*busy) return BP_OK;
        BP_FAIL_ERRNO(
            BP_EIO, errno,
            "--journal: %.200s cannot be locked; put the journal on a file system that has locks (see 'mount': flock)",
            lock->path);
    }
    *busy = !has_name(lock);
    return BP_OK;
}

static bp_status take(const char *journal, int kind, const bp__lock_waits *waits, bp__lock *lock)
{
    const bool wait = waits && waits->wait;
    const struct timespec deadline = bp__deadline(wait ? WAIT_MS : 0);
    *lock = BP__LOCK_NONE;
    if (asprintf(&lock->path, "%s" BP__JOURNAL_LOCK, journal) < 0) {
        lock->path = NULL;
        BP_FAIL(BP_ENOMEM, "--journal: %.200s: no memory", journal);
    }
    for (int lost = 0;;) {
        bool busy;
        BP_TRY(try_once(lock, kind, &busy));
        if (!busy) return BP_OK;
        const bool gone = !has_name(lock); /* by who had it: it is free now */
        let_go(lock);
        if (waits && waits->go_on && !waits->go_on(waits->context))
            BP_FAIL(BP_ESTOPPED, "--journal: %.200s: stopped while another job had it", journal);
        if (gone && ++lost < LOST_MOST) continue;
        if (bp__deadline_passed(&deadline))
            BP_FAIL(BP_EBUSY,
                    "--journal: %.200s: another job is writing it%s; wait for its end, or name another",
                    journal, wait ? ", still" : "");
        nanosleep(&(struct timespec){.tv_nsec = NAP_NS}, NULL);
    }
}

bp_status bp__lock_to_write(const char *journal, const bp__lock_waits *waits, bp__lock *lock)
{
    return take(journal, LOCK_EX, waits, lock);
}

bp_status bp__lock_to_read(const char *journal, bp__lock *lock)
{
    struct stat st;
    *lock = BP__LOCK_NONE;
    if (stat(journal, &st) != 0 || st.st_uid != geteuid()) return BP_OK;
    char *real = realpath(journal, NULL); /* the lock is beside the file, not beside a link to it */
    bp_status s = take(real ? real : journal, LOCK_SH, NULL, lock);
    free(real);
    if (s == BP_EBUSY || s == BP_ENOMEM) return s;
    if (bp__failed(s)) let_go(lock);
    return BP_OK;
}

/* Under its name until the lock is free: who waits for it sees that it has gone. One that others read stays. */
void bp__lock_release(bp__lock *lock)
{
    if (lock->fd >= 0 && flock(lock->fd, LOCK_EX | LOCK_NB) == 0 && has_name(lock)) unlink(lock->path);
    let_go(lock);
    free(lock->path);
    lock->path = NULL;
}
