/* The control window of a node, used by one thread: geometry, steps of a slot, chains, pins, counts. */
#include "tests/core/make_directory.h"

#include "core/atomic.h"

static const bp__identity SOME_FILE = {1, 2, 3, 4, 5};

static uint64_t word_of(const bp__directory *dir, uint32_t slot)
{
    return bp__load_seq_cst(&dir->slot[slot].word);
}

static bp__key key_of(const char *name)
{
    bp__key key;
    CU_ASSERT_FATAL(bp__key_from(name, &key));
    return key;
}

static void test_words(void)
{
    static const uint64_t generations[] = {0, 1, 255, UINT64_C(1) << 32, (UINT64_C(1) << 56) - 1};
    for (size_t g = 0; g < sizeof generations / sizeof *generations; g++) {
        for (int fill = BP__SLOT_FREE; fill <= BP__SLOT_FAILED; fill++) {
            for (int listed = 0; listed < 2; listed++) {
                uint64_t w = bp__word(generations[g], (bp__fill)fill, listed);
                CU_ASSERT_EQUAL(bp__word_generation(w), generations[g]);
                CU_ASSERT_EQUAL((int)bp__word_fill(w), fill);
                CU_ASSERT_EQUAL(bp__word_listed(w), listed);
            }
        }
    }
    CU_ASSERT_EQUAL(bp__word(0, BP__SLOT_FREE, false), 0); /* zeroed memory is full of free slots */
}

static void test_keys(void)
{
    char name[BP_NAME_MAX + 2];
    bp__key key, keys[BP_NAME_MAX];
    CU_ASSERT_FALSE(bp__key_from("", &key));
    memset(name, 'n', sizeof name);
    name[BP_NAME_MAX + 1] = '\0';
    CU_ASSERT_FALSE(bp__key_from(name, &key));
    for (size_t n = BP_NAME_MAX; n > 0; n--) { /* each a prefix of the one before */
        name[n] = '\0';
        CU_ASSERT_TRUE(bp__key_from(name, &keys[n - 1]));
        for (size_t k = n; k < BP_NAME_MAX; k++) {
            CU_ASSERT(memcmp(keys[n - 1].part, keys[k].part, sizeof key.part) != 0);
            CU_ASSERT_NOT_EQUAL(keys[n - 1].hash, keys[k].hash);
        }
    }
    CU_ASSERT_TRUE(bp__key_from("quandl", &key));
    char padded[BP_NAME_MAX + 1] = "quandl";
    CU_ASSERT(memcmp(padded, key.part, sizeof padded) == 0);
}

static void test_geometry(void)
{
    static const uint32_t slots[] = {1, 3, 32, 33, 100, 1024, 8192}, ranks[] = {1, 2, 16, 100};
    static const size_t pages[] = {4096, 65536};
    for (size_t i = 0; i < sizeof slots / sizeof *slots; i++) {
        for (size_t k = 0; k < sizeof ranks / sizeof *ranks; k++) {
            for (size_t p = 0; p < sizeof pages / sizeof *pages; p++) {
                bp__directory d;
                size_t page = pages[p], bytes = bp__dir_bytes(slots[i], ranks[k], page);
                char *base = (char *)(uintptr_t)(page * 16); /* attaching touches nothing */
                bp__dir_attach(&d, base, slots[i], ranks[k], page);
                CU_ASSERT(d.num_slots == slots[i] && d.num_ranks == ranks[k]);
                CU_ASSERT(d.bucket_mask >= slots[i] && (d.bucket_mask & (d.bucket_mask + 1)) == 0);
                /* each part begins where the one before has ended, or later */
                CU_ASSERT((char *)d.header == base);
                CU_ASSERT((char *)d.bucket >= (char *)(d.header + 1));
                CU_ASSERT((char *)d.slot >= (char *)(d.bucket + d.bucket_mask + 1));
                CU_ASSERT((char *)d.reply >= (char *)(d.slot + slots[i]));
                CU_ASSERT(base + d.agent_bytes >= (char *)(d.reply + (size_t)ranks[k] * BP__BOXES));
                CU_ASSERT((char *)d.doorbell == base + d.agent_bytes);
                CU_ASSERT(d.lines == base + d.agent_bytes + d.common_bytes);
                CU_ASSERT((char *)(bp__dir_used(&d, bp__dir_lines(&d, 0)) + slots[i]) <=
                          d.lines + d.lines_stride);
                CU_ASSERT((size_t)(d.lines - base) + ranks[k] * d.lines_stride == bytes);
                CU_ASSERT(((uintptr_t)d.bucket | (uintptr_t)d.slot | (uintptr_t)d.reply) % 64 == 0);
                CU_ASSERT((d.agent_bytes | d.common_bytes | d.lines_stride | bytes) % page == 0);
                CU_ASSERT(d.common_bytes > 0);
            }
        }
    }
}

