/* Streams between three nodes of one rank each, without the rest of a pool: what arrives is what was sent, on
 * every node, and a node on which it has not all arrived says so.
 *
 * The arena keeps the bytes of the round before, as a pool's does: a segment that is not written leaves
 * another's values behind. With BUNDLEPOOL_FAULT=naps the threads are preempted where it matters. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/atomic.h"
#include "core/clock.h"
#include "core/futex.h"
#include "mpi/checksum.h"
#include "mpi/stream.h"
#include "support/mpi_check.h"

#define NODES   3
#define SLOT    1u
#define SEGMENT (256u << 10) /* between machines */
#define BYTES   (2 * SEGMENT + SEGMENT / 2)
#define LONG    (20 * SEGMENT) /* more than a stream may have in private memory */
#define ARENA   (8u << 20)

typedef struct node {
    MPI_Comm chain;
    bp__directory dir;
    void *memory; /* of the directory */
    bp__window arena;
    bp__workers *workers;
    bp__streams *streams;
    /* of the round's stream */
    unsigned char fill; /* the byte that it is full of */
    bool over, damaged;
    bp_status vote;
    char text[BP_ERROR_TEXT_MAX];
} node;

static void stream_over(void *ctx, uint32_t slot, uint64_t generation, bp_status code, bool damaged,
                        const char *text)
{
    node *n = ctx;
    (void)slot, (void)generation;
    n->over = true;
    n->vote = code;
    n->damaged = damaged;
    snprintf(n->text, sizeof n->text, "%s", text);
}

static bool is_full_of(const char *bytes, size_t size, unsigned char fill)
{
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)bytes[i] != fill) return false;
    return true;
}

/* Uses a stage as it arrives: every byte that is reported to be there must be right. */
static bp_status use_stage(void *ctx, bp__stream *stream, uint32_t slot, bp__extent extent)
{
    node *n = ctx;
    const _Atomic uint32_t *progress = &n->dir.turns[slot].progress;
    for (uint64_t used = 0, arrived; used < extent.bytes;) {
        uint32_t seen = bp__load_acquire(progress);
        if (!bp__stream_arrived(stream, &arrived)) BP_FAIL(BP_EIO, "the stage does not arrive");
        CHECK(is_full_of(n->arena.view + extent.offset + used, arrived - used, n->fill));
        used = arrived;
        struct timespec deadline = bp__deadline(10);
        if (used < extent.bytes) bp__futex_wait(progress, seen, &deadline);
    }
    return BP_OK;
}

static bool create(node *n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = bp__dir_bytes(4, 1, page);
    *n = (node){.memory = aligned_alloc(page, bytes)};
    if (!CHECK(n->memory != NULL)) return false;
    memset(n->memory, 0, bytes);
    bp__dir_attach(&n->dir, n->memory, 4, 1, page);
    bp__dir_init(&n->dir, 1000000);
    bp__dir_open(&n->dir, SLOT, 1, "b");
    MPI_Comm_dup(MPI_COMM_WORLD, &n->chain);
    MPI_Comm_set_errhandler(n->chain, MPI_ERRORS_RETURN);
    if (!CHECK_OK(bp__window_create(MPI_COMM_SELF, ARENA, &n->arena)) ||
        !CHECK_OK(bp__window_split(&n->arena)) || !CHECK_OK(bp__workers_create(NULL, &n->workers)))
        return false;
    const bp__streams_setup setup = {.chain = n->chain,
                                     .dir = &n->dir,
                                     .arena = &n->arena,
                                     .workers = n->workers,
                                     .host = "here",
                                     .verify = true,
                                     .calls = {.over = stream_over, .use = use_stage, .ctx = n}};
    return CHECK_OK(bp__streams_create(&setup, &n->streams));
}

static void destroy(node *n)
{
    bp__workers_destroy(&n->workers);
    bp__streams_destroy(&n->streams);
    bp__window_destroy(&n->arena);
    MPI_Comm_free(&n->chain);
    free(n->memory);
}

