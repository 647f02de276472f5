/** @file src/search/packet.h
 * Results as they travel between ranks: as long as what is in them, so that a failure may have a long text and the many
 * that are done stay short. Bytes are in this machine's order: a job's ranks have one.
 */
#ifndef BP_SEARCH_PACKET_H
#define BP_SEARCH_PACKET_H

#include "search/results.h"

/** Most bytes that a packed result takes up. */
#define BP__PACKET_MAX (40 + BP__NUM_METRICS * sizeof(double) + BP__WHY_MAX)

/** @param[out] bytes  [BP__PACKET_MAX] @return how many of them are used */
size_t bp__result_pack(const bp__result *result, char *bytes);

/** @param[in] size  bytes that there are, of this result and of others behind it
 *  @return how many were its; 0: what is there is none */
size_t bp__result_unpack(const char *bytes, size_t size, bp__result *result);

#endif
