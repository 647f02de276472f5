/* Callers that were compiled against an older, shorter struct or a newer, longer one. Each has a buffer with
 * guard bytes behind its struct: none is ever touched. */
#include "tests/core/suite.h"

#include <stdlib.h>

#include "core/config.h"
#include "core/sized.h"
#include "core/stats.h"
#include "tests/core/make_image.h"

enum { GUARD = 0xa5, STEP = 8 };

typedef union caller {
    size_t size;
    bp_config config;
    bp_stats stats;
    bp_version version;
    unsigned char bytes[4096];
} caller;

/* What the initialiser of a caller with a struct of `size` bytes makes. */
static void init(caller *c, size_t size)
{
    memset(c->bytes, GUARD, sizeof c->bytes);
    memset(c->bytes, 0, size);
    c->size = size;
}

static bool all_are(const unsigned char *bytes, size_t from, size_t to, unsigned char value)
{
    for (; from < to; from++)
        if (bytes[from] != value) return false;
    return true;
}

static bool intact(const caller *c, size_t size)
{
    return c->size == size && all_are(c->bytes, size, sizeof c->bytes, GUARD);
}

static void set_environment(bool on)
{
    static const char *const variables[][2] = {
        {"BUNDLEPOOL_ENABLE_BUNDLE_POOLING", "no"},
        {"BUNDLEPOOL_MAX_BUNDLE_POOL_SIZE", "7"},
        {"BUNDLEPOOL_RANKS_PER_NODE", "4"},
        {"BUNDLEPOOL_LOG_LEVEL", "debug"},
        {"BUNDLEPOOL_ROOT", "/data/b"},
    };
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        if (on)
            setenv(variables[i][0], variables[i][1], 1);
        else
            unsetenv(variables[i][0]);
}

static void test_older_config(void)
{
    for (size_t size = offsetof(bp_config, max_bundle_pool_size); size <= sizeof(bp_config); size += STEP) {
        caller c;
        bp_config own;
        init(&c, size);
        set_environment(false);
        MUST(bp_config_default(&c.config));
        CU_ASSERT(intact(&c, size));
        CU_ASSERT_EQUAL(bp_config_check(&c.config), BP_OK);
        CU_ASSERT(bp_config_should_use_pool(&c.config));

        set_environment(true);
        MUST(bp_config_from_env(&c.config));
        CU_ASSERT(intact(&c, size));
        MUST(bp_config_set(&c.config, "enable_bundle_pooling", "yes", "--x"));
        CU_ASSERT(intact(&c, size));
        MUST(bp__config_read(&c.config, &own));
        bool has_size = size >= offsetof(bp_config, pool_memory),
             has_root = size >= offsetof(bp_config, link_timeout_ms);
        CU_ASSERT_TRUE(own.enable_bundle_pooling);
        CU_ASSERT_EQUAL(own.log_level, BP_LOG_DEBUG);
        CU_ASSERT_EQUAL(own.max_bundle_pool_size, has_size ? 7 : 100);
        CU_ASSERT_EQUAL(own.ranks_per_node, size >= offsetof(bp_config, root) ? 4 : 0);
        CU_ASSERT_EQUAL(own.size, sizeof own);
        if (has_root) {
            CU_ASSERT_STRING_EQUAL(own.root, "/data/b");
        } else if (size == offsetof(bp_config, root)) {
            CU_ASSERT_STRING_EQUAL(own.root, "bundles");
        }
        if (!has_root)
            FAILS(bp_config_set(&c.config, "root", "/d", "--root"), BP_ENOTFOUND, "compile it anew");
        CU_ASSERT(intact(&c, size));
    }
    set_environment(false);
}

