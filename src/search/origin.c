#include "search/origin.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/day.h"
#include "core/hash.h"
#include "core/replace.h"
#include "core/text.h"
#include "search/spec.h"

#define MAGIC          "bundlepool results\n"
#define JOURNAL_MAGIC  "bundlepool jrnl\n"
#define HDF5_MAGIC     "\x89HDF\r\n\x1a\n"
#define MAX_ORIGIN     (INT64_C(512) << 20)
#define STRATEGY_FILE  "file of the strategy"
#define SHOWN_DIGITS   12
#define FIRST_LINE_MAX 512

_Static_assert(BP__HASH_DIGITS + 1 == BP__HASH_TEXT, "one kind of hash");

/* Files ------------------------------------------------------------------------------------------- */

typedef struct mapping {
    const char *bytes;
    size_t size;
} mapping;

/* A regular file as it is now. @retval BP_ENOTFOUND */
static bp_status map_file(const char *path, mapping *m)
{
    struct stat st;
    *m = (mapping){.bytes = ""};
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && errno == ENOENT) BP_FAIL(BP_ENOTFOUND, "%.200s: there is no such file", path);
    if (fd < 0) BP_FAIL_ERRNO(BP_EIO, errno, "%.200s: cannot be read", path);
    bp_status s = BP_OK;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        s = bp__fail(BP_EIO, "%.200s is not a regular file", path);
    } else if (st.st_size > 0) {
        void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes == MAP_FAILED)
            s = bp__fail_errno(BP_EIO, errno, "%.200s: cannot be read", path);
        else
            *m = (mapping){.bytes = bytes, .size = (size_t)st.st_size};
    }
    close(fd);
    return s;
}

static void unmap_file(mapping *m)
{
    if (m->size > 0) munmap((void *)(uintptr_t)m->bytes, m->size);
    *m = (mapping){.bytes = ""};
}

static bool begins_with(const mapping *m, const char *magic, size_t length)
{
    return m->size >= length && memcmp(m->bytes, magic, length) == 0;
}

static bp_status origin_path(const char *path, char **beside)
{
    if (asprintf(beside, "%s" BP__ORIGIN_SUFFIX, path) >= 0) return BP_OK;
    *beside = NULL;
    BP_FAIL(BP_ENOMEM, "%.200s: no memory for a name", path);
}

/* Reading ----------------------------------------------------------------------------------------- */

/* What an origin says of the CSV. */
typedef struct hashes {
    char csv[BP__HASH_TEXT], before[BP__HASH_TEXT]; /* "": none */
} hashes;

static bool is_hash(const char *text)
{
    return strlen(text) == BP__HASH_DIGITS && text[strspn(text, "0123456789abcdef")] == '\0';
}

static bp_status damaged(const char *path, const char *line)
{
    BP_FAIL(BP_EFORMAT, "%.200s: '%.60s' is not what such a file of this program has; remove it", path, line);
}

static bp_status read_content(const char *path, const char *value, bp__result_origin *origin)
{
    const char *blank = strchr(value, ' ');
    if (!blank || (blank[1] && !is_hash(blank + 1))) return damaged(path, value);
    void *more = realloc(origin->content, (origin->num_bundles + 1) * sizeof *origin->content);
    if (!more) BP_FAIL(BP_ENOMEM, "%.200s: no memory to read it", path);
    origin->content = more;
    snprintf(origin->content[origin->num_bundles++], sizeof *origin->content, "%s", blank + 1);
    return BP_OK;
}

/* The lines before the text of the search. @param[in,out] rest  behind the magic line; behind the line "search" */
static bp_status read_head(const char *path, char **rest, hashes *stored, bp__result_origin *origin)
{
    char *line;
    while ((line = strsep(rest, "\n")) != NULL) {
        if (strcmp(line, "search") == 0) return *rest ? BP_OK : damaged(path, line);
        char *to = strncmp(line, "csv ", 4) == 0      ? stored->csv
                   : strncmp(line, "before ", 7) == 0 ? stored->before
                                                      : NULL;
        if (to && !is_hash(strchr(line, ' ') + 1)) return damaged(path, line);
        if (to)
            snprintf(to, BP__HASH_TEXT, "%s", strchr(line, ' ') + 1);
        else if (strncmp(line, "content ", 8) == 0)
            BP_TRY(read_content(path, line + 8, origin));
        else
            return damaged(path, line);
    }
    return damaged(path, "(the end)");
}

