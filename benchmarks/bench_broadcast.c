/* How fast an image reaches every node: the pool's chain beside MPI_Bcast and beside one link.
 *
 *     mpirun -n N bench_broadcast [--mib 64] [--repeats 5] [--json]
 *
 * Every rank stands for a node. All ways move the same bytes between the same memory, in turns; a time runs
 * from a barrier until rank 0 has heard that the last rank has everything. Rates are the image's size over
 * that time. The pages are real before anything is timed, and every byte is compared with what was sent, each
 * time. The chain's time includes opening and claiming the memory, as in the pool; MPI_Bcast gets it open.
 *
 * Ranks on one machine share its cores and its memory: N - 1 copies are made there, and no way can be as fast
 * as one link. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mpi.h>

#include "core/clock.h"
#include "core/directory.h"
#include "core/futex.h"
#include "core/plan.h"
#include "core/workers.h"
#include "mpi/comm.h"
#include "mpi/stream.h"
#include "mpi/window.h"

#define IN_FLIGHT 4
#define SEGMENT   ((int)BP__SEGMENT)
#define NAP_NS    UINT64_C(50000) /* the service thread's, while bulk data is under way */

enum { PIPELINE = 3 }; /* of coll_tuned_bcast_algorithm */

typedef struct bench {
    int rank, num_ranks, num_machines, repeats;
    uint64_t bytes, seed; /* the image's content follows from its seed */
    bp__window window;
    bp__extent extent;
    void *memory; /* what MPI_Bcast and the link move */
    bp__workers *workers;
    bp__streams *streams;
    _Atomic uint32_t doorbell;
    bp_status arrival;
} bench;

typedef struct way {
    const char *name, *what;
    bp_status (*run)(bench *b, MPI_Comm comm);
    int algorithm, segment; /* of coll/tuned, from the creation of `comm`; 0: its fixed rules */
    bool by_two, is_bcast, missing;
    MPI_Comm comm;
    double *rate, median; /* MiB/s, on rank 0; ascending in the end */
} way;

static int segments(const bench *b)
{
    return (int)((b->bytes + BP__SEGMENT - 1) / BP__SEGMENT);
}

static int segment_bytes(const bench *b, int segment)
{
    uint64_t left = b->bytes - (uint64_t)segment * BP__SEGMENT;
    return left < BP__SEGMENT ? (int)left : SEGMENT;
}

static char *part(const bench *b, int segment)
{
    return (char *)b->memory + (uint64_t)segment * BP__SEGMENT;
}

/* Ways -------------------------------------------------------------------------------------------- */

/* Start segment by segment, IN_FLIGHT at once. */
static bp_status in_segments(bench *b, MPI_Comm comm, int (*start)(bench *, MPI_Comm, int, MPI_Request *))
{
    MPI_Request request[IN_FLIGHT];
    for (int i = 0; i < IN_FLIGHT; i++) request[i] = MPI_REQUEST_NULL;
    for (int i = 0; i < segments(b); i++) {
        BP_MPI(MPI_Wait(&request[i % IN_FLIGHT], MPI_STATUS_IGNORE));
        BP_MPI(start(b, comm, i, &request[i % IN_FLIGHT]));
    }
    BP_MPI(MPI_Waitall(IN_FLIGHT, request, MPI_STATUSES_IGNORE));
    return BP_OK;
}

static int start_link(bench *b, MPI_Comm comm, int i, MPI_Request *request)
{
    char *at = part(b, i);
    if (b->rank == 0) return MPI_Isend(at, segment_bytes(b, i), MPI_BYTE, 1, 0, comm, request);
    return MPI_Irecv(at, segment_bytes(b, i), MPI_BYTE, 0, 0, comm, request);
}

static int start_ibcast(bench *b, MPI_Comm comm, int i, MPI_Request *request)
{
    return MPI_Ibcast(part(b, i), segment_bytes(b, i), MPI_BYTE, 0, comm, request);
}

static bp_status run_link(bench *b, MPI_Comm comm)
{
    return b->rank < 2 ? in_segments(b, comm, start_link) : BP_OK;
}

static bp_status run_bcast(bench *b, MPI_Comm comm)
{
    BP_MPI(MPI_Bcast(b->memory, (int)b->bytes, MPI_BYTE, 0, comm));
    return BP_OK;
}

