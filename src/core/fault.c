#include "core/fault.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/atomic.h"

#define VARIABLE "BUNDLEPOOL_FAULT"
#define LONGEST  UINT64_C(2000000) /* ns of a nap */

static _Atomic uint64_t passed[BP__NUM_NAPS]; /* statistics: relaxed */

static const struct {
    const char *name;
    uint32_t one_in;
} nap_table[] = {
#define X(id, name, one_in) {name, one_in},
    BP__NAP_MAP(X)
#undef X
};

const char *bp__nap_name(bp__nap nap)
{
    return nap_table[nap].name;
}

uint64_t bp__nap_passed(bp__nap nap)
{
    return bp__load_relaxed(&passed[nap]);
}

#ifdef BP_FAULTS

bool bp__fault_is_on(bp__fault fault)
{
    static const char *const names[] = {"early_ack", "no_spill_memory", "no_second_look", "damage",
                                        "damage_once"};
    const char *on = getenv(VARIABLE);
    return on && strcmp(on, names[fault]) == 0;
}

bool bp__fault_takes_place(bp__fault fault)
{
    static atomic_flag damaged = ATOMIC_FLAG_INIT;
    if (!bp__fault_is_on(fault)) return false;
    return fault != BP__FAULT_DAMAGE_ONCE ||
           !atomic_flag_test_and_set_explicit(&damaged, memory_order_relaxed);
}

bool bp__naps_are_on;
static int only = -1; /* "naps:NAME": this one */

/* Before main(), and so before any thread that could pass a nap. */
__attribute__((constructor)) static void switch_naps_on(void)
{
    const char *on = getenv(VARIABLE);
    if (!on || strncmp(on, "naps", 4) != 0) return;
    for (int i = 0; on[4] == ':' && i < BP__NUM_NAPS; i++)
        if (strcmp(on + 5, nap_table[i].name) == 0) only = i;
    bp__naps_are_on = on[4] == '\0' || only >= 0;
}

/* xorshift64*, seeded differently in every thread of every process of every run. */
static uint64_t draw(void)
{
    static _Thread_local uint64_t state;
    if (state == 0) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        state = (uint64_t)t.tv_nsec << 32 ^ (uint64_t)getpid() << 16 ^ (uint64_t)(uintptr_t)&state;
        state = state * UINT64_C(0x9e3779b97f4a7c15) | 1;
    }
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(0x2545f4914f6cdd1d) >> 16;
}

/* Most naps take microseconds, some a thousand times as long: what happens meanwhile may be a single store
 * or a whole load. */
static uint64_t nap_ns(void)
{
    uint64_t ns = LONGEST >> draw() % 12;
    return draw() % ns + 1;
}

void bp__nap_now(bp__nap nap)
{
    bp__add_relaxed(&passed[nap], 1);
    if (only >= 0 ? only != (int)nap : draw() % nap_table[nap].one_in != 0) return;
    uint64_t ns = only >= 0 ? LONGEST : nap_ns();
    clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_nsec = (long)ns}, NULL);
}

#endif
