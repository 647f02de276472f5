/** @file src/backtest/builtin.h
 * The strategies that come with the program. Each is a file of strategies/ that knows <bundlepool/strategy.h> and nothing
 * else of ours, as a plug-in does. To add one: such a file, which defines bp__builtin_NAME, and a name here.
 */
#ifndef BP_BACKTEST_BUILTIN_H
#define BP_BACKTEST_BUILTIN_H

#include <bundlepool/strategy.h>

#define BP__BUILTIN_MAP(X)                                                                                   \
    X(sma_cross)                                                                                             \
    X(momentum)                                                                                              \
    X(mean_reversion)                                                                                        \
    X(buy_and_hold)                                                                                          \
    X(rsi)                                                                                                   \
    X(inverse_volatility)                                                                                    \
    X(pairs)

#define X(name) extern const bp_strategy bp__builtin_##name;
BP__BUILTIN_MAP(X)
#undef X

#endif
