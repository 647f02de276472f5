/* Defaults, environment, texts, ranges. */
#include "tests/core/suite.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/config.h"

#define KIB INT64_C(1024)

/* A value of every field that is not its default. */
static const struct setting {
    const char *field, *variable, *value;
    int64_t number; /* the value that it stands for; of root, its length */
} settings[] = {
    {"enable_bundle_pooling", "BUNDLEPOOL_ENABLE_BUNDLE_POOLING", "off", 0},
    {"max_bundle_pool_size", "BUNDLEPOOL_MAX_BUNDLE_POOL_SIZE", "7", 7},
    {"pool_memory", "BUNDLEPOOL_POOL_MEMORY", "3M", 3 * KIB *KIB},
    {"max_staleness_ms", "BUNDLEPOOL_MAX_STALENESS_MS", "-1", -1},
    {"load_timeout_ms", "BUNDLEPOOL_LOAD_TIMEOUT_MS", "1500", 1500},
    {"room_timeout_ms", "BUNDLEPOOL_ROOM_TIMEOUT_MS", "0", 0},
    {"ranks_per_node", "BUNDLEPOOL_RANKS_PER_NODE", "4", 4},
    {"transfer", "BUNDLEPOOL_TRANSFER", "stored", BP_TRANSFER_STORED},
    {"log_level", "BUNDLEPOOL_LOG_LEVEL", "debug", BP_LOG_DEBUG},
    {"log_format", "BUNDLEPOOL_LOG_FORMAT", "json", BP_LOG_JSON},
    {"root", "BUNDLEPOOL_ROOT", "/data/b", 7},
    {"link_timeout_ms", "BUNDLEPOOL_LINK_TIMEOUT_MS", "2500", 2500},
    {"verify_transfer", "BUNDLEPOOL_VERIFY_TRANSFER", "on", BP_VERIFY_ON},
    {"numa", "BUNDLEPOOL_NUMA", "first-touch", BP_NUMA_FIRST_TOUCH},
};
enum { NUM_SETTINGS = sizeof settings / sizeof *settings };

static int64_t number_of(const bp_config *c, const char *field)
{
    const struct {
        const char *field;
        int64_t number;
    } all[NUM_SETTINGS] = {
        {"enable_bundle_pooling", c->enable_bundle_pooling},
        {"max_bundle_pool_size", c->max_bundle_pool_size},
        {"pool_memory", c->pool_memory},
        {"max_staleness_ms", c->max_staleness_ms},
        {"load_timeout_ms", c->load_timeout_ms},
        {"room_timeout_ms", c->room_timeout_ms},
        {"ranks_per_node", c->ranks_per_node},
        {"transfer", (int64_t)c->transfer},
        {"log_level", (int64_t)c->log_level},
        {"log_format", (int64_t)c->log_format},
        {"root", (int64_t)strlen(c->root)},
        {"link_timeout_ms", c->link_timeout_ms},
        {"verify_transfer", (int64_t)c->verify_transfer},
        {"numa", (int64_t)c->numa},
    };
    for (size_t i = 0; i < NUM_SETTINGS; i++)
        if (strcmp(all[i].field, field) == 0) return all[i].number;
    CU_FAIL_FATAL("a field that the test does not know");
    return 0;
}

/* The defaults, with nothing of ours in the environment. */
static bp_config fresh(void)
{
    bp_config c = bp_config_init();
    unsetenv("RUSTYBT_ENABLE_BUNDLE_POOLING");
    unsetenv("RUSTYBT_MAX_BUNDLE_POOL_SIZE");
    for (size_t i = 0; i < NUM_SETTINGS; i++) unsetenv(settings[i].variable);
    MUST(bp_config_default(&c));
    return c;
}

/* A value is refused, the text names where it came from, and nothing changes. */
static void refused(const char *field, const char *value, const char *words)
{
    bp_config c = fresh(), before = c;
    FAILS(bp_config_set(&c, field, value, "--option"), BP_EINVAL, words);
    CU_ASSERT(strncmp(bp_error_text(), "--option: ", 10) == 0);
    CU_ASSERT(memcmp(&c, &before, sizeof c) == 0);
}

static void reads(const char *field, const char *value, int64_t number)
{
    bp_config c = fresh();
    CU_ASSERT_EQUAL(bp_config_set(&c, field, value, "--option"), BP_OK);
    CU_ASSERT_EQUAL(number_of(&c, field), number);
}

