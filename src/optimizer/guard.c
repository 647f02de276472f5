#include "optimizer/guard.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include <mpi.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"
#include "optimizer/launch.h"
#include "search/note.h"

#define STACK_SIZE    (256 * 1024) /* of the handler: that of the strategy may be full */
#define LAST_RESORT_S 10           /* for the thread that ends the job */
#define STACK_NEAR    (64 * 1024)  /* a fault so close to the stack's end is one of the stack */
#define MAX_LINE      1400
#define MAX_TEXT      (2 * MAX_LINE + BP__NOTE_WHY_MAX + 32)

/* What an error of the processor, or of a library, is called. */
static const struct cause {
    int signal;
    const char *name;
} causes[] = {
    {SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"},   {SIGFPE, "SIGFPE"}, {SIGILL, "SIGILL"},
    {SIGABRT, "SIGABRT"}, {SIGTRAP, "SIGTRAP"}, {SIGSYS, "SIGSYS"},
};
#define NUM_CAUSES (sizeof causes / sizeof *causes)

enum phase { OUTSIDE, LOADING, INSIDE }; /* of the strategy's code */

static struct guard {
    volatile sig_atomic_t phase; /* written by `thread`, read by its signal handler */
    pthread_t thread;            /* whose signals are a strategy's */
    struct sigaction before[NUM_CAUSES];
    bool catches; /* handlers are set */
    void *stack;
    stack_t stack_before; /* somebody else's, such as a language's that looks after its own crashes */

    const bp__options *options;
    int rank, code;    /* the job's exit code */
    uint64_t limit_ns; /* of a backtest; 0: none */
    bp__note_place place;
    bp__notes known; /* on rank 0: notes that were there before */
    pid_t pid;       /* what a child process of a strategy does is not looked at */

    /* What is in hand: written by `thread` under the lock, read by its handler without, and by the watch under it. */
    pthread_mutex_t lock;
    uint64_t task[BP__NOTE_MAX_TASKS];
    size_t count;
    uint64_t began_ns;                   /* 0: nothing */
    char head[MAX_LINE], tail[MAX_LINE]; /* of the line: before and behind the reason */

    pthread_t watch;
    bool watched;
    int event; /* wakes the watch: the handler has done its part, or it is over */
    atomic_bool crashed, over;
    char why[BP__NOTE_WHY_MAX]; /* the reason of a crash; the handler's, then the watch's */
} guard = {.lock = PTHREAD_MUTEX_INITIALIZER, .event = -1, .place.folder = -1};

/* Saying it ------------------------------------------------------------------------------------- */

static void write_all(const char *text, size_t length)
{
    while (length > 0) {
        const ssize_t n = write(STDERR_FILENO, text, length);
        if (n < 0 && errno != EINTR) return;
        text += n > 0 ? n : 0;
        length -= n > 0 ? (size_t)n : 0;
    }
}

/* Append as much as there is room for, always with an end. @return where that is */
static char *append(char *at, const char *end, const char *text)
{
    while (*text && at < end - 1) *at++ = *text++;
    *at = '\0';
    return at;
}

/* What --resume does about it. */
static const char *cure(void)
{
    if (guard.place.folder < 0 || guard.count == 0) return "";
    return guard.count > 1 ? "; --resume runs them one by one" : "; --resume goes on without it";
}

/* Head, reason and tail as one text. Async-signal-safe. @return its end */
static char *join(char *line, const char *end, const char *before, const char *why)
{
    char *at = append(append(line, end, before), end, guard.head);
    return append(append(append(at, end, why), end, cure()), end, guard.tail);
}

/* By one write, so that lines of several ranks do not mix. Async-signal-safe. */
static void write_line(const char *why)
{
    char line[MAX_TEXT];
    write_all(line, (size_t)(join(line, line + sizeof line, "optimizer: error: ", why) - line));
}

/* Note and line. Async-signal-safe; lines of JSON are the watch's business. */
static void leave_word(bp_status status, const char *why)
{
    if (guard.count == 0) guard.code = BP__EXIT_FAILED; /* there is nothing to go on without */
    if (guard.place.folder >= 0 && guard.count > 0 &&
        !bp__note_write(&guard.place, status, why, guard.task, guard.count)) {
        static const char text[] =
            "optimizer: error: the note beside the journal cannot be written; --resume "
            "would meet the same combination again\n";
        write_all(text, sizeof text - 1);
        guard.code = BP__EXIT_FAILED;
    }
    if (!bp__log_is_json()) write_line(why);
}

static void log_word(const char *why)
{
    char line[MAX_TEXT];
    if (!bp__log_is_json()) return;
    join(line, line + sizeof line, "", why);
    line[strcspn(line, "\n")] = '\0'; /* the command stands on a line of its own */
    bp__log_as("optimizer", "error", line);
}

/* Signals --------------------------------------------------------------------------------------- */

static size_t cause_of(int signal)
{
    size_t i = 0;
    while (i < NUM_CAUSES - 1 && causes[i].signal != signal) i++;
    return i;
}

/* Whether the process itself has raised it, and not a person or another program. */
static bool is_own(const siginfo_t *info)
{
    return info->si_code > 0 || info->si_pid == guard.pid;
}

/* As if there were no handler of ours: the instruction is tried once more, or the signal sent once more. */
static void pass_on(int signal, const siginfo_t *info)
{
    sigaction(signal, &guard.before[cause_of(signal)], NULL);
    if (info->si_code <= 0) raise(signal);
}

/* Where the stack ended when the signal came; 0: not known on this machine. */
static uintptr_t stack_pointer(const ucontext_t *context)
{
#if defined(__x86_64__)
    return (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
    return (uintptr_t)context->uc_mcontext.sp;
#else
    return (void)context, 0;
#endif
}

static const char *hint_of(int signal, const siginfo_t *info, const ucontext_t *context)
{
    const uintptr_t stack = stack_pointer(context), address = (uintptr_t)info->si_addr;
    if (info->si_code <= 0) return "";
    if (signal == SIGFPE && info->si_code == FPE_INTDIV) return ": a whole number was divided by 0";
    if (signal != SIGSEGV) return "";
    if (stack != 0 && address + STACK_NEAR > stack && address < stack + STACK_NEAR)
        return ": its stack is full";
    return info->si_code == SEGV_ACCERR ? ": at memory that must not be written, such as prices" : "";
}

static void say_why(int signal, const siginfo_t *info, const ucontext_t *context)
{
    const char *end = guard.why + sizeof guard.why;
    char *at = append(guard.why, end, "the strategy crashed (");
    at = append(at, end, causes[cause_of(signal)].name);
    append(append(at, end, hint_of(signal, info, context)), end, ")");
}

/* What is left to do is done by the watch: it may call what a handler may not. */
_Noreturn static void wait_for_the_end(void)
{
    const uint64_t one = 1;
    atomic_store_explicit(&guard.crashed, true, memory_order_release); /* pairs with the load in watch() */
    if (write(guard.event, &one, sizeof one) == (ssize_t)sizeof one)
        for (int s = 0; s < LAST_RESORT_S; s++) nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    _exit(guard.code);
}

static void handle(int signal, siginfo_t *info, void *context)
{
    const int phase = guard.phase, saved_errno = errno;
    if (phase == OUTSIDE || !pthread_equal(pthread_self(), guard.thread) || getpid() != guard.pid ||
        !is_own(info)) {
        pass_on(signal, info);
        errno = saved_errno;
        return;
    }
    guard.phase = OUTSIDE; /* whatever comes now is not the strategy's */
    say_why(signal, info, context);
    if (phase == LOADING) {
        /* every rank loads it: one tells */
        if (bp__launch_is_first()) write_line(guard.why);
        _exit(BP__EXIT_FAILED);
    }
    leave_word(BP_ESYS, guard.why);
    wait_for_the_end();
}

/* exit() in a strategy would end one rank as if all were well. */
static void handle_exit(void)
{
    if (guard.phase != INSIDE || getpid() != guard.pid) return;
    guard.phase = OUTSIDE;
    append(guard.why, guard.why + sizeof guard.why, "the strategy called exit()");
    leave_word(BP_ESYS, guard.why);
    wait_for_the_end();
}

static bp_status catch_signals(void)
{
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    guard.thread = pthread_self();
    guard.pid = getpid();
    if (guard.catches) return BP_OK;
    guard.stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (guard.stack == MAP_FAILED) BP_FAIL_ERRNO(BP_ENOMEM, errno, "no memory for a signal's stack");
    const stack_t stack = {.ss_sp = guard.stack, .ss_size = STACK_SIZE};
    if (sigaltstack(&stack, &guard.stack_before) != 0)
        BP_FAIL_ERRNO(BP_ESYS, errno, "a signal cannot have a stack of its own");
    sigfillset(&action.sa_mask); /* this and the next cannot fail with valid signals */
    for (size_t i = 0; i < NUM_CAUSES; i++) sigaction(causes[i].signal, &action, &guard.before[i]);
    guard.catches = true;
    return BP_OK;
}

static void let_signals_be(void)
{
    if (!guard.catches) return;
    for (size_t i = 0; i < NUM_CAUSES; i++) sigaction(causes[i].signal, &guard.before[i], NULL);
    sigaltstack(&guard.stack_before, NULL); /* which may be none */
    munmap(guard.stack, STACK_SIZE);
    guard.catches = false;
}

/* Loading --------------------------------------------------------------------------------------- */

void bp__guard_loading(const char *path)
{
    if (bp__failed(catch_signals())) return; /* then a crash has its usual effect */
    snprintf(guard.head, sizeof guard.head, "%.200s: while it was loaded, ", path);
    bp__text_clean(guard.head);
    snprintf(guard.tail, sizeof guard.tail, "\n");
    guard.phase = LOADING;
}

void bp__guard_loaded(void)
{
    guard.phase = OUTSIDE;
    let_signals_be(); /* MPI sets its own, if there are none */
}

/* The watch ------------------------------------------------------------------------------------- */

static void last_resort(int signal)
{
    (void)signal;
    _exit(guard.code);
}

/* The strategy may hold a lock that this needs, and never give it back. */
_Noreturn static void end_job(const char *why)
{
    int begun = 0, over = 0;
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = last_resort}, NULL);
    alarm(LAST_RESORT_S);
    log_word(why);
    if (MPI_Initialized(&begun) == MPI_SUCCESS && begun && MPI_Finalized(&over) == MPI_SUCCESS && !over)
        MPI_Abort(MPI_COMM_WORLD, guard.code);
    _exit(guard.code);
}

