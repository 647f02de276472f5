/* What several threads do at once: the directory with threads as ranks, the workers, the futex.
 * Clean under ThreadSanitizer. Every loop ends after a number of operations, none after a time. */
#include "tests/core/make_directory.h"

#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <unistd.h>

#include "core/atomic.h"
#include "core/clock.h"
#include "core/futex.h"
#include "core/workers.h"

static pthread_t start(void *(*run)(void *), void *arg)
{
    pthread_t thread;
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, run, arg), 0);
    return thread;
}

/* Directory --------------------------------------------------------------------------------------- */

/* The agent reuses a few slots for a few names, and ranks pin what they find: as soon as a pin and a store
 * meet in the wrong order, a payload changes under a reader. Two threads share the lines of each rank. */
enum { SLOTS = 6, NAMES = 4, RANKS = 4, THREADS = 8, READS = 4000, PUBLISHED = 2000, PAYLOAD = 64 };

typedef struct scene {
    bp__directory dir;
    char name[NAMES][16];
    bp__key key[NAMES];
    /* plain: the agent writes it between FILL and READY, ranks read it while they have the slot pinned */
    uint64_t payload[SLOTS][PAYLOAD];
    pthread_barrier_t together;
    _Atomic unsigned finished; /* threads of ranks */
    _Atomic uint64_t gets, torn, failures;
    uint64_t generation, published, busy; /* the agent's */
} scene;

typedef struct rank {
    scene *scene;
    uint32_t number;
    uint64_t seed;
} rank;

static uint64_t pattern(uint64_t generation, unsigned name, unsigned i)
{
    return (generation * NAMES + name) * UINT64_C(0x9e3779b97f4a7c15) + i;
}

static bp__extent extent_of(uint32_t slot, uint64_t generation)
{
    return (bp__extent){slot * PAGE, 1 + generation % PAGE};
}

static void failure_text(char text[64], uint64_t generation, unsigned name)
{
    snprintf(text, 64, "version %llu of bundle %u is broken", (unsigned long long)generation, name);
}

static unsigned name_of(const scene *s, uint32_t slot)
{
    unsigned n = 0;
    while (n + 1 < NAMES && !bp__slot_is(&s->dir.slot[slot], &s->key[n])) n++;
    return n;
}

static void step_agent(scene *s, uint64_t *state)
{
    bp__directory *d = &s->dir;
    uint32_t slot = (uint32_t)draw(state, SLOTS);
    uint64_t word = bp__load_seq_cst(&d->slot[slot].word), generation = bp__word_generation(word);
    bp__fill fill = bp__word_fill(word);
    unsigned name = fill == BP__SLOT_FREE ? (unsigned)draw(state, NAMES) : name_of(s, slot);
    char text[64];
    if (fill == BP__SLOT_FREE) {
        if (bp__dir_find(d, &s->key[name]) == BP__NO_SLOT)
            bp__dir_open(d, slot, ++s->generation, s->name[name]);
    } else if (bp__word_listed(word) && draw(state, 4) == 0) {
        bp__dir_unlist(d, slot); /* at any time after OPEN */
    } else if ((fill == BP__SLOT_OPEN || fill == BP__SLOT_FILL) && draw(state, 8) == 0) {
        failure_text(text, generation, name);
        bp__dir_fail(d, slot, BP_EFORMAT, text);
    } else if (fill == BP__SLOT_OPEN) {
        bp__dir_fill(d, slot, extent_of(slot, generation), (bp__extent){0, 0});
    } else if (fill == BP__SLOT_FILL) {
        for (unsigned i = 0; i < PAYLOAD; i++) s->payload[slot][i] = pattern(generation, name, i);
        bp__dir_ready(d, slot, &(bp__identity){.ino = generation}, 1);
        s->published++;
    } else if (!bp__word_listed(word)) {
        if (bp__dir_pins(d, slot) == 0)
            bp__dir_reclaim(d, slot);
        else
            s->busy++, sched_yield();
    } else {
        sched_yield();
    }
}

static void *run_agent(void *arg)
{
    scene *s = arg;
    uint64_t state = 11;
    pthread_barrier_wait(&s->together);
    while (bp__load_seq_cst(&s->finished) < THREADS || s->published < PUBLISHED) step_agent(s, &state);
    return NULL;
}