static bp_status parse(const char *path, const mapping *m, hashes *stored, bp__result_origin *origin)
{
    const size_t magic = strlen(MAGIC);
    if (!begins_with(m, MAGIC, magic) || m->size > MAX_ORIGIN || memchr(m->bytes, '\0', m->size))
        BP_FAIL(BP_EFORMAT, "%.200s is not what this program writes beside results; move it away", path);
    char *copy = strndup(m->bytes + magic, m->size - magic), *rest = copy;
    if (!copy) BP_FAIL(BP_ENOMEM, "%.200s: no memory to read it", path);
    bp_status s = read_head(path, &rest, stored, origin);
    if (s == BP_OK && !stored->csv[0]) s = damaged(path, "(no hash)");
    if (s == BP_OK && !(origin->text = strdup(rest))) s = bp__fail(BP_ENOMEM, "%.200s: no memory", path);
    free(copy);
    return s;
}

static bp_status read_stored(const char *path, hashes *stored, bp__result_origin *origin)
{
    char *beside;
    mapping m;
    *origin = (bp__result_origin){0};
    *stored = (hashes){0};
    BP_TRY(origin_path(path, &beside));
    bp_status s = map_file(beside, &m);
    if (s == BP_ENOTFOUND)
        s = bp__fail(BP_ENOTFOUND, "%.200s: what it is of is not known, %.200s is missing", path, beside);
    else if (s == BP_OK)
        s = parse(beside, &m, stored, origin);
    unmap_file(&m);
    free(beside);
    if (bp__failed(s)) bp__result_origin_fini(origin);
    return s;
}

bp_status bp__result_origin_read(const char *path, bp__result_origin *origin)
{
    hashes stored;
    mapping csv;
    char hash[BP__HASH_TEXT];
    BP_TRY(read_stored(path, &stored, origin));
    BP_TRY(map_file(path, &csv));
    bp_status s = bp__bytes_hash(csv.bytes, csv.size, hash);
    unmap_file(&csv);
    if (s == BP_OK) origin->changed = strcmp(hash, stored.csv) != 0;
    return s;
}

void bp__result_origin_fini(bp__result_origin *origin)
{
    free(origin->text);
    free(origin->content);
    *origin = (bp__result_origin){0};
}

/* Writing ----------------------------------------------------------------------------------------- */

/* Name of the i-th bundle in the text of a search, and of how many. */
static const char *bundle_name(const char *text, uint64_t i, int *length)
{
    const char *line = strncmp(text, "bundle", 6) == 0 ? text : strstr(text, "\nbundle");
    *length = 0;
    if (!line) return "";
    line += strcspn(line, " ");
    for (line += *line == ' '; i > 0; i--) {
        line += strcspn(line, ",\n");
        if (*line != ',') return "";
        line++;
    }
    *length = (int)strcspn(line, ",\n");
    return line;
}

static bp_status store_origin(const char *path, const hashes *stored, const bp__result_origin *origin)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (f) fprintf(f, MAGIC "csv %s\n", stored->csv);
    if (f && stored->before[0]) fprintf(f, "before %s\n", stored->before);
    for (uint64_t b = 0; f && b < origin->num_bundles; b++) {
        int length;
        const char *name = bundle_name(origin->text, b, &length);
        fprintf(f, "content %.*s %s\n", length, name, origin->content[b]);
    }
    if (f) fprintf(f, "search\n%s", origin->text);
    bool complete = f && !ferror(f);
    if (f && fclose(f) != 0) complete = false;
    bp_status s = complete ? bp__replace_file(path, text, size)
                           : bp__fail(BP_ENOMEM, "%.200s: no memory for its text", path);
    free(text);
    return s;
}

/* "": there is no such file, or it cannot be read. */
static bp_status hash_of(const char *path, char hash[BP__HASH_TEXT])
{
    mapping m;
    hash[0] = '\0';
    if (bp__failed(map_file(path, &m))) return BP_OK;
    bp_status s = bp__bytes_hash(m.bytes, m.size, hash);
    unmap_file(&m);
    return s;
}

bp_status bp__result_origin_store(const char *path, const char *csv, size_t size,
                                  const bp__result_origin *origin)
{
    hashes stored = {0};
    char *beside;
    BP_TRY(bp__bytes_hash(csv, size, stored.csv));
    BP_TRY(hash_of(path, stored.before));
    if (strcmp(stored.before, stored.csv) == 0) stored.before[0] = '\0';
    BP_TRY(origin_path(path, &beside));
    bp_status s = store_origin(beside, &stored, origin);
    if (s == BP_OK) s = bp__replace_file(path, csv, size);
    if (s == BP_OK && stored.before[0]) {
        stored.before[0] = '\0';
        s = store_origin(beside, &stored, origin);
    }
    free(beside);
    return s;
}

