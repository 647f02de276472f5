#include "cli/same.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

bp__file_id bp__file_id_of(const char *path)
{
    struct stat st;
    char folder[PATH_MAX];
    bp__file_id id = {.name = ""};
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    id.known = stat(path, &st) == 0;
    if (!id.known && *name && strlen(name) < sizeof id.name) {
        const int n = snprintf(folder, sizeof folder, "%.*s", (int)(name - path), path);
        id.known = n >= 0 && n < (int)sizeof folder && stat(n ? folder : ".", &st) == 0;
        strcpy(id.name, name);
    }
    if (!id.known) return id;
    id.device = st.st_dev;
    id.inode = st.st_ino;
    return id;
}

bool bp__same_id(const bp__file_id *a, const bp__file_id *b)
{
    return a->known && b->known && a->device == b->device && a->inode == b->inode &&
           strcmp(a->name, b->name) == 0;
}

bool bp__same_file(const char *a, const char *b)
{
    const bp__file_id x = bp__file_id_of(a), y = bp__file_id_of(b);
    return strcmp(a, b) == 0 || bp__same_id(&x, &y);
}
