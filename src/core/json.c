#include "core/json.h"

#include <inttypes.h>
#include <math.h>

#include "core/text.h"

/* Of up to three bytes: no control character has more. */
static unsigned code_point(const char *text, int length)
{
    const unsigned char *s = (const unsigned char *)text;
    if (length == 1) return s[0];
    if (length == 2) return (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu);
    return (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
}

/* JSON is printed to terminals, too: control characters are escaped even where they need not be. */
static void put_string(FILE *file, const char *text)
{
    fputc('"', file);
    for (const char *s = text; *s;) {
        int n = bp__utf8_length(s);
        if (n == 0)
            fputs("\\ufffd", file);
        else if (bp__is_control(s))
            fprintf(file, "\\u%04x", code_point(s, n));
        else if (n > 1)
            fwrite(s, 1, (size_t)n, file);
        else if (*s == '"' || *s == '\\')
            fprintf(file, "\\%c", *s);
        else
            fputc(*s, file);
        s += n ? n : 1;
    }
    fputc('"', file);
}

static void begin(bp__json *j, const char *key)
{
    if (j->behind) fputs(j->one_line ? ", " : ",", j->file);
    if (j->depth > 0 && !j->one_line) fprintf(j->file, "\n%*s", 2 * j->depth, "");
    if (key) {
        put_string(j->file, key);
        fputs(": ", j->file);
    }
    j->behind = true;
}

void bp__json_open(bp__json *j, const char *key, char bracket)
{
    begin(j, key);
    fputc(bracket, j->file);
    j->depth++;
    j->behind = false;
}

void bp__json_close(bp__json *j, char bracket)
{
    j->depth--;
    if (j->behind && !j->one_line) fprintf(j->file, "\n%*s", 2 * j->depth, "");
    fputc(bracket, j->file);
    if (j->depth == 0) fputc('\n', j->file);
    j->behind = true;
}

void bp__json_int(bp__json *j, const char *key, int64_t value)
{
    begin(j, key);
    fprintf(j->file, "%" PRId64, value);
}

void bp__json_number(bp__json *j, const char *key, double value)
{
    begin(j, key);
    fprintf(j->file, isfinite(value) ? "%.17g" : "null", value);
}

void bp__json_bool(bp__json *j, const char *key, bool value)
{
    begin(j, key);
    fputs(value ? "true" : "false", j->file);
}

void bp__json_raw(bp__json *j, const char *key, const char *json)
{
    begin(j, key);
    fputs(json, j->file);
}

void bp__json_text(bp__json *j, const char *key, const char *text)
{
    begin(j, key);
    put_string(j->file, text);
}
