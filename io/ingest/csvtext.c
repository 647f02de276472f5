#include "io/ingest/csvtext.h"

#include <stdlib.h>
#include <string.h>

#define BUFFER_BYTES ((size_t)512 << 10)
#define SLACK        16 /* words are read past the end of a field */

_Static_assert(BUFFER_BYTES >= 2 * BP__CSV_ROW_BYTES + BP__CSV_HEAD_BYTES, "a row fits");

/* The buffer ------------------------------------------------------------------------------------ */

static bp_status fill(bp__csv_text *t)
{
    size_t got = 0;
    if (t->begin > BP__CSV_HEAD_BYTES ||
        (t->begin > 0 && t->end == BUFFER_BYTES)) { /* the head may be wanted again */
        memmove(t->buffer, t->buffer + t->begin, t->end - t->begin);
        if (t->zero != SIZE_MAX) t->zero -= t->begin;
        t->end -= t->begin;
        t->begin = 0;
        t->moved = true;
    }
    BP_TRY(bp__input_read(t->input, t->buffer + t->end, BUFFER_BYTES - t->end, &got));
    char *fresh = t->buffer + t->end;
    t->all = got == 0;
    t->end += got;
    memset(t->buffer + t->end, '\n', SLACK);
    if (memchr(fresh, '"', got)) t->quotes = true;
    const char *zero = t->zero == SIZE_MAX ? memchr(fresh, '\0', got) : NULL;
    if (zero) t->zero = (size_t)(zero - t->buffer);
    return BP_OK;
}

static bp_status begin_text(bp__csv_text *t)
{
    BP_TRY(fill(t));
    const char *mark = t->buffer;
    if (t->end >= 2 && (memcmp(mark, "\xff\xfe", 2) == 0 || memcmp(mark, "\xfe\xff", 2) == 0))
        BP_FAIL(BP_EFORMAT, "%s:1: UTF-16; convert it: iconv -f UTF-16 -t UTF-8", t->path);
    t->head = t->end >= 3 && memcmp(mark, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    if (!memchr(mark, '\n', t->end) && memchr(mark, '\r', t->end))
        BP_FAIL(BP_EFORMAT, "%s:1: its lines end in CR alone; convert it: tr '\\r' '\\n'", t->path);
    t->begin = t->head;
    return BP_OK;
}

bp_status bp__csv_text_init(bp__csv_text *text, const char *path, bp__input *input)
{
    memset(text, 0, sizeof *text);
    text->path = path;
    text->input = input;
    text->separator = ',';
    text->next_line = 1;
    text->zero = SIZE_MAX;
    text->buffer = malloc(BUFFER_BYTES + SLACK);
    text->spare = malloc(BP__CSV_ROW_BYTES + BP__CSV_FIELDS + SLACK);
    const bp_status s = text->buffer && text->spare ? begin_text(text)
                                                    : bp__fail(BP_ENOMEM, "%s: no memory to read it", path);
    if (bp__failed(s)) bp__csv_text_fini(text);
    return s;
}

void bp__csv_text_fini(bp__csv_text *text)
{
    free(text->buffer);
    free(text->spare);
    text->buffer = text->spare = NULL;
}

bool bp__csv_rewind(bp__csv_text *text)
{
    if (text->moved) return false;
    text->begin = text->head;
    text->next_line = 1;
    text->blank = 0;
    text->n = 0;
    text->line = 0;
    return true;
}

bool bp__csv_is(const bp__csv_field *field, const char *text)
{
    const size_t n = strlen(text);
    return field->size == n && memcmp(field->text, text, n) == 0;
}

/* Fields ---------------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void add(bp__csv_text *t, const char *from, const char *to, bool quoted)
{
    while (from < to && is_blank(*from)) from++;
    while (from < to && is_blank(to[-1])) to--;
    if (t->n < BP__CSV_FIELDS) t->field[t->n] = (bp__csv_field){from, (uint32_t)(to - from), quoted};
    t->n++;
}

/* Bytes of a word that equal that of the pattern have their highest bit set; those above the lowest such
 * byte may lie. */
static uint64_t equal_bytes(uint64_t word, uint64_t pattern)
{
    const uint64_t x = word ^ pattern;
    return (x - UINT64_C(0x0101010101010101)) & ~x & UINT64_C(0x8080808080808080);
}

static const char *find_separator(const char *p, const char *end, char separator)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    const uint64_t pattern = UINT64_C(0x0101010101010101) * (uint8_t)separator;
    while (p < end) { /* up to 7 bytes past the end are read: the buffer has slack */
        uint64_t word;
        memcpy(&word, p, sizeof word);
        const uint64_t found = equal_bytes(word, pattern);
        if (found) {
            p += __builtin_ctzll(found) / 8;
            return p < end ? p : end;
        }
        p += sizeof word;
    }
    return end;
#else
    const char *found = memchr(p, separator, (size_t)(end - p));
    return found ? found : end;
#endif
}

