/* Memory that a pool could have, and where it would lie. */
#include "core/memory.h"

#include <errno.h>
#include <mntent.h>
#include <string.h>
#include <sys/statvfs.h>

#include "core/text.h"
#include "doctor/probes.h"

#define SMALL (UINT64_C(64) << 20) /* a pool of less holds the demonstrations */

static const char *folder_of(const bp__subject *subject)
{
    return subject->backing.kind == BP__BACKING_FILE ? subject->backing.folder : NULL;
}

bp_status bp__wanted_bytes(const bp__subject *subject, uint64_t *bytes)
{
    bp__memory m;
    *bytes = (uint64_t)subject->cfg.pool_memory;
    if (*bytes > 0) return BP_OK;
    BP_TRY(bp__memory_look_at(folder_of(subject), &m));
    *bytes = bp__memory_least(&m, NULL) / 2;
    return BP_OK;
}

static const char *amount(uint64_t bytes, char text[32])
{
    return bytes == UINT64_MAX ? "no limit" : bp__bytes_text(bytes, text);
}

static const char *remedy_for(bp__memory_source source)
{
    static const char *const remedies[] = {
        [BP__SHM] = "enlarge the folder of shared memory (Docker: --shm-size), or remove files there",
        [BP__AVAILABLE] = "use a machine with more free memory",
        [BP__CGROUP] = "raise the memory limit of the cgroup (container)",
        [BP__SLURM] = "ask Slurm for more with --mem",
    };
    return remedies[source];
}

void bp__look_memory(const bp__subject *subject, bp__remark *f)
{
    bp__memory m;
    bp__memory_source source;
    char available[32], cgroup[32], slurm[32];
    uint64_t wanted;
    if (bp__memory_look_at(folder_of(subject), &m) != BP_OK || bp__wanted_bytes(subject, &wanted) != BP_OK) {
        bp__remark_that(f, BP__BAD, "%s", bp_error_text());
        bp__advise(f, "mount /proc");
        return;
    }
    const uint64_t least = bp__memory_least(&m, &source);
    const bool bad = wanted < BP__LEAST_BUDGET || wanted > least;
    bp__remark_that(f,
                    bad              ? BP__BAD
                    : wanted < SMALL ? BP__WARN
                                     : BP__GOOD,
                    "%s free, cgroup: %s, Slurm: %s%s", bp__bytes_text(m.available, available),
                    amount(m.cgroup, cgroup), amount(m.slurm, slurm),
                    wanted > least ? "; pool_memory is more than that" : "");
    if (f->health != BP__GOOD) bp__advise(f, "%s", remedy_for(source));
    if (wanted > least) bp__advise(f, "set pool_memory lower, or %s", remedy_for(source));
}

/* Shared memory ------------------------------------------------------------------------------------- */

/* The mount that a folder is on: the last one whose folder it begins with. @return false: not known */
static bool find_mount(const char *folder, char type[64], char options[128])
{
    char text[4096];
    struct mntent entry;
    size_t longest = 0;
    FILE *mounts = setmntent("/proc/self/mounts", "re");
    while (mounts && getmntent_r(mounts, &entry, text, sizeof text)) {
        const size_t n = strlen(entry.mnt_dir);
        const bool inside = strncmp(folder, entry.mnt_dir, n) == 0 &&
                            (folder[n] == '/' || folder[n] == '\0' || (n > 0 && entry.mnt_dir[n - 1] == '/'));
        if (!inside || n < longest) continue;
        longest = n;
        snprintf(type, 64, "%s", entry.mnt_type);
        bp__text_copy(options, 128, entry.mnt_opts);
    }
    if (mounts) endmntent(mounts);
    return longest > 0;
}

static bool keeps_in_memory(const char *type)
{
    return strcmp(type, "tmpfs") == 0 || strcmp(type, "ramfs") == 0;
}

/* Whether shared memory alone keeps a pool small on this machine. */
static bool holds_back(const bp__memory *m)
{
    bp__memory other = *m;
    other.shm_free = UINT64_MAX;
    return m->shm_free < bp__memory_least(&other, NULL) / 4;
}

void bp__look_shared_memory(const bp__subject *subject, bp__remark *f)
{
    const char *folder = folder_of(subject);
    char type[64] = "unknown", options[128] = "", size[32], left[32];
    bp__memory m;
    if (!folder) {
        bp__remark_that(f, BP__GOOD, "%s is enough here", bp__backing_name(&subject->backing));
        return;
    }
    if (bp__memory_look_at(folder, &m) != BP_OK || m.shm_size == 0) {
        bp__remark_that(f, BP__BAD, "%.200s: no file system with room is there", folder);
        bp__advise(f, "mount a tmpfs there");
        return;
    }
    find_mount(folder, type, options);
    const bool on_disk = !keeps_in_memory(type), small = holds_back(&m);
    const bool bad = bp__memory_window(&m) < BP__LEAST_BUDGET;
    bp__remark_that(f,
                    bad                ? BP__BAD
                    : on_disk || small ? BP__WARN
                                       : BP__GOOD,
                    "%.80s: %s, %s free, %s (%s)", folder, bp__bytes_text(m.shm_size, size),
                    bp__bytes_text(m.shm_free, left), type, options);
    if (bad || small)
        bp__advise(f,
                   "enlarge it (Docker: --shm-size; else: mount -o remount,size=...), or remove files there");
    else if (on_disk)
        bp__advise(f, "it is no tmpfs: what is shared is written to a disk; use /dev/shm");
}

/* What the pool does before it asks MPI for a window, alone. */
void bp__look_window(const bp__subject *subject, bp__remark *f)
{
    char text[32];
    uint64_t bytes;
    if (bp__wanted_bytes(subject, &bytes) != BP_OK) {
        bp__remark_that(f, BP__BAD, "%s", bp_error_text());
        return;
    }
    const uint64_t file = bp__backing_file_left(&subject->backing), space = bp__backing_space_left();
    if (subject->cfg.pool_memory == 0) { /* a pool makes do with less */
        if (bytes > file) bytes = file;
        if (bytes > space) bytes = space;
    }
    if (bytes < BP__LEAST_BUDGET) bytes = BP__LEAST_BUDGET;
    if (bp__backing_try(&subject->backing, bytes) != BP_OK)
        bp__remark_that(f, BP__BAD, "%s", bp_error_text());
    else
        bp__remark_that(f, BP__GOOD, "%s can be had, where a pool would put them: %.80s",
                        bp__bytes_text(bytes, text), bp__backing_name(&subject->backing));
}

void bp__look_huge_pages(const bp__subject *subject, bp__remark *f)
{
    char shmem[128] = "this kernel has none", type[64] = "", options[128] = "";
    const char *folder = folder_of(subject);
    bp__first_line("/sys/kernel/mm/transparent_hugepage/shmem_enabled", shmem, sizeof shmem);
    if (folder) find_mount(folder, type, options);
    const char *huge = strstr(options, "huge=");
    const bool forced = strstr(shmem, "[force]") != NULL; /* madvise(2) has no say then */
    bp__remark_that(f, forced ? BP__WARN : BP__GOOD, "of shared memory: %s%s%.40s", shmem,
                    huge ? "; mount option " : "", huge ? huge : "");
    if (forced)
        bp__advise(f, "memory of evicted bundles may not be given back; write 'never' to "
                      "/sys/kernel/mm/transparent_hugepage/shmem_enabled");
}
