/* Values as they were typed: ranges against decimals that are written down one by one, lists, words, files,
 * and what is refused. */
#include "core/suite.h"

#include "search/values.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const sides[] = {"long", "both", "none", NULL};
static const bp_param real = {.name = "x", .kind = BP_PARAM_REAL, .min = -1e30, .max = 1e30};
static const bp_param share = {.name = "x", .kind = BP_PARAM_REAL, .min = 0, .max = 100};
static const bp_param whole = {.name = "n", .kind = BP_PARAM_INTEGER, .min = -1000, .max = 1000000};
static const bp_param side = {.name = "side", .kind = BP_PARAM_WORD, .words = sides};

static uint64_t seed = 0x9e3779b97f4a7c15;
static char file[] = "/tmp/bundlepool-values-XXXXXX";

static bp__values values;

static bp_status read_for(const bp_param *param, const char *list)
{
    char option[256];
    snprintf(option, sizeof option, "%s=%s", param->name, list);
    return bp__values_read(option, list, param, &values);
}

static void expect(const bp_param *param, const char *list, const double *value, uint64_t count)
{
    MUST(read_for(param, list));
    if (values.count != count) printf("%s: %" PRIu64 " values\n", list, values.count);
    CU_ASSERT_EQUAL_FATAL(values.count, count);
    for (uint64_t i = 0; i < count; i++) {
        if (values.value[i] != value[i]) printf("%s: %.17g, not %.17g\n", list, values.value[i], value[i]);
        CU_ASSERT(values.value[i] == value[i] && !(value[i] == 0 && signbit(values.value[i])));
    }
    free(values.value);
}
#define EXPECT(param, list, ...)                                                                             \
    expect(&(param), list, (const double[]){__VA_ARGS__},                                                    \
           sizeof((const double[]){__VA_ARGS__}) / sizeof(double))

static void ranges(void)
{
    EXPECT(real, "0.1:0.5:0.1", 0.1, 0.2, 0.3, 0.4, 0.5);
    EXPECT(real, "1.1:1.9:.2", 1.1, 1.3, 1.5, 1.7, 1.9);
    EXPECT(real, "-0.3:0.3:0.1", -0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3);
    EXPECT(real, "0:1e-6:2e-7", 0, 2e-7, 4e-7, 6e-7, 8e-7, 1e-6);
    EXPECT(real, "1e-7:5e-7:1e-7", 1e-7, 2e-7, 3e-7, 4e-7, 5e-7);
    EXPECT(real, "1E3:1.3e3:1e2", 1000, 1100, 1200, 1300);
    EXPECT(real, "+.10:0.30:00.1000", 0.1, 0.2, 0.3);
    EXPECT(real, "1e22:3e22:1e22", 1e22, 2e22, 3e22);
    EXPECT(real, "1e23:3e23:1e23", 1e23, 2e23, 3e23);
    EXPECT(real, "100000.1:100000.3:0.1", 100000.1, 100000.2, 100000.3);
    EXPECT(real, "9007199254740993:9007199254740995:1", 9007199254740992, 9007199254740994, 9007199254740996);
    EXPECT(real, "0:0.3", 0);
    EXPECT(real, "0.5:2.6", 0.5, 1.5, 2.5);
    /* an end that is not on the grid */
    EXPECT(real, "0:1:0.3", 0, 0.3, 0.6, 0.9);
    EXPECT(real, "0.1:0.49999:0.1", 0.1, 0.2, 0.3, 0.4);
    EXPECT(whole, "5:52:10", 5, 15, 25, 35, 45);
    EXPECT(whole, "-2:2", -2, -1, 0, 1, 2);
    EXPECT(whole, "7:7:5", 7);
    EXPECT(whole, "1.0:3e0:1", 1, 2, 3);
    /* downwards */
    EXPECT(whole, "50:20:-10", 50, 40, 30, 20);
    EXPECT(real, "0.3:-0.1:-0.1", 0.3, 0.2, 0.1, 0, -0.1);
    EXPECT(real, "1:0:-0.3", 1, 0.7, 0.4, 0.1);
    /* numbers out of a program, with a digit too many: the end is meant, and is not passed */
    EXPECT(share, "0:100:33.333333333333336", 0, 33.333333333333336, 66.666666666666671, 100);
    EXPECT(share, "100:0:-33.333333333333336", 100, 66.666666666666664, 33.333333333333328, 0);
    EXPECT(real, "0:1:0.3333333333333333", 0, 0.3333333333333333, 0.6666666666666666, 0.9999999999999999);
    EXPECT(real, "0e-400:2", 0, 1, 2);
    /* several steps within one double */
    EXPECT(real, "1:1.0000000000000005:1e-16", 1, 1.0000000000000002, 1.0000000000000004);
}

