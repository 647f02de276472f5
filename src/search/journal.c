#include "search/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <zlib.h>

#include "core/clock.h"
#include "search/origin.h"

#define MAGIC        "bundlepool jrnl\n"
#define MAGIC_LENGTH (sizeof MAGIC - 1)
#define MARK         0x4a504201u /* begins every record; a text cannot contain it */
#define MAX_PAYLOAD  (UINT32_C(256) << 20)
#define BUFFER       (64 * 1024)
#define SYNC_NS      UINT64_C(1000000000)
#define ASK_BYTES    (UINT64_C(4) << 20)

/* Results of kind OLD_RESULT were written up to version 0.1, by other rules of a backtest; they are counted only. */
enum { SPEC = 1, BUNDLE, OLD_RESULT, END, RESULT, SKIPS, LAST_KIND = SKIPS };

typedef struct record {
    uint32_t mark, kind, length, crc; /* of kind, length and payload */
} record;

typedef struct bundle_payload {
    uint64_t bundle;
    char content_hash[BP__HASH_DIGITS];
} bundle_payload;

/* The values follow, then the text of a failure: it ends where the record does. */
typedef struct result_payload {
    uint64_t task;
    int64_t status;
    uint64_t num_values; /* 0 where it failed */
} result_payload;

struct bp__journal {
    const char *path;
    int fd;
    bp__lock lock_file;
    bp_status failed; /* of a write; its text is the one below */
    char why[BP_ERROR_TEXT_MAX];
    size_t used;
    uint64_t written;         /* bytes of the file that are whole records */
    bp__journal_head pending; /* to begin with, once there is something to tell of it; NULL: it has begun */
    char buffer[BUFFER];

    pthread_t syncer;
    bool has_syncer;
    pthread_mutex_t lock; /* over what follows */
    pthread_cond_t wake;
    bool dirty, stop;
    int sync_errno;
};

static uint32_t crc_of(uint32_t kind, uint32_t length, const void *payload)
{
    const uint32_t head[2] = {kind, length};
    uLong crc = crc32(0, (const Bytef *)head, sizeof head);
    return (uint32_t)(length ? crc32(crc, payload, length) : crc);
}

static bp_status disk_fail(const char *path, int err, const char *what)
{
    if (err == ENOSPC || err == EDQUOT)
        BP_FAIL(BP_EIO,
                "%.200s: no space left; free some, and go on with --resume: what is in the journal stays",
                path);
    BP_FAIL_ERRNO(BP_EIO, err, "--journal: %.200s: %s", path, what);
}

/* Reading --------------------------------------------------------------------------------------- */

typedef struct image {
    const char *path;
    const char *bytes;
    uint64_t size;
    const bp__journal_how *how; /* NULL: nobody asks */
    uint64_t asked;             /* at which byte */
} image;

/* Whether to go on reading, asked every few MB: a signal must not wait for a journal of many. */
static bp_status ask(image *m, uint64_t at)
{
    if (at - m->asked < ASK_BYTES) return BP_OK;
    m->asked = at;
    if (!m->how || !m->how->go_on || m->how->go_on(m->how->context)) return BP_OK;
    BP_FAIL(BP_ESTOPPED, "--journal: %.200s: stopped while it was read", m->path);
}

/* Whether there could be a record at an offset, by its first bytes. */
static bool record_begins(const image *m, uint64_t offset, record *r)
{
    if (m->size - offset < sizeof *r) return false;
    memcpy(r, m->bytes + offset, sizeof *r);
    return r->mark == MARK && r->kind >= SPEC && r->kind <= LAST_KIND && r->length <= MAX_PAYLOAD &&
           m->size - offset - sizeof *r >= r->length;
}

static bool is_whole(const image *m, uint64_t offset, const record *r)
{
    return crc_of(r->kind, r->length, m->bytes + offset + sizeof *r) == r->crc;
}