static void test_newer_config(void)
{
    const size_t size = sizeof(bp_config) + 3 * STEP, last = size - 1;
    caller c;
    bp_config own;
    init(&c, size);
    memset(c.bytes + sizeof(bp_config), 1, 3 * STEP); /* a default is a default, whatever stood there */
    MUST(bp_config_default(&c.config));
    CU_ASSERT(intact(&c, size));
    CU_ASSERT(all_are(c.bytes, sizeof(bp_config), size, 0));
    MUST(bp_config_set(&c.config, "max_bundle_pool_size", "7", "--x"));
    MUST(bp__config_read(&c.config, &own));
    CU_ASSERT_EQUAL(own.max_bundle_pool_size, 7);
    CU_ASSERT_EQUAL(bp_config_check(&c.config), BP_OK);

    c.bytes[last] = 1;
    FAILS(bp_config_check(&c.config), BP_EINVAL, "newer than this library");
    FAILS(bp_config_set(&c.config, "root", "/d", "--root"), BP_EINVAL, "newer than this library");
    FAILS(bp_config_from_env(&c.config), BP_EINVAL, "newer than this library");
    CU_ASSERT(intact(&c, size));
    CU_ASSERT_EQUAL(c.bytes[last], 1);
    CU_ASSERT_STRING_EQUAL(c.config.root, "bundles");
}

static const size_t wrong[] = {0,       1,        sizeof(size_t), 17, sizeof(bp_config) + 1,
                               1 << 20, SIZE_MAX, SIZE_MAX - 7};

static void test_wrong_sizes(void)
{
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        caller c;
        init(&c, sizeof c.size);
        memset(c.bytes, GUARD, sizeof c.bytes);
        c.size = wrong[i];
        FAILS(bp_config_default(&c.config), BP_EINVAL, "bp_config_init()");
        FAILS(bp_config_from_env(&c.config), BP_EINVAL, "bp_config_init()");
        FAILS(bp_config_set(&c.config, "root", "/d", "--root"), BP_EINVAL, "bp_config_init()");
        FAILS(bp_config_check(&c.config), BP_EINVAL, "bp_config_init()");
        FAILS(bp__stats_check(&c.stats), BP_EINVAL, "bp_stats_init()");
        CU_ASSERT(all_are(c.bytes, sizeof c.size, sizeof c.bytes, GUARD));
    }
    FAILS(bp_config_default(NULL), BP_EINVAL, "bp_config");
    FAILS(bp_config_check(NULL), BP_EINVAL, "bp_config");
    FAILS(bp__stats_check(NULL), BP_EINVAL, "bp_stats");
}

/* Statistics ------------------------------------------------------------------------------------- */

enum { HEAD = offsetof(bp_stats, rank) };

static void init_stats(caller *c, size_t size, size_t counters)
{
    init(c, size);
    for (size_t i = 0; i < 3; i++) memcpy(c->bytes + HEAD + i * counters, &counters, sizeof counters);
}

/* A counter of a caller's struct; 0 where it has no such counter. */
static uint64_t counter(const caller *c, size_t counters, size_t which, size_t offset)
{
    uint64_t x = 0;
    if (offset + sizeof x <= counters) memcpy(&x, c->bytes + HEAD + which * counters + offset, sizeof x);
    return x;
}

static bp_stats some_stats(void)
{
    bp_stats s = bp_stats_init();
    s.pool_size = 3;
    s.num_nodes = 4;
    s.num_ranks = 5;
    strcpy(s.limit_from, "pool_memory");
    s.rank.hits = 11;
    s.node.hits = 12;
    s.cluster.hits = 13;
    s.cluster.invalidations = 14;
    s.cluster.wait_seconds = 1.5;
    return s;
}

static void test_stats(void)
{
    const bp_stats own = some_stats();
    for (size_t counters = 2 * STEP; counters <= sizeof(bp_counters) + 3 * STEP; counters += STEP)
        for (size_t more = 0; more <= 2 * STEP; more += STEP) {
            size_t size = HEAD + 3 * counters + more;
            caller c;
            init_stats(&c, size, counters);
            memset(c.bytes + size - more, 1, more); /* nothing old stays */
            MUST(bp__stats_check(&c.stats));
            bp__stats_write(&c.stats, &own);
            CU_ASSERT(intact(&c, size));
            CU_ASSERT(all_are(c.bytes, size - more, size, 0));
            CU_ASSERT_EQUAL(c.stats.pool_size, 3);
            CU_ASSERT_EQUAL(c.stats.num_ranks, 5);
            CU_ASSERT_STRING_EQUAL(c.stats.limit_from, "pool_memory");
            for (size_t i = 0; i < 3; i++) {
                CU_ASSERT_EQUAL(counter(&c, counters, i, 0), counters);
                CU_ASSERT_EQUAL(counter(&c, counters, i, offsetof(bp_counters, hits)), 11 + i);
                CU_ASSERT_EQUAL(counter(&c, counters, i, sizeof(bp_counters)), 0);
            }
            const size_t last = offsetof(bp_counters, invalidations);
            CU_ASSERT_EQUAL(counter(&c, counters, 2, last), counters > last ? 14 : 0);
        }

    bp_stats same = bp_stats_init();
    MUST(bp__stats_check(&same));
    bp__stats_write(&same, &own);
    CU_ASSERT(memcmp(&same, &own, sizeof own) == 0);
}