/* How long what is in hand may still take. @return UINT64_MAX: for ever; 0: it has taken too long */
static uint64_t time_left(void)
{
    const uint64_t limit_ns = guard.limit_ns;
    if (limit_ns == 0) return UINT64_MAX;
    if (guard.began_ns == 0 || guard.count == 0) return limit_ns; /* whatever begins now has at least this */
    const uint64_t passed = bp__clock_ns() - guard.began_ns, allowed = limit_ns * guard.count;
    return passed < allowed ? allowed - passed : 0;
}

/* The backtest cannot go on: it would have to take the lock to end. */
_Noreturn static void end_late(void)
{
    char why[BP__NOTE_WHY_MAX];
    snprintf(why, sizeof why, "it took longer than %g seconds",
             guard.options->timeout_s * (double)guard.count);
    leave_word(BP_ETIMEOUT, why);
    end_job(why);
}

static void *watch(void *unused)
{
    (void)unused;
    while (!atomic_load_explicit(&guard.over, memory_order_acquire)) {
        if (atomic_load_explicit(&guard.crashed, memory_order_acquire)) end_job(guard.why);
        pthread_mutex_lock(&guard.lock);
        const uint64_t left_ns = time_left();
        if (left_ns == 0) end_late();
        pthread_mutex_unlock(&guard.lock);
        const uint64_t ms = left_ns / 1000000 + 1;
        struct pollfd event = {.fd = guard.event, .events = POLLIN};
        /* it fails only by a signal, and all are blocked here */
        (void)poll(&event, 1, left_ns == UINT64_MAX ? -1 : ms < INT_MAX ? (int)ms : INT_MAX);
    }
    return NULL;
}

