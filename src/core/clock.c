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

/* Both clocks at one moment: the closest of some readings, in case this thread is interrupted in between. */
static void read_both(uint64_t *ns, uint64_t *ticks)
{
    uint64_t best = UINT64_MAX;
    for (int i = 0; i < 100 && best > 2000; i++) {
        uint64_t before = bp__clock_ns(), t = bp__ticks(), took = bp__clock_ns() - before;
        if (took >= best) continue;
        best = took;
        *ns = before;
        *ticks = t;
    }
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

struct timespec bp__deadline_ns(uint64_t ns)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += (time_t)(ns / 1000000000);
    t.tv_nsec += (long)(ns % 1000000000);
    if (t.tv_nsec >= 1000000000) {
        t.tv_nsec -= 1000000000;
        t.tv_sec++;
    }
    return t;
}

struct timespec bp__deadline(int64_t ms)
{
    return bp__deadline_ns((uint64_t)ms * 1000000);
}

bool bp__deadline_passed(const struct timespec *deadline)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec > deadline->tv_sec || (t.tv_sec == deadline->tv_sec && t.tv_nsec >= deadline->tv_nsec);
}
