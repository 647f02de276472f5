/** @file mpi/survey.h
 * What the MPI library tells of itself: for people who have to find out why it is slow, or fails.
 *
 * Not collective. MPI runs.
 */
#ifndef BP_MPI_SURVEY_H
#define BP_MPI_SURVEY_H

#include <stdbool.h>
#include <stddef.h>

/** Name and release, such as "Open MPI v4.1.4". */
void bp__survey_library(char *text, size_t size);

/** Name of a level of threads, such as "MPI_THREAD_MULTIPLE". Static. */
const char *bp__survey_level(int level);

/** What carries its messages, such as "ob1 over vader, tcp, self". Open MPI tells by which of its components
 *  have variables: those that were not chosen have none any more.
 *  @param[out] only_tcp  between machines it is TCP
 *  @return false: this library does not tell */
bool bp__survey_transport(char *text, size_t size, bool *only_tcp);

#endif
