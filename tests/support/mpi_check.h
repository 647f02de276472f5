/** @file tests/support/mpi_check.h
 * Checks for programs that run on several ranks: a failed check prints where, and the program goes on; the
 * ranks agree on the outcome at the end. Collective calls stay matched, so that a failure is a report and not
 * a hang.
 */
#ifndef BP_TESTS_MPI_CHECK_H
#define BP_TESTS_MPI_CHECK_H

#include <stdbool.h>

#include <mpi.h>

extern int check_rank, check_size;

/** MPI_Init_thread(MULTIPLE); prints the name of the program once. */
void check_init(int *argc, char ***argv);

/** Whether no check has failed on any rank so far. Collective. */
bool check_all_well(void);

/** Print the sum, finalize MPI, return 0 if no check has failed on any rank. */
int check_finish(void);

bool check_that(bool ok, const char *what, const char *file, int line);
#define CHECK(cond) check_that((cond), #cond, __FILE__, __LINE__)

/** A check of a bp_status; prints the error's text. */
bool check_status(int got, int want, const char *what, const char *file, int line);
#define CHECK_STATUS(expr, want) check_status((int)(expr), (int)(want), #expr, __FILE__, __LINE__)
#define CHECK_OK(expr)           CHECK_STATUS(expr, BP_OK)

/** Print the name of a case (rank 0) after a barrier. */
void check_case(const char *name);

#endif