static void test_wrong_counters(void)
{
    for (size_t which = 0; which < 3; which++)
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
            caller c;
            init_stats(&c, sizeof(bp_stats), sizeof(bp_counters));
            memcpy(c.bytes + HEAD + which * sizeof(bp_counters), &wrong[i], sizeof wrong[i]);
            FAILS(bp__stats_check(&c.stats), BP_EINVAL, "bp_stats_init()");
        }
    caller c;
    init_stats(&c, sizeof(bp_stats) - STEP, sizeof(bp_counters)); /* they do not fit */
    FAILS(bp__stats_check(&c.stats), BP_EINVAL, "bp_stats_init()");
}

/* Versions --------------------------------------------------------------------------------------- */

static const bp_bundle *one_asset(void)
{
    static const int64_t sid[] = {1}, day[] = {0};
    uint32_t symbol[1];
    bp__head *head;
    MUST(bp__head_create(&head));
    MUST(bp__head_text(head, "AAPL", &symbol[0]));
    MUST(bp__head_put(head, BP_COL_DAY, day, 1, 1));
    MUST(bp__head_put(head, BP_COL_ASSET_SID, sid, 1, 1));
    MUST(bp__head_put(head, BP_COL_ASSET_SYMBOL, symbol, 1, 1));
    MUST(bp__head_put(head, BP_COL_ASSET_START, day, 1, 1));
    MUST(bp__head_put(head, BP_COL_ASSET_END, day, 1, 1));
    return make_bundle(make_image(head), "quandl");
}

static void test_version(void)
{
    const bp_bundle *b = one_asset();
    const size_t least = offsetof(bp_version, date_range);
    bp_version whole = bp_version_init();
    MUST(bp_bundle_version(b, &whole));
    CU_ASSERT_EQUAL(whole.size, sizeof whole);
    for (size_t size = least; size <= sizeof(bp_version) + 2 * STEP; size += STEP) {
        caller c;
        init(&c, size);
        for (int again = 0; again < 2; again++) {
            MUST(bp_bundle_version(b, &c.version));
            CU_ASSERT(intact(&c, size));
            CU_ASSERT_EQUAL(c.version.num_assets, 1);
            CU_ASSERT_STRING_EQUAL(c.version.asset_list[0], "AAPL");
            const size_t both = size < sizeof whole ? size : sizeof whole;
            CU_ASSERT(memcmp(c.bytes + least, (const char *)&whole + least, both - least) == 0);
            bp_version_fini(&c.version);
            CU_ASSERT(intact(&c, size));
            CU_ASSERT(all_are(c.bytes, sizeof c.size, size, 0));
        }
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        caller c;
        init(&c, sizeof c.bytes);
        c.size = wrong[i];
        FAILS(bp_bundle_version(b, &c.version), BP_EINVAL, "bp_version_init()");
        CU_ASSERT(all_are(c.bytes, sizeof c.size, sizeof c.bytes, 0));
    }
    bp_version zeroed;
    memset(&zeroed, 0, sizeof zeroed);
    bp_version_fini(&zeroed);
    bp_version_fini(&whole);
    bp_bundle_release(&b);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"an older caller's configuration", test_older_config},
        {"a newer caller's configuration", test_newer_config},
        {"sizes that cannot be", test_wrong_sizes},
        {"statistics of older and newer callers", test_stats},
        {"counters whose sizes cannot be", test_wrong_counters},
        {"versions of older and newer callers", test_version},
        CU_TEST_INFO_NULL,
    };
    return suite_main("sized", tests);
}
