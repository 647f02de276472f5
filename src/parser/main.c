/* bundle-parser: looks into bundle files for a process that had better not do so itself. Started by the library. */
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/version.h"
#include "parser/answer.h"

static const char help[] =
    "Usage: bundle-parser [--help | --version [--json]]\n"
    "\n"
    "Looks into bundle files on behalf of libbundlepool, which starts it and ends it; it is of no use by hand.\n"
    "What a damaged or hostile file does to HDF5 happens in this program, confined: it opens no file, writes none,\n"
    "reaches no network, and has limits of time and memory.\n"
    "\n"
    "BUNDLEPOOL_PARSER=inline parses in the calling process instead; any other value is the path of a parser.\n";

static bool is_started_by_library(void)
{
    int type = 0;
    socklen_t size = sizeof type;
    return getsockopt(BP__PARSER_SOCKET, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

int main(int argc, char **argv)
{
    const char *option = argc > 1 ? argv[1] : "";
    if (argc == 1 && is_started_by_library()) {
        (void)prctl(PR_SET_NAME, "bundle-parser"); /* it was started by a descriptor's number */
        _exit(bp__serve(
            bp__answer_about_h5)); /* there is nothing to flush: no library's end holds this one up */
    }
    if (strcmp(option, "--help") == 0 && argc == 2) return fputs(help, stdout) < 0 || fflush(stdout) != 0;
    if (strcmp(option, "--version") == 0 && argc == 2)
        return printf("bundle-parser %s\n", bp_version_string()) < 0 || fflush(stdout) != 0;
    if (strcmp(option, "--version") == 0 && argc == 3 && strcmp(argv[2], "--json") == 0) {
        bp__print_build_info(stdout, "bundle-parser");
        return fflush(stdout) != 0 || ferror(stdout);
    }
    fputs(help, stderr);
    return 2;
}