static void test_check(void)
{
    bp__directory d, other;
    void *memory = make_directory(&d, 4, 3);
    MUST(bp__dir_check(&d));
    MUST(bp__dir_selfcheck(&d));
    bp__dir_attach(&other, memory, 4, 2, PAGE);
    FAILS(bp__dir_check(&other), BP_EINVAL, "different builds");
    bp__dir_attach(&other, memory, 5, 3, PAGE);
    CU_ASSERT_EQUAL(bp__dir_check(&other), BP_EINVAL);
    d.header->magic++;
    CU_ASSERT_EQUAL(bp__dir_check(&d), BP_EINVAL);
    d.header->magic--;
    d.header->layout_id++;
    CU_ASSERT_EQUAL(bp__dir_check(&d), BP_EINVAL);
    d.header->layout_id--;
    CU_ASSERT_EQUAL(bp__dir_check(&d), BP_OK);
    CU_ASSERT_EQUAL(d.header->ticks_per_ms, 1000);
    free(memory);
}

/* One slot from FREE to FREE, seen by a rank that has pinned it on the way. */
static void test_life(void)
{
    bp__directory d;
    void *memory = make_directory(&d, 4, 2);
    bp__lines *own = bp__dir_lines(&d, 1);
    bp__key key = key_of("quandl");
    uint64_t word = 77;
    CU_ASSERT_EQUAL(bp__dir_pin(&d, own, &key, BP__ONE_PIN, &word), BP__NO_SLOT);
    CU_ASSERT_EQUAL(word, 77);

    bp__dir_open(&d, 2, 10, "quandl");
    CU_ASSERT_EQUAL(bp__dir_find(&d, &key), 2);
    CU_ASSERT_EQUAL(bp__dir_pin(&d, own, &key, BP__ONE_PIN, &word), 2);
    CU_ASSERT_EQUAL(word, bp__word(10, BP__SLOT_OPEN, true));
    CU_ASSERT_EQUAL(bp__dir_pins(&d, 2), 1);
    bp__dir_fill(&d, 2, (bp__extent){PAGE, 3 * PAGE}, (bp__extent){0, 0});
    CU_ASSERT_EQUAL(word_of(&d, 2), bp__word(10, BP__SLOT_FILL, true));
    bp__dir_ready(&d, 2, &SOME_FILE, 1234);
    CU_ASSERT_EQUAL(word_of(&d, 2), bp__word(10, BP__SLOT_READY, true));
    CU_ASSERT_EQUAL(bp__load_seq_cst(&d.slot[2].checked), 1234);
    CU_ASSERT(d.slot[2].extent.offset == PAGE && d.slot[2].extent.bytes == 3 * PAGE);
    CU_ASSERT(bp__identity_equal(&d.slot[2].identity, &SOME_FILE));
    MUST(bp__dir_selfcheck(&d));

    bp__dir_unlist(&d, 2);
    CU_ASSERT_EQUAL(word_of(&d, 2), bp__word(10, BP__SLOT_READY, false));
    CU_ASSERT_EQUAL(bp__dir_find(&d, &key), BP__NO_SLOT);
    CU_ASSERT_EQUAL(bp__dir_pin(&d, own, &key, BP__ONE_PIN, &word), BP__NO_SLOT);
    CU_ASSERT_EQUAL(bp__dir_pins(&d, 2), 1); /* the old pin holds */
    bp__dir_open(&d, 0, 11, "quandl");       /* the next version has a slot of its own */
    CU_ASSERT_EQUAL(bp__dir_pin(&d, own, &key, BP__ONE_PIN, &word), 0);
    bp__add_relaxed(&own->use[2], 3 * BP__ONE_GET);
    CU_ASSERT_TRUE(bp__dir_release(own, 2));
    CU_ASSERT_FALSE(bp__dir_release(own, 2));
    CU_ASSERT_EQUAL(bp__load_relaxed(&own->use[2]), 3 * BP__ONE_GET);
    CU_ASSERT_EQUAL(bp__dir_pins(&d, 2), 0);
    bp__dir_reclaim(&d, 2);
    CU_ASSERT_EQUAL(bp__word_fill(word_of(&d, 2)), BP__SLOT_FREE);
    bp__dir_unpin(own, 0, BP__ONE_PIN);
    MUST(bp__dir_selfcheck(&d));
    free(memory);
}

