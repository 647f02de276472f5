#include "search/packet.h"

#include <string.h>

/* The values follow, then the text of a failure. */
typedef struct head {
    uint64_t task;
    int64_t status;
    uint32_t changed, num_values;
    uint64_t why; /* bytes of the text */
} head;
_Static_assert(sizeof(head) <= 40, "a packet has room for its head");

size_t bp__result_pack(const bp__result *r, char *bytes)
{
    const head h = {.task = r->task,
                    .status = r->status,
                    .changed = r->changed,
                    .num_values = r->num_values,
                    .why = r->status == BP_OK ? 0 : strnlen(r->why, sizeof r->why - 1)};
    const size_t values = h.num_values * sizeof *r->value;
    memcpy(bytes, &h, sizeof h);
    memcpy(bytes + sizeof h, r->value, values);
    memcpy(bytes + sizeof h + values, r->why, h.why);
    return sizeof h + values + h.why;
}

size_t bp__result_unpack(const char *bytes, size_t size, bp__result *r)
{
    head h;
    if (size < sizeof h) return 0;
    memcpy(&h, bytes, sizeof h);
    if (h.num_values > BP__NUM_METRICS || h.why >= sizeof r->why) return 0;
    const size_t values = h.num_values * sizeof *r->value;
    if (size - sizeof h < values + h.why) return 0;
    *r = (bp__result){.task = h.task, .status = h.status, .changed = h.changed, .num_values = h.num_values};
    memcpy(r->value, bytes + sizeof h, values);
    memcpy(r->why, bytes + sizeof h + values, h.why);
    return sizeof h + values + h.why;
}
