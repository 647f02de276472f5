#include "core/descriptor.h"

#include <errno.h>
#include <sys/resource.h>

bool bp__no_descriptor(int err)
{
    return err == EMFILE || err == ENFILE;
}

bp_status bp__open_failed(const char *label, int err)
{
    struct rlimit limit = {0};
    if (err == ENFILE)
        BP_FAIL(BP_ESYS,
                "%s: cannot be opened: this system has as many files open as it may; raise fs.file-max",
                label);
    if (err != EMFILE) BP_FAIL_ERRNO(BP_EIO, err, "%s: cannot be opened", label);
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) BP_FAIL_ERRNO(BP_ESYS, err, "%s: cannot be opened", label);
    BP_FAIL(
        BP_ESYS,
        "%s: cannot be opened: this process has as many files open as it may, %llu; raise the limit (ulimit -n)",
        label, (unsigned long long)limit.rlim_cur);
}