/* Differences ------------------------------------------------------------------------------------- */

/* Length of what names a line: "commission", "param fast", "parameter fast", "piece function helper", which ends before the
 * last word. A line is known by it in either text. */
static size_t key_length(const char *line)
{
    const size_t end = strcspn(line, "\n"), word = strcspn(line, " \n");
    if (strncmp(line, "bundles ", 8) == 0) return 6; /* of several or of one: the same line */
    if (strncmp(line, "piece ", 6) == 0) {
        size_t last = end;
        while (last > 6 && line[last - 1] != ' ') last--;
        return last > 6 ? last - 1 : end;
    }
    const bool param = strncmp(line, "param ", 6) == 0;
    if (!param && strncmp(line, "parameter ", 10) != 0) return word;
    const size_t name = param ? strcspn(line, "=") : 10 + strcspn(line + 10, " \n");
    return name < end ? name : end;
}

static const char *next_line(const char *line)
{
    line += strcspn(line, "\n");
    return line + (*line == '\n');
}

static const char *line_of(const char *text, const char *key, size_t length)
{
    for (; *text; text = next_line(text))
        if (key_length(text) == length && memcmp(text, key, length) == 0) return text;
    return NULL;
}

/* What stands behind the key, and a blank or "=". */
static const char *value_of(const char *line, size_t *length)
{
    const size_t key = strncmp(line, "bundles ", 8) == 0 ? 7 : key_length(line), end = strcspn(line, "\n");
    *length = end > key ? end - key - 1 : 0;
    return line + key + (end > key);
}

bool bp__result_origin_line(const char *text, const char *key, char *value, size_t size)
{
    size_t length;
    const char *line = line_of(text, key, strlen(key));
    value[0] = '\0';
    if (!line) return false;
    const char *at = value_of(line, &length);
    snprintf(value, size, "%.*s", (int)(length < INT_MAX ? length : INT_MAX), at);
    return true;
}

/* For people: the day, or an excerpt about byte `at`. */
static void show(const char *value, size_t length, size_t at, char shown[BP__EXCERPT_MAX])
{
    char day[32];
    int64_t number;
    if (length < 24 && strncmp(value, "day ", 4) == 0 && sscanf(value, "day %" SCNd64, &number) == 1 &&
        number < INT64_MAX / BP_NS_PER_DAY && number > INT64_MIN / BP_NS_PER_DAY)
        snprintf(shown, BP__EXCERPT_MAX, "%s", bp__day_text(number * BP_NS_PER_DAY, day));
    else
        bp__spec_excerpt(value, length, at, shown);
}

/* @param[in] a, b  lines of one key, NULL: there is none */
static bool lines_differ(const char *a, const char *b, bp__difference *d)
{
    size_t m = 0, n = 0, same = 0;
    const char *x = a ? value_of(a, &m) : "", *y = b ? value_of(b, &n) : "";
    while (same < m && same < n && x[same] == y[same]) same++;
    if (a && b && same == m && same == n) return false;
    const char *line = a ? a : b;
    const bool param = strncmp(line, "param ", 6) == 0;
    snprintf(d->what, sizeof d->what, "%.*s", (int)(key_length(line) - (param ? 6 : 0)),
             line + (param ? 6 : 0));
    if (strcmp(d->what, "results") == 0) snprintf(d->what, sizeof d->what, "rules of a backtest");
    snprintf(d->a, sizeof d->a, "-");
    snprintf(d->b, sizeof d->b, "-");
    const bool plugin = strcmp(d->what, "plugin") == 0;
    if (plugin) snprintf(d->what, sizeof d->what, STRATEGY_FILE);
    if (plugin || strncmp(d->what, "piece ", 6) == 0) {
        m = m < SHOWN_DIGITS ? m : SHOWN_DIGITS;
        n = n < SHOWN_DIGITS ? n : SHOWN_DIGITS;
    }
    if (a) show(x, m, same, d->a);
    if (b) show(y, n, same, d->b);
    return true;
}

