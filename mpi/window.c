#include "mpi/window.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/memory.h"
#include "mpi/comm.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define CLAIM_STEP    (UINT64_C(32) << 20)
#define CLAIM_RESERVE (UINT64_C(16) << 20) /* headroom that a claim must leave to everybody else */

static bp_status create_shared(MPI_Comm node, bp__window *w)
{
    int rank, disp;
    MPI_Aint size;
    void *mine, *first;
    BP_MPI(MPI_Comm_rank(node, &rank));
    MPI_Aint ask = rank == 0 ? (MPI_Aint)(w->bytes + w->page) : 0;
    /* Open MPI checks the free space on the first rank, and the others would wait for it for ever: callers
     * agree on a size that fits before they come here. */
    BP_MPI(MPI_Win_allocate_shared(ask, 1, MPI_INFO_NULL, node, &mine, &w->win));
    BP_MPI(MPI_Win_set_errhandler(w->win, MPI_ERRORS_RETURN));
    BP_MPI(MPI_Win_shared_query(w->win, 0, &size, &disp, &first));
    /* All processes map the segment at a page; so the first whole page is the same for each. */
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

bp_status bp__window_create(MPI_Comm node, size_t bytes, bp__window *window)
{
    int size;
    long page = sysconf(_SC_PAGESIZE);
    *window = (bp__window){.win = MPI_WIN_NULL, .page = (size_t)page};
    window->bytes = (bytes + window->page - 1) & ~(window->page - 1);
    BP_MPI(MPI_Comm_size(node, &size));
    bp_status s = bp__agree(node, size > 1 ? create_shared(node, window) : create_private(window));
    if (bp__failed(s)) bp__window_destroy(window);
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

bp_status bp__window_open(bp__window *window, bp__extent extent, void **memory)
{
    *memory = window->base + extent.offset;
    if (mprotect(*memory, extent.bytes, PROT_READ | PROT_WRITE) != 0)
        BP_FAIL_ERRNO(BP_ESYS, errno, "the shared memory cannot be opened for writing");
    return BP_OK;
}

bp_status bp__window_close(bp__window *window, bp__extent extent)
{
    if (mprotect(window->base + extent.offset, extent.bytes, PROT_NONE) != 0)
        BP_FAIL_ERRNO(BP_ESYS, errno, "the shared memory cannot be closed");
    return BP_OK;
}

static bp_status no_room(uint64_t bytes)
{
    char host[64] = "?";
    gethostname(host, sizeof host - 1);
    BP_FAIL(BP_ENOMEM,
            "node %s has no %llu bytes of shared memory left; enlarge /dev/shm or the job's memory, or "
            "set pool_memory lower",
            host, (unsigned long long)bytes);
}

/* Under a memory cgroup populating beyond the limit ends in SIGKILL, and on kernels before 5.14 touching a
 * full tmpfs ends in SIGBUS: so look at what is left, each time. */
static bp_status check_headroom(const bp__window *window, uint64_t bytes, bool shm_too)
{
    bp__memory m;
    BP_TRY(bp__memory_look(&m));
    uint64_t least = m.available < m.cgroup ? m.available : m.cgroup;
    if (shm_too && window->win != MPI_WIN_NULL && m.shm_free < least) least = m.shm_free;
    return least < bytes + CLAIM_RESERVE ? no_room(bytes) : BP_OK;
}

/* Whether all these pages are there already: kept from an image before. */
static bool is_real(const bp__window *window, char *memory, uint64_t bytes)
{
    unsigned char there[CLAIM_STEP / 4096];
    if (mincore(memory, bytes, there) != 0) return false;
    for (uint64_t i = 0; i < bytes / window->page; i++)
        if (!(there[i] & 1)) return false;
    return true;
}

bp_status bp__window_claim(bp__window *window, bp__extent extent)
{
    for (uint64_t at = 0; at < extent.bytes;) {
        uint64_t n = extent.bytes - at < CLAIM_STEP ? extent.bytes - at : CLAIM_STEP;
        char *memory = window->base + extent.offset + at;
        if (is_real(window, memory, n)) {
            at += n;
            continue;
        }
        BP_TRY(check_headroom(window, n, false));
        if (madvise(memory, n, MADV_POPULATE_WRITE) == 0) {
            at += n;
        } else if (errno == EINVAL) { /* this kernel does not know it */
            BP_TRY(check_headroom(window, n, true));
            for (uint64_t i = 0; i < n; i += window->page) *(volatile char *)(memory + i) = 0;
            at += n;
        } else if (errno == EFAULT || errno == ENOMEM) {
            return no_room(n);
        } else if (errno != EAGAIN && errno != EINTR) {
            BP_FAIL_ERRNO(BP_ESYS, errno, "pages of shared memory cannot be claimed");
        }
    }
    return BP_OK;
}

bp_status bp__window_give_back(bp__window *window, bp__extent extent)
{
    void *memory;
    BP_TRY(bp__window_open(window, extent, &memory)); /* older kernels ask for a writable mapping */
    int rc = madvise(memory, extent.bytes, MADV_REMOVE), err = errno;
    BP_TRY(bp__window_close(window, extent));
    if (rc != 0) BP_FAIL_ERRNO(BP_ESYS, err, "shared memory cannot be given back");
    return BP_OK;
}
