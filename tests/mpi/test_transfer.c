/* Loads that many take part in: whoever decodes, and whatever travels between the nodes, the image is that
 * which a single process makes of the file; and a damaged chunk gives everybody the same reason. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/atomic.h"
#include "core/bundle.h"
#include "io/hdf5/h5read.h"
#include "io/hdf5/h5write.h"
#include "io/ingest/demo.h"
#include "io/make_file.h"
#include "mpi/pool.h"
#include "support/market.h"
#include "support/mpi_check.h"

static const char *root;

static bp_status write_demo(const char *name, const bp__demo_options *options, bp__write_filter filter)
{
    bp__draft draft;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s.h5", root, name);
    BP_TRY(bp__draft_init(&draft, name, NULL));
    bp_status s = bp__demo_generate(options, &draft);
    if (s == BP_OK) s = bp__draft_finish(&draft);
    if (s == BP_OK) s = bp__h5_write(&draft, path, &(bp__write_options){.filter = filter});
    bp__draft_fini(&draft);
    return s;
}

/* Chunks that hold rows of several assets, each with a factor of its own; minute bars as well. */
static bool write_factors(const char *name)
{
    const file_format format = {"factors", 60, 700, 9000, .chunk = {7, 300}, .deflate = 1, .by_asset = true};
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s.h5", root, name);
    return make_file(path, &format);
}

/* Flip bytes in the middle of the stored closes of a file. Its time is old enough by then: no load waits for
 * it to settle. */
static bool damage(const char *name)
{
    char path[PATH_MAX];
    unsigned char bytes[64];
    bp__source *source;
    snprintf(path, sizeof path, "%s/%s.h5", root, name);
    if (bp__h5_loader()->open(path, &source) != BP_OK) return false;
    const bp__plan *plan = bp__h5_loader()->plan(source);
    const bp__plan_task *task = &plan->task[plan->num_tasks / 3];
    off_t at = (off_t)(task->file_offset + task->stored_bytes / 2);
    int fd = open(path, O_RDWR);
    bool ok = fd >= 0 && pread(fd, bytes, sizeof bytes, at) == (ssize_t)sizeof bytes;
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)~bytes[i];
    ok = ok && pwrite(fd, bytes, sizeof bytes, at) == (ssize_t)sizeof bytes;
    if (fd >= 0) close(fd);
    bp__h5_loader()->close(&source);
    return ok;
}

/* On rank 0's machine the file can be read; others are sent the reference. */
static void *reference(const char *name, uint64_t *bytes)
{
    const bp_bundle *b = NULL;
    if (check_rank == 0) CHECK_OK(bp_bundle_load(root, name, &b));
    *bytes = b ? bp_bundle_bytes(b) : 0;
    MPI_Bcast(bytes, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD);
    void *image = malloc(*bytes + 1);
    if (!CHECK(image != NULL)) MPI_Abort(MPI_COMM_WORLD, 1);
    if (b) memcpy(image, b->image, *bytes);
    MPI_Bcast(image, (int)*bytes, MPI_BYTE, 0, MPI_COMM_WORLD);
    bp_bundle_release(&b);
    return image;
}

static bp_pool *create(bp_transfer transfer, uint64_t memory)
{
    bp_config cfg = bp_config_init();
    bp_pool *pool = NULL;
    CHECK_OK(bp_config_default(&cfg));
    CHECK_OK(bp_config_from_env(&cfg));
    snprintf(cfg.root, sizeof cfg.root, "%s", root);
    cfg.transfer = transfer;
    cfg.pool_memory = (int64_t)memory;
    cfg.max_staleness_ms = -1;
    CHECK_OK(bp_pool_create(MPI_COMM_WORLD, &cfg, &pool));
    return pool;
}

static void get_and_compare(bp_pool *pool, const char *name, const void *image, uint64_t bytes)
{
    const bp_bundle *b;
    if (!CHECK_OK(bp_pool_get(pool, name, &b))) return;
    CHECK(bp_bundle_bytes(b) == bytes && memcmp(b->image, image, bytes) == 0);
    bp_bundle_release(&b);
}

/* Until nothing is left in this node's directory: what was invalidated has been given up by every node. Pages
 * that are kept then are those of the image that is loaded next. */
static void wait_until_empty(const bp_pool *pool)
{
    for (uint32_t s = 0; s < pool->dir.num_slots;) {
        uint64_t word = bp__load_acquire(&pool->dir.slot[s].word);
        if (bp__word_fill(word) == BP__SLOT_FREE)
            s++;
        else
            clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_nsec = 100000}, NULL);
    }
}

