#include "core/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char error_text[BP_LONG_TEXT_MAX];

const char *bp_status_name(bp_status s)
{
    switch (s) {
#define X(name, value, text)                                                                                 \
    case BP_##name: return "BP_" #name;
        BP_STATUS_MAP(X)
#undef X
    }
    return "BP_?";
}

const char *bp_status_text(bp_status s)
{
    switch (s) {
#define X(name, value, text)                                                                                 \
    case BP_##name: return text;
        BP_STATUS_MAP(X)
#undef X
    }
    return "unknown status";
}

const char *bp_error_text(void)
{
    return error_text;
}

bp_status(bp__fail)(bp_status code, const char *fmt, ...)
{
    char text[BP_ERROR_TEXT_MAX]; /* the arguments may point into the old text */
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return bp__fail_text(code, text);
}

bp_status(bp__fail_errno)(bp_status code, int err, const char *fmt, ...)
{
    char text[BP_ERROR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof text) {
        errno =
            err; /* %m instead of strerror_r(), whose result is a text in one C library and a number in another */
        snprintf(text + n, sizeof text - (size_t)n, ": %m");
    }
    return bp__fail_text(code, text);
}

static bp_status record(bp_status code, const char *text, size_t size)
{
    size_t n = strnlen(text, size - 1);
    memmove(error_text, text, n); /* `text` may be the old text itself */
    error_text[n] = '\0';
    return code;
}

bp_status(bp__fail_text)(bp_status code, const char *text)
{
    return record(code, text, BP_ERROR_TEXT_MAX);
}

bp_status(bp__fail_long)(bp_status code, const char *text)
{
    return record(code, text, sizeof error_text);
}
