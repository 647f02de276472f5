#include "optimizer/doctor.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <bundlepool/pool.h>

#include "core/text.h"
#include "mpi/comm.h"
#include "mpi/preflight.h"
#include "mpi/survey.h"
#include "mpi/topology.h"
#include "optimizer/launch.h"
#include "optimizer/watch.h"

#define LEAVE_MS  1000 /* for the end of MPI where it cannot come: others end by themselves */
#define MARGIN_MS 5000 /* beyond the time after which a node counts as dead */

/* All probes of a rank may hang, each for its time. */
#define EXAMINED_MS ((int64_t)BP__MOST_REMARKS * BP__PROBE_PATIENCE_MS)

enum { OF_MPI = 3 }; /* remarks of rank 0's that no probe of the list makes */

typedef struct visit {
    const bp__options *options;
    MPI_Comm comm; /* borrowed */
    int level;
    bp__topology top;
    bp__subject subject;
    bp__remark own[BP__MOST_REMARKS + OF_MPI];
    size_t num_own;
    bp__remark *all; /* rank 0: of every rank; owned */
    size_t num_all;
    bool cut; /* some cannot be reached: nothing collective any more */
} visit;

static bp__diagnosis diagnosis_of(const visit *v, const bp__remark *remark, size_t count)
{
    return (bp__diagnosis){
        .program = "optimizer doctor", .num_ranks = v->top.num_ranks, .remark = remark, .count = count};
}

static void step(const visit *v, const char *what, int64_t more_ms)
{
    const bp__diagnosis d = diagnosis_of(v, v->own, v->num_own);
    bp__watch_step(what, v->options->conduct.cfg.link_timeout_ms + MARGIN_MS + more_ms, &d);
}

/* Of the job, not of a host. */
static bp__remark *add_own(visit *v, const char *what)
{
    bp__remark *r = &v->own[v->num_own++];
    *r = (bp__remark){.health = BP__GOOD};
    bp__text_copy(r->what, sizeof r->what, what);
    return r;
}

/* What only rank 0 is asked ------------------------------------------------------------------------- */

static void look_at_library(visit *v)
{
    char library[120];
    bp__remark *r = add_own(v, "MPI");
    bp__survey_library(library, sizeof library);
    const bool enough = v->level >= MPI_THREAD_MULTIPLE;
    bp__remark_that(r, enough ? BP__GOOD : BP__BAD, "%s with %s", library, bp__survey_level(v->level));
    if (!enough) bp__advise(r, "use an MPI library that is built with MPI_THREAD_MULTIPLE");
}

static void look_at_job(visit *v)
{
    bp__remark *r = add_own(v, "job");
    const bp__topology *top = &v->top;
    if (bp__failed(bp__launch_check(top->num_ranks, v->options->command_line)))
        bp__remark_that(r, BP__BAD, "%s", bp_error_text());
    else
        bp__remark_that(r, BP__GOOD, "%d rank%s on %d node%s", top->num_ranks, top->num_ranks == 1 ? "" : "s",
                        top->num_nodes, top->num_nodes == 1 ? "" : "s");
}

static void look_at_transport(visit *v)
{
    char text[160] = "";
    bool only_tcp;
    struct stat st;
    bp__remark *r = add_own(v, "network");
    if (!bp__survey_transport(text, sizeof text, &only_tcp)) {
        bp__remark_that(r, BP__GOOD, "this MPI library does not tell what carries its messages");
        return;
    }
    const bool wasted = only_tcp && stat("/sys/class/infiniband", &st) == 0 && st.st_nlink > 2;
    bp__remark_that(r, wasted ? BP__WARN : BP__GOOD, "%s%s", text,
                    wasted ? ", though the machine has a faster network" : "");
    if (wasted)
        bp__advise(r, "use an MPI library with UCX or libfabric ('ompi_info | grep -i -e ucx -e ofi')");
}

