/* What room decides. It is linked with the core alone: no MPI, no coordinator, no clock. */
#include "tests/core/suite.h"

#include <stdio.h>
#include <stdlib.h>

#include "mpi/room.h"

#define PAGE  4096u
#define MS    UINT64_C(1000000)
#define SLOTS 8u

/* A coordinator that carries decisions out and nothing else. */
static struct {
    bp__room room;
    bp__arena *arena;
    bp__entry entry[SLOTS];
    bp__age age[SLOTS];
    bp__decision d;
    uint64_t now;
} f;

static void set_up(uint64_t pages, int64_t max_bundles, bp_transfer transfer, bool one_machine)
{
    memset(&f, 0, sizeof f);
    f.now = 1;
    for (uint32_t s = 0; s < SLOTS; s++) f.age[s].pinned_by = -1;
    MUST(bp__arena_create(4 * pages * PAGE, pages * PAGE, PAGE, &f.arena));
    bp__room_setup setup = {.num_slots = SLOTS,
                            .max_bundles = max_bundles,
                            .timeout_ms = 100,
                            .transfer = transfer,
                            .travels = true,
                            .one_machine = one_machine,
                            .most_memory = 2 * pages * PAGE,
                            .memory_from = "half of a test",
                            .remedy = "take a larger test"};
    MUST(bp__room_init(&f.room, &setup, f.arena));
}

static void tear_down(void)
{
    bp__room_fini(&f.room);
    bp__arena_destroy(&f.arena);
}

static bp__decision_kind decide(void)
{
    bp__room_decide(&f.room, f.entry, f.now, &f.d);
    if (f.d.kind == BP__ROOM_EVICT) f.entry[f.d.slot].listed = false;
    if (f.d.kind == BP__ROOM_FAIL) f.entry[f.d.slot] = (bp__entry){.fill = BP__SLOT_FREE};
    if (f.d.kind == BP__ROOM_START) {
        f.entry[f.d.slot].fill = BP__SLOT_FILL;
        f.entry[f.d.slot].extent = f.d.extent;
        f.entry[f.d.slot].stage = f.d.stage;
    }
    return f.d.kind;
}

static void enter(uint32_t slot, bp__need need)
{
    bp__entry *e = &f.entry[slot];
    *e = (bp__entry){.fill = BP__SLOT_OPEN, .listed = true};
    snprintf(e->name, sizeof e->name, "b%u", slot);
    bp__room_enter(&f.room, slot, &need);
}

static void enter_pages(uint32_t slot, uint64_t pages)
{
    enter(slot, (bp__need){.image_bytes = pages * PAGE});
}

static void end_load(uint32_t slot)
{
    bp__entry *e = &f.entry[slot];
    if (e->stage.bytes > 0) bp__arena_release(f.arena, e->stage, false);
    e->stage = (bp__extent){0, 0};
    e->fill = BP__SLOT_READY;
}

static void drain(uint32_t slot)
{
    bp__arena_release(f.arena, f.entry[slot].extent, true);
    f.entry[slot] = (bp__entry){.fill = BP__SLOT_FREE};
    bp__room_changed(&f.room);
}

/* A bundle that is resident, last used `age` ns ago. */
static void make_resident(uint32_t slot, uint64_t pages, uint64_t age)
{
    enter_pages(slot, pages);
    CU_ASSERT_EQUAL_FATAL(decide(), BP__ROOM_START);
    CU_ASSERT_EQUAL_FATAL(f.d.slot, slot);
    end_load(slot);
    f.age[slot].age_ns = age;
}

static void hear_ages(void)
{
    bp__room_heard_ages(&f.room, f.entry, f.age);
}

static void test_first_come(void)
{
    set_up(4, SLOTS, BP_TRANSFER_AUTO, true);
    CU_ASSERT_EQUAL(decide(), BP__ROOM_NOTHING);
    enter_pages(5, 3);
    enter_pages(2, 2); /* does not fit beside the first, and */
    enter_pages(7, 1); /* would fit, but no load overtakes another */
    CU_ASSERT_EQUAL(decide(), BP__ROOM_START);
    CU_ASSERT_EQUAL(f.d.slot, 5);
    CU_ASSERT_EQUAL(f.d.extent.bytes, 3 * PAGE);
    CU_ASSERT_EQUAL(f.d.stage.bytes, 0);
    CU_ASSERT_EQUAL(decide(), BP__ROOM_ASK);
    CU_ASSERT_EQUAL(decide(), BP__ROOM_NOTHING);
    end_load(5);
    f.entry[5].listed = false;
    drain(5);
    CU_ASSERT_EQUAL(decide(), BP__ROOM_START);
    CU_ASSERT_EQUAL(f.d.slot, 2);
    CU_ASSERT_EQUAL(decide(), BP__ROOM_START);
    CU_ASSERT_EQUAL(f.d.slot, 7);
    CU_ASSERT_EQUAL(decide(), BP__ROOM_NOTHING);
    tear_down();
}