/* The whole record at an offset. */
static bool record_at(const image *m, uint64_t offset, record *r)
{
    return record_begins(m, offset, r) && is_whole(m, offset, r);
}

/* Where the next mark is. @return the size: there is none */
static uint64_t mark_from(const image *m, uint64_t at)
{
    const uint32_t mark = MARK;
    const char *found = at < m->size ? memmem(m->bytes + at, m->size - at, &mark, sizeof mark) : NULL;
    return found ? (uint64_t)(found - m->bytes) : m->size;
}

/* Whether any whole record begins behind an offset. Records that were written do not overlap, so together they are not
 * longer than the file: where more than that would have to be looked through somebody has put marks into each other, and
 * that is damage whatever comes of it. */
static bp_status record_behind(image *m, uint64_t offset, bool *there)
{
    uint64_t left = 2 * (m->size - offset), looked_through = 0;
    record r;
    m->asked = 0;
    for (uint64_t at = mark_from(m, offset + 1); at < m->size; at = mark_from(m, at + 1)) {
        if (!record_begins(m, at, &r)) continue;
        const uint64_t length = sizeof r + r.length;
        *there = length > left || is_whole(m, at, &r);
        if (*there) return BP_OK;
        left -= length;
        BP_TRY(ask(m, looked_through += length));
    }
    *there = false;
    return BP_OK;
}

static bp_status damaged(const image *m, uint64_t offset, const char *what)
{
    BP_FAIL(BP_EFORMAT,
            "%.200s: %s at byte %" PRIu64 "; the journal is damaged: restore it, or keep what lies before "
            "('truncate -s %" PRIu64 "' on it) and go on with --resume",
            m->path, what, offset, offset);
}

/* @return false: its length is wrong */
static bool read_result(const char *payload, uint32_t length, bp__result *result)
{
    result_payload p;
    if (length < sizeof p) return false;
    memcpy(&p, payload, sizeof p);
    const size_t rest = length - sizeof p;
    if (p.num_values > BP__NUM_METRICS || rest < p.num_values * sizeof(double)) return false;
    const size_t why = rest - p.num_values * sizeof(double);
    if (why >= sizeof result->why) return false;
    *result = (bp__result){.task = p.task, .status = p.status, .num_values = (uint32_t)p.num_values};
    memcpy(result->value, payload + sizeof p, p.num_values * sizeof(double));
    memcpy(result->why, payload + length - why, why);
    return true;
}

static bp_status visit(const image *m, uint64_t offset, const record *r, const bp__journal_visitor *v)
{
    const char *payload = m->bytes + offset + sizeof *r;
    if (r->kind == SPEC) {
        char *text = strndup(payload, r->length);
        if (!text) BP_FAIL(BP_ENOMEM, "%.200s: no memory to read it", m->path);
        bp_status s = v->spec(v->context, text);
        free(text);
        return s;
    }
    if (r->kind == BUNDLE) {
        bundle_payload b;
        char hash[BP__HASH_DIGITS + 1] = "";
        if (r->length != sizeof b) return damaged(m, offset, "a bundle's record of the wrong length");
        memcpy(&b, payload, sizeof b);
        memcpy(hash, b.content_hash, sizeof b.content_hash);
        return v->bundle ? v->bundle(v->context, b.bundle, hash) : BP_OK;
    }
    if (r->kind == RESULT && !v->result) return BP_OK;
    if (r->kind == RESULT) {
        bp__result result = {0};
        const bool read = read_result(payload, r->length, &result);
        return read ? v->result(v->context, &result) : damaged(m, offset, "a result of the wrong length");
    }
    if (r->kind == SKIPS) return v->skips ? v->skips(v->context, payload, r->length) : BP_OK;
    return r->kind == END ? BP_OK : damaged(m, offset, "a record of a version before");
}

/* What is in a file. */
typedef struct contents {
    uint64_t whole;   /* bytes up to the end of the last whole record; 0: there is none */
    uint64_t results; /* records */
    bool finished;    /* the last record is END */
} contents;

