/** @file mpi/segments.h
 * Private memory that bulk data leaves from and arrives in.
 *
 * A network card moves bytes by itself, between pages that were registered with it. That takes long, so MPI
 * libraries remember what is registered, by its address. Shared memory that is mapped twice does not get on
 * with that: a read-only mapping cannot be registered everywhere, and pages that are given back through one
 * mapping stay registered under the address of the other, so that old bytes travel. Segments are what such a
 * memory of registrations is made for: an address has the same pages as long as there is an MPI call that
 * could name it. They are mapped when they are first needed, used again and again, and unmapped when the pool
 * is destroyed. They are withheld from children, too: after a fork, this process would write to copies of its
 * pages, and the card would go on reading the pages.
 *
 * Used by the service thread.
 */
#ifndef BP_MPI_SEGMENTS_H
#define BP_MPI_SEGMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/status.h"

typedef struct bp__segments bp__segments;

/** @param[in]  bytes     of each
 *  @param[out] segments  owned: bp__segments_destroy() @retval BP_ENOMEM */
bp_status bp__segments_create(size_t bytes, bp__segments **segments);

/** @param[in] in_use  MPI may still use some: all stay mapped until the process ends; false: all are unmapped
 */
void bp__segments_destroy(bp__segments **segments, bool in_use);

/** @param[out] segment  borrowed until bp__segments_release(); page-aligned; whatever was in it last
 *  @retval BP_ENOMEM */
bp_status bp__segments_get(bp__segments *segments, char **segment);

/** The one that was released last is the next to be used: the caches still have it. */
void bp__segments_release(bp__segments *segments, char *segment);

#endif
