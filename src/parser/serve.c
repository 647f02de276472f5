#include "parser/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "parser/confine.h"

/* Descriptors of a child. The first three are /dev/null, so that nothing that a library prints gets into an answer. */
#define CHILD_FILE   3
#define CHILD_ANSWER 4

typedef struct child {
    pid_t pid;  /* 0: none */
    int answer; /* where to write how it ended */
    uint64_t until_ns;
    bool timed_out;
} child;

typedef struct server {
    bp__answer_fn answer;
    int signals; /* a descriptor: SIGCHLD */
    child child[BP__PARSER_MOST];
} server;

/* Children -------------------------------------------------------------------------------------- */

struct bp__outbox {
    bool begun;
};

static bool send_all(int fd, const void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        const ssize_t n = send(fd, (const char *)data + done, size - done, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        done += (size_t)n;
    }
    return true;
}

bp_status bp__outbox_put(bp__outbox *outbox, uint64_t total, const void *data, size_t size)
{
    const bp__answer head = {.status = BP_OK, .bytes = total};
    if (!outbox->begun && !send_all(CHILD_ANSWER, &head, sizeof head)) BP_FAIL(BP_ESYS, "nobody listens");
    outbox->begun = true;
    if (!send_all(CHILD_ANSWER, data, size)) BP_FAIL(BP_ESYS, "nobody listens");
    return BP_OK;
}

static void send_failure(bp_status status)
{
    const char *text = bp_error_text();
    const bp__answer head = {.status = (uint32_t)status, .bytes = strlen(text)};
    if (send_all(CHILD_ANSWER, &head, sizeof head)) (void)send_all(CHILD_ANSWER, text, strlen(text));
}

/* Whatever else is open in the parser goes, with the way back to the library. */
static bool keep_two(int file, int answer)
{
    /* both lie above their places, which the parser has filled before it took any question */
    return dup2(file, CHILD_FILE) == CHILD_FILE && dup2(answer, CHILD_ANSWER) == CHILD_ANSWER &&
           bp__close_from(CHILD_ANSWER + 1);
}

/* Whatever is told to a whole group of processes is for the host program, as in the parent: only what a process brings upon
 * itself ends a child, and the SIGKILL of whoever waits for it. */
static bool hear_only_itself(void)
{
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGXCPU};
    sigset_t blocked;
    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) sigdelset(&blocked, own[i]);
    return sigprocmask(SIG_SETMASK, &blocked, NULL) == 0;
}

_Noreturn static void live(const server *s, const bp__question *question, int file, int answer, pid_t parent)
{
    bp__outbox outbox = {.begun = false};
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) _exit(1);
    if (!keep_two(file, answer) || !hear_only_itself()) _exit(1);
    if (!bp__confine(question->memory)) {
        bp__fail_errno(BP_ESYS, errno, "%s: the limits of its parser cannot be set", question->label);
        send_failure(BP_ESYS);
        _exit(0);
    }
    const bp_status status = s->answer(question, CHILD_FILE, &outbox);
    if (bp__failed(status) && outbox.begun) _exit(1);
    if (bp__failed(status)) send_failure(status);
    _exit(0);
}

/* The parent ------------------------------------------------------------------------------------ */

static void bury(child *c, int status)
{
    const bp__obituary end = {.status = status, .timed_out = c->timed_out};
    (void)send_all(c->answer, &end,
                   sizeof end); /* if nobody is there to read it, it was not asked for any more */
    close(c->answer);
    c->pid = 0;
}

static void reap(server *s)
{
    struct signalfd_siginfo info;
    int status;
    while (read(s->signals, &info, sizeof info) > 0) continue; /* one stands for several */
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
        for (int i = 0; i < BP__PARSER_MOST; i++)
            if (s->child[i].pid == pid) bury(&s->child[i], status);
}

/* Kill who has had its time. @return milliseconds until the next one has, -1: never */
static int enforce(server *s)
{
    const uint64_t now = bp__clock_ns();
    uint64_t next = UINT64_MAX;
    for (int i = 0; i < BP__PARSER_MOST; i++) {
        child *c = &s->child[i];
        if (c->pid == 0 || c->timed_out) continue;
        if (c->until_ns <= now) {
            c->timed_out = true;
            kill(c->pid, SIGKILL); /* a child that was not waited for: its number is nobody else's */
        } else if (c->until_ns - now < next) {
            next = c->until_ns - now;
        }
    }
    if (next == UINT64_MAX) return -1;
    return next / 1000000 >= 1000 ? 1000 : (int)(next / 1000000) + 1;
}

static child *free_place(server *s)
{
    for (int i = 0; i < BP__PARSER_MOST; i++)
        if (s->child[i].pid == 0) return &s->child[i];
    return NULL;
}

/* Take the next question. @return false: nobody can ask any more */
static bool take(bp__question *question, int fd[2])
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))];
    struct iovec part = {question, sizeof *question};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t n;
    fd[0] = fd[1] = -1;
    do n = recvmsg(BP__PARSER_SOCKET, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n <= 0) return false;
    const struct cmsghdr *with = CMSG_FIRSTHDR(&message);
    if (n != sizeof *question || !with || with->cmsg_len != CMSG_LEN(2 * sizeof(int)))
        return true; /* not answered */
    memcpy(fd, CMSG_DATA(with), 2 * sizeof(int));
    return true;
}

static bool accept_question(server *s)
{
    static bp__question question;
    int fd[2];
    if (!take(&question, fd)) return false;
    if (fd[0] < 0) return true;
    child *c = free_place(s);
    const pid_t parent = getpid(), pid = fork();
    if (pid == 0) live(s, &question, fd[0], fd[1], parent);
    close(fd[0]);
    *c = (child){
        .pid = pid, .answer = fd[1], .until_ns = bp__clock_ns() + question.limit_ms * UINT64_C(1000000)};
    if (pid < 0) bury(c, 0); /* an end without an answer */
    return true;
}

static bool prepare(server *s)
{
    sigset_t mask;
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0) return false;
    if (!bp__close_from(BP__PARSER_SOCKET + 1)) return false;
    /* it ends with the library that asks, whatever a terminal, a batch system or mpirun tells to a whole group */
    sigfillset(&mask);
    if (sigprocmask(SIG_SETMASK, &mask, NULL) != 0) return false;
    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    s->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    return s->signals >= 0;
}

static bool greet(void)
{
    bp__greeting greeting = {.build = ""};
    snprintf(greeting.build, sizeof greeting.build, "%s", bp__parser_build());
    return send(BP__PARSER_SOCKET, &greeting, sizeof greeting, MSG_NOSIGNAL) == sizeof greeting;
}

int bp__serve(bp__answer_fn answer)
{
    server s = {.answer = answer};
    if (!prepare(&s) || !greet()) return EXIT_FAILURE;
    for (;;) {
        const int wait_ms = enforce(&s);
        struct pollfd ready[2] = {{.fd = s.signals, .events = POLLIN},
                                  {.fd = free_place(&s) ? BP__PARSER_SOCKET : -1, .events = POLLIN}};
        if (poll(ready, 2, wait_ms) < 0 && errno != EINTR) return EXIT_FAILURE;
        if (ready[0].revents) reap(&s);
        if (ready[1].revents && !accept_question(&s)) break;
    }
    for (int i = 0; i < BP__PARSER_MOST; i++)
        if (s.child[i].pid != 0) kill(s.child[i].pid, SIGKILL);
    return EXIT_SUCCESS;
}
