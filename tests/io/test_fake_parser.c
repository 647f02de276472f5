/* Parsers that do not behave: what they say, or do not say, is an error of the question, with the file's name. This program
 * is both: who asks, and, where it is started as one, the parser, which plays the part that FAKE_PARSER names. */
#include <CUnit/Basic.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"
#include "io/parser/ask.h"
#include "io/parser/message.h"
#include "io/parser/place.h"

enum { WHAT = 77, EXIT_3 = 3 << 8 };

/* The fake -------------------------------------------------------------------------------------- */

/* Take a question, as the true parser does. @return the socket for its answer, -1: nobody asks any more */
static int take_question(bp__question *question)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))];
    struct iovec part = {question, sizeof *question};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    int fd[2];
    if (recvmsg(BP__PARSER_SOCKET, &message, 0) != sizeof *question) return -1;
    memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    close(fd[0]);
    return fd[1];
}

static void put(int fd, const void *data, size_t n)
{
    if (send(fd, data, n, MSG_NOSIGNAL) != (ssize_t)n) _exit(1);
}

static void put_answer(int fd, uint32_t status, uint64_t claimed, const void *payload, size_t n)
{
    const bp__answer head = {.status = status, .bytes = claimed};
    put(fd, &head, sizeof head);
    put(fd, payload, n);
}

static void put_end(int fd, int status, bool timed_out)
{
    const bp__obituary end = {.status = status, .timed_out = timed_out};
    put(fd, &end, sizeof end);
}

static void put_text(int fd, uint32_t status, const char *text)
{
    put_answer(fd, status, strlen(text), text, strlen(text));
    put_end(fd, 0, false);
}

static void put_limits(int fd, const bp__question *q)
{
    char text[200];
    snprintf(text, sizeof text, "%.20s: what %u limit %u memory %llu size %llu argument %.3s", q->label,
             q->what, q->limit_ms, (unsigned long long)q->memory, (unsigned long long)q->file_bytes,
             (const char *)q->argument);
    put_text(fd, BP_EINVAL, text);
}

/* Until the asker has had enough. */
static void flood(int fd)
{
    static char block[1 << 20];
    const bp__answer head = {.bytes = UINT64_MAX};
    put(fd, &head, sizeof head);
    for (;;) put(fd, block, sizeof block);
}

/* Only the first parser that gets here. */
static bool is_first(void)
{
    const char *flag = getenv("FAKE_FLAG");
    return flag && open(flag, O_CREAT | O_EXCL | O_WRONLY, 0600) >= 0;
}

static void play(const char *part, int fd, const bp__question *question)
{
    static char long_text[3 * BP_ERROR_TEXT_MAX];
    if (strcmp(part, "deaf once") == 0 && is_first()) { /* until the asker gives it up */
        struct pollfd closed = {.fd = BP__PARSER_SOCKET};
        while (poll(&closed, 1, -1) < 0) continue;
        return;
    }
    if (strcmp(part, "good") == 0 || strcmp(part, "deaf once") == 0) put_text(fd, BP_OK, "abc");
    if (strcmp(part, "limits") == 0) put_limits(fd, question);
    if (strcmp(part, "unknown status") == 0) put_text(fd, 9999, "boo");
    if (strcmp(part, "flood") == 0) flood(fd);
    if (strcmp(part, "part of an end") == 0) put(fd, "abcd", 4);
    if (strcmp(part, "no head") == 0) put_end(fd, 0, false);
    if (strcmp(part, "claims more") == 0) put_answer(fd, BP_OK, 100, "abc", 3), put_end(fd, 0, false);
    if (strcmp(part, "claims less") == 0) put_answer(fd, BP_OK, 2, "abc", 3), put_end(fd, 0, false);
    if (strcmp(part, "claims too much") == 0)
        put_answer(fd, BP_OK, UINT64_MAX - 15, "abc", 3), put_end(fd, 0, false);
    if (strcmp(part, "signal") == 0) put_answer(fd, BP_OK, 3, "abc", 3), put_end(fd, SIGSEGV, false);
    if (strcmp(part, "exit code") == 0) put_answer(fd, BP_OK, 3, "abc", 3), put_end(fd, EXIT_3, false);
    if (strcmp(part, "too late") == 0) put_answer(fd, BP_OK, 3, "abc", 3), put_end(fd, SIGKILL, true);
    if (strcmp(part, "long text") == 0) {
        memset(long_text, 'x', sizeof long_text - 1);
        put_text(fd, BP_EFORMAT, long_text);
    }
}

static int be_parser(const char *part)
{
    static bp__question question;
    bp__greeting greeting = {.build = ""};
    int fd;
    snprintf(greeting.build, sizeof greeting.build, "%s", bp__parser_build());
    if (strcmp(part, "other build") == 0) greeting.build[strlen(greeting.build) - 1] ^= 1;
    if (strcmp(part, "endless build") == 0) memset(greeting.build, 'x', sizeof greeting.build);
    if (strcmp(part, "half greeting") == 0) put(BP__PARSER_SOCKET, &greeting, sizeof greeting / 2);
    if (strcmp(part, "half greeting") != 0) put(BP__PARSER_SOCKET, &greeting, sizeof greeting);
    while ((fd = take_question(&question)) >= 0) {
        play(part, fd, &question);
        close(fd);
    }
    return 0;
}

/* Asking ---------------------------------------------------------------------------------------- */

