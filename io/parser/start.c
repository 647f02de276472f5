/* DESIGN
 *
 * A child that has called exec() sends SIGCHLD when it ends, whatever its parent asked for, and is returned by any wait().
 * So the program is started by a process in between that never calls exec(): it shares this process's memory (a copy of an
 * MPI rank's page tables would cost milliseconds, and memory that a network card knows must not be copied), it ends at
 * once, silently, and is waited for by name. The thread that starts it stands still meanwhile, as in vfork().
 */
#include "io/parser/start.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/parser/message.h"
#include "io/parser/place.h"

#define STACK_BYTES (256u << 10)

/* What the process in between finds, and leaves. */
typedef struct between {
    int program, socket;
    char *const *environment;
    int err;
} between;

/* Runs on a stack of its own, in memory that is shared with the thread that waits for it. */
__attribute__((no_sanitize("address", "thread"))) static int start(void *context)
{
    between *b = context;
    char path[32];
    char *const argv[] = {(char *)BP__PARSER_PROGRAM, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t every;
    pid_t pid;
    sigfillset(&every);
    snprintf(path, sizeof path, "/proc/self/fd/%d", b->program);
    if ((b->err = posix_spawn_file_actions_init(&actions)) != 0) return 0;
    if ((b->err = posix_spawnattr_init(&attributes)) == 0) {
        /* dup2() to itself would leave it to be closed by exec(): then posix_spawn() clears that flag */
        b->err = posix_spawn_file_actions_adddup2(&actions, b->socket, BP__PARSER_SOCKET);
        if (b->err == 0) b->err = posix_spawnattr_setsigmask(&attributes, &every);
        if (b->err == 0) b->err = posix_spawnattr_setsigdefault(&attributes, &every);
        if (b->err == 0)
            b->err = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        if (b->err == 0) b->err = posix_spawn(&pid, path, &actions, &attributes, argv, b->environment);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return 0;
}

#ifdef __SANITIZE_THREAD__

/* ThreadSanitizer takes the process in between for this thread, and loses what it knows of it. */
static bp_status start_between(between *b)
{
    start(b);
    return BP_OK;
}

#else

static bp_status start_between(between *b)
{
    char *stack =
        mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) BP_FAIL_ERRNO(BP_ENOMEM, errno, "no memory to start " BP__PARSER_PROGRAM);
    /* no signal at its end, and a handler of the host program must not run in it */
    sigset_t every, before;
    sigfillset(&every);
    pthread_sigmask(SIG_BLOCK, &every, &before);
    const pid_t pid = clone(start, stack + STACK_BYTES, CLONE_VM | CLONE_VFORK, b);
    const int err = errno;
    while (pid > 0 && waitpid(pid, NULL, (int)__WCLONE) < 0 && errno == EINTR) continue;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    munmap(stack, STACK_BYTES);
    if (pid < 0) BP_FAIL_ERRNO(BP_ESYS, err, BP__PARSER_PROGRAM ": cannot be started");
    return BP_OK;
}

#endif

bp_status bp__start_detached(int program, int socket, char *const *environment)
{
    between b = {.program = program, .socket = socket, .environment = environment, .err = EAGAIN};
    BP_TRY(start_between(&b));
    if (b.err != 0) BP_FAIL_ERRNO(BP_ESYS, b.err, BP__PARSER_PROGRAM ": cannot be started");
    return BP_OK;
}
