#include "mpi/pool.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/atomic.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/log.h"
#include "core/numa.h"
#include "core/stats.h"
#include "mpi/lend.h"

#define CREATE_SLACK_MS 3000 /* beyond link_timeout_ms: for the failure of a link to be told to all */
#define ROOM_TO_GROW    1024 /* bundles: every pool can be resized to this many, or to its first size */

_Atomic bool bp__forked;

static void in_child(void)
{
    bp__store_relaxed(&bp__forked, true);
}

static void once_per_process(void)
{
    bp__clock_init();
    if (pthread_atfork(NULL, NULL, in_child) != 0)
        bp__log(BP_LOG_WARN, "a fork of this process will not be noticed");
}

/* Whether it can be used ------------------------------------------------------------------------- */

static bp_status check_usable(const bp_pool *pool)
{
    if (bp__load_relaxed(&bp__forked))
        BP_FAIL(BP_EFORKED, "a pool cannot be used after fork in the child process");
    if (!pool) BP_FAIL(BP_EINVAL, "no pool");
    return BP_OK;
}

bp_status bp_pool_check(const bp_pool *pool)
{
    BP_TRY(check_usable(pool));
    if (bp__load_relaxed(&pool->ended)) BP_FAIL(BP_EMPI, "the pool has ended with MPI");
    return pool->pooled && pool->dir.header ? bp__dir_whole(&pool->dir) : BP_OK;
}

static bp_status check_whole(const void *pool)
{
    return pool ? bp_pool_check(pool) : BP_OK;
}

void bp__pool_may_end_with_mpi(bp_pool *pool)
{
    pool->ends_with_mpi = true;
}

bp__watch bp__pool_watch(const bp_pool *pool)
{
    return (bp__watch){check_whole, pool};
}

/* Life ------------------------------------------------------------------------------------------- */

static int64_t most_bundles(const bp_config *cfg)
{
    return cfg->max_bundle_pool_size > ROOM_TO_GROW ? cfg->max_bundle_pool_size : ROOM_TO_GROW;
}

static uint32_t num_slots(const bp_config *cfg)
{
    return (uint32_t)(2 * most_bundles(cfg) + 16);
}

/* The same configuration everywhere, with a root that does not depend on the working directory. */
static bp_status agree_on_config(bp_pool *pool, const bp_config *cfg)
{
    bp_status s = bp__config_read(cfg, &pool->cfg);
    if (s == BP_OK) s = bp_config_check(&pool->cfg);
    BP_TRY(bp__agree(pool->top.world, s));

    bp_config first = pool->cfg;
    BP_MPI(MPI_Bcast(&first, (int)sizeof first, MPI_BYTE, 0, pool->top.world));
    const char *field = bp__config_difference(&first, &pool->cfg);
    if (field)
        s = bp__fail(BP_EINVAL, "%s differs between ranks; give all ranks the same configuration", field);

    if (s == BP_OK && pool->cfg.root[0] != '/') {
        char cwd[BP_PATH_MAX], root[BP_PATH_MAX];
        int n = -1;
        memcpy(root, pool->cfg.root, sizeof root);
        if (getcwd(cwd, sizeof cwd)) n = snprintf(pool->cfg.root, sizeof pool->cfg.root, "%s/%s", cwd, root);
        if (n < 0 || (size_t)n >= sizeof pool->cfg.root)
            s = bp__fail(BP_EINVAL, "root: %.200s: too long", root);
    }
    pool->root_len = strlen(pool->cfg.root);
    return bp__agree(pool->top.world, s);
}

/* Whether a stat() by this rank shows what one by rank 0 would: it is on rank 0's node, and finds the same
 * folder under that name, on a file system of which stat() tells no old news. */
static bp_status agree_on_looking(bp_pool *pool)
{
    struct stat st;
    uint64_t first[2] = {0, 0}, mine[2] = {0, 0};
    if (stat(pool->cfg.root, &st) == 0) {
        mine[0] = (uint64_t)st.st_dev;
        mine[1] = (uint64_t)st.st_ino;
    }
    memcpy(first, mine, sizeof first);
    BP_MPI(MPI_Bcast(first, 2, MPI_UINT64_T, 0, pool->top.world));
    pool->may_check = pool->top.node_index == 0 && mine[1] != 0 && memcmp(first, mine, sizeof first) == 0 &&
                      bp__filesystem_at(pool->cfg.root).fine;
    pool->root_dev = mine[0];
    return BP_OK;
}

