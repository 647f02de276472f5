/* What this process may use: the limits that `ulimit` shows. */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/memory.h"
#include "core/text.h"
#include "doctor/probes.h"

/* A load keeps a file open, and several go on at a time; MPI needs some for each rank that it talks to. */
#define FEW_DESCRIPTORS   256u
#define LEAST_DESCRIPTORS 64u
/* A service thread, those that decode, and MPI's. */
#define FEW_THREADS 64u

/* @return UINT64_MAX: there is none */
static uint64_t limit_of(int resource)
{
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return UINT64_MAX;
    return (uint64_t)limit.rlim_cur;
}

static const char *limit_text(uint64_t bytes, char text[32])
{
    return bytes == UINT64_MAX ? "unlimited" : bp__bytes_text(bytes, text);
}

/* A limit, and how large a window it leaves room for. */
static void judge_window(const bp__subject *subject, uint64_t limit, uint64_t window, const char *option,
                         bp__remark *f)
{
    char text[32], left[32];
    uint64_t wanted = 0;
    (void)bp__wanted_bytes(subject, &wanted); /* "memory" tells of its failure */
    if (limit == UINT64_MAX) {
        bp__remark_that(f, BP__GOOD, "unlimited");
        return;
    }
    const bool bad = window < BP__LEAST_BUDGET || (subject->cfg.pool_memory > 0 && window < wanted);
    bp__remark_that(f,
                    bad               ? BP__BAD
                    : window < wanted ? BP__WARN
                                      : BP__GOOD,
                    "%s: a pool may have %s on this machine", limit_text(limit, text),
                    limit_text(window, left));
    if (f->health != BP__GOOD) bp__advise(f, "raise the limit that 'ulimit -%s' shows", option);
}

void bp__look_file_size(const bp__subject *subject, bp__remark *f)
{
    judge_window(subject, limit_of(RLIMIT_FSIZE), bp__backing_file_left(&subject->backing), "f", f);
}

void bp__look_address_space(const bp__subject *subject, bp__remark *f)
{
    judge_window(subject, limit_of(RLIMIT_AS), bp__backing_space_left(), "v", f);
}

/* Descriptors that can still be opened, as far as they matter. */
static unsigned free_descriptors(unsigned most)
{
    int fd[FEW_DESCRIPTORS];
    unsigned n = 0;
    while (n < most && (fd[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) n++;
    for (unsigned i = 0; i < n; i++) close(fd[i]);
    return n;
}

void bp__look_descriptors(const bp__subject *subject, bp__remark *f)
{
    (void)subject;
    const uint64_t limit = limit_of(RLIMIT_NOFILE);
    const unsigned can_be_had = free_descriptors(FEW_DESCRIPTORS);
    const bool enough = can_be_had == FEW_DESCRIPTORS;
    char text[32] = "unlimited";
    if (limit != UINT64_MAX) snprintf(text, sizeof text, "%" PRIu64, limit);
    bp__remark_that(f,
                    enough                           ? BP__GOOD
                    : can_be_had < LEAST_DESCRIPTORS ? BP__BAD
                                                     : BP__WARN,
                    "%s, of which %s%u can be opened", text, enough ? "at least " : "", can_be_had);
    if (!enough)
        bp__advise(f, "raise the limit that 'ulimit -n' shows to 1024 or more%s",
                   limit > LEAST_DESCRIPTORS + FEW_DESCRIPTORS ? "; or the system's, fs.file-max, is used up"
                                                               : "");
}

/* What the cgroup of this process allows. @return UINT64_MAX: no limit is known */
static uint64_t cgroup_threads(void)
{
    char line[1024], path[1100], number[32];
    FILE *file = fopen("/proc/self/cgroup", "re");
    uint64_t least = UINT64_MAX;
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "0::", 3) != 0) continue;
        for (char *slash = line + strlen(line); slash; slash = strrchr(line + 3, '/')) {
            *slash = '\0';
            snprintf(path, sizeof path, "/sys/fs/cgroup%s/pids.max", line + 3);
            if (!bp__first_line(path, number, sizeof number) || strcmp(number, "max") == 0) continue;
            const uint64_t most = strtoull(number, NULL, 10);
            if (most < least) least = most;
        }
    }
    if (file) fclose(file);
    return least;
}

void bp__look_threads(const bp__subject *subject, bp__remark *f)
{
    (void)subject;
    const uint64_t user = limit_of(RLIMIT_NPROC), group = cgroup_threads();
    const uint64_t least = user < group ? user : group;
    if (least == UINT64_MAX) {
        bp__remark_that(f, BP__GOOD, "unlimited");
        return;
    }
    const bool of_group = group < user;
    bp__remark_that(f, least < FEW_THREADS ? BP__WARN : BP__GOOD,
                    "%" PRIu64 " at most, with all processes of %s", least,
                    of_group ? "the cgroup (container)" : "the user");
    if (least < FEW_THREADS)
        bp__advise(f, of_group ? "raise pids.max of the cgroup: a rank has some 10 threads"
                               : "raise the limit that 'ulimit -u' shows: a rank has some 10 threads");
}

void bp__look_core_dumps(const bp__subject *subject, bp__remark *f)
{
    char text[32], pattern[128] = "?";
    (void)subject;
    const uint64_t limit = limit_of(RLIMIT_CORE);
    bp__first_line("/proc/sys/kernel/core_pattern", pattern, sizeof pattern);
    if (limit == 0 && pattern[0] != '|') /* a program that takes them does not heed the limit */
        bp__remark_that(f, BP__GOOD, "none are written");
    else
        bp__remark_that(f, BP__GOOD, "%s each, to %s; bundles are left out of them", limit_text(limit, text),
                        pattern);
}

static bool has_entries(const char *folder)
{
    const struct dirent *entry = NULL;
    DIR *dir = opendir(folder);
    while (dir && (entry = readdir(dir)) != NULL && entry->d_name[0] == '.') continue;
    const bool any = entry != NULL;
    if (dir) closedir(dir);
    return any;
}

void bp__look_locked_memory(const bp__subject *subject, bp__remark *f)
{
    char text[32];
    (void)subject;
    const uint64_t limit = limit_of(RLIMIT_MEMLOCK);
    const bool fabric = has_entries("/sys/class/infiniband") || has_entries("/sys/class/cxi");
    const bool low = fabric && limit != UINT64_MAX;
    bp__remark_that(f, low ? BP__WARN : BP__GOOD, "%s%s", limit_text(limit, text),
                    fabric ? ", with a network that pins memory" : ": no network that pins memory is here");
    if (low)
        bp__advise(
            f, "such networks want 'ulimit -l unlimited', for Slurm's daemons, too (LimitMEMLOCK=infinity)");
}
