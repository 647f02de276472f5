/* DESIGN
 *
 * One lock guards both shelves; nothing is computed, and nothing large is freed, while it is held. Who finds no entry
 * announces one that is pending, computes it without the lock, and then tells everybody. Who finds a pending one waits for
 * that. If it could not be made, those that waited try by themselves, and each gets its own reason.
 *
 * What is worth keeping of windows. A window as of session t is good for t alone, since any later split changes it. Several
 * combinations ask for the same ones only if they are at the same session at the same time, or if a whole run's windows
 * fit into the bound. But where nothing is adjusted (as traded, or where the scope has no adjustments) all windows
 * are pieces of one panel. That one is kept, whatever t and k are, and windows are slices of it. */
#include "backtest/panel_cache.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "backtest/panel_shelf.h"
#include "core/status.h"

#define ALIGN 64

struct bp__panels {
    const bp__scope *scope;
    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t told;  /* a pending entry is ready, or has failed */
    bp__shelf shelf[BP__NUM_SHELVES];
    bp__windows windows; /* read without the lock once they are made */
};

/* What is asked for: exactly one of the three. */
typedef struct request {
    enum { COLUMN, HELPER, WINDOWS } kind;
    bp_bar_column column;
    bp__helper helper;
    const bp__panel *x;
    int32_t t;
    int64_t k;
    unsigned how;
} request;

/* Recipes --------------------------------------------------------------------------------------- */

static uint64_t step(uint64_t kind, uint64_t what, uint64_t number)
{
    return kind << 60 | what << 48 | number;
}

static bp__recipe recipe_of_column(bp_bar_column column)
{
    return (bp__recipe){.steps = 1, .step = {step(COLUMN, (uint64_t)column, 0)}};
}

/* One that has become too long is not known any more. */
static bp__recipe recipe_of_helper(bp__recipe r, bp__helper helper, int64_t k)
{
    if (r.steps == 0 || r.steps == BP__RECIPE_STEPS) return (bp__recipe){0};
    r.step[r.steps++] = step(HELPER, (uint64_t)helper, (uint64_t)k);
    return r;
}

static bp__recipe recipe_of_windows(const request *q)
{
    const uint64_t what = (uint64_t)q->column << 4 | q->how;
    return (bp__recipe){.steps = 2, .step = {step(WINDOWS, what, (uint64_t)q->t), (uint64_t)q->k}};
}

/* Making ---------------------------------------------------------------------------------------- */

/* What an entry with numbers of its own counts for, padded as aligned_alloc() wants it. */
static size_t bytes_for(size_t rows, size_t columns)
{
    return sizeof(bp__kept) + (rows * columns * sizeof(double) / ALIGN + 1) * ALIGN;
}

static bp_status allocate(bp__kept *kept, size_t rows, size_t columns)
{
    if (rows > 0 && columns > SIZE_MAX / 2 / sizeof(double) / rows)
        BP_FAIL(BP_ENOMEM, "a panel of %zu assets and %zu sessions is too large", rows, columns);
    kept->bytes = bytes_for(rows, columns);
    kept->own = aligned_alloc(ALIGN, kept->bytes - sizeof *kept);
    if (!kept->own) BP_FAIL(BP_ENOMEM, "no memory for a panel of %zu assets and %zu sessions", rows, columns);
    kept->panel = (bp__panel){.value = kept->own, .rows = rows, .columns = columns, .stride = columns};
    return BP_OK;
}

static bp_status make(const bp__panels *p, const request *q, bp__kept *kept)
{
    const bp__scope *s = p->scope;
    kept->bytes = sizeof *kept;
    if (q->kind == COLUMN && bp__panel_borrow(s, q->column, &kept->panel)) return BP_OK;
    const size_t columns = q->kind == WINDOWS ? (size_t)q->k : bp__panel_columns(s);
    BP_TRY(allocate(kept, s->num_assets, columns));
    switch (q->kind) {
    case COLUMN: return bp__panel_column(s, q->column, kept->own);
    case HELPER: return bp__panel_apply(s, q->helper, q->k, q->x, kept->own);
    case WINDOWS: break;
    }
    return bp__panel_windows(s, &p->windows, q->t, q->k, q->column, q->how, kept->own);
}

static bp_status create(bp__kept **kept)
{
    *kept = bp__kept_create();
    if (!*kept) BP_FAIL(BP_ENOMEM, "no memory for a panel");
    return BP_OK;
}