/* Ticks are compared between the processes of a node: all of them have to count the same. */
static bp_status agree_on_clock(const bp_pool *pool)
{
    int mine = bp__clock_has_tsc, all[2], both[2] = {mine, !mine};
    BP_MPI(MPI_Allreduce(both, all, 2, MPI_INT, MPI_LAND, pool->top.node));
    if (all[0] || all[1]) return BP_OK;
    BP_FAIL(BP_ESYS, "ranks of one node do not agree on its clock; let all of them see the same /sys");
}

/* A process may write its own lines and the common part, the agent's process its part as well; no other. */
static bp_status protect_control(bp_pool *pool)
{
    const bp__directory *d = &pool->dir;
    size_t lines_at = d->agent_bytes + d->common_bytes + (size_t)pool->top.node_rank * d->lines_stride;
    BP_TRY(bp__window_protect(&pool->control, 0, pool->control.bytes, false));
    BP_TRY(bp__window_protect(&pool->control, d->agent_bytes, d->common_bytes, true));
    BP_TRY(bp__window_protect(&pool->control, lines_at, d->lines_stride, true));
    if (pool->top.node_rank == 0) BP_TRY(bp__window_protect(&pool->control, 0, d->agent_bytes, true));
    return BP_OK;
}

/* Before any page of the arena is real: by one process for all, as the kernel keeps it with the memory. */
static void interleave(bp_pool *pool, const cpu_set_t *cpus)
{
    bp__domains domains;
    if (pool->cfg.numa != BP_NUMA_INTERLEAVE) return;
    bp__domains_find(BP__NUMA_FOLDER, cpus, &domains);
    if (domains.count < 2) return;
    if (bp__failed(bp__domains_interleave(&domains, pool->arena.base, pool->arena.bytes)))
        bp__log(BP_LOG_WARN, "node %s: %s; they lie where they are first touched", pool->top.host,
                bp_error_text());
    else
        bp__log(BP_LOG_INFO, "node %s: the pages of bundles are interleaved over %u NUMA domains",
                pool->top.host, domains.count);
}

static bp_status check_time(const void *deadline)
{
    if (!bp__deadline_passed(deadline)) return BP_OK;
    BP_FAIL(
        BP_EMPI,
        "the other ranks do not answer within link_timeout_ms, although all have begun to create the pool: "
        "a link between two nodes is dead, or a rank stands still");
}

/* Make a failure everybody's, where a dead link may keep it from coming. */
static bp_status agree_in_time(bp_pool *pool, bp_status mine)
{
    const struct timespec deadline = bp__deadline(pool->cfg.link_timeout_ms + CREATE_SLACK_MS);
    const bp__watch watch = {check_time, &deadline};
    bp_status s = bp__await_agree(pool->top.world, mine, &watch);
    pool->unreachable = bp__failed(s) && bp__deadline_passed(&deadline);
    return s;
}

static bp_status start_service(bp_pool *pool, const bp__loader *loader)
{
    cpu_set_t mine, all;
    CPU_ZERO(&mine);
    if (sched_getaffinity(0, sizeof mine, &mine) != 0) CPU_ZERO(&mine);
    BP_MPI(MPI_Allreduce(&mine, &all, (int)sizeof all, MPI_BYTE, MPI_BOR, pool->top.node));
    if (pool->top.node_rank == 0) interleave(pool, &all);
    bp_status s = BP_OK;
    if (pool->top.node_rank == 0) {
        bp__service_setup setup = {
            .cfg = &pool->cfg,
            .top = &pool->top,
            .world_rank = pool->world_rank,
            .dir = &pool->dir,
            .arena = &pool->arena,
            .budget = &pool->budget,
            .loader = loader,
            .cpus = &all,
        };
        s = bp__service_create(&setup, &pool->service);
    }
    BP_TRY(bp__agree(pool->top.world, s));
    if (pool->service) s = bp__service_connect(pool->service);
    BP_TRY(agree_in_time(pool, s));
    if (pool->service) s = bp__service_start(pool->service);
    s = agree_in_time(pool, s);
    if (bp__failed(s)) bp__service_stop(pool->service, false);
    if (s == BP_OK && pool->service) bp__service_go_live(pool->service);
    return s;
}

