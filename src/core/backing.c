#include "core/backing.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/memory.h"

/* Descriptors that a library may need for a moment, and a first load. */
#define SPARE_DESCRIPTORS 8

/* The least that is left of a limited address space for everything but windows. */
#define OTHERS_SPACE (UINT64_C(64) << 20)

void bp__backing_default(bp__backing *backing)
{
    *backing = (bp__backing){.kind = BP__BACKING_FILE};
    strcpy(backing->folder, access(BP__SHM_DIR, W_OK) == 0 ? BP__SHM_DIR : "/tmp");
}

const char *bp__backing_name(const bp__backing *backing)
{
    switch (backing->kind) {
    case BP__BACKING_FILE: return backing->folder;
    case BP__BACKING_SYSV: return "a System V segment";
    case BP__BACKING_ANONYMOUS: break;
    }
    return "memory without a name";
}

/* What the limits of this process leave ------------------------------------------------------------ */

uint64_t bp__backing_space_left(void)
{
    struct rlimit limit;
    uint64_t pages = 0;
    long page = sysconf(_SC_PAGESIZE);
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return UINT64_MAX;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f) {
        if (fscanf(f, "%" SCNu64, &pages) != 1) pages = 0;
        fclose(f);
    }
    uint64_t used = pages * (uint64_t)page, left = limit.rlim_cur > used ? limit.rlim_cur - used : 0;
    uint64_t others = left / 4 > OTHERS_SPACE ? left / 4 : OTHERS_SPACE; /* stacks, heaps, chunks of files */
    return left > others ? (left - others) / 2 : 0;
}

uint64_t bp__backing_file_left(const bp__backing *backing)
{
    struct rlimit limit;
    if (backing->kind != BP__BACKING_FILE || getrlimit(RLIMIT_FSIZE, &limit) != 0 ||
        limit.rlim_cur == RLIM_INFINITY)
        return UINT64_MAX;
    return limit.rlim_cur > BP__BACKING_EXTRA ? limit.rlim_cur - BP__BACKING_EXTRA : 0;
}

/* Failures --------------------------------------------------------------------------------------- */

/* Of the machine or its limits, whatever the folder. */
static bp_status no_memory(const bp__backing *b, uint64_t bytes, const char *why)
{
    BP_FAIL(BP_ENOMEM, "%llu bytes of shared memory cannot be had (%.200s): %s", (unsigned long long)bytes,
            bp__backing_name(b), why);
}

/* Of the folder: another one may do. */
static bp_status no_place(const bp__backing *b, uint64_t bytes, const char *why)
{
    BP_FAIL(BP_ENOMEM, "%.200s: %llu bytes of shared memory cannot be had there: %s%s%s", b->folder,
            (unsigned long long)bytes, why, b->setting[0] ? ", or name another folder in " : "", b->setting);
}

static bp_status no_descriptor(int err)
{
    BP_FAIL_ERRNO(BP_ESYS, err, "no file can be opened%s",
                  err == EMFILE ? "; raise the limit that 'ulimit -n' shows" : "");
}

static const char *why_no_file(const char *folder, int err)
{
    struct statvfs vfs;
    switch (err) {
    case ENOENT: return "there is no such folder; make it";
    case ENOTDIR: return "it is not a folder";
    case EACCES:
    case EPERM: return "this user may not write to it; change its permissions";
    case EROFS: return "it is mounted read-only; mount it writable";
    case EDQUOT: return "the user's quota is used up; remove files there";
    case ENOSPC:
        if (statvfs(folder, &vfs) == 0 && vfs.f_files > 0 && vfs.f_ffree == 0)
            return "it has no inodes left; remove files there";
        return "it is full; remove files there";
    default: return strerror(err);
    }
}

/* Steps of a trial --------------------------------------------------------------------------------- */

static bp_status check_file_limit(const bp__backing *b, uint64_t bytes)
{
    struct rlimit limit;
    char why[128];
    if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || bytes <= limit.rlim_cur)
        return BP_OK;
    snprintf(why, sizeof why, "files may have %llu bytes at most; raise the limit that 'ulimit -f' shows",
             (unsigned long long)limit.rlim_cur);
    return no_memory(b, bytes, why);
}