/* Of what nobody knows how it was made. */
static bp_status make_unknown(const bp__panels *p, const request *q, bp__kept **kept)
{
    BP_TRY(create(kept));
    const bp_status status = make(p, q, *kept);
    if (bp__failed(status)) bp__kept_release(kept);
    return status;
}

/* Finding --------------------------------------------------------------------------------------- */

/* With the lock: the entry, ready and held by the caller; NULL: there is none. */
static bp__kept *find_ready(bp__panels *p, bp__shelf *shelf, const bp__recipe *recipe)
{
    bp__kept *kept;
    while ((kept = bp__shelf_find(shelf, recipe))) {
        bp__kept_hold(kept);
        while (kept->state == BP__KEPT_PENDING) pthread_cond_wait(&p->told, &p->lock);
        if (kept->state == BP__KEPT_READY) {
            bp__shelf_use(shelf, kept);
            shelf->stats.hits++;
            return kept;
        }
        bp__kept_release(&kept);
    }
    return NULL;
}

static bp_status make_known(bp__panels *p, bp__shelf *shelf, const request *q, bp__kept *kept)
{
    const bp_status status = make(p, q, kept);
    pthread_mutex_lock(&p->lock);
    kept->state = bp__failed(status) ? BP__KEPT_FAILED : BP__KEPT_READY;
    bp__kept *gone = bp__failed(status) ? bp__shelf_forget(shelf, kept) : bp__shelf_keep(shelf, kept);
    pthread_cond_broadcast(&p->told);
    pthread_mutex_unlock(&p->lock);
    bp__kept_release_all(gone);
    return status;
}

static bp_status get(bp__panels *p, bp__shelf_name name, const bp__recipe *recipe, const request *q,
                     bp__kept **kept)
{
    bp__shelf *shelf = &p->shelf[name];
    bp__kept *made = NULL;
    pthread_mutex_lock(&p->lock);
    *kept = find_ready(p, shelf, recipe);
    if (!*kept && (made = bp__kept_create())) {
        made->recipe = *recipe;
        shelf->stats.misses++;
        bp__shelf_announce(shelf, made);
    }
    pthread_mutex_unlock(&p->lock);
    if (*kept) return BP_OK;
    if (!made) BP_FAIL(BP_ENOMEM, "no memory for a panel");
    const bp_status status = make_known(p, shelf, q, made);
    if (bp__failed(status)) bp__kept_release(&made);
    *kept = made;
    return status;
}

/* Windows --------------------------------------------------------------------------------------- */

static bp_status find_adjustments(bp__panels *p)
{
    bp_status status = BP_OK;
    pthread_mutex_lock(&p->lock);
    if (!p->windows.made) {
        status = bp__windows_make(p->scope, &p->windows);
        if (status == BP_ENOMEM) /* raised there without a text */
            bp__fail(BP_ENOMEM, "window: no memory for the adjustments of %zu assets", p->scope->num_assets);
        if (bp__failed(status)) bp__windows_fini(&p->windows);
    }
    pthread_mutex_unlock(&p->lock);
    return status;
}

static bool is_adjusted(const bp__panels *p, const request *q)
{
    if (q->how & BP_AS_TRADED) return false;
    size_t events = p->windows.by[BP__BY_SPLITS].count;
    if (q->column != BP_BAR_VOLUME)
        events += p->windows.by[BP__BY_MERGERS].count + p->windows.by[BP__BY_DIVIDENDS].count;
    return events > 0;
}

/* The window of the last session that reaches back to the bundle's first one: every other one is a piece of it. */
static request whole_range(const bp__panels *p, const request *q)
{
    request whole = *q;
    whole.t = (int32_t)p->scope->num_sessions - 1;
    whole.k = (int64_t)bp__panel_columns(p->scope);
    whole.how |= BP_AS_TRADED;
    return whole;
}

static bool is_piece(const bp__panels *p, const request *q)
{
    const size_t columns = bp__panel_columns(p->scope);
    const size_t bytes = bytes_for(p->scope->num_assets, columns);
    return !is_adjusted(p, q) && columns <= BP__PANEL_MAX_K && q->k <= (int64_t)q->t + 1 + p->scope->first &&
           bytes <= p->shelf[BP__SHELF_WINDOWS].stats.bound;
}

static bp_status slice(bp__kept *whole, size_t begin, size_t k, bp__kept **kept)
{
    BP_TRY(create(kept));
    (*kept)->part_of = bp__kept_hold(whole);
    (*kept)->panel = whole->panel;
    (*kept)->panel.value += begin;
    (*kept)->panel.columns = k;
    return BP_OK;
}

