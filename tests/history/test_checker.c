/* The checker accepts what an ideal pool does, and rejects each broken promise by its name. */
#include "tests/core/suite.h"

#include <stdio.h>
#include <stdlib.h>

#include "history/checker.h"

static event got(uint64_t begin, uint64_t end, uint8_t bundle, uint32_t version, uint64_t generation)
{
    return (event){.begin = begin,
                   .end = end,
                   .kind = EVENT_GET,
                   .bundle = bundle,
                   .get = {end + 5, generation, version, version}};
}

static event wrote(uint64_t begin, uint64_t end, uint8_t bundle, uint32_t version)
{
    return (event){
        .begin = begin, .end = end, .kind = EVENT_REWRITE, .bundle = bundle, .rewrite.version = version};
}

static event forgot(uint64_t begin, uint64_t end, uint8_t bundle)
{
    return (event){.begin = begin, .end = end, .kind = EVENT_INVALIDATE, .bundle = bundle};
}

static event told(uint64_t begin, uint64_t end, uint64_t number)
{
    return (event){.begin = begin, .end = end, .kind = EVENT_AGES, .ages.number = number};
}

static event sampled(uint32_t pool_size, uint64_t bytes, uint32_t loads, uint32_t evictions)
{
    return (event){.begin = 500,
                   .end = 501,
                   .kind = EVENT_SAMPLE,
                   .sample = {bytes, bytes, pool_size, loads, evictions}};
}

static const uint64_t image_bytes[] = {100, 100, 100, 100, 100};

static rules strict(int64_t staleness)
{
    return (rules){
        .bundles = 5, .staleness_ns = staleness, .max_bundles = 3, .max_bytes = 300, .bytes = image_bytes};
}

/* Check that exactly this kind of violation is found; NUM_VIOLATIONS: none. */
static void expect_in(const char *file, int line, const event *e, size_t n, rules r, violation kind)
{
    verdict v;
    char where[300];
    CU_ASSERT_FATAL(check_history(e, n, &r, &v));
    bool ok = (kind == NUM_VIOLATIONS) == (v.violations == 0);
    for (int i = 0; i < NUM_VIOLATIONS; i++) ok = ok && (v.count[i] > 0) == (i == (int)kind);
    snprintf(where, sizeof where, "%s found: %s", kind == NUM_VIOLATIONS ? "NOTHING" : violation_name(kind),
             v.text[0]);
    CU_assertImplementation(ok, (unsigned)line, where, file, "", CU_FALSE);
}
#define EXPECT(e, r, kind) expect_in(__FILE__, __LINE__, e, sizeof(e) / sizeof *(e), r, kind)
#define REJECT(e, r, kind) EXPECT(e, r, VIOLATION_##kind)
#define ACCEPT(e, r)       EXPECT(e, r, NUM_VIOLATIONS)

/* A clean history of b0, to be doctored. */
enum { WROTE1, OTHER1, GOT1, WROTE2, GOT2, FORGOT, GOT3, SAMPLED, NUM_CLEAN };
#define CLEAN(e)                                                                                             \
    event e[NUM_CLEAN] = {                                                                                   \
        [WROTE1] = wrote(1, 1, 0, 1),   [OTHER1] = wrote(1, 1, 1, 1),     [GOT1] = got(10, 20, 0, 1, 1),     \
        [WROTE2] = wrote(30, 32, 0, 2), [GOT2] = got(40, 50, 0, 2, 2),    [FORGOT] = forgot(60, 70, 0),      \
        [GOT3] = got(80, 90, 0, 2, 3),  [SAMPLED] = sampled(1, 100, 3, 0)}

static void test_clean(void)
{
    CLEAN(e);
    ACCEPT(e, strict(0));
    ACCEPT(e, strict(50));
    ACCEPT(e, strict(-1));
    verdict v;
    rules r = strict(0);
    CU_ASSERT(check_history(NULL, 0, &r, &v) && v.violations == 0);
    CU_ASSERT(check_history(e, NUM_CLEAN, &r, &v));
    CU_ASSERT(v.gets == 3 && v.generations == 3 && v.loads == 3 && v.invalidations == 1 && v.rewrites == 3);
}