/* What a service thread does, until no stream is under way. */
static void poll(node *n)
{
    struct timespec give_up = bp__deadline(60000);
    while (bp__streams_busy(n->streams, BP__NO_SLOT)) {
        uint32_t bell = bp__load_acquire(n->dir.doorbell);
        if (bp__streams_poll(n->streams)) continue;
        if (!CHECK(!bp__deadline_passed(&give_up))) MPI_Abort(MPI_COMM_WORLD, 1);
        struct timespec nap = bp__deadline_ns(50000);
        bp__futex_wait(n->dir.doorbell, bell, &nap);
    }
}

/* Rank 0: fill the extent as a loader does, and tell the stream of what is in place. */
static void send(node *n, bp__extent extent)
{
    bp__stream *stream;
    bp__writer writer;
    if (!CHECK_OK(bp__stream_send(n->streams, SLOT, extent, &stream))) return;
    CHECK_OK(bp__writer_open(&n->arena, extent, &writer));
    CHECK_OK(bp__writer_claim(&writer, 0, extent.bytes));
    for (uint64_t at = 0; at < extent.bytes; at += SEGMENT / 2) {
        uint64_t size = extent.bytes - at < SEGMENT / 2 ? extent.bytes - at : SEGMENT / 2;
        memset(writer.memory + at, n->fill, size);
        bp__stream_ready(stream, at + size);
        bp__streams_poll(n->streams);
    }
    CHECK_OK(bp__writer_close(&writer));
    bp__stream_end(stream);
}

/* Begin a round; every node has left the one before. */
static void begin(node *n, unsigned char fill)
{
    MPI_Barrier(MPI_COMM_WORLD);
    n->fill = fill;
    n->over = false;
    n->text[0] = '\0';
}

static void test_all_arrives(node *n, int rounds, bool stage)
{
    static const uint64_t sizes[] = {BYTES, 4096, SEGMENT, SEGMENT + 4096};
    check_case(stage ? "a stage: all that is said to be there is there" : "an image: all of it arrives");
    for (int i = 0; i < rounds; i++) {
        const bp__extent extent = {0, sizes[i % 4]};
        begin(n, (unsigned char)(i % 251 + 1));
        if (check_rank == 0)
            send(n, extent);
        else
            bp__stream_receive(n->streams, SLOT, (uint64_t)i + 1, extent, stage);
        poll(n);
        if (check_rank == 0) continue;
        CHECK(n->over);
        CHECK_STATUS(n->vote, BP_OK);
        if (n->vote != BP_OK) printf("rank %d: vote: %s\n", check_rank, n->text);
        CHECK(is_full_of(n->arena.view, extent.bytes, n->fill));
    }
}

/* Node 1 cannot write to its extent, which does not begin on a page: node 2 gets everything all the same. */
static void test_no_memory(node *n, bool stage)
{
    check_case("a node without memory passes everything on, and votes no");
    const bp__extent extent = {check_rank == 1 ? 8 : 0, BYTES};
    begin(n, 252);
    if (check_rank == 0)
        send(n, extent);
    else
        bp__stream_receive(n->streams, SLOT, 1, extent, stage);
    poll(n);
    if (check_rank == 1) {
        CHECK(n->over && n->vote == BP_ESYS && strstr(n->text, "access"));
        CHECK(!is_full_of(n->arena.view, BYTES, 252));
    } else if (check_rank == 2) {
        CHECK(n->over && n->vote == BP_OK && is_full_of(n->arena.view, BYTES, 252));
    }
}

