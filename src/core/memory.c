#include "core/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Read a file that holds one number; UINT64_MAX for "max", for v1's "no limit" and if it cannot be read. */
static uint64_t read_number(const char *path)
{
    uint64_t n = UINT64_MAX;
    FILE *f = fopen(path, "re");
    if (!f) return n;
    if (fscanf(f, "%" SCNu64, &n) != 1 || n >= UINT64_C(1) << 62) n = UINT64_MAX;
    fclose(f);
    return n;
}

/* File pages that nobody writes count as used but can be had back at once. */
static uint64_t read_stat(const char *path, const char *key)
{
    uint64_t n = 0;
    char line[128], format[64];
    FILE *f = fopen(path, "re");
    if (!f) return 0;
    snprintf(format, sizeof format, "%s %%" SCNu64, key);
    while (fgets(line, sizeof line, f))
        if (sscanf(line, format, &n) == 1) break;
    fclose(f);
    return n;
}

static uint64_t headroom_at(const char *mount, const char *group, const char *limit, const char *usage)
{
    char path[1200];
    snprintf(path, sizeof path, "%s%s/%s", mount, group, limit);
    uint64_t max = read_number(path);
    if (max == UINT64_MAX) return max;
    snprintf(path, sizeof path, "%s%s/%s", mount, group, usage);
    uint64_t used = read_number(path);
    snprintf(path, sizeof path, "%s%s/memory.stat", mount, group);
    uint64_t cache = read_stat(path, "inactive_file");
    used -= min_u64(used, cache);
    return max - min_u64(used, max);
}

/* The group and everything above it: each may set a limit. */
static uint64_t headroom(const char *mount, char *group, const char *limit, const char *usage)
{
    uint64_t least = UINT64_MAX;
    for (;;) {
        least = min_u64(least, headroom_at(mount, group, limit, usage));
        char *slash = strrchr(group, '/');
        if (!slash || group[0] == '\0') return least;
        *slash = '\0';
    }
}

static uint64_t cgroup_headroom(void)
{
    uint64_t least = UINT64_MAX;
    char line[1100];
    FILE *f = fopen("/proc/self/cgroup", "re");
    if (!f) return least; /* no cgroups on this kernel */
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group) continue;
        *group++ = '\0';
        if (strcmp(group, "/") == 0) *group = '\0';
        if (controllers[1] == '\0')
            least = min_u64(least, headroom("/sys/fs/cgroup", group, "memory.max", "memory.current"));
        else if (strstr(controllers, "memory"))
            least = min_u64(least, headroom("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes",
                                            "memory.usage_in_bytes"));
    }
    fclose(f);
    return least;
}

/* A variable of Slurm's that holds a whole number, perhaps followed by something; 0: there is none. */
static uint64_t slurm_number(const char *variable)
{
    const char *text = getenv(variable);
    uint64_t n = 0;
    return text && sscanf(text, "%" SCNu64, &n) == 1 && n < UINT64_C(1) << 40 ? n : 0;
}

/* Slurm counts in MiB, per node or per processor of the job on this node; 0 means all there is. */
static uint64_t slurm_limit(void)
{
    uint64_t mib = slurm_number("SLURM_MEM_PER_NODE");
    if (mib == 0) mib = slurm_number("SLURM_MEM_PER_CPU") * slurm_number("SLURM_CPUS_ON_NODE");
    return mib == 0 || mib >= UINT64_C(1) << 40 ? UINT64_MAX : mib << 20;
}

bp_status bp__memory_look_at(const char *folder, bp__memory *memory)
{
    struct statvfs vfs;
    *memory = (bp__memory){.shm_free = UINT64_MAX};
    if (folder && statvfs(folder, &vfs) == 0) {
        memory->shm_free = (uint64_t)vfs.f_bavail * vfs.f_frsize;
        memory->shm_size = (uint64_t)vfs.f_blocks * vfs.f_frsize;
    }

    uint64_t kib = 0;
    char line[128];
    FILE *f = fopen("/proc/meminfo", "re");
    if (!f) BP_FAIL_ERRNO(BP_ESYS, errno, "/proc/meminfo cannot be read");
    while (fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %" SCNu64, &kib) == 1) break;
    fclose(f);
    if (kib == 0) BP_FAIL(BP_ESYS, "/proc/meminfo has no MemAvailable");
    memory->available = kib * 1024;
    memory->cgroup = cgroup_headroom();
    memory->slurm = slurm_limit();
    return BP_OK;
}

bp_status bp__memory_look(bp__memory *memory)
{
    return bp__memory_look_at(BP__SHM_DIR, memory);
}

uint64_t bp__memory_least(const bp__memory *memory, bp__memory_source *source)
{
    const uint64_t all[] = {memory->shm_free, memory->available, memory->cgroup, memory->slurm};
    unsigned least = 0;
    for (unsigned i = 1; i < sizeof all / sizeof *all; i++)
        if (all[i] < all[least]) least = i;
    if (source) *source = (bp__memory_source)least;
    return all[least];
}

uint64_t bp__memory_window(const bp__memory *memory)
{
    return memory->shm_free == UINT64_MAX ? UINT64_MAX : memory->shm_free / 8 * 7;
}

const char *bp__memory_source_name(bp__memory_source source)
{
    static const char *const names[] = {BP__SHM_DIR, "free memory", "the cgroup", "Slurm's limit"};
    return names[source];
}
