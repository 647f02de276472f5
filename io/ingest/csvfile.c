#include "io/ingest/csvfile.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/day.h"

#define MAX_FIELDS 64
#define READ_BYTES (1u << 20)
#define NS_PER_SEC INT64_C(1000000000)

enum { DATE = BP__NUM_FIELDS, DIVIDEND, SPLIT, NUM_COLUMNS };

static const char *const column_name[NUM_COLUMNS] = {"open",   "high", "low",      "close",
                                                     "volume", "date", "dividend", "split"};

typedef struct csv {
    const char *path;
    size_t line; /* counted from 1 */
    char *next;  /* rest of the text, NUL-terminated */
    bool daily;
    size_t num_fields;          /* of the header */
    size_t column[NUM_COLUMNS]; /* field of each column; MAX_FIELDS where there is none */
    char *field[MAX_FIELDS];    /* of the line at hand, trimmed */
} csv;

#define AT(c) (c)->path, (c)->line

/* Reading --------------------------------------------------------------------------------------- */

/* The whole file, inflated, NUL-terminated. gzread passes through what is not gzip. */
static bp_status read_text(const char *path, char **text, size_t *size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO would block */
    if (fd < 0) BP_FAIL_ERRNO(BP_EIO, errno, "%s: cannot be opened", path);
    bp_status s = BP_OK;
    struct stat st;
    gzFile file = NULL;
    if (fstat(fd, &st) != 0)
        s = bp__fail_errno(BP_EIO, errno, "%s: cannot be examined", path);
    else if (!S_ISREG(st.st_mode))
        s = bp__fail(BP_EFORMAT, "%s: not a regular file", path);
    else if (!(file = gzdopen(fd, "rb")))
        s = bp__fail(BP_ENOMEM, "%s: no memory to read it", path);
    if (bp__failed(s)) {
        close(fd);
        return s;
    }
    char *buffer = NULL;
    size_t used = 0, cap = 0;
    for (;;) {
        if (cap - used < READ_BYTES + 1) {
            cap = 2 * cap + READ_BYTES + 1;
            char *grown = realloc(buffer, cap);
            if (!grown) {
                s = bp__fail(BP_ENOMEM, "%s: no memory for %zu bytes", path, cap);
                break;
            }
            buffer = grown;
        }
        int n = gzread(file, buffer + used, READ_BYTES);
        int err = Z_OK;
        const char *why = gzerror(file, &err);
        if (n < 0 || err != Z_OK) { /* a truncated gzip is Z_BUF_ERROR behind the last bytes */
            s = err == Z_ERRNO ? bp__fail_errno(BP_EIO, errno, "%s: cannot be read", path)
                               : bp__fail(BP_EFORMAT, "%s: damaged gzip: %s", path, why);
            break;
        }
        if (n == 0) break;
        used += (size_t)n;
    }
    gzclose_r(file);
    if (bp__failed(s)) {
        free(buffer);
        return s;
    }
    buffer[used] = '\0';
    *text = buffer;
    *size = used;
    return BP_OK;
}

static char *trim(char *text)
{
    text += strspn(text, " \t");
    size_t n = strlen(text);
    while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t')) n--;
    text[n] = '\0';
    return text;
}

/* Cut the next line that is not blank into fields. @return false at the end */
static bool next_line(csv *c, size_t *n)
{
    while (*c->next) {
        char *line = c->next;
        size_t len = strcspn(line, "\n");
        c->next = line[len] ? line + len + 1 : line + len;
        c->line++;
        if (len > 0 && line[len - 1] == '\r') len--;
        line[len] = '\0';
        if (line[strspn(line, " \t")] == '\0') continue;
        for (*n = 0; line; (*n)++) {
            char *comma = strchr(line, ',');
            if (comma) *comma = '\0';
            if (*n < MAX_FIELDS) c->field[*n] = trim(line);
            line = comma ? comma + 1 : NULL;
        }
        return true;
    }
    return false;
}

static bp_status read_header(csv *c)
{
    if (!next_line(c, &c->num_fields)) BP_FAIL(BP_EFORMAT, "%s:1: the file is empty", c->path);
    if (c->num_fields > MAX_FIELDS) BP_FAIL(BP_EFORMAT, "%s:%zu: more than %d columns", AT(c), MAX_FIELDS);
    for (size_t k = 0; k < NUM_COLUMNS; k++) {
        c->column[k] = MAX_FIELDS;
        for (size_t i = 0; i < c->num_fields; i++) {
            if (strcasecmp(c->field[i], column_name[k]) != 0) continue;
            if (c->column[k] != MAX_FIELDS)
                BP_FAIL(BP_EFORMAT, "%s:%zu: column '%s' is there twice", AT(c), column_name[k]);
            c->column[k] = i;
        }
        if (c->column[k] == MAX_FIELDS && k != DIVIDEND && k != SPLIT)
            BP_FAIL(BP_EFORMAT, "%s:%zu: the header has no column '%s'", AT(c), column_name[k]);
    }
    return BP_OK;
}

/* Values ---------------------------------------------------------------------------------------- */

/* Exactly `digits` digits; -1 if they are not there. */
static int number(const char **text, int digits)
{
    int x = 0;
    for (int i = 0; i < digits; i++, (*text)++) {
        if (**text < '0' || **text > '9') return -1;
        x = 10 * x + (**text - '0');
    }
    return x;
}

static bool separator(const char **text, const char *any_of)
{
    if (!**text || !strchr(any_of, **text)) return false;
    (*text)++;
    return true;
}