static bool intact(const scene *s, uint32_t slot, uint64_t generation, unsigned name)
{
    bp__extent e = extent_of(slot, generation);
    const bp__slot *at = &s->dir.slot[slot];
    bool same =
        at->identity.ino == generation && at->extent.offset == e.offset && at->extent.bytes == e.bytes;
    for (unsigned i = 0; i < PAYLOAD; i++) same &= s->payload[slot][i] == pattern(generation, name, i);
    return same;
}

static bool told_why(const scene *s, uint32_t slot, uint64_t generation, unsigned name)
{
    char text[64];
    failure_text(text, generation, name);
    return s->dir.slot[slot].code == BP_EFORMAT && strcmp(s->dir.slot[slot].text, text) == 0;
}

/* Wait for what is being loaded, as a get does; the pin keeps the slot in its generation. */
static uint64_t wait_loaded(const bp__slot *slot, uint64_t word)
{
    while (bp__word_fill(word) == BP__SLOT_OPEN || bp__word_fill(word) == BP__SLOT_FILL) {
        bp__futex_wait((const _Atomic uint32_t *)(const void *)&slot->word, (uint32_t)word, NULL);
        word = bp__load_acquire(&slot->word);
    }
    return word;
}

static void *run_rank(void *arg)
{
    rank *r = arg;
    scene *s = r->scene;
    bp__lines *own = bp__dir_lines(&s->dir, r->number);
    uint64_t torn = 0, failures = 0, gets = 0, state = r->seed;
    pthread_barrier_wait(&s->together);
    for (int reads = 0; reads < READS;) {
        unsigned name = (unsigned)draw(&state, NAMES);
        uint64_t get = draw(&state, 2) ? BP__ONE_GET : 0, word;
        uint32_t slot = bp__dir_pin(&s->dir, own, &s->key[name], BP__ONE_PIN + get, &word);
        if (slot == BP__NO_SLOT) {
            sched_yield();
            continue;
        }
        gets += get != 0;
        uint64_t generation = bp__word_generation(word);
        word = wait_loaded(&s->dir.slot[slot], word);
        torn += bp__word_generation(word) != generation;
        if (bp__word_fill(word) == BP__SLOT_READY) {
            torn += !intact(s, slot, generation, name);
            if (draw(&state, 2)) sched_yield();
            torn += !intact(s, slot, generation, name);
            reads++;
        } else {
            torn += bp__word_fill(word) != BP__SLOT_FAILED || !told_why(s, slot, generation, name);
            failures++;
        }
        bp__dir_unpin(own, slot, BP__ONE_PIN);
    }
    bp__add_seq_cst(&s->torn, torn);
    bp__add_seq_cst(&s->failures, failures);
    bp__add_seq_cst(&s->gets, gets);
    bp__add_seq_cst(&s->finished, 1);
    return NULL;
}

