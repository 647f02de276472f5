#include "bundle/progress.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "core/clock.h"

#define SECOND        UINT64_C(1000000000)
#define TERMINAL_STEP (SECOND / 5)
#define LOG_STEP      (30 * SECOND)

static struct {
    pthread_mutex_t lock;
    bool terminal, drawn;
    const char *what;            /* the phase that is shown */
    uint64_t begun, next, first; /* when, when next, and what had been done by then */
} show = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void begin_phase(const char *what, uint64_t done, uint64_t now)
{
    show.what = what;
    show.begun = now;
    show.first = done;
    show.next = now + (show.terminal ? TERMINAL_STEP : LOG_STEP);
}

static void tell(void *context, const char *what, uint64_t done, uint64_t total)
{
    (void)context;
    const uint64_t now = bp__clock_ns();
    pthread_mutex_lock(&show.lock);
    if (what != show.what) begin_phase(what, done, now);
    if (now >= show.next && total > 0 && done > show.first) {
        char left[40] = "";
        const double rate = (double)(done - show.first) / (double)(now - show.begun);
        const uint64_t seconds = done < total ? (uint64_t)((double)(total - done) / rate / 1e9) : 0;
        snprintf(left, sizeof left, "%d:%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60),
                 (int)(seconds % 60));
        fprintf(stderr, "%s%s: %.1f %%, ETA %s%s", show.terminal ? "\r" : "", what,
                100 * (double)done / (double)total, left, show.terminal ? "\033[K" : "\n");
        fflush(stderr);
        show.drawn = show.terminal;
        show.next = now + (show.terminal ? TERMINAL_STEP : LOG_STEP);
    }
    pthread_mutex_unlock(&show.lock);
}

bp__progress bp__progress_show(void)
{
    show.terminal = isatty(STDERR_FILENO);
    return (bp__progress){.tell = tell};
}

void bp__progress_hide(void)
{
    pthread_mutex_lock(&show.lock);
    if (show.drawn) fputs("\r\033[K", stderr);
    show.drawn = false;
    show.what = NULL;
    pthread_mutex_unlock(&show.lock);
}