static void test_too_large(void)
{
    set_up(4, SLOTS, BP_TRANSFER_AUTO, true);
    make_resident(0, 2, 1);
    enter(1, (bp__need){.image_bytes = 4 * PAGE + 1});
    CU_ASSERT_EQUAL(decide(), BP__ROOM_FAIL);
    CU_ASSERT_EQUAL(f.d.slot, 1);
    CU_ASSERT_EQUAL(f.d.code, BP_EFULL);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.d.text, "b1: its image of 16385 bytes is larger"));
    CU_ASSERT_PTR_NOT_NULL(strstr(f.d.text, "(half of a test); set pool_memory higher, to at most 32768"));
    CU_ASSERT_EQUAL(decide(), BP__ROOM_NOTHING);
    CU_ASSERT(f.entry[0].listed);
    enter(2, (bp__need){.image_bytes = 8 * PAGE + 1});
    CU_ASSERT_EQUAL(decide(), BP__ROOM_FAIL);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(f.d.text, "(half of a test); take a larger test")); /* nothing else would do */
    tear_down();
}

/* The oldest that are not pinned go, no more than needed, and each is named once. */
static void test_victims(void)
{
    set_up(8, SLOTS, BP_TRANSFER_AUTO, true);
    make_resident(0, 2, 10);
    make_resident(1, 2, 40);
    make_resident(2, 2, 30);
    make_resident(3, 2, 20);
    f.age[1] = (bp__age){.age_ns = 40, .pins = 1, .pinned_by = 6};
    enter_pages(4, 4);
    CU_ASSERT_EQUAL(decide(), BP__ROOM_ASK);
    hear_ages();
    CU_ASSERT_EQUAL(decide(), BP__ROOM_EVICT);
    CU_ASSERT_EQUAL(f.d.slot, 2);
    CU_ASSERT_EQUAL(decide(), BP__ROOM_EVICT);
    CU_ASSERT_EQUAL(f.d.slot, 3);
    CU_ASSERT_EQUAL(decide(), BP__ROOM_NOTHING);
    drain(2);
    CU_ASSERT_EQUAL(decide(), BP__ROOM_ASK); /* something has changed */
    hear_ages();
    CU_ASSERT_EQUAL(decide(), BP__ROOM_NOTHING); /* what is on its way out is enough */
    drain(3);
    CU_ASSERT_EQUAL(decide(), BP__ROOM_START);
    CU_ASSERT_EQUAL(f.d.slot, 4);
    CU_ASSERT(f.entry[0].listed && f.entry[1].listed);
    tear_down();
}

/* Ages are asked for every 20 ms while nothing changes, one question at a time. */
static void test_asking(void)
{
    set_up(4, SLOTS, BP_TRANSFER_AUTO, true);
    make_resident(0, 4, 1);
    f.age[0] = (bp__age){.pins = 1, .pinned_by = 2};
    enter_pages(1, 4);
    CU_ASSERT_EQUAL(decide(), BP__ROOM_ASK);
    f.now += 50 * MS;
    CU_ASSERT_EQUAL(decide(), BP__ROOM_NOTHING); /* the ages are still on their way */
    hear_ages();
    CU_ASSERT_EQUAL(decide(), BP__ROOM_EVICT); /* pinned, and all there is: it goes when it can */
    CU_ASSERT_EQUAL(decide(), BP__ROOM_ASK);
    hear_ages();
    CU_ASSERT_EQUAL(decide(), BP__ROOM_NOTHING);
    f.now += 20 * MS - 1;
    CU_ASSERT_EQUAL(decide(), BP__ROOM_NOTHING);
    f.now++;
    CU_ASSERT_EQUAL(decide(), BP__ROOM_ASK);
    tear_down();
}