static bp_status scan(image *m, const bp__journal_visitor *v, contents *c)
{
    const uint64_t magic = m->size < MAGIC_LENGTH ? m->size : MAGIC_LENGTH;
    record r;
    if (memcmp(m->bytes, MAGIC, magic) != 0)
        BP_FAIL(BP_EINVAL, "--journal: %.200s is not a journal of this program; name another file", m->path);
    uint64_t at = magic, second = 0;
    bool behind = false;
    while (at < m->size && record_at(m, at, &r)) {
        if ((r.kind == SPEC) != (at == MAGIC_LENGTH)) return damaged(m, at, "a record in the wrong place");
        /* journals that lack the second record are of a version before: whoever visits refuses them by the first */
        if (v && (r.kind == SKIPS) != (at == second)) return damaged(m, at, "a record in the wrong place");
        if (v) BP_TRY(visit(m, at, &r, v));
        BP_TRY(ask(m, at));
        if (r.kind == SPEC) second = at + sizeof r + r.length;
        at += sizeof r + r.length;
        *c = (contents){.whole = at,
                        .results = c->results + (r.kind == RESULT || r.kind == OLD_RESULT),
                        .finished = r.kind == END};
    }
    if (at < m->size) BP_TRY(record_behind(m, at, &behind));
    return behind ? damaged(m, at, "a broken record") : BP_OK;
}

/* @param[in] v  NULL: only count */
static bp_status scan_file(const char *path, int fd, const bp__journal_how *how, const bp__journal_visitor *v,
                           contents *c)
{
    struct stat st;
    *c = (contents){0};
    if (fstat(fd, &st) != 0) return disk_fail(path, errno, "cannot be looked at");
    if (st.st_size == 0) return BP_OK;
    image m = {.path = path, .size = (uint64_t)st.st_size, .how = how};
    void *bytes = mmap(NULL, m.size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED) return disk_fail(path, errno, "cannot be read");
    m.bytes = bytes;
    bp_status s = scan(&m, v, c);
    munmap(bytes, m.size);
    return s;
}

/* A regular file, or none: no pipe to hang on, no device. To be written it is no link and has no other name: in a folder
 * where others can make files it could be any file of this user's. */
static bp_status open_file(const char *path, int flags, int *fd)
{
    struct stat st;
    const bool written = (flags & O_CREAT) != 0;
    *fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (written ? O_NOFOLLOW : 0), 0666);
    if (*fd < 0 && errno == ELOOP)
        BP_FAIL(BP_EIO, "--journal: %.200s is a symbolic link; name the file itself, or another", path);
    if (*fd < 0) return disk_fail(path, errno, written ? "cannot be made or written" : "cannot be read");
    const bool regular = fstat(*fd, &st) == 0 && S_ISREG(st.st_mode);
    if (regular && (!written || st.st_nlink <= 1)) return BP_OK;
    close(*fd);
    *fd = -1;
    if (regular)
        BP_FAIL(BP_EIO, "--journal: %.200s has other names as well (hard links); name another", path);
    BP_FAIL(BP_EIO, "--journal: %.200s is not a regular file; name another", path);
}

bp_status bp__journal_read(const char *path, const bp__journal_visitor *visitor)
{
    int fd;
    contents c = {0};
    bp__lock lock;
    BP_TRY(open_file(path, O_RDONLY, &fd));
    bp_status s = bp__lock_to_read(path, &lock);
    if (s == BP_OK) s = scan_file(path, fd, NULL, visitor, &c);
    close(fd);
    bp__lock_release(&lock);
    if (s == BP_OK && c.whole == 0) BP_FAIL(BP_EFORMAT, "%.200s: it is empty: no search has begun it", path);
    return s;
}

/* Writing --------------------------------------------------------------------------------------- */