static void test_failed(void)
{
    static const int which[] = {GOT2, FORGOT, SAMPLED};
    for (size_t i = 0; i < sizeof which / sizeof *which; i++) {
        CLEAN(e);
        e[which[i]].code = BP_ETIMEOUT;
        verdict v;
        rules r = strict(0);
        CU_ASSERT(check_history(e, NUM_CLEAN, &r, &v) && v.count[VIOLATION_FAILED] == 1);
    }
}

static void test_torn(void)
{
    CLEAN(e);
    e[GOT2].get.version = 0;
    REJECT(e, strict(0), TORN);
    e[GOT2].get.version = 2;
    e[GOT2].get.version_later = 3;
    REJECT(e, strict(0), TORN);
    e[GOT2].get.version_later = 0;
    REJECT(e, strict(0), TORN);
}

static void test_unknown(void)
{
    CLEAN(e);
    e[GOT3].get.version = e[GOT3].get.version_later = 9; /* never written */
    REJECT(e, strict(0), UNKNOWN);
    CLEAN(f);
    f[GOT2] = got(25, 29, 0, 2, 2); /* before it was */
    REJECT(f, strict(0), UNKNOWN);
    f[GOT2] = got(25, 30, 0, 2, 2);
    ACCEPT(f, strict(0));
}

static void test_mixed(void)
{
    CLEAN(e);
    e[GOT2].get.generation = 1; /* two versions */
    REJECT(e, strict(0), MIXED);
    CLEAN(f);
    f[GOT2] = got(40, 50, 1, 1, 1); /* two bundles */
    REJECT(f, strict(0), MIXED);
}

static void test_stale(void)
{
    CLEAN(e);
    e[GOT2] = got(40, 50, 0, 1, 1);
    REJECT(e, strict(0), STALE);
    REJECT(e, strict(7), STALE);
    ACCEPT(e, strict(8)); /* replaced at 32 for certain, 8 before the get began */
    ACCEPT(e, strict(-1));
    rules lenient = strict(7);
    lenient.slack_ns = 1;
    ACCEPT(e, lenient);
    e[GOT2] = got(32, 50, 0, 1, 1); /* it may have begun just before */
    ACCEPT(e, strict(0));
}

static void test_back(void)
{
    event e[] = {wrote(1, 1, 0, 1),    wrote(30, 32, 0, 2),  got(10, 20, 0, 1, 1),
                 got(40, 50, 0, 2, 2), got(51, 60, 0, 1, 1), sampled(1, 100, 2, 0)};
    REJECT(e, strict(-1), BACK);
    REJECT(e, strict(100), BACK);
    e[4].begin = 50; /* before the new one had been returned */
    ACCEPT(e, strict(-1));
    event f[] = {wrote(1, 1, 0, 1), got(10, 20, 0, 1, 1), got(21, 30, 0, 1, 2), got(31, 40, 0, 1, 1),
                 sampled(1, 100, 2, 1)};
    REJECT(f, strict(-1), BACK);
}

static void test_forgotten(void)
{
    CLEAN(e);
    e[GOT3].get.generation = 2;
    REJECT(e, strict(0), FORGOTTEN);
    REJECT(e, strict(-1), FORGOTTEN);
    e[FORGOT].bundle = EVERY_BUNDLE;
    REJECT(e, strict(0), FORGOTTEN);
    e[FORGOT].bundle = 1;
    ACCEPT(e, strict(0));
    e[FORGOT].bundle = 0;
    e[GOT3].begin = 70; /* may have begun before it ended */
    ACCEPT(e, strict(0));
    e[GOT3].begin = 80;
    e[GOT2].end = 60; /* may have been loaded after it had begun */
    ACCEPT(e, strict(0));

    CLEAN(f); /* a long one within which a short one fits */
    event g[NUM_CLEAN + 1];
    memcpy(g, f, sizeof f);
    g[NUM_CLEAN] = forgot(55, 200, 0);
    g[GOT3].get.generation = 2;
    REJECT(g, strict(0), FORGOTTEN);

    CLEAN(h); /* a new generation, but of what had been replaced before */
    h[GOT1] = got(10, 20, 1, 1, 1);
    h[GOT2] = got(40, 50, 0, 1, 2);
    h[GOT3] = got(80, 90, 0, 1, 3);
    REJECT(h, strict(-1), FORGOTTEN);
    h[WROTE2].end = 60;
    ACCEPT(h, strict(-1));
}