static void test_defaults(void)
{
    bp_config c = fresh();
    CU_ASSERT_TRUE(c.enable_bundle_pooling);
    CU_ASSERT_TRUE(bp_config_should_use_pool(&c));
    CU_ASSERT_EQUAL(c.max_bundle_pool_size, 100);
    CU_ASSERT_EQUAL(c.pool_memory, 0);
    CU_ASSERT_EQUAL(c.max_staleness_ms, 0);
    CU_ASSERT_EQUAL(c.load_timeout_ms, 600000);
    CU_ASSERT_EQUAL(c.room_timeout_ms, 10000);
    CU_ASSERT_EQUAL(c.link_timeout_ms, 60000);
    CU_ASSERT_EQUAL(c.ranks_per_node, 0);
    CU_ASSERT_EQUAL(c.log_level, BP_LOG_WARN);
    CU_ASSERT_EQUAL(c.log_format, BP_LOG_TEXT);
    CU_ASSERT_STRING_EQUAL(c.root, "bundles");
    CU_ASSERT_EQUAL(bp_config_check(&c), BP_OK);
    CU_ASSERT_EQUAL(bp_config_default(NULL), BP_EINVAL);

    bp_config same = c;
    MUST(bp_config_from_env(&c)); /* which sets nothing */
    CU_ASSERT(memcmp(&c, &same, sizeof c) == 0);
}

static void test_fields(void)
{
    const char *name, *fallback, *help;
    unsigned n = 0;
    for (; bp_config_field(n, &name, &fallback, &help); n++) {
        bp_config c = fresh();
        CU_ASSERT(help[0] != '\0');
        CU_ASSERT_EQUAL(bp_config_set(&c, name, fallback, name), BP_OK);
        bp_config defaults = fresh();
        CU_ASSERT(memcmp(&c, &defaults, sizeof c) == 0);
        bp__setting value;
        CU_ASSERT(bp__config_value(&c, n, &value));
        switch (value.kind) {
        case BP__SETTING_BOOL: CU_ASSERT_EQUAL(value.truth, strcmp(fallback, "true") == 0); break;
        case BP__SETTING_NUMBER: CU_ASSERT_EQUAL(value.number, strtoll(fallback, NULL, 10)); break;
        case BP__SETTING_TEXT: CU_ASSERT_STRING_EQUAL(value.text, fallback); break;
        }
    }
    bp_config c = fresh();
    bp__setting value;
    CU_ASSERT_FALSE(bp__config_value(&c, n, &value));
    CU_ASSERT_EQUAL(n, NUM_SETTINGS);
    CU_ASSERT_FALSE(bp_config_field(UINT32_MAX, &name, &fallback, &help));
}

/* Each field by its own name and by its own variable: that one changes, no other does. */
static void test_every_field(void)
{
    for (size_t i = 0; i < NUM_SETTINGS; i++) {
        const struct setting *s = &settings[i];
        bp_config defaults = fresh(), by_name = defaults, by_env = defaults;
        CU_ASSERT_EQUAL(bp_config_set(&by_name, s->field, s->value, "--x"), BP_OK);
        setenv(s->variable, s->value, 1);
        CU_ASSERT_EQUAL(bp_config_from_env(&by_env), BP_OK);
        CU_ASSERT(memcmp(&by_name, &by_env, sizeof by_name) == 0);
        CU_ASSERT_EQUAL(bp_config_check(&by_env), BP_OK);
        for (size_t k = 0; k < NUM_SETTINGS; k++)
            CU_ASSERT_EQUAL(number_of(&by_env, settings[k].field),
                            k == i ? s->number : number_of(&defaults, settings[k].field));
    }
    bp_config c = fresh();
    MUST(bp_config_set(&c, "root", "/data/b", "--root"));
    CU_ASSERT_STRING_EQUAL(c.root, "/data/b");
    MUST(bp_config_set(&c, "root", "/d", "--root")); /* shorter than what was there */
    CU_ASSERT_STRING_EQUAL(c.root, "/d");
    FAILS(bp_config_set(&c, "no_such_field", "1", "--no-such-field"), BP_ENOTFOUND, "--no-such-field");
}

