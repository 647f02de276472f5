/* Results as they travel between ranks: what is unpacked is what would be packed, and bytes that are none are refused. */
#include "fuzz.h"
#include "search/packet.h"

/* Several results, one behind the other. */
static void try_results(const char *text, size_t size)
{
    static bp__result r, again;
    static char packed[BP__PACKET_MAX];
    for (size_t at = 0, n; at < size && (n = bp__result_unpack(text + at, size - at, &r)) > 0; at += n) {
        FUZZ_HOLDS(n <= size - at && r.num_values <= BP__NUM_METRICS && strlen(r.why) < sizeof r.why);
        const size_t m = bp__result_pack(&r, packed);
        FUZZ_HOLDS(m <= sizeof packed && bp__result_unpack(packed, m, &again) == m);
        FUZZ_HOLDS(again.task == r.task && again.status == r.status && again.num_values == r.num_values);
        FUZZ_HOLDS(memcmp(again.value, r.value, r.num_values * sizeof *r.value) == 0);
        FUZZ_HOLDS(r.status == BP_OK || strcmp(r.why, again.why) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text = fuzz_copy(bytes, size);
    try_results(text, size);
    free(text);
    return 0;
}

size_t fuzz_seed(unsigned number, uint8_t *bytes)
{
    const bp__result good = {.task = 3, .status = BP_OK, .num_values = 2, .value = {1.5, 2}};
    const bp__result bad = {.task = 4, .status = BP_ENOMEM, .why = "no memory"};
    char packed[BP__PACKET_MAX];
    fuzz_pen pen = {bytes, 0};
    if (number > 1) return 0;
    if (number > 0) fuzz_put(&pen, packed, bp__result_pack(&good, packed));
    fuzz_put(&pen, packed, bp__result_pack(&bad, packed));
    return pen.size;
}