/* ftruncate() without the signal that ends a process whose file becomes larger than its limit. */
static int resize_quietly(int fd, uint64_t bytes)
{
    sigset_t too_large, before;
    sigemptyset(&too_large);
    sigaddset(&too_large, SIGXFSZ);
    int err = pthread_sigmask(SIG_BLOCK, &too_large, &before);
    if (err != 0) return err;
    err = ftruncate(fd, (off_t)bytes) == 0 ? 0 : errno;
    if (err == EFBIG) sigtimedwait(&too_large, NULL, &(struct timespec){0}); /* it may be pending now */
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return err;
}

static bp_status check_space(const bp__backing *b, int fd, uint64_t bytes)
{
    struct statvfs vfs;
    char why[128];
    if (fstatvfs(fd, &vfs) != 0)
        BP_FAIL_ERRNO(BP_ESYS, errno, "%.200s: its free space cannot be found out", b->folder);
    uint64_t left = (uint64_t)vfs.f_bavail * vfs.f_frsize;
    if (bytes <= left) return BP_OK;
    snprintf(why, sizeof why, "%llu of its %llu bytes are free; enlarge it or remove files there",
             (unsigned long long)left, (unsigned long long)vfs.f_blocks * vfs.f_frsize);
    return no_place(b, bytes, why);
}

/* Pages that a library writes to at once must be there: on a full file system the write would be a SIGBUS. */
static bp_status check_first_pages(const bp__backing *b, int fd, uint64_t bytes)
{
    int rc;
    do rc = fallocate(fd, 0, 0, (off_t)BP__BACKING_EXTRA);
    while (rc != 0 && errno == EINTR);
    if (rc == 0 || errno == EOPNOTSUPP || errno == ENOSYS) return BP_OK;
    return no_place(b, bytes, why_no_file(b->folder, errno));
}

static bp_status check_descriptors(void)
{
    int fd[SPARE_DESCRIPTORS], n = 0, err = 0;
    while (n < SPARE_DESCRIPTORS && err == 0) {
        fd[n] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (fd[n] < 0)
            err = errno;
        else
            n++;
    }
    while (n-- > 0) close(fd[n]);
    return err == 0 ? BP_OK : no_descriptor(err);
}

static bp_status cannot_map(const bp__backing *b, uint64_t bytes, int err)
{
    struct rlimit limit;
    bool limited = getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    if (err != ENOMEM) return no_memory(b, bytes, strerror(err));
    if (limited)
        return no_memory(b, bytes,
                         "too little address space is left; raise the limit that 'ulimit -v' shows");
    return no_memory(b, bytes,
                     "the kernel maps no more; see vm.overcommit_memory, vm.max_map_count and free memory");
}

/* A window is mapped by the library, and once more by its readers. */
static bp_status map_twice(const bp__backing *b, int fd, bp__trial *t)
{
    int flags = MAP_SHARED | (b->kind == BP__BACKING_ANONYMOUS ? MAP_ANONYMOUS | MAP_NORESERVE : 0);
    void *first = mmap(NULL, t->bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (first == MAP_FAILED) return cannot_map(b, t->bytes, errno);
    t->first = first;
    void *second = mremap(first, 0, t->bytes, MREMAP_MAYMOVE);
    if (second == MAP_FAILED) return cannot_map(b, t->bytes, errno);
    t->second = second;
    return BP_OK;
}

static bp_status attach_twice(const bp__backing *b, bp__trial *t)
{
    void **place[] = {&t->first, &t->second};
    for (int i = 0; i < 2; i++) {
        void *at = shmat(t->name.segment, NULL, 0);
        if (at == (void *)-1) return cannot_map(b, t->bytes, errno);
        *place[i] = at;
    }
    return BP_OK;
}

/* Kinds ------------------------------------------------------------------------------------------ */

static bp_status make_file(const bp__backing *b, bp__trial *t)
{
    struct stat st;
    BP_TRY(check_file_limit(b, t->bytes));
    snprintf(t->name.path, sizeof t->name.path, "%s/bundlepool.XXXXXX", b->folder);
    int fd = mkostemp(t->name.path, O_CLOEXEC);
    if (fd < 0) {
        int err = errno;
        return err == EMFILE || err == ENFILE ? no_descriptor(err)
                                              : no_place(b, t->bytes, why_no_file(b->folder, err));
    }
    t->made = true;
    bp_status s = check_space(b, fd, t->bytes);
    if (s == BP_OK) {
        int err = resize_quietly(fd, t->bytes);
        if (err != 0) s = no_place(b, t->bytes, why_no_file(b->folder, err));
    }
    if (s == BP_OK && fstat(fd, &st) != 0)
        s = bp__fail_errno(BP_ESYS, errno, "%.200s: a file in it cannot be examined", b->folder);
    if (s == BP_OK) {
        t->name.device = (uint64_t)st.st_dev;
        t->name.inode = (uint64_t)st.st_ino;
        s = check_first_pages(b, fd, t->bytes);
    }
    if (s == BP_OK) s = map_twice(b, fd, t);
    close(fd);
    return s;
}

static bp_status join_file(const bp__backing *b, bp__trial *t)
{
    struct stat st;
    int fd = open(t->name.path, O_RDWR | O_CLOEXEC);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE)) return no_descriptor(errno);
    bool same = fd >= 0 && fstat(fd, &st) == 0 && (uint64_t)st.st_dev == t->name.device &&
                (uint64_t)st.st_ino == t->name.inode;
    bp_status s = same ? map_twice(b, fd, t)
                       : no_place(b, t->bytes,
                                  "what one process of this machine puts there another does not see; give "
                                  "all of them the same folder (containers: the same mount)");
    if (fd >= 0) close(fd);
    return s;
}

