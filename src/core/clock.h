/** @file src/core/clock.h
 * Time on a node: a counter that reads the same in all its processes, and needs no system call.
 *
 * On x86-64 with an invariant time stamp counter that the kernel trusts, a tick is one of its cycles; elsewhere a
 * nanosecond of CLOCK_MONOTONIC. The kernel watches the counter: where processors disagree, or it jumps, it is "unstable",
 * and what one process writes down would lie in another's future. Ticks of different nodes are never compared.
 */
#ifndef BP_CORE_CLOCK_H
#define BP_CORE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

extern bool bp__clock_has_tsc; /**< set by bp__clock_init() before any thread reads it */

/** Decide which counter to use; idempotent. Every process of a machine that sees the same /sys decides alike; those
 *  that share ticks make sure of it. */
void bp__clock_init(void);

/** Whether the kernel trusts the time stamp counter: it is the clock source in use; or a virtual machine's is, and the
 *  counter is among those that could be. An unstable one is taken off that list.
 *  @param[in] current, available  what the kernel says in /sys; "" if that cannot be read */
bool bp__clock_trusts_tsc(const char *current, const char *available);

/** Ticks per millisecond; measured over about 2 ms where the counter is the processor's. */
uint64_t bp__clock_measure(void);

/** CLOCK_MONOTONIC in ns. */
uint64_t bp__clock_ns(void);

static inline uint64_t bp__ticks(void)
{
#if defined(__x86_64__)
    if (__builtin_expect(bp__clock_has_tsc, true)) return __rdtsc();
#endif
    return bp__clock_ns();
}

/** `ms` from now on CLOCK_MONOTONIC, for bp__futex_wait(). */
struct timespec bp__deadline(int64_t ms);

/** `ns` from now. */
struct timespec bp__deadline_ns(uint64_t ns);

/** Whether a deadline has passed. */
bool bp__deadline_passed(const struct timespec *deadline);

#endif
