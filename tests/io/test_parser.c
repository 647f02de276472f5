/* The parser as a process: nobody's child, replaced when it is gone, and no danger to who asks. */
#include <CUnit/Basic.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/atomic.h"
#include "files.h"
#include "io/hdf5/h5read.h"
#include "io/make_file.h"
#include "io/parser/ask.h"
#include "io/parser/place.h"

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define SANITIZED 1
#else
#define SANITIZED 0
#endif
#ifdef BP_HAVE_SECCOMP
#define HAS_SECCOMP 1
#else
#define HAS_SECCOMP 0
#endif

static _Atomic int children_ended; /* SIGCHLD so far */
static int left_open;              /* a descriptor that no exec() closes */
static char marker[64];            /* in the environment of this test's parser */

static void count_child(int number)
{
    (void)number;
    bp__add_relaxed(&children_ended, 1);
}

static bp_status load(const char *name)
{
    bp__source *source;
    const bp_status s = bp__h5_loader()->open(files_path(name), &source);
    if (s == BP_OK) bp__h5_loader()->close(&source);
    return s;
}

static void make(const char *name)
{
    static const file_format f = {"good", 4, 5, 3, .chunk = {2, 3}, .deflate = 1, .extras = true};
    CU_ASSERT_FATAL(make_file(files_path(name), &f));
}

static bool has_text(const char *path, const char *text, size_t length)
{
    char buffer[1 << 16];
    FILE *file = fopen(path, "r");
    if (!file) return false;
    const size_t n = fread(buffer, 1, sizeof buffer, file);
    fclose(file);
    return memmem(buffer, n, text, length) != NULL;
}

/* The process that this test's questions go to, 0: there is none. Its children, which answer, are not it. */
static pid_t find_parser(void)
{
    DIR *proc = opendir("/proc");
    pid_t found = 0;
    if (!proc) return 0;
    for (struct dirent *entry; (entry = readdir(proc)) != NULL;) {
        char path[300];
        const pid_t pid = atoi(entry->d_name);
        if (pid <= 0) continue;
        snprintf(path, sizeof path, "/proc/%d/comm", pid);
        if (!has_text(path, "bundle-parser", 13)) continue;
        snprintf(path, sizeof path, "/proc/%d/environ", pid);
        if (has_text(path, marker, strlen(marker)) && (found == 0 || pid < found)) found = pid;
    }
    closedir(proc);
    return found;
}

/* Wait until a process is gone, however long that takes here. */
static void wait_gone(pid_t pid)
{
    while (kill(pid, 0) == 0) poll(NULL, 0, 1);
    CU_ASSERT_EQUAL(errno, ESRCH);
}

static void test_nobodys_child(void)
{
    int status;
    make("good.h5");
    CU_ASSERT_EQUAL(load("good.h5"), BP_OK);
    const pid_t parser = find_parser();
    CU_ASSERT_FATAL(parser > 0);
    CU_ASSERT(waitpid(-1, &status, WNOHANG) < 0 && errno == ECHILD);
    CU_ASSERT_EQUAL(waitpid(parser, &status, WNOHANG | __WALL), -1);
    CU_ASSERT_EQUAL(kill(parser, SIGINT), 0); /* as a terminal's, which is for the host program */
    CU_ASSERT_EQUAL(kill(parser, SIGTERM), 0);
    CU_ASSERT_EQUAL(load("good.h5"), BP_OK);
    CU_ASSERT_EQUAL(find_parser(), parser);
}

static void test_killed(void)
{
    CU_ASSERT_EQUAL(load("good.h5"), BP_OK);
    const pid_t first = find_parser();
    CU_ASSERT_FATAL(first > 0);
    CU_ASSERT_EQUAL_FATAL(kill(first, SIGKILL), 0);
    wait_gone(first);
    CU_ASSERT_EQUAL(load("good.h5"), BP_OK); /* by another one */
    CU_ASSERT_NOT_EQUAL(find_parser(), first);
    CU_ASSERT_EQUAL(children_ended, 0);
}

