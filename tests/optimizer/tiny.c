#include "tests/optimizer/tiny.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backtest/host.h"
#include "core/hash.h"

int tiny_open;

/* Strategies ------------------------------------------------------------------------------------- */

static void hold(void *context, const bp_market *m, const double *params, bp_signals *signals)
{
    (void)context, (void)signals;
    const size_t n = bp_market_num_assets(m);
    bp_weights *weights = bp__market_weights(m);
    for (int32_t t = 0; weights && t < bp_market_num_bars(m); t += (int32_t)params[0] + 1) {
        double *row = bp_weights_row(weights, t);
        for (size_t i = 0; row && i < n; i++)
            if (bp_market_is_listed(m, i, t) && bp_market_observations(m, i, t) > 0)
                row[i] = params[1] / (double)n;
    }
}

static void fail_loudly(void *context, const bp_market *m, const double *params, bp_signals *signals)
{
    char text[2000];
    (void)context, (void)signals;
    if ((int)params[0] % 3 != 0) return;
    size_t used = (size_t)snprintf(text, sizeof text, "ValueError: no %g (mine.tiny:3)", params[0]);
    for (int line = 1; used < 1800; line++)
        used += (size_t)snprintf(text + used, sizeof text - used, "\n  Traceback, line %d", line);
    bp_market_fail(m, text);
}

static void crash(void *context, const bp_market *m, const double *params, bp_signals *signals)
{
    (void)context, (void)m, (void)signals;
    if (params[0] == 5) abort();
}

static void peek(void *context, const bp_market *m, const double *params, bp_signals *signals)
{
    (void)context, (void)params, (void)signals;
    const int32_t last = bp_market_num_bars(m) - 1;
    double *row = last > 20 ? bp_weights_row(bp__market_weights(m), 20) : NULL;
    if (row) row[0] = (double)last / 1e4;
}

static const bp_param params[] = {
    {.name = "n", .help = "a number", .kind = BP_PARAM_INTEGER, .max = 1000},
    {.name = "Share", .help = "of the equity", .kind = BP_PARAM_REAL, .fallback = 1, .max = 1},
};
#define TINY .size = sizeof(bp_strategy), .help = "a test", .param = params, .num_params = 2
static const bp_strategy strategies[] = {{TINY, .name = "hold", .signals = hold},
                                         {TINY, .name = "Loud", .signals = fail_loudly},
                                         {TINY, .name = "crash", .signals = crash},
                                         {TINY, .name = "peek", .signals = peek}};
#define COUNT (sizeof strategies / sizeof *strategies)

/* Files ------------------------------------------------------------------------------------------ */

typedef struct file {
    char path[256];
    char pieces[2048];
    const bp_strategy *list[COUNT];
} file;

static size_t path_length(const char *name)
{
    const char *end = strstr(name, ".tiny");
    return end && (!end[5] || end[5] == ':') ? (size_t)(end + 5 - name) : 0;
}

static bool is_named(void *context, const char *name)
{
    (void)context;
    return path_length(name) > 0;
}

/* Each line is a piece: "function helper", with what is in it behind a colon. */
static bp_status read_pieces(file *f, char hash[65])
{
    char text[1024], *line, *rest = text;
    FILE *stream = fopen(f->path, "r");
    if (!stream) BP_FAIL(BP_ENOTFOUND, "%s: no such file", f->path);
    const size_t n = fread(text, 1, sizeof text - 1, stream);
    fclose(stream);
    text[n] = '\0';
    BP_TRY(bp__bytes_hash(text, n, hash));
    while ((line = strsep(&rest, "\n")) != NULL) {
        char piece[BP__HASH_TEXT];
        const size_t used = strlen(f->pieces);
        if (!*line) continue;
        BP_TRY(bp__bytes_hash(line, strlen(line), piece));
        snprintf(f->pieces + used, sizeof f->pieces - used, "%.*s %.64s\n", (int)strcspn(line, ":"), line,
                 piece);
    }
    return BP_OK;
}

static bp_status choose(const file *f, const char *name, bp__provided *p)
{
    const char *chosen = name + path_length(name);
    for (size_t i = 0; *chosen && i < COUNT; i++)
        if (strcmp(chosen + 1, strategies[i].name) == 0) p->named = &strategies[i];
    if (*chosen && !p->named)
        BP_FAIL(BP_ENOTFOUND, "%s: there is no strategy '%s' in it", f->path, chosen + 1);
    return BP_OK;
}

static bp_status open_file(void *context, const char *name, bp__provided *p)
{
    (void)context;
    file *f = calloc(1, sizeof *f);
    if (!f) BP_FAIL(BP_ENOMEM, "%s: no memory", name);
    snprintf(f->path, sizeof f->path, "%.*s", (int)path_length(name), name);
    bp_status s = read_pieces(f, p->hash);
    if (s == BP_OK) s = choose(f, name, p);
    if (bp__failed(s)) return free(f), s;
    for (size_t i = 0; i < COUNT; i++) f->list[i] = &strategies[i];
    p->strategy = f->list;
    p->count = COUNT;
    p->pieces = f->pieces;
    p->file = strrchr(f->path, '/') ? strrchr(f->path, '/') + 1 : f->path;
    p->own = f;
    if (strstr(f->pieces, "bad hash")) p->hash[3] = 'X'; /* a provider that is wrong */
    if (strstr(f->pieces, "bad count")) p->count = 0;
    tiny_open++;
    return BP_OK;
}

static void close_file(void *context, bp__provided *p)
{
    (void)context;
    free(p->own);
    tiny_open--;
}

const bp__provider tiny = {.is_named = is_named, .open = open_file, .close = close_file};
