#include "history/checker.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A version's life on disk, and what the gets saw of it. */
typedef struct life {
    const event *written; /* NULL: never */
    uint64_t generations; /* that were seen of it */
    uint64_t last_begin;  /* of the gets that returned the latest of these */
} life;

/* An image that was seen, and a change of the bytes that ranks hold. */
typedef struct image {
    uint64_t generation;
    const event *get;
} image;

typedef struct change {
    uint64_t time;
    int64_t bytes;
} change;

typedef struct checker {
    const rules *r;
    verdict *v;
    const event *all;
    size_t num_all;
    uint64_t start; /* texts count times from here */
    /* of all bundles */
    image *image;
    change *change;
    size_t num_images, num_changes;
    uint64_t versions, forced_evictions, times_invalidated;
    /* of the bundle that is being checked */
    int bundle;
    const event **get, **by_end, **invalidate; /* by begin; the same by end; by end */
    size_t num_gets, num_invalidations;
    uint64_t *newest; /* [num_invalidations] latest begin of those up to here */
    life *life;       /* [num_versions] */
    uint32_t num_versions;
} checker;

const char *violation_name(violation kind)
{
#define X(name) #name,
    static const char *const names[] = {VIOLATION_MAP(X)};
#undef X
    return names[kind];
}

static double seconds(const checker *c, uint64_t time)
{
    return ((double)time - (double)c->start) * 1e-9;
}

__attribute__((format(printf, 4, 5))) static void report(checker *c, violation kind, const event *e,
                                                         const char *format, ...)
{
    verdict *v = c->v;
    v->count[kind]++;
    if (v->violations++ >= VERDICT_TEXTS) return;
    char *text = v->text[v->violations - 1];
    const int size = sizeof v->text[0];
    int n = snprintf(text, (size_t)size, "%s: ", violation_name(kind));
    if (e && e->kind == EVENT_GET)
        n += snprintf(text + n, (size_t)(size - n),
                      "rank %d, get %.9f..%.9f of b%d: version %u, generation %llu: ", e->rank,
                      seconds(c, e->begin), seconds(c, e->end), e->bundle, e->get.version,
                      (unsigned long long)e->get.generation);
    else if (e)
        n += snprintf(text + n, (size_t)(size - n), "rank %d, %.9f..%.9f: ", e->rank, seconds(c, e->begin),
                      seconds(c, e->end));
    if (n >= size) return;
    va_list args;
    va_start(args, format);
    vsnprintf(text + n, (size_t)(size - n), format, args);
    va_end(args);
}

/* Orders ------------------------------------------------------------------------------------------ */

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int by_begin(const void *a, const void *b)
{
    return compare((*(const event *const *)a)->begin, (*(const event *const *)b)->begin);
}

static int by_end(const void *a, const void *b)
{
    return compare((*(const event *const *)a)->end, (*(const event *const *)b)->end);
}

static int by_generation(const void *a, const void *b)
{
    const event *x = *(const event *const *)a, *y = *(const event *const *)b;
    int order = compare(x->get.generation, y->get.generation);
    return order ? order : compare(x->end, y->end);
}

static int images_by_generation(const void *a, const void *b)
{
    return compare(((const image *)a)->generation, ((const image *)b)->generation);
}