static bp_status create_windows(bp_pool *pool)
{
    uint32_t slots = num_slots(&pool->cfg), ranks = (uint32_t)pool->top.node_size;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint64_t control = bp__dir_bytes(slots, ranks, page);
    BP_TRY(bp__backing_agree(&pool->top, &pool->backing));
    BP_TRY(bp__budget_check(&pool->top, &pool->backing, control));
    BP_TRY(bp__preflight(&pool->top, &pool->backing, "the pool's directory", control));
    const char *folder = pool->backing.kind == BP__BACKING_FILE ? pool->backing.folder : NULL;
    bp_status s = bp__window_create(pool->top.node, control, &pool->control);
    pool->control.folder = folder;
    if (s == BP_OK && pool->top.node_rank == 0) /* all of it now: later a full /dev/shm would be a SIGBUS */
        s = bp__window_claim(&pool->control);
    BP_TRY(bp__agree(pool->top.world, s));
    BP_TRY(bp__budget_agree(&pool->top, &pool->backing, &pool->cfg, &pool->budget));
    BP_TRY(bp__preflight(&pool->top, &pool->backing, "bundles", pool->budget.arena));
    s = bp__window_create(pool->top.node, pool->budget.arena, &pool->arena);
    pool->arena.folder = folder;
    if (s == BP_OK) s = bp__window_split(&pool->arena);
    BP_TRY(bp__agree(pool->top.world, s));

    bp__dir_attach(&pool->dir, pool->control.base, slots, ranks, page);
    pool->arena.claims = pool->dir.claims;
    pool->own = bp__dir_lines(&pool->dir, (uint32_t)pool->top.node_rank);
    if (pool->top.node_rank == 0) bp__dir_init(&pool->dir, bp__clock_measure());
    BP_MPI(MPI_Barrier(pool->top.node));
    s = bp__dir_check(&pool->dir);
    if (s == BP_OK) s = protect_control(pool);
    return bp__agree(pool->top.world, s);
}

static bp_status create_parts(bp_pool *pool, const bp_config *cfg, const bp__loader *loader)
{
    BP_TRY(agree_on_config(pool, cfg));
    cfg = &pool->cfg; /* the caller's may be shorter */
    bp__log_setup(cfg);
    pool->loader = loader;
    pool->pooled = bp_config_should_use_pool(cfg);
    if (!pool->pooled) return BP_OK;

    BP_TRY(agree_on_looking(pool));
    BP_TRY(bp__agree(pool->top.world, agree_on_clock(pool)));
    pool->handle = calloc(num_slots(cfg), sizeof *pool->handle);
    pool->world_rank = calloc((size_t)pool->top.node_size, sizeof *pool->world_rank);
    BP_TRY(bp__agree(pool->top.world, pool->handle && pool->world_rank
                                          ? BP_OK
                                          : bp__fail(BP_ENOMEM, "no memory for a pool's handles")));
    BP_MPI(MPI_Allgather(&pool->top.rank, 1, MPI_INT, pool->world_rank, 1, MPI_INT, pool->top.node));
    BP_TRY(create_windows(pool));
    uint64_t per_ms = pool->dir.header->ticks_per_ms;
    pool->staleness_ticks = -1;
    if (cfg->max_staleness_ms >= 0 &&
        __builtin_mul_overflow(cfg->max_staleness_ms, (int64_t)per_ms, &pool->staleness_ticks))
        pool->staleness_ticks = INT64_MAX;
    return start_service(pool, loader);
}

/* Whether this process holds a bundle, and which. */
static bool holds_any(const bp_pool *pool, uint32_t *slot)
{
    if (!pool->pooled) return false;
    for (*slot = 0; *slot < pool->dir.num_slots; ++*slot)
        if (BP__PINS(bp__load_relaxed(&pool->own->use[*slot])) > 0) return true;
    return false;
}

static void destroy_parts(bp_pool *pool)
{
    bp__service_stop(pool->service, true);
    bp__service_destroy(&pool->service);
    bp__window_destroy(&pool->arena);
    bp__window_destroy(&pool->control);
    bp__topology_destroy(&pool->top);
    pthread_cond_destroy(&pool->box_free);
    pthread_mutex_destroy(&pool->lock);
    pthread_mutex_destroy(&pool->helping);
    free(pool->world_rank);
    free(pool->handle);
    free(pool);
}

/* Pools that ended alone: only for what MPI may still use, and for held bundles, to be reachable. */
static bp_pool *ended;
static pthread_mutex_t ended_lock = PTHREAD_MUTEX_INITIALIZER;

