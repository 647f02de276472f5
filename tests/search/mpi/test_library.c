/* The search as a library: a program without a command line runs searches over communicators of its own, two
 * at a time; stops one by a hook and resumes it; has a hook that cannot store. All the while nothing is
 * printed. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/hdf5/h5write.h"
#include "io/ingest/demo.h"
#include "search/note.h"
#include "search/search.h"
#include "support/market.h"
#include "support/mpi_check.h"

#define COMBINATIONS 60
#define KEPT         3 /* metrics: two columns, and trades */

static const char *root; /* folder of the bundle and the journal */

typedef struct counted {
    unsigned opened, begun, stored;
    uint64_t stop_after; /* results; 0: never */
    bool cannot_store;
    unsigned entered, left, batches; /* on every rank */
} counted;

static void opened(void *context, const bp__found *found)
{
    (void)found;
    ((counted *)context)->opened++;
}

static void begun(void *context, const bp__found *found, uint64_t bundle)
{
    ((counted *)context)->begun++;
    CHECK(found->tested[bundle].num_assets == 8 && found->tested[bundle].num_sessions == 250);
}

static bool go_on(void *context, const bp__found *found, bp_pool *pool, uint64_t *until_ns)
{
    const counted *c = context;
    CHECK(pool != NULL);
    *until_ns = UINT64_MAX;
    return c->stop_after == 0 || found->results.done < c->stop_after;
}

static bp_status store(void *context, const bp__found *found)
{
    counted *c = context;
    c->stored++;
    CHECK(found->results.done + found->results.skipped + found->results.failed > 0);
    if (c->cannot_store) BP_FAIL(BP_EIO, "this store is closed");
    return BP_OK;
}

static void enter(void *context, const uint64_t *task, size_t count)
{
    counted *c = context;
    CHECK(c->entered == c->left && (count == 0 || task[count - 1] < 1200));
    c->entered++;
    c->batches += count > 1;
}

static void leave(void *context)
{
    ((counted *)context)->left++;
}

/* @param[in] rank  that makes it */
static void make_bundle(int rank, const char *name, uint64_t seed)
{
    char path[BP_PATH_MAX];
    bp__draft draft;
    if (rank != 0) return;
    snprintf(path, sizeof path, "%s/%s.h5", root, name);
    CHECK_OK(bp__draft_init(&draft, name, NULL));
    CHECK_OK(bp__demo_generate(&(bp__demo_options){.assets = 8, .days = 250, .seed = seed}, &draft));
    CHECK_OK(bp__draft_finish(&draft));
    CHECK_OK(bp__h5_write(&draft, path, &(bp__write_options){0}));
    bp__draft_fini(&draft);
}

static bp__bundle_name bundle = "demo";

static void make_spec(bp__spec *spec, uint64_t slice, uint64_t num_slices)
{
    const bp_strategy *strategy;
    bp__spec_init(spec);
    spec->bundle = &bundle;
    spec->num_bundles = 1;
    spec->slice = slice;
    spec->num_slices = num_slices;
    CHECK_OK(bp__builtin_find("sma_cross", &strategy));
    CHECK_OK(bp__spec_set_strategy(spec, strategy, ""));
    CHECK_OK(bp__grid_set(&spec->grid, "fast=2:11"));
    CHECK_OK(bp__grid_set(&spec->grid, "slow=20:70:10"));
    CHECK_OK(bp__spec_set_metrics(spec, "sharpe,win_rate"));
}

static void fini_spec(bp__spec *spec)
{
    spec->bundle = NULL; /* the test's own */
    bp__spec_fini(spec);
}

static bp_status run_over(bp_pool *pool, MPI_Comm comm, const bp__spec *spec, const char *journal,
                          bool resume, counted *c, bp__found *found)
{
    const bp__hooks hooks = {.context = c,
                             .opened = opened,
                             .begun = begun,
                             .go_on = go_on,
                             .store = store,
                             .enter = enter,
                             .leave = leave};
    bp__conduct conduct = {.cfg = bp_config_init(), .journal = journal, .resume = resume, .pool = pool};
    CHECK_OK(bp_config_default(&conduct.cfg));
    snprintf(conduct.cfg.root, sizeof conduct.cfg.root, "%s", root);
    return bp__search_run(comm, spec, &conduct, &hooks, found);
}

