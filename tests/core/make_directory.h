/** @file tests/core/make_directory.h
 * A control window in private memory, and names that meet in one bucket of it.
 */
#ifndef TESTS_CORE_MAKE_DIRECTORY_H
#define TESTS_CORE_MAKE_DIRECTORY_H

#include <stdio.h>
#include <stdlib.h>

#include "core/directory.h"
#include "tests/core/suite.h"

#define PAGE 4096u

/** Zeroed memory of a window, attached and set up. @return owned: free() */
static inline void *make_directory(bp__directory *dir, uint32_t num_slots, uint32_t num_ranks)
{
    size_t bytes = bp__dir_bytes(num_slots, num_ranks, PAGE);
    void *memory = aligned_alloc(PAGE, bytes);
    CU_ASSERT_PTR_NOT_NULL_FATAL(memory);
    memset(memory, 0, bytes);
    bp__dir_attach(dir, memory, num_slots, num_ranks, PAGE);
    bp__dir_init(dir, 1000);
    return memory;
}

/** Fill in `n` names; all but the last share a bucket. */
static inline void make_names(const bp__directory *dir, char (*name)[16], bp__key *key, size_t n)
{
    size_t found = 0;
    for (unsigned i = 0; found < n; i++) {
        bp__key k;
        snprintf(name[found], sizeof *name, "bundle-%u", i);
        CU_ASSERT_FATAL(bp__key_from(name[found], &k));
        bool same = found > 0 && ((k.hash ^ key[0].hash) & dir->bucket_mask) == 0;
        if (found == 0 || same == (found < n - 1)) key[found++] = k;
    }
}

#endif
