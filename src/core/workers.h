/** @file src/core/workers.h
 * Threads for what may block: opening files, planning, decoding, checking identities.
 *
 * A job does not wait behind a slow one: it goes to an idle thread or to a new one, and is queued only if no
 * new one can be started. So whoever submits jobs bounds their number. A thread that has been idle for
 * BP__IDLE_MS ends. Threads block all signals and run on the CPUs that the creator names, not on those it happens
 * to be bound to.
 */
#ifndef BP_CORE_WORKERS_H
#define BP_CORE_WORKERS_H

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/status.h"

#define BP__IDLE_MS 500

typedef struct bp__workers bp__workers;

/** @param[in]  cpus     where the threads may run; copied; NULL: as the creator
 *  @param[out] workers  owned: bp__workers_destroy() */
bp_status bp__workers_create(const cpu_set_t *cpus, bp__workers **workers);

/** Wait for every job, then end every thread. */
void bp__workers_destroy(bp__workers **workers);

/** The same, but wait for `ms` at most: threads that have not ended by then are cancelled. One that is stuck in a read ends
 *  when that returns, before it touches memory of its job, and until then `workers` and whatever its job uses have
 *  to stay.
 *  @return whether every thread has ended; then `workers` is destroyed and NULL */
bool bp__workers_leave(bp__workers **workers, int64_t ms);

typedef struct bp__job {
    void (*run)(struct bp__job *job);
    struct bp__job *next; /**< belongs to the workers while the job is queued */
} bp__job;

/** Run job->run(job) on a thread. `job` is borrowed until run() has returned. Threads: any.
 *  @retval BP_ESYS  no thread could be started and none is there; the job was not taken */
bp_status bp__workers_submit(bp__workers *workers, bp__job *job);

/** Start a thread that blocks all signals and runs on `cpus`: a worker, or a service thread. */
bp_status bp__thread_start(const cpu_set_t *cpus, void *(*run)(void *), void *arg, const char *name,
                           pthread_t *thread);

#endif
