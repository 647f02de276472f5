#include "bundle/csvout.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include <bundlepool/bundle.h>

#include "core/day.h"
#include "core/number.h"
#include "core/replace.h"

#define NS_PER_S INT64_C(1000000000)

/* Bytes ----------------------------------------------------------------------------------------- */

static void flush(bp__csvout *out)
{
    for (size_t at = 0; at < out->used && out->err == 0;) {
        const ssize_t n = write(out->fd, out->buffer + at, out->used - at);
        if (n >= 0)
            at += (size_t)n;
        else if (errno != EINTR)
            out->err = errno;
    }
    out->crc = (uint32_t)crc32(out->crc, (const unsigned char *)out->buffer, (uInt)out->used);
    out->bytes += out->used;
    out->used = 0;
}

static void put(bp__csvout *out, const char *bytes, size_t n)
{
    while (n > 0) {
        if (out->used == sizeof out->buffer) flush(out);
        const size_t room = sizeof out->buffer - out->used, part = n < room ? n : room;
        memcpy(out->buffer + out->used, bytes, part);
        out->used += part;
        bytes += part;
        n -= part;
    }
}

static void begin_field(bp__csvout *out)
{
    if (out->begun) put(out, ",", 1);
    out->begun = true;
}

bp_status bp__csvout_open(int folder, const char *name, const char *label, const char *header,
                          bp__csvout *out)
{
    out->label = label;
    out->err = 0;
    out->begun = false;
    out->day = INT64_MIN;
    out->bytes = 0;
    out->crc = 0;
    out->used = 0;
    out->fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (out->fd < 0) return bp__replace_fail(label, "cannot be written", errno);
    put(out, header, strlen(header));
    put(out, "\n", 1);
    return BP_OK;
}

bp_status bp__csvout_close(bp__csvout *out)
{
    flush(out);
    if (close(out->fd) != 0 && out->err == 0) out->err = errno;
    return out->err == 0 ? BP_OK : bp__replace_fail(out->label, "cannot be written", out->err);
}

void bp__csvout_end_line(bp__csvout *out)
{
    put(out, "\n", 1);
    out->begun = false;
}

/* Fields ---------------------------------------------------------------------------------------- */

void bp__csvout_text(bp__csvout *out, const char *text)
{
    const size_t n = strlen(text);
    begin_field(out);
    if (strcspn(text, ",\"\r\n") == n && text[0] != ' ' && (n == 0 || text[n - 1] != ' ')) {
        put(out, text, n);
        return;
    }
    put(out, "\"", 1);
    for (const char *quote; (quote = strchr(text, '"')); text = quote + 1) {
        put(out, text, (size_t)(quote - text));
        put(out, "\"\"", 2);
    }
    put(out, text, strlen(text));
    put(out, "\"", 1);
}

/* Digits of x, at least `least`, in front of `end`. @return where they begin */
static char *digits(uint64_t x, int least, char *end)
{
    for (; x > 0 || least > 0; x /= 10, least--) *--end = (char)('0' + x % 10);
    return end;
}

void bp__csvout_i64(bp__csvout *out, int64_t x)
{
    char text[24], *end = text + sizeof text, *at = digits(x < 0 ? -(uint64_t)x : (uint64_t)x, 1, end);
    begin_field(out);
    if (x < 0) *--at = '-';
    put(out, at, (size_t)(end - at));
}

void bp__csvout_f64(bp__csvout *out, double x)
{
    char text[32];
    begin_field(out);
    bp__number_text(x, text);
    put(out, text, strlen(text));
}

/* Trailing zeros behind the point say nothing and are left out. */
void bp__csvout_scaled(bp__csvout *out, uint32_t stored, int exponent)
{
    char text[48], *end = text + sizeof text, *at;
    begin_field(out);
    uint64_t x = stored;
    for (; exponent > 0 && x % 10 == 0; x /= 10) exponent--;
    if (exponent <= 0) { /* whole: 10^-exponent times x */
        for (at = end; exponent < 0 && x > 0; exponent++) *--at = '0';
        at = digits(x, 1, at);
    } else {
        uint64_t power = 1;
        for (int i = 0; i < exponent; i++) power *= 10;
        at = digits(x % power, exponent, end);
        *--at = '.';
        at = digits(x / power, 1, at);
    }
    put(out, at, (size_t)(end - at));
}

static void put_digits(bp__csvout *out, int64_t x, int width, char before)
{
    char text[16], *end = text + sizeof text, *at = digits((uint64_t)x, width, end);
    if (before) *--at = before;
    put(out, at, (size_t)(end - at));
}

static void put_time(bp__csvout *out, int64_t ns, bool full)
{
    begin_field(out);
    if (ns == BP_TIME_MISSING) return;
    const bool before = ns % BP_NS_PER_DAY < 0; /* the epoch, and no midnight */
    const int64_t day = ns / BP_NS_PER_DAY - before,
                  in_day = ns % BP_NS_PER_DAY + (before ? BP_NS_PER_DAY : 0);
    if (day != out->day) {
        char text[32];
        out->day = day;
        memcpy(out->day_text, bp__day_text(ns, text), sizeof out->day_text);
    }
    put(out, out->day_text, sizeof out->day_text);
    if (in_day == 0 && !full) return;
    const int64_t s = in_day / NS_PER_S;
    put_digits(out, s / 3600, 2, 'T');
    put_digits(out, s / 60 % 60, 2, ':');
    put_digits(out, s % 60, 2, ':');
    if (in_day % NS_PER_S != 0) put_digits(out, in_day % NS_PER_S, 9, '.');
    put(out, "Z", 1);
}

void bp__csvout_time(bp__csvout *out, int64_t ns)
{
    put_time(out, ns, false);
}

void bp__csvout_full_time(bp__csvout *out, int64_t ns)
{
    put_time(out, ns, true);
}