static bool parse_time(const char *text, int64_t *ns)
{
    int hour = 0, minute = 0, second = 0;
    int year = number(&text, 4);
    if (year < 0 || !separator(&text, "-")) return false;
    int month = number(&text, 2);
    if (!separator(&text, "-")) return false;
    int day = number(&text, 2);
    if (!bp__is_date(year, month, day)) return false;
    if (separator(&text, " T")) {
        hour = number(&text, 2);
        if (hour < 0 || hour > 23 || !separator(&text, ":")) return false;
        minute = number(&text, 2);
        if (separator(&text, ":")) second = number(&text, 2);
        if (minute < 0 || minute > 59 || second < 0 || second > 59) return false;
        if (strcmp(text, "Z") == 0 || strcmp(text, "+00:00") == 0) text = "";
    }
    if (*text || year < 1700 || year > 2200) return false; /* well within what ns can hold */
    *ns = (bp__days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second) * NS_PER_SEC;
    return true;
}

static bp_status read_time(const csv *c, int64_t before, int64_t *time)
{
    const char *text = c->field[c->column[DATE]];
    if (!parse_time(text, time))
        BP_FAIL(BP_EFORMAT, "%s:%zu: date '%.40s' is not of the form %s", AT(c), text,
                c->daily ? "YYYY-MM-DD" : "YYYY-MM-DD HH:MM:SS");
    if (c->daily && *time % BP_NS_PER_DAY != 0)
        BP_FAIL(BP_EFORMAT, "%s:%zu: date '%.40s' of a daily bar has a time of day", AT(c), text);
    if (*time == before) BP_FAIL(BP_EFORMAT, "%s:%zu: date '%.40s' is there twice", AT(c), text);
    if (*time < before)
        BP_FAIL(BP_EFORMAT, "%s:%zu: date '%.40s' is earlier than the one before; sort the file", AT(c),
                text);
    return BP_OK;
}

/* NaN for a missing number. Programs never call setlocale(), so strtod reads a decimal point. */
static bp_status read_number(const csv *c, size_t column, double *value)
{
    const char *text = c->field[c->column[column]];
    *value = NAN;
    if (*text == '\0' || strcasecmp(text, "nan") == 0) return BP_OK;
    char *end = NULL;
    if (text[strspn(text, "0123456789+-.eE")] == '\0') *value = strtod(text, &end); /* no hex, no "inf" */
    if (!end || *end || !isfinite(*value))
        BP_FAIL(BP_EFORMAT, "%s:%zu: column '%s': '%.40s' is not a number", AT(c), column_name[column], text);
    return BP_OK;
}

static bp_status read_bar(const csv *c, int64_t before, bp__bar *bar)
{
    BP_TRY(read_time(c, before, &bar->dt));
    for (size_t f = 0; f < BP__NUM_FIELDS; f++) {
        BP_TRY(read_number(c, f, &bar->value[f]));
        if (bar->value[f] < 0)
            BP_FAIL(BP_EFORMAT, "%s:%zu: column '%s': it is negative", AT(c), column_name[f]);
    }
    return BP_OK;
}

/* A dividend or split that is missing or 0, or a split of 1, is no event. */
static bp_status read_event(const csv *c, bp__csv_event *event)
{
    if (c->column[DIVIDEND] != MAX_FIELDS) {
        BP_TRY(read_number(c, DIVIDEND, &event->dividend));
        if (isnan(event->dividend)) event->dividend = 0;
    }
    if (c->column[SPLIT] != MAX_FIELDS) {
        BP_TRY(read_number(c, SPLIT, &event->split));
        if (isnan(event->split) || event->split == 0) event->split = 1;
    }
    if (event->dividend < 0) BP_FAIL(BP_EFORMAT, "%s:%zu: the dividend is negative", AT(c));
    if (event->split < 0 || !isfinite(1 / event->split))
        BP_FAIL(BP_EFORMAT, "%s:%zu: the split is not positive", AT(c));
    return BP_OK;
}

/* Rows ------------------------------------------------------------------------------------------ */

static bp_status read_rows(csv *c, bp__csv_series *series)
{
    int64_t before = INT64_MIN;
    size_t n;
    while (next_line(c, &n)) {
        if (n != c->num_fields)
            BP_FAIL(BP_EFORMAT, "%s:%zu: %zu fields, the header has %zu", AT(c), n, c->num_fields);
        bp__bar bar;
        BP_TRY(read_bar(c, before, &bar));
        BP__APPEND(&series->bars, bar);
        before = bar.dt;
        bp__csv_event event = {.date = bar.dt, .dividend = 0, .split = 1};
        BP_TRY(read_event(c, &event));
        if (event.dividend != 0 || event.split != 1) BP__APPEND(&series->events, event);
    }
    if (series->bars.n == 0)
        BP_FAIL(BP_EFORMAT, "%s:%zu: no row after the header; remove the file or add bars", AT(c));
    return BP_OK;
}

bp_status bp__csv_read(const char *path, bool daily, bp__csv_series *series)
{
    csv c = {.path = path, .daily = daily};
    char *text = NULL;
    size_t size = 0;
    *series = (bp__csv_series){0};
    BP_TRY(read_text(path, &text, &size));
    c.next = strncmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text;
    bp_status s = BP_OK;
    if (strlen(text) != size) {
        for (const char *p = text; *p; p++) c.line += *p == '\n';
        s = bp__fail(BP_EFORMAT, "%s:%zu: a NUL byte: not a text file", path, c.line + 1);
    }
    if (s == BP_OK) s = read_header(&c);
    if (s == BP_OK) s = read_rows(&c, series);
    if (bp__failed(s)) bp__csv_fini(series);
    free(text);
    return s;
}

void bp__csv_fini(bp__csv_series *series)
{
    free(series->bars.row);
    free(series->events.row);
    *series = (bp__csv_series){0};
}