static void test_failure(void)
{
    bp__directory d;
    char text[2 * BP_ERROR_TEXT_MAX];
    void *memory = make_directory(&d, 3, 1);
    bp__key key = key_of("broken");
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    bp__dir_open(&d, 0, 1, "broken");
    bp__dir_fail(&d, 0, BP_EFORMAT, "broken.h5: no dataset data/close");
    CU_ASSERT_EQUAL(word_of(&d, 0), bp__word(1, BP__SLOT_FAILED, false));
    CU_ASSERT_EQUAL(d.slot[0].code, BP_EFORMAT);
    CU_ASSERT_STRING_EQUAL(d.slot[0].text, "broken.h5: no dataset data/close");
    CU_ASSERT_EQUAL(bp__dir_find(&d, &key), BP__NO_SLOT);

    bp__dir_open(&d, 1, 2, "broken"); /* while the old failure is still there */
    bp__dir_fill(&d, 1, (bp__extent){0, PAGE}, (bp__extent){0, 0});
    bp__dir_unlist(&d, 1); /* invalidated while it was loading */
    bp__dir_fail(&d, 1, BP_EIO, text);
    CU_ASSERT_EQUAL(word_of(&d, 1), bp__word(2, BP__SLOT_FAILED, false));
    CU_ASSERT_EQUAL(strlen(d.slot[1].text), BP_ERROR_TEXT_MAX - 1);
    MUST(bp__dir_selfcheck(&d));

    bp__dir_reclaim(&d, 0);
    bp__dir_open(&d, 0, 3, "broken"); /* nothing of the old life is left */
    CU_ASSERT_EQUAL(d.slot[0].code, BP_OK);
    CU_ASSERT_STRING_EQUAL(d.slot[0].text, "");
    CU_ASSERT_EQUAL(d.slot[0].extent.bytes, 0);
    bp__dir_unlist(&d, 0); /* OPEN and unlisted goes on to READY, unlisted */
    bp__dir_fill(&d, 0, (bp__extent){PAGE, PAGE}, (bp__extent){0, 0});
    bp__dir_ready(&d, 0, &SOME_FILE, 1);
    CU_ASSERT_EQUAL(word_of(&d, 0), bp__word(3, BP__SLOT_READY, false));
    MUST(bp__dir_selfcheck(&d));
    free(memory);
}

/* Names of one bucket, taken out from the middle, the head and the tail of their chain. */
static void test_chains(void)
{
    enum { N = 6 };
    static const uint32_t orders[][N] = {
        {0, 1, 2, 3, 4, 5}, {5, 4, 3, 2, 1, 0}, {2, 5, 0, 3, 1, 4}, {3, 2, 4, 1, 0, 5}};
    bp__directory d;
    char name[N][16];
    bp__key key[N];
    void *memory = make_directory(&d, N, 1);
    bp__lines *own = bp__dir_lines(&d, 0);
    uint64_t generation = 0, word;
    make_names(&d, name, key, N);
    for (size_t o = 0; o < sizeof orders / sizeof *orders; o++) {
        for (uint32_t i = 0; i < N; i++) bp__dir_open(&d, i, ++generation, name[i]);
        for (uint32_t gone = 0; gone <= N; gone++) {
            MUST(bp__dir_selfcheck(&d));
            for (uint32_t i = 0; i < N; i++) {
                bool there = bp__word_listed(word_of(&d, i));
                CU_ASSERT_EQUAL(bp__dir_find(&d, &key[i]), there ? i : BP__NO_SLOT);
                CU_ASSERT_EQUAL(bp__dir_pin(&d, own, &key[i], BP__ONE_PIN, &word), there ? i : BP__NO_SLOT);
                if (there) bp__dir_unpin(own, i, BP__ONE_PIN);
            }
            if (gone < N) bp__dir_fail(&d, orders[o][gone], BP_EIO, "");
        }
        for (uint32_t i = 0; i < N; i++) bp__dir_reclaim(&d, i);
    }
    free(memory);
}

