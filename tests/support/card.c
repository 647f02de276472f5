/* card.c, to be preloaded: a network card that moves bytes between registered pages, as InfiniBand's do, and
 * the memory of registrations that MPI libraries keep for it. The messages themselves go the way they always
 * go.
 *
 *     CARD=refuses    memory that is not writable cannot be registered: a send from it fails
 *     CARD=remembers  it can; and what was registered under an address once is what the card moves from then
 *                     on, whatever is mapped there, until that address is unmapped
 *
 * Pages are held by pipes: vmsplice() lends a pipe the pages themselves, so that what is read from it is what
 * the card would read. Only long messages of bytes are the card's. Each process tells at its end what its card
 * has done. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <mpi.h>

#define LEAST     (64 << 10)   /* bytes of a message that the card moves; others are copied, as is usual */
#define PART      (512u << 10) /* what one pipe holds: 128 pages, of the 256 that anybody's may */
#define PIPE_SIZE (1 << 20)

typedef struct registration {
    struct registration *next;
    char *memory;
    size_t bytes;
    size_t num_pipes;
    int (*pipe)[2]; /* [num_pipes] */
} registration;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* over everything below */
static registration *registered;
static long registrations, moved, stale, refused;

__attribute__((noreturn)) static void die(const char *what)
{
    fprintf(stderr, "card: %s: %s\n", what, strerror(errno));
    abort();
}

static bool card_is(const char *kind)
{
    const char *card = getenv("CARD");
    return card && strcmp(card, kind) == 0;
}

/* Whether a write to this address is permitted, as the kernel's list of mappings has it. */
static bool is_writable(const void *memory)
{
    char line[512], access[5];
    unsigned long from, to;
    bool found = false, writable = false;
    FILE *maps = fopen("/proc/self/maps", "re");
    if (!maps) die("/proc/self/maps");
    while (!found && fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx %4s", &from, &to, access) == 3 && (uintptr_t)memory >= from &&
            (uintptr_t)memory < to) {
            found = true;
            writable = access[1] == 'w';
        }
    fclose(maps);
    return writable;
}

/* Registrations --------------------------------------------------------------------------------- */

static size_t part_bytes(const registration *r, size_t part)
{
    size_t left = r->bytes - part * PART;
    return left < PART ? left : PART;
}

static void open_pipe(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC) != 0 || fcntl(ends[1], F_SETPIPE_SZ, PIPE_SIZE) < 0) die("a pipe");
}

static registration *add_registration(char *memory, size_t bytes)
{
    registration *r = calloc(1, sizeof *r);
    if (!r) die("a registration");
    *r = (registration){.next = registered, .memory = memory, .bytes = bytes};
    r->num_pipes = (bytes + PART - 1) / PART;
    r->pipe = calloc(r->num_pipes, sizeof *r->pipe);
    if (!r->pipe) die("a registration");
    for (size_t i = 0; i < r->num_pipes; i++) {
        open_pipe(r->pipe[i]);
        for (size_t done = 0; done < part_bytes(r, i);) {
            struct iovec rest = {memory + i * PART + done, part_bytes(r, i) - done};
            ssize_t n = vmsplice(r->pipe[i][1], &rest, 1, 0);
            if (n <= 0) die("vmsplice");
            done += (size_t)n;
        }
    }
    registered = r;
    registrations++;
    return r;
}

/* What MPI libraries do: an address that is known, and long enough, is not looked at again. */
static registration *find_registration(char *memory, size_t bytes)
{
    for (registration *r = registered; r; r = r->next)
        if (r->memory == memory && r->bytes >= bytes) return r;
    return add_registration(memory, bytes);
}

static void drop_registrations(const char *memory, size_t bytes)
{
    pthread_mutex_lock(&lock);
    for (registration **link = &registered; *link;) {
        registration *r = *link;
        if (r->memory >= memory + bytes || memory >= r->memory + r->bytes) {
            link = &r->next;
            continue;
        }
        *link = r->next;
        for (size_t i = 0; i < r->num_pipes; i++) close(r->pipe[i][0]), close(r->pipe[i][1]);
        free(r->pipe);
        free(r);
    }
    pthread_mutex_unlock(&lock);
}

__attribute__((visibility("default"))) int munmap(void *memory, size_t bytes)
{
    drop_registrations(memory, bytes);
    return (int)syscall(SYS_munmap, memory, bytes);
}

/* What is in the registered pages now. */
static void read_pages(const registration *r, char *out, size_t bytes)
{
    for (size_t i = 0; i * PART < bytes; i++) {
        int copy[2]; /* of the pipe: reading from that itself would let the pages go */
        size_t part = part_bytes(r, i), want = bytes - i * PART < part ? bytes - i * PART : part;
        open_pipe(copy);
        if (tee(r->pipe[i][0], copy[1], part, 0) < (ssize_t)want) die("tee");
        for (size_t done = 0; done < want;) {
            ssize_t n = read(copy[0], out + i * PART + done, want - done);
            if (n <= 0) die("read");
            done += (size_t)n;
        }
        close(copy[0]);
        close(copy[1]);
    }
}

/* A copy of what the card finds in its pages, if that is not what is mapped there; NULL: it is. */
static char *copy_if_stale(char *memory, size_t bytes)
{
    char *pages = malloc(bytes);
    if (!pages) die("a message");
    pthread_mutex_lock(&lock);
    read_pages(find_registration(memory, bytes), pages, bytes);
    moved++;
    bool same = memcmp(pages, memory, bytes) == 0;
    if (!same) stale++;
    pthread_mutex_unlock(&lock);
    if (!same) return pages;
    free(pages);
    return NULL;
}

/* Messages --------------------------------------------------------------------------------------- */

static bool is_for_card(int count, MPI_Datatype type)
{
    return type == MPI_BYTE && count >= LEAST && (card_is("refuses") || card_is("remembers"));
}

static bool refuses(const void *memory)
{
    if (!card_is("refuses")) return false;
    bool writable = is_writable(memory);
    pthread_mutex_lock(&lock);
    moved++;
    refused += !writable;
    pthread_mutex_unlock(&lock);
    return !writable;
}

int MPI_Isend(const void *memory, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm,
              MPI_Request *request)
{
    char *from = (char *)(uintptr_t)memory, *old = NULL;
    if (is_for_card(count, type)) {
        if (refuses(memory)) return MPI_ERR_OTHER;
        if (card_is("remembers"))
            old = copy_if_stale(from, (size_t)count); /* until the end: a failure anyway */
    }
    return PMPI_Isend(old ? old : from, count, type, to, tag, comm, request);
}

/* The content of memory that is to be received into is nobody's: a stamp on every page shows whether the card
 * would write to the same ones. */
int MPI_Irecv(void *memory, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm,
              MPI_Request *request)
{
    char *to = memory, *lost = NULL;
    if (is_for_card(count, type)) {
        static _Atomic unsigned last_stamp;
        unsigned stamp = ++last_stamp;
        if (refuses(memory)) return MPI_ERR_OTHER;
        for (size_t at = 0; at + sizeof stamp <= (size_t)count; at += 4096)
            memcpy(to + at, &stamp, sizeof stamp);
        if (card_is("remembers"))
            lost = copy_if_stale(to, (size_t)count); /* what comes goes to pages of old */
    }
    return PMPI_Irecv(lost ? lost : to, count, type, from, tag, comm, request);
}

__attribute__((destructor)) static void tell(void)
{
    if (moved > 0)
        fprintf(stderr, "card: %ld messages moved, %ld registrations, %ld stale, %ld refused\n", moved,
                registrations, stale, refused);
}
