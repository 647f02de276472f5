/* DESIGN
 *
 * What a killed process left must go, what another process is writing must stay. Ages cannot tell the two apart (a
 * large bundle takes minutes, and clocks of servers differ), so a temporary file is locked from its creation on to the
 * rename, and a lock ends with its process. There is a moment between creation and lock: whoever cleans up in that
 * moment holds the lock while it removes the file; whoever created it finds itself locked out or its file without a
 * name, and takes another name. Where the file system knows no locks, left-overs are those that nobody wrote to for
 * a day.
 */
#include "core/replace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NAME_ATTEMPTS 100
#define RANDOM_DIGITS 6
#define OLD_S         ((time_t)24 * 60 * 60)

bp_status bp__replace_fail(const char *path, const char *what, int err)
{
    struct rlimit limit;
    if (err == ENOSPC || err == EDQUOT) BP_FAIL(BP_EIO, "%s: no space: free some and run again", path);
    if (err == EFBIG && getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        BP_FAIL(BP_EIO,
                "%s: %s: files of more than %llu bytes are not allowed here: raise ulimit -f and run again",
                path, what, (unsigned long long)limit.rlim_cur);
    BP_FAIL_ERRNO(BP_EIO, err, "%s: %s", path, what);
}

/* What a signal has to remove --------------------------------------------------------------------- */

/* Written by the thread that replaces a file, read by a handler: the name is whole before the folder is there. */
static struct {
    atomic_bool taken, dropped;
    atomic_int dir; /* minus 1: none */
    char tmp[256];
} under_way = {.dir = -1};

static void enter(const bp__replacement *r)
{
    if (atomic_exchange_explicit(&under_way.taken, true, memory_order_acquire)) return;
    memcpy(under_way.tmp, r->tmp, sizeof under_way.tmp);
    atomic_store_explicit(&under_way.dir, r->dir, memory_order_seq_cst);
}

/* A handler that found nothing to remove may be about to end the process: either it sees the file that was just entered,
 * or this thread sees that it has looked. */
static void yield_to_drop(const bp__replacement *r)
{
    if (!atomic_load_explicit(&under_way.dropped, memory_order_seq_cst)) return;
    unlinkat(r->dir, r->tmp, 0);
    for (;;) pause();
}

/* Before the folder is closed: its number may be that of another one then. */
static void leave(const bp__replacement *r)
{
    int dir = r->dir;
    if (atomic_compare_exchange_strong_explicit(&under_way.dir, &dir, -1, memory_order_acq_rel,
                                                memory_order_relaxed))
        atomic_store_explicit(&under_way.taken, false, memory_order_release);
}

bool bp__replace_drop(void)
{
    atomic_store_explicit(&under_way.dropped, true, memory_order_seq_cst);
    const int dir = atomic_load_explicit(&under_way.dir, memory_order_seq_cst);
    return dir >= 0 && unlinkat(dir, under_way.tmp, 0) == 0;
}

/* Left-overs ------------------------------------------------------------------------------------ */

/* Whether `entry` is ".NAME.XXXXXX". */
static bool is_temporary(const char *entry, const char *name)
{
    const size_t n = strlen(name);
    return entry[0] == '.' && strncmp(entry + 1, name, n) == 0 && entry[n + 1] == '.' &&
           strspn(entry + n + 2, "0123456789abcdef") == RANDOM_DIGITS && entry[n + 2 + RANDOM_DIGITS] == '\0';
}

/* Whether `tmp`, which `fd` has open, still has its name. */
static bool has_name(int dir, const char *tmp, int fd)
{
    struct stat mine, there;
    return fstat(fd, &mine) == 0 && fstatat(dir, tmp, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
}

static bool is_old(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && time(NULL) - st.st_mtime > OLD_S;
}

static void remove_left_over(int dir, const char *tmp)
{
    struct stat st;
    int fd = openat(dir, tmp, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        bool left =
            flock(fd, LOCK_EX | LOCK_NB) == 0 || (errno != EWOULDBLOCK && errno != EINTR && is_old(fd));
        if (left && has_name(dir, tmp, fd)) unlinkat(dir, tmp, 0);
    }
    close(fd);
}

/* A failure to clean up is no reason not to write. */
static void remove_left_overs(const bp__replacement *r)
{
    int fd = openat(r->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
    if (!list) {
        if (fd >= 0) close(fd);
        return;
    }
    for (struct dirent *e; (e = readdir(list));)
        if (is_temporary(e->d_name, r->name)) remove_left_over(r->dir, e->d_name);
    closedir(list);
}

/* The temporary file ---------------------------------------------------------------------------- */

/* Lock a file that was just created. @return whether it is ours: nobody has taken it for a left-over */
static bool hold(const bp__replacement *r)
{
    if (flock(r->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return false;
    return has_name(r->dir, r->tmp, r->fd);
}

/* Unlike mkstemp's, its mode follows the umask. */
static bp_status create_temporary(bp__replacement *r)
{
    for (int i = 0; i < NAME_ATTEMPTS; i++) {
        unsigned x = 0;
        if (getrandom(&x, sizeof x, 0) != (ssize_t)sizeof x)
            return bp__replace_fail(r->path, "no random name", errno);
        int n = snprintf(r->tmp, sizeof r->tmp, ".%s.%0*x", r->name, RANDOM_DIGITS, x & 0xffffffu);
        if (n < 0 || (size_t)n >= sizeof r->tmp)
            return bp__replace_fail(r->path, "cannot be written", ENAMETOOLONG);
        r->fd = openat(r->dir, r->tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (r->fd < 0 && errno == EEXIST) continue;
        if (r->fd < 0) return bp__replace_fail(r->path, "cannot be written", errno);
        if (hold(r)) return BP_OK;
        close(r->fd);
    }
    return bp__replace_fail(r->path, "no free temporary name", EEXIST);
}

/* A rename would fail over a folder, after all the work, and would silently replace a device. */
static bp_status check_old(const bp__replacement *r)
{
    struct stat st;
    if (fstatat(r->dir, r->name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) return BP_OK;
        return bp__replace_fail(r->path, "cannot be written", errno);
    }
    if (S_ISREG(st.st_mode) || S_ISLNK(st.st_mode)) return BP_OK;
    BP_FAIL(BP_EIO, "%s: cannot be replaced: is %s, not a file", r->path,
            S_ISDIR(st.st_mode) ? "a folder" : "a device, a FIFO or a socket");
}

bp_status bp__replace_begin(const char *path, bp__replacement *r)
{
    sigset_t all, before;
    const char *slash = strrchr(path, '/');
    *r = (bp__replacement){.path = path, .name = slash ? slash + 1 : path, .dir = -1, .fd = -1};
    char *folder = slash == path ? strdup("/") : slash ? strndup(path, (size_t)(slash - path)) : strdup(".");
    if (!folder) BP_FAIL(BP_ENOMEM, "%s: no memory", path);
    r->dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bp_status s = r->dir < 0 ? bp__replace_fail(folder, "cannot be opened as a folder", errno) : check_old(r);
    free(folder);
    if (s == BP_OK) {
        remove_left_overs(r);
        sigfillset(&all); /* no signal between the file and the note of it */
        pthread_sigmask(SIG_BLOCK, &all, &before);
        s = create_temporary(r);
        if (s == BP_OK) enter(r);
        if (s == BP_OK) yield_to_drop(r);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    if (bp__failed(s) && r->dir >= 0) close(r->dir);
    return s;
}

void bp__replace_abort(bp__replacement *r)
{
    unlinkat(r->dir, r->tmp, 0);
    leave(r);
    close(r->fd);
    close(r->dir);
}

bp_status bp__replace_commit(bp__replacement *r)
{
    bp_status s = BP_OK;
    if (fsync(r->fd) != 0)
        s = bp__replace_fail(r->path, "cannot be brought to the disk", errno);
    else if (renameat(r->dir, r->tmp, r->dir, r->name) != 0)
        s = bp__replace_fail(r->path, "cannot be replaced", errno);
    if (bp__failed(s)) {
        bp__replace_abort(r);
        return s;
    }
    /* some file systems cannot sync a folder; they order the rename by other means */
    if (fsync(r->dir) != 0 && errno != EINVAL)
        s = bp__replace_fail(r->path, "is there, but its folder is not on the disk", errno);
    leave(r);
    close(r->fd); /* everything is on the disk: nothing can fail any more */
    close(r->dir);
    return s;
}

/* Bytes ----------------------------------------------------------------------------------------- */

static bp_status write_all(const bp__replacement *r, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(r->fd, bytes, size < (1u << 30) ? size : (1u << 30));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return bp__replace_fail(r->path, "cannot be written", errno);
        bytes += n;
        size -= (size_t)n;
    }
    return BP_OK;
}

bp_status bp__replace_file(const char *path, const void *bytes, size_t size)
{
    bp__replacement r;
    BP_TRY(bp__replace_begin(path, &r));
    bp_status s = write_all(&r, bytes, size);
    if (s == BP_OK) return bp__replace_commit(&r);
    bp__replace_abort(&r);
    return s;
}