static void test_precedence(void)
{
    bp_config c = fresh();
    setenv("RUSTYBT_ENABLE_BUNDLE_POOLING", "false", 1);
    setenv("RUSTYBT_MAX_BUNDLE_POOL_SIZE", "3", 1);
    MUST(bp_config_from_env(&c));
    CU_ASSERT_FALSE(bp_config_should_use_pool(&c));
    CU_ASSERT_EQUAL(c.max_bundle_pool_size, 3);

    setenv("BUNDLEPOOL_ENABLE_BUNDLE_POOLING", "true", 1);
    setenv("BUNDLEPOOL_MAX_BUNDLE_POOL_SIZE", "5", 1);
    MUST(bp_config_from_env(&c));
    CU_ASSERT_TRUE(bp_config_should_use_pool(&c));
    CU_ASSERT_EQUAL(c.max_bundle_pool_size, 5);
}

static void test_booleans(void)
{
    static const char *const words[][2] = {{"true", "false"}, {"1", "0"}, {"yes", "no"}, {"on", "off"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        for (int value = 0; value < 2; value++) {
            char word[8], *p = word;
            strcpy(word, words[i][!value]);
            reads("enable_bundle_pooling", word, value);
            *p = (char)toupper(*p);
            reads("enable_bundle_pooling", word, value);
            for (; *p; p++) *p = (char)toupper(*p);
            reads("enable_bundle_pooling", word, value);
        }
    }
    static const char *const bad[] = {"",      "2",     "-1", "maybe", "tru", "truee",
                                      "true ", " true", "01", "t",     "y"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) refused("enable_bundle_pooling", bad[i], "neither");
}

static void test_numbers(void)
{
    reads("max_bundle_pool_size", "1", 1);
    reads("max_bundle_pool_size", "4096", 4096);
    static const char *const unreadable[] = {"",     "x",  "1x",  "1 ",  "1.5",
                                             "0x10", "5K", "--5", "1e3", "9223372036854775808"};
    for (size_t i = 0; i < sizeof unreadable / sizeof *unreadable; i++)
        refused("max_bundle_pool_size", unreadable[i], "not a number");
    static const struct {
        const char *field, *value;
    } outside[] = {
        {"max_bundle_pool_size", "0"},
        {"max_bundle_pool_size", "-1"},
        {"max_bundle_pool_size", "4097"},
        {"max_bundle_pool_size", "9223372036854775807"},
        {"pool_memory", "-1"},
        {"pool_memory", "1025T"},
        {"max_staleness_ms", "-2"},
        {"load_timeout_ms", "0"},
        {"load_timeout_ms", "-1"},
        {"room_timeout_ms", "-1"},
        {"ranks_per_node", "-1"},
        {"link_timeout_ms", "0"},
    };
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
        refused(outside[i].field, outside[i].value, "out of range");
}

static void test_bytes(void)
{
    reads("pool_memory", "0", 0);
    reads("pool_memory", "4097", 4097);
    reads("pool_memory", "1K", KIB);
    reads("pool_memory", "500M", 500 * KIB * KIB);
    reads("pool_memory", "2G", 2 * KIB * KIB * KIB);
    reads("pool_memory", "1T", KIB * KIB * KIB * KIB);
    reads("pool_memory", "1024T", INT64_C(1) << 50);
    static const char *const bad[] = {
        "",
        "K",
        "1KB",
        "1KK",
        "1 K",
        "2.5G",
        "1P",
        "x",
        "8388608T",   /* 2^63 */
        "16777216T",  /* 2^64: 0 if it wrapped */
        "-16777216T", /* as well */
        "9223372036854775807K",
        "9223372036854775808",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) refused("pool_memory", bad[i], "number of bytes");
}

static void test_levels(void)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    for (int i = 0; i < 4; i++) reads("log_level", names[i], i);
    reads("log_level", "INFO", BP_LOG_INFO);
    refused("log_level", "loud", "loud");
    refused("log_level", "", "none of");
    refused("log_level", "2", "none of");
}

static void test_root(void)
{
    char path[BP_PATH_MAX + 1];
    memset(path, 'r', sizeof path);
    path[BP_PATH_MAX] = '\0';
    refused("root", path, "longer than");
    refused("root", "", "empty");
    path[BP_PATH_MAX - 1] = '\0';
    reads("root", path, BP_PATH_MAX - 1);
}

