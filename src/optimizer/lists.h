/** @file src/optimizer/lists.h
 * What there is to choose from, on stdout.
 */
#ifndef BP_OPTIMIZER_LISTS_H
#define BP_OPTIMIZER_LISTS_H

#include "optimizer/options.h"

/** Each strategy that the options ask about, what it does, and what it takes. */
void bp__print_strategies(const bp__options *options);

/** Each metric, and what it is. */
void bp__print_metrics(bool json);

#endif
