#include "cli/locate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bundlepool/bundle.h>

#include "core/config.h"
#include "core/name.h"

const char *bp__root(const char *root_option)
{
    if (root_option) return root_option;
    const char *env = getenv("BUNDLEPOOL_ROOT");
    static char of_file[BP_PATH_MAX];
    if (env && *env) return env;
    return of_file[0] || bp__config_file_root(of_file) == BP_OK ? of_file : "bundles";
}

bp_status bp__locate(const char *arg, const char *root_option, char *root, size_t root_size, char *name,
                     size_t name_size)
{
    const char *folder = bp__root(root_option), *stem = arg;
    size_t folder_len = strlen(folder), stem_len = strlen(arg);
    if (stem_len >= 3 && strcmp(arg + stem_len - 3, ".h5") == 0) {
        const char *slash = strrchr(arg, '/');
        folder = !slash ? "." : slash == arg ? "/" : arg;
        folder_len = slash && slash > arg ? (size_t)(slash - arg) : 1;
        stem = slash ? slash + 1 : arg;
        stem_len = strlen(stem) - 3;
    }
    if (folder_len >= root_size) BP_FAIL(BP_EINVAL, "%.40s...: the folder's path is too long", folder);
    char checked[BP_NAME_MAX + 2]; /* one byte more than allowed, for the check to see it */
    snprintf(checked, sizeof checked, "%.*s", stem_len > BP_NAME_MAX ? BP_NAME_MAX + 1 : (int)stem_len, stem);
    BP_TRY(bp__bundle_name_check(checked));
    if (strlen(checked) >= name_size) BP_FAIL(BP_EINVAL, "%s: the name is too long", checked);
    snprintf(root, root_size, "%.*s", (int)folder_len, folder);
    strcpy(name, checked);
    return BP_OK;
}

bp_status bp__target_find(const char *arg, const char *root_option, bp__target *target)
{
    BP_TRY(
        bp__locate(arg, root_option, target->root, sizeof target->root, target->name, sizeof target->name));
    return bp__bundle_path(target->root, target->name, target->path, sizeof target->path);
}