/* The pool itself, for a moment: what it says is what a search would get. */
static void look_at_pool(const visit *v, bp__remark *r)
{
    bp_pool *pool = NULL;
    bp_stats stats = bp_stats_init();
    char bytes[32];
    bp_status s = bp_pool_create(v->comm, &v->options->conduct.cfg, &pool);
    if (s == BP_OK) s = bp_pool_stats(pool, &stats);
    char text[BP_ERROR_TEXT_MAX] = "";
    if (bp__failed(s)) snprintf(text, sizeof text, "%s", bp_error_text());
    bp_status ended = bp_pool_destroy(&pool);
    if (s == BP_OK && bp__failed(ended)) snprintf(text, sizeof text, "%s", bp_error_text());
    if (text[0])
        bp__remark_that(r, BP__BAD, "%s", text);
    else if (!v->options->conduct.cfg.enable_bundle_pooling)
        bp__remark_that(r, BP__GOOD, "turned off by enable_bundle_pooling");
    else
        bp__remark_that(r, BP__GOOD, "%s on each node: %s",
                        bp__bytes_text((uint64_t)stats.bytes_limit, bytes), stats.limit_from);
}

/* What every rank is asked -------------------------------------------------------------------------- */

/* Where a node's first rank has found the same, once is enough. */
static bp_status leave_out_known(visit *v)
{
    bp__remark first[BP__MOST_REMARKS + OF_MPI];
    uint64_t count = v->num_own, kept = 0;
    memcpy(first, v->own, sizeof first);
    BP_MPI(MPI_Bcast(&count, 1, MPI_UINT64_T, 0, v->top.node));
    BP_MPI(MPI_Bcast(first, (int)sizeof first, MPI_BYTE, 0, v->top.node));
    if (v->top.node_rank == 0) return BP_OK;
    for (size_t i = 0; i < v->num_own; i++) {
        bool known = false;
        for (size_t k = 0; k < count; k++) known = known || bp__remarks_alike(&first[k], &v->own[i]);
        if (!known) v->own[kept++] = v->own[i];
    }
    v->num_own = kept;
    return BP_OK;
}

static bp_status place_all(visit *v, const int *bytes, int *at)
{
    int total = 0;
    for (int i = 0; i < v->top.num_ranks; i++) {
        at[i] = total;
        if (__builtin_add_overflow(total, bytes[i], &total))
            BP_FAIL(BP_ERANGE, "the ranks have more to say than one message holds; examine fewer of them");
    }
    v->num_all = (size_t)total / sizeof *v->all;
    v->all = malloc((size_t)total + sizeof *v->all); /* one more: the pool's */
    if (!v->all) BP_FAIL(BP_ENOMEM, "no memory for the remarks of %d ranks", v->top.num_ranks);
    return BP_OK;
}

static bp_status gather(visit *v)
{
    const bool first = v->top.rank == 0;
    const int mine = (int)(v->num_own * sizeof *v->own);
    int *bytes = first ? calloc(2 * (size_t)v->top.num_ranks, sizeof *bytes) : NULL;
    bp_status s = BP_OK;
    if (first && !bytes) s = bp__fail(BP_ENOMEM, "no memory for the remarks of %d ranks", v->top.num_ranks);
    s = bp__agree(v->top.world, s);
    if (s == BP_OK && MPI_Gather(&mine, 1, MPI_INT, bytes, 1, MPI_INT, 0, v->top.world) != MPI_SUCCESS)
        s = bp__fail(BP_EMPI, "MPI_Gather failed");
    if (s == BP_OK && first) s = place_all(v, bytes, bytes + v->top.num_ranks);
    s = bp__agree(v->top.world, s);
    if (s == BP_OK &&
        MPI_Gatherv(v->own, mine, MPI_BYTE, v->all, bytes, first ? bytes + v->top.num_ranks : NULL, MPI_BYTE,
                    0, v->top.world) != MPI_SUCCESS)
        s = bp__fail(BP_EMPI, "MPI_Gatherv failed");
    free(bytes);
    return s;
}

