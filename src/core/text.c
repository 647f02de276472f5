#include "core/text.h"

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

/* Bytes of the printable character at `text`; 0: it is none, and one byte of it is to be replaced. */
static int printable(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    const bool c0 = s[0] < 0x20 || s[0] == 0x7f, c1 = s[0] == 0xc2 && s[1] >= 0x80 && s[1] < 0xa0;
    return c0 || c1 ? 0 : bp__utf8_length(text);
}

void bp__text_put(FILE *file, const char *text)
{
    while (*text) {
        const int n = printable(text);
        fwrite(n ? text : "?", 1, n ? (size_t)n : 1, file);
        text += n ? n : 1;
    }
}

void bp__text_line(FILE *file, const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;
    va_start(ap, fmt);
    const int n = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (n >= 0) bp__text_put(file, text);
    fputs(n >= 0 ? "\n" : "(no memory for a line)\n", file);
    if (n >= 0) free(text);
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

const char *bp__bytes_text(uint64_t bytes, char text[32])
{
    static const char *const unit[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    size_t u = 0;
    double x = (double)bytes;
    for (; x >= 1024 && u < 4; u++) x /= 1024;
    snprintf(text, 32, u == 0 ? "%.0f %s" : "%.1f %s", x, unit[u]);
    return text;
}
