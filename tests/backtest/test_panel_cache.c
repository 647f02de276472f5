/* What a cache of panels keeps, finds again and lets go; windows; threads; memory that runs out. */
#include "backtest/panel_cache.h"

#include <pthread.h>
#include <stdatomic.h>

#include "tests/reader/market.h"

/* Panels are what the code under test allocates by this; see CMakeLists.txt. */
static atomic_int fail_every;
static atomic_uint allocations;
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    const int every = atomic_load(&fail_every);
    if (every && atomic_fetch_add(&allocations, 1) % (unsigned)every == 0) return NULL;
    return __real_aligned_alloc(alignment, size);
}

typedef struct fixture {
    const bp_bundle *bundle;
    bp__scope *scope;
    bp__panels *panels;
    size_t cells, bytes; /* of a panel, and what one counts for, at most */
} fixture;

static void setup(fixture *f, size_t assets, size_t sessions, size_t panels, size_t window_bytes)
{
    const market_plan plan = {.assets = assets, .sessions = sessions};
    f->bundle = make_market(&plan, 91);
    const int64_t *day = bp_bundle_sessions(f->bundle);
    MUST(bp__scope_create(f->bundle, NULL, day[sessions / 4], day[sessions - 2], 1, &f->scope));
    f->cells = f->scope->num_assets * bp__panel_columns(f->scope);
    f->bytes = f->cells * sizeof(double) + 1024;
    MUST(bp__panels_create(f->scope, panels * f->bytes, window_bytes, &f->panels));
}

static void teardown(fixture *f)
{
    CU_ASSERT(!f->panels || bp__panels_selfcheck(f->panels));
    bp__panels_destroy(&f->panels);
    bp__scope_destroy(&f->scope);
    bp_bundle_release(&f->bundle);
}

static bp__shelf_stats stats_of(const fixture *f, bp__shelf_name shelf)
{
    bp__shelf_stats stats;
    bp__panels_stats(f->panels, shelf, &stats);
    CU_ASSERT(stats.bytes <= stats.bound);
    return stats;
}

static bool is_equal(const bp__panel *p, const double *value, size_t columns)
{
    for (size_t a = 0; a < p->rows; a++)
        for (size_t i = 0; i < columns; i++)
            if (!same_double(p->value[a * p->stride + i], value[a * columns + i])) return false;
    return p->columns == columns;
}

/* @return whether it has been found */
static bool ask(const fixture *f, bp__helper helper, int64_t k)
{
    const uint64_t hits = stats_of(f, BP__SHELF_PANELS).hits;
    bp__kept *kept;
    MUST(bp__panels_apply(f->panels, helper, k, NULL, &kept));
    bp__kept_release(&kept);
    return stats_of(f, BP__SHELF_PANELS).hits > hits;
}

/* Panels ---------------------------------------------------------------------------------------- */

static void test_found_again(void)
{
    fixture f;
    bp__kept *close, *a, *b, *c;
    setup(&f, 20, 60, 10, 0);
    MUST(bp__panels_column(f.panels, BP_BAR_CLOSE, &close));
    MUST(bp__panels_apply(f.panels, BP__SMA, 5, NULL, &a));
    MUST(bp__panels_apply(f.panels, BP__SMA, 5, close, &b));
    CU_ASSERT_PTR_EQUAL(a, b); /* no array is the closes */
    MUST(bp__panels_apply(f.panels, BP__SMA, 6, NULL, &c));
    CU_ASSERT_PTR_NOT_EQUAL(a, c);
    bp__kept_release(&c);
    MUST(bp__panels_apply(f.panels, BP__EMA, 5, NULL, &c));
    CU_ASSERT_PTR_NOT_EQUAL(a, c);
    bp__kept_release(&c);
    MUST(bp__panels_column(f.panels, BP_BAR_OPEN, &c));
    CU_ASSERT_PTR_NOT_EQUAL(c, close);
    bp__kept_release(&b);
    MUST(bp__panels_apply(f.panels, BP__SMA, 5, c, &b));
    CU_ASSERT_PTR_NOT_EQUAL(a, b);
    const bp__shelf_stats s = stats_of(&f, BP__SHELF_PANELS);
    CU_ASSERT(s.hits == 1 && s.misses == 6 && s.entries == 6 && s.evictions == 0);
    CU_ASSERT(s.bytes > 4 * f.cells * sizeof(double));
    bp__kept_release(&a);
    bp__kept_release(&b);
    bp__kept_release(&c);
    bp__kept_release(&close);
    CU_ASSERT_PTR_NULL(close);
    teardown(&f);
}

