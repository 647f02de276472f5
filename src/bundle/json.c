#include "bundle/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Bytes of the UTF-8 sequence at `s`; 0 if it is none: overlong, a surrogate, beyond U+10FFFF, cut. */
static int utf8_length(const unsigned char *s)
{
    if (s[0] < 0x80) return 1;
    int n = s[0] >= 0xc2 && s[0] < 0xe0   ? 2
            : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
            : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
                                          : 0;
    for (int i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
        (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

static void put_string(const char *text)
{
    putchar('"');
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        int n = utf8_length(s);
        if (n == 0)
            fputs("\\ufffd", stdout);
        else if (n > 1)
            fwrite(s, 1, (size_t)n, stdout);
        else if (*s == '"' || *s == '\\')
            printf("\\%c", *s);
        else if (*s < 0x20)
            printf("\\u%04x", *s);
        else
            putchar(*s);
        s += n ? n : 1;
    }
    putchar('"');
}

static void begin(bp__json *j, const char *key)
{
    if (j->behind) putchar(',');
    if (j->depth > 0) printf("\n%*s", 2 * j->depth, "");
    if (key) {
        put_string(key);
        fputs(": ", stdout);
    }
    j->behind = true;
}

void bp__json_open(bp__json *j, const char *key, char bracket)
{
    begin(j, key);
    putchar(bracket);
    j->depth++;
    j->behind = false;
}

void bp__json_close(bp__json *j, char bracket)
{
    j->depth--;
    if (j->behind) printf("\n%*s", 2 * j->depth, "");
    putchar(bracket);
    if (j->depth == 0) putchar('\n');
    j->behind = true;
}

void bp__json_int(bp__json *j, const char *key, int64_t value)
{
    begin(j, key);
    printf("%" PRId64, value);
}

void bp__json_bool(bp__json *j, const char *key, bool value)
{
    begin(j, key);
    fputs(value ? "true" : "false", stdout);
}

void bp__json_text(bp__json *j, const char *key, const char *text)
{
    begin(j, key);
    put_string(text);
}
