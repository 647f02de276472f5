/** @file mpi/load.h
 * The part of a load that may block, in four phases, each a job for a worker thread:
 *
 *     PLAN    wait until the file has settled, open it, plan
 *     FILL    read chunks into the stage, and decode them into the extent together with ranks that wait
 *     VERIFY  check that the file is still the same
 *     CHECK   only find out a file's identity
 *
 * Between the phases a load belongs to the coordinator; during one it belongs to the worker, which hands it
 * back through the list `done`.
 *
 * At most BP__MOST_LOADS loads are under way, and at most as many CHECKs: the others queue, first come, first
 * served. However many bundles are wanted at once, a process needs a few descriptors and threads for them.
 *
 * A file system may answer late, or never. A phase that has taken longer than load_timeout_ms is overdue: nobody waits
 * for it any more (each get has given up by itself), it gives its turn to the next one, and a pool that is to end does
 * not wait for it either. Its thread, its slot and its memory are its own until it returns.
 */
#ifndef BP_MPI_LOAD_H
#define BP_MPI_LOAD_H

#include <bundlepool/config.h>

#include "core/directory.h"
#include "core/loader.h"
#include "core/workers.h"
#include "mpi/message.h"
#include "mpi/stream.h"
#include "mpi/window.h"

typedef enum bp__phase { BP__PHASE_PLAN, BP__PHASE_FILL, BP__PHASE_VERIFY, BP__PHASE_CHECK } bp__phase;

typedef struct bp__load bp__load;

#define BP__MOST_LOADS 32

/** Loads that wait for their turn, and how many have it. The service thread's. */
typedef struct bp__turnstile {
    int inside;
    bp__load *first, *last;
} bp__turnstile;

/** What all loads of a pool share. `done` and its lock are the only part that several threads touch. */
typedef struct bp__loads {
    const bp__loader *loader;
    bp__workers *workers;
    bp__directory *dir; /**< of rank 0's node */
    bp__window *arena;
    bp__streams *streams; /**< to the other nodes; NULL: there are none */
    const char *root;
    int64_t timeout_ms;         /**< after which a phase is overdue */
    bp__load *running;          /**< with a phase that runs; the service thread's */
    _Atomic uint32_t *doorbell; /**< rung when a phase is done */
    pthread_mutex_t lock;
    bp__load *done; /**< newest first */
    bp__turnstile plans, checks;
} bp__loads;

struct bp__load {
    bp__job job;
    bp__loads *shared;
    bp__load *next;    /**< queued, or done */
    bp__load *running; /**< the next one whose phase runs */
    uint64_t begun_ns; /**< when the phase did */
    bp__phase phase;
    bool inside; /**< has its turn, until it is destroyed or overdue; see bp__turnstile */
    char name[BP_NAME_MAX + 1];
    char path[BP_PATH_MAX + BP_NAME_MAX + 8]; /**< from PLAN on */
    uint32_t slot;
    uint64_t generation;
    bp__extent extent;  /**< FILL: reserved by the coordinator */
    bp__extent stage;   /**< FILL: reserved, too; empty: there was no memory for it */
    bool stored;        /**< FILL: the stage travels, not the image */
    uint64_t fill_ns;   /**< FILL: when it began */
    bp__stream *stream; /**< FILL: to the other nodes, or NULL */
    uint64_t check;     /**< CHECK: its number */
    int32_t node;       /**< CHECK: who asked for it */
    uint64_t started_ns;
    bool repeated;       /**< it takes the place of one whose bytes were damaged on their way */
    bp_status vote_code; /**< FILL: how the other nodes voted */
    bool vote_damaged;
    char vote_text[BP_ERROR_TEXT_MAX];
    /* results */
    bp_status code;
    char text[BP_ERROR_TEXT_MAX];
    bp__identity identity; /**< PLAN, CHECK: what was found */
    uint64_t image_bytes;  /**< PLAN */
    uint64_t checked;      /**< VERIFY: ticks just before the file was checked */
    bp__source *source;
};

/** @param[out] load  owned by the coordinator: bp__load_destroy(), never while a phase runs */
bp_status bp__load_create(bp__loads *shared, const char *name, bp__load **load);
void bp__load_destroy(bp__load **load);

/** Start a phase, or queue the load for it. If no thread can be had, the phase fails at once and is handed back as any
 *  other. */
void bp__load_start(bp__load *load, bp__phase phase);

/** Take every load whose phase is done, oldest first, and let those that queue have their turn. */
bp__load *bp__loads_take(bp__loads *shared);

/** The load whose phase runs for the longest time, if that is overdue; NULL: none is. Borrowed until the next call. */
const bp__load *bp__loads_overdue(const bp__loads *shared);

/** The pool is shutting down: what queues now is handed back as failed. */
void bp__loads_stop(bp__loads *shared);

#endif