/* Everybody gets it at once, again and again; some of the ranks are late, and some do not want it at all. */
static void load_often(bp_transfer transfer, uint64_t memory, const char *name, const void *image,
                       uint64_t bytes, int rounds)
{
    bp_pool *pool = create(transfer, memory);
    bp_stats s = bp_stats_init();
    for (int round = 0; round < rounds; round++) {
        MPI_Barrier(MPI_COMM_WORLD);
        if ((check_rank + round) % 4 != 3 || check_size < 4) get_and_compare(pool, name, image, bytes);
        MPI_Barrier(MPI_COMM_WORLD);
        CHECK_OK(bp_pool_stats(pool, &s));
        CHECK(s.cluster.loads == (uint64_t)round + 1 && s.bytes_peak <= s.bytes_limit);
        CHECK(s.bytes_resident >= bytes && s.bytes_resident < bytes + (1 << 20)); /* no stage is left */
        MPI_Barrier(MPI_COMM_WORLD);
        if (check_rank == round % check_size) CHECK_OK(bp_pool_invalidate(pool, name));
        MPI_Barrier(MPI_COMM_WORLD);
        wait_until_empty(pool);
    }
    CHECK_OK(bp_pool_destroy(&pool));
}

static void test_damaged(bp_transfer transfer, const char *name)
{
    const bp_bundle *b;
    char first[BP_ERROR_TEXT_MAX];
    bp_pool *pool = create(transfer, 64 << 20);
    CHECK_STATUS(bp_pool_get(pool, name, &b), BP_EFORMAT);
    CHECK(strstr(bp_error_text(), "/US/data/") && strstr(bp_error_text(), "damaged chunk"));
    snprintf(first, sizeof first, "%s", bp_error_text());
    MPI_Bcast(first, sizeof first, MPI_CHAR, 0, MPI_COMM_WORLD);
    CHECK(strcmp(first, bp_error_text()) == 0);
    if (CHECK_OK(bp_pool_get(pool, "gzip", &b))) bp_bundle_release(&b);
    CHECK_OK(bp_pool_destroy(&pool));
}

int main(int argc, char **argv)
{
    check_init(&argc, &argv);
    root = market_root();
    const bp__demo_options small = {60, 1500, 3, 1}, large = {200, 2520, 0, 2};
    if (check_rank == 0) {
        CHECK_OK(write_demo("gzip", &small, BP__WRITE_GZIP));
        CHECK_OK(write_demo("plain", &large, BP__WRITE_NONE));
        CHECK_OK(write_demo("damaged", &large, BP__WRITE_GZIP));
        CHECK(damage("damaged"));
        CHECK(write_factors("factors"));
    }
    MPI_Barrier(MPI_COMM_WORLD);
    uint64_t gzip_bytes, plain_bytes, factors_bytes;
    void *factors = reference("factors", &factors_bytes);
    void *gzip = reference("gzip", &gzip_bytes), *plain = reference("plain", &plain_bytes);

    check_case("what travels is decoded");
    load_often(BP_TRANSFER_DECODED, 64 << 20, "gzip", gzip, gzip_bytes, 8);
    check_case("what travels is as it is stored");
    load_often(BP_TRANSFER_STORED, 64 << 20, "gzip", gzip, gzip_bytes, 8);
    check_case("whichever is faster");
    load_often(BP_TRANSFER_AUTO, 64 << 20, "gzip", gzip, gzip_bytes, 4);
    check_case("a factor for each asset");
    load_often(BP_TRANSFER_DECODED, 64 << 20, "factors", factors, factors_bytes, 3);
    load_often(BP_TRANSFER_STORED, 64 << 20, "factors", factors, factors_bytes, 3);
    check_case("chunks do not fit at once: a ring");
    load_often(BP_TRANSFER_STORED, plain_bytes + (9 << 20), "plain", plain, plain_bytes, 3);
    check_case("no memory for a stage at all");
    load_often(BP_TRANSFER_STORED, plain_bytes + 4096, "plain", plain, plain_bytes, 2);
    check_case("a damaged chunk: the same reason for all, and nothing else is touched");
    test_damaged(BP_TRANSFER_DECODED, "damaged");
    test_damaged(BP_TRANSFER_STORED, "damaged");

    free(factors);
    free(gzip);
    free(plain);
    market_remove();
    return check_finish();
}
