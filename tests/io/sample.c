#include "sample.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/suite.h"

#define FIRST_DAY 14613 /* 2010-01-04 */
#define MINUTE_NS INT64_C(60000000000)

static void must(bp_status s)
{
    if (s == BP_OK) return;
    fprintf(stderr, "a sample cannot be made: %s\n", bp_error_text());
    exit(1);
}

static void *allocate(size_t n, size_t size)
{
    void *p = calloc(n + 1, size);
    if (!p) must(bp__fail(BP_ENOMEM, "no memory"));
    return p;
}

uint32_t sample_stored(double value, double factor)
{
    if (isnan(value) || value == 0) return 0;
    const double x = rint(value * factor);
    return x < 1 ? 1 : (uint32_t)x;
}

/* Three decimals where a factor of 1000 has to do, seven digits where each asset has its own. */
static void draw_bar(uint64_t *state, double base, bool wide, bp__bar *bar)
{
    for (int f = 0; f < BP__VOLUME; f++) {
        const double x = base * (double)(5000000 + draw(state, 15000000)) / 1e7;
        bar->value[f] = draw(state, 8) == 0 ? NAN : wide ? x : rint(x * 1000) / 1000;
    }
    bar->value[BP__VOLUME] = draw(state, 6) == 0 ? 0 : (double)draw(state, wide ? 20000000000 : 4000000);
    if (bp__bar_is_blank(bar)) bar->value[BP__CLOSE] = base;
}

static void draw_series(const sample_options *o, uint64_t *state, int frame, sample_series *series)
{
    static const double bases[] = {1e-4, 0.02, 7, 300, 12000, 500000};
    const double base = o->wide ? bases[draw(state, 6)] : 1 + (double)draw(state, 400);
    const size_t slots = frame == BP__DAILY ? o->days : o->minutes, from = draw(state, slots / 2 + 1);
    series->bar = allocate(slots, sizeof *series->bar);
    if (draw(state, 7) == 0) return; /* an asset without any */
    for (size_t t = from; t < slots; t++) {
        if (draw(state, 5) == 0) continue;
        bp__bar *bar = &series->bar[series->n++];
        const int64_t start = frame == BP__DAILY ? FIRST_DAY - (o->days > 100000 ? 60000 : 0) : FIRST_DAY;
        bar->dt = frame == BP__DAILY ? (start + (int64_t)t) * BP_NS_PER_DAY
                                     : start * BP_NS_PER_DAY + (int64_t)t * MINUTE_NS;
        draw_bar(state, base, o->wide, bar);
    }
}

static void add_series(const sample_options *o, int frame, const sample_series *series, bp__draft *draft)
{
    const size_t run = o->backwards ? 7 : 1000;
    for (size_t i = 0; i < series->n; i += run)
        must(bp__draft_add_bars(draft, frame, series->sid, series->bar + i,
                                series->n - i < run ? series->n - i : run, NULL));
}

static void add_asset(bp__draft *draft, int64_t sid)
{
    static const char *const names[] = {"", "Zürich", "東京", "\"quoted\", and more"};
    char symbol[32];
    snprintf(symbol, sizeof symbol, "S%lld", (long long)sid);
    bp__draft_asset a = {.sid = sid,
                         .symbol = symbol,
                         .name = (char *)(uintptr_t)names[sid % 4],
                         .exchange = "X",
                         .start_date = BP_TIME_MISSING,
                         .end_date = BP_TIME_MISSING,
                         .first_traded = BP_TIME_MISSING,
                         .auto_close_date = BP_TIME_MISSING};
    strcpy(a.currency, sid % 3 == 0 ? "EUR" : sid % 3 == 1 ? "XXX" : "JPY");
    must(bp__draft_add_asset(draft, &a));
    must(bp__draft_add_mapping(draft, &(bp__draft_mapping){sid, symbol, BP_TIME_MISSING, BP_TIME_MISSING}));
}

static void add_events(bp__draft *draft, int64_t sid)
{
    const int64_t day = (FIRST_DAY + sid % 5) * BP_NS_PER_DAY;
    must(bp__draft_add_ratio(draft, BP__SPLITS, &(bp__draft_ratio){sid, day, 0.5}));
    must(bp__draft_add_ratio(draft, BP__MERGERS, &(bp__draft_ratio){sid, day, 0.25}));
    must(bp__draft_add_dividend(
        draft, &(bp__draft_payout){sid, day, BP_TIME_MISSING, day, day + BP_NS_PER_DAY, 1e-5}));
    must(bp__draft_add_stock(draft, &(bp__draft_stock){sid, day, day, BP_TIME_MISSING, day, sid, 0.125}));
}

void sample_make(const sample_options *o, const char *name, sample *s)
{
    uint64_t state = o->seed;
    *s = (sample){.n = o->assets};
    must(bp__draft_init(&s->draft, name, NULL));
    strcpy(s->draft.calendar_name, o->wide ? "" : "XNYS");
    for (int f = 0; f < BP__NUM_FRAMES; f++) s->series[f] = allocate(o->assets, sizeof *s->series[f]);
    int64_t sid = 0;
    for (size_t i = 0; i < o->assets; i++) {
        sid += 1 + (int64_t)draw(&state, 3);
        for (int f = 0; f < BP__NUM_FRAMES; f++) {
            s->series[f][i].sid = sid;
            draw_series(o, &state, f, &s->series[f][i]);
        }
    }
    for (size_t k = 0; k < o->assets; k++) {
        const size_t i = o->backwards ? o->assets - 1 - k : k;
        for (int f = 0; f < BP__NUM_FRAMES; f++) add_series(o, f, &s->series[f][i], &s->draft);
        add_asset(&s->draft, s->series[0][i].sid);
        add_events(&s->draft, s->series[0][i].sid);
    }
    const int64_t open = o->wide ? BP_TIME_MISSING : FIRST_DAY * BP_NS_PER_DAY + 52200000000000;
    must(bp__draft_add_session(&s->draft,
                               &(bp__draft_session){FIRST_DAY * BP_NS_PER_DAY, open, BP_TIME_MISSING}));
    must(bp__draft_finish(&s->draft));
}

void sample_free(sample *s)
{
    for (int f = 0; f < BP__NUM_FRAMES; f++) {
        for (size_t i = 0; i < s->n; i++) free(s->series[f][i].bar);
        free(s->series[f]);
    }
    bp__draft_fini(&s->draft);
}