/* End a pool without the other ranks: it is broken, or MPI ends. Threads end; what the others would have to free as well
 * is left to the process's end, and so is what MPI may still write to.
 * @param[in] at_once  no call of MPI may be made any more */
static void leave_parts(bp_pool *pool, bool at_once)
{
    uint32_t slot;
    const bool held = holds_any(pool, &slot);
    bp__service_stop(pool->service, !at_once);
    bp__service_leave(pool->service, "the pool has ended with MPI_Finalize on the node's first rank");
    bp__store_relaxed(&pool->ended, true);
    free(pool->world_rank);
    pool->world_rank = NULL;
    if (!held) {
        free(pool->handle);
        pool->handle = NULL;
    }
    pthread_mutex_lock(&ended_lock);
    pool->next = ended;
    ended = pool;
    pthread_mutex_unlock(&ended_lock);
}

/* Live pools and the end of MPI ------------------------------------------------------------------ */

static pthread_mutex_t live_lock = PTHREAD_MUTEX_INITIALIZER; /* over the three below */
static bp_pool *live;
static int finalize_key = MPI_KEYVAL_INVALID;
static int instance_key = MPI_KEYVAL_INVALID;

/* Called by MPI_Finalize before anything else of MPI is taken down. Nothing of MPI is called: what a pool would need
 * of other ranks they may not give any more, and some libraries allow no other thread in here. */
static int at_finalize(MPI_Comm comm, int key, void *value, void *extra)
{
    (void)comm, (void)key, (void)value, (void)extra;
    if (bp__load_relaxed(&bp__forked))
        return MPI_SUCCESS; /* a child that ends MPI: its parent's pools live on */
    bool forgotten = false;
    while (live) {
        bp_pool *pool = live;
        live = pool->next;
        forgotten |= pool->top.rank == 0 && !pool->ends_with_mpi && bp_pool_check(pool) == BP_OK;
        leave_parts(pool, true);
    }
    if (forgotten)
        bp__log(
            BP_LOG_WARN,
            "MPI_Finalize ends a pool that was not destroyed; call bp_pool_destroy() on all ranks before");
    return MPI_SUCCESS;
}

static bp_status register_pool(bp_pool *pool)
{
    bp_status s = BP_OK;
    pthread_mutex_lock(&live_lock);
    if (finalize_key == MPI_KEYVAL_INVALID &&
        (MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, at_finalize, &finalize_key, NULL) != MPI_SUCCESS ||
         MPI_Comm_set_attr(MPI_COMM_SELF, finalize_key, NULL) != MPI_SUCCESS))
        s = bp__fail(BP_EMPI, "MPI_Comm_set_attr failed");
    static uintptr_t last_serial;
    pool->serial = ++last_serial;
    pool->next = live;
    live = pool;
    pthread_mutex_unlock(&live_lock);
    return s;
}

static void unregister_pool(bp_pool *pool)
{
    pthread_mutex_lock(&live_lock);
    for (bp_pool **link = &live; *link; link = &(*link)->next)
        if (*link == pool) {
            *link = pool->next;
            break;
        }
    pthread_mutex_unlock(&live_lock);
}

/* End a pool that could not be created. */
static void abandon(bp_pool *pool)
{
    char text[BP_ERROR_TEXT_MAX];
    snprintf(text, sizeof text, "%s", bp_error_text());
    if (pool->unreachable)
        leave_parts(pool, true);
    else
        destroy_parts(pool);
    bp__fail_text(BP_EMPI, text);
}

bp_status bp__pool_create_with(MPI_Comm comm, const bp_config *cfg, const bp__loader *loader, bp_pool **pool)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, once_per_process);
    *pool = NULL;
    if (bp__load_relaxed(&bp__forked))
        BP_FAIL(BP_EFORKED, "a pool cannot be created after fork in the child process");
    /* If cfg cannot be read: the defaults, with which this rank gets to where all agree on the failure. */
    bp_config own;
    bp__topology top;
    (void)bp__config_read(cfg, &own);
    BP_TRY(bp__topology_create(comm, own.ranks_per_node, own.link_timeout_ms, &top));
    bp_pool *p = calloc(1, sizeof *p);
    bp_status s = bp__agree(top.world, p ? BP_OK : bp__fail(BP_ENOMEM, "no memory for a pool"));
    if (bp__failed(s)) {
        bp__topology_destroy(&top);
        free(p);
        return s;
    }
    assert(p); /* all agreed that they have one */
    p->top = top;
    p->control.win = p->arena.win = MPI_WIN_NULL;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic); /* these cannot fail on Linux */
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&p->lock, NULL);
    pthread_mutex_init(&p->helping, NULL);
    pthread_cond_init(&p->box_free, &monotonic);
    pthread_condattr_destroy(&monotonic);

    s = create_parts(p, cfg, loader);
    if (s == BP_OK) s = bp__agree(p->top.world, register_pool(p));
    if (bp__failed(s)) {
        unregister_pool(p);
        abandon(p);
        return s;
    }
    *pool = p;
    return BP_OK;
}

