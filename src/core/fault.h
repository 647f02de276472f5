/** @file src/core/fault.h
 * Faults and naps that tests switch on. BUNDLEPOOL_FAULT names what is on; never set it otherwise. They exist
 * only in builds with BUNDLEPOOL_FAULTS=ON, as the presets have it; elsewhere nothing of them is compiled.
 *
 * A fault breaks a promise, so that a test can show that this is noticed.
 *
 * A nap breaks none. It stands between two loads of shared words from which one conclusion is drawn. A thread
 * may be preempted there for as long as the system likes, but hardly ever is; with "naps" it is preempted
 * often, for a random time, and a wrong order of the two loads shows. "naps:NAME" switches on one nap alone,
 * which is then long and taken every time.
 */
#ifndef BP_CORE_FAULT_H
#define BP_CORE_FAULT_H

#include <stdbool.h>
#include <stdint.h>

typedef enum bp__fault {
    BP__FAULT_EARLY_ACK,      /**< "early_ack": a node answers SYNC for the nodes below it before they have */
    BP__FAULT_NO_SECOND_LOOK, /**< "no_second_look": a load does not look whether its file has changed
                                 meanwhile */
} bp__fault;

/** Each nap: its name, and how many passings there are to one that is taken. What every get passes is taken
 *  rarely, or a test would do nothing else. */
#define BP__NAP_MAP(X)                                                                                       \
    X(JOB_OVER_CLAIMED, "job_over_claimed", 2)                                                               \
    X(PROGRESS_ARRIVED, "progress_arrived", 4)

typedef enum bp__nap {
#define X(id, name, one_in) BP__NAP_##id,
    BP__NAP_MAP(X)
#undef X
        BP__NUM_NAPS
} bp__nap;

#ifdef BP_FAULTS

/** Whether a fault is switched on in this process. */
bool bp__fault_is_on(bp__fault fault);

extern bool bp__naps_are_on; /**< set before main() */

void bp__nap_now(bp__nap nap);

/** Pass a nap. Switched off it costs a branch that is never taken, so that the hit path can have some. */
static inline void bp__nap_here(bp__nap nap)
{
    if (__builtin_expect(bp__naps_are_on, false)) bp__nap_now(nap);
}

#else

static inline bool bp__fault_is_on(bp__fault fault)
{
    (void)fault;
    return false;
}

static inline void bp__nap_here(bp__nap nap)
{
    (void)nap;
}

#endif

/** A nap's name, and how often this process has passed it with naps on. */
const char *bp__nap_name(bp__nap nap);
uint64_t bp__nap_passed(bp__nap nap);

#endif
