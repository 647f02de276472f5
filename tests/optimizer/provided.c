/* provided ARGS... : the optimizer with a provider (tiny.h), for test_provider.sh. With PROVIDED_MPI set MPI runs before and
 * afterwards, and the command line is done twice: the second time must end as the first one did. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <mpi.h>

#include "optimizer/optimizer.h"
#include "tests/optimizer/tiny.h"

#define ODD 99

static void ignore(int signal)
{
    (void)signal;
}

static int do_once(int argc, char **argv)
{
    char **copy = calloc((size_t)argc + 1, sizeof *copy);
    if (!copy) return ODD;
    for (int i = 0; i < argc; i++) copy[i] = argv[i];
    const int code = bp__optimizer_main(argc, copy, &tiny);
    free(copy);
    return code;
}

/* What the optimizer must leave as it was. @return whether it has */
static bool is_as_it_was(void)
{
    int runs = 0, over = 1;
    struct sigaction usr1, crash;
    MPI_Initialized(&runs);
    MPI_Finalized(&over);
    sigaction(SIGUSR1, NULL, &usr1);
    sigaction(SIGTRAP, NULL, &crash);
    return runs && !over && usr1.sa_handler == ignore && crash.sa_handler == ignore && tiny_open == 0;
}

int main(int argc, char **argv)
{
    int level;
    if (!getenv("PROVIDED_MPI")) {
        const int code = bp__optimizer_main(argc, argv, &tiny);
        return tiny_open == 0 ? code : ODD;
    }
    if (MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &level) != MPI_SUCCESS) return ODD;
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    signal(SIGUSR1, ignore);
    signal(SIGTRAP, ignore);
    int code = do_once(argc, argv);
    if (!is_as_it_was()) fprintf(stderr, "something is not as it was\n"), code = ODD;
    if (do_once(argc, argv) != code) fprintf(stderr, "the second time has another code\n"), code = ODD;
    if (!is_as_it_was()) fprintf(stderr, "something is not as it was\n"), code = ODD;
    MPI_Finalize();
    return code;
}