static void split_plain(bp__csv_text *t, const char *p, const char *end)
{
    t->n = 0;
    for (;;) {
        const char *to = find_separator(p, end, t->separator);
        add(t, p, to, false);
        if (to == end) return;
        p = to + 1;
    }
}

typedef enum quoting { WHOLE, OPEN, STRAY } quoting;

/* "" as one quote, in the spare room: rows fit there, with a byte more for each field. */
static void add_undoubled(bp__csv_text *t, const char *from, const char *to)
{
    char *first = t->spare + t->spare_used, *out = first;
    for (; from < to; from++) {
        *out++ = *from;
        if (*from == '"') from++;
    }
    *out = '\n';
    t->spare_used += (size_t)(out + 1 - first);
    add(t, first, out, true);
}

/* A field that begins with a quote, at `*at`; then move on behind its separator. */
static quoting take_quoted(bp__csv_text *t, const char **at, const char *end, bool *last)
{
    const char *from = *at + 1, *p = from;
    bool doubled = false;
    for (;; p++) {
        if (p == end) return OPEN;
        if (*p != '"') continue;
        if (p + 1 == end || p[1] != '"') break;
        doubled = true;
        p++;
    }
    const char *behind = p + 1;
    while (behind < end && *behind != t->separator && is_blank(*behind)) behind++;
    if (behind < end && *behind != t->separator) return STRAY;
    if (doubled && t->n < BP__CSV_FIELDS)
        add_undoubled(t, from, p);
    else
        add(t, from, p, true);
    *last = behind == end;
    *at = behind + 1;
    return WHOLE;
}

/* Whether the quotes in a row are closed where it ends: they change nothing, so that it can be asked again.
 * */
static quoting look_at_quotes(const char *p, const char *end, char separator)
{
    for (;;) {
        while (p < end && *p != separator && is_blank(*p)) p++;
        if (p < end && *p == '"') {
            for (p++; p < end; p++) {
                if (*p != '"') continue;
                if (p + 1 == end || p[1] != '"') break;
                p++;
            }
            if (p >= end) return OPEN;
            p++;
        }
        p = find_separator(p, end, separator);
        if (p == end) return WHOLE;
        p++;
    }
}

static bool split_quoted(bp__csv_text *t, const char *p, const char *end)
{
    bool last = false;
    t->n = 0;
    t->spare_used = 0;
    while (!last) {
        const char *first = p;
        while (first < end && *first != t->separator && is_blank(*first)) first++;
        if (first < end && *first == '"') {
            p = first;
            if (take_quoted(t, &p, end, &last) != WHOLE) return false;
            continue;
        }
        const char *to = find_separator(p, end, t->separator);
        add(t, p, to, false);
        last = to == end;
        p = to + 1;
    }
    return true;
}

/* Rows ------------------------------------------------------------------------------------------ */

