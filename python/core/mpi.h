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
 * Collective over all ranks of the job if it is not initialised yet; a signal ends the wait for them.
 * @param[in] timeout_ms  for them to come; -1: any time
 * @return -1 and MPIError, PoolTimeout or Forked */
int bp__py_mpi_start(int64_t timeout_ms);

/** An intracommunicator from an mpi4py communicator, or MPI_COMM_WORLD from None, after bp__py_mpi_start(-1).
 *  @return -1 and TypeError, ImportError (mpi4py uses another MPI library), InvalidArgument or MPIError */
int bp__py_mpi_comm(PyObject *object, MPI_Comm *comm);

/** Around what must not be under way while MPI_Finalize destroys the pools. Any thread, with or without the
 * GIL.
 *  @return false: MPI has been finalised, or will be right now; then there is nothing to leave */
bool bp__py_mpi_enter(void);
void bp__py_mpi_leave(void);

/** After a pool has been created: let MPI_Finalize wait for those that have entered. @return -1 and MPIError
 */
int bp__py_mpi_watch(void);

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
