/** @file src/core/futex.h
 * Sleeping on a word in shared memory. Not process-private: several processes may share the word,
 * and the one that sleeps may have it mapped read-only.
 */
#ifndef BP_CORE_FUTEX_H
#define BP_CORE_FUTEX_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/** Sleep while *word == expected, until woken or `deadline` (CLOCK_MONOTONIC; NULL: for ever) has passed.
 *  May wake early for any reason: the caller checks again. @return false if the deadline has passed */
bool bp__futex_wait(const _Atomic uint32_t *word, uint32_t expected, const struct timespec *deadline);

/** Wake at most `most` of those who sleep on the word. */
void bp__futex_wake_some(const _Atomic uint32_t *word, uint32_t most);

/** Wake all who sleep on the word. */
void bp__futex_wake(const _Atomic uint32_t *word);

#endif