/* Releases come first: one image held until t and another got at t are not held at once. */
static int by_time(const void *a, const void *b)
{
    const change *x = a, *y = b;
    int order = compare(x->time, y->time);
    return order ? order : (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

static void sort(const event **e, size_t n, int (*order)(const void *, const void *))
{
    if (n > 0) qsort(e, n, sizeof(const event *), order);
}

/* One bundle --------------------------------------------------------------------------------------- */

static bool good_get(const event *e)
{
    return e->kind == EVENT_GET && e->code == 0 && e->get.version != 0;
}

static bool invalidates(const event *e, int bundle)
{
    return e->kind == EVENT_INVALIDATE && (e->bundle == bundle || e->bundle == EVERY_BUNDLE);
}

/* Pick the events of one bundle and put them in order. */
static void pick(checker *c, int bundle)
{
    c->bundle = bundle;
    c->num_gets = c->num_invalidations = 0;
    memset(c->life, 0, c->num_versions * sizeof *c->life);
    for (const event *e = c->all; e < c->all + c->num_all; e++) {
        if (invalidates(e, bundle)) {
            c->invalidate[c->num_invalidations++] = e;
        } else if (e->bundle == bundle && good_get(e)) {
            c->get[c->num_gets++] = e;
        } else if (e->bundle == bundle && e->kind == EVENT_REWRITE) {
            c->life[e->rewrite.version].written = e;
            c->versions++;
        }
    }
    c->times_invalidated += c->num_invalidations;
    if (c->num_gets > 0) memcpy(c->by_end, c->get, c->num_gets * sizeof *c->get);
    sort(c->get, c->num_gets, by_begin);
    sort(c->by_end, c->num_gets, by_end);
    sort(c->invalidate, c->num_invalidations, by_end);
    for (size_t i = 0; i < c->num_invalidations; i++) {
        uint64_t begin = c->invalidate[i]->begin;
        c->newest[i] = i > 0 && c->newest[i - 1] > begin ? c->newest[i - 1] : begin;
    }
}

/* When the version after this one was on disk for certain; UINT64_MAX: never. */
static uint64_t replaced(const checker *c, uint32_t version)
{
    for (uint32_t v = version + 1; v < c->num_versions; v++)
        if (c->life[v].written) return c->life[v].written->end;
    return UINT64_MAX;
}

/* Latest begin of an invalidation that had ended before `time`; 0: none had. */
static uint64_t invalidated_before(const checker *c, uint64_t time)
{
    size_t low = 0, high = c->num_invalidations;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (c->invalidate[mid]->end < time)
            low = mid + 1;
        else
            high = mid;
    }
    return low > 0 ? c->newest[low - 1] : 0;
}

static void check_version(checker *c, const event *e)
{
    const rules *r = c->r;
    if (e->get.version_later != e->get.version)
        report(c, VIOLATION_TORN, e, "it was version %u before release", e->get.version_later);
    const event *written = e->get.version < c->num_versions ? c->life[e->get.version].written : NULL;
    if (!written) {
        report(c, VIOLATION_UNKNOWN, e, "it was never written");
        return;
    }
    if (written->begin > e->end)
        report(c, VIOLATION_UNKNOWN, e, "it was written from %.9f on", seconds(c, written->begin));
    uint64_t gone = replaced(c, e->get.version);
    if (gone == UINT64_MAX) return;
    if (r->staleness_ns >= 0 && gone + (uint64_t)(r->staleness_ns + r->slack_ns) < e->begin)
        report(c, VIOLATION_STALE, e, "it was replaced at %.9f", seconds(c, gone));
    uint64_t invalidated = invalidated_before(c, e->begin);
    if (gone < invalidated)
        report(c, VIOLATION_FORGOTTEN, e, "replaced at %.9f, invalidated after %.9f", seconds(c, gone),
               seconds(c, invalidated));
}

/* In the order of begins, with the newest that had been returned before each. */
static void check_order(checker *c)
{
    const event *newest = NULL, *latest = NULL;
    size_t ended = 0;
    for (size_t i = 0; i < c->num_gets; i++) {
        const event *e = c->get[i];
        for (; ended < c->num_gets && c->by_end[ended]->end < e->begin; ended++) {
            const event *f = c->by_end[ended];
            if (!newest || f->get.version > newest->get.version) newest = f;
            if (!latest || f->get.generation > latest->get.generation) latest = f;
        }
        check_version(c, e);
        if (newest && e->get.version < newest->get.version)
            report(c, VIOLATION_BACK, e, "rank %d had got version %u at %.9f", newest->rank,
                   newest->get.version, seconds(c, newest->end));
        else if (latest && e->get.generation < latest->get.generation)
            report(c, VIOLATION_BACK, e, "rank %d had got generation %llu at %.9f", latest->rank,
                   (unsigned long long)latest->get.generation, seconds(c, latest->end));
    }
}

static bool invalidated_between(const checker *c, uint64_t from, uint64_t to)
{
    for (size_t i = 0; i < c->num_invalidations; i++)
        if (c->invalidate[i]->end >= from && c->invalidate[i]->begin <= to) return true;
    return false;
}

/* One generation: n gets in the order of their ends. @return whether only an eviction explains it */
static bool check_generation(checker *c, const event *const *get, size_t n)
{
    const event *first = get[0];
    uint64_t last_begin = 0, held_until = 0;
    int64_t bytes = c->r->bytes ? (int64_t)c->r->bytes[c->bundle] : 0;
    for (size_t i = 0; i < n; i++) {
        const event *e = get[i];
        if (e->begin > last_begin) last_begin = e->begin;
        if (e->get.version != first->get.version)
            report(c, VIOLATION_MIXED, e, "rank %d got it as version %u", first->rank, first->get.version);
        uint64_t invalidated = invalidated_before(c, e->begin);
        if (first->end < invalidated)
            report(c, VIOLATION_FORGOTTEN, e, "rank %d had got it at %.9f, invalidated after %.9f",
                   first->rank, seconds(c, first->end), seconds(c, invalidated));
        /* the times in which anybody holds it, each as long as can be */
        if (i == 0 || e->end > held_until) {
            if (i > 0) c->change[c->num_changes++] = (change){held_until, -bytes};
            c->change[c->num_changes++] = (change){e->end, bytes};
        }
        if (e->get.held_until > held_until) held_until = e->get.held_until;
    }
    c->change[c->num_changes++] = (change){held_until, -bytes};
    c->image[c->num_images++] = (image){first->get.generation, first};

    if (first->get.version >= c->num_versions) return false;
    life *v = &c->life[first->get.version];
    bool again = v->generations++ > 0;
    bool evicted = again && !invalidated_between(c, v->last_begin, first->end);
    v->last_begin = last_begin;
    return evicted;
}

static void check_generations(checker *c)
{
    uint64_t evicted = 0, again = 0;
    sort(c->get, c->num_gets, by_generation);
    for (size_t i = 0, n; i < c->num_gets; i += n) {
        for (n = 1; i + n < c->num_gets && c->get[i + n]->get.generation == c->get[i]->get.generation;) n++;
        evicted += check_generation(c, c->get + i, n);
    }
    for (uint32_t v = 0; v < c->num_versions; v++)
        if (c->life[v].generations > 1) again += c->life[v].generations - 1;
    if (again > c->num_invalidations && again - c->num_invalidations > evicted)
        evicted = again - c->num_invalidations;
    c->forced_evictions += evicted;
}

/* All bundles -------------------------------------------------------------------------------------- */

static void check_calls(checker *c)
{
    verdict *v = c->v;
    const rules *r = c->r;
    for (const event *e = c->all; e < c->all + c->num_all; e++) {
        v->gets += e->kind == EVENT_GET;
        if (e->kind == EVENT_GET && e->end - e->begin > v->longest_get) v->longest_get = e->end - e->begin;
        v->invalidations += e->kind == EVENT_INVALIDATE;
        v->rewrites += e->kind == EVENT_REWRITE;
        if (e->code != 0) {
            report(c, VIOLATION_FAILED, e, "code %d", e->code);
        } else if (e->kind == EVENT_GET && e->get.version == 0) {
            report(c, VIOLATION_TORN, e, "its values do not agree");
        } else if (e->kind == EVENT_SAMPLE) {
            if (r->max_bundles > 0 && e->sample.pool_size > r->max_bundles)
                report(c, VIOLATION_BOUNDS, e, "%u bundles where %u are allowed", e->sample.pool_size,
                       r->max_bundles);
            if (r->max_bytes > 0 &&
                (e->sample.bytes_resident > r->max_bytes || e->sample.bytes_peak > r->max_bytes))
                report(c, VIOLATION_BOUNDS, e, "%llu bytes now, %llu at most, where %llu are allowed",
                       (unsigned long long)e->sample.bytes_resident, (unsigned long long)e->sample.bytes_peak,
                       (unsigned long long)r->max_bytes);
            if (e->sample.loads > v->loads) v->loads = e->sample.loads;
            if (e->sample.evictions > v->evictions) v->evictions = e->sample.evictions;
        }
    }
}

static void check_images(checker *c)
{
    verdict *v = c->v;
    if (c->num_images > 0) qsort(c->image, c->num_images, sizeof *c->image, images_by_generation);
    v->generations = c->num_images;
    for (size_t i = 1; i < c->num_images; i++)
        if (c->image[i].generation == c->image[i - 1].generation)
            report(c, VIOLATION_MIXED, c->image[i].get, "it is also b%d", c->image[i - 1].get->bundle);
    if (c->forced_evictions > v->evictions)
        report(c, VIOLATION_TWICE, NULL, "%llu versions were loaded again uninvalidated, but %llu evicted",
               (unsigned long long)c->forced_evictions, (unsigned long long)v->evictions);
    if (v->loads > c->versions + c->times_invalidated + v->evictions)
        report(c, VIOLATION_TWICE, NULL, "%llu loads of %llu versions, %llu invalidated and %llu evicted",
               (unsigned long long)v->loads, (unsigned long long)c->versions,
               (unsigned long long)c->times_invalidated, (unsigned long long)v->evictions);
    if (v->generations > v->loads)
        report(c, VIOLATION_TWICE, NULL, "%llu generations were seen of %llu loads",
               (unsigned long long)v->generations, (unsigned long long)v->loads);
}

static void check_held(checker *c)
{
    int64_t held = 0;
    if (c->r->max_bytes == 0 || c->num_changes == 0) return;
    qsort(c->change, c->num_changes, sizeof *c->change, by_time);
    for (size_t i = 0; i < c->num_changes; i++) {
        held += c->change[i].bytes;
        if (held > 0 && (uint64_t)held > c->r->max_bytes) {
            report(c, VIOLATION_BOUNDS, NULL, "at %.9f the ranks hold %lld bytes where %llu are allowed",
                   seconds(c, c->change[i].time), (long long)held, (unsigned long long)c->r->max_bytes);
            return;
        }
    }
}

/* The least recently used ------------------------------------------------------------------------- */

/* Sets of bundles that may be resident by now, each a mask of bits. There are several where the promise
 * leaves open which bundle went; later hits and misses will show. */
typedef struct residents {
    uint64_t may_be[(1u << LRU_BUNDLES) / 64];
} residents;

/* One question for ages: from the first answer to the last one. */
typedef struct question {
    uint64_t number, first, last;
} question;

typedef struct lru {
    const rules *r;
    question *asked; /* [num_asked], by number, and so by time; owned */
    size_t num_asked;
    residents now, next;
    const event *used[LRU_BUNDLES]; /* the last get of each bundle */
} lru;

static void add_mask(residents *r, unsigned mask)
{
    r->may_be[mask / 64] |= UINT64_C(1) << mask % 64;
}

/* The first mask from `from` on; 1 << LRU_BUNDLES: none. */
static unsigned next_mask(const residents *r, unsigned from)
{
    while (from < 1u << LRU_BUNDLES && !(r->may_be[from / 64] >> from % 64 & 1))
        from = r->may_be[from / 64] >> from % 64 ? from + 1 : (from / 64 + 1) * 64;
    return from;
}

static int by_number(const void *a, const void *b)
{
    return compare(((const question *)a)->number, ((const question *)b)->number);
}

/* Bring the answers to each question together. */
static bool find_questions(lru *l, const event *e, size_t n)
{
    size_t answers = 0;
    l->asked = malloc((n + 1) * sizeof *l->asked);
    if (!l->asked) return false;
    for (size_t i = 0; i < n; i++)
        if (e[i].kind == EVENT_AGES) l->asked[answers++] = (question){e[i].ages.number, e[i].begin, e[i].end};
    if (answers > 0) qsort(l->asked, answers, sizeof *l->asked, by_number);
    for (size_t i = 0; i < answers; i++) {
        const question q = l->asked[i];
        question *last = l->num_asked > 0 ? &l->asked[l->num_asked - 1] : NULL;
        if (!last || last->number != q.number) {
            l->asked[l->num_asked++] = q;
            continue;
        }
        if (q.first < last->first) last->first = q.first;
        if (q.last > last->last) last->last = q.last;
    }
    return true;
}

/* By how much ages that were told on behalf of `e` may be out of step: the question that took longest counts, as any of
 * them may have decided. A node's answer may have been on its way before its end was written down. */
static uint64_t spread_within(const lru *l, const event *e)
{
    uint64_t longest = 0;
    if (l->r->nodes < 2) return 0;
    if (l->num_asked == 0) return e->end - e->begin;
    for (size_t i = 0; i < l->num_asked; i++) {
        const question *q = &l->asked[i];
        if (q->first < e->begin || q->first > e->end) continue;
        uint64_t last = q->last < e->end ? q->last : e->end;
        if (last - q->first > longest) longest = last - q->first;
    }
    return longest;
}

/* Whether `victim` may have been taken for the least recently used when `e` needed room. On one node it must
 * have been. Several nodes tell ages as of the moments at which the question reaches them: uses that are closer
 * together than these may be told in either order. */
static bool may_be_victim(const lru *l, unsigned mask, int victim, const event *e)
{
    uint64_t spread = spread_within(l, e);
    for (int other = 0; other < l->r->bundles; other++)
        if (mask >> other & 1 && l->used[other]->end + spread < l->used[victim]->begin) return false;
    return true;
}

static void evict_for(lru *l, unsigned mask, const event *e)
{
    unsigned wanted = 1u << e->bundle;
    if ((uint32_t)__builtin_popcount(mask) < l->r->lru_room) {
        add_mask(&l->next, mask | wanted);
        return;
    }
    for (int victim = 0; victim < l->r->bundles; victim++)
        if (mask >> victim & 1 && may_be_victim(l, mask, victim, e))
            add_mask(&l->next, (mask & ~(1u << victim)) | wanted);
}

/* @return false: nothing that the promise allows explains this call */
static bool replay(lru *l, const event *e)
{
    bool was_hit =
        e->kind == EVENT_GET && l->used[e->bundle] && l->used[e->bundle]->get.generation == e->get.generation;
    unsigned gone = e->bundle == EVERY_BUNDLE ? ~0u : 1u << e->bundle;
    l->next = (residents){{0}};
    for (unsigned mask = 0; (mask = next_mask(&l->now, mask)) < 1u << LRU_BUNDLES; mask++) {
        bool hit = mask & gone;
        if (e->kind == EVENT_INVALIDATE)
            add_mask(&l->next, mask & ~gone);
        else if (hit && was_hit)
            add_mask(&l->next, mask);
        else if (!hit && !was_hit)
            evict_for(l, mask, e);
    }
    l->now = l->next;
    if (e->kind == EVENT_GET) l->used[e->bundle] = e;
    return next_mask(&l->now, 0) < 1u << LRU_BUNDLES;
}

/* Ends at the first deviation. @return false: no memory */
static bool check_victims(checker *c, const event **order)
{
    size_t n = 0;
    lru l = {.r = c->r};
    if (c->r->bundles > LRU_BUNDLES) {
        report(c, VIOLATION_VICTIM, NULL, "%d bundles: too many for a check of their order", c->r->bundles);
        return true;
    }
    if (!find_questions(&l, c->all, c->num_all)) return false;
    for (const event *e = c->all; e < c->all + c->num_all; e++)
        if ((e->kind == EVENT_GET && e->code == 0) || e->kind == EVENT_INVALIDATE) order[n++] = e;
    sort(order, n, by_begin);
    add_mask(&l.now, 0);
    for (size_t i = 0; i < n; i++) {
        const event *e = order[i];
        const event *before = e->kind == EVENT_GET ? l.used[e->bundle] : NULL;
        if (i > 0 && order[i - 1]->end > e->begin) {
            report(c, VIOLATION_VICTIM, e, "calls overlap, so that no order can be checked");
            break;
        }
        if (!replay(&l, e)) {
            report(c, VIOLATION_VICTIM, e,
                   before && before->get.generation == e->get.generation
                       ? "least recently used, but still there"
                       : "used more recently than the victim, but gone");
            break;
        }
    }
    free(l.asked);
    return true;
}

bool check_history(const event *e, size_t n, const rules *r, verdict *v)
{
    checker c = {.r = r, .v = v, .all = e, .num_all = n, .start = n > 0 ? UINT64_MAX : 0};
    *v = (verdict){0};
    for (size_t i = 0; i < n; i++) {
        if (e[i].begin < c.start) c.start = e[i].begin;
        if (e[i].kind == EVENT_REWRITE && e[i].rewrite.version >= c.num_versions)
            c.num_versions = e[i].rewrite.version + 1;
    }
    c.get = malloc((n + 1) * sizeof *c.get);
    c.by_end = malloc((n + 1) * sizeof *c.by_end);
    c.invalidate = malloc((n + 1) * sizeof *c.invalidate);
    c.newest = malloc((n + 1) * sizeof *c.newest);
    c.life = malloc((c.num_versions + 1) * sizeof *c.life);
    c.image = malloc((n + 1) * sizeof *c.image);
    c.change = malloc((2 * n + 1) * sizeof *c.change);
    bool ok = c.get && c.by_end && c.invalidate && c.newest && c.life && c.image && c.change;
    if (ok) {
        check_calls(&c);
        for (int b = 0; b < r->bundles; b++) {
            pick(&c, b);
            check_order(&c);
            check_generations(&c);
        }
        check_images(&c);
        check_held(&c);
        if (r->lru_room > 0) ok = check_victims(&c, c.get);
    }
    free(c.get);
    free(c.by_end);
    free(c.invalidate);
    free(c.newest);
    free(c.life);
    free(c.image);
    free(c.change);
    return ok;
}