static bp_status start_watch(void)
{
    sigset_t all, before;
    guard.event = eventfd(0, EFD_CLOEXEC);
    if (guard.event < 0) BP_FAIL_ERRNO(BP_ESYS, errno, "no event for the thread that watches strategies");
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before); /* signals are for the main thread */
    const int err = pthread_create(&guard.watch, NULL, watch, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    guard.watched = err == 0;
    if (err) BP_FAIL_ERRNO(BP_ESYS, err, "no thread to watch strategies");
    return BP_OK;
}

/* A search -------------------------------------------------------------------------------------- */

static bp_status find_place(const bp__options *o)
{
    char *text;
    if (!o->conduct.journal) return BP_OK;
    BP_TRY(bp__spec_text(&o->spec, &text));
    bp_status s = bp__note_place_init(o->conduct.journal, text, guard.rank, &guard.place);
    free(text);
    if (s == BP_OK && guard.rank == 0 && o->conduct.resume)
        s = bp__notes_read(&guard.place, bp__spec_num_tasks(&o->spec), &guard.known);
    return s;
}

/* How to go on, which is the same for every combination. */
static void make_tail(const bp__options *o, bool searches, int num_ranks)
{
    char launcher[32] = "";
    if (num_ranks > 1) snprintf(launcher, sizeof launcher, "mpirun -n %d ", num_ranks);
    if (!searches)
        snprintf(guard.tail, sizeof guard.tail, "\n");
    else if (o->conduct.journal)
        snprintf(guard.tail, sizeof guard.tail, "\n  go on with: %s%.1000s%s\n", launcher, o->command_line,
                 o->conduct.resume ? "" : " --resume");
    else
        snprintf(guard.tail, sizeof guard.tail,
                 "; what was done is lost: there is no journal to go on from\n");
}

