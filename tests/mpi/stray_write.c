/* stray_write RANK : that rank writes through a bundle's pointer and must die of it by SIGSEGV.
 * stray_write RANK directory : it writes to a page of the directory; likewise, unless it is the first rank of its node.
 * stray_write RANK lines     : it writes to the line of another rank; likewise.
 * stray_write maps  : no process has a writable mapping of what is handed out, or of the extent behind it. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <bundlepool/bundlepool.h>

#include "core/atomic.h"
#include "mpi/pool.h"
#include "support/market.h"
#include "support/mpi_check.h"

/* Writable mappings of the file (device:inode) and offset behind `address`. */
static int writable_aliases(const void *address, uint64_t bytes)
{
    char line[512], perms[8], dev[16], want_dev[16] = "";
    uint64_t from, to, offset, inode, want_inode = 0, want_offset = 0;
    int found = 0;
    for (int pass = 0; pass < 2; pass++) {
        FILE *f = fopen("/proc/self/maps", "r");
        CHECK(f != NULL);
        while (f && fgets(line, sizeof line, f)) {
            if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %15s %" SCNu64, &from, &to, perms,
                       &offset, dev, &inode) != 6)
                continue;
            uint64_t at = (uint64_t)(uintptr_t)address;
            if (pass == 0 && at >= from && at < to) {
                CHECK(perms[0] == 'r' && perms[1] == '-' && perms[3] == 's');
                want_offset = offset + (at - from);
                want_inode = inode;
                strcpy(want_dev, dev);
            }
            if (pass == 1 && inode == want_inode && strcmp(dev, want_dev) == 0 && perms[1] == 'w' &&
                offset < want_offset + bytes && want_offset < offset + (to - from))
                found++;
        }
        if (f) fclose(f);
    }
    CHECK(want_inode != 0);
    return found;
}

int main(int argc, char **argv)
{
    check_init(&argc, &argv);
    const char *root = market_root();
    if (check_rank == 0) market_write("one", 1, 10, 100);
    MPI_Barrier(MPI_COMM_WORLD);
    bp_config cfg = bp_config_init();
    bp_pool *pool;
    const bp_bundle *b;
    CHECK_OK(bp_config_default(&cfg));
    snprintf(cfg.root, sizeof cfg.root, "%s", root);
    cfg.pool_memory = 16 << 20;
    CHECK_OK(bp_pool_create(MPI_COMM_WORLD, &cfg, &pool));
    CHECK_OK(bp_pool_get(pool, "one", &b));
    CHECK(market_version(b) == 1);
    market_remove();
    MPI_Barrier(MPI_COMM_WORLD);
    if (argc > 1 && strcmp(argv[1], "maps") == 0) {
        CHECK(writable_aliases(bp_bundle_daily(b, BP_COL_OPEN), 10 * 100 * 8) == 0);
    } else if (argc > 2 && check_rank == atoi(argv[1])) {
        if (strcmp(argv[2], "directory") == 0)
            bp__store_relaxed(&pool->dir.slot[0].checked, 42);
        else
            bp__store_relaxed(&bp__dir_lines(&pool->dir, (uint32_t)(check_rank == 0))->misses, 42);
        printf("rank %d wrote to the %s and lives\n", check_rank, argv[2]);
    } else if (argc > 1 && check_rank == atoi(argv[1])) {
        double *close = (double *)(uintptr_t)bp_bundle_daily(b, BP_COL_CLOSE);
        close[0] = 42.0; /* dies here */
        printf("rank %d wrote to a bundle and lives\n", check_rank);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    bp_bundle_release(&b);
    CHECK_OK(bp_pool_destroy(&pool));
    return check_finish();
}
