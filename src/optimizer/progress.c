#include "optimizer/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "core/clock.h"

#define BAR_NS    UINT64_C(200000000)
#define LINE_NS   UINT64_C(10000000000)
#define BAR_CELLS 30

void bp__progress_init(uint64_t total, bp__progress *p)
{
    *p = (bp__progress){.total = total, .start_ns = bp__clock_ns(), .terminal = isatty(STDERR_FILENO)};
    p->next_ns = p->start_ns + (p->terminal ? BAR_NS : LINE_NS);
}

void bp__progress_update(bp__progress *p, uint64_t done)
{
    const uint64_t now = bp__clock_ns();
    if (now < p->next_ns || done == 0) return;
    p->next_ns = now + (p->terminal ? BAR_NS : LINE_NS);

    const double seconds = (double)(now - p->start_ns) * 1e-9, rate = (double)done / seconds;
    const uint64_t eta = (uint64_t)((double)(p->total - done) / rate);
    char text[160];
    snprintf(text, sizeof text,
             "%" PRIu64 "/%" PRIu64 " (%.1f %%), %.4g backtests/s, ETA %" PRIu64 ":%02d:%02d", done, p->total,
             100.0 * (double)done / (double)p->total, rate, eta / 3600, (int)(eta / 60 % 60),
             (int)(eta % 60));
    if (p->terminal) {
        static const char full[] = "##############################",
                          empty[] = "..............................";
        const int cells = (int)((double)BAR_CELLS * (double)done / (double)p->total);
        fprintf(stderr, "\r[%.*s%.*s] %s\033[K", cells, full, BAR_CELLS - cells, empty, text);
        p->drawn = true;
    } else {
        fprintf(stderr, "optimizer: %s\n", text);
    }
    fflush(stderr);
}

double bp__progress_fini(bp__progress *p)
{
    if (p->drawn) fputs("\r\033[K", stderr);
    p->drawn = false;
    return (double)(bp__clock_ns() - p->start_ns) * 1e-9;
}
