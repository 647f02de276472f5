#include <stdio.h>

#include <bundlepool/bundlepool.h>

int main(int argc, char **argv)
{
    int level, rank;
    bp_config cfg = bp_config_init();
    bp_pool *pool;
    const bp_bundle *b;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &level);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (bp_config_default(&cfg) || bp_config_from_env(&cfg) || bp_pool_create(MPI_COMM_WORLD, &cfg, &pool)) {
        fprintf(stderr, "%s\n", bp_error_text());
        return 1;
    }
    bp_status s = bp_pool_get(pool, "absent", &b);
    const int as_expected = s == BP_ENOTFOUND;
    if (rank == 0) printf("%s\n", bp_status_name(s)); /* a launcher may mix the lines of several */
    s = bp_pool_destroy(&pool);
    MPI_Finalize();
    return !as_expected || s != BP_OK;
}