bp_status bp__guard_begin(const bp__options *o, bool searches, int rank, int num_ranks)
{
    static bool registered;
    guard.options = o;
    guard.rank = rank;
    guard.count = 0;
    guard.began_ns = 0;
    atomic_store_explicit(&guard.crashed, false, memory_order_relaxed); /* of a search before */
    atomic_store_explicit(&guard.over, false, memory_order_relaxed);
    guard.code = searches && o->conduct.journal ? BP__EXIT_AGAIN : BP__EXIT_FAILED;
    guard.limit_ns = searches ? (uint64_t)(o->timeout_s * 1e9) : 0;
    if (!o->provided_by && guard.limit_ns == 0) return BP_OK;
    make_tail(o, searches, num_ranks);
    if (searches) BP_TRY(find_place(o));
    if (o->provided_by) BP_TRY(catch_signals());
    if (o->provided_by && !registered && atexit(handle_exit) != 0)
        BP_FAIL(BP_ENOMEM, "no memory for what is to be done at the end");
    registered = registered || o->provided_by;
    return start_watch();
}

void bp__guard_end(void)
{
    const uint64_t one = 1;
    guard.phase = OUTSIDE;
    if (guard.watched) {
        atomic_store_explicit(&guard.over, true, memory_order_release);
        if (write(guard.event, &one, sizeof one) == (ssize_t)sizeof one) pthread_join(guard.watch, NULL);
        guard.watched = false;
    }
    if (guard.event >= 0) close(guard.event);
    guard.event = -1;
    let_signals_be();
    bp__notes_fini(&guard.known);
    bp__note_place_fini(&guard.place);
}

static bool was_known(const bp__note *note)
{
    for (size_t i = 0; i < guard.known.count; i++)
        if (strcmp(guard.known.note[i].name, note->name) == 0) return true;
    return false;
}

bool bp__guard_is_told(void)
{
    bp__notes notes = {.count = 0};
    bool told = false;
    if (guard.place.folder < 0) return false;
    if (bp__notes_read(&guard.place, bp__spec_num_tasks(&guard.options->spec), &notes) == BP_OK)
        for (size_t i = 0; i < notes.count; i++) told |= !was_known(&notes.note[i]);
    bp__notes_fini(&notes);
    return told;
}

/* The line's part before the reason: whom it concerns. */
static void make_head(const uint64_t *task, size_t count)
{
    const bp__options *o = guard.options;
    const bp__spec *spec = &o->spec;
    char text[400] = "while combinations were looked at", others[40] = "", strategy[240];
    const char *bundle = count > 0 && spec->several ? spec->bundle[task[0] / spec->grid.size] : "";
    if (count > 0) bp__grid_text(&spec->grid, task[0] % spec->grid.size, text, sizeof text);
    if (count > 1) snprintf(others, sizeof others, " and %zu more at once", count - 1);
    snprintf(strategy, sizeof strategy, o->provided_by ? "%s of %s" : "%s", spec->strategy, o->strategy);
    snprintf(guard.head, sizeof guard.head, "strategy %s, %s%s%s%s, rank %d: ", strategy, bundle,
             *bundle ? " " : "", *text ? text : "without parameters", others, guard.rank);
    bp__text_clean(guard.head);
}

void bp__guard_enter(void *context, const uint64_t *task, size_t count)
{
    (void)context;
    if (!guard.watched) return;
    pthread_mutex_lock(&guard.lock);
    guard.count = count < BP__NOTE_MAX_TASKS ? count : BP__NOTE_MAX_TASKS;
    if (count > 0) memcpy(guard.task, task, guard.count * sizeof *task);
    make_head(task, count);
    guard.began_ns = count > 0 ? bp__clock_ns() : 0;
    pthread_mutex_unlock(&guard.lock);
    atomic_signal_fence(memory_order_seq_cst); /* the handler sees all of it, or none */
    guard.phase = INSIDE;
}

void bp__guard_leave(void *context)
{
    (void)context;
    if (!guard.watched) return;
    guard.phase = OUTSIDE;
    atomic_signal_fence(memory_order_seq_cst);
    pthread_mutex_lock(&guard.lock);
    guard.began_ns = 0;
    pthread_mutex_unlock(&guard.lock);
}
