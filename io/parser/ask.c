#include "io/parser/ask.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/atomic.h"
#include "core/clock.h"
#include "core/descriptor.h"
#include "io/parser/message.h"
#include "io/parser/place.h"
#include "io/parser/start.h"

#define LEAST_MS        10000 /* for any file */
#define BYTES_PER_MS    100000
#define MOST_AT_ONCE    6     /* questions: each takes a descriptor, and a process that reads */
#define START_MS        10000 /* for the parser to say that it is there */
#define GRACE_MS        2000  /* after its time, for the parser to notice, kill, and tell */
#define LEAST_MEMORY    (UINT64_C(256) << 20)
#define MEMORY_PER_BYTE 8 /* of the file: tables are packed, tasks take more room than entries of an index */

/* The parser of this process. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t ended; /* a question */
    int asked;            /* questions under way */
    int program; /* -1: not looked for yet. Once found it stays the same file, whatever is installed meanwhile. */
    int socket;      /* -1: none is running */
    uint64_t number; /* of those that were started */
} parser = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, -1, -1, 0};

static _Atomic uint64_t most_ms; /* 0: no limit but that of the file's size */

/* Starting -------------------------------------------------------------------------------------- */

static bp_status find_program(void)
{
    int fd;
    if (parser.program >= 0) return BP_OK;
    BP_TRY(bp__parser_open(&fd));
    parser.program = fcntl(fd, F_DUPFD_CLOEXEC, BP__PARSER_SOCKET + 1); /* that place will be the socket's */
    const int err = errno;
    close(fd);
    if (parser.program < 0) BP_FAIL_ERRNO(BP_ESYS, err, BP__PARSER_PROGRAM ": cannot be kept open");
    return BP_OK;
}

/* @return 1: something can be read, or the other end is closed; 0: not within `ms`; -1 with errno */
static int wait_readable(int fd, uint64_t until_ns)
{
    for (;;) {
        const uint64_t now = bp__clock_ns();
        struct pollfd one = {.fd = fd, .events = POLLIN};
        if (now >= until_ns) return 0;
        const int n = poll(&one, 1, (int)((until_ns - now) / 1000000 + 1));
        if (n > 0) return 1;
        if (n < 0 && errno != EINTR) return -1;
    }
}

static bp_status expect_greeting(int socket)
{
    bp__greeting greeting = {.build = ""};
    const int ready = wait_readable(socket, bp__clock_ns() + START_MS * UINT64_C(1000000));
    if (ready == 0)
        BP_FAIL(BP_ESYS, BP__PARSER_PROGRAM ": does not say within %d s that it is there", START_MS / 1000);
    if (ready < 0) BP_FAIL_ERRNO(BP_ESYS, errno, BP__PARSER_PROGRAM ": cannot be heard");
    const ssize_t n = recv(socket, &greeting, sizeof greeting, 0);
    if (n != sizeof greeting) BP_FAIL(BP_ESYS, BP__PARSER_PROGRAM ": does not start, or is another program");
    greeting.build[sizeof greeting.build - 1] = '\0';
    if (strcmp(greeting.build, bp__parser_build()) != 0)
        BP_FAIL(BP_ESYS, BP__PARSER_PROGRAM " is of build '%s', this library of '%s': install both together",
                greeting.build, bp__parser_build());
    return BP_OK;
}

static void stop(void)
{
    if (parser.socket >= 0) close(parser.socket);
    parser.socket = -1;
}

/* Called under the lock. */
static bp_status ensure_running(void)
{
    int end[2];
    if (parser.socket >= 0) return BP_OK;
    BP_TRY(find_program());
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, end) != 0)
        BP_FAIL_ERRNO(BP_ESYS, errno, "no socket for " BP__PARSER_PROGRAM);
    bp_status s = bp__start_detached(parser.program, end[1], bp__parser_environment());
    close(end[1]);
    if (s == BP_OK) s = expect_greeting(end[0]);
    if (bp__failed(s)) {
        close(end[0]);
        return s;
    }
    parser.socket = end[0];
    parser.number++;
    return BP_OK;
}

void bp__parser_prepare(uint64_t most)
{
    bp__store_relaxed(&most_ms, most);
    if (bp__parser_is_inline()) return;
    pthread_mutex_lock(&parser.lock);
    (void)ensure_running(); /* told when something is asked */
    pthread_mutex_unlock(&parser.lock);
}

bp_status bp__parser_try(char *path, size_t size)
{
    char link[32];
    pthread_mutex_lock(&parser.lock);
    const bp_status s = ensure_running();
    snprintf(link, sizeof link, "/proc/self/fd/%d", parser.program);
    const ssize_t n = parser.program >= 0 ? readlink(link, path, size - 1) : 0;
    pthread_mutex_unlock(&parser.lock);
    path[n > 0 ? n : 0] = '\0';
    return s;
}