/* By how it was made, not by where its input is. */
static void test_recipes(void)
{
    fixture f;
    bp__kept *x, *again, *unknown;
    setup(&f, 10, 60, 3, 0);
    for (int round = 0; round < 2; round++) {
        MUST(bp__panels_apply(f.panels, BP__SMA, 5, NULL, &x));
        MUST(bp__panels_apply(f.panels, BP__RANK, 0, x, &again));
        bp__kept_release(&x);
        bp__kept_release(&again);
    }
    CU_ASSERT_EQUAL(stats_of(&f, BP__SHELF_PANELS).hits, 2);

    /* an array of one's own is nobody else's, and what is made of it neither */
    double *own = calloc(2 * f.cells, sizeof *own);
    const bp__panel given = {own, f.scope->num_assets, bp__panel_columns(f.scope),
                             bp__panel_columns(f.scope)};
    for (size_t i = 0; i < f.cells; i++) own[i] = (double)(i * 7 % 11);
    for (int round = 0; round < 2; round++) {
        MUST(bp__panels_apply_to(f.panels, BP__SMA, 3, &given, &unknown));
        MUST(bp__panel_apply(f.scope, BP__SMA, 3, &given, own + f.cells));
        CU_ASSERT(is_equal(bp__kept_panel(unknown), own + f.cells, given.columns));
        MUST(bp__panels_apply(f.panels, BP__RANK, 0, unknown, &again));
        MUST(bp__panel_apply(f.scope, BP__RANK, 0, bp__kept_panel(unknown), own + f.cells));
        CU_ASSERT(is_equal(bp__kept_panel(again), own + f.cells, given.columns));
        bp__kept_release(&unknown);
        bp__kept_release(&again);
    }
    const bp__shelf_stats s = stats_of(&f, BP__SHELF_PANELS);
    CU_ASSERT(s.hits == 2 && s.misses == 2);
    free(own);
    teardown(&f);
}

static void test_long_recipes(void)
{
    fixture f;
    setup(&f, 6, 60, 40, 0);
    double *value = calloc(2 * f.cells, sizeof *value), *next = value + f.cells;
    const size_t columns = bp__panel_columns(f.scope);
    for (int round = 0; round < 2; round++) {
        bp__kept *x = NULL;
        MUST(bp__panel_column(f.scope, BP_BAR_CLOSE, value));
        for (int depth = 0; depth < 12; depth++) {
            const bp__panel before = {value, f.scope->num_assets, columns, columns};
            bp__kept *y;
            MUST(bp__panels_apply(f.panels, BP__SMA, 2, x, &y));
            MUST(bp__panel_apply(f.scope, BP__SMA, 2, &before, next));
            memcpy(value, next, f.cells * sizeof *value);
            CU_ASSERT(is_equal(bp__kept_panel(y), value, columns));
            bp__kept_release(&x);
            x = y;
        }
        bp__kept_release(&x);
    }
    free(value);
    teardown(&f);
}

