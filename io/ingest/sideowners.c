/* Who has which symbol, as the files beside the bars say: two at one time cannot be told apart by any look-up. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/day.h"
#include "io/ingest/sidefile.h"

typedef struct owner {
    const char *symbol, *exchange; /* borrowed of the draft */
    int64_t sid, start, end;
    const char *file; /* that says so */
    uint64_t line;
} owner;

/* What is known of an asset: the first and the last day, as given, or of its bars. */
typedef struct life {
    int64_t sid, start, end;
    const char *exchange;
    uint64_t line; /* of assets.csv */
} life;

static int lives_in_order(const void *a, const void *b)
{
    const life *x = a, *y = b;
    return (x->sid > y->sid) - (x->sid < y->sid);
}

static life *life_of(life *lives, size_t n, int64_t sid)
{
    const life key = {.sid = sid};
    return n > 0 ? bsearch(&key, lives, n, sizeof *lives, lives_in_order) : NULL;
}

static void stretch(life *l, const bp__draft_series *series)
{
    if (series->dropped || series->bars == 0) return;
    const int64_t first = bp__day_of(series->first), last = bp__day_of(series->last);
    if (l->start == BP_TIME_MISSING || first < l->start) l->start = first;
    if (l->end == BP_TIME_MISSING || last > l->end) l->end = last;
}

/* @param[out] lives  [assets of the draft] by sid */
static void find_lives(const bp__draft *draft, const bp__side *side, life *lives)
{
    const size_t n = draft->assets.n;
    for (size_t i = 0; i < n; i++)
        lives[i] = (life){draft->assets.row[i].sid, BP_TIME_MISSING, BP_TIME_MISSING,
                          draft->assets.row[i].exchange, 0};
    if (n > 1) qsort(lives, n, sizeof *lives, lives_in_order);
    for (int f = 0; f < BP__NUM_FRAMES; f++)
        for (size_t i = 0; i < draft->series[f].n; i++) {
            life *l = life_of(lives, n, draft->series[f].row[i].sid);
            if (l) stretch(l, &draft->series[f].row[i]);
        }
    for (size_t i = 0; i < side->assets.n; i++) {
        const bp__side_asset *a = &side->assets.row[i];
        life *l = life_of(lives, n, a->asset.sid);
        if (!l) continue;
        l->line = a->line;
        if (a->asset.start_date != BP_TIME_MISSING) l->start = a->asset.start_date;
        if (a->asset.end_date != BP_TIME_MISSING) l->end = a->asset.end_date;
    }
}

/* A bound that neither a mapping nor a life states is none. */
static void find_owners(const bp__draft *draft, const bp__side *side, life *lives, owner *owners)
{
    for (size_t i = 0; i < draft->mappings.n; i++) {
        const bp__draft_mapping *m = &draft->mappings.row[i];
        const life *l = life_of(lives, draft->assets.n, m->sid);
        const size_t row = i - side->own_mappings;
        const bool listed = i >= side->own_mappings && row < side->lines.n;
        const int64_t start = m->start_date != BP_TIME_MISSING || !l ? m->start_date : l->start,
                      end = m->end_date != BP_TIME_MISSING || !l ? m->end_date : l->end;
        owners[i] = (owner){.symbol = m->symbol,
                            .exchange = l && l->exchange ? l->exchange : "",
                            .sid = m->sid,
                            .start = start,
                            .end = end == BP_TIME_MISSING ? INT64_MAX : end,
                            .file = listed ? "symbols.csv" : "assets.csv",
                            .line = listed ? side->lines.row[row]
                                    : l    ? l->line
                                           : 0};
    }
}

static int owners_in_order(const void *a, const void *b)
{
    const owner *x = a, *y = b;
    const int c = strcmp(x->symbol, y->symbol);
    if (c) return c;
    if (x->start != y->start) return x->start < y->start ? -1 : 1;
    if (x->line != y->line) return x->line < y->line ? -1 : 1;
    return (x->sid > y->sid) - (x->sid < y->sid);
}

static void tell(const bp__csv_work *work, const char *dir, const owner *first, const owner *second)
{
    char path[4096], day[32], where[64] = "";
    const owner *at = second->line >= first->line ? second : first, *other = at == first ? second : first;
    const bool apart = strcmp(first->exchange, second->exchange) != 0;
    if (other->line > 0) snprintf(where, sizeof where, " (%s:%" PRIu64 ")", other->file, other->line);
    snprintf(path, sizeof path, "%s/%s", dir, at->file);
    bp__report_add(work->in->report, apart ? BP__WARNING : BP__ERROR, path, at->line,
                   "symbol %.60s is that of sid %" PRId64 " and, from %s on, of sid %" PRId64 "%s",
                   at->symbol, at->sid,
                   second->start == BP_TIME_MISSING ? "the first day" : bp__day_text(second->start, day),
                   other->sid, where);
}

static void check(const bp__csv_work *work, const char *dir, const owner *owners, size_t n)
{
    const owner *latest = NULL, *other = NULL; /* of the latest end, and that of another sid */
    for (const owner *o = owners; o < owners + n; o++) {
        if (!latest || strcmp(latest->symbol, o->symbol) != 0) {
            latest = o;
            other = NULL;
            continue;
        }
        const owner *rival = latest->sid != o->sid ? latest : other;
        if (rival && o->start <= rival->end) tell(work, dir, rival, o);
        if (o->end > latest->end) {
            if (latest->sid != o->sid) other = latest;
            latest = o;
        } else if (o->sid != latest->sid && (!other || o->end > other->end)) {
            other = o;
        }
    }
}

bp_status bp__side_check_symbols(bp__csv_work *work, const char *dir, const bp__side *side)
{
    const bp__draft *draft = work->in->draft;
    if (!side->has_assets && side->lines.n == 0) return BP_OK; /* a file for each symbol */
    life *lives = calloc(draft->assets.n + 1, sizeof *lives);
    owner *owners = calloc(draft->mappings.n + 1, sizeof *owners);
    bp_status s = BP_OK;
    if (!lives || !owners) {
        s = bp__fail(BP_ENOMEM, "%s: no memory to compare symbols", dir);
    } else {
        find_lives(draft, side, lives);
        find_owners(draft, side, lives, owners);
        if (draft->mappings.n > 1) qsort(owners, draft->mappings.n, sizeof *owners, owners_in_order);
        check(work, dir, owners, draft->mappings.n);
    }
    free(lives);
    free(owners);
    return s;
}
