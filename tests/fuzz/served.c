/* served FOLDER LIST : bundles with damage in a pool that goes on serving.
 *
 * The first line of LIST names a good bundle of FOLDER, each other one a bundle that may be anything. Every rank gets each of
 * these, in an order of its own, so that different ones are loaded at a time, and before each the good one, whose values must
 * be there every time. What came of them stands in FOLDER/served.RANK, a line each: name, milliseconds, status, and the
 * content hash, or the error; hashes are the work of one rank each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bundlepool/bundlepool.h>

#include "support/mpi_check.h"

#define LOAD_TIMEOUT_MS 30000
#define SLACK_MS        10000 /* for a machine that has other things to do */

static bp_pool *pool;
static double *good_close; /* [good_values] */
static size_t good_values, num_names;
static char **names;

static bp_pool *create(const char *folder)
{
    bp_pool *created = NULL;
    bp_config cfg = bp_config_init();
    CHECK_OK(bp_config_default(&cfg));
    snprintf(cfg.root, sizeof cfg.root, "%s", folder);
    cfg.max_bundle_pool_size = 6; /* so that some are evicted, and come again */
    cfg.pool_memory = 64 << 20;
    cfg.load_timeout_ms = LOAD_TIMEOUT_MS;
    CHECK_OK(bp_pool_create(MPI_COMM_WORLD, &cfg, &created));
    return created;
}

static void read_list(const char *path)
{
    char line[256];
    FILE *list = fopen(path, "r");
    if (!CHECK(list != NULL)) return;
    while (fgets(line, sizeof line, list)) {
        char **grown = realloc(names, (num_names + 1) * sizeof *names);
        if (!CHECK(grown != NULL)) break;
        names = grown;
        line[strcspn(line, "\n")] = '\0';
        names[num_names++] = strdup(line);
    }
    fclose(list);
}

/* The good bundle is as it was at first. */
static void get_good(void)
{
    const bp_bundle *b;
    const double begun = MPI_Wtime();
    if (!CHECK_OK(bp_pool_get(pool, names[0], &b))) return;
    const size_t n = bp_bundle_num_assets(b) * bp_bundle_num_sessions(b);
    const double *close = bp_bundle_daily(b, BP_COL_CLOSE);
    if (!good_close) {
        good_close = malloc(n * sizeof *good_close + 1);
        if (CHECK(good_close != NULL)) memcpy(good_close, close, n * sizeof *close);
        good_values = n;
    }
    CHECK(n == good_values && n > 0 && memcmp(close, good_close, n * sizeof *close) == 0);
    CHECK((MPI_Wtime() - begun) * 1e3 < LOAD_TIMEOUT_MS + SLACK_MS);
    bp_bundle_release(&b);
}

static void tell_version(FILE *out, const bp_bundle *b)
{
    bp_version v = bp_version_init();
    if (CHECK_OK(bp_bundle_version(b, &v))) fprintf(out, "%s\n", v.content_hash);
    bp_version_fini(&v);
}

static void get_one(FILE *out, size_t i)
{
    const bp_bundle *b;
    const double begun = MPI_Wtime();
    const bp_status s = bp_pool_get(pool, names[i], &b);
    const double ms = (MPI_Wtime() - begun) * 1e3;
    CHECK(ms < LOAD_TIMEOUT_MS + SLACK_MS);
    fprintf(out, "%s\t%.0f\t%s\t", names[i], ms, bp_status_name(s));
    if (s != BP_OK) {
        fprintf(out, "%s\n", bp_error_text());
        return;
    }
    if (i % (size_t)check_size == (size_t)check_rank)
        tell_version(out, b);
    else
        fprintf(out, "\n");
    bp_bundle_release(&b);
}

static void get_all(const char *folder)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/served.%d", folder, check_rank);
    FILE *out = fopen(path, "w");
    if (!CHECK(out != NULL)) return;
    const size_t n = num_names - 1, first = n * (size_t)check_rank / (size_t)check_size;
    for (size_t k = 0; k < n; k++) {
        get_good();
        get_one(out, 1 + (first + k) % n);
    }
    get_good();
    CHECK(fclose(out) == 0);
}

int main(int argc, char **argv)
{
    check_init(&argc, &argv);
    if (CHECK(argc == 3)) {
        read_list(argv[2]);
        pool = create(argv[1]);
        if (CHECK(pool != NULL && num_names > 1)) get_all(argv[1]);
        if (pool) CHECK_OK(bp_pool_destroy(&pool));
    }
    for (size_t i = 0; i < num_names; i++) free(names[i]);
    free(names);
    free(good_close);
    return check_finish();
}
