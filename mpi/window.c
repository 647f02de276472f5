#include "mpi/window.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/atomic.h"
#include "core/log.h"
#include "core/memory.h"
#include "mpi/comm.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define STEP          (UINT64_C(64) << 10) /* the least that is claimed */
#define RUN           (UINT64_C(1) << 20)  /* the most that is claimed at once */
#define CLAIM_ALLOWED (UINT64_C(8) << 20)  /* claimed by all of a node between two looks at its free memory */
#define CLAIM_RESERVE (UINT64_C(16) << 20) /* headroom that a claim must leave to everybody else */

static bp_status create_shared(MPI_Comm node, bp__window *w)
{
    int rank, disp;
    MPI_Aint size;
    void *mine, *first;
    BP_MPI(MPI_Comm_rank(node, &rank));
    MPI_Aint ask = rank == 0 ? (MPI_Aint)(w->bytes + w->page) : 0;
    /* Open MPI checks the free space on the first rank only, and if that is too little the others wait for
     * ever: so callers agree on a size that fits before they come here. */
    BP_MPI(MPI_Win_allocate_shared(ask, 1, MPI_INFO_NULL, node, &mine, &w->win));
    BP_MPI(MPI_Win_set_errhandler(w->win, MPI_ERRORS_RETURN));
    BP_MPI(MPI_Win_shared_query(w->win, 0, &size, &disp, &first));
    /* Every process maps the segment at a page boundary, so its first whole page is the same for all. */
    w->base = (char *)(((uintptr_t)first + w->page - 1) & ~(uintptr_t)(w->page - 1));
    return BP_OK;
}

