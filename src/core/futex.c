#include "core/futex.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

bool bp__futex_wait(const _Atomic uint32_t *word, uint32_t expected, const struct timespec *deadline)
{
    /* BITSET takes an absolute deadline, so that early wakes do not stretch it. The errors EAGAIN
     * (value changed) and EINTR mean: check again, which the caller does anyway. */
    long rc = syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected, deadline, NULL, FUTEX_BITSET_MATCH_ANY);
    return !(rc < 0 && errno == ETIMEDOUT);
}

void bp__futex_wake_some(const _Atomic uint32_t *word, uint32_t most)
{
    syscall(SYS_futex, word, FUTEX_WAKE, most, NULL, NULL, 0); /* fails for bad addresses only */
}

void bp__futex_wake(const _Atomic uint32_t *word)
{
    bp__futex_wake_some(word, INT_MAX);
}
