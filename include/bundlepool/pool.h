/** @file pool.h
 * The bundle pool: one read-only copy of each bundle per node, shared by all ranks of a communicator.
 *
 * Protocol
 *  1. Every rank calls MPI_Init_thread with MPI_THREAD_MULTIPLE.
 *  2. All ranks of the communicator call bp_pool_create() with the same configuration.
 *  3. Any rank, at any time, from any thread: bp_pool_get() pins the current version of a bundle and
 *     borrows its image; bp_bundle_release() gives it back. No rank waits for another one to call.
 *  4. All ranks call bp_pool_destroy() before MPI_Finalize. Of a pool that was forgotten MPI_Finalize ends the threads
 *     of each process, with a warning, and waits for no other rank: whoever still uses it gets BP_EMPI. A bundle that
 *     is held then stays readable until the process ends.
 *
 * Promises
 *  1. Snapshot. From get to release a bundle does not change, move or vanish, whatever is
 *     invalidated, evicted or rewritten meanwhile.
 *  2. Invalidation. When bp_pool_invalidate() has returned on any rank, no get that starts
 *     afterwards, on any rank of any node, returns what was resident before.
 *  3. Freshness. With max_staleness_ms = T, a get returns the version that was on disk at most T ms
 *     before it began. T = 0 asks every time: one stat() on rank 0's node with a local file system,
 *     about a millisecond on other nodes. T > 0 makes hits purely local. T = -1: only
 *     bp_pool_invalidate(). Concurrent checks of one node become one.
 *  4. One load. However many ranks miss at once, a version is read from disk once. Different bundles
 *     load concurrently, and a slow load delays no hit and no other bundle.
 *  5. Bounds. Never more than max_bundle_pool_size bundles in the directory, never more than
 *     pool_memory bytes claimed on any node, at any moment, loads in flight included.
 *  6. LRU. The victim is the least recently used bundle of the cluster: unpinned ones first, and
 *     among pinned ones the directory entry goes at once and the memory when the last pin does. On
 *     one node that is exact. Several nodes are asked when room is needed, each at another moment: of
 *     two bundles whose last uses are closer together than the first and the last node's answer, both
 *     of which lie within the get that needs the room, either may go.
 *  7. No torn reads. A file replaced or rewritten during its load is noticed and loaded again; a
 *     version that is published was on disk as a whole.
 *  8. Failure stays where it is. A load that fails gives every rank that waited the same code and
 *     the same text; other bundles, later gets and the job are untouched.
 *  9. Read-only. A stray write to a bundle stops the process that made it; it never changes what
 *     another rank reads.
 * 10. A broken link is told. Nodes that do not hear each other for link_timeout_ms, or an MPI call of the pool's that
 *     fails, break the pool: on every rank every call, those under way included, returns BP_EMPI within a second of
 *     the news, with a text that names the nodes. What is pinned stays readable. A shorter pause is survived, and
 *     time in which a process itself was stopped is no other's silence. Write what you have, then end the job by
 *     MPI_Abort or _exit: MPI_Finalize, and collectives of your own, may wait for the lost node for ever.
 * 11. Nothing is left behind after an end of any kind: no segment, file or process.
 *
 * Caveats
 *  - Crash: a rank that dies takes the MPI job with it; shared memory is unlinked from the start.
 *  - fork: in a child every call returns BP_EFORKED; bundles got by the parent must not be used.
 *  - File times advance with the kernel's tick (4 ms): a second rewrite in place within the same tick is
 *    invisible if the size stays the same. Hence a load waits until the file has been unchanged for 20 ms.
 *  - Lustre, NFS, CIFS, FAT, FUSE and others have times in steps of up to 2 s, or their server's. There a load of
 *    a file that changed in the last 12 s waits until it has been seen unchanged for 2 s. All promises hold if the
 *    server's clock is less than 10 s behind.
 *  - NFS: a rewrite by another client is seen as soon as that client has closed the file, or renamed it into its
 *    place; a file that was not there before, when the client looks into the folder again, up to a minute later.
 *    Every check is made by rank 0's node there, also for its own ranks.
 *  - A rank that stands still while it waits in a get (stopped, in a debugger) holds up a load by a second or two; the
 *    first rank of a node, or rank 0, holds up all that its node, or the pool, does. What it has pinned stays.
 *  - A get must not be left by pthread_cancel() or longjmp(), also not out of a signal handler: what it had pinned or
 *    locked stays so. Others still get the bundle; its memory is never given back.
 *  - A load that waits for memory delays the loads behind it: room is given first come, first served.
 *  - Files are not trusted: a process of its own, bundle-parser, looks into them; see config.h.
 *  - A file system that no longer answers holds up what lies on it, and nothing else. A pool that is to be destroyed
 *    waits for a read that does not end for load_timeout_ms in all, and leaves its thread behind.
 *  - A rank that holds one bundle and asks for another that needs the first one's memory gets BP_EFULL after
 *    room_timeout_ms, with a text that says who pins what.
 *  - Linux 5.14 or later is recommended: on older kernels only statvfs shows that /dev/shm is full.
 */
