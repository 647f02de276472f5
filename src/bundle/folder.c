#include "bundle/folder.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The folder that the first n bytes name. @param[in] n  not 0 */
static bp_status make_part(bp__folder *folder, size_t n)
{
    char part[BP_PATH_MAX];
    snprintf(part, sizeof part, "%.*s", (int)n, folder->path);
    if (mkdir(part, 0777) == 0)
        folder->made[n] = true;
    else if (errno != EEXIST)
        BP_FAIL_ERRNO(BP_EIO, errno, "%s: the folder cannot be made", part);
    return BP_OK;
}

static bp_status make_parts(bp__folder *folder)
{
    struct stat st;
    for (const char *end = folder->path + 1;; end++) {
        end += strcspn(end, "/");
        BP_TRY(make_part(folder, (size_t)(end - folder->path)));
        if (*end == '\0') break;
    }
    if (stat(folder->path, &st) != 0) BP_FAIL_ERRNO(BP_EIO, errno, "%s: cannot be examined", folder->path);
    if (!S_ISDIR(st.st_mode)) BP_FAIL(BP_EIO, "%s: is not a folder", folder->path);
    return BP_OK;
}

bp_status bp__folder_make(bp__folder *folder, const char *path)
{
    const int n = snprintf(folder->path, sizeof folder->path, "%s", path);
    if (n <= 0 || (size_t)n >= sizeof folder->path)
        BP_FAIL(BP_EINVAL, "'%.80s' is not the name of a folder", path);
    const bp_status s = make_parts(folder);
    if (bp__failed(s)) bp__folder_unmake(folder);
    return s;
}

void bp__folder_unmake(bp__folder *folder)
{
    for (size_t n = strlen(folder->path); n > 0; n--) {
        if (!folder->made[n]) continue;
        folder->path[n] = '\0';
        (void)rmdir(folder->path); /* what is not empty is of use to somebody */
        folder->made[n] = false;
    }
}