/* Brings what is written to the disk, at most a second after. */
static void *keep_syncing(void *context)
{
    bp__journal *j = context;
    pthread_mutex_lock(&j->lock);
    for (;;) {
        while (!j->stop && !j->dirty) pthread_cond_wait(&j->wake, &j->lock);
        if (j->stop) break;
        const struct timespec next = bp__deadline_ns(SYNC_NS);
        j->dirty = false;
        pthread_mutex_unlock(&j->lock);
        const int err = fdatasync(j->fd) == 0 ? 0 : errno;
        pthread_mutex_lock(&j->lock);
        if (err) j->sync_errno = err;
        while (!j->stop && !bp__deadline_passed(&next)) pthread_cond_timedwait(&j->wake, &j->lock, &next);
    }
    pthread_mutex_unlock(&j->lock);
    return NULL;
}

static bp_status start_syncing(bp__journal *j)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic); /* these cannot fail on Linux */
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&j->lock, NULL);
    pthread_cond_init(&j->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before); /* signals are for the main thread */
    const int err = pthread_create(&j->syncer, NULL, keep_syncing, j);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    j->has_syncer = err == 0;
    if (err) BP_FAIL_ERRNO(BP_ESYS, err, "--journal: %.200s: no thread to write it", j->path);
    return BP_OK;
}

/* A failure is for ever: what follows a gap could not be trusted. */
static bp_status keep_failure(bp__journal *j, bp_status s)
{
    if (s == BP_OK || bp__failed(j->failed)) return j->failed;
    j->failed = s;
    snprintf(j->why, sizeof j->why, "%s", bp_error_text());
    return s;
}

static bp_status failure_so_far(bp__journal *j)
{
    pthread_mutex_lock(&j->lock);
    const int err = j->sync_errno;
    pthread_mutex_unlock(&j->lock);
    if (j->failed == BP_OK && err) keep_failure(j, disk_fail(j->path, err, "cannot be brought to the disk"));
    return bp__failed(j->failed) ? bp__fail_text(j->failed, j->why) : BP_OK;
}

bp_status bp__journal_write(bp__journal *j)
{
    BP_TRY(failure_so_far(j));
    if (j->used == 0) return BP_OK;
    for (size_t at = 0; at < j->used;) {
        ssize_t n = write(j->fd, j->buffer + at, j->used - at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            bp_status s = keep_failure(j, disk_fail(j->path, errno, "cannot be written"));
            /* a part of a record is cut off; if that fails too, the next reader does it */
            if (ftruncate(j->fd, (off_t)j->written) != 0) errno = 0;
            return s;
        }
        at += (size_t)n;
    }
    j->written += j->used;
    j->used = 0;
    pthread_mutex_lock(&j->lock);
    j->dirty = true;
    pthread_cond_signal(&j->wake);
    pthread_mutex_unlock(&j->lock);
    return BP_OK;
}

bp_status bp__journal_sync(bp__journal *j)
{
    BP_TRY(bp__journal_write(j));
    if (fdatasync(j->fd) == 0) return BP_OK;
    return keep_failure(j, disk_fail(j->path, errno, "cannot be brought to the disk"));
}

static bp_status append(bp__journal *j, uint32_t kind, const void *payload, size_t length)
{
    const record r = {MARK, kind, (uint32_t)length, crc_of(kind, (uint32_t)length, payload)};
    if (j->used + sizeof r + length > BUFFER) BP_TRY(bp__journal_write(j));
    memcpy(j->buffer + j->used, &r, sizeof r);
    if (length > 0) memcpy(j->buffer + j->used + sizeof r, payload, length);
    j->used += sizeof r + length;
    return BP_OK;
}