static void test_evicted_and_held(void)
{
    fixture f;
    setup(&f, 10, 60, 2, 0);
    double *value = calloc(f.cells, sizeof *value);
    bp__kept *held, *twice;
    MUST(bp__panel_apply(f.scope, BP__SMA, 2, NULL, value));
    MUST(bp__panels_apply(f.panels, BP__SMA, 2, NULL, &held));
    twice = bp__kept_hold(held);
    for (int64_t k = 3; k < 40; k++) ask(&f, BP__SMA, k);
    CU_ASSERT(stats_of(&f, BP__SHELF_PANELS).entries == 2);
    CU_ASSERT_EQUAL(stats_of(&f, BP__SHELF_PANELS).evictions, 36);
    CU_ASSERT_FALSE(ask(&f, BP__SMA, 2));
    bp__kept_release(&twice);
    CU_ASSERT(is_equal(bp__kept_panel(held), value, bp__panel_columns(f.scope)));
    bp__panels_destroy(&f.panels);
    CU_ASSERT(is_equal(bp__kept_panel(held), value, bp__panel_columns(f.scope)));
    bp__kept_release(&held);
    bp__kept_release(&held);
    free(value);
    teardown(&f);
}

static void test_nothing_is_kept(void)
{
    fixture f;
    setup(&f, 10, 60, 0, 0);
    double *value = calloc(f.cells, sizeof *value);
    bp__kept *a, *b;
    MUST(bp__panel_apply(f.scope, BP__STD, 4, NULL, value));
    MUST(bp__panels_apply(f.panels, BP__STD, 4, NULL, &a));
    MUST(bp__panels_apply(f.panels, BP__STD, 4, NULL, &b));
    CU_ASSERT_PTR_NOT_EQUAL(a, b);
    CU_ASSERT(is_equal(bp__kept_panel(a), value, bp__panel_columns(f.scope)));
    CU_ASSERT(is_equal(bp__kept_panel(b), value, bp__panel_columns(f.scope)));
    bp__kept_release(&a);
    bp__kept_release(&b);
    MUST(bp__panels_column(f.panels, BP_BAR_CLOSE, &a));
    bp__kept_release(&a);
    const bp__shelf_stats s = stats_of(&f, BP__SHELF_PANELS);
    CU_ASSERT(s.hits == 0 && s.misses == 3 && s.entries == 0 && s.bytes == 0 && s.evictions == 0);
    free(value);
    teardown(&f);
}

/* @return hits of a grid: each fast mean meets every slow one */
static unsigned run_grid(const fixture *f, int64_t fast, int64_t fasts, int64_t slow, int64_t slows)
{
    unsigned hits = 0;
    for (int64_t i = 0; i < fasts; i++)
        for (int64_t k = 0; k < slows; k++) {
            ask(f, BP__SMA, fast + i);
            hits += ask(f, BP__SMA, slow + k);
        }
    return hits;
}

/* With room for half of a round: what the order of use alone would keep is never what is needed next. */
static void test_rounds(void)
{
    fixture f;
    setup(&f, 4, 60, 10, 0);
    CU_ASSERT(run_grid(&f, 1, 8, 100, 19) >= 7 * 5);
    /* another grid, with room for all of it, finds everything in the end */
    run_grid(&f, 200, 12, 300, 6);
    CU_ASSERT_EQUAL(run_grid(&f, 400, 1, 300, 6), 6);
    CU_ASSERT(bp__panels_selfcheck(f.panels));
    teardown(&f);
}

static void test_many_entries(void)
{
    fixture f;
    setup(&f, 2, 40, 3000, 0);
    for (int64_t k = 1; k <= 2000; k++) CU_ASSERT_FALSE(ask(&f, BP__SMA, k));
    for (int64_t k = 1; k <= 2000; k++) CU_ASSERT(ask(&f, BP__SMA, k));
    CU_ASSERT_EQUAL(stats_of(&f, BP__SHELF_PANELS).entries, 2000);
    teardown(&f);
}

