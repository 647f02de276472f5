/* DESIGN
 *  1. The file is opened once. What it is, whose it is and what is in it is asked through the descriptor.
 *  2. It is loaded by its path, not by its descriptor, so that debuggers and profilers find it, and $ORIGIN means its
 *     folder. The path led to the file that was hashed if its identity (core/identity.h) is the same afterwards. A file
 *     that was written less than 20 ms ago is waited for, since a further write could not be told apart.
 *  3. Loading runs the file's constructors. Some compilers add one that changes the arithmetic of the whole process
 *     (-ffast-math: denormal numbers become 0); the arithmetic is put back as it was.
 */
#include "backtest/plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fenv.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backtest/description.h"
#include "core/hash.h"
#include "core/identity.h"

#define ATTEMPTS 5
#define SUFFIX   ".so"
#define ENTRY    "bp_strategy_module"

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#endif

struct bp__plugin {
    char *path; /* as it was given, without the strategy's name */
    char *name; /* of the strategy; NULL: none was given */
    void *handle;
    const bp_module *module;
    char hash[BP__HASH_TEXT];
};

/* Names ----------------------------------------------------------------------------------------- */

static bool ends_in_suffix(const char *text, size_t length)
{
    const size_t n = sizeof SUFFIX - 1;
    return length > n && memcmp(text + length - n, SUFFIX, n) == 0;
}

/* How much of it is the path. A colon in the path is not taken for the one before a strategy's name. */
static size_t path_length(const char *text)
{
    const size_t length = strlen(text);
    const char *colon = strrchr(text, ':');
    return !colon || strchr(colon, '/') || ends_in_suffix(text, length) ? length : (size_t)(colon - text);
}

bool bp__plugin_is_named(const char *name)
{
    const size_t n = path_length(name);
    return memchr(name, '/', n) || ends_in_suffix(name, n);
}

static bp_status split(const char *text, bp__plugin *p)
{
    const size_t n = path_length(text);
    if (text[n] && !text[n + 1])
        BP_FAIL(BP_EINVAL, "%.200s: the name of a strategy is missing behind the colon", text);
    p->path = strndup(text, n);
    if (text[n]) p->name = strdup(text + n + 1);
    if (!p->path || (text[n] && !p->name)) BP_FAIL(BP_ENOMEM, "%.200s: no memory to load it", text);
    return BP_OK;
}

/* Trust ----------------------------------------------------------------------------------------- */

static bp_status refuse_owner(const char *path, const char *what, uid_t owner)
{
    BP_FAIL(
        BP_EIO,
        "%.200s: refused, because %s belongs to user %u, who could change what runs in your name; copy the file "
        "into a folder of your own",
        path, what, (unsigned)owner);
}

/* The folder that a path leads through, with links or without, and what others may do there. A sticky one is refused
 * too: what the file itself loads could be put beside it by anybody. */
static bp_status check_folder(const char *path, const char *file)
{
    char folder[PATH_MAX];
    struct stat st;
    const char *slash = strrchr(file, '/');
    const int n = slash == file ? 1 : slash ? (int)(slash - file) : 0;
    snprintf(folder, sizeof folder, "%.*s", n ? n : 1, n ? file : ".");
    if (stat(folder, &st) != 0) BP_FAIL_ERRNO(BP_EIO, errno, "%.200s: its folder cannot be examined", path);
    if (st.st_uid != 0 && st.st_uid != geteuid()) return refuse_owner(path, "its folder", st.st_uid);
    if (st.st_mode & S_ISVTX &&
        st.st_mode & (S_IWGRP | S_IWOTH)) /* such as /tmp, which is to stay as it is */
        BP_FAIL(
            BP_EIO,
            "%.200s: refused, because others may write to its folder %.150s; copy it into a folder of your own",
            path, folder);
    if (st.st_mode & (S_IWGRP | S_IWOTH))
        BP_FAIL(
            BP_EIO,
            "%.150s: refused, because others may write to its folder: chmod go-w %.200s  or copy it into a folder of "
            "your own",
            path, folder);
    return BP_OK;
}

static bp_status check_file(const char *path, const struct stat *st)
{
    if (!S_ISREG(st->st_mode)) BP_FAIL(BP_EFORMAT, "%.200s: not a regular file", path);
    if (st->st_uid != 0 && st->st_uid != geteuid()) return refuse_owner(path, "it", st->st_uid);
    if (st->st_mode & (S_IWGRP | S_IWOTH))
        BP_FAIL(BP_EIO, "%.150s: refused, because others may write to it: chmod go-w %.200s", path, path);
    return BP_OK;
}