static bool contents_differ(const bp__result_origin *a, const bp__result_origin *b, uint64_t i,
                            bp__difference *d)
{
    int length, other_length;
    const char *name = bundle_name(a->text, i, &length), *other = bundle_name(b->text, i, &other_length);
    if (!a->content[i][0] || !b->content[i][0] || strcmp(a->content[i], b->content[i]) == 0) return false;
    if (length == other_length && memcmp(name, other, (size_t)length) == 0)
        snprintf(d->what, sizeof d->what, "content of %.*s", length, name);
    else
        snprintf(d->what, sizeof d->what, "content");
    snprintf(d->a, sizeof d->a, "%.*s", SHOWN_DIGITS, a->content[i]);
    snprintf(d->b, sizeof d->b, "%.*s", SHOWN_DIGITS, b->content[i]);
    return true;
}

/* Whether a line says nothing of a file of results: who wrote it, and what was kept in the journal to rank them. */
static bool is_aside(const char *line)
{
    return strncmp(line, "program ", 8) == 0 || strncmp(line, "hidden ", 7) == 0;
}

static size_t count_lines(const char *text)
{
    size_t n = 0;
    for (; *text; text = next_line(text)) n++;
    return n;
}

bp_status bp__result_origin_differences(const bp__result_origin *a, const bp__result_origin *b,
                                        bp__difference **list, size_t *count)
{
    const uint64_t bundles = a->num_bundles < b->num_bundles ? a->num_bundles : b->num_bundles;
    bp__difference *d = calloc(count_lines(a->text) + count_lines(b->text) + bundles + 1, sizeof *d);
    size_t n = 0;
    *list = NULL;
    *count = 0;
    if (!d) BP_FAIL(BP_ENOMEM, "no memory to compare two searches");
    for (const char *line = a->text; *line; line = next_line(line)) {
        if (is_aside(line)) continue;
        n += lines_differ(line, line_of(b->text, line, key_length(line)), &d[n]);
    }
    for (const char *line = b->text; *line; line = next_line(line)) {
        if (is_aside(line) || line_of(a->text, line, key_length(line))) continue;
        n += lines_differ(NULL, line, &d[n]);
    }
    for (uint64_t i = 0; i < bundles; i++) n += contents_differ(a, b, i, &d[n]);
    for (size_t i = 0; i < n; i++) bp__text_clean(d[i].what), bp__text_clean(d[i].a), bp__text_clean(d[i].b);
    if (n == 0)
        free(d);
    else
        *list = d;
    *count = n;
    return BP_OK;
}

/* What may be overwritten ------------------------------------------------------------------------- */

static bool is_hdf5(const mapping *m)
{
    const size_t length = sizeof HDF5_MAGIC - 1;
    for (size_t at = 0; at + length <= m->size; at = at ? 2 * at : 512)
        if (memcmp(m->bytes + at, HDF5_MAGIC, length) == 0) return true;
    return false;
}

/* What is of another kind than results, and lost for good if it were overwritten. */
static bp_status check_kind(const char *option, const char *path, const mapping *m)
{
    const size_t n = strlen(path);
    const char *kind = is_hdf5(m) ? "a bundle, or another HDF5 file"
                       : begins_with(m, JOURNAL_MAGIC, strlen(JOURNAL_MAGIC)) ? "a journal"
                       : begins_with(m, MAGIC, strlen(MAGIC)) ? "what tells the results beside it apart"
                                                              : NULL;
    if (kind) BP_FAIL(BP_EINVAL, "%s: %.200s is %s; name another file", option, path, kind);
    if (n >= 3 && strcmp(path + n - 3, ".h5") == 0)
        BP_FAIL(BP_EINVAL, "%s: %.200s is the name of a bundle; name another file", option, path);
    return BP_OK;
}

/* The first line, as far as it is text. */
static const char *first_line(const mapping *m, char line[FIRST_LINE_MAX])
{
    size_t n = 0;
    while (n < m->size && n < FIRST_LINE_MAX - 1 && m->bytes[n] != '\n' && m->bytes[n] != '\r') n++;
    snprintf(line, FIRST_LINE_MAX, "%.*s", (int)n, m->bytes);
    return line;
}

/* A file whose origin is not known. */
static bp_status refuse_unknown(const char *path, const mapping *m)
{
    char line[FIRST_LINE_MAX];
    first_line(m, line);
    if (strncmp(line, "index,status", 12) == 0 || strncmp(line, "bundle,index,status", 19) == 0)
        BP_FAIL(
            BP_EINVAL,
            "--out: %.200s has results, of which search is not known (there is no %.160s" BP__ORIGIN_SUFFIX
            "); give --replace, or name another file",
            path, path);
    BP_FAIL(BP_EINVAL,
            "--out: %.200s is not a file of results; give --replace to lose it, or name another file", path);
}