#ifndef BUNDLEPOOL_POOL_H
#define BUNDLEPOOL_POOL_H

#include <mpi.h>

#include <bundlepool/bundle.h>
#include <bundlepool/config.h>
#include <bundlepool/stats.h>
#include <bundlepool/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bp_pool bp_pool;

/** Create a pool for the ranks of `comm`.
 *
 * Collective: over comm.    Threads: one per rank.    Blocks: until all ranks have called.
 * comm is duplicated, never used. Either every rank gets a pool or every rank gets the same error.
 *
 * @param[in]  comm  intracommunicator
 * @param[in]  cfg   from bp_config_init(); the same on every rank; copied
 * @param[out] pool  owned: bp_pool_destroy(); NULL on failure
 *
 * @retval BP_EINVAL  a field is out of range or differs between ranks; root is too long; cfg->size is not
 *                    valid, or cfg has a setting that this library is too old for
 * @retval BP_EMPI    MPI is not initialised, lacks MPI_THREAD_MULTIPLE, or failed; or two nodes cannot reach each
 *                    other within link_timeout_ms. (If MPI's own collectives need that link, they wait for it
 *                    for as long as MPI likes: they cannot tell it from a rank that comes late.)
 * @retval BP_ENOMEM  shared memory of a node is too small; the text names the node
 * @retval BP_ESYS    a system call failed
 * @retval BP_EFORKED called in a child process
 */
BP_API bp_status bp_pool_create(MPI_Comm comm, const bp_config *cfg, bp_pool **pool);

/** The pool of a communicator: created at the first call, the same one ever after.
 *
 * Collective: over comm when it creates the pool. A call on a live pool is not collective: it asks the
 * coordinator and, if cfg->max_bundle_pool_size differs from the pool's, resizes the pool for the whole
 * cluster, evicting by LRU, and returns when that is done. Other fields of a live pool are not changed.
 *
 * @param[out] pool  borrowed; destroyed with bp_pool_destroy()
 *
 * @retval BP_EINVAL  as bp_pool_create(), or the new size is beyond what the pool was created for: the
 *                    larger of 1024 and its first size
 */
BP_API bp_status bp_pool_instance(MPI_Comm comm, const bp_config *cfg, bp_pool **pool);

/** Destroy a pool.
 *
 * Collective: over its ranks, unless the pool is broken: then it waits for nobody.
 * Threads: one per rank, no other call under way.
 *
 * @retval BP_EBUSY  a rank still holds a bundle (the text names both): every rank gets this answer, and
 *                   nothing is destroyed
 * @retval BP_EMPI   the pool is broken, perhaps only since this call waits: two nodes have lost each other, or a read of
 *                   a file does not end; the text says why. *pool is NULL, its threads have ended (but for one in that
 *                   read, which ends with it), bundles that are held stay readable; what it has of MPI, and its shared
 *                   memory, are left to the process's end
 */
BP_API bp_status bp_pool_destroy(bp_pool **pool);

