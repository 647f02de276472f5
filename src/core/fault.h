/** @file src/core/fault.h
 * Faults and naps that tests switch on. BUNDLEPOOL_FAULT names what is on; never set it otherwise. They exist
 * only in builds with BUNDLEPOOL_FAULTS=ON, as the presets have it; in others, passing one compiles to
 * nothing.
 *
 * A fault breaks a promise, so that a test can show that this is noticed.
 *
 * A nap breaks none. It stands between two loads of shared words from which one conclusion is drawn. A thread
 * may be preempted there for as long as the system likes, but hardly ever is; with "naps" it is preempted
 * often, for random times, and a wrong order of the two loads shows. "naps:NAME" switches on one nap alone,
 * which is then long and taken every time.
 */
#ifndef BP_CORE_FAULT_H
#define BP_CORE_FAULT_H

#include <stdbool.h>
#include <stdint.h>

typedef enum bp__fault {
    BP__FAULT_EARLY_ACK, /**< "early_ack": a node answers SYNC for the nodes below it before they have */
    BP__FAULT_NO_SPILL_MEMORY, /**< "no_spill_memory": there is no memory for bars on their way, as in a system that is short
                                    of it: all of them go to a file */
    BP__FAULT_NO_SECOND_LOOK, /**< "no_second_look": a load does not notice that its file has changed */
    BP__FAULT_DAMAGE,         /**< "damage": a byte of each segment that comes from another node is another */
    BP__FAULT_DAMAGE_ONCE,    /**< "damage_once": of the first one in each process */
} bp__fault;

/** Each nap: its name, and once in how many passings it is taken. What every get passes is taken rarely, or a
 *  test would do nothing else. */
#define BP__NAP_MAP(X)                                                                                       \
    X(JOB_OVER_CLAIMED, "job_over_claimed", 2)                                                               \
    X(CLAIMED_JOB_OVER_STORED, "claimed_job_over_stored", 4)                                                 \
    X(NO_MORE_READY, "no_more_ready", 2)                                                                     \
    X(IN_PLACE_USELESS, "in_place_useless", 2)                                                               \
    X(PROGRESS_ARRIVED, "progress_arrived", 4)                                                               \
    X(PROGRESS_MARKS, "progress_marks", 4)                                                                   \
    X(NEXT_MARKS, "next_marks", 4)                                                                           \
    X(MARKS_FAILED, "marks_failed", 4)                                                                       \
    X(MARK_NEXT_STORED, "mark_next_stored", 4)                                                               \
    X(FAILED_MARK_STORED, "failed_mark_stored", 4)                                                           \
    X(UNPACKED_OVERTAKEN, "unpacked_overtaken", 4)                                                           \
    X(NEXT_AVAILABLE_STORED, "next_available_stored", 2)                                                     \
    X(AVAILABLE_NUM_TASKS, "available_num_tasks", 4)                                                         \
    X(NUM_TASKS_NEXT, "num_tasks_next", 4)                                                                   \
    X(WORD_NEXT, "word_next", 4)                                                                             \
    X(BUCKET_WORD, "bucket_word", 64)                                                                        \
    X(WORD_NAME, "word_name", 64)                                                                            \
    X(NAME_PIN, "name_pin", 64)                                                                              \
    X(PIN_WORD, "pin_word", 64)                                                                              \
    X(WORD_CHECKED, "word_checked", 64)                                                                      \
    X(CHECKED_CHECKED, "checked_checked", 64)                                                                \
    X(NAME_WORD_STORED, "name_word_stored", 4)                                                               \
    X(TURNS_WORD_STORED, "turns_word_stored", 4)                                                             \
    X(CHECKED_WORD_STORED, "checked_word_stored", 4)                                                         \
    X(REPLY_PIN, "reply_pin", 2)                                                                             \
    X(PIN_CLOSED_STORED, "pin_closed_stored", 2)                                                             \
    X(CLOSED_PINS, "closed_pins", 4)                                                                         \
    X(PINS_PINS, "pins_pins", 32)                                                                            \
    X(USED_PINS, "used_pins", 64)                                                                            \
    X(POSTED_CLOSED, "posted_closed", 8)                                                                     \
    X(REQUEST_CLOSED, "request_closed", 2)                                                                   \
    X(DOORBELL_WORK, "doorbell_work", 16)                                                                    \
    X(STOP_ABANDON, "stop_abandon", 16)

typedef enum bp__nap {
#define X(id, name, one_in) BP__NAP_##id,
    BP__NAP_MAP(X)
#undef X
        BP__NUM_NAPS
} bp__nap;

#ifdef BP_FAULTS

/** Whether a fault is switched on in this process. */
bool bp__fault_is_on(bp__fault fault);

/** Whether a fault is to happen here and now: one that happens once does so in the first call only. */
bool bp__fault_takes_place(bp__fault fault);

extern bool bp__naps_are_on; /**< set before main() */

void bp__nap_now(bp__nap nap);

/** Pass a nap. Switched off, it costs a branch that is never taken: even the hit path can have some. */
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

static inline bool bp__fault_takes_place(bp__fault fault)
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
