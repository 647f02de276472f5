#include "core/name.h"

#include <stdio.h>
#include <string.h>

bp_status bp__bundle_name_check(const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t n = name ? strnlen(name, BP_NAME_MAX + 1) : 0;
    if (n == 0) BP_FAIL(BP_EINVAL, "a bundle's name is empty; it has 1 to 63 bytes of A-Z a-z 0-9 . _ -");
    if (n > BP_NAME_MAX)
        BP_FAIL(BP_EINVAL, "bundle name '%.20s...' is too long; 1 to 63 bytes are allowed", name);
    if (name[0] == '.' || strspn(name, allowed) != n) {
        char shown[BP_NAME_MAX + 1] = ""; /* an error is one line, whatever the name */
        for (size_t i = 0; i < n; i++) shown[i] = name[i] < ' ' ? '?' : name[i];
        BP_FAIL(BP_EINVAL, "bundle name '%s' is not allowed; use A-Z a-z 0-9 . _ - and do not begin with '.'",
                shown);
    }
    return BP_OK;
}

bp_status bp__bundle_path(const char *root, const char *name, char *path, size_t size)
{
    BP_TRY(bp__bundle_name_check(name));
    /* "//NAME.h5" may mean another place than "/NAME.h5"; after any other root a second slash does no harm */
    int n = snprintf(path, size, "%s%s%s" BP__FILE_SUFFIX, root, strcmp(root, "/") == 0 ? "" : "/", name);
    if (n < 0 || (size_t)n >= size)
        BP_FAIL(BP_EINVAL, "%.40s...: the path of bundle %s is too long", root, name);
    return BP_OK;
}