/* In a process of its own, as a parser that was found stays in use. @return what loading came to; `words` are in its text */
static bool fails_with(const char *parser, bp_status code, const char *words)
{
    int status;
    fflush(stdout);
    const pid_t pid = fork();
    CU_ASSERT_FATAL(pid >= 0);
    if (pid == 0) {
        char *const argv[] = {(char *)"io_parser", (char *)"--load", (char *)files_path("good.h5"),
                              (char *)words, NULL};
        char number[16];
        snprintf(number, sizeof number, "%d", (int)code);
        if (setenv(BP__PARSER_VARIABLE, parser, 1) == 0 && setenv("EXPECTED", number, 1) == 0)
            execv("/proc/self/exe", argv);
        _exit(3);
    }
    CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
    bp__sub_relaxed(&children_ended, 1);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int load_and_compare(const char *path, const char *words)
{
    bp__source *source;
    const char *expected = getenv("EXPECTED");
    const bp_status s = bp__h5_loader()->open(path, &source);
    if (s == BP_OK) bp__h5_loader()->close(&source);
    const char *text = s == BP_OK ? "" : bp_error_text();
    if (expected && (int)s == atoi(expected) && strstr(text, words)) return 0;
    printf("%s: %s\n", bp_status_name(s), text);
    return 1;
}

static void test_other_programs(void)
{
    CU_ASSERT(fails_with("/nowhere/bundle-parser", BP_ENOTFOUND, "/nowhere/bundle-parser: cannot be opened"));
    CU_ASSERT(fails_with("/bin/true", BP_ESYS, "does not start, or is another program"));
    CU_ASSERT(fails_with("/etc/passwd", BP_ESYS, "cannot be started"));
    CU_ASSERT(fails_with("inline", BP_OK, ""));
    CU_ASSERT(fails_with("", BP_OK, ""));
}

static _Atomic int failed_loads;

static void *load_often(void *context)
{
    (void)context;
    for (int i = 0; i < 20; i++)
        if (load("good.h5") != BP_OK) bp__add_relaxed(&failed_loads, 1);
    return NULL;
}

static void test_many(void)
{
    pthread_t thread[8];
    for (int i = 0; i < 8; i++) CU_ASSERT_EQUAL_FATAL(pthread_create(&thread[i], NULL, load_often, NULL), 0);
    for (int i = 0; i < 8; i++) pthread_join(thread[i], NULL);
    CU_ASSERT_EQUAL(failed_loads, 0);
}

/* A child that stands still is ended when its time is over, and meanwhile others answer. */
static _Atomic bool stopped_ended;

static void *ask_slowly(void *context)
{
    bp_status *s = context;
    *s = load("large.h5");
    bp__store_release(&stopped_ended, true);
    return NULL;
}

/* Whether a process may have nothing of what a line of its /proc/PID/limits is about. */
static bool has_limit_of_0(const char *limits, const char *what)
{
    char line[200], soft[32] = "", hard[32] = "";
    bool is_0 = false;
    FILE *file = fopen(limits, "r");
    if (!file) return false;
    while (fgets(line, sizeof line, file))
        if (strncmp(line, what, strlen(what)) == 0)
            is_0 = sscanf(line + strlen(what), "%31s %31s", soft, hard) == 2 && strcmp(soft, "0") == 0 &&
                   strcmp(hard, "0") == 0;
    fclose(file);
    return is_0;
}

static bool is_confined(pid_t child)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/limits", child);
    /* the last thing that is done to it, but that a sanitizer does without */
    return child > 0 && has_limit_of_0(path, SANITIZED ? "Max processes" : "Max open files");
}

static pid_t find_child(pid_t parser)
{
    char path[64];
    int child = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", parser, parser);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    if (fscanf(file, "%d", &child) != 1) child = 0;
    fclose(file);
    return child;
}