/* An answer that comes after its load has gone says nothing about what was used since. */
static void test_outdated_ages(void)
{
    set_up(4, SLOTS, BP_TRANSFER_AUTO, true);
    make_resident(0, 2, 5);
    make_resident(1, 2, 9);
    enter_pages(2, 2);
    CU_ASSERT_EQUAL(decide(), BP__ROOM_ASK);
    hear_ages();
    CU_ASSERT_EQUAL(decide(), BP__ROOM_EVICT);
    CU_ASSERT_EQUAL(f.d.slot, 1);
    f.now += 20 * MS;
    CU_ASSERT_EQUAL(decide(), BP__ROOM_ASK); /* the answer to this comes late */
    drain(1);
    CU_ASSERT_EQUAL(decide(), BP__ROOM_START);
    end_load(2);
    f.age[2].age_ns = UINT64_MAX; /* as it was then: never used */
    enter_pages(3, 2);
    CU_ASSERT_EQUAL(decide(), BP__ROOM_NOTHING);
    hear_ages();
    CU_ASSERT_EQUAL(decide(), BP__ROOM_ASK);
    f.age[2].age_ns = 1;
    hear_ages();
    CU_ASSERT_EQUAL(decide(), BP__ROOM_EVICT);
    CU_ASSERT_EQUAL(f.d.slot, 0);
    tear_down();
}

/* Time runs while pins alone are in the way, not while another load fills. */
static void test_pinned(void)
{
    set_up(6, SLOTS, BP_TRANSFER_AUTO, true);
    make_resident(0, 4, 1);
    f.age[0] = (bp__age){.pins = 2, .pinned_by = 3};
    enter_pages(1, 1);
    CU_ASSERT_EQUAL(decide(), BP__ROOM_START);
    enter_pages(2, 3);
    CU_ASSERT_EQUAL(decide(), BP__ROOM_ASK);
    f.now += 1000 * MS;
    CU_ASSERT_EQUAL(decide(), BP__ROOM_NOTHING);
    end_load(1);
    hear_ages();
    CU_ASSERT_EQUAL(decide(), BP__ROOM_EVICT);
    CU_ASSERT_EQUAL(f.d.slot, 1);
    CU_ASSERT_EQUAL(decide(), BP__ROOM_EVICT);
    CU_ASSERT_EQUAL(f.d.slot, 0);
    f.now += 100 * MS - 1;
    CU_ASSERT_EQUAL(decide(), BP__ROOM_ASK);
    f.now++;
    CU_ASSERT_EQUAL(decide(), BP__ROOM_FAIL);
    CU_ASSERT_EQUAL(f.d.slot, 2);
    CU_ASSERT_EQUAL(f.d.code, BP_EFULL);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.d.text, "b2: no room for its 12288 bytes in 24576"));
    CU_ASSERT_PTR_NOT_NULL(strstr(f.d.text, ": b0 (rank 3)"));
    CU_ASSERT_PTR_NULL(strstr(f.d.text, "b1"));
    tear_down();
}

/* As many are listed as is allowed, and a smaller bound is enforced without a load, too. */
static void test_max_bundles(void)
{
    set_up(8, 2, BP_TRANSFER_AUTO, true);
    make_resident(0, 1, 10);
    make_resident(1, 1, 20);
    enter_pages(2, 1);
    CU_ASSERT_EQUAL(decide(), BP__ROOM_ASK);
    hear_ages();
    CU_ASSERT_EQUAL(decide(), BP__ROOM_EVICT);
    CU_ASSERT_EQUAL(f.d.slot, 1);
    CU_ASSERT_EQUAL(decide(), BP__ROOM_START); /* its memory is not needed */
    CU_ASSERT_EQUAL(f.d.slot, 2);
    end_load(2);
    CU_ASSERT_EQUAL(bp__room_listed(f.entry, SLOTS), 2);
    CU_ASSERT_EQUAL(decide(), BP__ROOM_NOTHING);
    f.room.setup.max_bundles = 1;
    CU_ASSERT_EQUAL(decide(), BP__ROOM_ASK);
    hear_ages();
    CU_ASSERT_EQUAL(decide(), BP__ROOM_EVICT);
    CU_ASSERT_EQUAL(f.d.slot, 0);
    CU_ASSERT_EQUAL(decide(), BP__ROOM_NOTHING);
    tear_down();
}