static void test_failures(void)
{
    fixture f;
    setup(&f, 4, 60, 4, 1 << 20);
    bp__kept *x = NULL;
    const double value[2] = {0};
    FAILS(bp__panels_apply(f.panels, BP__SMA, 0, NULL, &x), BP_EINVAL, "sma: k is 0");
    FAILS(bp__panels_apply_to(f.panels, BP__RANK, 0, &(bp__panel){value, 1, 2, 2}, &x), BP_EINVAL,
          "rank: x is");
    CU_ASSERT_PTR_NULL(x);
    FAILS(bp__panels_column(f.panels, (bp_bar_column)9, &x), BP_EINVAL, "column 9");
    FAILS(bp__panels_windows(f.panels, 0, 0, BP_BAR_CLOSE, 0, &x), BP_EINVAL, "k is 0");
    CU_ASSERT_EQUAL(stats_of(&f, BP__SHELF_PANELS).misses, 0);
    atomic_store(&fail_every, 1);
    FAILS(bp__panels_apply(f.panels, BP__SMA, 3, NULL, &x), BP_ENOMEM, "no memory");
    CU_ASSERT_PTR_NULL(x);
    FAILS(bp__panels_windows(f.panels, 3, 3, BP_BAR_CLOSE, 0, &x), BP_ENOMEM, "no memory");
    atomic_store(&fail_every, 0);
    CU_ASSERT_FALSE(ask(&f, BP__SMA, 3)); /* what could not be made is not there, and can be made now */
    CU_ASSERT(ask(&f, BP__SMA, 3));
    teardown(&f);
}

/* Windows --------------------------------------------------------------------------------------- */

static unsigned check_window(const fixture *f, const bp__windows *w, uint64_t *seed)
{
    const int32_t t = (int32_t)draw(seed, f->scope->num_sessions), k = 1 + (int32_t)draw(seed, 70);
    const bp_bar_column column = (bp_bar_column)draw(seed, 5);
    const unsigned how = (unsigned)draw(seed, 4);
    double value[70];
    unsigned wrong = 0;
    for (int round = 0; round < 2; round++) {
        bp__kept *kept;
        MUST(bp__panels_windows(f->panels, t, k, column, how, &kept));
        const bp__panel *p = bp__kept_panel(kept);
        wrong += p->rows != f->scope->num_assets || p->columns != (size_t)k;
        for (size_t a = 0; a < p->rows; a++) {
            bp__window(f->scope, w, a, column, t, k, how, value);
            for (int32_t i = 0; i < k; i++)
                wrong += !same_double(p->value[a * p->stride + (size_t)i], value[i]);
        }
        bp__kept_release(&kept);
    }
    return wrong;
}

static void test_windows(void)
{
    static const size_t BOUNDS[] = {0, 3000, 20000, 1 << 24};
    uint64_t seed = 77;
    for (size_t i = 0; i < sizeof BOUNDS / sizeof *BOUNDS; i++) {
        fixture f;
        bp__windows w = {0};
        setup(&f, 12, 80, 1, BOUNDS[i]);
        MUST(bp__windows_make(f.scope, &w));
        CU_ASSERT(w.by[BP__BY_SPLITS].count > 0 && w.by[BP__BY_DIVIDENDS].count > 0);
        unsigned wrong = 0;
        for (int round = 0; round < 400; round++) wrong += check_window(&f, &w, &seed);
        CU_ASSERT_EQUAL(wrong, 0);
        const bp__shelf_stats s = stats_of(&f, BP__SHELF_WINDOWS);
        CU_ASSERT(BOUNDS[i] ? s.hits > 0 : s.hits == 0 && s.entries == 0);
        bp__windows_fini(&w);
        teardown(&f);
    }
}

