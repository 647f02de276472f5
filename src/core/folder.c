#include "core/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int bp__folder_hold(void)
{
    return open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

bp_status bp__folder_return(int folder)
{
    if (folder < 0) return BP_OK;
    const bool there = fchdir(folder) == 0;
    const int err = errno;
    close(folder);
    if (there) return BP_OK;
    BP_FAIL_ERRNO(BP_ESYS, err, "a strategy has left the working directory, and there is no way back");
}
