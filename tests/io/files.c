#include "files.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/suite.h"

static char folder[] = "/tmp/bundlepool-io.XXXXXX";

const char *files_folder(void)
{
    return folder;
}

const char *files_path(const char *name)
{
    static _Thread_local char path[4][512];
    static _Thread_local unsigned next;
    char *to = path[next++ % 4];
    snprintf(to, sizeof path[0], "%s/%s", folder, name);
    return to;
}

static bool is_entry(const struct dirent *e)
{
    return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

size_t files_count(void)
{
    size_t n = 0;
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) n += is_entry(e);
    if (d) closedir(d);
    return n;
}

char *files_read(const char *name, size_t *size)
{
    FILE *f = fopen(files_path(name), "rb");
    char *bytes = NULL;
    *size = 0;
    if (f && fseek(f, 0, SEEK_END) == 0) {
        const long n = ftell(f);
        rewind(f);
        bytes = n >= 0 ? malloc((size_t)n + 1) : NULL;
        if (bytes) *size = fread(bytes, 1, (size_t)n, f);
    }
    if (f) fclose(f);
    return bytes;
}

bool files_equal(const char *a, const char *b)
{
    size_t m, n;
    char *x = files_read(a, &m), *y = files_read(b, &n);
    const bool same = x && y && m > 0 && m == n && memcmp(x, y, m) == 0;
    free(x);
    free(y);
    return same;
}

int files_main(const char *name, CU_TestInfo *tests)
{
    if (!mkdtemp(folder)) return 1;
    const int code = suite_main(name, tests);
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));)
        if (is_entry(e)) unlink(files_path(e->d_name));
    if (d) closedir(d);
    return rmdir(folder) != 0 ? 1 : code;
}