/* As traded, all windows are pieces of one panel; it outlives the cache with a piece. */
static void test_pieces(void)
{
    fixture f;
    bp__kept *early, *late;
    setup(&f, 12, 80, 0, 1 << 20);
    for (int32_t t = 0; t < (int32_t)f.scope->num_sessions; t++) {
        MUST(bp__panels_windows(f.panels, t, 10, BP_BAR_HIGH, BP_AS_TRADED, &early));
        bp__kept_release(&early);
    }
    const bp__shelf_stats s = stats_of(&f, BP__SHELF_WINDOWS);
    CU_ASSERT(s.misses == 1 && s.entries == 1);
    MUST(bp__panels_windows(f.panels, 5, 10, BP_BAR_HIGH, BP_AS_TRADED, &early));
    MUST(bp__panels_windows(f.panels, 6, 12, BP_BAR_HIGH, BP_AS_TRADED, &late));
    CU_ASSERT_PTR_EQUAL(bp__kept_panel(early)->value, bp__kept_panel(late)->value + 1);
    bp__kept_release(&early);
    bp__panels_destroy(&f.panels);
    for (size_t i = 0; i < 12; i++)
        CU_ASSERT(same_double(bp__kept_panel(late)->value[i],
                              bp__scope_value(f.scope, 0, BP_BAR_HIGH, 6 - 12 + 1 + (int32_t)i)));
    bp__kept_release(&late);
    teardown(&f);
}

/* Where the whole panel is too large to be kept, by a little, its pieces are kept by themselves. */
static void test_too_large_for_pieces(void)
{
    fixture f;
    bp__kept *kept;
    setup(&f, 12, 80, 0, 0);
    const size_t bound = f.cells * sizeof(double);
    teardown(&f);
    setup(&f, 12, 80, 0, bound);
    for (int round = 0; round < 2; round++) {
        MUST(bp__panels_windows(f.panels, 5, 10, BP_BAR_HIGH, BP_AS_TRADED, &kept));
        bp__kept_release(&kept);
    }
    CU_ASSERT_EQUAL(stats_of(&f, BP__SHELF_WINDOWS).hits, 1);
    teardown(&f);
}

/* Threads --------------------------------------------------------------------------------------- */

enum { THREADS = 8, QUESTIONS = 400, KINDS = 24 };

typedef struct asker {
    const fixture *f;
    double *const *expected; /* [KINDS] */
    pthread_barrier_t *start;
    uint64_t seed;
    unsigned wrong, failed;
} asker;

static bp__helper helper_of(size_t kind)
{
    return (bp__helper)(kind % BP__NUM_HELPERS);
}

static int64_t k_of(size_t kind)
{
    return bp__helper_takes_k(helper_of(kind)) ? 2 + (int64_t)(kind / BP__NUM_HELPERS) : 0;
}

/* Of the rank across assets there is but one. */
static size_t distinct_kinds(void)
{
    size_t n = 0;
    for (size_t kind = 0; kind < KINDS; kind++)
        n += bp__helper_takes_k(helper_of(kind)) || kind < BP__NUM_HELPERS;
    return n;
}

static void *ask_in_thread(void *arg)
{
    asker *a = arg;
    bp__kept *held[4] = {NULL};
    pthread_barrier_wait(a->start);
    for (size_t q = 0; q < QUESTIONS; q++) {
        const size_t kind = draw(&a->seed, KINDS);
        bp__kept *kept, *window;
        const bp_status s = bp__panels_apply(a->f->panels, helper_of(kind), k_of(kind), NULL, &kept);
        if (s == BP_OK)
            a->wrong += !is_equal(bp__kept_panel(kept), a->expected[kind], bp__panel_columns(a->f->scope));
        else
            a->failed += s == BP_ENOMEM && strstr(bp_error_text(), "no memory") ? 1 : QUESTIONS;
        bp__kept_release(&held[q % 4]);
        held[q % 4] = kept;
        if (bp__panels_windows(a->f->panels, (int32_t)draw(&a->seed, 4), 9, BP_BAR_CLOSE, 0, &window) ==
            BP_OK)
            a->wrong += bp__kept_panel(window)->columns != 9;
        bp__kept_release(&window);
    }
    for (size_t i = 0; i < 4; i++) bp__kept_release(&held[i]);
    return NULL;
}