/* Asking ---------------------------------------------------------------------------------------- */

static uint64_t limit_of(uint64_t bytes)
{
    const uint64_t limit = LEAST_MS + bytes / BYTES_PER_MS, most = bp__load_relaxed(&most_ms);
    const uint64_t bound =
        most != 0 && most - most / 4 < limit ? most - most / 4 : limit; /* its error comes first */
    return bound < UINT32_MAX ? bound : UINT32_MAX;
}

static ssize_t send_once(int socket, const bp__question *question, int file, int answer)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))] = {0};
    struct iovec part = {(void *)(uintptr_t)question, sizeof *question};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *with = CMSG_FIRSTHDR(&message);
    with->cmsg_level = SOL_SOCKET;
    with->cmsg_type = SCM_RIGHTS;
    with->cmsg_len = CMSG_LEN(2 * sizeof(int));
    memcpy(CMSG_DATA(with), (const int[2]){file, answer}, 2 * sizeof(int));
    ssize_t n;
    do n = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n;
}

/* A parser that was killed meanwhile is replaced, once. Called under the lock. */
static bp_status send_question(const bp__question *question, int file, int answer)
{
    bp_status s = BP_OK;
    for (int tries = 0; tries < 2; tries++) {
        s = ensure_running();
        if (bp__failed(s) || send_once(parser.socket, question, file, answer) >= 0) break;
        s = bp__fail_errno(BP_ESYS, errno, BP__PARSER_PROGRAM ": cannot be asked");
        stop();
    }
    return s;
}

static bp_status no_socket(const char *label, int err)
{
    if (bp__no_descriptor(err)) return bp__open_failed(label, err);
    BP_FAIL_ERRNO(BP_ESYS, err, "%s: no socket for an answer about it", label);
}

/* Ask when it is one's turn.
 * @param[out] answer  to be read from; owned, and to be given to end_question()
 * @param[out] asked   which parser that was */
static bp_status begin_question(const bp__subject *file, const bp__question *question, int *answer,
                                uint64_t *asked)
{
    int end[2];
    pthread_mutex_lock(&parser.lock);
    while (parser.asked == MOST_AT_ONCE) pthread_cond_wait(&parser.ended, &parser.lock);
    bp_status s = BP_OK;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, end) != 0) s = no_socket(file->label, errno);
    if (s == BP_OK) {
        s = send_question(question, file->fd, end[1]);
        close(end[1]);
        if (bp__failed(s)) close(end[0]);
    }
    if (s == BP_OK) parser.asked++;
    *asked = parser.number;
    pthread_mutex_unlock(&parser.lock);
    *answer = end[0];
    return s;
}

/* `asked` is given up if it is `deaf`: it has not told of a child whose time was over, and would not of the next one. */
static void end_question(int answer, uint64_t asked, bool deaf)
{
    close(answer); /* a child that still writes ends */
    pthread_mutex_lock(&parser.lock);
    parser.asked--;
    if (deaf && asked == parser.number) stop();
    pthread_cond_signal(&parser.ended);
    pthread_mutex_unlock(&parser.lock);
}

/* What has arrived of an answer. */
typedef struct inbox {
    char *data; /* owned */
    size_t n, room;
} inbox;

/* Room for more; the file's size bounds how much, whatever the sender claims. */
static bool make_room(inbox *in, uint64_t most)
{
    if (in->n < in->room) return true;
    const size_t room = in->room ? 2 * in->room : 64 << 10;
    if (in->n >= most + sizeof(bp__answer) + sizeof(bp__obituary)) {
        errno = EFBIG;
        return false;
    }
    char *grown = realloc(in->data, room);
    if (!grown) return false;
    in->data = grown;
    in->room = room;
    return true;
}

/* Read to the end. @return 0; ETIMEDOUT; or errno */
static int receive(int socket, const bp__question *question, inbox *in)
{
    const uint64_t until = bp__clock_ns() + (question->limit_ms + GRACE_MS) * UINT64_C(1000000);
    for (;;) {
        const int ready = wait_readable(socket, until);
        if (ready <= 0) return ready == 0 ? ETIMEDOUT : errno;
        if (!make_room(in, question->memory)) return errno;
        const ssize_t n = recv(socket, in->data + in->n, in->room - in->n, MSG_DONTWAIT);
        if (n == 0) return 0;
        if (n > 0) in->n += (size_t)n;
        if (n < 0 && errno != EINTR && errno != EAGAIN) return errno;
    }
}

static bp_status timed_out(const bp__question *question)
{
    BP_FAIL(BP_ETIMEOUT, "%s: damaged, or too slow to read: looking into it did not end within %.1f s",
            question->label, question->limit_ms / 1e3);
}

