#include "core/clock.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

bool bp__clock_has_tsc;

void bp__clock_init(void)
{
#if defined(__x86_64__)
    unsigned a, b, c, d;
    bp__clock_has_tsc = __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & (1u << 8));
#endif
}

uint64_t bp__clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail with this clock */
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

/* Both clocks at one moment: read again if this thread was interrupted in between. */
static void read_both(uint64_t *ns, uint64_t *ticks)
{
    uint64_t after;
    do {
        *ns = bp__clock_ns();
        *ticks = bp__ticks();
        after = bp__clock_ns();
    } while (after - *ns > 2000);
}

uint64_t bp__clock_measure(void)
{
    if (!bp__clock_has_tsc) return 1000000;
    uint64_t ns0, ns1, t0, t1;
    read_both(&ns0, &t0);
    do read_both(&ns1, &t1);
    while (ns1 - ns0 < 2000000);
    return (uint64_t)((double)(t1 - t0) * 1e6 / (double)(ns1 - ns0));
}

struct timespec bp__deadline(int64_t ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_nsec -= 1000000000;
        t.tv_sec++;
    }
    return t;
}

bool bp__deadline_passed(const struct timespec *deadline)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec > deadline->tv_sec || (t.tv_sec == deadline->tv_sec && t.tv_nsec >= deadline->tv_nsec);
}
