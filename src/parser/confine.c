#include "parser/confine.h"

#include <errno.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef BP_HAVE_SECCOMP
#include <seccomp.h>
#endif

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define SANITIZED 1
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0 /* a sanitizer reserves terabytes, and opens files for its reports */
#endif

bool bp__close_from(int first)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, (unsigned)first, ~0u, 0u) == 0) return true;
    if (errno != ENOSYS) return false;
#endif
    const long most = sysconf(_SC_OPEN_MAX); /* Linux before 5.9 */
    for (int fd = first; fd < most; fd++) close(fd);
    return true;
}

/* Bytes of address space that this process has now. */
static uint64_t address_space(void)
{
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file) return 0;
    const bool read = fscanf(file, "%llu", &pages) == 1;
    fclose(file);
    return read ? pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static bool limit(unsigned resource, rlim_t most)
{
    struct rlimit now;
    if (getrlimit(resource, &now) != 0) return false;
    if (now.rlim_max != RLIM_INFINITY && now.rlim_max < most) most = now.rlim_max;
    now = (struct rlimit){most, most};
    return setrlimit(resource, &now) == 0;
}

#ifdef BP_HAVE_SECCOMP

/* Anything else fails with EPERM, so that a C library that tries something newer first goes on. */
static bool limit_calls(void)
{
    static const int allowed[] = {
        SCMP_SYS(read),         SCMP_SYS(pread64),       SCMP_SYS(write),        SCMP_SYS(writev),
        SCMP_SYS(sendto),       SCMP_SYS(sendmsg),       SCMP_SYS(close),        SCMP_SYS(fstat),
        SCMP_SYS(lseek),        SCMP_SYS(brk),           SCMP_SYS(mmap),         SCMP_SYS(munmap),
        SCMP_SYS(mremap),       SCMP_SYS(mprotect),      SCMP_SYS(madvise),      SCMP_SYS(futex),
        SCMP_SYS(getrandom),    SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(getpid),
        SCMP_SYS(gettid),       SCMP_SYS(tgkill),        SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
        SCMP_SYS(rt_sigreturn), SCMP_SYS(sched_yield),   SCMP_SYS(exit),         SCMP_SYS(exit_group),
        SCMP_SYS(newfstatat),
    };
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!filter) return false;
    bool ok = true;
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed && ok; i++)
        ok = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0) == 0;
    const int err = ok ? -seccomp_load(filter) : ENOMEM;
    seccomp_release(filter);
    /* a kernel without seccomp, or one that lets nobody use it: the other limits hold */
    if (err != 0 && err != EINVAL && err != ENOSYS && err != EACCES && err != EPERM) errno = err;
    return err == 0 || err == EINVAL || err == ENOSYS || err == EACCES || err == EPERM;
}

bool bp__confines_calls(void)
{
    return !SANITIZED && prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0;
}

#else

static bool limit_calls(void)
{
    return true;
}

bool bp__confines_calls(void)
{
    return false;
}

#endif

bool bp__confine(uint64_t memory)
{
    if (!limit(RLIMIT_CORE, 0) || !limit(RLIMIT_FSIZE, 0) || !limit(RLIMIT_NPROC, 0)) return false;
    if (SANITIZED) return true;
    if (!limit(RLIMIT_AS, address_space() + memory)) return false;
    if (!limit(RLIMIT_NOFILE, 0)) return false;
    return limit_calls();
}