/* BP_EBUSY on every rank if any rank holds a bundle. */
static bp_status agree_nothing_pinned(bp_pool *pool)
{
    bp_status s = BP_OK;
    uint32_t slot;
    if (holds_any(pool, &slot))
        s = bp__fail(BP_EBUSY, "rank %d still holds bundle %s; release it before the pool is destroyed",
                     pool->top.rank, pool->handle[slot].bundle.name);
    const bp__watch watch = bp__pool_watch(pool);
    return bp__await_agree(pool->top.world, s, &watch);
}

/* The services of all nodes end together, or the pool breaks meanwhile. The first rank of a node tells the others which
 * of the two: it comes to the barrier only if the pool was whole to the end, and then nothing breaks it any more. So all
 * ranks of a node go the same way afterwards. */
static bp_status end_together(bp_pool *pool)
{
    const bp__watch watch = bp__pool_watch(pool);
    bp__service_stop(pool->service, true);
    BP_TRY(bp_pool_check(pool));
    return bp__await_barrier(pool->top.node, &watch);
}

bp_status bp_pool_destroy(bp_pool **pool)
{
    bp_pool *p = *pool;
    if (!p) return BP_OK;
    bp_status s = bp_pool_check(p);
    if (s == BP_EFORKED) return s;
    if (s == BP_OK) s = agree_nothing_pinned(p);
    if (s == BP_EBUSY) return s;
    if (s == BP_OK) s = end_together(p);
    unregister_pool(p);
    *pool = NULL;
    if (s == BP_OK) {
        destroy_parts(p);
        return BP_OK;
    }
    char text[BP_ERROR_TEXT_MAX];
    snprintf(text, sizeof text, "%s", bp_error_text());
    leave_parts(p, false);
    return bp__fail_text(s, text);
}

/* Requests --------------------------------------------------------------------------------------- */

/* A request without a result. */
static bp_status request(bp_pool *pool, bp__request kind, const char *name, int64_t number, const char *what)
{
    const bp__reply *reply;
    uint32_t box;
    struct timespec deadline = bp__deadline(pool->cfg.load_timeout_ms);
    bp_status s = bp__request_begin(pool, kind, name, number, &deadline, &reply, &box);
    if (s == BP_ETIMEOUT)
        BP_FAIL(s, "%s: no answer in time, may or may not have taken effect; repeat it", what);
    BP_TRY(s);
    bp__request_end(pool, box);
    return BP_OK;
}

bp_status bp_pool_invalidate(bp_pool *pool, const char *name)
{
    BP_TRY(check_usable(pool));
    if (name) BP_TRY(bp__bundle_name_check(name));
    return pool->pooled ? request(pool, BP__INVALIDATE, name, 0, "invalidate") : BP_OK;
}

bp_status bp__pool_resize(bp_pool *pool, int64_t bundles)
{
    BP_TRY(check_usable(pool));
    if (bundles < 1 || bundles > most_bundles(&pool->cfg))
        BP_FAIL(BP_EINVAL, "max_bundle_pool_size: %lld is out of range; this pool can grow to %lld",
                (long long)bundles, (long long)most_bundles(&pool->cfg));
    return pool->pooled ? request(pool, BP__RESIZE, NULL, bundles, "resize") : BP_OK;
}