/* Ask, and print what that came to, as many times as `times` says. */
static int be_asker(const char *limit, const char *size, const char *times)
{
    const bp__subject file = {"F", open("/proc/self/exe", O_RDONLY | O_CLOEXEC), strtoull(size, NULL, 10)};
    bp__parser_prepare(strtoull(limit, NULL, 10));
    for (int i = 0; i < atoi(times); i++) {
        void *payload;
        uint64_t n;
        const bp_status s = bp__parser_ask(&file, WHAT, "arg", 3, &payload, &n);
        printf("%s %.*s\n", bp_status_name(s), s == BP_OK ? (int)n : BP_ERROR_TEXT_MAX,
               s == BP_OK ? (const char *)payload : bp_error_text());
        free(payload);
    }
    return 0;
}

/* Ask in a process of its own, as a parser that was found stays in use. @return what it has printed */
static const char *ask(const char *part, const char *limit, const char *size, const char *times)
{
    static char said[4 * BP_ERROR_TEXT_MAX];
    char self[512];
    int ends[2], status;
    size_t n = 0;
    const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    CU_ASSERT_FATAL(length > 0 && pipe2(ends, O_CLOEXEC) == 0);
    self[length] = '\0';
    fflush(stdout);
    const pid_t pid = fork();
    CU_ASSERT_FATAL(pid >= 0);
    if (pid == 0) {
        char *const argv[] = {self, (char *)"--ask", (char *)limit, (char *)size, (char *)times, NULL};
        if (dup2(ends[1], 1) == 1 && setenv(BP__PARSER_VARIABLE, self, 1) == 0 &&
            setenv("FAKE_PARSER", part, 1) == 0)
            execv(self, argv);
        _exit(9);
    }
    close(ends[1]);
    for (ssize_t got; (got = read(ends[0], said + n, sizeof said - 1 - n)) > 0;) n += (size_t)got;
    said[n] = '\0';
    close(ends[0]);
    CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return said;
}

static void expect(const char *part, const char *words)
{
    const char *said = ask(part, "0", "1000", "1");
    const bool right = strncmp(said, words, strcspn(words, "*")) == 0 &&
                       (!strchr(words, '*') || strstr(said, strchr(words, '*') + 1));
    if (!right) printf("%s: %s", part, said);
    CU_ASSERT(right);
}

static void test_greetings(void)
{
    expect("good", "BP_OK abc\n");
    expect("other build", "BP_ESYS bundle-parser is of build '*install both together\n");
    expect("endless build", "BP_ESYS bundle-parser is of build 'xxx*install both together\n");
    expect("half greeting", "BP_ESYS bundle-parser: does not start, or is another program\n");
}

static void test_answers(void)
{
    expect("claims more", "BP_EFORMAT F: damaged, or made to harm: its parser gave no whole answer\n");
    expect("claims less", "BP_EFORMAT F: damaged, or made to harm: its parser gave no whole answer\n");
    expect("claims too much", "BP_EFORMAT F: damaged, or made to harm: its parser gave no whole answer\n");
    expect("no head", "BP_ESYS F: bundle-parser could not start to read it\n");
    expect("silent", "BP_ESYS F: bundle-parser was killed while it was read\n");
    expect("part of an end", "BP_ESYS F: bundle-parser was killed while it was read\n");
    expect("signal", "BP_EFORMAT F: damaged, or made to harm: looking into it ended by signal 11");
    expect("exit code", "BP_EFORMAT F: damaged, or made to harm: looking into it ended with code 3\n");
    expect("too late", "BP_ETIMEOUT F: damaged, or too slow to read: *within 10.0 s\n");
    expect("unknown status", "BP_EFORMAT F: boo\n");
    expect("long text", "BP_EFORMAT F: xxx");
    expect("flood", "BP_EFORMAT F: damaged, or made to harm: its tables are larger than *bytes\n");
}

/* 10 s, and a second for each 100 MB, but less than who waits for the load would wait; memory by the size, too. */
static void test_limits(void)
{
    static const struct {
        const char *most, *size, *words;
    } cases[] = {
        {"0", "1000", " F: what 77 limit 10000 memory 268443456 size 1000 argument arg\n"},
        {"0", "300000000", " limit 13000 memory 2668435456 "},
        {"60000", "300000000", " limit 13000 "},
        {"4000", "300000000", " limit 3000 "},
        {"0", "1000000000000000", " limit 4294967295 "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *said = ask("limits", cases[i].most, cases[i].size, "1");
        if (!strstr(said, cases[i].words)) printf("%s", said);
        CU_ASSERT(strstr(said, cases[i].words) != NULL);
        CU_ASSERT(strncmp(said, "BP_EINVAL ", 10) == 0);
    }
}

/* A parser that does not even notice that time is over is given up; the next question has another one. */
static void test_deaf(void)
{
    CU_ASSERT_EQUAL_FATAL(setenv("FAKE_FLAG", files_path("deaf"), 1), 0);
    const char *said = ask("deaf once", "400", "1000", "2");
    if (!strstr(said, "\nBP_OK abc\n")) printf("%s", said);
    CU_ASSERT(strncmp(said, "BP_ETIMEOUT F: damaged, or too slow to read: ", 45) == 0);
    CU_ASSERT(strstr(said, "within 0.3 s\nBP_OK abc\n") != NULL);
}

int main(int argc, char **argv)
{
    const char *part = getenv("FAKE_PARSER");
    if (argc == 1 && part && strcmp(argv[0], BP__PARSER_PROGRAM) == 0) return be_parser(part);
    if (argc == 5 && strcmp(argv[1], "--ask") == 0) return be_asker(argv[2], argv[3], argv[4]);
    CU_TestInfo tests[] = {{"greetings", test_greetings},
                           {"answers", test_answers},
                           {"limits", test_limits},
                           {"a deaf one", test_deaf},
                           CU_TEST_INFO_NULL};
    return files_main("fake_parser", tests);
}