/* Where the row at hand ends: its LF, or the end of the text. */
static bp_status find_end(bp__csv_text *t, size_t *end, uint64_t *lines)
{
    size_t from = 0; /* how much of the row was looked through, in bytes from `begin`, which may move */
    *lines = 1;
    for (;;) {
        const char *p = memchr(t->buffer + t->begin + from, '\n', t->end - t->begin - from);
        if (!p && !t->all) {
            from = t->end - t->begin;
            if (from > BP__CSV_ROW_BYTES)
                BP_FAIL(BP_EFORMAT, "%s:%llu: a row of more than %u bytes", t->path,
                        (unsigned long long)t->next_line, BP__CSV_ROW_BYTES);
            BP_TRY(fill(t));
            continue;
        }
        *end = p ? (size_t)(p - t->buffer) : t->end;
        if (*end - t->begin > BP__CSV_ROW_BYTES)
            BP_FAIL(BP_EFORMAT, "%s:%llu: a row of more than %u bytes%s", t->path,
                    (unsigned long long)t->next_line, BP__CSV_ROW_BYTES,
                    *lines > 1 ? ": a quote is opened and never closed" : "");
        if (!t->quotes || look_at_quotes(t->buffer + t->begin, t->buffer + *end, t->separator) == WHOLE)
            return BP_OK;
        if (!p)
            BP_FAIL(BP_EFORMAT, "%s:%llu: a quote is opened and never closed", t->path,
                    (unsigned long long)t->next_line);
        from = *end + 1 - t->begin; /* the line break is part of a field */
        (*lines)++;
    }
}

static bool is_empty(const bp__csv_text *t)
{
    for (size_t i = 0; i < t->n && i < BP__CSV_FIELDS; i++)
        if (t->field[i].size > 0) return false;
    return true;
}

bool bp__csv_peek(const bp__csv_text *text, const char **from, const char **end)
{
    *from = text->buffer + text->begin;
    *end = text->buffer + text->end;
    return *from < *end && !text->quotes && text->zero == SIZE_MAX;
}

bool bp__csv_pass(bp__csv_text *text, const char *next, size_t n)
{
    const size_t begin = (size_t)(next - text->buffer);
    if (begin - 1 - text->begin > BP__CSV_ROW_BYTES) return false;
    text->begin = begin;
    text->line = text->next_line++;
    text->n = n;
    return true;
}

bp_status bp__csv_next(bp__csv_text *text, bool *more)
{
    *more = false;
    for (;;) {
        if (text->head_only && text->begin > BP__CSV_HEAD_BYTES) return BP_OK;
        size_t end = 0;
        uint64_t lines = 1;
        if (text->begin == text->end) {
            if (!text->all) BP_TRY(fill(text));
            if (text->begin == text->end) return BP_OK;
        }
        BP_TRY(find_end(text, &end, &lines));
        text->line = text->next_line;
        if (text->zero < end)
            BP_FAIL(BP_EFORMAT, "%s:%llu: a NUL byte: not a text file, or UTF-16", text->path,
                    (unsigned long long)text->line);
        const char *p = text->buffer + text->begin, *stop = text->buffer + end;
        if (!text->quotes || !memchr(p, '"', end - text->begin))
            split_plain(text, p, stop);
        else if (!split_quoted(text, p, stop))
            BP_FAIL(BP_EFORMAT, "%s:%llu: text between the end of a quoted field and the next '%c'",
                    text->path, (unsigned long long)text->line, text->separator);
        text->next_line += lines;
        text->begin = end < text->end ? end + 1 : end;
        if (!is_empty(text)) break;
        text->blank += lines;
    }
    if (text->n > BP__CSV_FIELDS)
        BP_FAIL(BP_EFORMAT, "%s:%llu: more than %d columns", text->path, (unsigned long long)text->line,
                BP__CSV_FIELDS);
    *more = true;
    return BP_OK;
}
