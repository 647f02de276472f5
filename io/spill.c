#include "io/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/fault.h"
#include "core/replace.h"

static bp_status open_file(bp__spill *spill, const char *folder)
{
    if (!folder) {
        spill->fd = memfd_create("bundle", MFD_CLOEXEC);
        if (spill->fd < 0) BP_FAIL_ERRNO(BP_EIO, errno, "no memory file can be made");
        return BP_OK;
    }
    spill->fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (spill->fd >= 0) return BP_OK;
    char *path = NULL; /* not every file system has O_TMPFILE */
    if (asprintf(&path, "%s/.bundle-spill.XXXXXX", folder) < 0) BP_FAIL(BP_ENOMEM, "no memory for a draft");
    spill->fd = mkostemp(path, O_CLOEXEC);
    const int err = errno;
    if (spill->fd >= 0) unlink(path);
    free(path);
    if (spill->fd < 0) BP_FAIL_ERRNO(BP_EIO, err, "%s: no file can be made in this folder", folder);
    return BP_OK;
}

/* Where there is no such memory, the file takes all of it. */
static void map_memory(bp__spill *spill)
{
    if (bp__fault_is_on(BP__FAULT_NO_SPILL_MEMORY)) return;
    void *memory = mmap(NULL, BP__SPILL_MEMORY, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return;
    (void)madvise(memory, BP__SPILL_MEMORY,
                  MADV_HUGEPAGE); /* advice: pages are taken one by one without it */
    spill->memory = memory;
    spill->room = BP__SPILL_MEMORY;
}

bp_status bp__spill_init(bp__spill *spill, const char *folder)
{
    *spill = (bp__spill){.fd = -1, .label = strdup(folder ? folder : "memory")};
    const bp_status s =
        spill->label ? open_file(spill, folder) : bp__fail(BP_ENOMEM, "no memory for a draft");
    if (s == BP_OK)
        map_memory(spill);
    else
        bp__spill_fini(spill);
    return s;
}

void bp__spill_fini(bp__spill *spill)
{
    if (spill->fd >= 0) close(spill->fd);
    if (spill->memory) munmap(spill->memory, BP__SPILL_MEMORY);
    free(spill->label);
    *spill = (bp__spill){.fd = -1};
}

/* How many of the bytes are in memory. */
static size_t in_memory(const bp__spill *spill, size_t size, uint64_t at)
{
    if (at >= spill->room) return 0;
    return spill->room - at < size ? (size_t)(spill->room - at) : size;
}

bp_status bp__spill_write(const bp__spill *spill, const void *bytes, size_t size, uint64_t at)
{
    const char *from = bytes;
    const size_t first = in_memory(spill, size, at);
    if (first > 0) memcpy(spill->memory + at, from, first);
    for (size_t done = first; done < size;) {
        const ssize_t n = pwrite(spill->fd, from + done, size - done, (off_t)(at + done - spill->room));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0)
            return bp__replace_fail(spill->label, "the bars on their way into the bundle cannot be written",
                                    errno);
        done += (size_t)n;
    }
    return BP_OK;
}

bp_status bp__spill_read(const bp__spill *spill, void *bytes, size_t size, uint64_t at)
{
    char *to = bytes;
    const size_t first = in_memory(spill, size, at);
    if (first > 0) memcpy(to, spill->memory + at, first);
    for (size_t done = first; done < size;) {
        const ssize_t n = pread(spill->fd, to + done, size - done, (off_t)(at + done - spill->room));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) BP_FAIL_ERRNO(BP_EIO, errno, "%s: the spill cannot be read", spill->label);
        if (n == 0) BP_FAIL(BP_EIO, "%s: the spill is shorter than what was written", spill->label);
        done += (size_t)n;
    }
    return BP_OK;
}

const void *bp__spill_look(const bp__spill *spill, size_t size, uint64_t at)
{
    return size > 0 && in_memory(spill, size, at) == size ? spill->memory + at : NULL;
}