/* @return failures */
static unsigned run_threads(const fixture *f)
{
    double *expected[KINDS];
    asker askers[THREADS];
    pthread_t thread[THREADS];
    pthread_barrier_t start;
    unsigned wrong = 0, failed = 0;
    for (size_t kind = 0; kind < KINDS; kind++) {
        expected[kind] = calloc(f->cells, sizeof(double));
        MUST(bp__panel_apply(f->scope, helper_of(kind), k_of(kind), NULL, expected[kind]));
    }
    CU_ASSERT_EQUAL_FATAL(pthread_barrier_init(&start, NULL, THREADS), 0);
    for (size_t i = 0; i < THREADS; i++) {
        askers[i] = (asker){.f = f, .expected = expected, .start = &start, .seed = 500 + i};
        CU_ASSERT_EQUAL_FATAL(pthread_create(&thread[i], NULL, ask_in_thread, &askers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        wrong += askers[i].wrong;
        failed += askers[i].failed;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    pthread_barrier_destroy(&start);
    for (size_t kind = 0; kind < KINDS; kind++) free(expected[kind]);
    return failed;
}

static void test_threads(void)
{
    static const size_t ROOM[] = {0, 3, 100};
    for (size_t i = 0; i < 3; i++) {
        fixture f;
        setup(&f, 16, 60, ROOM[i], 100 * ROOM[i]);
        CU_ASSERT_EQUAL(run_threads(&f), 0);
        const bp__shelf_stats s = stats_of(&f, BP__SHELF_PANELS);
        CU_ASSERT_EQUAL(s.hits + s.misses, THREADS * QUESTIONS);
        if (ROOM[i] == 100) CU_ASSERT_EQUAL(s.misses, distinct_kinds()); /* nothing was computed twice */
        teardown(&f);
    }
}

enum { ROUNDS = 40 };

static void *ask_for_the_same(void *arg)
{
    asker *a = arg;
    for (int64_t k = 50; k < 50 + ROUNDS; k++) {
        bp__kept *kept;
        pthread_barrier_wait(a->start);
        a->failed += bp__panels_apply(a->f->panels, BP__STD, k, NULL, &kept) != BP_OK;
        bp__kept_release(&kept);
    }
    return NULL;
}

/* All at once, of panels that take longer than it takes to ask. */
static void test_same_panel(void)
{
    fixture f;
    asker askers[THREADS];
    pthread_t thread[THREADS];
    pthread_barrier_t start;
    setup(&f, 60, 500, 2 * ROUNDS, 0);
    CU_ASSERT_EQUAL_FATAL(pthread_barrier_init(&start, NULL, THREADS), 0);
    for (size_t i = 0; i < THREADS; i++) {
        askers[i] = (asker){.f = &f, .start = &start};
        CU_ASSERT_EQUAL_FATAL(pthread_create(&thread[i], NULL, ask_for_the_same, &askers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        CU_ASSERT_EQUAL(askers[i].failed, 0);
    }
    pthread_barrier_destroy(&start);
    const bp__shelf_stats s = stats_of(&f, BP__SHELF_PANELS);
    CU_ASSERT(s.misses == ROUNDS && s.entries == ROUNDS && s.hits == (THREADS - 1) * ROUNDS);
    teardown(&f);
}

static void test_threads_without_memory(void)
{
    fixture f;
    setup(&f, 16, 60, 3, 2000);
    atomic_store(&fail_every, 5);
    const unsigned failed = run_threads(&f);
    atomic_store(&fail_every, 0);
    CU_ASSERT(failed > 0 && failed < QUESTIONS * THREADS);
    teardown(&f);
}

int main(void)
{
    CU_TestInfo tests[] = {{"found again", test_found_again},
                           {"recipes", test_recipes},
                           {"long recipes", test_long_recipes},
                           {"evicted and held", test_evicted_and_held},
                           {"nothing is kept", test_nothing_is_kept},
                           {"rounds", test_rounds},
                           {"many entries", test_many_entries},
                           {"failures", test_failures},
                           {"windows", test_windows},
                           {"pieces", test_pieces},
                           {"too large for pieces", test_too_large_for_pieces},
                           {"threads", test_threads},
                           {"threads that want the same", test_same_panel},
                           {"threads without memory", test_threads_without_memory},
                           CU_TEST_INFO_NULL};
    return suite_main("panel cache", tests);
}
