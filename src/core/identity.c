#include "core/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/descriptor.h"

#define NS_PER_S    INT64_C(1000000000)
#define PATIENCE_NS NS_PER_S /* beyond what a file needs that does not keep changing */

static int64_t ns_of(struct timespec t)
{
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

bp__identity bp__identity_from(const struct stat *st)
{
    return (bp__identity){
        .dev = (uint64_t)st->st_dev,
        .ino = (uint64_t)st->st_ino,
        .size = (uint64_t)st->st_size,
        .mtime_ns = ns_of(st->st_mtim),
        .ctime_ns = ns_of(st->st_ctim),
    };
}

bool bp__identity_equal(const bp__identity *a, const bp__identity *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size && a->mtime_ns == b->mtime_ns &&
           a->ctime_ns == b->ctime_ns;
}

/* The file as it is on the server, if there is one: opening it is what asks. */
static bp_status open_and_look(int dirfd, const char *path, const char *label, struct stat *st)
{
    int fd = openat(dirfd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        if (errno == ENOENT || errno == ENOTDIR) return BP_ENOTFOUND;
        return bp__open_failed(label, errno);
    }
    int failed = fstat(fd, st), err = errno;
    close(fd);
    if (failed != 0) BP_FAIL_ERRNO(BP_EIO, err, "%s: cannot be examined", label);
    return BP_OK;
}

bp_status bp__identify(int dirfd, const char *path, const char *label, bp__identity *id)
{
    struct stat st;
    bp_status s = BP_OK;
    if (fstatat(dirfd, path, &st, 0) != 0) {
        if (errno != ENOENT && errno != ENOTDIR)
            BP_FAIL_ERRNO(BP_EIO, errno, "%s: cannot be examined", label);
        s = BP_ENOTFOUND;
    }
    /* only what is a regular file is opened: opening a device may do things */
    if (s == BP_OK && S_ISREG(st.st_mode)) s = open_and_look(dirfd, path, label, &st);
    if (s == BP_ENOTFOUND)
        BP_FAIL(BP_ENOTFOUND, "%s: no such bundle file; 'bundle list' shows what is there", label);
    BP_TRY(s);
    if (!S_ISREG(st.st_mode)) BP_FAIL(BP_EFORMAT, "%s: not a regular file", label);
    *id = bp__identity_from(&st);
    return BP_OK;
}

/* Settling --------------------------------------------------------------------------------------- */

int64_t bp__unsettled_ns(const bp__identity *id, bool fine, int64_t now_ns, int64_t watched_ns)
{
    int64_t age = now_ns - id->ctime_ns;
    /* a file system that is fine as a rule may have files whose times are not: ext4 with inodes of 128 bytes */
    if (fine && id->ctime_ns % NS_PER_S != 0) {
        if (age < 0) return 0; /* the clock was set back, and has long to go until it gives that time again */
        return age < BP__SETTLE_NS ? BP__SETTLE_NS - age : 0;
    }
    if (age >= BP__SETTLE_COARSE_NS + BP__SKEW_NS || watched_ns >= BP__SETTLE_COARSE_NS) return 0;
    return BP__SETTLE_COARSE_NS - watched_ns;
}

static int64_t wall_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return ns_of(t);
}

bp_status bp__identify_settled(const char *path, bp__identity *id)
{
    BP_TRY(bp__identify(AT_FDCWD, path, path, id));
    uint64_t first_ns = bp__clock_ns(), since_ns = first_ns;
    /* asked for only where it matters: on some network file systems it takes its time */
    bool recent = bp__unsettled_ns(id, false, wall_ns(), 0) > 0;
    bool fine = recent && bp__filesystem_at(path).fine;
    for (;;) {
        uint64_t now_ns = bp__clock_ns();
        int64_t ns = bp__unsettled_ns(id, fine, wall_ns(), (int64_t)(now_ns - since_ns));
        if (ns == 0) return BP_OK;
        if ((int64_t)(now_ns - first_ns) - BP__SETTLE_COARSE_NS >= PATIENCE_NS)
            BP_FAIL(BP_ECHANGED, "%s: the file keeps changing", path);
        struct timespec until = bp__deadline_ns((uint64_t)ns);
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) continue;

        bp__identity now;
        BP_TRY(bp__identify(AT_FDCWD, path, path, &now));
        if (!bp__identity_equal(&now, id)) since_ns = bp__clock_ns();
        *id = now;
    }
}

/* File systems ----------------------------------------------------------------------------------- */

/* Types as in linux/magic.h, which does not know all of them. Fine are local ones alone; what is not listed is
 * taken for coarse, which costs a wait and no more. */
static const struct {
    uint32_t type;
    bp__filesystem is;
} filesystems[] = {
    {0xef53, {"ext2, ext3 or ext4", true}},
    {0x58465342, {"xfs", true}},
    {0x9123683e, {"btrfs", true}},
    {0x01021994, {"tmpfs", true}},
    {0x858458f6, {"ramfs", true}},
    {0x794c7630, {"overlayfs", true}}, /* what it lies on has to be local: its own times are that one's */
    {0x2fc12fc1, {"zfs", true}},
    {0xf2f52010, {"f2fs", true}},
    {0xca451a4e, {"bcachefs", true}},
    {0x73717368, {"squashfs", true}},
    {0xe0f5e1e2, {"erofs", true}},
    {0x6969, {"nfs", false}},
    {0x0bd00bd0, {"lustre", false}},
    {0x47504653, {"gpfs", false}},
    {0x19830326, {"beegfs", false}},
    {0x00c36400, {"ceph", false}},
    {0xff534d42, {"cifs", false}},
    {0xfe534d42, {"smb2", false}},
    {0x517b, {"smb", false}},
    {0x4d44, {"fat", false}},
    {0x2011bab0, {"exfat", false}},
    {0x5346414f, {"afs", false}},
    {0x6b414653, {"afs", false}},
    {0x01021997, {"9p", false}},
    {0x65735546, {"fuse", false}},
};

bp__filesystem bp__filesystem_of(uint64_t type)
{
    for (size_t i = 0; i < sizeof filesystems / sizeof *filesystems; i++)
        if (filesystems[i].type == (uint32_t)type)
            return filesystems[i].is; /* f_type is signed on some machines */
    return (bp__filesystem){"unknown", false};
}

bp__filesystem bp__filesystem_at(const char *path)
{
    struct statfs fs;
    return bp__filesystem_of(statfs(path, &fs) == 0 ? (uint64_t)fs.f_type : 0);
}
