/* A file whose function does what ODD says: 1 is not there, 2 refuses the host, 3 is of another interface, 4 sets the
 * processor to take denormal numbers for 0 while it is loaded, as -ffast-math does, 5 lacks a symbol. */
#include <bundlepool/strategy.h>

static void never(void *context, bp_view *view, const double *params)
{
    (void)context, (void)view, (void)params;
}

static const bp_strategy odd = {.size = sizeof odd, .name = "odd", .help = "never orders", .decide = never};

#if ODD == 2
const bp_module *bp_strategy_module(const bp_host *host)
{
    (void)host;
    return NULL;
}
#elif ODD == 3
const bp_module *bp_strategy_module(const bp_host *host)
{
    static const bp_strategy *const list[] = {&odd};
    static const bp_module module = {BP_STRATEGY_ABI + 1, 1, list};
    (void)host;
    return &module;
}
#elif ODD != 1
BP_STRATEGY_MODULE(&odd)
#endif

#if ODD == 1
const void *unused = &odd;
#elif ODD == 4 && defined(__x86_64__)
#include <xmmintrin.h>
__attribute__((constructor)) static void flush_denormals(void)
{
    _mm_setcsr(_mm_getcsr() | 0x8040);
}
#elif ODD == 5
int there_is_no_such_function(void);
__attribute__((constructor)) static void call(void)
{
    there_is_no_such_function();
}
#endif