/* Start a load that takes a while, and stop the child that looks into the file, once it is confined. */
static pid_t stop_a_child(pid_t parser, pthread_t *thread, bp_status *s)
{
    static const file_format f = {"many chunks", 200, 500, 0, .chunk = {1, 1}};
    pid_t child = 0;
    CU_ASSERT_FATAL(make_file(files_path("large.h5"), &f));
    bp__store_release(&stopped_ended, false);
    CU_ASSERT_EQUAL_FATAL(pthread_create(thread, NULL, ask_slowly, s), 0);
    while (!is_confined(child) && !bp__load_acquire(&stopped_ended)) {
        child = find_child(parser);
        poll(NULL, 0, 1);
    }
    CU_ASSERT_FATAL(is_confined(child));
    CU_ASSERT_EQUAL(kill(child, SIGSTOP), 0);
    return child;
}

static void test_stopped(void)
{
    pthread_t thread;
    bp_status s = BP_OK;
    bp__parser_prepare(2000);
    const pid_t parser = find_parser();
    stop_a_child(parser, &thread, &s);
    CU_ASSERT_EQUAL(load("good.h5"), BP_OK);
    pthread_join(thread, NULL);
    CU_ASSERT_EQUAL(s, BP_ETIMEOUT);
    CU_ASSERT_EQUAL(find_child(parser), 0);
    CU_ASSERT_EQUAL(load("good.h5"), BP_OK);
    CU_ASSERT_EQUAL(find_parser(), parser);
    bp__parser_prepare(0);
}

/* A signal to all processes of a job, as batch systems send it before its time is up, reaches who looks into a file as well. */
static void test_signals_of_the_job(void)
{
    static const int sent[] = {SIGUSR1, SIGUSR2, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGALRM, SIGPIPE, SIGTSTP};
    pthread_t thread;
    bp_status s = BP_ESYS;
    CU_ASSERT_EQUAL(load("good.h5"), BP_OK);
    const pid_t parser = find_parser(), child = stop_a_child(parser, &thread, &s);
    for (size_t i = 0; i < sizeof sent / sizeof *sent; i++) {
        CU_ASSERT_EQUAL(kill(parser, sent[i]), 0);
        CU_ASSERT_EQUAL(kill(child, sent[i]), 0);
    }
    CU_ASSERT_EQUAL(kill(child, SIGCONT), 0);
    pthread_join(thread, NULL);
    CU_ASSERT_EQUAL(s, BP_OK);
    CU_ASSERT_EQUAL(find_parser(), parser);
}

/* What a process holds open above `most`, and whether it has `link` open. */
static void look_at_descriptors(pid_t pid, int most, const char *link, int *above, bool *has)
{
    char path[64], target[300];
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    DIR *folder = opendir(path);
    *above = 0;
    *has = false;
    CU_ASSERT_FATAL(folder != NULL);
    for (struct dirent *e; (e = readdir(folder)) != NULL;) {
        const ssize_t n = readlinkat(dirfd(folder), e->d_name, target, sizeof target - 1);
        if (n < 0) continue;
        target[n] = '\0';
        if (atoi(e->d_name) > most) ++*above;
        if (strcmp(target, link) == 0) *has = true;
    }
    closedir(folder);
}

/* How many filters of system calls a process has; -1: the kernel does not tell. */
static int num_filters(const char *status)
{
    char line[200];
    int n = -1;
    FILE *file = fopen(status, "r");
    CU_ASSERT_FATAL(file != NULL);
    while (fgets(line, sizeof line, file))
        if (strncmp(line, "Seccomp_filters:", 16) == 0) n = atoi(line + 16);
    fclose(file);
    return n;
}