static void test_directory(void)
{
    static scene s;
    rank ranks[THREADS];
    pthread_t thread[THREADS];
    void *memory = make_directory(&s.dir, SLOTS, RANKS);
    make_names(&s.dir, s.name, s.key, NAMES);
    pthread_barrier_init(&s.together, NULL, THREADS + 1);
    pthread_t agent = start(run_agent, &s);
    for (uint32_t i = 0; i < THREADS; i++) {
        ranks[i] = (rank){&s, i % RANKS, 100 + i};
        thread[i] = start(run_rank, &ranks[i]);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
    pthread_join(agent, NULL);
    pthread_barrier_destroy(&s.together);

    CU_ASSERT_EQUAL(bp__load_seq_cst(&s.torn), 0);
    CU_ASSERT(s.published >= PUBLISHED);
    for (uint32_t slot = 0; slot < SLOTS; slot++) CU_ASSERT_EQUAL(bp__dir_pins(&s.dir, slot), 0);
    bp__report counts = {0};
    for (uint32_t r = 0; r < RANKS; r++) bp__dir_count(&s.dir, r, &counts);
    CU_ASSERT_EQUAL(counts.hits, bp__load_seq_cst(&s.gets)); /* pins that were withdrawn count nothing */
    MUST(bp__dir_selfcheck(&s.dir));
    printf("%llu versions, %llu waits for pins, %llu failures seen ", (unsigned long long)s.published,
           (unsigned long long)s.busy, (unsigned long long)bp__load_seq_cst(&s.failures));
    free(memory);
}

/* Every ring is heard: the one who waits on the doorbell sees all of them. */
enum { RINGS = 2000 };

static void *run_ring(void *arg)
{
    for (int i = 0; i < RINGS; i++) bp__dir_ring(arg);
    return NULL;
}

static void test_doorbell(void)
{
    bp__directory d;
    pthread_t thread[3];
    void *memory = make_directory(&d, 1, 1);
    for (int i = 0; i < 3; i++) thread[i] = start(run_ring, &d);
    for (uint32_t seen; (seen = bp__load_seq_cst(d.doorbell)) < 3 * RINGS;)
        bp__futex_wait(d.doorbell, seen, NULL);
    for (int i = 0; i < 3; i++) pthread_join(thread[i], NULL);
    CU_ASSERT_EQUAL(bp__load_seq_cst(d.doorbell), 3 * RINGS);
    free(memory);
}

/* Futex ------------------------------------------------------------------------------------------- */

enum { ROUNDS = 5000 };

/* Whose turn it is: even the main thread's, odd the other's. */
static void take_turns(_Atomic uint32_t *turn, uint32_t mine)
{
    for (uint32_t i = mine; i < 2 * ROUNDS; i += 2) {
        for (uint32_t now; (now = bp__load_seq_cst(turn)) != i;) bp__futex_wait(turn, now, NULL);
        bp__store_seq_cst(turn, i + 1);
        bp__futex_wake(turn);
    }
}

static void *run_turns(void *arg)
{
    take_turns(arg, 1);
    return NULL;
}

static void test_futex_turns(void)
{
    _Atomic uint32_t turn = 0;
    pthread_t thread = start(run_turns, &turn);
    take_turns(&turn, 0);
    pthread_join(thread, NULL);
    CU_ASSERT_EQUAL(bp__load_seq_cst(&turn), 2 * ROUNDS);
}

static void test_futex_deadline(void)
{
    _Atomic uint32_t word = 5;
    struct timespec soon = bp__deadline(20), late = bp__deadline(600000);
    CU_ASSERT_TRUE(bp__futex_wait(&word, 4, NULL)); /* another value: at once */
    CU_ASSERT_TRUE(bp__futex_wait(&word, 4, &late));
    CU_ASSERT_FALSE(bp__deadline_passed(&late));
    while (bp__futex_wait(&word, 5, &soon))
        CU_ASSERT_FALSE(bp__deadline_passed(&late)); /* a signal may wake */
    CU_ASSERT_TRUE(bp__deadline_passed(&soon));
    CU_ASSERT_FALSE(bp__futex_wait(&word, 5, &soon)); /* has passed already */
}

/* Workers ----------------------------------------------------------------------------------------- */

typedef struct job {
    bp__job base; /* first, so that a pointer to it is one to the job */
    struct crowd *crowd;
    int number;
} job;

typedef struct crowd {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int arrived, ran; /* under the lock */
    bool open;
    bp__workers *workers;
    job *child;
    cpu_set_t cpus, ran_on;
    bool blocks_signals;
} crowd;

static void crowd_init(crowd *c, const cpu_set_t *cpus)
{
    *c = (crowd){.arrived = 0};
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->changed, NULL);
    MUST(bp__workers_create(cpus, &c->workers));
}

static void crowd_fini(crowd *c)
{
    bp__workers_destroy(&c->workers);
    CU_ASSERT_PTR_NULL(c->workers);
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->lock);
}

static bp_status submit(crowd *c, job *j, void (*run)(bp__job *), int number)
{
    *j = (job){{.run = run}, c, number};
    return bp__workers_submit(c->workers, &j->base);
}

static void ran(crowd *c)
{
    pthread_mutex_lock(&c->lock);
    c->ran++;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
}

static void run_short(bp__job *base)
{
    ran(((job *)base)->crowd);
}

/* Runs until the crowd is let go. */
static void run_blocked(bp__job *base)
{
    crowd *c = ((job *)base)->crowd;
    pthread_mutex_lock(&c->lock);
    c->arrived++;
    pthread_cond_broadcast(&c->changed);
    while (!c->open) pthread_cond_wait(&c->changed, &c->lock);
    pthread_mutex_unlock(&c->lock);
    ran(c);
}

static void await(crowd *c, const int *count, int value)
{
    pthread_mutex_lock(&c->lock);
    while (*count < value) pthread_cond_wait(&c->changed, &c->lock);
    pthread_mutex_unlock(&c->lock);
}

