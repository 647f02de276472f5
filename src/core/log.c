#include "core/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static _Atomic int level_now = BP_LOG_WARN; /* written by bp__log_level, read by every thread */

void bp__log_level(bp_log_level level)
{
    atomic_store_explicit(&level_now, (int)level, memory_order_relaxed);
}

void bp__log(bp_log_level level, const char *fmt, ...)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    if ((int)level > atomic_load_explicit(&level_now, memory_order_relaxed)) return;
    char line[1024];
    int n = snprintf(line, sizeof line, "bundlepool: %s: ", names[level]);
    va_list ap;
    va_start(ap, fmt);
    n += vsnprintf(line + n, sizeof line - (size_t)n - 1, fmt, ap);
    va_end(ap);
    if (n > (int)sizeof line - 2) n = (int)sizeof line - 2;
    line[n++] = '\n';
    if (write(STDERR_FILENO, line, (size_t)n) < 0) return; /* a log that cannot be written is no failure */
}
