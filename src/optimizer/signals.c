#include "optimizer/signals.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/clock.h"

/* written by the handler only, in whichever thread it runs; the time before the signal */
static _Atomic uint64_t seen_ns;
static volatile sig_atomic_t seen;

static const int caught[] = {SIGUSR1, SIGTERM, SIGINT};
#define NUM_CAUGHT (sizeof caught / sizeof *caught)
static struct sigaction before[NUM_CAUGHT];
static bool catches;

static void handle(int signal)
{
    if (seen != 0 && seen != SIGUSR1) return;
    if (signal != seen) atomic_store_explicit(&seen_ns, bp__clock_ns(), memory_order_release);
    seen = signal;
}

void bp__signals_catch(void)
{
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    seen = 0;
    atomic_store_explicit(&seen_ns, 0, memory_order_release);
    /* none of these can fail with valid signals */
    for (size_t i = 0; i < NUM_CAUGHT; i++) sigaction(caught[i], NULL, &before[i]);
    catches = true;
    sigemptyset(&action.sa_mask);
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    action.sa_flags |= (int)SA_RESETHAND;
    sigaction(SIGINT, &action, NULL);
}

void bp__signals_release(void)
{
    for (size_t i = 0; catches && i < NUM_CAUGHT; i++) sigaction(caught[i], &before[i], NULL);
    catches = false;
}

int bp__signal_seen(uint64_t *since_ns)
{
    const int signal = seen;
    *since_ns = atomic_load_explicit(&seen_ns, memory_order_acquire);
    return signal;
}
