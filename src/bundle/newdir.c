#include "bundle/newdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/replace.h"

#define NAME_ATTEMPTS 100
#define RANDOM_DIGITS 6

/* Walking --------------------------------------------------------------------------------------- */

/* Called for each entry; false ends the walk. */
typedef bool visit(const char *folder, int fd, const struct dirent *entry, bool is_folder, void *context);

static bool is_folder_at(int fd, const char *name)
{
    struct stat st;
    return fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* Visit what is in a folder. @return false: a visit did, or it cannot be read */
static bool walk(int at, const char *name, const char *label, visit *each, void *context)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
    if (!list) {
        if (fd >= 0) close(fd);
        return false;
    }
    bool go_on = true;
    for (struct dirent *e; go_on && (e = readdir(list));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            go_on = each(label, fd, e, is_folder_at(fd, e->d_name), context);
    closedir(list);
    return go_on;
}

/* Whose it is ----------------------------------------------------------------------------------- */

typedef struct look {
    const bp__newdir_kind *kind;
    const bp__manifest *made; /* NULL: names decide */
    bool contents;            /* they count, too */
    size_t entries;
    bool changed;                      /* the stranger was ours */
    char stranger[2 * (NAME_MAX + 1)]; /* what is not ours */
} look;

static bool is_our_file(look *l, const char *folder, int fd, const char *name)
{
    if (*folder == '\0' && strcmp(name, BP__MANIFEST) == 0) return true;
    if (!l->made)
        return l->kind->is_file(folder, name) || (*folder == '\0' && strcmp(name, BP__MANIFEST_PART) == 0);
    const bp__manifest_file *file = bp__manifest_find(l->made, folder, name);
    l->changed = file && l->contents && !bp__manifest_matches(file, fd, name);
    return file && !l->changed;
}

static bool look_at(const char *folder, int fd, const struct dirent *entry, bool is_folder, void *context)
{
    look *l = context;
    const bool top = *folder == '\0';
    l->entries++;
    const bool ours =
        is_folder ? top && l->kind->is_folder(entry->d_name) : is_our_file(l, folder, fd, entry->d_name);
    if (ours && (!is_folder || walk(fd, entry->d_name, entry->d_name, look_at, l))) return true;
    if (!*l->stranger)
        snprintf(l->stranger, sizeof l->stranger, "%s%s%s", folder, top ? "" : "/", entry->d_name);
    return false;
}

static bool remove_entry(const char *folder, int fd, const struct dirent *entry, bool is_folder,
                         void *context)
{
    (void)folder;
    if (is_folder) walk(fd, entry->d_name, entry->d_name, remove_entry, context);
    unlinkat(fd, entry->d_name, is_folder ? AT_REMOVEDIR : 0);
    return true;
}

/* The list of what was made in a folder. */
static bp_status read_list(const bp__newdir *dir, const char *name, bp__manifest *made)
{
    const int fd = openat(dir->parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    *made = (bp__manifest){0};
    if (fd < 0) return bp__replace_fail(dir->path, "cannot be read", errno);
    const bp_status s = bp__manifest_read(fd, dir->path, made);
    close(fd);
    return s;
}

/* Remove a hidden folder with what is in it, if all of that is ours. One that was never whole has no list. */
static void remove_ours(const bp__newdir *dir, const char *name)
{
    bp__manifest made;
    const bp_status s = read_list(dir, name, &made);
    look l = {.kind = dir->kind, .made = s == BP_OK ? &made : NULL};
    if ((s == BP_OK || s == BP_ENOTFOUND) && walk(dir->parent, name, "", look_at, &l)) {
        walk(dir->parent, name, "", remove_entry, NULL);
        unlinkat(dir->parent, name, AT_REMOVEDIR);
    }
    bp__manifest_fini(&made);
}

/* What a killed process left -------------------------------------------------------------------- */

static bool is_temporary(const char *entry, const char *name)
{
    const size_t n = strlen(name);
    return entry[0] == '.' && strncmp(entry + 1, name, n) == 0 && entry[n + 1] == '.' &&
           strspn(entry + n + 2, "0123456789abcdef") == RANDOM_DIGITS && entry[n + 2 + RANDOM_DIGITS] == '\0';
}

static bool has_name(const bp__newdir *dir, const char *tmp, int fd)
{
    struct stat mine, there;
    return fstat(fd, &mine) == 0 && fstatat(dir->parent, tmp, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
}

static bool remove_left_over(const char *folder, int fd, const struct dirent *entry, bool is_folder,
                             void *context)
{
    const bp__newdir *dir = context;
    (void)folder;
    if (!is_folder || !is_temporary(entry->d_name, dir->name)) return true;
    int left = openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (left < 0) return true;
    if (flock(left, LOCK_EX | LOCK_NB) == 0 && has_name(dir, entry->d_name, left))
        remove_ours(dir, entry->d_name);
    close(left);
    return true;
}

/* Beginning ------------------------------------------------------------------------------------- */

/* Its absolute path, without a "." or ".." or link at its end, and the folder around it. */
static bp_status find_place(const char *path, bp__newdir *dir)
{
    char *real = realpath(path, NULL);
    if (!real && errno != ENOENT) return bp__replace_fail(path, "cannot be written", errno);
    if (real) {
        snprintf(dir->path, sizeof dir->path, "%s", real);
        free(real);
    } else {
        size_t n = strlen(path);
        while (n > 1 && path[n - 1] == '/') n--;
        if (n == 0 || n >= sizeof dir->path) BP_FAIL(BP_EINVAL, "'%.80s' is not the name of a folder", path);
        snprintf(dir->path, sizeof dir->path, "%.*s", (int)n, path);
    }
    char *slash = strrchr(dir->path, '/');
    dir->name = slash ? slash + 1 : dir->path;
    if (!*dir->name || strcmp(dir->name, ".") == 0 || strcmp(dir->name, "..") == 0)
        BP_FAIL(BP_EINVAL, "%s: cannot be made as a whole: name a folder in it", path);
    if (strlen(dir->name) + RANDOM_DIGITS + 3 > NAME_MAX)
        return bp__replace_fail(path, "cannot be written", ENAMETOOLONG);
    char *parent = slash == dir->path ? strdup("/")
                   : slash            ? strndup(dir->path, (size_t)(slash - dir->path))
                                      : strdup(".");
    if (!parent) BP_FAIL(BP_ENOMEM, "%s: no memory", path);
    dir->parent = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bp_status s =
        dir->parent < 0 ? bp__replace_fail(parent, "cannot be opened as a folder", errno) : BP_OK;
    free(parent);
    return s;
}

/* Every file in it must be as we made it. */
static bp_status check_files(const bp__newdir *dir)
{
    bp__manifest made;
    const bp_status s = read_list(dir, dir->name, &made);
    if (s == BP_ENOTFOUND)
        BP_FAIL(BP_EIO,
                "%s: is not replaced: no whole export, it has no " BP__MANIFEST
                ", the list of what was exported; remove it first, or choose another folder",
                dir->path);
    BP_TRY(s);
    look l = {.kind = dir->kind, .made = &made, .contents = true};
    const bool ours = walk(dir->parent, dir->name, "", look_at, &l);
    bp__manifest_fini(&made);
    if (ours) return BP_OK;
    if (!*l.stranger) return bp__replace_fail(dir->path, "cannot be read", errno);
    if (l.changed)
        BP_FAIL(BP_EIO, "%s: is not replaced: '%s' was changed after the export; move it away first",
                dir->path, l.stranger);
    BP_FAIL(BP_EIO, "%s: is not replaced: no export made '%s' in it; move it away first", dir->path,
            l.stranger);
}

/* Whether what is there may be replaced. */
static bp_status check_old(const bp__newdir *dir)
{
    struct stat st;
    look l = {.kind = dir->kind};
    if (fstatat(dir->parent, dir->name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) return BP_OK;
        return bp__replace_fail(dir->path, "cannot be written", errno);
    }
    if (!S_ISDIR(st.st_mode)) BP_FAIL(BP_EIO, "%s: is there already, and not a folder", dir->path);
    const bool ours = walk(dir->parent, dir->name, "", look_at, &l);
    if (ours && l.entries == 0) return BP_OK;
    if (!dir->replace)
        BP_FAIL(BP_EIO, "%s: is not empty; choose another folder, or replace an older export with --replace",
                dir->path);
    return check_files(dir);
}

/* A locked folder of a name that nobody has. */
static bp_status create(bp__newdir *dir)
{
    for (int i = 0; i < NAME_ATTEMPTS; i++) {
        unsigned x = 0;
        if (getrandom(&x, sizeof x, 0) != (ssize_t)sizeof x)
            return bp__replace_fail(dir->path, "no random name", errno);
        snprintf(dir->tmp, sizeof dir->tmp, ".%s.%0*x", dir->name, RANDOM_DIGITS, x & 0xffffffu);
        if (mkdirat(dir->parent, dir->tmp, 0777) != 0) {
            if (errno == EEXIST) continue;
            return bp__replace_fail(dir->path, "cannot be made", errno);
        }
        dir->fd = openat(dir->parent, dir->tmp, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        /* who cleans up in the moment before the lock takes it away, and it gets another name */
        const bool locked = dir->fd >= 0 && (flock(dir->fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK);
        if (locked && has_name(dir, dir->tmp, dir->fd)) return BP_OK;
        if (dir->fd >= 0) close(dir->fd);
        dir->fd = -1;
    }
    return bp__replace_fail(dir->path, "no free temporary name", EEXIST);
}

static void close_both(bp__newdir *dir)
{
    bp__manifest_fini(&dir->made);
    if (dir->fd >= 0) close(dir->fd);
    if (dir->parent >= 0) close(dir->parent);
    dir->fd = dir->parent = -1;
}

bp_status bp__newdir_begin(const char *path, bool replace, const bp__newdir_kind *kind, bp__newdir *dir)
{
    *dir = (bp__newdir){.kind = kind, .replace = replace, .parent = -1, .fd = -1};
    bp_status s = find_place(path, dir);
    if (s == BP_OK) s = check_old(dir);
    if (s == BP_OK) {
        walk(dir->parent, ".", "", remove_left_over, dir);
        s = create(dir);
    }
    if (bp__failed(s)) close_both(dir);
    return s;
}

bp_status bp__newdir_folder(const bp__newdir *dir, const char *name, int *fd)
{
    *fd = -1;
    if (mkdirat(dir->fd, name, 0777) == 0)
        *fd = openat(dir->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return *fd >= 0 ? BP_OK : bp__replace_fail(dir->path, "cannot be written", errno);
}

/* Ending ---------------------------------------------------------------------------------------- */

void bp__newdir_abort(bp__newdir *dir)
{
    walk(dir->parent, dir->tmp, "", remove_entry, NULL);
    unlinkat(dir->parent, dir->tmp, AT_REMOVEDIR);
    close_both(dir);
}

/* Give it its name. What was there has the name of the temporary folder then, and goes. */
static bp_status rename_new(const bp__newdir *dir)
{
    if (renameat(dir->parent, dir->tmp, dir->parent, dir->name) == 0) return BP_OK;
    if (errno != ENOTEMPTY && errno != EEXIST)
        return bp__replace_fail(dir->path, "cannot be replaced", errno);
    BP_TRY(check_old(dir)); /* it may have been made meanwhile */
    if (renameat2(dir->parent, dir->tmp, dir->parent, dir->name, RENAME_EXCHANGE) != 0)
        return bp__replace_fail(dir->path, "cannot be replaced on this file system: remove it first", errno);
    remove_ours(dir, dir->tmp);
    return BP_OK;
}

bp_status bp__newdir_commit(bp__newdir *dir)
{
    bp_status s = bp__manifest_write(&dir->made, dir->fd, dir->path);
    if (s == BP_OK && syncfs(dir->fd) != 0)
        s = bp__replace_fail(dir->path, "cannot be brought to the disk", errno);
    if (s == BP_OK) s = rename_new(dir);
    if (bp__failed(s)) {
        bp__newdir_abort(dir);
        return s;
    }
    /* some file systems cannot sync a folder; they order the rename by other means */
    if (fsync(dir->parent) != 0 && errno != EINVAL)
        s = bp__replace_fail(dir->path, "is there, but its folder is not on the disk", errno);
    close_both(dir);
    return s;
}
