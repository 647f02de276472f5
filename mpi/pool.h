/** @file mpi/pool.h
 * The inside of a pool, shared by pool.c (creating, resizing, destroying), request.c (a rank's requests) and
 * get.c (the hit path, and the wait for a load).
 */
#ifndef BP_MPI_POOL_H
#define BP_MPI_POOL_H

#include <limits.h>
#include <pthread.h>

#include <bundlepool/pool.h>

#include "core/bundle.h"
#include "core/directory.h"
#include "core/loader.h"
#include "mpi/await.h"
#include "mpi/budget.h"
#include "mpi/preflight.h"
#include "mpi/service.h"
#include "mpi/topology.h"
#include "mpi/window.h"

/** What this process hands out for a slot. Valid for one generation; filled in under the pool's lock by a
 *  thread that has the slot pinned, and stable as long as any thread of this process has it pinned. */
typedef struct bp__handle {
    bp_bundle bundle; /**< first: a bundle's address is its handle's */
    bp_pool *pool;
    _Atomic uint64_t generation; /**< 0: none; stored last (release) */
    _Atomic uint64_t checked;    /**< ticks when this process itself last found it current */
    bool may_look;               /**< a stat() by this process tells the truth; stored before `generation` */
} bp__handle;

struct bp_pool {
    /* the hit path's part */
    bp__directory dir;
    bp__lines *own;
    bp__handle *handle;      /**< [num_slots] */
    int64_t staleness_ticks; /**< max_staleness_ms in ticks; -1: any age will do */
    bool may_check;          /**< this rank sees the files as rank 0 does, and a stat() is cheap */
    uint64_t root_dev;       /**< where a stat() tells the truth at once (see core/identity.h) if may_check */
    bool pooled;             /**< false: every get is a private load */
    bool ends_with_mpi;      /**< that it is not destroyed before MPI_Finalize is meant so */
    bool unreachable;        /**< creating: not all ranks could be told that it has failed */
    _Atomic bool ended;      /**< it is no more, but for what was still held */
    size_t root_len;
    bp_config cfg; /**< root is absolute */

    const bp__loader *loader;
    pthread_mutex_t helping; /**< held by the thread that decodes for a load */
    pthread_mutex_t lock;    /**< over boxes in use and handles being filled in */
    pthread_cond_t box_free;
    bool box_used[BP__BOXES];
    uint32_t box_number[BP__BOXES];

    bp__topology top;
    bp__backing backing; /**< of both windows */
    bp__window control, arena;
    int *world_rank;      /**< [node_size] ranks of this node in top.world */
    bp__service *service; /**< NULL except in the first rank of a node */
    bp__budget budget;
    uintptr_t serial; /**< unique in this process; bp_pool_instance() attaches it to the communicator */
    bp_pool *next;    /**< in the list of this process's live pools */
};

extern _Atomic bool bp__forked; /**< set in the child by a fork handler */

/** bp_pool_get() as far as it waits for nobody.
 *  @param[in] may_look  a stat() is allowed where it would tell; false: for callers that hold a lock
 *  @return a bundle as from bp_pool_get(); NULL: nothing has happened, and bp_pool_get() will tell */
const bp_bundle *bp__pool_find(bp_pool *pool, const char *name, bool may_look);

/** Let a live pool hold another number of bundles, evicting by LRU; what bp_pool_instance() does.
 *  @retval BP_EINVAL  out of range, or beyond what the pool was created for */
bp_status bp__pool_resize(bp_pool *pool, int64_t bundles);

/** Post a request and wait for its answer.
 *
 * @param[in]  name      bundle; NULL: every bundle, or none is needed
 * @param[in]  number    BP__RESIZE
 * @param[in]  deadline  CLOCK_MONOTONIC
 * @param[out] reply     the answer, borrowed until bp__request_end()
 * @param[out] box       for bp__request_end()
 * @retval BP_ETIMEOUT   without a text; nothing to end
 * @retval any           what the coordinator answered; nothing to end */
bp_status bp__request_begin(bp_pool *pool, bp__request kind, const char *name, int64_t number,
                            const struct timespec *deadline, const bp__reply **reply, uint32_t *box);

/** The answer has been used: the agent may drop the pin that it holds for it. */
void bp__request_end(bp_pool *pool, uint32_t box);

/** The public functions of the same names, for a given loader, which reads the pool's bundles with and
 *  without pooling. @param[in] loader  borrowed as long as the pool lives */
bp_status bp__pool_create_with(MPI_Comm comm, const bp_config *cfg, const bp__loader *loader, bp_pool **pool);
bp_status bp__pool_instance_with(MPI_Comm comm, const bp_config *cfg, const bp__loader *loader,
                                 bp_pool **pool);

#endif
