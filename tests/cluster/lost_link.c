/* lost_link FOLDER WHAT : a pool whose link to another host a script cuts, while WHAT is done over and over:
 *
 *     idle         nothing
 *     load         rank 0 rewrites a bundle, all ranks get it
 *     invalidate   all ranks get a bundle, the last one invalidates it
 *     create       the pool is created, once, when the link is dead already
 *
 * FOLDER is visible to all ranks and to the script:
 *
 *     rank.K   written by rank K when it is ready: its host and its PID there
 *     go       the script: begin
 *     stop     the script: end, all is well
 *     said.K   written by rank K: "CODE TEXT", what ended it
 *
 * Exit code 1 after a failure, of which every rank has heard; without MPI_Finalize, which might wait for ever. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bundlepool/bundlepool.h>

#include "core/clock.h"
#include "support/market.h"
#include "support/mpi_check.h"

#define OTHERS_MS 15000 /* for all ranks to have said what they have heard */

static const char *folder;
static bp_pool *pool;

static void path_of(const char *name, int rank, char path[PATH_MAX])
{
    if (rank < 0)
        snprintf(path, PATH_MAX, "%s/%s", folder, name);
    else
        snprintf(path, PATH_MAX, "%s/%s.%d", folder, name, rank);
}

static bool is_there(const char *name, int rank)
{
    char path[PATH_MAX];
    path_of(name, rank, path);
    return access(path, F_OK) == 0;
}

/* All of it, or nothing: whoever sees the file sees what is in it. */
static void write_file(const char *name, const char *text)
{
    char path[PATH_MAX], draft[PATH_MAX + 8];
    path_of(name, check_rank, path);
    snprintf(draft, sizeof draft, "%s.draft", path);
    FILE *f = fopen(draft, "w");
    CHECK(f && fputs(text, f) >= 0);
    CHECK(f && fclose(f) == 0 && rename(draft, path) == 0);
}

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static bp_status get(const char *name)
{
    const bp_bundle *b;
    bp_status s = bp_pool_get(pool, name, &b);
    if (s == BP_OK) bp_bundle_release(&b);
    return s;
}

static bp_status do_once(const char *what)
{
    static uint32_t version = 1;
    bp_status s = bp_pool_check(pool);
    if (s == BP_OK && strcmp(what, "load") == 0) {
        if (check_rank == 0) market_write("one", ++version, 300, 2000);
        s = get("one");
    } else if (s == BP_OK && strcmp(what, "invalidate") == 0) {
        s = check_rank == check_size - 1 ? bp_pool_invalidate(pool, "one") : get("one");
    } else {
        nap();
    }
    return s;
}

static bp_status do_all(const char *what, const bp_config *cfg)
{
    const bool create = strcmp(what, "create") == 0;
    char me[128], host[64] = "";
    bp_status s = create ? BP_OK : bp_pool_create(MPI_COMM_WORLD, cfg, &pool);
    if (s == BP_OK && !create) s = get("one");
    CHECK(gethostname(host, sizeof host - 1) == 0);
    snprintf(me, sizeof me, "%s %ld\n", host, (long)getpid());
    write_file("rank", me);
    while (!is_there("go", -1)) nap();
    if (create) s = bp_pool_create(MPI_COMM_WORLD, cfg, &pool);
    while (s == BP_OK && !is_there("stop", -1)) s = do_once(what);
    return s;
}

static void say(bp_status s)
{
    char line[600];
    snprintf(line, sizeof line, "%s %s\n", bp_status_name(s), s == BP_OK ? "" : bp_error_text());
    write_file("said", line);
}

/* The launcher ends all ranks as soon as one ends with a failure. */
static void wait_for_others(void)
{
    const struct timespec deadline = bp__deadline(OTHERS_MS);
    for (int r = 0; r < check_size; r++)
        while (!is_there("said", r) && !bp__deadline_passed(&deadline)) nap();
}

int main(int argc, char **argv)
{
    bp_config cfg = bp_config_init();
    if (argc != 3) {
        fprintf(stderr, "usage: lost_link FOLDER WHAT\n");
        return 2;
    }
    folder = argv[1];
    check_init(&argc, &argv);
    CHECK_OK(bp_config_default(&cfg));
    CHECK_OK(bp_config_from_env(&cfg));
    snprintf(cfg.root, sizeof cfg.root, "%s", market_root());
    cfg.pool_memory = 128 << 20;
    if (check_rank == 0) market_write("one", 1, 300, 2000);
    MPI_Barrier(MPI_COMM_WORLD);
    bp_status s = do_all(argv[2], &cfg);
    say(s);
    bp_status destroyed = bp_pool_destroy(&pool);
    CHECK(pool == NULL);
    if (s == BP_OK) {
        CHECK_STATUS(destroyed, BP_OK);
        market_remove();
        return check_finish();
    }
    CHECK(destroyed == BP_EMPI || strcmp(argv[2], "create") == 0);
    wait_for_others();
    fflush(NULL);
    _exit(1);
}
