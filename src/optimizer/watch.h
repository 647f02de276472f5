/** @file src/optimizer/watch.h
 * A program that examines a job whose network may be dead ends all the same: steps that others take part in
 * are given a time, and when it is over this process tells where it was, and ends.
 *
 * One watch in a process; its functions are for the thread that began it.
 */
#ifndef BP_OPTIMIZER_WATCH_H
#define BP_OPTIMIZER_WATCH_H

#include <stdint.h>

#include "core/status.h"
#include "doctor/doctor.h"

/** Begin to watch. Without a thread for it the job is not watched.
 *  @param[in] tells  whether this process says what was found until then; the others leave it some time to
 *  @param[in] json   how */
void bp__watch_begin(bool tells, bool json);

/** The next step begins.
 *  @param[in] step    what it is, in words: "no answer within N ms: STEP"; static
 *  @param[in] ms      that it may take
 *  @param[in] so_far  what is known: copied, but for the remarks, which must last; NULL: as before */
void bp__watch_step(const char *step, int64_t ms, const bp__diagnosis *so_far);

/** All has been told: if the end of MPI takes longer than `ms`, the process ends with `code`. */
void bp__watch_last(int64_t ms, int code);

void bp__watch_end(void);

#endif
