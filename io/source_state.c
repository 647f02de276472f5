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

static bp_status walk(FTS *tree, int64_t *time, uint64_t *files)
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
        if (time_of(entry->fts_statp) > *time) *time = time_of(entry->fts_statp);
        if (++*files == BP__SOURCE_FILES_MOST) return BP_OK;
    }
    return BP_OK;
}

bp_status bp__source_look(const char *path, int64_t *time, uint64_t *files)
{
    char *const paths[] = {(char *)(uintptr_t)path, NULL};
    *time = BP_TIME_MISSING;
    *files = 0;
    FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
    if (!tree) BP_FAIL_ERRNO(BP_EIO, errno, "%s: cannot be opened", path);
    const bp_status s = walk(tree, time, files);
    fts_close(tree);
    return s;
}

bp__source_state bp__source_compare(const bp__origin *origin)
{
    int64_t time;
    uint64_t files;
    if (!*origin->source || !origin->path || origin->files >= BP__SOURCE_FILES_MOST)
        return BP__SOURCE_UNKNOWN;
    if (bp__failed(bp__source_look(origin->path, &time, &files))) return BP__SOURCE_GONE;
    if (files >= BP__SOURCE_FILES_MOST) return BP__SOURCE_UNKNOWN;
    return time > origin->time || files != origin->files ? BP__SOURCE_NEWER : BP__SOURCE_SAME;
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
