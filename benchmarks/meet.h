/** @file benchmarks/meet.h
 * Ranks that start together and wait without taking processor time: a barrier in shared memory, on which they
 * sleep. Included once, by the only file of a benchmark.
 *
 *     meet_init();                      all ranks, which are on one machine
 *     start = meet_start();  work();  seconds = meet_end() - start;
 *     meet_fini();
 *
 * Times are seconds of CLOCK_MONOTONIC, which all processes of a machine read alike.
 */
#ifndef BENCHMARKS_MEET_H
#define BENCHMARKS_MEET_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include <mpi.h>

#include "support.h"

#define MEET_DELAY 0.003 /* from the last arrival to the common start: everybody sleeps by then */

static struct meeting {
    pthread_barrier_t barrier;
    double start;          /* rank 0 writes, between two meetings */
    _Atomic uint64_t next; /* for whoever hands out work */
    double end[];          /* [rank] that rank writes */
} * meeting;
static MPI_Win meeting_window;
static int meeting_rank, meeting_size;

/* All ranks wait for each other. */
static void meet(void)
{
    int rc = pthread_barrier_wait(&meeting->barrier);
    if (rc != 0 && rc != PTHREAD_BARRIER_SERIAL_THREAD) bench_die("a barrier fails with error %d", rc);
}

static void meet_init(void)
{
    MPI_Comm machine;
    MPI_Aint bytes;
    int here, unit;
    void *base;
    MPI_Comm_rank(MPI_COMM_WORLD, &meeting_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &meeting_size);
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine);
    MPI_Comm_size(machine, &here);
    if (here != meeting_size) bench_die("all ranks must be on one machine: their clocks are compared");

    bytes = (MPI_Aint)(sizeof *meeting + (size_t)here * sizeof *meeting->end);
    MPI_Win_allocate_shared(meeting_rank == 0 ? bytes : 0, 1, MPI_INFO_NULL, machine, &base, &meeting_window);
    MPI_Win_shared_query(meeting_window, 0, &bytes, &unit, &base);
    MPI_Comm_free(&machine);
    meeting = base;
    if (meeting_rank == 0) {
        pthread_barrierattr_t shared;
        if (pthread_barrierattr_init(&shared) != 0 ||
            pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED) != 0 ||
            pthread_barrier_init(&meeting->barrier, &shared, (unsigned)here) != 0)
            bench_die("no barrier in shared memory");
        pthread_barrierattr_destroy(&shared);
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

static void meet_fini(void)
{
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Win_free(&meeting_window);
}

/* All ranks return at the same moment, which is the result. */
static double meet_start(void)
{
    meet();
    if (meeting_rank == 0) {
        meeting->start = bench_seconds() + MEET_DELAY;
        atomic_store_explicit(&meeting->next, 0, memory_order_relaxed); /* ordered by the barrier */
    }
    meet();
    double start = meeting->start;
    struct timespec at = {.tv_sec = (time_t)start, .tv_nsec = (long)((start - (double)(time_t)start) * 1e9)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0) continue;
    return start;
}

/* When the last rank called this; the same on all. */
static double meet_end(void)
{
    double last = meeting->end[meeting_rank] = bench_seconds();
    meet();
    for (int i = 0; i < meeting_size; i++)
        if (meeting->end[i] > last) last = meeting->end[i];
    return last;
}

#endif