/* Node 2 begins to receive only when node 1 has everything: what came to node 1 must not wait for that. */
static void test_late(node *n, bool stage)
{
    check_case("a node that is late keeps nobody above it waiting");
    const bp__extent extent = {0, LONG};
    int token = 0;
    begin(n, 251);
    if (check_rank == 0) send(n, extent);
    if (check_rank == 2) MPI_Recv(&token, 1, MPI_INT, 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    if (check_rank > 0) bp__stream_receive(n->streams, SLOT, 1, extent, stage);
    if (check_rank == 1) {
        struct timespec give_up = bp__deadline(60000);
        while (!n->over && !bp__deadline_passed(&give_up)) bp__streams_poll(n->streams);
        if (!CHECK(n->over && n->vote == BP_OK)) MPI_Abort(MPI_COMM_WORLD, 1);
        MPI_Send(&token, 1, MPI_INT, 2, 0, MPI_COMM_WORLD);
    }
    poll(n);
    if (check_rank > 0) CHECK(n->vote == BP_OK && is_full_of(n->arena.view, extent.bytes, n->fill));
}

/* A message for a segment that is full of a byte, as rank 0's node sends it. */
static void send_segment(const node *n, uint32_t segment, size_t bytes, uint32_t checksum)
{
    char *message = malloc(bytes + sizeof(bp__trailer));
    if (!CHECK(message != NULL)) MPI_Abort(MPI_COMM_WORLD, 1);
    memset(message, n->fill, bytes);
    const bp__trailer t = {checksum ^ bp__checksum(message, bytes), segment};
    memcpy(message + bytes, &t, sizeof t);
    int size = bytes ? (int)(bytes + sizeof t) : 0;
    CHECK(MPI_Send(message, size, MPI_BYTE, 1, SLOT, n->chain) == MPI_SUCCESS);
    free(message);
}

/* What may be wrong with the second of three segments, which is of no use to any node then. */
static const struct {
    size_t bytes;
    uint32_t segment, checksum; /* the bits that are wrong in it */
    bool damaged;
    const char *complaint;
} wrong[] = {{0, 1, 0, false, ""},
             {SEGMENT - 1, 1, 0, false, "came with fewer bytes"},
             {SEGMENT + 1, 1, 0, false, "came with more bytes"},
             {SEGMENT, 2, 0, false, "segment 1 of b came with the number 2"},
             {SEGMENT, 1, 1, true, "node 1 (here): segment 1 of b arrived damaged"},
             {SEGMENT, 1, 1u << 31, true, "node 1 (here): segment 1 of b arrived damaged"}};

static void test_wrong(node *n, bool stage)
{
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char title[80];
        snprintf(title, sizeof title, "%s, and trouble of kind %zu", stage ? "a stage" : "an image", i);
        check_case(title);
        begin(n, 253);
        if (check_rank == 0) {
            send_segment(n, 0, SEGMENT, 0);
            send_segment(n, wrong[i].segment, wrong[i].bytes, wrong[i].checksum);
            send_segment(n, 2, BYTES - 2 * SEGMENT, 0);
            continue;
        }
        bp__stream_receive(n->streams, SLOT, 1, (bp__extent){0, BYTES}, stage);
        poll(n);
        CHECK(n->over && n->vote == BP_EIO && n->damaged == wrong[i].damaged);
        if (check_rank == 1 && !CHECK(strstr(n->text, wrong[i].complaint) != NULL)) printf("%s\n", n->text);
        CHECK(is_full_of(n->arena.view, SEGMENT, 253)); /* what came whole is where it belongs */
    }
}

int main(int argc, char **argv)
{
    node n;
    int rounds = argc > 1 ? atoi(argv[1]) : 100;
    check_init(&argc, &argv);
    if (!CHECK(check_size == NODES) || !create(&n)) return check_finish();
    test_all_arrives(&n, rounds, false);
    test_all_arrives(&n, rounds, true);
    for (int stage = 0; stage < 2; stage++) {
        test_no_memory(&n, stage);
        test_late(&n, stage);
        test_wrong(&n, stage);
    }
    destroy(&n);
    return check_finish();
}
