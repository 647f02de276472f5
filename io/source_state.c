#include "io/source_state.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <bundlepool/bundle.h>

#define SECOND_NS INT64_C(1000000000)

static int64_t time_of(const struct stat *st)
{
    return st->st_mtim.tv_sec * SECOND_NS + st->st_mtim.tv_nsec;
}

static bool is_bundle(const FTSENT *entry)
{
    return entry->fts_namelen > 3 && strcmp(entry->fts_name + entry->fts_namelen - 3, ".h5") == 0;
}

/* FNV-1a. */
static uint64_t mix(uint64_t hash, const void *bytes, size_t size)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < size; i++) hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* @param[in] root  bytes of the path that is the source's own */
static void see(const FTSENT *entry, size_t root, bp__source_seen *seen)
{
    const char *name = entry->fts_path + root;
    const int64_t time = time_of(entry->fts_statp), size = (int64_t)entry->fts_statp->st_size;
    name += strspn(name, "/");
    uint64_t hash = mix(UINT64_C(0xcbf29ce484222325), name, strlen(name) + 1);
    hash = mix(mix(hash, &size, sizeof size), &time, sizeof time);
    seen->stamp = (seen->stamp + (hash ^ hash >> 32)) & INT64_MAX;
    if (time > seen->time) seen->time = time;
    seen->files++;
}

static bp_status walk(FTS *tree, size_t root, bp__source_seen *seen)
{
    FTSENT *entry;
    while (errno = 0, (entry = fts_read(tree))) {
        if (entry->fts_level > 0 && entry->fts_name[0] == '.') {
            fts_set(tree, entry, FTS_SKIP);
            continue;
        }
        const bool failed =
            entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS;
        if (failed && entry->fts_level == 0) /* what is closed to us below it is nothing that is read */
            BP_FAIL_ERRNO(entry->fts_errno == ENOENT ? BP_ENOTFOUND : BP_EIO, entry->fts_errno,
                          "%s: cannot be opened", entry->fts_path);
        if (entry->fts_info != FTS_F || (entry->fts_level > 0 && is_bundle(entry))) continue;
        see(entry, root, seen);
        if (seen->files == BP__SOURCE_FILES_MOST) return BP_OK;
    }
    return BP_OK;
}

bp_status bp__source_look(const char *path, bp__source_seen *seen)
{
    size_t root = strlen(path);
    while (root > 0 && path[root - 1] == '/') root--;
    char *const paths[] = {(char *)(uintptr_t)path, NULL};
    *seen = (bp__source_seen){.time = BP_TIME_MISSING};
    FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
    if (!tree) BP_FAIL_ERRNO(BP_EIO, errno, "%s: cannot be opened", path);
    const bp_status s = walk(tree, root, seen);
    fts_close(tree);
    return s;
}

bp__source_state bp__source_compare(const bp__origin *origin)
{
    bp__source_seen now;
    if (!*origin->source || !origin->path || origin->files >= BP__SOURCE_FILES_MOST)
        return BP__SOURCE_UNKNOWN;
    if (bp__failed(bp__source_look(origin->path, &now))) return BP__SOURCE_GONE;
    if (now.files >= BP__SOURCE_FILES_MOST) return BP__SOURCE_UNKNOWN;
    if (now.time > origin->time || now.files != origin->files) return BP__SOURCE_NEWER;
    return origin->stamp != 0 && now.stamp != origin->stamp ? BP__SOURCE_NEWER : BP__SOURCE_SAME;
}

bool bp__source_note(const bp__origin *origin, const char *bundle, char *text, size_t size)
{
    const bp__source_state state = bp__source_compare(origin);
    if (state == BP__SOURCE_NEWER)
        snprintf(text, size, "the source %s has changed since; 'bundle sync %s' brings it in", origin->path,
                 bundle);
    else if (state == BP__SOURCE_GONE)
        snprintf(text, size, "the source %s is gone: whether it has changed is not known", origin->path);
    else
        return false;
    return true;
}