static void test_twice(void)
{
    CLEAN(e);
    e[FORGOT].bundle = 1;
    REJECT(e, strict(0), TWICE);
    e[SAMPLED].sample.evictions = 1;
    ACCEPT(e, strict(0));
    e[SAMPLED].sample.evictions = 0;
    e[FORGOT] = forgot(5, 39, 0); /* over before anybody had got what is loaded again */
    REJECT(e, strict(0), TWICE);
    e[FORGOT] = forgot(91, 95, 0);
    REJECT(e, strict(0), TWICE);

    event f[] = {wrote(1, 1, 0, 1),    forgot(5, 200, 0),    got(10, 20, 0, 1, 1), got(30, 40, 0, 1, 2),
                 got(50, 60, 0, 1, 3), sampled(1, 100, 3, 0)}; /* one invalidation does not serve twice */
    REJECT(f, strict(0), TWICE);
    f[5].sample.evictions = 1;
    ACCEPT(f, strict(0));

    CLEAN(g);
    g[SAMPLED].sample.loads = 5; /* 3 versions, 1 invalidation, one load too many */
    REJECT(g, strict(0), TWICE);
    g[SAMPLED].sample.loads = 4;
    ACCEPT(g, strict(0));
    g[SAMPLED].sample.loads = 2; /* of 3 that were seen */
    REJECT(g, strict(0), TWICE);
}

static void test_bounds(void)
{
    CLEAN(e);
    e[SAMPLED].sample.pool_size = 3;
    e[SAMPLED].sample.bytes_resident = e[SAMPLED].sample.bytes_peak = 300;
    ACCEPT(e, strict(0));
    e[SAMPLED].sample.pool_size = 4;
    REJECT(e, strict(0), BOUNDS);
    e[SAMPLED].sample.pool_size = 3;
    e[SAMPLED].sample.bytes_resident = 301;
    REJECT(e, strict(0), BOUNDS);
    e[SAMPLED].sample.bytes_resident = 0;
    e[SAMPLED].sample.bytes_peak = 301;
    REJECT(e, strict(0), BOUNDS);

    /* four images are held at once, if only for a moment; one of them by two ranks */
    event f[] = {wrote(1, 1, 0, 1),    wrote(1, 1, 1, 1),    wrote(1, 1, 2, 1),    wrote(1, 1, 3, 1),
                 got(10, 20, 0, 1, 1), got(10, 22, 0, 1, 1), got(10, 20, 1, 1, 2), got(10, 20, 2, 1, 3),
                 got(10, 26, 3, 1, 4), sampled(3, 300, 4, 1)};
    f[4].get.held_until = f[6].get.held_until = f[7].get.held_until = 27;
    REJECT(f, strict(0), BOUNDS);
    f[6].get.held_until = 26; /* given back just then */
    ACCEPT(f, strict(0));
}

static void test_victim(void)
{
    event e[16];
    size_t n = 0;
    rules r = strict(0);
    r.lru_room = 3;
    for (uint8_t b = 0; b < 5; b++) e[n++] = wrote(1, 1, b, 1);
    static const uint8_t gets[][2] = {{0, 1}, {1, 2}, {2, 3}, {0, 1},
                                      {3, 4}, {0, 1}, {1, 5}}; /* bundle, gen. */
    for (size_t i = 0; i < sizeof gets / sizeof *gets; i++)
        e[n++] = got(100 + 10 * i, 104 + 10 * i, gets[i][0], 1, gets[i][1]);
    e[n++] = sampled(3, 300, 6, 9);
    const size_t last = n - 2;
#define VICTIM_CASE(kind) expect_in(__FILE__, __LINE__, e, n, r, kind)
    VICTIM_CASE(NUM_VIOLATIONS);
    e[last].get.generation = 2; /* it was used least recently when b3 came */
    VICTIM_CASE(VIOLATION_VICTIM);
    e[last] = got(160, 164, 2, 1, 3); /* b2 is the most recent but two */
    VICTIM_CASE(NUM_VIOLATIONS);
    e[last].get.generation = 5;
    VICTIM_CASE(VIOLATION_VICTIM);
    e[last - 1] = forgot(150, 154, 0);
    e[last] = got(160, 164, 0, 1, 6);
    VICTIM_CASE(NUM_VIOLATIONS);
    e[last - 1] = forgot(150, 154, EVERY_BUNDLE);
    VICTIM_CASE(NUM_VIOLATIONS);
    e[last - 1] = got(150, 161, 0, 1, 1); /* overlaps the last one: nothing can be said */
    VICTIM_CASE(VIOLATION_VICTIM);
}

