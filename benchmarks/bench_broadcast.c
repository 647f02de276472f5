/* How fast an image reaches every node: the pool's chain beside MPI_Bcast and beside one link.
 *
 *     mpirun -n N bench_broadcast [--mib 64] [--repeats 5] [--ways NAME[,NAME...]] [--link-mbit M] [--json]
 *
 * Every rank stands for a node. All ways move the same bytes between the same memory, in turns; a time runs
 * from a barrier until rank 0 has heard that the last rank has everything. Rates are the image's size over
 * that time. The pages are real before anything is timed, and every byte is compared with what was sent, each
 * time. All but the link, which is a limit, have to open, claim and close the memory they fill, as the pool
 * does.
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
#include "core/workers.h"
#include "mpi/comm.h"
#include "mpi/stream.h"
#include "mpi/window.h"
#include "support.h"

#define IN_FLIGHT 4
#define SEGMENT   (1 << 20)
#define NAP_NS    UINT64_C(50000) /* the service thread's, while bulk data is under way */

enum { PIPELINE = 3 }; /* of coll_tuned_bcast_algorithm */

typedef struct bench {
    int rank, num_ranks, num_machines, repeats;
    uint64_t bytes, seed; /* the image's content follows from its seed */
    bp__window window;
    bp__extent extent;
    bp__writer writer; /* what MPI_Bcast and the link move */
    bp__workers *workers;
    bp__streams *streams;
    bp__directory dir; /* its doorbell */
    bp_status arrival;
} bench;

typedef struct way {
    const char *name; /* of its case */
    bp_status (*run)(bench *b, MPI_Comm comm);
    int algorithm, segment; /* of coll/tuned, from the creation of `comm`; 0: its fixed rules */
    bool by_two, missing, unwanted;
    MPI_Comm comm;
} way;

static int segments(const bench *b)
{
    return (int)((b->bytes + (uint64_t)SEGMENT - 1) / (uint64_t)SEGMENT);
}

static int segment_bytes(const bench *b, int segment)
{
    uint64_t left = b->bytes - (uint64_t)segment * (uint64_t)SEGMENT;
    return left < (uint64_t)SEGMENT ? (int)left : SEGMENT;
}