static bp_status make_segment(const bp__backing *b, bp__trial *t)
{
    t->name.segment = shmget(IPC_PRIVATE, t->bytes, IPC_CREAT | 0600);
    if (t->name.segment < 0) {
        if (errno == EINVAL) return no_memory(b, t->bytes, "raise kernel.shmmax");
        if (errno == ENOSPC) return no_memory(b, t->bytes, "raise kernel.shmall or kernel.shmmni");
        return no_memory(b, t->bytes, strerror(errno));
    }
    t->made = true;
    return attach_twice(b, t);
}

bp_status bp__trial_make(const bp__backing *backing, uint64_t bytes, bp__trial *trial)
{
    *trial = (bp__trial){.kind = backing->kind, .bytes = bytes + BP__BACKING_EXTRA};
    bp_status s = check_descriptors();
    if (s == BP_OK) switch (backing->kind) {
        case BP__BACKING_FILE: s = make_file(backing, trial); break;
        case BP__BACKING_SYSV: s = make_segment(backing, trial); break;
        case BP__BACKING_ANONYMOUS: s = map_twice(backing, -1, trial); break;
        }
    if (bp__failed(s)) bp__trial_end(trial);
    return s;
}

bp_status bp__trial_join(const bp__backing *backing, const bp__trial_name *name, uint64_t bytes,
                         bp__trial *trial)
{
    *trial = (bp__trial){.kind = backing->kind, .name = *name, .bytes = bytes + BP__BACKING_EXTRA};
    bp_status s = check_descriptors();
    if (s == BP_OK) switch (backing->kind) {
        case BP__BACKING_FILE: s = join_file(backing, trial); break;
        case BP__BACKING_SYSV: s = attach_twice(backing, trial); break;
        case BP__BACKING_ANONYMOUS: break; /* there is nobody to join */
        }
    if (bp__failed(s)) bp__trial_end(trial);
    return s;
}

void bp__trial_end(bp__trial *trial)
{
    bool segment = trial->kind == BP__BACKING_SYSV;
    void *const mapped[] = {trial->first, trial->second};
    for (int i = 0; i < 2; i++) {
        if (!mapped[i]) continue;
        if (segment)
            shmdt(mapped[i]);
        else
            munmap(mapped[i], trial->bytes);
    }
    if (trial->made && segment) shmctl(trial->name.segment, IPC_RMID, NULL);
    if (trial->made && !segment) unlink(trial->name.path);
    *trial = (bp__trial){0};
}

bp_status bp__backing_try(const bp__backing *backing, uint64_t bytes)
{
    bp__trial trial;
    bp_status s = bp__trial_make(backing, bytes, &trial);
    bp__trial_end(&trial);
    return s;
}