/* b0, b1, b2 are used one after the other, 10 apart, and fill the room; b3 takes `took` and evicts `victim`;
 * then what is left is used, the victim again, which evicts b3, and b3 again. */
static void expect_victim_of(int line, int nodes, uint64_t took, uint8_t victim, uint64_t spread,
                             violation kind)
{
    event e[20];
    size_t n = 0;
    uint64_t generation = 0, now = 100;
    rules r = strict(0);
    r.lru_room = 3;
    r.nodes = nodes;
    for (uint8_t b = 0; b < 5; b++) e[n++] = wrote(1, 1, b, 1);
    for (uint8_t b = 0; b < 3; b++, now += 10) e[n++] = got(now, now + 2, b, 1, ++generation);
    e[n++] = got(now, now + took, 3, 1, ++generation);
    if (spread >
        0) { /* two nodes told their ages within that get; of an earlier question it does not matter */
        e[n++] = told(now + 1, now + 1, 8);
        e[n++] = told(now + 1 + spread, now + 1 + spread, 8);
        e[n++] = told(now - 5, now - 5, 7);
        e[n++] = told(now + took, now + took, 7);
    }
    now += took + 1;
    for (uint8_t b = 0; b < 3; b++, now += 10) /* what is still there is hit, which shows it */
        if (b != victim) e[n++] = got(now, now + 2, b, 1, b + 1u);
    e[n++] = got(now, now + 2, victim, 1, ++generation); /* evicts b3: used long before the other two */
    e[n++] = got(now + 20, now + 22, 3, 1, ++generation);
    e[n++] = sampled(3, 300, (uint32_t)generation, 3);
    expect_in(__FILE__, line, e, n, r, kind);
}

static void expect_victim(int line, int nodes, uint64_t took, uint8_t victim, violation kind)
{
    expect_victim_of(line, nodes, took, victim, 0, kind);
}

static void test_spread(void)
{
    expect_victim(__LINE__, 1, 5, 0, NUM_VIOLATIONS);
    expect_victim(__LINE__, 1, 50, 1, VIOLATION_VICTIM); /* one node: exact, however long it takes */
    expect_victim(__LINE__, 4, 5, 0, NUM_VIOLATIONS);
    expect_victim(__LINE__, 4, 7, 1, VIOLATION_VICTIM); /* used 8 later, and reported within 7 */
    expect_victim(__LINE__, 4, 8, 1, NUM_VIOLATIONS);
    expect_victim(__LINE__, 4, 17, 2, VIOLATION_VICTIM);
    expect_victim(__LINE__, 4, 18, 2, NUM_VIOLATIONS);
    /* where it is known when the nodes told their ages, that counts, however long the get took */
    expect_victim_of(__LINE__, 4, 50, 0, 1, NUM_VIOLATIONS);
    expect_victim_of(__LINE__, 4, 50, 1, 7, VIOLATION_VICTIM);
    expect_victim_of(__LINE__, 4, 50, 1, 8, NUM_VIOLATIONS);
    expect_victim_of(__LINE__, 4, 50, 2, 17, VIOLATION_VICTIM);
    expect_victim_of(__LINE__, 4, 50, 2, 18, NUM_VIOLATIONS);
}

/* A pool that keeps every promise, by construction: each call takes effect at one moment of one clock, and is
 * logged as having lasted from some time before to some time after. */
enum { STEPS = 20000, BUNDLES = 5, ROOM = 3 };

typedef struct ideal {
    uint32_t on_disk[BUNDLES], version[BUNDLES];
    uint64_t generation[BUNDLES]; /* 0: not resident */
    uint64_t checked[BUNDLES], used[BUNDLES];
    uint64_t last_generation;
    uint32_t loads, evictions, resident;
} ideal;

static void load(ideal *p, int b, uint64_t now)
{
    int victim = -1;
    for (int i = 0; p->generation[b] == 0 && p->resident == ROOM && i < BUNDLES; i++)
        if (p->generation[i] > 0 && (victim < 0 || p->used[i] < p->used[victim])) victim = i;
    if (victim >= 0) {
        p->generation[victim] = 0;
        p->resident--;
        p->evictions++;
    }
    p->resident += p->generation[b] == 0;
    p->generation[b] = ++p->last_generation;
    p->version[b] = p->on_disk[b];
    p->checked[b] = now;
    p->loads++;
}