static char *part(const bench *b, int segment)
{
    return (char *)b->writer.memory + (uint64_t)segment * (uint64_t)SEGMENT;
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
    BP_MPI(MPI_Bcast(b->writer.memory, (int)b->bytes, MPI_BYTE, 0, comm));
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

static void arrived(void *ctx, uint32_t slot, uint64_t generation, bp_status code, bool damaged,
                    const char *text)
{
    bench *b = ctx;
    (void)slot, (void)generation, (void)damaged;
    b->arrival = bp__failed(code) ? bp__fail(code, "%s", text) : BP_OK;
}

/* As the service thread does it, with an image that is decoded already. */
static bp_status run_chain(bench *b, MPI_Comm comm)
{
    (void)comm; /* the streams have it */
    if (b->rank == 0) {
        bp__stream *stream;
        BP_TRY(bp__stream_send(b->streams, 0, b->extent, &stream));
        bp__stream_ready(stream, b->bytes);
        bp__stream_end(stream);
    } else {
        bp__stream_receive(b->streams, 0, b->seed, b->extent, false);
    }
    while (bp__streams_busy(b->streams, BP__NO_SLOT)) {
        uint32_t bell = atomic_load_explicit(b->dir.doorbell, memory_order_acquire);
        if (bp__streams_poll(b->streams)) continue;
        struct timespec deadline = bp__deadline_ns(NAP_NS);
        bp__futex_wait(b->dir.doorbell, bell, &deadline);
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
    bp__writer writer;
    BP_TRY(bp__writer_open(&b->window, b->extent, &writer));
    uint64_t *words = (uint64_t *)(void *)writer.memory;
    for (uint64_t i = 0; i < b->bytes / 8; i++) words[i] = word(b->seed, i);
    return bp__writer_close(&writer);
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
    if (w->by_two) BP_TRY(bp__writer_open(&b->window, b->extent, &b->writer));
    BP_TRY(barrier());
    uint64_t from = bp__clock_ns();
    if (opens && !w->by_two) {
        BP_TRY(bp__writer_open(&b->window, b->extent, &b->writer));
        BP_TRY(bp__writer_claim(&b->writer, 0, b->bytes));
    }
    BP_TRY(w->run(b, w->comm));
    if (opens && !w->by_two) BP_TRY(bp__writer_close(&b->writer));
    BP_TRY(report(b));
    *seconds = (double)(bp__clock_ns() - from) / 1e9;
    if (w->by_two) BP_TRY(bp__writer_close(&b->writer));
    return b->rank < (w->by_two ? 2 : b->num_ranks) ? verify(b, w->name) : BP_OK;
}

/* The first turn, number -1, only warms up. */
static bp_status measure_all(bench *b, const way *ways, int num_ways)
{
    for (int k = -1; k < b->repeats; k++)
        for (int i = 0; i < num_ways; i++) {
            double seconds;
            if (ways[i].missing || ways[i].unwanted) continue;
            BP_TRY(measure(b, &ways[i], &seconds));
            if (k >= 0 && b->rank == 0)
                bench_sample(ways[i].name, "rate", "bytes/s", k, (double)b->bytes / seconds);
        }
    for (int i = 0; i < num_ways; i++)
        if (b->rank == 0 && ways[i].missing && !ways[i].unwanted)
            bench_missing(ways[i].name, "rate", "bytes/s", "this MPI has no coll_tuned_bcast_algorithm");
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

    bp__writer writer;
    size_t control = bp__dir_bytes(1, 1, 4096);
    void *memory = aligned_alloc(4096, control);
    if (!memory) BP_FAIL(BP_ENOMEM, "no memory for a directory");
    memset(memory, 0, control);
    bp__dir_attach(&b->dir, memory, 1, 1, 4096);
    BP_TRY(bp__window_create(MPI_COMM_SELF, b->bytes, &b->window));
    BP_TRY(bp__window_split(&b->window));
    b->extent = (bp__extent){0, b->bytes};
    BP_TRY(bp__writer_open(&b->window, b->extent, &writer));
    BP_TRY(bp__writer_claim(&writer, 0, b->bytes));
    BP_TRY(bp__writer_close(&writer));
    BP_TRY(bp__workers_create(NULL, &b->workers));
    const bp__streams_setup setup = {.chain = ways[1].comm,
                                     .dir = &b->dir,
                                     .arena = &b->window,
                                     .workers = b->workers,
                                     .host = "?",
                                     .one_machine = b->num_machines == 1,
                                     .verify = b->num_machines > 1, /* as a pool does */
                                     .calls = {.over = arrived, .ctx = b}};
    return bp__streams_create(&setup, &b->streams);
}

/* @return whether all names of the list, which is split at its commas, are ways; the others are unwanted then
 */
static bool choose(way *ways, int num_ways, char *list)
{
    for (int i = 0; i < num_ways; i++) ways[i].unwanted = true;
    for (char *name = strtok(list, ","); name; name = strtok(NULL, ",")) {
        int i = 0;
        while (i < num_ways && strcmp(ways[i].name, name) != 0) i++;
        if (i == num_ways) return false;
        ways[i].unwanted = false;
    }
    return true;
}

static void usage(FILE *out)
{
    fputs("usage: mpirun -n N bench_broadcast [--mib 64] [--repeats 5] [--ways NAME[,NAME...]] [--link-mbit "
          "M]\n"
          "                                   [--json]\n"
          "Times the pool's chain beside MPI_Bcast, N >= 2 ranks, each for a node; 1 to 2047 MiB. "
          "--link-mbit goes\n"
          "into the output as it is: how fast the hosts' links are. Ways: point_to_point, chain, bcast,\n"
          "bcast_segments, ibcast_segments, bcast_pipeline_1m, bcast_pipeline_128k.\n",
          out);
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {{"mib", 1, 0, 'm'},
                                          {"repeats", 1, 0, 'n'},
                                          {"ways", 1, 0, 'w'},
                                          {"link-mbit", 1, 0, 'l'},
                                          {"json", 0, 0, 'j'},
                                          {"help", 0, 0, 'h'},
                                          {0}};
    way ways[] = {
        {.name = "point_to_point", .run = run_link, .by_two = true}, /* rank 0 to rank 1 */
        {.name = "chain", .run = run_chain},
        {.name = "bcast", .run = run_bcast},
        {.name = "bcast_segments", .run = run_bcast_segments},
        {.name = "ibcast_segments", .run = run_ibcast},
        {.name = "bcast_pipeline_1m", .run = run_bcast, .algorithm = PIPELINE, .segment = 1 << 20},
        {.name = "bcast_pipeline_128k", .run = run_bcast, .algorithm = PIPELINE, .segment = 128 << 10},
    };
    int num_ways = (int)(sizeof ways / sizeof *ways), level, provided, mib = 64, o;
    bench b = {.repeats = 5, .window = {.win = MPI_WIN_NULL}};
    bench_name = "broadcast";
    setenv("OMPI_MCA_coll_tuned_use_dynamic_rules", "1", 0); /* lets parameters be set later */
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &level);
    MPI_T_init_thread(MPI_THREAD_SINGLE, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &b.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &b.num_ranks);
    bool asked = false, wrong = b.num_ranks < 2;
    while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (o) {
        case 'm': mib = atoi(optarg); break;
        case 'n': b.repeats = atoi(optarg); break;
        case 'w': wrong = !choose(ways, num_ways, optarg) || wrong; break;
        case 'l': bench_condition_number("link_mbit", atoi(optarg)); break;
        case 'j': bench_json = true; break;
        case 'h': asked = true; break;
        default: wrong = true;
        }
    }
    wrong = wrong || optind < argc || mib < 1 || mib > 2047 || b.repeats < 1;
    if (asked || wrong) {
        if (b.rank == 0) usage(asked ? stdout : stderr);
        MPI_Finalize();
        return asked ? 0 : 2;
    }
    b.bytes = (uint64_t)mib << 20;
    bench_condition_number("nodes", b.num_ranks);
    bench_condition_number("mib", mib);

    bp_status s = set_up(&b, ways, num_ways);
    bench_condition_number("machines", b.num_machines);
    if (s == BP_OK) s = measure_all(&b, ways, num_ways);
    if (bp__failed(s)) bench_die("%s", bp_error_text()); /* the others may be waiting for this rank */

    bp__streams_destroy(&b.streams);
    bp__workers_destroy(&b.workers);
    bp__window_destroy(&b.window);
    for (int i = 0; i < num_ways; i++) MPI_Comm_free(&ways[i].comm);
    MPI_T_finalize();
    MPI_Finalize();
    return 0;
}