static bp_status get_piece(bp__panels *p, const request *q, bp__kept **kept)
{
    const request range = whole_range(p, q);
    const bp__recipe recipe = recipe_of_windows(&range);
    bp__kept *whole;
    BP_TRY(get(p, BP__SHELF_WINDOWS, &recipe, &range, &whole));
    const bp_status status =
        slice(whole, (size_t)(q->t + 1 + p->scope->first) - (size_t)q->k, (size_t)q->k, kept);
    bp__kept_release(&whole);
    return status;
}

/* Public ---------------------------------------------------------------------------------------- */

bp_status bp__panels_column(bp__panels *p, bp_bar_column column, bp__kept **kept)
{
    const request q = {.kind = COLUMN, .column = column};
    *kept = NULL;
    if ((unsigned)column > BP_BAR_VOLUME) return bp__panel_column(p->scope, column, NULL);
    const bp__recipe recipe = recipe_of_column(column);
    return get(p, BP__SHELF_PANELS, &recipe, &q, kept);
}

bp_status bp__panels_apply(bp__panels *p, bp__helper helper, int64_t k, const bp__kept *x, bp__kept **kept)
{
    const request q = {.kind = HELPER, .helper = helper, .k = k, .x = x ? &x->panel : NULL};
    *kept = NULL;
    BP_TRY(bp__helper_check(helper, k));
    const bp__recipe recipe = recipe_of_helper(x ? x->recipe : recipe_of_column(BP_BAR_CLOSE), helper, k);
    if (recipe.steps == 0) return make_unknown(p, &q, kept);
    return get(p, BP__SHELF_PANELS, &recipe, &q, kept);
}

bp_status bp__panels_apply_to(bp__panels *p, bp__helper helper, int64_t k, const bp__panel *x,
                              bp__kept **kept)
{
    const request q = {.kind = HELPER, .helper = helper, .k = k, .x = x};
    *kept = NULL;
    BP_TRY(bp__helper_check(helper, k));
    return make_unknown(p, &q, kept);
}

bp_status bp__panels_windows(bp__panels *p, int32_t t, int64_t k, bp_bar_column column, unsigned how,
                             bp__kept **kept)
{
    const request q = {.kind = WINDOWS, .t = t, .k = k, .column = column, .how = how};
    *kept = NULL;
    BP_TRY(bp__panel_windows_check(p->scope, t, k, column, how));
    BP_TRY(find_adjustments(p));
    if (is_piece(p, &q)) return get_piece(p, &q, kept);
    const bp__recipe recipe = recipe_of_windows(&q);
    return get(p, BP__SHELF_WINDOWS, &recipe, &q, kept);
}

void bp__panels_stats(bp__panels *p, bp__shelf_name shelf, bp__shelf_stats *stats)
{
    pthread_mutex_lock(&p->lock);
    *stats = p->shelf[shelf].stats;
    pthread_mutex_unlock(&p->lock);
}

bool bp__panels_selfcheck(bp__panels *p)
{
    bool sound = true;
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < BP__NUM_SHELVES; i++) sound &= bp__shelf_selfcheck(&p->shelf[i]);
    pthread_mutex_unlock(&p->lock);
    return sound;
}

bp_status bp__panels_create(const bp__scope *scope, size_t panel_bytes, size_t window_bytes,
                            bp__panels **panels)
{
    *panels = NULL;
    bp__panels *p = calloc(1, sizeof *p);
    if (!p) BP_FAIL(BP_ENOMEM, "no memory for a cache of panels");
    p->scope = scope;
    int failed = pthread_mutex_init(&p->lock, NULL);
    if (!failed) {
        failed = pthread_cond_init(&p->told, NULL);
        if (failed) pthread_mutex_destroy(&p->lock);
    }
    if (failed) {
        free(p);
        BP_FAIL_ERRNO(BP_ESYS, failed, "a cache of panels has no lock");
    }
    const bool has_memory = bp__shelf_init(&p->shelf[BP__SHELF_PANELS], panel_bytes) == BP_OK &&
                            bp__shelf_init(&p->shelf[BP__SHELF_WINDOWS], window_bytes) == BP_OK;
    *panels = p;
    if (has_memory) return BP_OK;
    bp__panels_destroy(panels);
    BP_FAIL(BP_ENOMEM, "no memory for a cache of panels");
}

void bp__panels_destroy(bp__panels **panels)
{
    bp__panels *p = *panels;
    *panels = NULL;
    if (!p) return;
    for (size_t i = 0; i < BP__NUM_SHELVES; i++) bp__shelf_fini(&p->shelf[i]);
    bp__windows_fini(&p->windows);
    pthread_cond_destroy(&p->told);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