static void test_workers_many(void)
{
    enum { JOBS = 3000 };
    static job jobs[JOBS];
    crowd c;
    crowd_init(&c, NULL);
    for (int i = 0; i < JOBS; i++) {
        MUST(submit(&c, &jobs[i], run_short, i));
        if (i % 50 == 0) await(&c, &c.ran, i + 1); /* let threads fall idle now and then */
    }
    crowd_fini(&c); /* waits for all */
    CU_ASSERT_EQUAL(c.ran, JOBS);
    bp__workers_destroy(&c.workers); /* NULL is allowed */
}

/* Blocked jobs delay nobody; and as many as are submitted at once run at once, idle threads or not. */
static void test_workers_blocked(void)
{
    enum { BLOCKED = 6, SHORT = 50, TIMES = 40 };
    job blocked[BLOCKED], others[SHORT];
    crowd c;
    crowd_init(&c, NULL);
    for (int t = 0; t < TIMES; t++) {
        int n = 1 + t % BLOCKED;
        c.arrived = c.ran = 0;
        c.open = false;
        for (int i = 0; i < n; i++) MUST(submit(&c, &blocked[i], run_blocked, i));
        for (int i = 0; i < SHORT; i++) MUST(submit(&c, &others[i], run_short, i));
        await(&c, &c.ran, SHORT);
        await(&c, &c.arrived, n);
        pthread_mutex_lock(&c.lock);
        CU_ASSERT_EQUAL(c.ran, SHORT);
        c.open = true;
        pthread_cond_broadcast(&c.changed);
        pthread_mutex_unlock(&c.lock);
        await(&c, &c.ran, SHORT + n);
    }
    crowd_fini(&c);
}

static void run_parent(bp__job *base)
{
    job *j = (job *)base;
    int next = j->number - 1;
    if (next < 0 || submit(j->crowd, &j->crowd->child[next], run_parent, next) == BP_OK) ran(j->crowd);
}

/* A job that is there when destroy begins may bring others. */
static void test_workers_destroy(void)
{
    enum { CHAIN = 200 };
    job chain[CHAIN + 1];
    crowd c;
    crowd_init(&c, NULL);
    c.child = chain;
    MUST(submit(&c, &chain[CHAIN], run_parent, CHAIN));
    crowd_fini(&c);
    CU_ASSERT_EQUAL(c.ran, CHAIN + 1);
}

/* A job that is stuck in a read: it is left behind, and once it can go on it goes no further. */
typedef struct stuck {
    bp__job base;
    int from;
    sem_t in_job, ended;
    bool has_gone_on;
} stuck;

static void say_ended(void *context)
{
    stuck *j = context;
    sem_post(&j->ended);
}

static void read_for_ever(bp__job *base)
{
    stuck *j = (stuck *)base;
    char byte;
    pthread_cleanup_push(say_ended, j);
    sem_post(&j->in_job);
    const ssize_t n = read(j->from, &byte, 1);
    j->has_gone_on = n >= 0;
    pthread_cleanup_pop(1);
}

static void test_workers_leave(void)
{
    int end[2];
    stuck j = {.base.run = read_for_ever};
    bp__workers *workers = NULL, *idle = NULL;
    CU_ASSERT_TRUE(bp__workers_leave(&workers, 0)); /* NULL is allowed */
    MUST(bp__workers_create(NULL, &idle));
    CU_ASSERT_TRUE(bp__workers_leave(&idle, 20000));
    CU_ASSERT_PTR_NULL(idle);

    CU_ASSERT_EQUAL_FATAL(pipe(end), 0);
    j.from = end[0];
    sem_init(&j.in_job, 0, 0);
    sem_init(&j.ended, 0, 0);
    MUST(bp__workers_create(NULL, &workers));
    static bp__workers *left_behind; /* its memory stays */
    left_behind = workers;
    MUST(bp__workers_submit(workers, &j.base));
    CU_ASSERT_EQUAL(sem_wait(&j.in_job), 0);
    CU_ASSERT_FALSE(bp__workers_leave(&workers, 50));
    CU_ASSERT_PTR_EQUAL(workers, left_behind);
    CU_ASSERT_EQUAL(sem_wait(&j.ended), 0);
    CU_ASSERT_FALSE(j.has_gone_on);
    close(end[0]);
    close(end[1]);
    sem_destroy(&j.in_job);
    sem_destroy(&j.ended);
}

