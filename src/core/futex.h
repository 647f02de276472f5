/** @file src/core/futex.h
 * Sleeping on a word in shared memory. Not private: the word may be in memory of several processes,
 * mapped read-only in the one that sleeps.
 */
#ifndef BP_CORE_FUTEX_H
#define BP_CORE_FUTEX_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/** Sleep while *word == expected, until woken or `deadline` (CLOCK_MONOTONIC; NULL: for ever) has passed.
 *  Wakes early for any reason: the caller looks again. @return false if the deadline has passed */
bool bp__futex_wait(const _Atomic uint32_t *word, uint32_t expected, const struct timespec *deadline);

/** Wake `most` of those who sleep on the word. */
void bp__futex_wake_some(const _Atomic uint32_t *word, uint32_t most);

/** Wake all who sleep on the word. */
void bp__futex_wake(const _Atomic uint32_t *word);

#endif