/* Form ------------------------------------------------------------------------------------------ */

static bp_status not_shared(const char *path)
{
    BP_FAIL(BP_EFORMAT,
            "%.200s: not a shared object; build it by: cc -O2 -ffp-contract=off -shared -fPIC -o NAME.so "
            "NAME.c",
            path);
}

static bp_status other_machine(const char *path)
{
    BP_FAIL(BP_EFORMAT,
            "%.200s: it is built for another kind of machine than this program; build it on this one", path);
}

static bool read_at(int fd, void *to, size_t size, uint64_t offset)
{
    ssize_t n;
    do n = pread(fd, to, size, (off_t)offset);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)size;
}

/* The loader maps what the headers name without a look at the file's size: touching what is not there would end the
 * process. */
static bp_status check_segments(const char *path, int fd, const ElfW(Ehdr) * head, uint64_t size)
{
    for (unsigned i = 0; i < head->e_phnum; i++) {
        ElfW(Phdr) segment;
        const bool there = read_at(fd, &segment, sizeof segment, head->e_phoff + i * sizeof segment);
        if (!there || segment.p_offset > size || segment.p_filesz > size - segment.p_offset)
            BP_FAIL(BP_EFORMAT, "%.200s: it is cut short; build it again", path);
    }
    return BP_OK;
}

static bp_status check_form(const char *path, int fd, uint64_t size)
{
    static const unsigned char own_class = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;
    const uint16_t one = 1;
    const unsigned char own_data = *(const unsigned char *)&one ? ELFDATA2LSB : ELFDATA2MSB;
    ElfW(Ehdr) head;
    if (!read_at(fd, &head, sizeof head, 0) || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0)
        return not_shared(path);
    if (head.e_ident[EI_CLASS] != own_class || head.e_ident[EI_DATA] != own_data) return other_machine(path);
#ifdef MACHINE
    if (head.e_machine != MACHINE) return other_machine(path);
#endif
    if (head.e_type != ET_DYN || head.e_phentsize != sizeof(ElfW(Phdr))) return not_shared(path);
    return check_segments(path, fd, &head, size);
}

/* Loading --------------------------------------------------------------------------------------- */

static void *load(const char *real)
{
    fenv_t arithmetic;
    const bool kept = fegetenv(&arithmetic) == 0;
    void *handle = dlopen(real, RTLD_NOW | RTLD_LOCAL);
    if (kept) fesetenv(&arithmetic);
    return handle;
}

/* Why the loader did not take it, without the path, which it may begin with. */
static bp_status not_loaded(const char *path, const char *real)
{
    const char *why = dlerror();
    const size_t n = strlen(real);
    if (!why) why = "the loader does not say why";
    if (strncmp(why, real, n) == 0 && why[n] == ':') why += n + 1 + (why[n + 1] == ' ');
    BP_FAIL(BP_EFORMAT, "%.200s: it cannot be loaded: %.250s", path, why);
}

static void wait_until_settled(const char *path, const bp__identity *id)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const int64_t now_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    const int64_t ns = bp__unsettled_ns(id, bp__filesystem_at(path).fine, now_ns, 0);
    struct timespec pause = {ns / 1000000000, ns % 1000000000};
    while (ns > 0 && nanosleep(&pause, &pause) != 0 && errno == EINTR) continue;
}

/* Check, hash and load what the descriptor is of.
 * @param[out] same  whether the path still led there afterwards, and nothing was written */
static bp_status take(bp__plugin *p, int fd, bool *same)
{
    char real[PATH_MAX];
    struct stat st, now = {0}, there = {0};
    if (fstat(fd, &st) != 0) BP_FAIL_ERRNO(BP_EIO, errno, "%.200s: cannot be examined", p->path);
    BP_TRY(check_file(p->path, &st));
    if (!realpath(p->path, real)) BP_FAIL_ERRNO(BP_EIO, errno, "%.200s: cannot be found", p->path);
    BP_TRY(check_folder(p->path, p->path));
    BP_TRY(check_folder(p->path, real));
    const bp__identity before = bp__identity_from(&st);
    wait_until_settled(p->path, &before);
    BP_TRY(check_form(p->path, fd, before.size));
    BP_TRY(bp__file_hash(fd, p->path, p->hash));
    p->handle = load(real);
    const bool examined = fstat(fd, &now) == 0 && stat(real, &there) == 0;
    const bp__identity after = bp__identity_from(&now), other = bp__identity_from(&there);
    *same = examined && bp__identity_equal(&before, &after) && bp__identity_equal(&before, &other);
    return p->handle || !*same ? BP_OK : not_loaded(p->path, real);
}