static int num_threads(void)
{
    int n = 0;
    DIR *tasks = opendir("/proc/self/task");
    if (!tasks) return -1;
    for (struct dirent *e; (e = readdir(tasks)) != NULL;) n += e->d_name[0] != '.';
    closedir(tasks);
    return n;
}

static int threads_at_start; /* a sanitizer may have one of its own */

static void *end_at_once(void *context)
{
    return context;
}

/* A thread that was joined, or has said that it ended, is counted for a moment longer. */
static void await_threads_of_start(void)
{
    const struct timespec pause = {.tv_nsec = 20000000};
    struct timespec deadline = bp__deadline(20000);
    while (num_threads() > threads_at_start && !bp__deadline_passed(&deadline)) nanosleep(&pause, NULL);
    CU_ASSERT_EQUAL(num_threads(), threads_at_start);
}

/* Threads that have nothing to do end, and there are new ones when there is something again. */
static void test_workers_idle(void)
{
    enum { JOBS = 20 };
    job jobs[JOBS];
    crowd c;
    await_threads_of_start();
    crowd_init(&c, NULL);
    for (int t = 0; t < 2; t++) {
        c.arrived = c.ran = 0;
        c.open = false;
        for (int i = 0; i < JOBS; i++) MUST(submit(&c, &jobs[i], run_blocked, i));
        await(&c, &c.arrived, JOBS);
        CU_ASSERT_EQUAL(num_threads(), threads_at_start + JOBS);
        pthread_mutex_lock(&c.lock);
        c.open = true;
        pthread_cond_broadcast(&c.changed);
        pthread_mutex_unlock(&c.lock);
        await(&c, &c.ran, JOBS);
        await_threads_of_start();
    }
    crowd_fini(&c);
}

static void run_where(bp__job *base)
{
    crowd *c = ((job *)base)->crowd;
    sigset_t blocked;
    pthread_sigmask(SIG_BLOCK, NULL, &blocked);
    c->blocks_signals = sigismember(&blocked, SIGTERM) && sigismember(&blocked, SIGUSR1);
    sched_getaffinity(0, sizeof c->ran_on, &c->ran_on);
    ran(c);
}

static void test_workers_where(void)
{
    cpu_set_t all, one;
    sigset_t before, after;
    job j;
    crowd c;
    CU_ASSERT_EQUAL_FATAL(sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&one);
    for (size_t cpu = 0; CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, &all)) CPU_SET(cpu, &one);
    pthread_sigmask(SIG_BLOCK, NULL, &before);
    for (int bound = 0; bound < 2; bound++) {
        crowd_init(&c, bound ? &one : NULL);
        MUST(submit(&c, &j, run_where, 0));
        await(&c, &c.ran, 1);
        crowd_fini(&c);
        CU_ASSERT_TRUE(c.blocks_signals);
        CU_ASSERT(CPU_EQUAL(&c.ran_on, bound ? &one : &all));
    }
    pthread_sigmask(SIG_BLOCK, NULL, &after);
    CU_ASSERT_EQUAL(sigismember(&before, SIGTERM), sigismember(&after, SIGTERM));
}

int main(void)
{
    pthread_t first; /* with it a sanitizer starts its own */
    if (pthread_create(&first, NULL, end_at_once, NULL) != 0 || pthread_join(first, NULL) != 0) return 1;
    for (int n = num_threads() + 1; n != num_threads();) { /* until it is no longer counted */
        n = num_threads();
        nanosleep(&(const struct timespec){.tv_nsec = 100000000}, NULL);
    }
    threads_at_start = num_threads();
    CU_TestInfo tests[] = {
        {"ranks and an agent", test_directory},
        {"doorbell", test_doorbell},
        {"futex: taking turns", test_futex_turns},
        {"futex: deadline", test_futex_deadline},
        {"workers: many jobs", test_workers_many},
        {"workers: blocked jobs", test_workers_blocked},
        {"workers: jobs during destroy", test_workers_destroy},
        {"workers: one is left behind", test_workers_leave},
        {"workers: idle threads", test_workers_idle},
        {"workers: CPUs and signals", test_workers_where},
        CU_TEST_INFO_NULL,
    };
    return suite_main("threads", tests);
}
