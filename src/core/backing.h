/** @file src/core/backing.h
 * What lies behind shared memory (a file in a folder, a System V segment, or nothing that has a name), and a
 * trial of it before anything is asked for.
 *
 * An MPI library makes the memory of a window in one process, and the others attach to it. If one of them
 * cannot, the rest wait for it for ever. So what a window will need is tried first, in the library's own way but
 * with means of ours, where a failure has a text and leaves nobody behind: the limits of each process, the
 * folder, its inodes, its space, and that all processes of a node see one and the same folder.
 *
 *  1. The first process of a node makes the memory:     bp__trial_make()
 *  2. The others are told its name, and attach to it:   bp__trial_join()
 *  3. Each gives up its part, the first one only when all have joined:  bp__trial_end()
 *
 * bp__backing_try() is 1 and 3, for one process alone. A trial claims no more than 1 MiB, and leaves nothing.
 * Not collective; any thread.
 */
#ifndef BP_CORE_BACKING_H
#define BP_CORE_BACKING_H

#include <bundlepool/config.h>

#include "core/status.h"

/** What an MPI library may add to a window for itself. */
#define BP__BACKING_EXTRA (UINT64_C(1) << 20)

typedef enum bp__backing_kind {
    BP__BACKING_FILE,      /**< in `folder` */
    BP__BACKING_SYSV,      /**< a System V segment */
    BP__BACKING_ANONYMOUS, /**< one process: a mapping without a name */
} bp__backing_kind;

typedef struct bp__backing {
    bp__backing_kind kind;
    char folder[BP_PATH_MAX]; /**< BP__BACKING_FILE */
    char setting[64];         /**< environment variable that names another folder; "": there is none */
} bp__backing;

/** By what the processes of a node find a trial that one of them has made. */
typedef struct bp__trial_name {
    char path[BP_PATH_MAX + 32];
    uint64_t device, inode;
    int segment;
} bp__trial_name;

/** One process's part in a trial; a zeroed one has ended. */
typedef struct bp__trial {
    bp__backing_kind kind;
    bp__trial_name name;
    bool made; /**< this process has made the file or the segment, and removes it */
    uint64_t bytes;
    void *first, *second; /**< mappings: windows are mapped twice */
} bp__trial;

/** Where a library puts shared memory that says nothing about it: /dev/shm, or else /tmp. */
void bp__backing_default(bp__backing *backing);

/** Make memory for a window of `bytes`, and BP__BACKING_EXTRA with it. On failure nothing is left.
 *  @retval BP_ENOMEM, BP_ESYS  it cannot be had; the text names the folder or the limit, and says what to do */
bp_status bp__trial_make(const bp__backing *backing, uint64_t bytes, bp__trial *trial);

/** Attach to what another process of this node has made. On failure nothing is left. @retval as above */
bp_status bp__trial_join(const bp__backing *backing, const bp__trial_name *name, uint64_t bytes,
                         bp__trial *trial);

/** A zeroed trial is allowed. */
void bp__trial_end(bp__trial *trial);

/** Whether this process, alone, could have a window of `bytes`. @retval as of bp__trial_make() */
bp_status bp__backing_try(const bp__backing *backing, uint64_t bytes);

/** Bytes of a window that the address space of this process has room for, mapped twice; UINT64_MAX: no limit. */
uint64_t bp__backing_space_left(void);

/** How long a window may be by this process's limit on files, less BP__BACKING_EXTRA; UINT64_MAX: no limit. */
uint64_t bp__backing_file_left(const bp__backing *backing);

/** In words, for messages: the folder, or what there is instead of one. */
const char *bp__backing_name(const bp__backing *backing);

#endif
