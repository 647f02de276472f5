#include <stdio.h>

#include <bundlepool/bundlepool.h>

int main(int argc, char **argv)
{
    int level;
    bp_config cfg = bp_config_init();
    bp_pool *pool;
    const bp_bundle *b;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &level);
    if (bp_config_default(&cfg) || bp_config_from_env(&cfg) || bp_pool_create(MPI_COMM_WORLD, &cfg, &pool)) {
        fprintf(stderr, "%s\n", bp_error_text());
        return 1;
    }
    bp_status s = bp_pool_get(pool, "absent", &b);
    printf("%s\n", bp_status_name(s));
    s = bp_pool_destroy(&pool);
    MPI_Finalize();
    return s != BP_OK;
}
