/* Searches without a word: options as of a command line, over communicators of the caller's, several at a time; nothing is
 * printed, files are written, and what ranks do not agree on is refused on all of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/hdf5/h5write.h"
#include "io/ingest/demo.h"
#include "mpi/comm.h"
#include "optimizer/plugins.h"
#include "optimizer/run.h"
#include "support/market.h"
#include "support/mpi_check.h"
#include "tests/optimizer/tiny.h"

#define MAX_ARGS 32

static const char *root;

static void make_bundle(void)
{
    char path[BP_PATH_MAX];
    bp__draft draft;
    if (check_rank != 0) return;
    snprintf(path, sizeof path, "%s/demo.h5", root);
    CHECK_OK(bp__draft_init(&draft, "demo", NULL));
    CHECK_OK(bp__demo_generate(&(bp__demo_options){.assets = 8, .days = 250, .seed = 5}, &draft));
    CHECK_OK(bp__draft_finish(&draft));
    CHECK_OK(bp__h5_write(&draft, path, &(bp__write_options){0}));
    bp__draft_fini(&draft);
    snprintf(path, sizeof path, "%s/mine.tiny", root);
    FILE *f = fopen(path, "w");
    CHECK(f && fputs("function rule: 1\n", f) >= 0 && fclose(f) == 0);
}

/* What a caller hears. */
typedef struct heard {
    uint64_t stop_after, done, total;
    unsigned asked, warned;
    char text[512];
} heard;

static void progress(void *context, uint64_t done, uint64_t total)
{
    heard *h = context;
    CHECK(done <= total);
    h->done = done;
    h->total = total;
}

static void warn(void *context, const char *text)
{
    heard *h = context;
    h->warned++;
    snprintf(h->text, sizeof h->text, "%s", text);
}

static bool go_on(void *context)
{
    heard *h = context;
    h->asked++;
    return h->stop_after == 0 || h->done < h->stop_after;
}

/* Arguments, in which %s stands for the root. */
typedef struct line {
    int argc;
    char *argv[MAX_ARGS + 1];
} line;

static line parse(const char *args)
{
    line l = {.argc = 1, .argv = {strdup("optimizer")}};
    char *copy = strdup(args), *rest = copy, *word;
    while ((word = strsep(&rest, " ")) != NULL && l.argc < MAX_ARGS) {
        char text[BP_PATH_MAX];
        snprintf(text, sizeof text, strstr(word, "%s") ? word : "%s", strstr(word, "%s") ? root : word);
        if (*word) l.argv[l.argc++] = strdup(text);
    }
    free(copy);
    return l;
}

static void free_line(line *l)
{
    for (int i = 0; i < l->argc; i++) free(l->argv[i]);
}

/* As a program does it on each rank. */
static bp_status search(MPI_Comm comm, bp_pool *pool, const char *args, heard *h, bp__found *found)
{
    const bp__run_hooks hooks = {.context = h, .progress = progress, .warn = warn, .go_on = go_on};
    line l = parse(args);
    char *argv[MAX_ARGS + 1] = {NULL};
    bp__options o;
    memcpy(argv, l.argv, sizeof argv);
    *found = (bp__found){.num_ranks = 0};
    bp_status s = bp__options_parse(l.argc, argv, &tiny, &o);
    s = bp__agree(comm, bp__plugin_alike(comm, &o, s));
    o.conduct.pool = pool;
    if (s == BP_OK) {
        s = bp__search_with(&o, comm, &hooks, found);
        found->spec = NULL; /* it goes with the options */
    }
    bp__options_fini(&o);
    free_line(&l);
    return s;
}

#define SMA "--bundle %s/demo.h5 --strategy sma_cross --param fast=2:11 --param slow=20:70:10 "

/* @return CRC-like sum of a file's bytes; 0: it is not there */
static uint64_t sum_of(const char *name)
{
    char path[BP_PATH_MAX];
    uint64_t sum = 0;
    snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *f = fopen(path, "r");
    if (!f) return 0;
    for (int c; (c = fgetc(f)) != EOF;) sum = sum * 1099511628211u + (uint64_t)c + 1;
    fclose(f);
    return sum;
}