static bp_status run(MPI_Comm comm, const bp__spec *spec, const char *journal, bool resume, counted *c,
                     bp__found *found)
{
    return run_over(NULL, comm, spec, journal, resume, c, found);
}

/* All of it, in one search: its values on rank 0 are what all others are compared with. */
static void search_whole(double value[COMBINATIONS][KEPT])
{
    bp__spec spec;
    bp__found found;
    counted c = {0};
    make_spec(&spec, 1, 1);
    CHECK_OK(run(MPI_COMM_WORLD, &spec, NULL, false, &c, &found));
    CHECK(found.ending == BP__ENDED_COMPLETE && found.num_ranks == check_size);
    if (check_rank == 0) {
        CHECK(found.results.done == COMBINATIONS && c.opened == 1 && c.begun == 1 && c.stored == 1);
        CHECK(found.stats.cluster.loads == 1);
        memcpy(value, found.results.value, COMBINATIONS * sizeof *value);
    }
    MPI_Bcast(value, KEPT * COMBINATIONS, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    bp__search_fini(&found);
    fini_spec(&spec);
}

static void check_values(const bp__found *found, double value[COMBINATIONS][KEPT], uint64_t done)
{
    uint64_t seen = 0;
    for (uint64_t task = 0; task < found->results.num_rows; task++) {
        if (found->results.outcome[task] != BP__DONE) continue;
        CHECK(memcmp(bp__results_values(&found->results, task), value[task], sizeof *value) == 0);
        seen++;
    }
    CHECK(seen == done && found->results.done == done);
}

/* Each half of the ranks has a communicator and a slice of its own. */
static void test_two_at_a_time(double value[COMBINATIONS][KEPT])
{
    MPI_Comm half;
    bp__spec spec;
    bp__found found;
    counted c = {0};
    int rank;
    check_case("two searches at a time");
    const int color = check_rank >= check_size / 2;
    MPI_Comm_split(MPI_COMM_WORLD, color, check_rank, &half);
    MPI_Comm_rank(half, &rank);
    make_spec(&spec, (uint64_t)color + 1, 2);
    CHECK_OK(run(half, &spec, NULL, false, &c, &found));
    CHECK(found.ending == BP__ENDED_COMPLETE && found.num_ranks == check_size / 2);
    if (rank == 0) check_values(&found, value, COMBINATIONS / 2);
    CHECK(c.stored == (rank == 0));
    bp__search_fini(&found);
    fini_spec(&spec);
    MPI_Comm_free(&half);
}

static void test_stop_and_go_on(double value[COMBINATIONS][KEPT])
{
    char journal[BP_PATH_MAX];
    bp__spec spec;
    bp__found found;
    counted c = {.stop_after = 5};
    check_case("stopped by a hook, and gone on with");
    snprintf(journal, sizeof journal, "%s/journal", root);
    make_spec(&spec, 1, 1);
    CHECK_OK(run(MPI_COMM_WORLD, &spec, journal, false, &c, &found));
    CHECK(found.ending == BP__ENDED_STOPPED);
    const uint64_t done = found.results.done;
    if (check_rank == 0) {
        CHECK(done >= 5 && done < COMBINATIONS && c.stored == 0 && found.has_journal);
        check_values(&found, value, done);
    }
    bp__search_fini(&found);

    c = (counted){0};
    CHECK_STATUS(run(MPI_COMM_WORLD, &spec, journal, false, &c, &found), BP_EBUSY);
    CHECK(c.begun == 0 && (check_rank != 0 || found.unfinished));
    bp__search_fini(&found);

    c = (counted){.cannot_store = true};
    CHECK_STATUS(run(MPI_COMM_WORLD, &spec, journal, true, &c, &found), BP_EIO);
    CHECK(strcmp(bp_error_text(), "this store is closed") == 0 || check_rank != 0);
    if (check_rank == 0) CHECK(found.resumed == done && c.stored == 1);
    bp__search_fini(&found);

    c = (counted){0}; /* what could not be stored is still in the journal, which is not finished */
    CHECK_OK(run(MPI_COMM_WORLD, &spec, journal, true, &c, &found));
    if (check_rank == 0) {
        CHECK(found.resumed == COMBINATIONS && c.stored == 1);
        check_values(&found, value, COMBINATIONS);
    }
    bp__search_fini(&found);
    fini_spec(&spec);
}

/* Of all ranks together. */
static unsigned sum(unsigned mine)
{
    unsigned all = 0;
    MPI_Allreduce(&mine, &all, 1, MPI_UNSIGNED, MPI_SUM, MPI_COMM_WORLD);
    return all;
}

/* A combination that took a rank down, and a batch that did: the first has failed, the others are run one by one. */
static void test_notes(double value[COMBINATIONS][KEPT])
{
    static const uint64_t bad[] = {7}, batch[] = {20, 21, 22};
    char journal[BP_PATH_MAX];
    bp__spec spec;
    bp__found found;
    bp__note_place place;
    bp__notes notes;
    char *text;
    counted c = {0};
    check_case("notes of what took a rank down");
    snprintf(journal, sizeof journal, "%s/noted", root);
    make_spec(&spec, 1, 1);
    CHECK_OK(bp__spec_text(&spec, &text));
    CHECK_OK(bp__note_place_init(journal, text, check_rank, &place));
    if (check_rank == 0) CHECK(bp__note_write(&place, BP_ESYS, "it crashed", bad, 1));
    if (check_rank == 0) CHECK(bp__note_write(&place, BP_ESYS, "it crashed", batch, 3));
    CHECK_OK(run(MPI_COMM_WORLD, &spec, journal, true, &c, &found));
    if (check_rank == 0) {
        CHECK(found.ending == BP__ENDED_COMPLETE && found.results.failed == 1);
        CHECK(found.results.outcome[7] == BP__FAILED && found.results.outcome[21] == BP__DONE);
        CHECK(strcmp(found.results.failure[0].why, "it crashed") == 0);
        check_values(&found, value, COMBINATIONS - 1);
        CHECK_OK(bp__notes_read(&place, COMBINATIONS, &notes));
        CHECK(notes.count == 0);
    }
    CHECK(c.entered == c.left && c.batches == 0);
    CHECK(sum(c.entered) == COMBINATIONS - 1 + 1); /* and once to say which make sense */
    bp__search_fini(&found);

    c = (counted){0}; /* it stays failed: the journal knows */
    CHECK_OK(run(MPI_COMM_WORLD, &spec, journal, true, &c, &found));
    if (check_rank == 0) CHECK(found.resumed == COMBINATIONS && found.results.failed == 1);
    bp__search_fini(&found);

    c = (counted){0}; /* a new journal knows nothing, and an old note is of no use to it */
    if (check_rank == 0) CHECK(bp__note_write(&place, BP_ESYS, "it crashed", bad, 1));
    CHECK_OK(run(MPI_COMM_WORLD, &spec, journal, false, &c, &found));
    if (check_rank == 0) {
        CHECK(found.results.failed == 0);
        CHECK_OK(bp__notes_read(&place, COMBINATIONS, &notes));
        CHECK(notes.count == 0);
    }
    bp__search_fini(&found);
    bp__note_place_fini(&place);
    free(text);
    fini_spec(&spec);
}

/* One pool for several searches ------------------------------------------------------------------ */

static bp_pool *create_pool(MPI_Comm comm, int64_t size)
{
    bp_pool *pool = NULL;
    bp_config cfg = bp_config_init();
    CHECK_OK(bp_config_default(&cfg));
    snprintf(cfg.root, sizeof cfg.root, "%s", root);
    cfg.max_bundle_pool_size = size;
    cfg.max_staleness_ms = 0;
    CHECK_OK(bp_pool_create(comm, &cfg, &pool));
    return pool;
}

/* @param[in] loads  of the pool, from its beginning. @return the value of combination 0 */
static double search_over(bp_pool *pool, MPI_Comm comm, const bp__spec *spec, uint64_t loads)
{
    bp__found found;
    counted c = {0};
    int rank;
    double first = 0;
    MPI_Comm_rank(comm, &rank);
    CHECK_OK(run_over(pool, comm, spec, NULL, false, &c, &found));
    CHECK(found.ending == BP__ENDED_COMPLETE);
    if (rank == 0) {
        CHECK(found.results.done == COMBINATIONS && found.stats.cluster.loads == loads);
        first = *bp__results_values(&found.results, 0);
    }
    MPI_Bcast(&first, 1, MPI_DOUBLE, 0, comm);
    bp__search_fini(&found);
    return first;
}

static void test_one_pool(double value[COMBINATIONS][KEPT])
{
    bp__spec spec;
    bp__bundle_name other = "other", *kept;
    check_case("several searches over one pool");
    make_bundle(check_rank, "other", 6);
    MPI_Barrier(MPI_COMM_WORLD);
    make_spec(&spec, 1, 1);
    kept = spec.bundle;
    for (int64_t size = 1; size <= 10; size += 9) {
        bp_pool *pool = create_pool(MPI_COMM_WORLD, size);
        CHECK(search_over(pool, MPI_COMM_WORLD, &spec, 1) == value[0][0]);
        CHECK(search_over(pool, MPI_COMM_WORLD, &spec, 1) == value[0][0]);
        spec.bundle = &other;
        const double before = search_over(pool, MPI_COMM_WORLD, &spec, 2);
        CHECK(before != value[0][0]);
        spec.bundle = kept; /* where there is room for one, it has been evicted */
        CHECK(search_over(pool, MPI_COMM_WORLD, &spec, size == 1 ? 3 : 2) == value[0][0]);
        /* another content meanwhile, which a search of its own sees as well */
        make_bundle(check_rank, "other", 7);
        MPI_Barrier(MPI_COMM_WORLD);
        spec.bundle = &other;
        const double after = search_over(pool, MPI_COMM_WORLD, &spec, size == 1 ? 4 : 3);
        CHECK(after != before && after == search_over(NULL, MPI_COMM_WORLD, &spec, 1));
        make_bundle(check_rank, "other", 6);
        MPI_Barrier(MPI_COMM_WORLD);
        spec.bundle = kept;
        CHECK_OK(bp_pool_destroy(&pool));
    }
    fini_spec(&spec);
}

/* Two halves of the ranks search at a time, several times, each over a pool of its own. */
static void test_pools_at_a_time(double value[COMBINATIONS][KEPT])
{
    MPI_Comm half;
    bp__spec spec;
    check_case("several searches at a time, each half over its pool");
    const int color = check_rank % 2;
    MPI_Comm_split(MPI_COMM_WORLD, color, -check_rank, &half);
    make_spec(&spec, 1, 1);
    bp_pool *pool = create_pool(half, 2);
    for (int i = 0; i < 3 + color; i++) CHECK(search_over(pool, half, &spec, 1) == value[0][0]);
    CHECK_OK(bp_pool_destroy(&pool));
    fini_spec(&spec);
    MPI_Comm_free(&half);
}

/* A pool that does not fit is refused, on all ranks. */
static void test_wrong_pools(void)
{
    bp__spec spec;
    bp__found found;
    counted c = {0};
    MPI_Comm half;
    check_case("pools that do not fit");
    make_spec(&spec, 1, 1);
    MPI_Comm_split(MPI_COMM_WORLD, check_rank >= check_size / 2, check_rank, &half);
    bp_pool *pool = create_pool(check_size > 1 ? half : MPI_COMM_WORLD, 2);
    if (check_size > 1) {
        CHECK_STATUS(run_over(pool, MPI_COMM_WORLD, &spec, NULL, false, &c, &found), BP_EINVAL);
        CHECK(strstr(bp_error_text(), "the pool is of other ranks"));
        bp__search_fini(&found);
        CHECK_STATUS(run_over(check_rank ? NULL : pool, MPI_COMM_WORLD, &spec, NULL, false, &c, &found),
                     BP_EINVAL);
        CHECK(strstr(bp_error_text(), "some ranks bring a pool"));
        bp__search_fini(&found);
    }
    const char *right = root;
    root = "/";
    CHECK_STATUS(run_over(pool, check_size > 1 ? half : MPI_COMM_WORLD, &spec, NULL, false, &c, &found),
                 BP_EINVAL);
    CHECK(strstr(bp_error_text(), "give both the same root"));
    bp__search_fini(&found);
    root = right;
    CHECK(c.begun == 0);
    CHECK_OK(bp_pool_destroy(&pool));
    MPI_Comm_free(&half);
    fini_spec(&spec);
}

/* Failures with much to say ----------------------------------------------------------------------- */

static const char *traceback(int n, char text[BP_LONG_TEXT_MAX])
{
    size_t used = (size_t)snprintf(text, BP_LONG_TEXT_MAX, "ValueError: %d (mine.py:3)", n);
    while (used < 1900)
        used += (size_t)snprintf(text + used, BP_LONG_TEXT_MAX - used, "\n  line %zu of %d", used, n);
    return text;
}

/* Every third combination fails. */
static void fail_loudly(void *context, const bp_market *m, const double *params, bp_signals *signals)
{
    char text[BP_LONG_TEXT_MAX];
    (void)context, (void)signals;
    if ((int)params[0] % 3 == 0) bp_market_fail(m, traceback((int)params[0], text));
}

static void expect_failures(const bp__found *found)
{
    char text[BP_LONG_TEXT_MAX], why[BP_LONG_TEXT_MAX + 32];
    CHECK(found->results.failed == 400 && found->results.num_failures == 400);
    for (size_t i = 0; i < found->results.num_failures; i++) {
        const bp__failure *f = &found->results.failure[i];
        snprintf(why, sizeof why, "strategy loud: %s", traceback((int)(3 * i), text));
        CHECK(f->task == 3 * i && f->status == BP_EINVAL && strcmp(f->why, why) == 0);
    }
}

static void test_failures(void)
{
    static const bp_param n = {.name = "n", .kind = BP_PARAM_INTEGER, .max = 1e6};
    static const bp_strategy loud = {
        .size = sizeof loud, .name = "loud", .param = &n, .num_params = 1, .signals = fail_loudly};
    char journal[BP_PATH_MAX];
    bp__spec spec;
    bp__found found;
    counted c = {0};
    check_case("failures with much to say");
    snprintf(journal, sizeof journal, "%s/loud", root);
    bp__spec_init(&spec);
    spec.bundle = &bundle;
    spec.num_bundles = 1;
    CHECK_OK(bp__spec_set_strategy(&spec, &loud, ""));
    CHECK_OK(bp__grid_set(&spec.grid, "n=0:1199"));
    CHECK_OK(run(MPI_COMM_WORLD, &spec, journal, false, &c, &found));
    if (check_rank == 0) expect_failures(&found);
    bp__search_fini(&found);
    CHECK_OK(run(MPI_COMM_WORLD, &spec, journal, true, &c, &found)); /* all of them out of the journal */
    if (check_rank == 0) {
        CHECK(found.resumed == 1200);
        expect_failures(&found);
    }
    bp__search_fini(&found);
    fini_spec(&spec);
}

/* What is printed while `test` runs goes to a file; there must be nothing. */
static int silenced = -1;
static FILE *printed;

static void begin_silence(void)
{
    fflush(stdout);
    printed = tmpfile();
    silenced = dup(STDOUT_FILENO);
    CHECK(printed && silenced >= 0 && dup2(fileno(printed), STDOUT_FILENO) >= 0);
}

static void end_silence(void)
{
    fflush(stdout);
    CHECK(dup2(silenced, STDOUT_FILENO) >= 0);
    CHECK(lseek(fileno(printed), 0, SEEK_END) == 0);
    fclose(printed);
    close(silenced);
}

int main(int argc, char **argv)
{
    double value[COMBINATIONS][KEPT];
    check_init(&argc, &argv);
    root = market_root();
    make_bundle(check_rank, "demo", 5);
    check_case("a whole search");
    begin_silence();
    search_whole(value);
    end_silence();
    if (check_size > 1) test_two_at_a_time(value);
    test_stop_and_go_on(value);
    test_notes(value);
    test_one_pool(value);
    if (check_size > 1) test_pools_at_a_time(value);
    test_wrong_pools();
    test_failures();
    market_remove();
    return check_finish();
}