static bp_status run_bcast_segments(bench *b, MPI_Comm comm)
{
    for (int i = 0; i < segments(b); i++)
        BP_MPI(MPI_Bcast(part(b, i), segment_bytes(b, i), MPI_BYTE, 0, comm));
    return BP_OK;
}

static bp_status run_ibcast(bench *b, MPI_Comm comm)
{
    return in_segments(b, comm, start_ibcast);
}

static void arrived(void *ctx, uint32_t slot, uint64_t generation, bp_status code, const char *text)
{
    bench *b = ctx;
    (void)slot, (void)generation;
    b->arrival = bp__failed(code) ? bp__fail(code, "%s", text) : BP_OK;
}

/* As the service thread does it, with an image that consists of a head and is decoded already. */
static bp_status run_chain(bench *b, MPI_Comm comm)
{
    (void)comm; /* the streams have it */
    bp__plan plan = {.image_bytes = b->bytes, .head_bytes = b->bytes};
    if (b->rank == 0) {
        bp__stream *stream;
        BP_TRY(bp__stream_send(b->streams, 0, b->extent, &plan, &stream));
        bp__stream_task_done(stream, &plan, plan.num_tasks);
        bp__stream_end(stream);
    } else {
        bp__stream_receive(b->streams, 0, b->seed, b->extent);
    }
    while (bp__streams_busy(b->streams, BP__NO_SLOT)) {
        uint32_t bell = atomic_load_explicit(&b->doorbell, memory_order_acquire);
        if (bp__streams_poll(b->streams)) continue;
        struct timespec deadline = bp__deadline_ns(NAP_NS);
        bp__futex_wait(&b->doorbell, bell, &deadline);
    }
    return b->arrival;
}

/* Measuring --------------------------------------------------------------------------------------- */

/* Wait without taking a core from who is still at work. */
static bp_status wait_for(MPI_Request *request)
{
    for (int done = 0;;) {
        BP_MPI(MPI_Test(request, &done, MPI_STATUS_IGNORE));
        if (done) return BP_OK;
        nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
    }
}

static bp_status barrier(void)
{
    MPI_Request request;
    BP_MPI(MPI_Ibarrier(MPI_COMM_WORLD, &request));
    return wait_for(&request);
}

/* Rank 0 hears from everybody: one message each, no relays. */
static bp_status report(const bench *b)
{
    int done = 1, all[b->num_ranks];
    MPI_Request request;
    BP_MPI(MPI_Igather(&done, 1, MPI_INT, all, 1, MPI_INT, 0, MPI_COMM_WORLD, &request));
    return wait_for(&request);
}

static uint64_t word(uint64_t seed, uint64_t i)
{
    return (seed << 32) + i * UINT64_C(0x9e3779b97f4a7c15);
}

static bp_status new_image(bench *b)
{
    b->seed++;
    if (b->rank != 0) return BP_OK;
    void *memory;
    BP_TRY(bp__window_open(&b->window, b->extent, &memory));
    uint64_t *words = memory;
    for (uint64_t i = 0; i < b->bytes / 8; i++) words[i] = word(b->seed, i);
    return bp__window_close(&b->window, b->extent);
}

static bp_status verify(const bench *b, const char *how)
{
    const uint64_t *words = (const uint64_t *)(const void *)b->window.view;
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < b->bytes / 8; i++) wrong |= words[i] ^ word(b->seed, i);
    if (wrong) BP_FAIL(BP_EIO, "%s: other bytes than those that were sent", how);
    return BP_OK;
}