/* A stage gets what is left: all chunks, a ring of them, or nothing. No bundle goes for it. */
static void test_stage(void)
{
    const bp__need need = {
        .image_bytes = 100 * PAGE, .tables = PAGE, .chunks = 2000 * PAGE, .least_ring = PAGE};
    static const struct {
        uint64_t pages, stage;
        bool stored;
    } memory[] = {{2101, 2001, true}, {2100, 1025, false}, {1125, 1025, false}, {1124, 0, false}};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++) {
        set_up(memory[i].pages, SLOTS, BP_TRANSFER_STORED, true);
        enter(0, need);
        CU_ASSERT_EQUAL(decide(), BP__ROOM_START);
        CU_ASSERT_EQUAL(f.d.stage.bytes, memory[i].stage * PAGE);
        CU_ASSERT_EQUAL(f.d.stored, memory[i].stored);
        CU_ASSERT_EQUAL(decide(), BP__ROOM_NOTHING);
        tear_down();
    }
    set_up(4000, SLOTS, BP_TRANSFER_DECODED, true);
    enter(0, need);
    CU_ASSERT_EQUAL(decide(), BP__ROOM_START);
    CU_ASSERT_EQUAL(f.d.stage.bytes, 1025 * PAGE);
    CU_ASSERT_FALSE(f.d.stored);
    tear_down();
}

/* What decoders hold is reserved with the stage, in whole pages, and not the stage's. */
static void test_decoders(void)
{
    bp__need need = {.image_bytes = 100 * PAGE,
                     .tables = PAGE,
                     .chunks = 20 * PAGE,
                     .least_ring = PAGE,
                     .decoders = 9 * PAGE + 1};
    static const struct {
        uint64_t pages, stage;
        bool stored;
    } memory[] = {{131, 31, true}, {130, 0, false}};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++) {
        set_up(memory[i].pages, SLOTS, BP_TRANSFER_STORED, true);
        enter(0, need);
        CU_ASSERT_EQUAL(decide(), BP__ROOM_START);
        CU_ASSERT_EQUAL(f.d.stage.bytes, memory[i].stage * PAGE);
        CU_ASSERT_EQUAL(f.d.decoders, 10 * PAGE);
        CU_ASSERT_EQUAL(f.d.stored, memory[i].stored);
        CU_ASSERT_EQUAL(bp__arena_used(f.arena), 100 * PAGE + memory[i].stage * PAGE);
        tear_down();
    }
}

/* Memory that comes back by itself is waited for: no bundle goes if a stage, or what a failed load leaves,
 * will do instead. */
static void test_comes_back(void)
{
    set_up(2000, SLOTS, BP_TRANSFER_AUTO, true);
    make_resident(0, 500, 10);
    enter(1,
          (bp__need){.image_bytes = PAGE, .tables = PAGE, .chunks = 1400 * PAGE, .least_ring = 1400 * PAGE});
    CU_ASSERT_EQUAL(decide(), BP__ROOM_START);
    CU_ASSERT_EQUAL(f.d.stage.bytes, 1401 * PAGE);
    enter_pages(2, 500);
    CU_ASSERT_EQUAL(decide(), BP__ROOM_ASK);
    hear_ages();
    CU_ASSERT_EQUAL(decide(), BP__ROOM_NOTHING);
    end_load(1);
    CU_ASSERT_EQUAL(decide(), BP__ROOM_START);
    CU_ASSERT_EQUAL(f.d.slot, 2);
    f.entry[2].fill = BP__SLOT_FAILED;
    f.entry[2].listed = false;
    enter_pages(3, 1400);
    CU_ASSERT_EQUAL(decide(), BP__ROOM_ASK);
    hear_ages();
    CU_ASSERT_EQUAL(decide(), BP__ROOM_NOTHING);
    drain(2);
    CU_ASSERT_EQUAL(decide(), BP__ROOM_START);
    CU_ASSERT_EQUAL(f.d.slot, 3);
    CU_ASSERT(f.entry[0].listed && f.entry[1].listed);
    tear_down();
}

/* Loads one small staged image; @return whether its chunks travel as they are stored. */
static bool travels_stored(void)
{
    enter(0, (bp__need){.image_bytes = PAGE, .tables = PAGE, .chunks = PAGE, .least_ring = PAGE});
    CU_ASSERT_EQUAL(decide(), BP__ROOM_START);
    bool stored = f.d.stored;
    end_load(0);
    drain(0);
    return stored;
}

