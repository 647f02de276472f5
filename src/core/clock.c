#include "core/clock.h"

#include <stdio.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

bool bp__clock_has_tsc;

/* Whether a list of words has this one. */
static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = list; *at;) {
        size_t length = strcspn(at, " \n");
        if (length == n && strncmp(at, word, n) == 0) return true;
        at += length + strspn(at + length, " \n");
    }
    return false;
}

bool bp__clock_trusts_tsc(const char *current, const char *available)
{
    static const char *const virtual[] = {"kvm-clock", "hyperv_clocksource_tsc_page", "xen"};
    if (has_word(current, "tsc")) return true;
    for (size_t i = 0; i < sizeof virtual / sizeof *virtual; i++)
        if (has_word(current, virtual[i])) return has_word(available, "tsc");
    return false;
}

#if defined(__x86_64__)
#define SOURCES "/sys/devices/system/clocksource/clocksource0/"

static void read_line(const char *path, char *text, int size)
{
    FILE *f = fopen(path, "re");
    if (!f || !fgets(text, size, f)) text[0] = '\0';
    if (f) fclose(f);
}

static bool kernel_trusts_tsc(void)
{
    char current[128], available[512];
    read_line(SOURCES "current_clocksource", current, sizeof current);
    read_line(SOURCES "available_clocksource", available, sizeof available);
    return bp__clock_trusts_tsc(current, available);
}
#endif

void bp__clock_init(void)
{
#if defined(__x86_64__)
    unsigned a, b, c, d;
    bool invariant = __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & (1u << 8));
    bp__clock_has_tsc = invariant && kernel_trusts_tsc();
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