/* A decimal in one of the ways that people write it. */
static const char *decimal(int64_t digits, int behind_point, char text[64])
{
    int64_t unit = 1;
    for (int i = 0; i < behind_point; i++) unit *= 10;
    const char *sign = digits < 0 ? "-" : "";
    const int64_t size = digits < 0 ? -digits : digits;
    if (draw(&seed, 3) == 0)
        snprintf(text, 64, "%s%" PRId64 "e-%d", sign, size, behind_point);
    else if (behind_point == 0)
        snprintf(text, 64, "%s%" PRId64, sign, size);
    else
        snprintf(text, 64, "%s%" PRId64 ".%0*" PRId64, sign, size / unit, behind_point, size % unit);
    return text;
}

static void random_ranges(void)
{
    for (int round = 0; round < 3000; round++) {
        char from[64], to[64], step[64], list[200];
        const int behind = (int)draw(&seed, 10);
        const int64_t size = (int64_t[]){100, 100000, 100000000, INT64_C(1000000000000)}[draw(&seed, 4)];
        const int64_t a = (int64_t)draw(&seed, (uint64_t)size) - size / 3;
        const int64_t s = (int64_t)draw(&seed, (uint64_t)size / 10) + 1, up = draw(&seed, 4) ? 1 : -1;
        const int64_t n = (int64_t)draw(&seed, 200), rest = (int64_t)draw(&seed, (uint64_t)s);
        snprintf(list, sizeof list, "%s:%s:%s", decimal(a, behind, from),
                 decimal(a + up * (n * s + (n > 0 ? rest : 0)), behind, to),
                 decimal(n > 0 ? up * s : s, behind, step));
        MUST(read_for(&real, list));
        if (values.count != (uint64_t)n + 1) printf("%s: %" PRIu64 " values\n", list, values.count);
        CU_ASSERT_EQUAL_FATAL(values.count, (uint64_t)n + 1);
        for (int64_t i = 0; i <= n; i++)
            CU_ASSERT_EQUAL(values.value[i], strtod(decimal(a + up * i * s, behind, from), NULL));
        CU_ASSERT(values.is_range);
        free(values.value);
    }
}

static void log_ranges(void)
{
    EXPECT(real, "log:1e-4:1e-1:4", 1e-4, 1e-3, 1e-2, 1e-1);
    EXPECT(real, "log:1e-1:1e-4:4", 1e-1, 1e-2, 1e-3, 1e-4);
    EXPECT(real, "log:1:16:5", 1, 2, 4, 8, 16);
    EXPECT(real, "log:0.3:0.7:2", 0.3, 0.7);
    EXPECT(real, "log:3:3:4", 3);
    EXPECT(whole, "log:10:1000:5", 10, 32, 100, 316, 1000);
    EXPECT(whole, "log:1:4:9", 1, 2, 3, 4); /* rounded, and each once */
    MUST(read_for(&real, "log:1e-4:1e-1:7"));
    CU_ASSERT_EQUAL_FATAL(values.count, 7);
    CU_ASSERT(values.value[0] == 1e-4 && values.value[2] == 1e-3 && values.value[4] == 1e-2 &&
              values.value[6] == 1e-1);
    for (int i = 1; i < 7; i++)
        CU_ASSERT_DOUBLE_EQUAL(values.value[i] / values.value[i - 1], 3.1622776601683795, 1e-14);
    free(values.value);
    for (int a = -20; a <= 20; a++) /* every decade between two of them, as if it had been typed */
        for (int b = a + 1; b <= 20; b++) {
            char text[64];
            snprintf(text, sizeof text, "log:1e%d:1e%d:%d", a, b, 3 * (b - a) + 1);
            MUST(read_for(&real, text));
            for (int i = 0; i <= b - a; i++) {
                snprintf(text, sizeof text, "1e%d", a + i);
                CU_ASSERT_EQUAL(values.value[3 * i], strtod(text, NULL));
            }
            free(values.value);
        }
}

static void lists(void)
{
    EXPECT(real, "3,1,2", 3, 1, 2);
    EXPECT(real, "5,5", 5);
    EXPECT(real, "1,2,1.0,3,2e0,0,-0,1", 1, 2, 3, 0);
    EXPECT(side, "both", 1);
    EXPECT(side, "none,long,none", 2, 0);
    MUST(read_for(&real, "1,2"));
    CU_ASSERT(!values.is_range);
    free(values.value);
}

static void write_file(const char *text, size_t size)
{
    FILE *f = fopen(file, "w");
    CU_ASSERT_FATAL(f && fwrite(text, 1, size, f) == size && fclose(f) == 0);
}

static bp_status read_file(const bp_param *param, const char *text)
{
    char list[64];
    write_file(text, strlen(text));
    snprintf(list, sizeof list, "@%s", file);
    return read_for(param, list);
}