/* What became of the child, where that is not an answer. */
static bp_status judge(const bp__question *question, const bp__obituary *end)
{
    const int status = end->status;
    if (end->timed_out) return timed_out(question);
    if (WIFSIGNALED(status))
        BP_FAIL(BP_EFORMAT, "%s: damaged, or made to harm: looking into it ended by signal %d (%s)",
                question->label, WTERMSIG(status), strsignal(WTERMSIG(status)));
    if (WEXITSTATUS(status) != 0)
        BP_FAIL(BP_EFORMAT, "%s: damaged, or made to harm: looking into it ended with code %d",
                question->label, WEXITSTATUS(status));
    return BP_OK;
}

/* The child's own error. A file that has taken the child over may let it say anything, and the error has to name the file and
 * a reason in any case. */
static bp_status refused(const bp__question *question, const bp__answer *head, const char *said)
{
    char text[BP_ERROR_TEXT_MAX];
    const bool known = strcmp(bp_status_name((bp_status)head->status), "BP_?") != 0;
    const bp_status s = known ? (bp_status)head->status : BP_EFORMAT;
    snprintf(text, sizeof text, "%.*s", (int)(head->bytes < sizeof text ? head->bytes : sizeof text - 1),
             said);
    if (*text == '\0')
        return bp__fail(s, "%s: damaged, or made to harm: its parser gave no reason", question->label);
    if (!strstr(text, question->label) && strlen(question->label) < sizeof text / 2)
        return bp__fail(s, "%s: %s", question->label, text);
    return bp__fail_text(s, text);
}

/* Take an answer apart; the payload keeps the inbox's memory. */
static bp_status read_answer(const bp__question *question, inbox *in, void **payload, uint64_t *bytes)
{
    bp__answer head;
    bp__obituary end;
    if (in->n < sizeof end)
        BP_FAIL(BP_ESYS, "%s: " BP__PARSER_PROGRAM " was killed while it was read", question->label);
    in->n -= sizeof end;
    memcpy(&end, in->data + in->n, sizeof end);
    BP_TRY(judge(question, &end));
    if (in->n < sizeof head)
        BP_FAIL(BP_ESYS, "%s: " BP__PARSER_PROGRAM " could not start to read it", question->label);
    memcpy(&head, in->data, sizeof head);
    if (head.bytes != in->n - sizeof head)
        BP_FAIL(BP_EFORMAT, "%s: damaged, or made to harm: its parser gave no whole answer", question->label);
    memmove(in->data, in->data + sizeof head, head.bytes);
    if (head.status == BP_OK) {
        *payload = in->data;
        *bytes = head.bytes;
        in->data = NULL;
        return BP_OK;
    }
    return refused(question, &head, in->data);
}

static bp_status no_answer(const bp__question *question, int err)
{
    if (err == ETIMEDOUT) return timed_out(question);
    if (err == ENOMEM) BP_FAIL(BP_ENOMEM, "%s: no memory for what was read of it", question->label);
    if (err == EFBIG)
        BP_FAIL(BP_EFORMAT, "%s: damaged, or made to harm: its tables are larger than %llu bytes",
                question->label, (unsigned long long)question->memory);
    BP_FAIL_ERRNO(BP_ESYS, err, "%s: no answer about it", question->label);
}

static bp_status ask(const bp__subject *file, const bp__question *question, void **payload, uint64_t *bytes)
{
    int answer;
    uint64_t asked;
    inbox in = {.data = NULL};
    BP_TRY(begin_question(file, question, &answer, &asked));
    const int err = receive(answer, question, &in);
    end_question(answer, asked, err == ETIMEDOUT);
    const bp_status s = err != 0 ? no_answer(question, err) : read_answer(question, &in, payload, bytes);
    free(in.data);
    return s;
}

bp_status bp__parser_ask(const bp__subject *file, uint32_t what, const void *argument, size_t size,
                         void **payload, uint64_t *bytes)
{
    *payload = NULL;
    *bytes = 0;
    bp__question *question = calloc(1, sizeof *question);
    if (!question) BP_FAIL(BP_ENOMEM, "%s: no memory to ask for it", file->label);
    assert(size <= sizeof question->argument);
    question->what = what;
    question->limit_ms = (uint32_t)limit_of(file->bytes);
    question->file_bytes = file->bytes;
    question->memory = LEAST_MEMORY + MEMORY_PER_BYTE * file->bytes;
    snprintf(question->label, sizeof question->label, "%s", file->label);
    if (size > 0) memcpy(question->argument, argument, size);
    const bp_status s = ask(file, question, payload, bytes);
    free(question);
    return s;
}