/* A record that may be longer than the buffer. */
static bp_status append_long(bp__journal *j, uint32_t kind, const char *payload, size_t length)
{
    const record r = {MARK, kind, (uint32_t)length, crc_of(kind, (uint32_t)length, payload)};
    if (j->used + sizeof r > BUFFER) BP_TRY(bp__journal_write(j));
    memcpy(j->buffer + j->used, &r, sizeof r);
    j->used += sizeof r;
    for (size_t at = 0; at < length;) {
        if (j->used == BUFFER) BP_TRY(bp__journal_write(j));
        size_t n = BUFFER - j->used < length - at ? BUFFER - j->used : length - at;
        memcpy(j->buffer + j->used, payload + at, n);
        j->used += n;
        at += n;
    }
    return BP_OK;
}

static bp_status begin_new(bp__journal *j)
{
    const bp__journal_head head = j->pending;
    const size_t length = strlen(head.spec);
    if (length > MAX_PAYLOAD || head.skips_size > MAX_PAYLOAD)
        BP_FAIL(BP_EINVAL, "--journal: the search is too long for a journal; use ranges");
    if (ftruncate(j->fd, 0) != 0 || lseek(j->fd, 0, SEEK_SET) != 0)
        return disk_fail(j->path, errno, "cannot be emptied");
    memcpy(j->buffer, MAGIC, MAGIC_LENGTH);
    j->used = MAGIC_LENGTH;
    j->pending.spec = NULL;
    BP_TRY(append_long(j, SPEC, head.spec, length));
    BP_TRY(append_long(j, SKIPS, head.skips, head.skips_size));
    return bp__journal_sync(j);
}

bp_status bp__journal_bundle(bp__journal *j, uint64_t bundle, const char *content_hash)
{
    bundle_payload p = {.bundle = bundle};
    memcpy(p.content_hash, content_hash, strnlen(content_hash, sizeof p.content_hash));
    if (j->pending.spec) BP_TRY(begin_new(j));
    BP_TRY(append(j, BUNDLE, &p, sizeof p));
    return bp__journal_write(j);
}

bp_status bp__journal_result(bp__journal *j, const bp__result *result)
{
    const result_payload p = {
        .task = result->task, .status = result->status, .num_values = result->num_values};
    const size_t values = result->num_values * sizeof *result->value;
    const size_t why = result->status == BP_OK ? 0 : strnlen(result->why, sizeof result->why - 1);
    char payload[sizeof p + sizeof result->value + sizeof result->why];
    memcpy(payload, &p, sizeof p);
    memcpy(payload + sizeof p, result->value, values);
    memcpy(payload + sizeof p + values, result->why, why);
    return append(j, RESULT, payload, sizeof p + values + why);
}

bp_status bp__journal_finish(bp__journal *j)
{
    BP_TRY(append(j, END, NULL, 0));
    return bp__journal_sync(j);
}

/* The name must survive a crash of the machine as well. */
static bp_status sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == path ? strdup("/") : slash ? strndup(path, (size_t)(slash - path)) : strdup(".");
    if (!folder) BP_FAIL(BP_ENOMEM, "--journal: %.200s: no memory", path);
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bp_status s = BP_OK;
    /* some file systems cannot sync a folder; they order names by other means. One that may be written, but
     * not read, cannot be opened. */
    if (fd < 0 ? errno != EACCES : fsync(fd) != 0 && errno != EINVAL)
        s = disk_fail(path, errno, "its folder is not on the disk");
    if (fd >= 0) close(fd);
    free(folder);
    return s;
}

/* A finished journal is replaced by the same search only, which is about to find the same once more: by what --out takes
 * for the same. */
static bp_status check_search(void *context, const char *text)
{
    const bp__journal *j = context;
    const bp__result_origin theirs = {.text = (char *)(uintptr_t)text},
                            ours = {.text = (char *)(uintptr_t)j->pending.spec};
    bp__difference *d;
    size_t n;
    BP_TRY(bp__result_origin_differences(&theirs, &ours, &d, &n));
    if (n == 0) return BP_OK;
    const bp_status s =
        bp__fail(BP_EINVAL,
                 "--journal: %.120s is of another search (%.60s: there '%.88s', here '%.88s'); give "
                 "--replace to lose it, or name another file",
                 j->path, d->what, d->a, d->b);
    free(d);
    return s;
}

