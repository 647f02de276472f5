/* What a load takes at its peak, of all ranks together: no more than the pool's memory, and where nothing of that is left for
 * staging, the chunks of the one that decodes. The file's chunks are four times as large as its datasets. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <bundlepool/bundlepool.h>

#include "io/make_file.h"
#include "support/market.h"
#include "support/mpi_check.h"

#define MB (UINT64_C(1) << 20)

enum { ASSETS = 500, SESSIONS = 2000 };

static const uint64_t chunk_bytes = UINT64_C(4) * 4 * ASSETS * SESSIONS;

static uint64_t status_bytes(const char *field)
{
    char line[128];
    uint64_t kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    if (!CHECK(f != NULL)) return 0;
    while (fgets(line, sizeof line, f))
        if (strncmp(line, field, strlen(field)) == 0)
            CHECK(sscanf(line + strlen(field), "%" SCNu64, &kib) == 1);
    fclose(f);
    return kib * 1024;
}

/* The kernel forgets the peak so far. */
static void forget_peak(void)
{
    FILE *f = fopen("/proc/self/clear_refs", "w");
    if (!CHECK(f != NULL)) return;
    CHECK(fputs("5", f) >= 0);
    CHECK(fclose(f) == 0);
}

static uint64_t sum_of(uint64_t mine)
{
    uint64_t all = 0;
    MPI_Allreduce(&mine, &all, 1, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
    return all;
}

/* Load with so much memory. @param[out] image  its bytes @return by how much all ranks together grew at most */
static uint64_t peak_of_load(const char *root, uint64_t memory, uint64_t *image)
{
    bp_config cfg = bp_config_init();
    bp_pool *pool;
    const bp_bundle *b;
    CHECK_OK(bp_config_default(&cfg));
    CHECK_OK(bp_config_from_env(&cfg));
    snprintf(cfg.root, sizeof cfg.root, "%s", root);
    cfg.pool_memory = (int64_t)memory;
    CHECK_OK(bp_pool_create(MPI_COMM_WORLD, &cfg, &pool));
    forget_peak();
    MPI_Barrier(MPI_COMM_WORLD);
    const uint64_t before = status_bytes("VmRSS:");
    MPI_Barrier(MPI_COMM_WORLD);
    CHECK_OK(bp_pool_get(pool, "wide", &b));
    MPI_Barrier(MPI_COMM_WORLD);
    const uint64_t peak = status_bytes("VmHWM:");
    *image = bp_bundle_bytes(b);
    bp_bundle_release(&b);
    CHECK_OK(bp_pool_destroy(&pool));
    return sum_of(peak > before ? peak - before : 0);
}

int main(int argc, char **argv)
{
    static const file_format wide = {
        "wide", ASSETS, SESSIONS, 0, .chunk = {2 * ASSETS, 2 * SESSIONS}, .deflate = 1, .shuffle_last = true};
    char path[512];
    uint64_t image = 0;
    check_init(&argc, &argv);
    const char *root = market_root();
    snprintf(path, sizeof path, "%s/wide.h5", root);
    if (check_rank == 0 && !CHECK(make_file(path, &wide))) MPI_Abort(MPI_COMM_WORLD, 1);
    MPI_Barrier(MPI_COMM_WORLD);
    /* what ranks touch of libraries and tables meanwhile; the one that decodes alone has two buffers for these filters */
    const uint64_t slack = (8 + 2 * (uint64_t)check_size) * MB, tight = 56 * MB, ample = 400 * MB;
    const uint64_t in_tight = peak_of_load(root, tight, &image), in_ample = peak_of_load(root, ample, &image);
    if (check_rank == 0)
        printf(
            "image of %.0f MB, chunks of %.0f MB: at most %.0f MB more with a pool of %.0f MB, %.0f with %.0f\n",
            (double)image / MB, (double)chunk_bytes / MB, (double)in_tight / MB, (double)tight / MB,
            (double)in_ample / MB, (double)ample / MB);
    CHECK(image > 38 * MB && image < tight);
    CHECK(in_tight >= image && in_tight <= tight + 2 * chunk_bytes + slack);
    CHECK(in_ample >= image && in_ample <= ample + slack);
    market_remove();
    return check_finish();
}