static void files(void)
{
    char list[64], words[128];
    static const double is[] = {5, 10, 20, 0.25, 7};
    MUST(read_file(&real,
                   "\357\273\277# what we had last year\n5\n\n 10, 20\t# and 30\r\n  0.25 \r\n5\n#\n7"));
    CU_ASSERT_EQUAL_FATAL(values.count, 5);
    CU_ASSERT(memcmp(values.value, is, sizeof is) == 0 && !values.is_range);
    free(values.value);
    MUST(read_file(&side, "both\nlong # as ever\n"));
    CU_ASSERT(values.count == 2 && values.value[0] == 1 && values.value[1] == 0);
    free(values.value);

    static const struct {
        const char *text, *words;
    } bad[] = {
        {"5\n10\nten\n", ":3: 'ten' is not a number"},
        {"5,\n", ":1: '' is not a number"},
        {"5 6\n", ":1: '5 6' is not a number"},
        {"1:5\n", ":1: '1:5' is not a number"},
        {"@other\n", ":1: '@other' is not a number"},
        {"\n\n2.5", ":3: n takes whole numbers, and 2.5 is not one"},
        {"1\n-2000", ":2: -2000 is out of range; n takes -1000 to 1000000"},
        {"", " has no value"},
        {"# nothing\n \n", " has no value"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(words, sizeof words, "--param n: %s%s", file, bad[i].words);
        FAILS(read_file(&whole, bad[i].text), BP_EINVAL, words);
        CU_ASSERT(values.value == NULL && values.count == 0);
    }
    write_file("5\n1\0002\n", 6);
    snprintf(list, sizeof list, "@%s", file);
    FAILS(read_for(&whole, list), BP_EINVAL, ":2: this is no text");
    FAILS(read_file(&side, "long\nshort\n"), BP_EINVAL,
          ":2: 'short' is no value of side, choose from long, both");
    FAILS(read_for(&whole, "@"), BP_EIO, "--param n:  cannot be read: No such file");
    FAILS(read_for(&whole, "@/nonesuch/list"), BP_EIO,
          "--param n: /nonesuch/list cannot be read: No such file");
    FAILS(read_for(&whole, "@/"), BP_EIO, "--param n: / cannot be read");
}

static void refused(void)
{
    static const struct {
        const bp_param *param;
        const char *list, *words;
    } bad[] = {
        {&real, "", "'' is not a number"},
        {&real, "1,", "'' is not a number"},
        {&real, "1;2", "'1;2' is not a number"},
        {&real, "1,2:3", "'1,2' is not a number"},
        {&real, "1::3", "'' is not a number"},
        {&real, "1:2:", "'' is not a number"},
        {&real, "1:2:3:4", "three parts"},
        {&real, "5:1:1", "range is empty, it begins above its end"},
        {&real, "5:1", "range is empty"},
        {&real, "1:5:-1", "step must be greater than 0"},
        {&real, "1:1:-1", "step must be greater than 0"},
        {&real, "1:5:0", "step must be greater than 0"},
        {&real, "5:1:0.0e5", "step must be greater than 0"},
        {&real, "1:5:1e-400", "is not a number"},
        {&real, "0:1:1e-7", "more than 10000000 combinations"},
        {&real, "0:1e300:1e-300", "more than 10000000 combinations"},
        {&real, "-1e29:1e29:1e-300", "more than 10000000 combinations"},
        {&real, "1e20:1e20:1e-300", "more than 36 digits"},
        {&real, "0.1234567890123456789012345678901234567890:1:1", "more than 36 digits"},
        {&share, "99:101:1", "101 is out of range; x takes 0 to 100"},
        {&share, "0.1:-0.1:-0.1", "-0.1 is out of range"},
        {&whole, "1:3:0.5", "n takes whole numbers, and 1.5 is not one"},
        {&real, "log:1:10", "write log:FROM:TO:N"},
        {&real, "log:1:10:1", "write log:FROM:TO:N"},
        {&real, "log:1:10:2.5", "write log:FROM:TO:N"},
        {&real, "log:0:10:3", "write log:FROM:TO:N"},
        {&real, "log:-1:10:3", "write log:FROM:TO:N"},
        {&real, "log:1:10:3:4", "three parts"},
        {&real, "log:1:10:1e8", "more than 10000000"},
        {&real, "log:", "'' is not a number"},
        {&real, "log", "'log' is not a number"},
        {&real, "LOG:1:2:3", "'LOG' is not a number"},
        {&whole, "log:1.5:10:3", "whole numbers, and 1.5 is not one"},
        {&side, "short", "--param side=short: 'short' is no value of side, choose from long, both, none"},
        {&side, "long,", "'' is no value"},
        {&side, "0", "'0' is no value"},
        {&side, "long:none", "'long:none' is no value"},
        {&side, "Long", "'Long' is no value"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const bp_status s = read_for(bad[i].param, bad[i].list);
        if (s != BP_EINVAL || !strstr(bp_error_text(), bad[i].words))
            printf("%s: %s\n", bad[i].list, s == BP_OK ? "taken" : bp_error_text());
        CU_ASSERT(s == BP_EINVAL && strstr(bp_error_text(), bad[i].words));
        CU_ASSERT(values.value == NULL && values.count == 0);
    }
}

int main(void)
{
    const int fd = mkstemp(file);
    if (fd < 0 || close(fd) != 0) return 1;
    CU_TestInfo tests[] = {
        {"ranges", ranges},
        {"random ranges", random_ranges},
        {"ranges of logarithms", log_ranges},
        {"lists and words", lists},
        {"files", files},
        {"what is refused", refused},
        CU_TEST_INFO_NULL,
    };
    const int code = suite_main("values", tests);
    unlink(file);
    return code;
}
