#include "core/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int bp__utf8_length(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
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

/* Characters that are not seen, and decide in which order others are, or end a line: U+061C, U+200E and U+200F, U+2028 to
 * U+202E, U+2066 to U+2069. */
static bool turns_text(const unsigned char *s)
{
    if (s[0] == 0xd8) return s[1] == 0x9c;
    if (s[0] != 0xe2) return false;
    if (s[1] == 0x80) return s[2] == 0x8e || s[2] == 0x8f || (s[2] >= 0xa8 && s[2] <= 0xae);
    return s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9;
}

bool bp__is_control(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    return s[0] < 0x20 || s[0] == 0x7f || (s[0] == 0xc2 && s[1] >= 0x80 && s[1] < 0xa0) || turns_text(s);
}

/* Bytes of the printable character at `text`; 0: it is none, and one byte of it is to be replaced. */
static int printable(const char *text)
{
    return bp__is_control(text) ? 0 : bp__utf8_length(text);
}

void bp__text_put(FILE *file, const char *text)
{
    while (*text) {
        const int n = printable(text);
        fwrite(n ? text : "?", 1, n ? (size_t)n : 1, file);
        text += n ? n : 1;
    }
}

static void put_formatted(FILE *file, const char *fmt, va_list ap)
{
    char *text = NULL;
    if (vasprintf(&text, fmt, ap) < 0) {
        fputs("(no memory for a line)", file);
        return;
    }
    bp__text_put(file, text);
    free(text);
}

void bp__text_print(FILE *file, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    put_formatted(file, fmt, ap);
    va_end(ap);
}

void bp__text_line(FILE *file, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    put_formatted(file, fmt, ap);
    va_end(ap);
    fputc('\n', file);
}

void bp__text_csv(FILE *file, const char *text)
{
    if (!text[strcspn(text, ",\"\r\n")]) {
        fputs(text, file);
        return;
    }
    fputc('"', file);
    for (; *text; text++) fputs(*text == '"' ? "\"\"" : (char[2]){*text}, file);
    fputc('"', file);
}

char *bp__text_clean(char *text)
{
    for (char *c = text; *c;) {
        const int n = printable(c);
        if (n == 0) *c = '?';
        c += n ? n : 1;
    }
    return text;
}

char *bp__text_copy(char *to, size_t size, const char *from)
{
    size_t n = 0;
    while (from[n]) {
        const size_t more = bp__utf8_length(from + n) ? (size_t)bp__utf8_length(from + n) : 1;
        if (n + more >= size) break;
        n += more;
    }
    memmove(to, from, n);
    to[n] = '\0';
    return to;
}

char *bp__text_first_line(const char *text, char *line, size_t size)
{
    static const char more[] = " ...";
    const size_t n = strcspn(text, "\r\n");
    if (!text[n + strspn(text + n, " \t\r\n")]) {
        bp__text_copy(line, n < size ? n + 1 : size, text);
        return line;
    }
    bp__text_copy(line, n + sizeof more < size ? n + 1 : size - sizeof more + 1, text);
    return strcat(line, more);
}

int bp__text_width(const char *text)
{
    int width = 0;
    for (; *text; width++) text += bp__utf8_length(text) ? bp__utf8_length(text) : 1;
    return width;
}

bool bp__whole_from(const char *text, bool of_bytes, int64_t *number)
{
    static const char units[] = "KMGT";
    char *end;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    bool readable = end != text && errno == 0;
    if (of_bytes && readable && *end && strchr(units, *end)) {
        long long unit = INT64_C(1024);
        for (const char *u = units; *u != *end; u++) unit *= 1024;
        readable = !__builtin_mul_overflow(n, unit, &n);
        end++;
    }
    *number = n;
    return readable && *end == '\0';
}

const char *bp__bytes_text(uint64_t bytes, char text[32])
{
    static const char *const unit[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    size_t u = 0;
    double x = (double)bytes;
    for (; x >= 1024 && u < 4; u++) x /= 1024;
    snprintf(text, 32, u == 0 ? "%.0f %s" : "%.1f %s", x, unit[u]);
    return text;
}