static bp_status open_file(const char *path, int *fd)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*fd >= 0) return BP_OK;
    if (errno == ENOENT || errno == ENOTDIR)
        BP_FAIL(BP_ENOTFOUND, "%.200s: no such file; a name with a slash or " SUFFIX " is that of a plug-in",
                path);
    BP_FAIL_ERRNO(BP_EIO, errno, "%.200s: cannot be read", path);
}

static bp_status load_file(bp__plugin *p)
{
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        int fd;
        bool same = false;
        BP_TRY(open_file(p->path, &fd));
        bp_status s = take(p, fd, &same);
        close(fd);
        if (bp__failed(s) || same) return s;
        if (p->handle) dlclose(p->handle);
        p->handle = NULL;
    }
    BP_FAIL(BP_ECHANGED,
            "%.200s: it is written again and again while it is loaded; wait until it is complete", p->path);
}

static bp_status ask_for_module(bp__plugin *p, const bp_host *host)
{
    const bp_module *(*entry)(const bp_host *);
    void *symbol = dlsym(p->handle, ENTRY);
    if (!symbol)
        BP_FAIL(BP_EFORMAT,
                "%.200s: there is no " ENTRY "() in it, or it is hidden; end the file with "
                "BP_STRATEGY_MODULE(&NAME) of <bundlepool/strategy.h>",
                p->path);
    memcpy(&entry, &symbol, sizeof entry); /* ISO C knows no conversion between the two */
    p->module = entry(host);
    return bp__description_check(p->path, p->module, BP__NAMES_OF_PLUGINS);
}

/* Choosing -------------------------------------------------------------------------------------- */

static const bp_strategy *find(const bp__plugin *p)
{
    if (!p->name) return p->module->count == 1 ? p->module->strategy[0] : NULL;
    for (uint32_t i = 0; i < p->module->count; i++)
        if (strcmp(p->module->strategy[i]->name, p->name) == 0) return p->module->strategy[i];
    return NULL;
}

bp_status bp__plugin_strategy(const bp__plugin *p, const bp_strategy **strategy)
{
    *strategy = find(p);
    return *strategy ? BP_OK : bp__description_not_chosen(p->path, p->module->strategy, p->module->count);
}

static bp_status check_name(const bp__plugin *p)
{
    char names[200];
    if (!p->name || find(p)) return BP_OK;
    BP_FAIL(BP_ENOTFOUND, "%.160s: there is no strategy '%.40s' in it, choose from %s", p->path, p->name,
            bp__description_names(p->module->strategy, p->module->count, names, sizeof names));
}

/* Life ------------------------------------------------------------------------------------------ */

bp_status bp__plugin_open(const char *path_and_name, const bp_host *host, bp__plugin **plugin)
{
    bp__plugin *p = calloc(1, sizeof *p);
    *plugin = NULL;
    if (!p) BP_FAIL(BP_ENOMEM, "%.200s: no memory to load it", path_and_name);
    bp_status s = split(path_and_name, p);
    if (s == BP_OK) s = load_file(p);
    if (s == BP_OK) s = ask_for_module(p, host);
    if (s == BP_OK) s = check_name(p);
    if (bp__failed(s))
        bp__plugin_close(&p);
    else
        *plugin = p;
    return s;
}

void bp__plugin_close(bp__plugin **plugin)
{
    bp__plugin *p = *plugin;
    *plugin = NULL;
    if (!p) return;
    if (p->handle) dlclose(p->handle);
    free(p->path);
    free(p->name);
    free(p);
}

const bp_strategy *const *bp__plugin_strategies(const bp__plugin *p, size_t *count)
{
    *count = p->module->count;
    return p->module->strategy;
}

const char *bp__plugin_file(const bp__plugin *p)
{
    const char *slash = strrchr(p->path, '/');
    return slash ? slash + 1 : p->path;
}

const char *bp__plugin_hash(const bp__plugin *p)
{
    return p->hash;
}
