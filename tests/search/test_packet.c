/* Results on their way between ranks: what is packed comes out again, behind others as well, and what was cut is none. */
#include "core/suite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "search/packet.h"

/* Number i of a sequence: done, with all lengths of values; failed, with all lengths of texts. */
static bp__result make(unsigned i)
{
    bp__result r = {.task = UINT64_C(1) << (i % 60), .changed = i % 3};
    if (i % 2 == 0) {
        r.num_values = i / 2 % (unsigned)(BP__NUM_METRICS + 1);
        for (unsigned k = 0; k < r.num_values; k++) r.value[k] = k % 5 == 4 ? NAN : i / (k + 1.0);
        return r;
    }
    r.status = BP_EINVAL;
    const size_t length = i % 4 == 1 ? BP__WHY_MAX - 1 - i % 7 : i * 13 % (BP__WHY_MAX - 1);
    for (size_t k = 0; k < length; k++) r.why[k] = (char)(k % 70 == 69 ? '\n' : 'a' + (char)(k % 26));
    return r;
}

static void expect(const bp__result *got, const bp__result *want)
{
    CU_ASSERT(got->task == want->task && got->status == want->status && got->changed == want->changed);
    CU_ASSERT_EQUAL_FATAL(got->num_values, want->num_values);
    CU_ASSERT(memcmp(got->value, want->value, sizeof got->value) == 0);
    CU_ASSERT_STRING_EQUAL(got->why, want->why);
}

static void test_round_trip(void)
{
    enum { COUNT = 200 };
    char *bytes = malloc(COUNT * BP__PACKET_MAX);
    size_t size = 0, at = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
    for (unsigned i = 0; i < COUNT; i++) {
        const bp__result r = make(i);
        const size_t n = bp__result_pack(&r, bytes + size);
        CU_ASSERT(n > 0 && n <= BP__PACKET_MAX);
        size += n;
    }
    for (unsigned i = 0; i < COUNT; i++) {
        const bp__result want = make(i);
        bp__result got;
        const size_t n = bp__result_unpack(bytes + at, size - at, &got);
        CU_ASSERT_FATAL(n > 0);
        expect(&got, &want);
        at += n;
    }
    CU_ASSERT_EQUAL(at, size);
    free(bytes);
}

static void test_lengths(void)
{
    char bytes[BP__PACKET_MAX];
    bp__result r = {.task = 1, .num_values = 7};
    CU_ASSERT(bp__result_pack(&r, bytes) < 100); /* one that is done is short, whatever a text may be */
    r = make(1);
    CU_ASSERT(bp__result_pack(&r, bytes) > 1900);
}

static void test_cut(void)
{
    char bytes[BP__PACKET_MAX];
    for (unsigned i = 0; i < 4; i++) {
        const bp__result r = make(10 + i);
        bp__result got;
        const size_t size = bp__result_pack(&r, bytes);
        for (size_t n = 0; n < size; n++) CU_ASSERT_EQUAL(bp__result_unpack(bytes, n, &got), 0);
    }
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"round trip", test_round_trip},
        {"lengths", test_lengths},
        {"cut", test_cut},
        CU_TEST_INFO_NULL,
    };
    return suite_main("packets", tests);
}