/* Every rank has the best result, as rank 0 has it among all. */
static void check_best(const bp__found *found)
{
    uint64_t task = found->results.best;
    double value[BP__NUM_METRICS];
    unsigned i = 0;
    memcpy(value, found->best, sizeof value);
    while (check_rank == 0 && i < BP__NUM_METRICS && value[i] != found->results.rating.objective) i++;
    CHECK(i < BP__NUM_METRICS);
    MPI_Bcast(&task, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD);
    MPI_Bcast(value, BP__NUM_METRICS, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    CHECK(task < 100 && found->results.best == task && memcmp(found->best, value, sizeof value) == 0);
}

static void test_whole(void)
{
    heard h = {0};
    bp__found found;
    check_case("a search without a word");
    CHECK_OK(search(MPI_COMM_WORLD, NULL, SMA "--out %s/whole.csv --equity %s/equity.csv --commission 0.001",
                    &h, &found));
    CHECK(found.ending == BP__ENDED_COMPLETE && found.num_ranks == check_size);
    CHECK(found.results.done == 60 && found.results.failed == 0 && found.results.num_todo == 60);
    check_best(&found);
    if (check_rank == 0) {
        CHECK(h.asked > 0 && h.total == 60 && sum_of("whole.csv") && sum_of("equity.csv"));
        CHECK(h.warned == 1 && strstr(h.text, "if a fraction is meant"));
    } else {
        CHECK(h.asked == 0 && h.warned == 0);
    }
    bp__search_fini(&found);
}

static void test_stop(void)
{
    heard h = {.stop_after = 5};
    bp__found found;
    check_case("stopped, refused, resumed");
    CHECK_OK(search(MPI_COMM_WORLD, NULL, SMA "--out %s/part.csv --commission 0.001", &h, &found));
    CHECK(found.ending == BP__ENDED_STOPPED && found.results.done >= 5 && found.results.done < 60);
    const uint64_t done = found.results.done;
    CHECK(sum_of("part.csv") == 0);
    bp__search_fini(&found);
    h = (heard){0};
    CHECK_STATUS(search(MPI_COMM_WORLD, NULL, SMA "--out %s/part.csv --commission 0.001", &h, &found),
                 BP_EBUSY);
    bp__search_fini(&found);
    CHECK_OK(search(MPI_COMM_WORLD, NULL, SMA "--out %s/part.csv --commission 0.001 --resume", &h, &found));
    CHECK(found.ending == BP__ENDED_COMPLETE && found.resumed == done && found.results.done == 60);
    if (check_rank == 0) CHECK(sum_of("part.csv") == sum_of("whole.csv"));
    bp__search_fini(&found);
    MPI_Barrier(MPI_COMM_WORLD);
    /* a file of another search is not replaced */
    CHECK_STATUS(search(MPI_COMM_WORLD, NULL, SMA "--out %s/part.csv --no-journal --cash 5", &h, &found),
                 BP_EINVAL);
    CHECK(strstr(bp_error_text(), "has results of another search"));
    bp__search_fini(&found);
}

static void test_refused(void)
{
    heard h = {0};
    bp__found found;
    check_case("refused on all ranks");
    CHECK_STATUS(search(MPI_COMM_WORLD, NULL, SMA "--timeout 5", &h, &found), BP_EINVAL);
    CHECK(strstr(bp_error_text(), "--timeout: a backtest that takes too long"));
    bp__search_fini(&found);
    CHECK_STATUS(search(MPI_COMM_WORLD, NULL, SMA "--cahs 5", &h, &found), BP_EINVAL);
    bp__search_fini(&found);
    if (check_size == 1) return;
    CHECK_STATUS(search(MPI_COMM_WORLD, NULL, check_rank == 1 ? SMA "--cash 5" : SMA "--cash 7", &h, &found),
                 BP_EINVAL);
    CHECK(strstr(bp_error_text(), "rank 0 for 'cash 7', rank 1 for 'cash 5'"));
    bp__search_fini(&found);
    CHECK_STATUS(search(MPI_COMM_WORLD, NULL, check_rank == 1 ? SMA "--on-update fail" : SMA, &h, &found),
                 BP_EINVAL);
    CHECK(strstr(bp_error_text(), "the ranks ask for different searches"));
    bp__search_fini(&found);
    CHECK_STATUS(search(MPI_COMM_WORLD, NULL, check_rank == 1 ? SMA "--cahs 5" : SMA, &h, &found), BP_EINVAL);
    bp__search_fini(&found);
    CHECK(h.asked == 0);
}

/* Half of the ranks search this, the other half that, some of them over one pool. */
static void test_halves(void)
{
    MPI_Comm half;
    heard h = {0};
    bp__found found;
    char args[512];
    bp_config cfg = bp_config_init();
    bp_pool *pool = NULL;
    check_case("several at a time");
    const int color = check_rank % 2;
    MPI_Comm_split(MPI_COMM_WORLD, color, check_rank, &half);
    CHECK_OK(bp_config_default(&cfg));
    snprintf(cfg.root, sizeof cfg.root, "%s", root);
    CHECK_OK(bp_pool_create(half, &cfg, &pool));
    for (int i = 0; i < 2 + 2 * color; i++) {
        const char *strategy =
            color ? "%s/mine.tiny:hold --param n=1:30" : "%s/mine.tiny:Loud --param n=1:30";
        snprintf(args, sizeof args, "--bundle %%s/demo.h5 --strategy %s --out %%s/%d.%d.csv", strategy, color,
                 i);
        CHECK_OK(search(half, pool, args, &h, &found));
        CHECK(found.results.done == (color ? 30 : 20) && found.results.failed == (color ? 0 : 10));
        CHECK(found.stats.cluster.loads <= 1); /* rank 0 knows */
        bp__search_fini(&found);
    }
    CHECK_OK(bp_pool_destroy(&pool));
    MPI_Barrier(MPI_COMM_WORLD);
    CHECK(sum_of("0.0.csv") == sum_of("0.1.csv"));
    CHECK(check_size == 1 || (sum_of("1.0.csv") && sum_of("1.0.csv") == sum_of("1.3.csv")));
    CHECK(tiny_open == 0);
    MPI_Comm_free(&half);
}

/* What is printed meanwhile goes to a file; there must be nothing. */
static void run_silently(void (*test)(void), int stream)
{
    fflush(stdout);
    FILE *printed = tmpfile();
    const int kept = dup(stream);
    CHECK(printed && kept >= 0 && dup2(fileno(printed), stream) >= 0);
    test();
    fflush(stdout);
    CHECK(dup2(kept, stream) >= 0);
    CHECK(lseek(fileno(printed), 0, SEEK_END) == 0);
    fclose(printed);
    close(kept);
}

static void test_silence(void)
{
    heard h = {0};
    bp__found found;
    CHECK_OK(search(MPI_COMM_WORLD, NULL, SMA, &h, &found));
    bp__search_fini(&found);
}

int main(int argc, char **argv)
{
    check_init(&argc, &argv);
    root = market_root();
    make_bundle();
    MPI_Barrier(MPI_COMM_WORLD);
    check_case("silence");
    run_silently(test_silence, STDOUT_FILENO);
    run_silently(test_silence, STDERR_FILENO);
    test_whole();
    test_stop();
    test_refused();
    test_halves();
    market_remove();
    return check_finish();
}