static bp_status examine(visit *v)
{
    bp__subject *subject = &v->subject;
    step(v, "finding out who sits where, and reaches whom", 0);
    const bp_status s = bp__topology_create(v->comm, v->options->conduct.cfg.ranks_per_node,
                                            v->options->conduct.cfg.link_timeout_ms, &v->top);
    v->cut = bp__failed(s) && v->level >= MPI_THREAD_MULTIPLE;
    BP_TRY(s);
    BP_TRY(bp__backing_agree(&v->top, &subject->backing));
    if (v->top.rank == 0) {
        look_at_job(v);
        look_at_transport(v);
    }
    step(v, "looking at this machine", EXAMINED_MS);
    v->num_own += bp__examine(subject, v->top.node_rank == 0, v->own + v->num_own);
    step(v, "asking the other ranks", EXAMINED_MS);
    BP_TRY(leave_out_known(v));
    return gather(v);
}

/* What is known where the ranks cannot be asked: of rank 0 alone. */
static void give_up(visit *v, bp_status s)
{
    char text[BP_ERROR_TEXT_MAX];
    snprintf(text, sizeof text, "%s: %s", bp_status_name(s), bp_error_text());
    bp__watch_last(EXAMINED_MS, BP__EXIT_FAILED);
    bp__backing_default(&v->subject.backing);
    v->num_own = 0;
    v->top.num_ranks = 0;
    look_at_library(v);
    v->num_own += bp__examine(&v->subject, true, v->own + v->num_own);
    bp__remark_that(add_own(v, "job"), BP__BAD, "%s", text);
}

/* @return how many remarks are bad */
static size_t tell(const visit *v, const bp__remark *remark, size_t count)
{
    const bp__diagnosis d = diagnosis_of(v, remark, count);
    (v->options->json ? bp__diagnosis_json : bp__diagnosis_text)(stdout, &d);
    return bp__diagnosis_count(&d, BP__BAD);
}

static int run(visit *v)
{
    int rank = 0;
    MPI_Comm_rank(v->comm, &rank);
    if (rank == 0) look_at_library(v);
    const bp_status s = examine(v);
    if (bp__failed(s)) {
        if (rank != 0) return BP__EXIT_FAILED;
        give_up(v, s);
        tell(v, v->own, v->num_own);
        return BP__EXIT_FAILED;
    }
    bp__remark of_pool = {.what = "pool"};
    step(v, "making a pool", v->options->conduct.cfg.link_timeout_ms);
    look_at_pool(v, &of_pool);
    int code = BP__EXIT_DONE;
    if (rank == 0) {
        v->all[v->num_all++] = of_pool;
        if (tell(v, v->all, v->num_all) > 0) code = BP__EXIT_FAILED;
        if (bp__failed(bp__check_stdout())) code = bp__program_error(bp__optimizer(), BP__EXIT_FAILED);
    }
    bp__watch_last(v->options->conduct.cfg.link_timeout_ms + MARGIN_MS, BP__EXIT_FAILED);
    return MPI_Bcast(&code, 1, MPI_INT, 0, v->top.world) == MPI_SUCCESS ? code : BP__EXIT_FAILED;
}

void bp__doctor_begin(const bp__options *options)
{
    bp__watch_begin(bp__launch_is_first(), options->json);
    bp__watch_step("MPI_Init", options->conduct.cfg.link_timeout_ms + MARGIN_MS, NULL);
}

int bp__run_doctor_job(const bp__options *options, MPI_Comm comm, int level)
{
    visit *v = calloc(1, sizeof *v);
    if (!v) {
        bp__fail(BP_ENOMEM, "no memory for what the doctor finds");
        return bp__program_error(bp__optimizer(), BP__EXIT_FAILED);
    }
    v->options = options;
    v->comm = comm;
    v->level = level;
    v->top = (bp__topology){
        .world = MPI_COMM_NULL, .node = MPI_COMM_NULL, .tree = MPI_COMM_NULL, .chain = MPI_COMM_NULL};
    v->subject.cfg = options->conduct.cfg;
    const int code = run(v);
    bp__watch_last(v->cut ? LEAVE_MS : options->conduct.cfg.link_timeout_ms + MARGIN_MS, code);
    if (v->top.world != MPI_COMM_NULL) bp__topology_destroy(&v->top);
    free(v->all);
    free(v);
    return code;
}

void bp__doctor_end(void)
{
    bp__watch_end();
}
