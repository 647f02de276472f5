/* One rank alone fails while a pool is created, in whatever it allocates or maps, one call after the other:
 * every rank gets the error, none waits for ever, and nothing stands in the way of the next attempt. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <bundlepool/bundlepool.h>

#include "support/mpi_check.h"

#define MOST_CALLS 1000

/* How many more calls of this thread go well before one fails; -1: all do. Linked with --wrap. */
static _Thread_local int calls_left = -1;
static const char *failed_in = "";

static bool fails(const char *function)
{
    if (calls_left < 0 || calls_left-- > 0) return false;
    failed_in = function;
    errno = ENOMEM;
    return true;
}

#define WRAP(type, name, parameters, arguments, failure)                                                     \
    type __real_##name parameters;                                                                           \
    type __wrap_##name parameters;                                                                           \
    type __wrap_##name parameters                                                                            \
    {                                                                                                        \
        return fails(#name) ? failure : __real_##name arguments;                                             \
    }
WRAP(void *, malloc, (size_t n), (n), NULL)
WRAP(void *, calloc, (size_t n, size_t size), (n, size), NULL)
WRAP(void *, realloc, (void *p, size_t n), (p, n), NULL)
WRAP(void *, mmap, (void *at, size_t n, int access, int flags, int fd, off_t from),
     (at, n, access, flags, fd, from), MAP_FAILED)
WRAP(void *, mremap, (void *at, size_t old, size_t n, int flags), (at, old, n, flags), MAP_FAILED)
WRAP(int, mprotect, (void *at, size_t n, int access), (at, n, access), -1)
WRAP(int, madvise, (void *at, size_t n, int advice), (at, n, advice), -1)
WRAP(int, mkostemp, (char *path, int flags), (path, flags), -1)
WRAP(int, ftruncate, (int fd, off_t n), (fd, n), -1)
WRAP(int, pthread_create, (pthread_t * t, const pthread_attr_t *a, void *(*run)(void *), void *arg),
     (t, a, run, arg), EAGAIN)

/* @return whether all went well, on every rank or on none */
static bool create(int victim, int call)
{
    bp_config cfg = bp_config_init();
    bp_pool *pool = NULL;
    CHECK_OK(bp_config_default(&cfg));
    CHECK_OK(bp_config_from_env(&cfg));
    cfg.pool_memory = 8 << 20;
    cfg.link_timeout_ms = 1000;   /* who has no memory to say that it is here is taken for unreachable */
    cfg.log_level = BP_LOG_ERROR; /* of what is only advice, a failure is a warning */
    snprintf(cfg.root, sizeof cfg.root, "/tmp");
    if (check_rank == victim) calls_left = call;
    bp_status s = bp_pool_create(MPI_COMM_WORLD, &cfg, &pool);
    calls_left = -1;
    int mine = s == BP_OK, all, any;
    MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_LAND, MPI_COMM_WORLD);
    MPI_Allreduce(&mine, &any, 1, MPI_INT, MPI_LOR, MPI_COMM_WORLD);
    if (!CHECK(all == any) || !CHECK((s == BP_OK) == (pool != NULL)) ||
        (s != BP_OK && !CHECK(bp_error_text()[0])))
        printf("rank %d: call %d of rank %d: %s\n", check_rank, call, victim, bp_error_text());
    if (all) CHECK_OK(bp_pool_destroy(&pool));
    return all;
}

int main(int argc, char **argv)
{
    check_init(&argc, &argv);
    for (int victim = 0; victim < check_size; victim++) {
        int call = 0, errors = 0, over = 0;
        check_case("one rank alone fails");
        while (!over && CHECK(call < MOST_CALLS)) {
            failed_in = "";
            errors += !create(victim, call++);
            over = check_rank == victim && failed_in[0] == '\0'; /* there are fewer calls than that */
            MPI_Bcast(&over, 1, MPI_INT, victim, MPI_COMM_WORLD);
        }
        if (check_rank == victim) printf("rank %d: %d calls, %d errors\n", victim, call - 1, errors);
        CHECK(errors > 5);
        CHECK(create(-1, 0));
    }
    return check_finish();
}