/** Whether a pool is whole. Programs whose ranks wait for each other by means of their own can ask between two looks.
 *
 * Local; any thread. Never waits; costs a load of a word that hardly ever changes.
 *
 * @retval BP_OK      it was a moment ago
 * @retval BP_EMPI    it is broken, and stays so; the text says why, and which nodes have lost each other
 * @retval BP_EINVAL  pool is NULL
 * @retval BP_EFORKED called in a child process
 */
BP_API bp_status bp_pool_check(const bp_pool *pool);

/** Pin the current version of a bundle and borrow its read-only image.
 *
 * Threads: any.    Process: valid in this process only.
 * Blocks: a hit that is known to be current never. One whose file has to be checked blocks for a stat() where
 *         the rank can do that itself, elsewhere until the coordinator has answered (see Freshness). A miss
 *         blocks until the bundle is published. All of it ends after cfg.load_timeout_ms, whatever the file
 *         system does; only a stat() of its own, which a rank makes on local file systems alone, takes what it takes.
 *
 * @param[in]  pool    live pool
 * @param[in]  name    NUL-terminated, 1..63 bytes of [A-Za-z0-9._-], not starting with '.'; copied
 * @param[out] bundle  borrowed until bp_bundle_release(); NULL on failure
 *
 * @retval BP_EINVAL     the name is not valid, or pool is NULL
 * @retval BP_ENOTFOUND  no such bundle; nothing changed
 * @retval BP_EFORMAT    the file is not a bundle
 * @retval BP_EIO        reading failed
 * @retval BP_EFULL      the image is larger than the budget, or what is pinned leaves no room
 * @retval BP_EBUSY      this rank holds the bundle some 8 million times: releases are missing
 * @retval BP_ENOMEM     a node cannot hold the image
 * @retval BP_ETIMEOUT   not published in time; the load goes on, and the get may be repeated
 * @retval BP_ECHANGED   the file kept changing until load_timeout_ms had passed
 * @retval BP_ESYS       a system call failed, such as starting a thread
 * @retval BP_ESTOPPED   the pool is shutting down
 * @retval BP_EMPI       the pool is broken; the text says why
 * @retval BP_EFORKED    called in a child process
 */
BP_API bp_status bp_pool_get(bp_pool *pool, const char *name, const bp_bundle **bundle);

/** Forget a bundle: a get that starts after this has returned loads it again.
 *
 * Blocks: until every node has taken the bundle out of its directory.
 *
 * @param[in] name  NULL: every bundle. A name that is not resident is not an error.
 * @retval BP_EINVAL    the name is not valid, or pool is NULL
 * @retval BP_ETIMEOUT  it may or may not have taken effect: repeat the call
 * @retval BP_ENOMEM    the coordinator cannot answer; repeat the call
 * @retval BP_EMPI      the pool is broken; the text says why
 * @retval BP_EFORKED   called in a child process
 */
BP_API bp_status bp_pool_invalidate(bp_pool *pool, const char *name);

/** The version that a get would return now.
 *
 * Blocks: as bp_pool_get(), and hashes the image: about a second per 2 GB.
 * @param[in,out] version  from bp_version_init(); the caller owns what is filled in: bp_version_fini()
 * @retval BP_EINVAL       the name or version->size is not valid
 * @retval as bp_pool_get()
 */
BP_API bp_status bp_pool_version(bp_pool *pool, const char *name, bp_version *version);

/** Statistics of this rank, its node and the cluster.
 *
 * Blocks: until the coordinator has answered.
 * @param[in,out] stats  from bp_stats_init(); untouched on failure
 * @retval BP_EINVAL     pool is NULL, or stats->size is not valid
 * @retval BP_ETIMEOUT   no answer within load_timeout_ms
 * @retval BP_ENOMEM     the coordinator cannot answer; repeat the call
 * @retval BP_EMPI       the pool is broken; the text says why
 * @retval BP_EFORKED    called in a child process
 */
BP_API bp_status bp_pool_stats(bp_pool *pool, bp_stats *stats);

#ifdef __cplusplus
}
#endif
#endif