static void test_counts(void)
{
    bp__directory d;
    void *memory = make_directory(&d, 3, 2);
    bp__lines *a = bp__dir_lines(&d, 0), *b = bp__dir_lines(&d, 1);
    bp__key one = key_of("one"), two = key_of("two");
    uint64_t word;
    bp__dir_open(&d, 0, 1, "one");
    bp__dir_open(&d, 1, 2, "two");
    for (int i = 0; i < 5; i++) bp__dir_pin(&d, a, &one, BP__ONE_PIN + BP__ONE_GET, &word);
    for (int i = 0; i < 3; i++) bp__dir_pin(&d, a, &two, BP__ONE_PIN + BP__ONE_GET, &word);
    bp__dir_pin(&d, b, &two, BP__ONE_PIN + BP__ONE_GET, &word);
    bp__dir_pin(&d, b, &two, BP__ONE_PIN, &word); /* not a get */
    CU_ASSERT_EQUAL(bp__dir_pins(&d, 0), 5);
    CU_ASSERT_EQUAL(bp__dir_pins(&d, 1), 5);
    for (int i = 0; i < 5; i++) bp__dir_unpin(a, 0, BP__ONE_PIN);
    CU_ASSERT_EQUAL(bp__dir_pins(&d, 0), 0);
    bp__store_seq_cst(&a->late_hits, 10);
    bp__store_seq_cst(&a->misses, 20);
    bp__store_seq_cst(&a->checks, 30);
    bp__store_seq_cst(&a->wait_ns, 40);

    bp__report counts = {.hits = 100};
    bp__dir_count(&d, 0, &counts);
    CU_ASSERT(counts.hits == 118 && counts.misses == 20 && counts.rank_checks == 30 && counts.wait_ns == 40);
    bp__dir_count(&d, 1, &counts);
    CU_ASSERT(counts.hits == 119 && counts.misses == 20 && counts.rank_checks == 30 && counts.wait_ns == 40);

    CU_ASSERT_EQUAL(bp__dir_last_use(&d, 1), 0);
    bp__store_seq_cst(&bp__dir_used(&d, a)[1], 500);
    bp__store_seq_cst(&bp__dir_used(&d, b)[1], 400);
    CU_ASSERT_EQUAL(bp__dir_last_use(&d, 1), 500);
    CU_ASSERT_EQUAL(bp__dir_last_use(&d, 0), 0);
    free(memory);
}

static void test_selfcheck(void)
{
    bp__directory d;
    void *memory = make_directory(&d, 3, 1);
    bp__dir_open(&d, 0, 1, "one");
    bp__dir_fill(&d, 0, (bp__extent){0, 2 * PAGE}, (bp__extent){0, 0});
    bp__dir_open(&d, 1, 2, "two");
    bp__dir_fill(&d, 1, (bp__extent){2 * PAGE, PAGE}, (bp__extent){0, 0});
    MUST(bp__dir_selfcheck(&d));

    d.slot[1].extent.offset = PAGE;
    FAILS(bp__dir_selfcheck(&d), BP_EINVAL, "share memory");
    d.slot[1].extent.offset = 2 * PAGE;
    bp__store_seq_cst(&d.slot[1].word, bp__word(2, BP__SLOT_FILL, false));
    FAILS(bp__dir_selfcheck(&d), BP_EINVAL, "chained, not listed");
    bp__store_seq_cst(&d.slot[1].word, bp__word(2, BP__SLOT_FAILED, true));
    FAILS(bp__dir_selfcheck(&d), BP_EINVAL, "free or failed");
    bp__store_seq_cst(&d.slot[1].word, bp__word(2, BP__SLOT_FILL, true));
    bp__store_seq_cst(&d.slot[2].word, bp__word(3, BP__SLOT_OPEN, true));
    FAILS(bp__dir_selfcheck(&d), BP_EINVAL, "3 listed, 2 chained");
    bp__store_seq_cst(&d.slot[2].word, 0);
    bp__store_seq_cst(&d.slot[0].next, 0);
    FAILS(bp__dir_selfcheck(&d), BP_EINVAL, "runs wild");
    bp__store_seq_cst(&d.slot[0].next, BP__NO_SLOT);
    MUST(bp__dir_selfcheck(&d));
    free(memory);
}

/* At random -------------------------------------------------------------------------------------- */

enum { SLOTS = 9, RANKS = 3, NAMES = 6 };

typedef struct model {
    struct {
        uint64_t generation, pins[RANKS];
        bp__fill fill;
        bool listed;
        unsigned name;
    } slot[SLOTS];
    uint64_t generation;
    char name[NAMES][16];
    bp__key key[NAMES];
} model;

