#include "backtest/lane_signals.h"

#include <stdlib.h>
#include <string.h>

#include "backtest/lines.h"

bp_status bp__lane_signals_begin(bp__lane_signals *s, size_t num_assets, size_t num_sessions, size_t lanes,
                                 size_t most)
{
    /* an odd number of rows: all assets of a session would share few sets of the cache otherwise */
    const size_t rows = num_sessions | 1, words = (num_assets + BP__ASSETS_SIDE_BY_SIDE - 1) /
                                                  BP__ASSETS_SIDE_BY_SIDE * rows * BP__ASSETS_SIDE_BY_SIDE;
    size_t bytes = 1;
    while (8 * bytes < lanes && bytes < 8 && words * 2 * bytes <= most) bytes *= 2;
    s->num_assets = num_assets;
    s->num_sessions = num_sessions;
    s->rows = rows;
    s->bytes = bytes;
    if (words * bytes > s->room) {
        bp__lane_signals_fini(s);
        s->room = words * bytes;
        s->toggle = bp__lines(s->room, 1);
        s->decide = calloc(num_sessions + 1, sizeof *s->decide);
        if (s->toggle && s->decide) return BP_OK;
        bp__lane_signals_fini(s);
        return BP_ENOMEM;
    }
    if (words > 0) memset(s->toggle, 0, words * bytes);
    memset(s->decide, 0, num_sessions * sizeof *s->decide);
    return BP_OK;
}

void bp__lane_signals_fini(bp__lane_signals *s)
{
    free(s->toggle);
    free(s->decide);
    s->toggle = NULL;
    s->decide = NULL;
    s->room = 0;
}

void bp__lane_signals_forget(bp__lane_signals *s, size_t lane)
{
    const uint64_t forgotten = UINT64_MAX << lane;
    for (size_t t = 0; t < s->num_sessions; t++) {
        if (!(s->decide[t] & forgotten)) continue;
        for (size_t i = 0; i < s->num_assets; i++)
            bp__lane_signals_turn(s, t, i, bp__lane_signals_at(s, t, i) & forgotten);
        s->decide[t] &= ~forgotten;
    }
}
