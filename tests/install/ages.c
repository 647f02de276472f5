/* ages.c ROOT : a program that is compiled against headers with shorter (older) or longer (newer) structs
 * than those of the library that it runs with; consumer.sh makes such headers. The bytes behind each struct
 * must stay as they are, and what is in it must be right. Run by 2 ranks on one node. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bundlepool/bundlepool.h>

enum { GUARD = 0xa5, GUARDS = 256 };

static struct guarded_config {
    bp_config is;
    unsigned char guard[GUARDS];
} config;
static struct guarded_stats {
    bp_stats is;
    unsigned char guard[GUARDS];
} stats;
static struct guarded_version {
    bp_version is;
    unsigned char guard[GUARDS];
} version;

static void check_at(int line, int right, const char *what)
{
    if (right) return;
    printf("line %d: %s: '%s'\n", line, what, bp_error_text());
    fflush(stdout);
    MPI_Abort(MPI_COMM_WORLD, 1);
}
#define CHECK(what) check_at(__LINE__, (what) != 0, #what)
#define OK(call)    check_at(__LINE__, (call) == BP_OK, #call)

static void check_guards(void)
{
    for (size_t i = 0; i < GUARDS; i++)
        CHECK(config.guard[i] == GUARD && stats.guard[i] == GUARD && version.guard[i] == GUARD);
}

static bp_pool *create(const char *root)
{
    bp_pool *pool = NULL;
    config.is = bp_config_init();
    OK(bp_config_default(&config.is));
    OK(bp_config_from_env(&config.is));
    OK(bp_config_set(&config.is, "root", root, "ROOT"));
#ifdef NEWER
    config.is.newer = 1;
    CHECK(bp_pool_create(MPI_COMM_WORLD, &config.is, &pool) == BP_EINVAL);
    CHECK(strstr(bp_error_text(), "newer than this library"));
    config.is.newer = 0;
#endif
    config.is.size = 0;
    CHECK(bp_pool_create(MPI_COMM_WORLD, &config.is, &pool) == BP_EINVAL);
    CHECK(strstr(bp_error_text(), "bp_config_init()"));
    config.is.size = sizeof config.is;
    OK(bp_pool_create(MPI_COMM_WORLD, &config.is, &pool));
    return pool;
}

static void check_stats(bp_pool *pool)
{
    stats.is = bp_stats_init();
    OK(bp_pool_stats(pool, &stats.is));
    CHECK(stats.is.num_nodes == 1 && stats.is.num_ranks == 2);
    CHECK(stats.is.pool_size == 1 && stats.is.bytes_resident > 0);
    CHECK(stats.is.rank.hits + stats.is.rank.misses == 2);
    CHECK(stats.is.node.hits + stats.is.node.misses == 4);
    CHECK(stats.is.cluster.hits + stats.is.cluster.misses == 4);
    CHECK(stats.is.cluster.loads == 1 && stats.is.cluster.invalidations == 0);
#ifdef NEWER
    CHECK(stats.is.newer == 0 && stats.is.rank.newer == 0 && stats.is.cluster.newer == 0);
#endif
    stats.is.node.size = 0;
    CHECK(bp_pool_stats(pool, &stats.is) == BP_EINVAL);
    CHECK(strstr(bp_error_text(), "bp_stats_init()"));
}

static void check_version(bp_pool *pool)
{
    version.is = bp_version_init();
    OK(bp_pool_version(pool, "demo", &version.is));
    CHECK(strcmp(version.is.bundle_name, "demo") == 0);
    CHECK(version.is.num_assets == 3 && version.is.asset_list[2][0] != '\0');
    CHECK(strlen(version.is.computed_hash) == 64);
    bp_version_fini(&version.is);
    CHECK(version.is.size == sizeof version.is && !version.is.asset_list);
}

int main(int argc, char **argv)
{
    int level, rank;
    const bp_bundle *bundle;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &level);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    memset(config.guard, GUARD, GUARDS);
    memset(stats.guard, GUARD, GUARDS);
    memset(version.guard, GUARD, GUARDS);
    bp_pool *pool = create(argv[1]);
    for (int i = 0; i < 2; i++) {
        OK(bp_pool_get(pool, "demo", &bundle));
        bp_bundle_release(&bundle);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    check_stats(pool);
    MPI_Barrier(MPI_COMM_WORLD); /* what follows is counted, too */
    check_version(pool);
    check_guards();
    OK(bp_pool_destroy(&pool));
    if (rank == 0) printf("%s works with %s\n", AGE, bp_version_string());
    MPI_Finalize();
    return 0;
}
