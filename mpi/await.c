#include "mpi/await.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SPINS      64
#define NAP_MIN_NS 20000
#define NAP_MAX_NS 1000000

/* What MPI may still use. */
typedef struct left {
    struct left *next;
    void *memory;
} left;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static left *all_left;

void bp__await_leave(void *memory)
{
    left *l = memory ? malloc(sizeof *l) : NULL;
    if (!l) return; /* without memory to note it, it is left all the same */
    l->memory = memory;
    pthread_mutex_lock(&lock);
    l->next = all_left;
    all_left = l;
    pthread_mutex_unlock(&lock);
}

bp_status bp__await(MPI_Request *request, MPI_Status *status, const bp__watch *watch)
{
    long ns = NAP_MIN_NS;
    for (int looks = 0;; looks++) {
        int done;
        BP_MPI(MPI_Test(request, &done, status));
        if (done) return BP_OK;
        BP_TRY(watch->check(watch->context));
        if (looks < SPINS) continue; /* most answers come at once */
        nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
        ns = ns * 3 / 2 < NAP_MAX_NS ? ns * 3 / 2 : NAP_MAX_NS;
    }
}

static bp_status check_nothing(const void *context)
{
    (void)context;
    return BP_OK;
}

/* For who has no memory that could be left to MPI: it takes part with the caller's, and cannot give up. */
static const bp__watch for_ever = {check_nothing, NULL};

/* Wait for a collective over memory that is let go of in any case. */
static bp_status end(MPI_Request *request, void *memory, const bp__watch *watch)
{
    bp_status s = bp__await(request, MPI_STATUS_IGNORE, watch);
    if (bp__failed(s)) bp__await_leave(memory);
    return s;
}

bp_status bp__await_barrier(MPI_Comm comm, const bp__watch *watch)
{
    MPI_Request request;
    BP_MPI(MPI_Ibarrier(comm, &request));
    return end(&request, NULL, watch);
}

bp_status bp__await_bcast(void *bytes, size_t size, int root, MPI_Comm comm, const bp__watch *watch)
{
    MPI_Request request;
    if (size > INT_MAX) BP_FAIL(BP_ENOMEM, "%zu bytes are too many for one message", size);
    char *own = malloc(size);
    if (own) memcpy(own, bytes, size);
    BP_MPI(MPI_Ibcast(own ? own : bytes, (int)size, MPI_BYTE, root, comm, &request));
    BP_TRY(end(&request, own, own ? watch : &for_ever));
    if (own) memcpy(bytes, own, size);
    free(own);
    return BP_OK;
}

bp_status bp__await_allreduce(const uint64_t *mine, uint64_t *all, int count, MPI_Op op, MPI_Comm comm,
                              const bp__watch *watch)
{
    MPI_Request request;
    const size_t size = (size_t)count * sizeof *mine;
    uint64_t *own = malloc(2 * size);
    if (own) memcpy(own, mine, size);
    BP_MPI(
        MPI_Iallreduce(own ? own : mine, own ? own + count : all, count, MPI_UINT64_T, op, comm, &request));
    BP_TRY(end(&request, own, own ? watch : &for_ever));
    if (own) memcpy(all, own + count, size);
    free(own);
    return BP_OK;
}

bp_status bp__await_agree(MPI_Comm comm, bp_status mine, const bp__watch *watch)
{
    int rank, size;
    struct {
        int code;
        char text[BP_ERROR_TEXT_MAX];
    } what = {(int)mine, ""};
    snprintf(what.text, sizeof what.text, "%s", bp__failed(mine) ? bp_error_text() : "");
    BP_MPI(MPI_Comm_rank(comm, &rank));
    BP_MPI(MPI_Comm_size(comm, &size));
    uint64_t failed = (uint64_t)(bp__failed(mine) ? rank : size), first = 0;
    BP_TRY(bp__await_allreduce(&failed, &first, 1, MPI_MIN, comm, watch));
    if (first == (uint64_t)size) return BP_OK;
    BP_TRY(bp__await_bcast(&what, sizeof what, (int)first, comm, watch));
    if ((uint64_t)rank == first) return bp__fail_text(mine, what.text);
    return bp__fail((bp_status)what.code, "%.490s (rank %d)", what.text, (int)first);
}
