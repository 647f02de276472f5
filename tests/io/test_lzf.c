/* The LZF decoder: streams made by hand, random ones beside a model of them, damaged ones, and noise. */
#include <CUnit/Basic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "io/hdf5/lzf.h"

#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

/* Input and output are in blocks of their exact size, so that AddressSanitizer sees every slip. */
static size_t decode(const uint8_t *in, size_t n, uint8_t *out, size_t room)
{
    uint8_t *from = malloc(n ? n : 1), *to = malloc(room ? room : 1);
    CU_ASSERT_FATAL(from && to);
    if (n) memcpy(from, in, n);
    size_t got = bp__lzf_decode(from, n, to, room);
    CU_ASSERT_FATAL(got <= room);
    if (out && got) memcpy(out, to, got);
    free(from);
    free(to);
    return got;
}

static void check(const uint8_t *stream, size_t n, const char *want)
{
    uint8_t out[64];
    size_t len = strlen(want);
    CU_ASSERT_EQUAL(decode(stream, n, out, sizeof out), len);
    CU_ASSERT(memcmp(out, want, len) == 0);
    CU_ASSERT_EQUAL(decode(stream, n, out, len), len);
    CU_ASSERT_EQUAL(decode(stream, n, NULL, len - 1), 0); /* no room */
}

static void test_streams(void)
{
    check(BYTES(0, 'a'), "a");
    check(BYTES(4, 'h', 'e', 'l', 'l', 'o'), "hello");
    check(BYTES(0, 'a', 1, 'b', 'c'), "abc");
    check(BYTES(2, 'a', 'b', 'c', 1 << 5, 2), "abcabc");      /* 3 bytes from 3 back */
    check(BYTES(1, 'a', 'b', 3 << 5, 1, 0, '!'), "abababa!"); /* 5 bytes from 2 back: overlaps itself */
    check(BYTES(0, 'x', 7 << 5, 5, 0), "xxxxxxxxxxxxxxx");    /* 14 bytes from 1 back */
}

static void test_damaged(void)
{
    CU_ASSERT_EQUAL(decode(NULL, 0, NULL, 10), 0);
    CU_ASSERT_EQUAL(decode(BYTES(5, 'a', 'b'), NULL, 100), 0);       /* literals missing */
    CU_ASSERT_EQUAL(decode(BYTES(1 << 5, 0), NULL, 100), 0);         /* nothing to copy */
    CU_ASSERT_EQUAL(decode(BYTES(0, 'a', 1 << 5, 1), NULL, 100), 0); /* from before the start */
    CU_ASSERT_EQUAL(decode(BYTES(0, 'a', 1 << 5), NULL, 100), 0);    /* no distance */
    CU_ASSERT_EQUAL(decode(BYTES(0, 'a', 7 << 5), NULL, 100), 0);    /* no length */
    CU_ASSERT_EQUAL(decode(BYTES(0, 'a', 7 << 5, 0), NULL, 100), 0); /* length, no distance */
    CU_ASSERT_EQUAL(decode(BYTES(0, 'a'), NULL, 0), 0);
}

static uint64_t seed = 42;

static uint32_t draw(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % below;
}

enum { MAX_PLAIN = 20000 };

/* Draw a stream of literals and copies, and what it stands for. */
static size_t make_stream(uint8_t *stream, uint8_t *plain, size_t *plain_size)
{
    size_t n = 0, len = 0, goal = 1 + draw(MAX_PLAIN - 300);
    while (len < goal) {
        if (len == 0 || draw(3) == 0) {
            size_t run = 1 + draw(32);
            stream[n++] = (uint8_t)(run - 1);
            for (size_t i = 0; i < run; i++) stream[n++] = plain[len++] = (uint8_t)draw(256);
            continue;
        }
        size_t count = draw(2) ? 3 + draw(6) : 9 + draw(256);
        size_t back = 1 + draw((uint32_t)(len < 8192 ? len : 8192));
        size_t l = count - 2 < 7 ? count - 2 : 7;
        stream[n++] = (uint8_t)(l << 5 | (back - 1) >> 8);
        if (l == 7) stream[n++] = (uint8_t)(count - 9);
        stream[n++] = (uint8_t)(back - 1);
        for (size_t i = 0; i < count; i++, len++) plain[len] = plain[len - back];
    }
    *plain_size = len;
    return n;
}

static void test_random(void)
{
    static uint8_t stream[2 * MAX_PLAIN], plain[MAX_PLAIN], out[MAX_PLAIN];
    for (int round = 0; round < 300; round++) {
        size_t size, n = make_stream(stream, plain, &size);
        CU_ASSERT_EQUAL(decode(stream, n, out, size), size);
        CU_ASSERT(memcmp(out, plain, size) == 0);
        CU_ASSERT_EQUAL(decode(stream, n, NULL, size - 1), 0);
        for (int flip = 0; flip < 5; flip++) {
            stream[draw((uint32_t)n)] ^= (uint8_t)(1 + draw(255));
            decode(stream, draw((uint32_t)n + 1), NULL, draw((uint32_t)size + 1));
        }
    }
}

static void test_noise(void)
{
    uint8_t stream[256];
    for (int round = 0; round < 20000; round++) {
        size_t n = draw(sizeof stream);
        for (size_t i = 0; i < n; i++) stream[i] = (uint8_t)draw(256);
        CU_ASSERT(decode(stream, n, NULL, draw(4096)) <= n * BP__LZF_MAX_RATIO);
    }
}

int main(void)
{
    if (CU_initialize_registry() != CUE_SUCCESS) return 1;
    CU_pSuite suite = CU_add_suite("lzf", NULL, NULL);
    CU_add_test(suite, "streams", test_streams);
    CU_add_test(suite, "damaged", test_damaged);
    CU_add_test(suite, "random", test_random);
    CU_add_test(suite, "noise", test_noise);
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failures != 0;
}