/* The one to be told: which piece of a strategy has changed says more than the hash of all of it. */
static const bp__difference *telling(const bp__difference *d, size_t n)
{
    if (strcmp(d->what, STRATEGY_FILE) != 0) return d;
    for (size_t i = 1; i < n; i++)
        if (strncmp(d[i].what, "piece ", 6) == 0) return &d[i];
    return d;
}

static bp_status check_same(const char *path, const bp__result_origin *theirs, const bp__result_origin *ours)
{
    bp__difference *d;
    size_t n;
    BP_TRY(bp__result_origin_differences(theirs, ours, &d, &n));
    bp_status s = BP_OK;
    const bp__difference *first = n > 0 ? telling(d, n) : NULL;
    if (first)
        s = bp__fail(BP_EINVAL,
                     "--out: %.120s has results of another search (%.60s: there '%.88s', here '%.88s'); give "
                     "--replace, or name another file%s",
                     path, first->what, first->a, first->b,
                     strncmp(first->what, "piece ", 6) == 0 ? bp__spec_piece_hint(first->what + 6) : "");
    free(d);
    return s;
}

static bp_status check_results(const char *path, const mapping *m, const bp__result_origin *ours)
{
    hashes stored;
    bp__result_origin theirs;
    char hash[BP__HASH_TEXT];
    bp_status s = read_stored(path, &stored, &theirs);
    if (s == BP_ENOTFOUND) return refuse_unknown(path, m);
    if (s == BP_EFORMAT)
        return bp__fail(
            BP_EINVAL,
            "--out: %.200s has results, and what tells which beside it is damaged; give --replace, or "
            "name another file",
            path);
    if (s == BP_OK) s = bp__bytes_hash(m->bytes, m->size, hash);
    if (s == BP_OK && strcmp(hash, stored.csv) != 0 && strcmp(hash, stored.before) != 0)
        s = bp__fail(BP_EINVAL,
                     "--out: %.200s is not as a search has written it; give --replace, or name another file",
                     path);
    if (s == BP_OK) s = check_same(path, &theirs, ours);
    bp__result_origin_fini(&theirs);
    return s;
}

/* An origin goes beside the file: what is there must be one. */
static bp_status check_beside(const char *path)
{
    char *beside;
    mapping m;
    BP_TRY(origin_path(path, &beside));
    bp_status s = map_file(beside, &m);
    if (s == BP_ENOTFOUND)
        s = BP_OK;
    else if (s == BP_OK && m.size > 0 && !begins_with(&m, MAGIC, strlen(MAGIC)))
        s = bp__fail(BP_EINVAL,
                     "--out: %.200s has to be written as well, and is something else; name another file",
                     beside);
    unmap_file(&m);
    free(beside);
    return s;
}

bp_status bp__result_origin_check(const char *path, const bp__result_origin *ours, bool replace)
{
    mapping m;
    bp_status s = map_file(path, &m);
    if (s == BP_ENOTFOUND)
        s = BP_OK;
    else if (bp__failed(s))
        return bp__fail(BP_EINVAL, "--out: what is in %.200s cannot be read; name another file", path);
    if (s == BP_OK) s = check_kind("--out", path, &m);
    if (s == BP_OK) s = check_beside(path);
    if (s == BP_OK && m.size > 0 && !replace) s = check_results(path, &m, ours);
    unmap_file(&m);
    return s;
}

bp_status bp__result_origin_check_plain(const char *option, const char *path, const char *header,
                                        bool replace)
{
    mapping m;
    char line[FIRST_LINE_MAX];
    bp_status s = map_file(path, &m);
    if (s == BP_ENOTFOUND)
        s = BP_OK;
    else if (bp__failed(s))
        return bp__fail(BP_EINVAL, "%s: what is in %.200s cannot be read; name another file", option, path);
    if (s == BP_OK) s = check_kind(option, path, &m);
    if (s == BP_OK && m.size > 0 && !replace && (!header || strcmp(first_line(&m, line), header) != 0))
        s = bp__fail(BP_EINVAL,
                     "%s: %.200s is something else; give --replace to lose it, or name another file", option,
                     path);
    unmap_file(&m);
    return s;
}
