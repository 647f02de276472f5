/** @file python/core/mpi.h
 * MPI as the extension meets it: started by nobody yet, by mpi4py or by us, ended by whoever started it.
 */
#ifndef BP_PYTHON_MPI_H
#define BP_PYTHON_MPI_H

#include "python/core/core.h"

#include <mpi.h>

#include <bundlepool/pool.h>

/** Make sure that MPI runs with MPI_THREAD_MULTIPLE: initialise it if nobody has, and then finalise it at the
 *  interpreter's end.
 *
 * Collective over all ranks of the job if it is not initialised yet: waits for them as bp__py_meet() does.
 * @param[in] hooks  see bp__py_interrupted()
 * @return -1 and MPIError, PoolTimeout or Forked, or what a signal has raised */
int bp__py_mpi_start(PyObject *hooks);

/** An intracommunicator from an mpi4py communicator, or MPI_COMM_WORLD from None, after bp__py_mpi_start().
 *  @return -1 and TypeError, ImportError (mpi4py uses another MPI library), InvalidArgument or MPIError */
int bp__py_mpi_comm(PyObject *object, PyObject *hooks, MPI_Comm *comm);

/** Around what must not be under way while MPI_Finalize destroys the pools. Any thread, with or without the
 * GIL.
 *  @return false: MPI has been finalised, or will be right now; then there is nothing to leave */
bool bp__py_mpi_enter(void);
void bp__py_mpi_leave(void);

/** After a pool has been created: let MPI_Finalize wait for those that have entered.
 *  @param[in] end_pools  called when Python has ended, before anybody finalises MPI; returns false where MPI_Finalize may
 *                        wait for ever
 *  @return -1 and MPIError */
int bp__py_mpi_watch(bool (*end_pools)(void));

/* Meeting: meet.c ---------------------------------------------------------------------------------- */

/** What all ranks of a communicator do together, and what cannot be ended once it has begun. */
typedef enum bp__py_collective { BP__PY_CREATE, BP__PY_SEARCH } bp__py_collective;

typedef struct bp__py_meeting bp__py_meeting;

/** Wait until all ranks of a communicator have come here to do the same. The time, bp__py_patience(), begins anew with
 * each that comes; signals end the wait. A rank that comes after another has left is refused as well. So is, where
 * there are others, what they could not come to: from inside a search, and in a thread while another is between
 * bp__py_meet() and bp__py_part() with this communicator.
 *
 * @param[in] hooks  see bp__py_interrupted()
 * @param[out] met   bp__py_part() when it is done; NULL: there is no other rank
 * @return -1 and PoolTimeout, which names who has not come, InvalidArgument (the ranks do not do the same), RuntimeError
 *         (from where it is called), MPIError, or what a signal has raised */
int bp__py_meet(bp__py_collective call, MPI_Comm comm, PyObject *hooks, bp__py_meeting **met);

/** It is done. Any thread, with or without the GIL. */
void bp__py_part(bp__py_meeting *met);

/** Around a search, in the thread that calls the strategy; in pairs. */
void bp__py_search_begin(void);
void bp__py_search_end(void);

/** Whether this thread is in a search: called by a strategy, a condition or a hook. */
bool bp__py_in_search(void);

/** How long a rank waits for the next one: what bundlepool.pool.patience() says. @return -1 and InvalidArgument */
int bp__py_patience(int64_t *ms);

/** Look for signals, while others are waited for.
 *  @param[in] hooks  borrowed: its waiting() raises what has come; NULL: the handlers of signals do
 *  @return -1 and what is to end the wait */
int bp__py_interrupted(PyObject *hooks);

/* Pools: pool.c ------------------------------------------------------------------------------------ */

/** The pool of a Pool object, for a call that is under way until bp__py_pool_leave(). @return NULL and an
 *  exception if it is none, closed, closing, or the parent's of this child */
bp_pool *bp__py_pool_enter(PyObject *pool);
void bp__py_pool_leave(PyObject *pool);

/* Configuration: config.c -------------------------------------------------------------------------- */

/** Defaults, the environment, and then keywords (a dict of fields, or NULL).
 *  @param[in] caller  "Pool", for errors. @return -1 and TypeError or InvalidArgument */
int bp__py_config_read(PyObject *keywords, const char *caller, bp_config *cfg);

/** A configuration as a dict. */
PyObject *bp__py_config_dict(const bp_config *cfg);

#endif
