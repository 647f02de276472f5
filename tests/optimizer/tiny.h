/** @file tests/optimizer/tiny.h
 * A provider of strategies that are neither built in nor shared objects, as another language would be one: files *.tiny,
 * whose lines are the pieces that their strategies are made of.
 *
 * A file has the strategies `hold` (weights by answer, parameters n, share), `Loud` (fails for every n that 3 divides, with
 * much to say), `crash` (aborts at n = 5) and `peek` (weights that know the last session).
 */
#ifndef BP_TESTS_TINY_H
#define BP_TESTS_TINY_H

#include "optimizer/provider.h"

extern const bp__provider tiny;

/** How many have been opened and not been closed. */
extern int tiny_open;

#endif
