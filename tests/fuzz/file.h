/** @file tests/fuzz/file.h
 * An input as a file, for code that takes a path: in memory, and written anew for each input.
 */
#ifndef TESTS_FUZZ_FILE_H
#define TESTS_FUZZ_FILE_H

#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

/** @return path of a regular file that holds these bytes: static, good until the next call. Nothing can be made beside it,
 *          no lock either */
static inline const char *fuzz_file(const void *bytes, size_t size)
{
    static int fd = -1;
    static char path[40];
    if (fd < 0) {
        fd = memfd_create("input", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    FUZZ_HOLDS(fd >= 0 && ftruncate(fd, 0) == 0);
    FUZZ_HOLDS(pwrite(fd, bytes, size, 0) == (ssize_t)size);
    return path;
}

#endif
