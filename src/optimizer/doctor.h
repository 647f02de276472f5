/** @file src/optimizer/doctor.h
 * `optimizer doctor`: what a pool would find on the machines of a job, and between them.
 */
#ifndef BP_OPTIMIZER_DOCTOR_H
#define BP_OPTIMIZER_DOCTOR_H

#include <mpi.h>

#include "optimizer/options.h"

/** Watch over the start of MPI, and what comes after it: whatever hangs, the process ends (see watch.h). */
void bp__doctor_begin(const bp__options *options);

/** Examine the job and tell. Collective over comm.
 *  @param[in] level  of threads that MPI runs with @return the exit code, the same on every rank */
int bp__run_doctor_job(const bp__options *options, MPI_Comm comm, int level);

/** When MPI has ended. */
void bp__doctor_end(void);

#endif