/* What was faster travels, and one load in 32 goes the other way. */
static void test_transfer(void)
{
    enum { LARGE = 1 << 20 };
    set_up(100, SLOTS, BP_TRANSFER_AUTO, false);
    CU_ASSERT(travels_stored()); /* between machines, that is tried first */
    bp__room_measured(&f.room, true, LARGE - 1, 5);
    CU_ASSERT(travels_stored()); /* too small to say anything */
    bp__room_measured(&f.room, true, LARGE, 2 * LARGE);
    CU_ASSERT_FALSE(travels_stored());
    bp__room_measured(&f.room, false, LARGE, 3 * LARGE);
    unsigned stored = 0;
    for (int i = 0; i < 64; i++) stored += travels_stored();
    CU_ASSERT_EQUAL(stored, 62);
    bp__room_measured(&f.room, true, LARGE, 8 * LARGE); /* the mean is 5 now */
    stored = 0;
    for (int i = 0; i < 64; i++) stored += travels_stored();
    CU_ASSERT_EQUAL(stored, 2);
    tear_down();
    set_up(100, SLOTS, BP_TRANSFER_AUTO, true);
    CU_ASSERT_FALSE(travels_stored());
    tear_down();
}

static void test_leave(void)
{
    set_up(4, SLOTS, BP_TRANSFER_AUTO, true);
    for (uint32_t round = 0; round < 3; round++) { /* the queue goes round */
        for (uint32_t s = 0; s < SLOTS; s++) enter_pages(s, 5);
        for (uint32_t s = 0; s < SLOTS; s++) CU_ASSERT_EQUAL(bp__room_leave(&f.room), s);
        CU_ASSERT_EQUAL(bp__room_leave(&f.room), BP__NO_SLOT);
        enter_pages(round, 5);
        CU_ASSERT_EQUAL(bp__room_leave(&f.room), round);
    }
    tear_down();
}

/* Random loads, pins and drains: the arena stays whole, pages in use are those of entries, nothing listed is
 * more than allowed, and with all pins gone every load gets its memory. */
static void test_random(void)
{
    enum { PAGES = 24, STEPS = 20000 };
    uint64_t state = 5, entered = 0, ended = 0;
    set_up(PAGES, 5, BP_TRANSFER_AUTO, true);
    for (int step = 0; step < STEPS; step++) {
        uint32_t s = (uint32_t)draw(&state, SLOTS);
        bp__entry *e = &f.entry[s];
        bool calm = step > STEPS - 2000;
        f.now += draw(&state, 30) * MS;
        f.age[s] =
            (bp__age){.age_ns = draw(&state, 100), .pins = !calm && draw(&state, 3) == 0, .pinned_by = 1};
        if (e->fill == BP__SLOT_FREE && !calm) {
            uint64_t chunks = draw(&state, 4) * PAGE;
            enter(s, (bp__need){(1 + draw(&state, PAGES + 1)) * PAGE, chunks ? PAGE : 0, chunks, chunks,
                                draw(&state, 2) * PAGE});
            entered++;
        } else if (e->fill == BP__SLOT_FILL) {
            end_load(s);
            ended++;
        } else if (e->fill == BP__SLOT_READY && !e->listed && f.age[s].pins == 0) {
            drain(s);
        }
        if (f.room.asked && draw(&state, 2)) hear_ages();
        while (decide() != BP__ROOM_NOTHING) ended += f.d.kind == BP__ROOM_FAIL;
        uint64_t used = 0;
        for (uint32_t i = 0; i < SLOTS; i++) used += f.entry[i].extent.bytes + f.entry[i].stage.bytes;
        CU_ASSERT_EQUAL_FATAL(used, bp__arena_used(f.arena));
        CU_ASSERT_EQUAL_FATAL(bp__arena_selfcheck(f.arena), BP_OK);
        CU_ASSERT_FATAL(bp__room_listed(f.entry, SLOTS) <= 5);
    }
    CU_ASSERT(entered > 1000);
    CU_ASSERT_EQUAL(ended, entered);
    tear_down();
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"first come, first served", test_first_come},
        {"larger than the pool", test_too_large},
        {"victims", test_victims},
        {"asking for ages", test_asking},
        {"ages that come too late", test_outdated_ages},
        {"pinned for too long", test_pinned},
        {"max_bundle_pool_size", test_max_bundles},
        {"stage", test_stage},
        {"memory of decoders", test_decoders},
        {"what comes back by itself", test_comes_back},
        {"way of travelling", test_transfer},
        {"shutting down", test_leave},
        {"random", test_random},
        CU_TEST_INFO_NULL,
    };
    return suite_main("room", tests);
}