static size_t live(event *e, int64_t staleness, uint64_t *random)
{
    ideal p = {0};
    size_t n = 0;
    uint64_t now = 1000;
    for (uint8_t b = 0; b < BUNDLES; b++) e[n++] = wrote(1, 1, b, p.on_disk[b] = 1);
    while (n < STEPS - 1) {
        now += draw(random, 20);
        uint8_t b = (uint8_t)draw(random, BUNDLES);
        uint64_t what = draw(random, 40), begin = now - draw(random, 100), end = now + draw(random, 100);
        if (what == 0) {
            e[n++] = wrote(begin, end, b, ++p.on_disk[b]);
        } else if (what == 1) {
            bool all = draw(random, 4) == 0;
            for (int i = 0; i < BUNDLES; i++) {
                if ((!all && i != b) || p.generation[i] == 0) continue;
                p.generation[i] = 0;
                p.resident--;
            }
            e[n++] = forgot(begin, end, all ? EVERY_BUNDLE : b);
        } else {
            bool ask = staleness >= 0 && now - p.checked[b] > (uint64_t)staleness;
            if (p.generation[b] == 0 || (ask && p.version[b] != p.on_disk[b])) load(&p, b, now);
            if (ask) p.checked[b] = now;
            p.used[b] = now;
            e[n++] = got(begin, end, b, p.version[b], p.generation[b]);
        }
    }
    e[n++] = sampled(p.resident, 0, p.loads, p.evictions);
    return n;
}

static void test_ideal(void)
{
    event *e = malloc(STEPS * sizeof *e);
    CU_ASSERT_FATAL(e != NULL);
    uint64_t random = 42;
    static const int64_t staleness[] = {0, 200, -1};
    for (int i = 0; i < 12; i++) {
        rules r = strict(staleness[i % 3]);
        r.max_bytes = 0; /* who holds what is not modelled */
        size_t n = live(e, r.staleness_ns, &random);
        expect_in(__FILE__, __LINE__, e, n, r, NUM_VIOLATIONS);
        for (size_t k = n; k > 1; k--) { /* the order in which events are logged means nothing */
            size_t other = draw(&random, k);
            event t = e[k - 1];
            e[k - 1] = e[other];
            e[other] = t;
        }
        expect_in(__FILE__, __LINE__, e, n, r, NUM_VIOLATIONS);
    }
    free(e);
}

/* The same pool, but a get in a thousand returns what its bundle was before: that is always noticed. */
static void test_flawed(void)
{
    event *e = malloc(STEPS * sizeof *e);
    CU_ASSERT_FATAL(e != NULL);
    uint64_t random = 43;
    for (int i = 0; i < 5; i++) {
        rules r = strict(-1);
        r.max_bytes = 0;
        size_t n = live(e, 0, &random);
        const event *before[BUNDLES] = {NULL};
        for (size_t k = 0; k < n; k++) {
            if (e[k].kind != EVENT_GET) continue;
            const event *old = before[e[k].bundle];
            if (old && old->get.generation < e[k].get.generation && old->end + 1000 < e[k].begin &&
                draw(&random, 10) == 0)
                e[k].get = old->get;
            else if (!old || old->end + 5000 < e[k].begin)
                before[e[k].bundle] = &e[k];
        }
        verdict v;
        CU_ASSERT(check_history(e, n, &r, &v) && v.count[VIOLATION_BACK] > 0);
    }
    free(e);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"a clean history is accepted", test_clean},
        {"calls that failed", test_failed},
        {"torn images", test_torn},
        {"versions that were not there", test_unknown},
        {"generations with two versions", test_mixed},
        {"older than allowed", test_stale},
        {"back in time", test_back},
        {"returned although invalidated", test_forgotten},
        {"loaded twice", test_twice},
        {"beyond the bounds", test_bounds},
        {"the wrong victim", test_victim},
        {"the wrong victim of several nodes", test_spread},
        {"an ideal pool is accepted", test_ideal},
        {"a flawed one is not", test_flawed},
        CU_TEST_INFO_NULL,
    };
    return suite_main("history checker", tests);
}
