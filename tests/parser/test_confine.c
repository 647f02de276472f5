/* What a process cannot do any more once it is confined, tried in one that is. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/suite.h"
#include "parser/confine.h"

enum { ALLOWED = 0, DENIED = 1, BROKEN = 2 };

#define MEMORY (UINT64_C(32) << 20)

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

static int file = -1; /* open for writing */

static int open_file(void)
{
    return open("/etc/passwd", O_RDONLY) < 0 ? DENIED : ALLOWED;
}
static int write_file(void) /* dies of it */
{
    return write(file, "x", 1) == 1 ? ALLOWED : DENIED;
}
static int duplicate(void)
{
    return dup(file) < 0 ? DENIED : ALLOWED;
}
static int take_much_memory(void)
{
    return mmap(NULL, 2 * MEMORY, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? DENIED
                                                                                               : ALLOWED;
}
static int take_some_memory(void)
{
    return mmap(NULL, MEMORY / 2, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? DENIED
                                                                                               : ALLOWED;
}
static int open_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) < 0 ? DENIED : ALLOWED;
}
static int start_process(void)
{
    const pid_t pid = fork();
    if (pid == 0) _exit(0);
    return pid < 0 ? DENIED : ALLOWED;
}
static int start_program(void)
{
    char *const argv[] = {(char *)"true", NULL};
    execv("/bin/true", argv);
    return DENIED; /* or else true has ended with 0, which is ALLOWED */
}
static int signal_parent(void)
{
    return kill(getppid(), 0) < 0 ? DENIED : ALLOWED;
}
static int read_on(void)
{
    char byte;
    return pread(file, &byte, 1, 0) < 0 ? DENIED : ALLOWED;
}

static int try_confined(int (*act)(void))
{
    int status;
    fflush(stdout);
    const pid_t pid = fork();
    CU_ASSERT_FATAL(pid >= 0);
    if (pid == 0) _exit(bp__confine(MEMORY) ? act() : BROKEN);
    CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : DENIED;
}

static void test_limits(void)
{
    CU_ASSERT_EQUAL(try_confined(write_file), DENIED);
    CU_ASSERT_EQUAL(try_confined(read_on), ALLOWED);
    if (SANITIZED) {
        printf("(no limit of memory in a sanitized build) ");
        return;
    }
    CU_ASSERT_EQUAL(try_confined(open_file), DENIED);
    CU_ASSERT_EQUAL(try_confined(duplicate), DENIED);
    CU_ASSERT_EQUAL(try_confined(take_much_memory), DENIED);
    CU_ASSERT_EQUAL(try_confined(take_some_memory), ALLOWED);
}

static void test_calls(void)
{
    if (!bp__confines_calls()) {
        printf("(no seccomp here) ");
        return;
    }
    CU_ASSERT_EQUAL(try_confined(open_socket), DENIED);
    CU_ASSERT_EQUAL(try_confined(start_process), DENIED);
    CU_ASSERT_EQUAL(try_confined(start_program), DENIED);
    CU_ASSERT_EQUAL(try_confined(signal_parent), DENIED);
}

static void test_close_from(void)
{
    const int a = dup(file), b = fcntl(file, F_DUPFD, 200);
    CU_ASSERT_FATAL(a >= 0 && b >= 200);
    int status;
    const pid_t pid = fork();
    CU_ASSERT_FATAL(pid >= 0);
    if (pid == 0)
        _exit(
            !(bp__close_from(a) && fcntl(a, F_GETFD) < 0 && fcntl(b, F_GETFD) < 0 && fcntl(0, F_GETFD) >= 0));
    CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(a);
    close(b);
}

int main(void)
{
    FILE *temporary = tmpfile();
    if (!temporary) return 1;
    file = fileno(temporary);
    CU_TestInfo tests[] = {{"limits", test_limits},
                           {"system calls", test_calls},
                           {"descriptors", test_close_from},
                           CU_TEST_INFO_NULL};
    return suite_main("confine", tests);
}
