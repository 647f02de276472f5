#include "search/note.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/text.h"

#define MAGIC    "bundlepool crash note 1"
#define INFIX    ".crash."
#define MAX_SIZE (128 * 1024)
#define MAX_NAME (BP_PATH_MAX + 40)
#define ATTEMPTS 100 /* of names for one rank: earlier notes may still be needed */

/* Places ---------------------------------------------------------------------------------------- */

/* The line "program" tells who has written a search, and decides nothing. */
static const char *behind_program(const char *text)
{
    const char *end = strncmp(text, "program ", 8) == 0 ? strchr(text, '\n') : NULL;
    return end ? end + 1 : text;
}

bp_status bp__note_place_init(const char *journal, const char *text, int rank, bp__note_place *place)
{
    char folder[BP_PATH_MAX];
    const char *slash = strrchr(journal, '/'), *base = slash ? slash + 1 : journal;
    *place = (bp__note_place){.folder = -1, .rank = rank};
    const int n = snprintf(folder, sizeof folder, "%.*s", (int)(base - journal), journal);
    if (n >= (int)sizeof folder || strlen(base) >= sizeof place->base)
        BP_FAIL(BP_EINVAL, "--journal: %.200s...: the name is too long", journal);
    snprintf(place->base, sizeof place->base, "%s", base);
    const char *known = behind_program(text);
    BP_TRY(bp__bytes_hash(known, strlen(known), place->search));
    place->folder = open(n ? folder : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (place->folder < 0)
        BP_FAIL_ERRNO(BP_EIO, errno, "--journal: %.200s: its folder cannot be opened", journal);
    return BP_OK;
}

void bp__note_place_fini(bp__note_place *place)
{
    if (place->folder >= 0) close(place->folder);
    place->folder = -1;
}

/* Writing: all of it is called in a signal handler ------------------------------------------------ */

typedef struct pen {
    int fd;
    bool failed;
    size_t used;
    char buffer[512];
} pen;

static void put_out(pen *p)
{
    for (size_t at = 0; at < p->used && !p->failed;) {
        const ssize_t n = write(p->fd, p->buffer + at, p->used - at);
        if (n < 0 && errno == EINTR) continue;
        p->failed = n < 0;
        at += n > 0 ? (size_t)n : 0;
    }
    p->used = 0;
}

static void put_text(pen *p, const char *text)
{
    for (; *text; text++) {
        if (p->used == sizeof p->buffer) put_out(p);
        p->buffer[p->used++] = *text;
    }
}

/* @return the number as text, at the end of `digits` */
static const char *number_text(uint64_t number, char digits[24])
{
    char *at = digits + 23;
    *at = '\0';
    do *--at = (char)('0' + number % 10);
    while (number /= 10);
    return at;
}

static void put_line(pen *p, const char *key, const char *value)
{
    put_text(p, key);
    put_text(p, value);
    put_text(p, "\n");
}

/* JOURNAL.crash.RANK, or with a further number if there is one already. */
static void make_name(const bp__note_place *place, unsigned attempt, char name[MAX_NAME])
{
    char digits[24];
    const char *const parts[] = {place->base, INFIX, number_text((uint64_t)place->rank, digits)};
    size_t used = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        for (const char *c = parts[i]; *c; c++) name[used++] = *c;
    if (attempt > 0) {
        name[used++] = '.';
        for (const char *c = number_text(attempt, digits); *c; c++) name[used++] = *c;
    }
    name[used] = '\0';
}

bool bp__note_write(const bp__note_place *place, bp_status status, const char *why, const uint64_t *task,
                    size_t count)
{
    char name[MAX_NAME], digits[24];
    pen p = {.fd = -1};
    for (unsigned attempt = 0; p.fd < 0 && attempt < ATTEMPTS; attempt++) {
        make_name(place, attempt, name);
        p.fd = openat(place->folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (p.fd < 0 && errno != EEXIST) return false;
    }
    if (p.fd < 0) return false;
    put_line(&p, MAGIC, "");
    put_line(&p, "search ", place->search);
    put_line(&p, "status ", number_text((uint64_t)status, digits));
    put_line(&p, "why ", why);
    for (size_t i = 0; i < count; i++) put_line(&p, "task ", number_text(task[i], digits));
    put_line(&p, "end", "");
    put_out(&p);
    const bool synced = fsync(p.fd) == 0, closed = close(p.fd) == 0;
    return !p.failed && synced && closed;
}

/* Reading --------------------------------------------------------------------------------------- */

/* The rest of the next line, if it begins with a key; else the text stays where it is. */
static const char *take_line(char **text, const char *key)
{
    const size_t n = strlen(key);
    char *end = strchr(*text, '\n');
    if (!end || strncmp(*text, key, n) != 0) return NULL;
    char *value = *text + n;
    *end = '\0';
    *text = end + 1;
    return value;
}

static bool take_number(char **text, const char *key, uint64_t *number)
{
    const char *value = take_line(text, key);
    char *end;
    errno = 0;
    *number = value ? strtoull(value, &end, 10) : 0;
    return value && *value >= '0' && *value <= '9' && *end == '\0' && errno == 0;
}

/* @return false: it is no whole note of this search */
static bool parse(const bp__note_place *place, char *text, uint64_t num_tasks, bp__note *note)
{
    uint64_t status, task;
    const char *line = take_line(&text, MAGIC);
    if (!line || *line) return false;
    line = take_line(&text, "search ");
    if (!line || strcmp(line, place->search) != 0) return false;
    if (!take_number(&text, "status ", &status) || status == BP_OK || status > BP_ESTOPPED) return false;
    note->status = (bp_status)status;
    line = take_line(&text, "why ");
    if (!line || strlen(line) >= sizeof note->why) return false;
    snprintf(note->why, sizeof note->why, "%s", line);
    bp__text_clean(note->why);
    while (note->count < BP__NOTE_MAX_TASKS && take_number(&text, "task ", &task)) {
        if (task >= num_tasks) return false;
        note->task[note->count++] = task;
    }
    line = take_line(&text, "end");
    return line && !*line && !*text && note->count > 0;
}

/* Whether a file is this user's own business. @return NULL, or why not */
static const char *distrust(int fd, struct stat *st)
{
    if (fstat(fd, st) != 0) return "it cannot be examined";
    if (!S_ISREG(st->st_mode)) return "it is not a regular file";
    if (st->st_uid != geteuid()) return "it belongs to another user";
    if (st->st_mode & (S_IRWXG | S_IRWXO)) return "others may read or write it";
    if (st->st_nlink != 1) return "it has several names";
    return st->st_size > MAX_SIZE ? "it is too large" : NULL;
}

static bool read_all(int fd, char *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        const ssize_t n = read(fd, text + at, size - at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        at += (size_t)n;
    }
    return true;
}

static bp_status no_memory(void)
{
    BP_FAIL(BP_ENOMEM, "--journal: no memory to read the notes beside it");
}

/* @param[out] whole  whether it is a note of this search */
static bp_status read_note(const bp__note_place *place, int fd, size_t size, uint64_t num_tasks,
                           bp__note *note, bool *whole)
{
    char *text = calloc(size + 1, 1);
    note->task = calloc(BP__NOTE_MAX_TASKS, sizeof *note->task);
    if (!text || !note->task) {
        free(text);
        return no_memory();
    }
    *whole = read_all(fd, text, size) && strlen(text) == size && parse(place, text, num_tasks, note);
    free(text);
    return BP_OK;
}

static void free_note(bp__note *note)
{
    free(note->name);
    free(note->task);
    *note = (bp__note){0};
}

/* @param[in] note  transferred, where it succeeds */
static bp_status add(bp__note **list, size_t *count, const bp__note *note)
{
    bp__note *longer = realloc(*list, (*count + 1) * sizeof *longer);
    if (!longer) return no_memory();
    *list = longer;
    longer[(*count)++] = *note;
    return BP_OK;
}

static void keep_odd(bp__notes *notes, const char *name, const char *why)
{
    if (!notes->odd[0]) snprintf(notes->odd, sizeof notes->odd, "%s is not believed: %s", name, why);
}

/* Look at one file that is called as notes are. */
static bp_status look_at(const bp__note_place *place, const char *name, uint64_t num_tasks, bp__notes *notes)
{
    struct stat st;
    bool whole = false;
    const int fd = openat(place->folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        if (errno != ENOENT) keep_odd(notes, name, strerror(errno));
        return BP_OK;
    }
    const char *why = distrust(fd, &st);
    if (why) {
        close(fd);
        keep_odd(notes, name, why);
        return BP_OK;
    }
    bp__note note = {.name = strdup(name)};
    bp_status s =
        note.name ? read_note(place, fd, (size_t)st.st_size, num_tasks, &note, &whole) : no_memory();
    close(fd);
    if (s == BP_OK)
        s = whole ? add(&notes->note, &notes->count, &note) : add(&notes->stale, &notes->num_stale, &note);
    if (bp__failed(s)) free_note(&note);
    return s;
}

/* BASE.crash.RANK or BASE.crash.RANK.N */
static bool is_called_note(const bp__note_place *place, const char *name)
{
    const size_t n = strlen(place->base), infix = sizeof INFIX - 1;
    if (strncmp(name, place->base, n) != 0 || strncmp(name + n, INFIX, infix) != 0) return false;
    const char *rank = name + n + infix;
    return *rank >= '0' && *rank <= '9' && rank[strspn(rank, "0123456789.")] == '\0' &&
           strlen(name) < MAX_NAME;
}

bp_status bp__notes_read(const bp__note_place *place, uint64_t num_tasks, bp__notes *notes)
{
    *notes = (bp__notes){0};
    const int fd = openat(place->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder) {
        if (fd >= 0) close(fd);
        if (errno == EACCES)
            return BP_OK; /* one that may be written, but not read: as with the journal's own name */
        BP_FAIL_ERRNO(BP_EIO, errno, "--journal: %.200s: its folder cannot be read", place->base);
    }
    bp_status s = BP_OK;
    struct dirent *entry;
    while (s == BP_OK && (errno = 0, entry = readdir(folder)) != NULL)
        if (is_called_note(place, entry->d_name)) s = look_at(place, entry->d_name, num_tasks, notes);
    if (s == BP_OK && errno != 0)
        s = bp__fail_errno(BP_EIO, errno, "--journal: %.200s: its folder cannot be read", place->base);
    closedir(folder);
    return s;
}

void bp__notes_fini(bp__notes *notes)
{
    for (size_t i = 0; i < notes->count; i++) free_note(&notes->note[i]);
    for (size_t i = 0; i < notes->num_stale; i++) free_note(&notes->stale[i]);
    free(notes->note);
    free(notes->stale);
    *notes = (bp__notes){0};
}

bp_status bp__notes_tidy(const bp__note_place *place, const bp__notes *notes)
{
    for (size_t i = 0; i < notes->num_stale; i++) BP_TRY(bp__note_remove(place, &notes->stale[i]));
    return BP_OK;
}

bp_status bp__note_remove(const bp__note_place *place, const bp__note *note)
{
    if (unlinkat(place->folder, note->name, 0) == 0 || errno == ENOENT) return BP_OK;
    BP_FAIL_ERRNO(BP_EIO, errno, "--journal: %.200s cannot be removed", note->name);
}
