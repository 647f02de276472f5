/* Windows: what the kernel is told of their mappings, what goes when pages are given back, and how much all
 * processes of a node claim together. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/memory.h"
#include "mpi/window.h"
#include "support/mpi_check.h"

#define MIB     (UINT64_C(1) << 20)
#define ARENA   (64 * MIB)
#define RESERVE (16 * MIB) /* what claims leave to everybody else */

/* The calls of the library's, as they go by (linked with --wrap) ------------------------------------- */

typedef struct advice {
    const char *at;
    size_t bytes;
    int what;
} advice;

static advice heard[64];
static unsigned num_heard;

int __real_madvise(void *at, size_t bytes, int what);
int __wrap_madvise(void *at, size_t bytes, int what);
bp_status __real_bp__memory_look_at(const char *folder, bp__memory *memory);
bp_status __wrap_bp__memory_look_at(const char *folder, bp__memory *memory);

int __wrap_madvise(void *at, size_t bytes, int what)
{
    if (num_heard < sizeof heard / sizeof *heard) heard[num_heard++] = (advice){at, bytes, what};
    return __real_madvise(at, bytes, what);
}

static bool was_heard(const char *at, size_t bytes, int what)
{
    for (unsigned i = 0; i < num_heard; i++)
        if (heard[i].at == at && heard[i].bytes == bytes && heard[i].what == what) return true;
    return false;
}

static const bp__window *machine; /* whose pages are all that the machine has in use; NULL: the real one */
static uint64_t machine_bytes;

static uint64_t real_bytes(const bp__window *w)
{
    static unsigned char there[ARENA / 4096];
    uint64_t pages = 0;
    if (!CHECK(mincore(w->base, w->bytes, there) == 0)) return 0;
    for (uint64_t i = 0; i < w->bytes / w->page; i++) pages += there[i] & 1;
    return pages * w->page;
}

bp_status __wrap_bp__memory_look_at(const char *folder, bp__memory *memory)
{
    bp_status s = __real_bp__memory_look_at(folder, memory);
    if (machine) memory->available = machine_bytes - real_bytes(machine);
    return s;
}

/* What the kernel knows of a mapping ------------------------------------------------------------------ */

/* Whether every part of it has a flag: two letters as in /proc/self/smaps. */
static bool has_flag(const char *memory, size_t bytes, const char *flag)
{
    char line[512];
    uintptr_t from = 0, to = 0, begin = (uintptr_t)memory, end = begin + bytes;
    bool all = true, any = false;
    FILE *f = fopen("/proc/self/smaps", "re");
    if (!CHECK(f != NULL)) return false;
    while (fgets(line, sizeof line, f)) {
        uintptr_t a, b;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &a, &b) == 2) from = a, to = b;
        if (strncmp(line, "VmFlags:", 8) != 0 || from >= end || to <= begin) continue;
        any = true;
        all &= strstr(line, flag) != NULL;
    }
    fclose(f);
    return any && all;
}

static void test_mappings(void)
{
    bp__window w;
    check_case("neither mapping is in a core dump, nor in huge pages");
    if (!CHECK_OK(bp__window_create(MPI_COMM_WORLD, ARENA, &w))) return;
    CHECK(has_flag(w.base, w.bytes, " dd"));
    CHECK_OK(bp__window_split(&w));
    CHECK(has_flag(w.base, w.bytes, " dd"));
    CHECK(has_flag(w.view, w.bytes, " dd"));
    if (access("/sys/kernel/mm/transparent_hugepage", F_OK) == 0) {
        CHECK(has_flag(w.base, w.bytes, " nh"));
        CHECK(has_flag(w.view, w.bytes, " nh"));
    }
    bp__window_destroy(&w);
}

static bool is_full_of(const char *memory, size_t bytes, char fill)
{
    for (size_t i = 0; i < bytes; i++)
        if (memory[i] != fill) return false;
    return true;
}

static void test_give_back(void)
{
    const bp__extent e = {2 * MIB, 4 * MIB};
    bp__window w;
    bp__writer writer;
    check_case("what is given back goes from every mapping");
    if (!CHECK_OK(bp__window_create(MPI_COMM_WORLD, ARENA, &w)) || !CHECK_OK(bp__window_split(&w))) return;
    if (check_rank == 0 && CHECK_OK(bp__writer_open(&w, e, &writer))) {
        CHECK_OK(bp__writer_claim(&writer, 0, e.bytes));
        memset(writer.memory, 'x', e.bytes);
        CHECK_OK(bp__writer_close(&writer));
    }
    MPI_Barrier(MPI_COMM_WORLD);
    CHECK(is_full_of(w.view + e.offset, e.bytes, 'x'));
    CHECK(real_bytes(&w) == e.bytes);
    MPI_Barrier(MPI_COMM_WORLD);
    num_heard = 0;
    if (check_rank == 0) {
        CHECK_OK(bp__window_give_back(&w, e));
        CHECK(was_heard(w.base + e.offset, e.bytes, MADV_REMOVE));
        CHECK(was_heard(w.base + e.offset, e.bytes, MADV_DONTNEED));
        CHECK(was_heard(w.view + e.offset, e.bytes, MADV_DONTNEED));
    }
    MPI_Barrier(MPI_COMM_WORLD);
    CHECK(real_bytes(&w) == 0);
    MPI_Barrier(MPI_COMM_WORLD); /* to read a hole makes it real */
    CHECK(is_full_of(w.view + e.offset, e.bytes, 0));
    bp__window_destroy(&w);
}

/* Every rank takes all that it is given, after each has been given something. */
static void test_together(void)
{
    const uint64_t share = ARENA / (uint64_t)check_size / MIB * MIB;
    bp__window w, common;
    bp__writer writer;
    check_case("all processes together leave to others what they must");
    if (!CHECK_OK(bp__window_create(MPI_COMM_WORLD, ARENA, &w)) || !CHECK_OK(bp__window_split(&w)) ||
        !CHECK_OK(bp__window_create(MPI_COMM_WORLD, 1, &common)))
        return;
    w.claims = (void *)common.base;
    machine_bytes = RESERVE + 24 * MIB;
    machine = &w;
    CHECK_OK(bp__writer_open(&w, (bp__extent){(uint64_t)check_rank * share, share}, &writer));
    CHECK_OK(bp__writer_claim(&writer, 0, MIB / 2));
    MPI_Barrier(MPI_COMM_WORLD);
    bp_status s = BP_OK;
    for (uint64_t at = 0; at < share && s == BP_OK; at += MIB) s = bp__writer_claim(&writer, at, at + MIB);
    CHECK(s == BP_OK || s == BP_ENOMEM);
    CHECK_OK(bp__writer_close(&writer));
    MPI_Barrier(MPI_COMM_WORLD);
    uint64_t claimed = real_bytes(&w);
    if (check_rank == 0) printf("%" PRIu64 " of 24 MiB were claimed\n", claimed / MIB);
    CHECK(claimed <= 24 * MIB &&
          claimed >= 8 * MIB); /* not too much, and not nothing: it is there to be used */
    CHECK(w.claims->in_flight == 0);
    machine = NULL;
    bp__window_destroy(&w);
    bp__window_destroy(&common);
}

int main(int argc, char **argv)
{
    check_init(&argc, &argv);
    test_mappings();
    test_give_back();
    test_together();
    return check_finish();
}