static bp_status create_private(bp__window *w)
{
    void *p = mmap(NULL, w->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        BP_FAIL_ERRNO(BP_ENOMEM, errno, "%zu bytes of shared memory cannot be mapped", w->bytes);
    w->base = p;
    return BP_OK;
}

/* How this process maps it: see the header. Without either the window works, so a failure is told, not
 * returned. */
static void advise(void *memory, size_t bytes)
{
    if (madvise(memory, bytes, MADV_DONTDUMP) != 0)
        bp__log(BP_LOG_WARN, "a core dump of this process will have all shared memory in it: %s",
                strerror(errno));
    if (madvise(memory, bytes, MADV_NOHUGEPAGE) != 0 && errno != EINVAL) /* EINVAL: this kernel has none */
        bp__log(BP_LOG_WARN, "shared memory may be in huge pages, which are not given back: %s",
                strerror(errno));
}

bp_status bp__window_create(MPI_Comm node, size_t bytes, bp__window *window)
{
    int size;
    long page = sysconf(_SC_PAGESIZE);
    *window = (bp__window){.win = MPI_WIN_NULL, .page = (size_t)page};
    window->bytes = (bytes + window->page - 1) & ~(window->page - 1);
    window->claims = &window->own;
    BP_MPI(MPI_Comm_size(node, &size));
    bp_status s = bp__agree(node, size > 1 ? create_shared(node, window) : create_private(window));
    if (bp__failed(s))
        bp__window_destroy(window);
    else
        advise(window->base, window->bytes);
    return s;
}

void bp__window_destroy(bp__window *window)
{
    if (window->view) munmap((void *)(uintptr_t)window->view, window->bytes);
    if (window->win != MPI_WIN_NULL && window->page)
        MPI_Win_free(&window->win);
    else if (window->base)
        munmap(window->base, window->bytes);
    *window = (bp__window){.win = MPI_WIN_NULL};
}

bp_status bp__window_split(bp__window *window)
{
    /* an old size of 0 duplicates a shared mapping */
    void *view = mremap(window->base, 0, window->bytes, MREMAP_MAYMOVE);
    if (view == MAP_FAILED) BP_FAIL_ERRNO(BP_ESYS, errno, "the shared memory cannot be mapped a second time");
    window->view = view;
    advise(view, window->bytes);
    if (mprotect(view, window->bytes, PROT_READ) != 0 ||
        mprotect(window->base, window->bytes, PROT_NONE) != 0)
        BP_FAIL_ERRNO(BP_ESYS, errno, "the shared memory cannot be protected");
    return BP_OK;
}

bp_status bp__window_protect(bp__window *window, size_t offset, size_t bytes, bool writable)
{
    if (mprotect(window->base + offset, bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ) != 0)
        BP_FAIL_ERRNO(BP_ESYS, errno, "the shared memory cannot be protected");
    return BP_OK;
}

/* Claiming ---------------------------------------------------------------------------------------- */

static bp_status no_room(const bp__window *window, uint64_t bytes)
{
    char host[64] = "?";
    gethostname(host, sizeof host - 1);
    BP_FAIL(BP_ENOMEM,
            "node %s has no %llu bytes of shared memory left; enlarge %.128s or the job's memory, or "
            "set pool_memory lower",
            host, (unsigned long long)bytes, window->folder ? window->folder : BP__SHM_DIR);
}

/* Under a memory cgroup, populating beyond the limit ends in SIGKILL, and on kernels before 5.14 touching a
 * full tmpfs ends in SIGBUS: so look now and then at what is left. */
static bp_status check_headroom(const bp__window *window, uint64_t bytes, bool shm_too)
{
    bp__memory m;
    BP_TRY(bp__memory_look_at(window->folder, &m));
    uint64_t least = m.available < m.cgroup ? m.available : m.cgroup;
    if (shm_too && m.shm_free < least) least = m.shm_free;
    return least < bytes + CLAIM_RESERVE ? no_room(window, bytes) : BP_OK;
}

/* Get leave for a claim of `bytes`, which are in flight. All processes of the node share what one of them
 * has found to be there. Whoever finds it used up looks, and replaces the word that it saw before it
 * looked: if that is another one by now, somebody has taken of the rest or has looked, and it starts over.
 * So no look is counted twice. What was granted but is not real yet a look does not see: it is in flight.
 * */
static bp_status grant(bp__window *window, uint64_t bytes)
{
    bp__claims *c = window->claims;
    uint64_t word = bp__load_seq_cst(&c->granted);
    for (;;) {
        uint64_t left = word & UINT32_MAX, next = word - bytes;
        if (left < bytes || left > CLAIM_ALLOWED) {
            BP_TRY(check_headroom(window, bp__load_seq_cst(&c->in_flight) + CLAIM_ALLOWED, false));
            next = ((word >> 32) + 1) << 32 | (CLAIM_ALLOWED - bytes);
        }
        if (bp__cas_weak_seq_cst(&c->granted, &word, next)) return BP_OK;
    }
}

/* Whether all these pages are real already: kept from an earlier image, or claimed by another process. */
static bool is_real(const bp__window *window, char *memory, uint64_t bytes)
{
    unsigned char there[RUN / 4096];
    if (mincore(memory, bytes, there) != 0) return false;
    for (uint64_t i = 0; i < bytes / window->page; i++)
        if (!(there[i] & 1)) return false;
    return true;
}

static bp_status populate(bp__window *window, char *memory, uint64_t bytes, bool real)
{
    while (madvise(memory, bytes, MADV_POPULATE_WRITE) != 0) {
        if (errno == EINVAL) { /* this kernel does not know the flag */
            if (!real) BP_TRY(check_headroom(window, bytes, true));
            /* a write that changes nothing: another process may have written here before */
            for (uint64_t i = 0; i < bytes; i += window->page)
                bp__or_relaxed((_Atomic char *)(memory + i), 0);
            return BP_OK;
        }
        if (errno == EFAULT || errno == ENOMEM) return no_room(window, bytes);
        if (errno != EAGAIN && errno != EINTR)
            BP_FAIL_ERRNO(BP_ESYS, errno, "pages of shared memory cannot be claimed");
    }
    return BP_OK;
}

/* Claim a run of whole pages. Those that are real already are claimed as well: that maps them. */
static bp_status claim_run(bp__window *window, char *memory, uint64_t bytes)
{
    if (is_real(window, memory, bytes)) return populate(window, memory, bytes, true);
    bp__add_seq_cst(&window->claims->in_flight, bytes);
    bp_status s = grant(window, bytes);
    if (s == BP_OK) s = populate(window, memory, bytes, false);
    bp__sub_release(&window->claims->in_flight, bytes);
    return s;
}

bp_status bp__window_claim(bp__window *window)
{
    for (uint64_t at = 0; at < window->bytes; at += RUN) {
        uint64_t n = window->bytes - at < RUN ? window->bytes - at : RUN;
        BP_TRY(claim_run(window, window->base + at, n));
    }
    return BP_OK;
}

/* Writers ---------------------------------------------------------------------------------------- */

static uint64_t step_of(const bp__window *window)
{
    return window->page > STEP ? window->page : STEP;
}

static bp_status set_access(bp__window *window, bp__extent extent, int access)
{
    if (mprotect(window->base + extent.offset, extent.bytes, access) != 0)
        BP_FAIL_ERRNO(BP_ESYS, errno, "the access to shared memory cannot be changed");
    return BP_OK;
}

/* Access is the whole process's, so an extent's writers are counted. Different extents do not overlap. */
struct bp__opening {
    struct bp__opening *next;
    bp__extent extent;
    unsigned writers;
};

static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER; /* over the openings of all windows */

static struct bp__opening **find_opening(bp__window *window, bp__extent extent)
{
    struct bp__opening **link = &window->openings;
    while (*link && (*link)->extent.offset != extent.offset) link = &(*link)->next;
    return link;
}

static bp_status add_writer(bp__window *window, bp__extent extent)
{
    struct bp__opening **link = find_opening(window, extent), *o = *link;
    if (!o) {
        o = calloc(1, sizeof *o);
        if (!o) BP_FAIL(BP_ENOMEM, "no memory to fill shared memory");
        o->extent = extent;
        bp_status s = set_access(window, extent, PROT_READ | PROT_WRITE);
        if (bp__failed(s)) {
            free(o);
            return s;
        }
        *link = o;
    }
    o->writers++;
    return BP_OK;
}

static bp_status remove_writer(bp__window *window, bp__extent extent)
{
    struct bp__opening **link = find_opening(window, extent), *o = *link;
    assert(o); /* whoever removes a writer has added it */
    if (--o->writers > 0) return BP_OK;
    *link = o->next;
    free(o);
    return set_access(window, extent, PROT_NONE);
}

bp_status bp__writer_open(bp__window *window, bp__extent extent, bp__writer *writer)
{
    uint64_t steps = extent.bytes / step_of(window) + 1;
    *writer = (bp__writer){.window = window, .extent = extent, .memory = window->base + extent.offset};
    writer->claimed = calloc(steps / 64 + 1, sizeof *writer->claimed);
    if (!writer->claimed) {
        *writer = (bp__writer){0};
        BP_FAIL(BP_ENOMEM, "no memory to fill shared memory");
    }
    pthread_mutex_lock(&opening);
    bp_status s = add_writer(window, extent);
    pthread_mutex_unlock(&opening);
    if (bp__failed(s)) {
        free(writer->claimed);
        *writer = (bp__writer){0};
    }
    return s;
}

static bool is_claimed(const bp__writer *writer, uint64_t step)
{
    return writer->claimed[step / 64] >> step % 64 & 1;
}

bp_status bp__writer_claim(bp__writer *writer, uint64_t from, uint64_t to)
{
    uint64_t step = step_of(writer->window), last = (to + step - 1) / step;
    for (uint64_t i = from / step; i < last; i++) {
        if (is_claimed(writer, i)) continue;
        uint64_t end = i + 1;
        while (end < last && !is_claimed(writer, end) && (end + 1 - i) * step <= RUN) end++;
        uint64_t stop = end * step < writer->extent.bytes ? end * step : writer->extent.bytes;
        BP_TRY(claim_run(writer->window, writer->memory + i * step, stop - i * step));
        for (; i < end; i++) writer->claimed[i / 64] |= UINT64_C(1) << i % 64;
        i--;
    }
    return BP_OK;
}

bp_status bp__writer_close(bp__writer *writer)
{
    if (!writer->window) return BP_OK;
    pthread_mutex_lock(&opening);
    bp_status s = remove_writer(writer->window, writer->extent);
    pthread_mutex_unlock(&opening);
    free(writer->claimed);
    *writer = (bp__writer){0};
    return s;
}

/* MADV_REMOVE takes the pages out of the file, and with it out of every mapping in every process. That is
 * all the kernel needs. But libraries that keep memory registered for a network watch what a process does
 * to its own addresses, and only MADV_DONTNEED tells them, for each mapping, that other pages will be
 * there. */
bp_status bp__window_give_back(bp__window *window, bp__extent extent)
{
    char *base = window->base + extent.offset;
    BP_TRY(set_access(window, extent, PROT_READ | PROT_WRITE)); /* older kernels want a writable mapping */
    int rc = madvise(base, extent.bytes, MADV_REMOVE), err = errno;
    BP_TRY(set_access(window, extent, PROT_NONE));
    if (rc != 0) BP_FAIL_ERRNO(BP_ESYS, err, "shared memory cannot be given back");
    char *view = (char *)(uintptr_t)(window->view + extent.offset);
    if (madvise(base, extent.bytes, MADV_DONTNEED) != 0 || madvise(view, extent.bytes, MADV_DONTNEED) != 0)
        BP_FAIL_ERRNO(BP_ESYS, errno, "shared memory was given back, but stays mapped");
    return BP_OK;
}
