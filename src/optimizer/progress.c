#include "optimizer/progress.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"

#define BAR_NS    UINT64_C(200000000)
#define BAR_CELLS 20
#define NEVER     UINT64_MAX

void bp__progress_init(const bp__found *found, double seconds, bp__progress *p)
{
    *p = (bp__progress){.found = found, .start_ns = bp__clock_ns()};
    p->terminal = isatty(STDERR_FILENO) && !bp__log_is_json();
    p->step_ns = p->terminal ? BAR_NS : (uint64_t)(seconds * 1e9);
    p->next_ns = seconds > 0 ? p->start_ns + p->step_ns : NEVER;
}

/* As much of the bar and the text as the terminal is wide: a line that wraps could not be erased. */
static void draw(bp__progress *p, double part, const char *text)
{
    static const char full[] = "####################", empty[] = "....................";
    struct winsize window = {.ws_col = 80};
    const int cells = (int)(BAR_CELLS * part);
    char line[400];
    snprintf(line, sizeof line, "[%.*s%.*s] %s", cells, full, BAR_CELLS - cells, empty, text);
    bp__text_clean(line);
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col == 0) window.ws_col = 80;
    bp__text_copy(line, window.ws_col < sizeof line ? window.ws_col : sizeof line, line);
    fprintf(stderr, "\r%s\033[K", line);
    fflush(stderr);
    p->drawn = true;
}

void bp__progress_update(bp__progress *p)
{
    const uint64_t now = bp__clock_ns();
    if (!p->found) return; /* no backtest has begun */
    if (now < p->next_ns || p->found->results.num_todo == 0) return;
    p->next_ns = now + p->step_ns;

    const bp__results *r = &p->found->results;
    const bp__spec *spec = r->spec;
    const char *objective = bp__ranking_text(spec);
    const uint64_t done = r->done + r->failed;
    const double seconds = (double)(now - p->start_ns) * 1e-9,
                 rate = (double)(done - p->found->resumed) / seconds;
    const double eta = rate > 0 ? (double)(r->num_todo - done) / rate : 0,
                 part = (double)done / (double)r->num_todo;
    char best[160] = "", eta_text[32] = "unknown";
    const double value = r->best == BP__NO_TASK ? NAN : r->rating.objective;
    if (r->best != BP__NO_TASK) bp__results_task(r, r->best, best, sizeof best);
    if (bp__log_is_json()) {
        const bp__log_field field[] = {
            {.name = "done", .number = (double)done},
            {.name = "total", .number = (double)r->num_todo},
            {.name = "backtests_per_second", .number = rate},
            {.name = "eta_seconds", .number = eta},
            {.name = "objective", .text = objective},
            {.name = "best", .text = best},
            {.name = "best_value", .number = value},
        };
        bp__log_event("optimizer", "progress", field, sizeof field / sizeof *field);
        return;
    }
    char text[320];
    if (rate > 0 && eta < 1e9)
        snprintf(eta_text, sizeof eta_text, "%d:%02d:%02d", (int)(eta / 3600), (int)(eta / 60) % 60,
                 (int)eta % 60);
    int n = snprintf(text, sizeof text, "%" PRIu64 "/%" PRIu64 " (%.1f %%), %.4g backtests/s, ETA %s", done,
                     r->num_todo, 100 * part, rate, eta_text);
    if (*best) snprintf(text + n, sizeof text - (size_t)n, ", best %.100s %.4g (%s)", objective, value, best);
    if (p->terminal)
        draw(p, part, text);
    else
        bp__log_as("optimizer", NULL, text);
}

void bp__progress_fini(bp__progress *p)
{
    if (p->drawn) fputs("\r\033[K", stderr);
    p->drawn = false;
}
