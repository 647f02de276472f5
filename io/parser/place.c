#include "io/parser/place.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

/* What the environment said when it was looked at. */
static struct {
    char named[PATH_MAX]; /* "": nothing */
    char **all;           /* its strings are never freed by the C library; NULL: there was no memory */
} settings;

static void read_environment(void)
{
    size_t n = 0;
    const char *value = getenv(BP__PARSER_VARIABLE);
    snprintf(settings.named, sizeof settings.named, "%s", value ? value : "");
    while (environ && environ[n]) n++;
    settings.all = calloc(n + 1, sizeof *settings.all);
    if (settings.all && n > 0) memcpy(settings.all, environ, n * sizeof *settings.all);
}

static void look_once(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, read_environment);
}

bool bp__parser_is_inline(void)
{
    look_once();
    return strcmp(settings.named, "inline") == 0;
}

char *const *bp__parser_environment(void)
{
    static char *const none[] = {NULL};
    look_once();
    return settings.all ? settings.all : none;
}

/* The file that holds this very code: the library, or a program that it is linked into. */
static bool own_file(char path[PATH_MAX])
{
    static const char anchor; /* an address in that file */
    Dl_info info;
    return dladdr(&anchor, &info) != 0 && info.dli_fname && realpath(info.dli_fname, path) != NULL;
}

static bool program_file(char path[PATH_MAX])
{
    const ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
    if (n <= 0) return false;
    path[n] = '\0';
    return true;
}

/* Whether a program was put there by somebody who could as well have changed the code that is running: in a folder beside
 * one's own anybody else may have put something. */
static bool is_trusted(int fd, uid_t owner)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && !(st.st_mode & S_IWOTH) &&
           (st.st_uid == 0 || st.st_uid == geteuid() || st.st_uid == owner);
}

static bool try_program(const char *folder, const char *below, uid_t owner, int *fd)
{
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s%s/" BP__PARSER_PROGRAM, folder, below);
    if (access(path, X_OK) != 0) return false;
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd >= 0 && is_trusted(*fd, owner)) return true;
    if (*fd >= 0) close(*fd);
    return false;
}

/* Beside a file, or where an installation has its programs, seen from there. */
static bool try_beside(char path[PATH_MAX], int *fd)
{
    /* bin itself; the package made by pip; lib; lib/x86_64-linux-gnu, and a build folder; lib/python3/dist-packages/bundlepool */
    static const char *const below[] = {"", "/bin", "/../bin", "/../../bin", "/../../../../bin"};
    struct stat st;
    if (stat(path, &st) != 0) return false;
    *strrchr(path, '/') = '\0';
    for (size_t i = 0; i < sizeof below / sizeof *below; i++)
        if (try_program(path, below[i], st.st_uid, fd)) return true;
    return false;
}

bp_status bp__parser_open(int *fd)
{
    const char *named = settings.named;
    char path[PATH_MAX] = "";
    look_once();
    if (*named) {
        *fd = open(named, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (*fd >= 0) return BP_OK;
        BP_FAIL_ERRNO(BP_ENOTFOUND, errno, BP__PARSER_VARIABLE "=%s: cannot be opened", named);
    }
    if (own_file(path) && try_beside(path, fd)) return BP_OK;
    if (program_file(path) && try_beside(path, fd)) return BP_OK;
    if (try_program(BP__PARSER_BINDIR, "", 0, fd)) return BP_OK;
    BP_FAIL(BP_ENOTFOUND, "no " BP__PARSER_PROGRAM " beside the library, nor in " BP__PARSER_BINDIR
                          ": install it, name it in " BP__PARSER_VARIABLE ", or set " BP__PARSER_VARIABLE
                          "=inline if you trust your files");
}