/* @param[out] seconds  on rank 0 */
static bp_status measure(bench *b, const way *w, double *seconds)
{
    bool opens = w->run != run_chain; /* which opens what it fills itself */
    BP_TRY(new_image(b));
    /* on rank 0 too: scatter and allgather, which MPI_Bcast may choose, write to the root's buffer */
    if (opens) BP_TRY(bp__window_open(&b->window, b->extent, &b->memory));
    BP_TRY(barrier());
    uint64_t from = bp__clock_ns();
    BP_TRY(w->run(b, w->comm));
    BP_TRY(report(b));
    *seconds = (double)(bp__clock_ns() - from) / 1e9;
    if (opens) BP_TRY(bp__window_close(&b->window, b->extent));
    return b->rank < (w->by_two ? 2 : b->num_ranks) ? verify(b, w->what) : BP_OK;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bp_status measure_all(bench *b, way *ways, int num_ways)
{
    for (int i = 0; i < num_ways; i++) {
        ways[i].rate = calloc((size_t)b->repeats + 1, sizeof *ways[i].rate);
        if (!ways[i].rate) BP_FAIL(BP_ENOMEM, "no memory for results");
    }
    for (int k = 0; k <= b->repeats; k++) /* the first turn, at the last place, only warms up */
        for (int i = 0; i < num_ways; i++) {
            double seconds;
            if (ways[i].missing) continue;
            BP_TRY(measure(b, &ways[i], &seconds));
            ways[i].rate[k == 0 ? b->repeats : k - 1] = (double)b->bytes / (1 << 20) / seconds;
        }
    for (int i = 0; i < num_ways; i++) {
        qsort(ways[i].rate, (size_t)b->repeats, sizeof *ways[i].rate, ascending);
        ways[i].median = (ways[i].rate[(b->repeats - 1) / 2] + ways[i].rate[b->repeats / 2]) / 2;
    }
    return BP_OK;
}

/* Setting up -------------------------------------------------------------------------------------- */

/* @return whether this MPI has the parameter, and it is set */
static bool set_parameter(const char *name, int value)
{
    int index, count;
    MPI_T_cvar_handle handle;
    if (MPI_T_cvar_get_index(name, &index) != MPI_SUCCESS ||
        MPI_T_cvar_handle_alloc(index, NULL, &handle, &count) != MPI_SUCCESS)
        return false;
    bool set = MPI_T_cvar_write(handle, &value) == MPI_SUCCESS;
    return MPI_T_cvar_handle_free(&handle) == MPI_SUCCESS && set;
}

/* Open MPI takes the parameters over when a communicator is created. */
static bp_status create_communicator(way *w)
{
    if (w->algorithm)
        w->missing = !set_parameter("coll_tuned_bcast_algorithm", w->algorithm) ||
                     !set_parameter("coll_tuned_bcast_algorithm_segmentsize", w->segment);
    BP_MPI(MPI_Comm_dup(MPI_COMM_WORLD, &w->comm));
    if (w->algorithm) set_parameter("coll_tuned_bcast_algorithm", 0);
    return BP_OK;
}

static bp_status set_up(bench *b, way *ways, int num_ways)
{
    MPI_Comm machine;
    int rank, first;
    BP_MPI(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
    BP_MPI(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine));
    BP_MPI(MPI_Comm_rank(machine, &rank));
    BP_MPI(MPI_Comm_free(&machine));
    first = rank == 0;
    BP_MPI(MPI_Allreduce(&first, &b->num_machines, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD));
    for (int i = 0; i < num_ways; i++) BP_TRY(create_communicator(&ways[i]));

    void *memory;
    BP_TRY(bp__window_create(MPI_COMM_SELF, b->bytes, &b->window));
    BP_TRY(bp__window_split(&b->window));
    b->extent = (bp__extent){0, b->bytes};
    BP_TRY(bp__window_open(&b->window, b->extent, &memory));
    BP_TRY(bp__window_claim(&b->window, b->extent));
    BP_TRY(bp__window_close(&b->window, b->extent));
    BP_TRY(bp__workers_create(NULL, &b->workers));
    return bp__streams_create(ways[1].comm, &b->window, b->workers, &b->doorbell, arrived, b, &b->streams);
}

static void print_results(const bench *b, const way *ways, int num_ways, bool json)
{
    double link = ways[0].median, chain = ways[1].median, best = 0;
    for (int i = 0; i < num_ways; i++)
        if (ways[i].is_bcast && ways[i].median > best) best = ways[i].median;
    if (!json)
        printf("%d nodes on %d machine(s), %llu MiB, %d repeats: MiB/s, median (min, max)\n", b->num_ranks,
               b->num_machines, (unsigned long long)(b->bytes >> 20), b->repeats);
    for (int i = 0; i < num_ways; i++) {
        const way *w = &ways[i];
        if (w->missing) continue;
        if (json)
            printf("{\"benchmark\": \"broadcast\", \"case\": \"%s\", \"nodes\": %d, \"machines\": %d, "
                   "\"mib\": %llu, "
                   "\"repeats\": %d, \"mib_per_s\": %.1f, \"min\": %.1f, \"max\": %.1f, "
                   "\"over_point_to_point\": "
                   "%.3f}\n",
                   w->name, b->num_ranks, b->num_machines, (unsigned long long)(b->bytes >> 20), b->repeats,
                   w->median, w->rate[0], w->rate[b->repeats - 1], w->median / link);
        else
            printf("  %-48s %8.0f (%.0f, %.0f)   %5.2f x one link\n", w->what, w->median, w->rate[0],
                   w->rate[b->repeats - 1], w->median / link);
    }
    if (json)
        printf("{\"benchmark\": \"broadcast\", \"case\": \"chain_over_best_bcast\", \"nodes\": %d, "
               "\"machines\": %d, "
               "\"ratio\": %.3f}\n",
               b->num_ranks, b->num_machines, chain / best);
    else
        printf("  the chain over the best MPI_Bcast: %.2f\n", chain / best);
}

static void usage(FILE *out)
{
    fputs("usage: mpirun -n N bench_broadcast [--mib 64] [--repeats 5] [--json]\n"
          "Times the pool's chain beside MPI_Bcast, N >= 2 ranks, each for a node; 1 to 2047 MiB.\n",
          out);
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {
        {"mib", 1, 0, 'm'}, {"repeats", 1, 0, 'n'}, {"json", 0, 0, 'j'}, {"help", 0, 0, 'h'}, {0}};
    way ways[] = {
        {.name = "point_to_point",
         .what = "one link: rank 0 to rank 1, 4 x 1 MiB under way",
         .run = run_link,
         .by_two = true},
        {.name = "chain", .what = "the pool's chain, 1 MiB segments", .run = run_chain},
        {.name = "bcast", .what = "MPI_Bcast", .run = run_bcast, .is_bcast = true},
        {.name = "bcast_segments",
         .what = "MPI_Bcast of 1 MiB, one after the other",
         .run = run_bcast_segments,
         .is_bcast = true},
        {.name = "ibcast_segments",
         .what = "MPI_Ibcast of 1 MiB, 4 under way",
         .run = run_ibcast,
         .is_bcast = true},
        {.name = "bcast_pipeline_1m",
         .what = "MPI_Bcast, tuned: pipeline of 1 MiB",
         .run = run_bcast,
         .algorithm = PIPELINE,
         .segment = 1 << 20,
         .is_bcast = true},
        {.name = "bcast_pipeline_128k",
         .what = "MPI_Bcast, tuned: pipeline of 128 KiB",
         .run = run_bcast,
         .algorithm = PIPELINE,
         .segment = 128 << 10,
         .is_bcast = true},
    };
    int num_ways = (int)(sizeof ways / sizeof *ways), level, provided, json = 0, mib = 64, o;
    bench b = {.repeats = 5, .window = {.win = MPI_WIN_NULL}};
    setenv("OMPI_MCA_coll_tuned_use_dynamic_rules", "1", 0); /* lets parameters be set later */
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &level);
    MPI_T_init_thread(MPI_THREAD_SINGLE, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &b.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &b.num_ranks);
    bool asked = false, wrong = b.num_ranks < 2;
    while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        if (o == 'm')
            mib = atoi(optarg);
        else if (o == 'n')
            b.repeats = atoi(optarg);
        else if (o == 'j')
            json = 1;
        else if (o == 'h')
            asked = true;
        else
            wrong = true;
    }
    wrong = wrong || optind < argc || mib < 1 || mib > 2047 || b.repeats < 1;
    if (asked || wrong) {
        if (b.rank == 0) usage(asked ? stdout : stderr);
        MPI_Finalize();
        return asked ? 0 : 2;
    }
    b.bytes = (uint64_t)mib << 20;

    bp_status s = set_up(&b, ways, num_ways);
    if (s == BP_OK) s = measure_all(&b, ways, num_ways);
    if (bp__failed(s)) { /* the others may be waiting for this rank */
        fprintf(stderr, "bench_broadcast: error: %s\n", bp_error_text());
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
    if (b.rank == 0) print_results(&b, ways, num_ways, json);

    bp__streams_destroy(&b.streams);
    bp__workers_destroy(&b.workers);
    bp__window_destroy(&b.window);
    for (int i = 0; i < num_ways; i++) {
        MPI_Comm_free(&ways[i].comm);
        free(ways[i].rate);
    }
    MPI_T_finalize();
    MPI_Finalize();
    return 0;
}
