/** @file src/search/trading.h
 * What the text of a search says of what is traded and of the account, read back: range, symbols, cash, costs, orders.
 */
#ifndef BP_SEARCH_TRADING_H
#define BP_SEARCH_TRADING_H

#include "search/spec.h"

/** Read a line.
 *  @param[out] known  whether it is of this kind
 *  @return false: it is none, its value cannot be, or there is no memory for it */
bool bp__trading_read(const char *line, bp__spec *spec, bool *known);

#endif