/* What looks into a file has that file and the way back, and nothing else of its parser; with that, it ends. */
static void test_confined(void)
{
    static const char *const limits[] = {"Max core file size", "Max processes", "Max open files"};
    pthread_t thread;
    bp_status s = BP_OK;
    char path[64], link[64];
    int above;
    bool has;
    CU_ASSERT_EQUAL(load("good.h5"), BP_OK);
    const pid_t parser = find_parser(), child = stop_a_child(parser, &thread, &s);
    snprintf(path, sizeof path, "/proc/self/fd/%d", left_open);
    const ssize_t n = readlink(path, link, sizeof link - 1);
    CU_ASSERT_FATAL(n > 0);
    link[n] = '\0';
    look_at_descriptors(parser, 6, link, &above,
                        &has); /* nothing, its questions, its signals, two of a question */
    CU_ASSERT(above == 0 && !has);
    look_at_descriptors(child, 4, link, &above, &has);
    CU_ASSERT(above == 0 && !has);
    snprintf(path, sizeof path, "/proc/%d/limits", child);
    for (size_t i = 0; i < sizeof limits / sizeof *limits - SANITIZED; i++)
        CU_ASSERT(has_limit_of_0(path, limits[i]));
    snprintf(path, sizeof path, "/proc/%d/status", child);
    if (HAS_SECCOMP && !SANITIZED && num_filters(path) >= 0)
        CU_ASSERT_EQUAL(num_filters(path), num_filters("/proc/self/status") + 1);
    CU_ASSERT_EQUAL(kill(parser, SIGKILL), 0);
    pthread_join(thread, NULL);
    CU_ASSERT_EQUAL(s, BP_ESYS);
    wait_gone(child);
    CU_ASSERT_EQUAL(load("good.h5"), BP_OK);
}

/* It ends with who has started it, whatever way that goes. */
static void test_orphan(void)
{
    int pipes[2], status;
    char found[32] = "";
    CU_ASSERT_EQUAL_FATAL(pipe(pipes), 0);
    fflush(stdout);
    const pid_t pid = fork();
    CU_ASSERT_FATAL(pid >= 0);
    if (pid == 0) {
        char number[16];
        char *const argv[] = {(char *)"io_parser", (char *)"--orphan", (char *)files_path("good.h5"), number,
                              NULL};
        snprintf(number, sizeof number, "%d", pipes[1]);
        execv("/proc/self/exe", argv);
        _exit(3);
    }
    close(pipes[1]);
    CU_ASSERT(read(pipes[0], found, sizeof found - 1) > 0);
    close(pipes[0]);
    CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
    bp__sub_relaxed(&children_ended, 1);
    CU_ASSERT(WIFSIGNALED(status));
    const pid_t parser = atoi(found);
    CU_ASSERT_FATAL(parser > 0);
    wait_gone(parser);
}

static int die_with_parser(const char *path, const char *fd)
{
    bp__source *source;
    if (bp__h5_loader()->open(path, &source) != BP_OK) return 1;
    dprintf(atoi(fd), "%d", find_parser());
    return raise(SIGKILL);
}

int main(int argc, char **argv)
{
    snprintf(marker, sizeof marker, "IO_PARSER_TEST=%d", getpid());
    if (putenv(marker) != 0) return 1;
    if (argc == 4 && strcmp(argv[1], "--load") == 0) return load_and_compare(argv[2], argv[3]);
    if (argc == 4 && strcmp(argv[1], "--orphan") == 0) return die_with_parser(argv[2], argv[3]);
    const struct sigaction action = {.sa_handler = count_child, .sa_flags = SA_RESTART};
    int ends[2];
    if (sigaction(SIGCHLD, &action, NULL) != 0 || pipe(ends) != 0) return 1;
    left_open = ends[0];
    CU_TestInfo tests[] = {{"nobody's child", test_nobodys_child},
                           {"killed", test_killed},
                           {"other programs", test_other_programs},
                           {"many questions at once", test_many},
                           {"a child that stands still", test_stopped},
                           {"signals of the job", test_signals_of_the_job},
                           {"a child is confined", test_confined},
                           {"ends with its owner", test_orphan},
                           CU_TEST_INFO_NULL};
    return files_main("parser", tests);
}