static uint32_t model_find(const model *m, unsigned name)
{
    for (uint32_t s = 0; s < SLOTS; s++)
        if (m->slot[s].listed && m->slot[s].name == name) return s;
    return BP__NO_SLOT;
}

static uint64_t model_pins(const model *m, uint32_t s)
{
    return m->slot[s].pins[0] + m->slot[s].pins[1] + m->slot[s].pins[2];
}

/* Move a slot on, in a way that its state allows. */
static void step_agent(bp__directory *d, model *m, uint32_t s, uint64_t *state)
{
    bool loading = m->slot[s].fill == BP__SLOT_OPEN || m->slot[s].fill == BP__SLOT_FILL;
    if (m->slot[s].fill == BP__SLOT_FREE) {
        unsigned name = (unsigned)draw(state, NAMES);
        if (model_find(m, name) != BP__NO_SLOT) return;
        m->slot[s].generation = ++m->generation;
        m->slot[s].name = name;
        m->slot[s].listed = true;
        m->slot[s].fill = BP__SLOT_OPEN;
        bp__dir_open(d, s, m->generation, m->name[name]);
    } else if (m->slot[s].listed && draw(state, 3) == 0) {
        m->slot[s].listed = false;
        bp__dir_unlist(d, s);
    } else if (loading && draw(state, 4) == 0) {
        m->slot[s].listed = false;
        m->slot[s].fill = BP__SLOT_FAILED;
        bp__dir_fail(d, s, BP_EIO, "at random");
    } else if (m->slot[s].fill == BP__SLOT_OPEN) {
        m->slot[s].fill = BP__SLOT_FILL;
        bp__dir_fill(d, s, (bp__extent){s * PAGE, PAGE}, (bp__extent){0, 0});
    } else if (m->slot[s].fill == BP__SLOT_FILL) {
        m->slot[s].fill = BP__SLOT_READY;
        bp__dir_ready(d, s, &SOME_FILE, 1);
    } else if (!m->slot[s].listed && model_pins(m, s) == 0) {
        m->slot[s].fill = BP__SLOT_FREE;
        bp__dir_reclaim(d, s);
    }
}

static void step_rank(const bp__directory *d, model *m, uint64_t *state)
{
    uint32_t rank = (uint32_t)draw(state, RANKS), s = (uint32_t)draw(state, SLOTS);
    bp__lines *own = bp__dir_lines(d, rank);
    if (draw(state, 2)) {
        unsigned name = (unsigned)draw(state, NAMES);
        uint64_t word;
        s = bp__dir_pin(d, own, &m->key[name], BP__ONE_PIN, &word);
        CU_ASSERT_EQUAL_FATAL(s, model_find(m, name));
        if (s == BP__NO_SLOT) return;
        CU_ASSERT_EQUAL(word, word_of(d, s));
        m->slot[s].pins[rank]++;
    } else if (m->slot[s].pins[rank]) {
        bp__dir_unpin(own, s, BP__ONE_PIN);
        m->slot[s].pins[rank]--;
    }
}

static void test_random(void)
{
    static model m;
    bp__directory d;
    uint64_t state = 4711;
    void *memory = make_directory(&d, SLOTS, RANKS);
    make_names(&d, m.name, m.key, NAMES);
    for (int step = 0; step < 100000; step++) {
        if (draw(&state, 2))
            step_agent(&d, &m, (uint32_t)draw(&state, SLOTS), &state);
        else
            step_rank(&d, &m, &state);
        MUST(bp__dir_selfcheck(&d));
        for (uint32_t s = 0; s < SLOTS; s++) {
            CU_ASSERT_EQUAL(word_of(&d, s), bp__word(m.slot[s].generation, m.slot[s].fill, m.slot[s].listed));
            CU_ASSERT_EQUAL(bp__dir_pins(&d, s), model_pins(&m, s));
        }
        for (unsigned n = 0; n < NAMES; n++) CU_ASSERT_EQUAL(bp__dir_find(&d, &m.key[n]), model_find(&m, n));
    }
    CU_ASSERT(m.generation > 1000); /* slots were used over and over */
    free(memory);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"words", test_words},
        {"keys", test_keys},
        {"geometry", test_geometry},
        {"check of the layout", test_check},
        {"life of a slot", test_life},
        {"failure", test_failure},
        {"chains", test_chains},
        {"counts", test_counts},
        {"selfcheck", test_selfcheck},
        {"random operations", test_random},
        CU_TEST_INFO_NULL,
    };
    return suite_main("directory", tests);
}
