#include "optimizer/signals.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t seen; /* written by the handler only, in whichever thread it runs */

static void handle(int signal)
{
    if (seen == 0 || seen == SIGUSR1) seen = signal;
}

void bp__signals_catch(void)
{
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask); /* none of these can fail with valid signals */
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    action.sa_flags |= (int)SA_RESETHAND;
    sigaction(SIGINT, &action, NULL);
    action = (struct sigaction){.sa_handler = SIG_IGN};
    sigaction(SIGXFSZ, &action, NULL);
}

int bp__signal_seen(void)
{
    return seen;
}