static bp_status check_finished(bp__journal *j, const bp__journal_how *how, bp__journal_refusal *refusal)
{
    const bp__journal_visitor spec_only = {.spec = check_search, .context = j};
    contents c;
    const bp_status s = scan_file(j->path, j->fd, how, &spec_only, &c);
    if (s == BP_EINVAL) *refusal = BP__JOURNAL_FOREIGN;
    return s;
}

/* What is there, by the count of it. */
static bp_status judge(bp__journal *j, const bp__journal_how *how, const contents *c,
                       bp__journal_refusal *refusal)
{
    if (c->results == 0 || how->resume) return BP_OK;
    if (c->finished) return how->replace ? BP_OK : check_finished(j, how, refusal);
    *refusal = BP__JOURNAL_UNFINISHED;
    BP_FAIL(BP_EBUSY,
            "--journal: %.200s is of a search that was interrupted; go on with --resume, or remove it",
            j->path);
}

/* The file is open and locked: replace, refuse or continue what is in it. Without a single result there is
 * nothing to lose, and a search that failed before its first one stands in nobody's way. */
static bp_status begin(bp__journal *j, const bp__journal_how *how, const bp__journal_visitor *v,
                       bp__journal_refusal *refusal)
{
    contents c;
    bp_status s = scan_file(j->path, j->fd, how, NULL, &c);
    if (s == BP_EINVAL) *refusal = BP__JOURNAL_FOREIGN;
    BP_TRY(s);
    BP_TRY(judge(j, how, &c, refusal));
    const bool go_on = c.results > 0 && how->resume;
    if (go_on) BP_TRY(scan_file(j->path, j->fd, how, v, &c));
    BP_TRY(start_syncing(j));
    if (!go_on) {
        if (c.results > 0) return BP_OK; /* a finished one stays until this search has a bundle */
        BP_TRY(begin_new(j));
        return sync_folder(j->path);
    }
    j->pending = (bp__journal_head){0}; /* it has begun */
    j->written = c.whole;
    if (ftruncate(j->fd, (off_t)c.whole) != 0 || lseek(j->fd, (off_t)c.whole, SEEK_SET) != (off_t)c.whole)
        return disk_fail(j->path, errno, "its broken end cannot be cut off");
    return BP_OK;
}

bp_status bp__journal_open(const char *path, const bp__journal_head *head, const bp__journal_how *how,
                           const bp__journal_visitor *visitor, bp__journal **journal,
                           bp__journal_refusal *refusal)
{
    const bp__lock_waits waits = {how->resume, how->go_on, how->context};
    *journal = NULL;
    *refusal = BP__JOURNAL_FINE;
    bp__journal *j = calloc(1, sizeof *j);
    if (!j) BP_FAIL(BP_ENOMEM, "--journal: %.200s: no memory", path);
    j->path = path;
    j->pending = *head;
    j->lock_file = BP__LOCK_NONE;
    bp_status s = open_file(path, O_RDWR | O_CREAT, &j->fd);
    if (s == BP_OK) s = bp__lock_to_write(path, &waits, &j->lock_file);
    if (s == BP_OK) s = begin(j, how, visitor, refusal);
    if (bp__failed(s))
        bp__journal_close(&j);
    else
        *journal = j;
    return s;
}

void bp__journal_close(bp__journal **journal)
{
    bp__journal *j = *journal;
    *journal = NULL;
    if (!j) return;
    if (j->has_syncer) {
        pthread_mutex_lock(&j->lock);
        j->stop = true;
        pthread_cond_signal(&j->wake);
        pthread_mutex_unlock(&j->lock);
        pthread_join(j->syncer, NULL);
        pthread_cond_destroy(&j->wake);
        pthread_mutex_destroy(&j->lock);
    }
    if (j->fd >= 0) close(j->fd);
    bp__lock_release(&j->lock_file);
    free(j);
}