/* The text names the variable; fields that were read before the bad one are as they were. */
static void test_env_errors(void)
{
    static const struct {
        const char *variable, *value;
    } bad[] = {
        {"RUSTYBT_ENABLE_BUNDLE_POOLING", "maybe"},
        {"RUSTYBT_MAX_BUNDLE_POOL_SIZE", "many"},
        {"BUNDLEPOOL_ENABLE_BUNDLE_POOLING", "2"},
        {"BUNDLEPOOL_MAX_BUNDLE_POOL_SIZE", "0"},
        {"BUNDLEPOOL_POOL_MEMORY", "9Q"},
        {"BUNDLEPOOL_MAX_STALENESS_MS", "-2"},
        {"BUNDLEPOOL_LOAD_TIMEOUT_MS", "soon"},
        {"BUNDLEPOOL_ROOM_TIMEOUT_MS", ""},
        {"BUNDLEPOOL_RANKS_PER_NODE", "two"},
        {"BUNDLEPOOL_LOG_LEVEL", "loud"},
        {"BUNDLEPOOL_ROOT", ""},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        bp_config c = fresh(), before = c;
        setenv("BUNDLEPOOL_ENABLE_BUNDLE_POOLING", "no", 1);
        setenv("BUNDLEPOOL_MAX_BUNDLE_POOL_SIZE", "9", 1);
        setenv(bad[i].variable, bad[i].value, 1);
        FAILS(bp_config_from_env(&c), BP_EINVAL, bad[i].variable);
        CU_ASSERT(memcmp(&c, &before, sizeof c) == 0);
        unsetenv(bad[i].variable);
    }
}

static void checked(const bp_config *c, const char *field)
{
    CU_ASSERT_EQUAL(bp_config_check(c), BP_EINVAL);
    CU_ASSERT(strncmp(bp_error_text(), field, strlen(field)) == 0);
}

static void test_check(void)
{
    bp_config c = bp_config_init();
    c = fresh(), c.max_bundle_pool_size = 0, checked(&c, "max_bundle_pool_size");
    c = fresh(), c.max_bundle_pool_size = BP__MAX_POOL_SIZE + 1, checked(&c, "max_bundle_pool_size");
    c = fresh(), c.pool_memory = -1, checked(&c, "pool_memory");
    c = fresh(), c.max_staleness_ms = -2, checked(&c, "max_staleness_ms");
    c = fresh(), c.load_timeout_ms = 0, checked(&c, "load_timeout_ms");
    c = fresh(), c.room_timeout_ms = -1, checked(&c, "room_timeout_ms");
    c = fresh(), c.ranks_per_node = INT64_MAX, checked(&c, "ranks_per_node");
    c = fresh(), c.log_level = (bp_log_level)4, checked(&c, "log_level");
    c = fresh(), c.log_format = (bp_log_format)2, checked(&c, "log_format");
    c = fresh(), c.transfer = (bp_transfer)3, checked(&c, "transfer");
    c = fresh(), c.link_timeout_ms = -1, checked(&c, "link_timeout_ms");
    c = fresh(), c.verify_transfer = (bp_verify)3, checked(&c, "verify_transfer");
    c = fresh(), c.numa = (bp_numa)2, checked(&c, "numa");
    c = fresh(), c.root[0] = '\0', checked(&c, "root");
    c = fresh(), memset(c.root, 'r', sizeof c.root), checked(&c, "root");
}

static void test_difference(void)
{
    bp_config a = fresh();
    for (size_t i = 0; i < NUM_SETTINGS; i++) {
        bp_config b = a;
        CU_ASSERT_PTR_NULL(bp__config_difference(&a, &b));
        MUST(bp_config_set(&b, settings[i].field, settings[i].value, "--x"));
        const char *field = bp__config_difference(&a, &b);
        bool own_affair = strncmp(settings[i].field, "log_", 4) == 0;
        CU_ASSERT(own_affair ? !field : field && strcmp(field, settings[i].field) == 0);
    }
    bp_config b = a;
    b.root[BP_PATH_MAX - 1] = 'x'; /* behind the NUL */
    CU_ASSERT_PTR_NULL(bp__config_difference(&a, &b));
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"defaults", test_defaults},
        {"list of fields", test_fields},
        {"every field by name and by environment", test_every_field},
        {"BUNDLEPOOL_ before RUSTYBT_", test_precedence},
        {"booleans", test_booleans},
        {"numbers", test_numbers},
        {"bytes", test_bytes},
        {"levels", test_levels},
        {"root", test_root},
        {"bad environment", test_env_errors},
        {"check", test_check},
        {"difference", test_difference},
        CU_TEST_INFO_NULL,
    };
    return suite_main("config", tests);
}