/* The live pool that a communicator's attribute names; an attribute outlives its pool. */
static bp_status find_instance(MPI_Comm comm, bp_pool **pool)
{
    void *serial = NULL;
    int found = 0;
    bp_status s = BP_OK;
    *pool = NULL;
    pthread_mutex_lock(&live_lock);
    if (instance_key == MPI_KEYVAL_INVALID &&
        MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, MPI_COMM_NULL_DELETE_FN, &instance_key, NULL) !=
            MPI_SUCCESS)
        s = bp__fail(BP_EMPI, "MPI_Comm_create_keyval failed");
    if (s == BP_OK && MPI_Comm_get_attr(comm, instance_key, &serial, &found) != MPI_SUCCESS)
        s = bp__fail(BP_EMPI, "MPI_Comm_get_attr failed");
    for (bp_pool *p = found ? live : NULL; p; p = p->next)
        if (p->serial == (uintptr_t)serial) *pool = p;
    pthread_mutex_unlock(&live_lock);
    return s;
}

bp_status bp__pool_instance_with(MPI_Comm comm, const bp_config *cfg, const bp__loader *loader,
                                 bp_pool **pool)
{
    bp_config own;
    bp_stats stats = bp_stats_init();
    BP_TRY(bp__mpi_check());
    BP_TRY(find_instance(comm, pool));
    if (!*pool) {
        BP_TRY(bp__pool_create_with(comm, cfg, loader, pool));
        BP_MPI(MPI_Comm_set_attr(comm, instance_key, (void *)(*pool)->serial));
        return BP_OK;
    }
    bp_pool *live_one = *pool;
    *pool = NULL;
    BP_TRY(bp_config_check(cfg));
    BP_TRY(bp__config_read(cfg, &own));
    BP_TRY(bp_pool_stats(live_one, &stats));
    if (stats.max_pool_size != own.max_bundle_pool_size)
        BP_TRY(bp__pool_resize(live_one, own.max_bundle_pool_size));
    *pool = live_one;
    return BP_OK;
}

MPI_Comm bp__pool_comm(const bp_pool *pool)
{
    return pool->top.world;
}

const bp_config *bp__pool_config(const bp_pool *pool)
{
    return &pool->cfg;
}

static bp_counters counters_from(const bp__report *r)
{
    return (bp_counters){.size = sizeof(bp_counters),
                         .hits = r->hits,
                         .misses = r->misses,
                         .loads = r->loads,
                         .failures = r->failures,
                         .checks = r->checks,
                         .evictions = r->evictions,
                         .invalidations = r->invalidations,
                         .load_seconds = (double)r->load_ns * 1e-9,
                         .wait_seconds = (double)r->wait_ns * 1e-9};
}

static bp_status collect_stats(bp_pool *pool, bp_stats *own)
{
    const bp__reply *reply;
    uint32_t box;
    struct timespec deadline = bp__deadline(pool->cfg.load_timeout_ms);
    bp_status s = bp__request_begin(pool, BP__STATS, NULL, 0, &deadline, &reply, &box);
    if (s == BP_ETIMEOUT) BP_FAIL(s, "statistics: no answer in time");
    BP_TRY(s);
    bp__report all = reply->report, mine = {0}, node = {0};
    bp__request_end(pool, box);

    bp__dir_count(&pool->dir, (uint32_t)pool->top.node_rank, &mine);
    for (uint32_t r = 0; r < pool->dir.num_ranks; r++) bp__dir_count(&pool->dir, r, &node);
    mine.checks = mine.rank_checks;
    node.checks = node.rank_checks;
    own->pool_size = (int64_t)all.listed;
    own->max_pool_size = (int64_t)all.max_bundles;
    own->num_versions_tracked = (int64_t)all.versions;
    own->utilization_percent = (double)all.listed * 100.0 / (double)all.max_bundles;
    own->bytes_resident = all.claimed;
    own->bytes_peak = all.peak;
    own->bytes_limit = all.budget;
    memcpy(own->limit_from, pool->budget.from, sizeof own->limit_from);
    own->rank = counters_from(&mine);
    own->node = counters_from(&node);
    own->cluster = counters_from(&all);
    return BP_OK;
}

bp_status bp_pool_stats(bp_pool *pool, bp_stats *stats)
{
    BP_TRY(check_usable(pool));
    BP_TRY(bp__stats_check(stats));
    bp_stats own = bp_stats_init();
    own.max_pool_size = pool->cfg.max_bundle_pool_size;
    own.num_nodes = pool->top.num_nodes;
    own.num_ranks = pool->top.num_ranks;
    if (pool->pooled) BP_TRY(collect_stats(pool, &own));
    bp__stats_write(stats, &own);
    return BP_OK;
}
