/* The audit: random markets, in which it has to find what was planted and nothing else, and plain recounts of what it says. */
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <bundlepool/bundle.h>

#include "reader/audit.h"
#include "reader/audit_market.h"
#include "reader/audit_owners.h"
#include "tests/core/suite.h"

#define D         90
#define AT        45             /* where something is planted */
#define FIRST_DAY INT64_C(18263) /* 2020-01-02, a Thursday */

static int64_t day[D]; /* Mondays to Fridays */
static uint64_t state = 1;

static void make_days(void)
{
    size_t n = 0;
    for (int64_t d = FIRST_DAY; n < D; d++)
        if ((d + 3) % 7 < 5) day[n++] = d * BP_NS_PER_DAY;
}

static double uniform(void)
{
    return ((double)draw(&state, 1 << 20) + 0.5) / (1 << 20);
}

static double normal(void)
{
    return sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform());
}

/* Series ------------------------------------------------------------------------------------------- */

typedef struct series {
    double value[5][D];
} series;

static void walk(series *s, double usual)
{
    double price = 20 + 100 * uniform();
    for (size_t t = 0; t < D; t++) {
        const double before = price;
        price *= exp(usual * fmax(-2.5, fmin(2.5, normal())));
        s->value[0][t] = before;
        s->value[1][t] = fmax(before, price) * 1.001;
        s->value[2][t] = fmin(before, price) * 0.999;
        s->value[3][t] = price;
        s->value[4][t] = 1000;
    }
}

/* From session t on prices are on another level. */
static void shift(series *s, double factor, size_t t, size_t end)
{
    for (size_t i = t; i < end; i++)
        for (int k = 0; k < 4; k++) s->value[k][i] *= factor;
}

static bp__audit_input input_of(const series *s, int64_t sid)
{
    bp__audit_input in = {.sid = sid, .symbol = "A"};
    for (int k = 0; k < 5; k++) in.value[k] = s->value[k];
    return in;
}

/* Look at one series. @return the audit, unfinished */
static bp__audit *look(const series *s, const bp__audit_event *event, size_t n)
{
    bp__audit *audit;
    const bp__audit_input in = input_of(s, 7);
    MUST(bp__audit_create(NULL, day, D, 100, &audit));
    for (size_t i = 0; i < n; i++)
        MUST(bp__audit_add_event(audit, event[i].sid, event[i].kind, event[i].date, event[i].value));
    MUST(bp__audit_series(audit, &in));
    return audit;
}

/* Whether that finding is there, and no other. @param[in] kind  BP__NUM_FINDINGS: none at all */
static bool found_only(bp__audit *audit, bp__finding_kind kind, double size)
{
    bp__findings *f = bp__audit_findings(audit);
    const size_t total = bp__findings_total(f);
    if (kind == BP__NUM_FINDINGS) return total == 0;
    if (total != 1 || f->count[kind] != 1) return false;
    const bp__finding *one = &f->kept[kind].row[0];
    return one->sid == 7 && one->date == day[AT] && fabs(one->size - size) <= 0.2 * fabs(size) + 3;
}

static bp__audit_event split_of(double ratio)
{
    return (bp__audit_event){.sid = 7, .date = day[AT], .kind = BP__AUDIT_SPLIT, .value = ratio};
}

/* Ratios that are stored: earlier prices are multiplied by them. */
static const double ratio[] = {1.0 / 2, 1.0 / 3, 2.0 / 3, 1.0 / 7, 1.0 / 20, 2, 10, 15};

static void check(const series *s, const bp__audit_event *event, size_t n, bp__finding_kind kind, double size)
{
    bp__audit *audit = look(s, event, n);
    CU_ASSERT(found_only(audit, kind, size));
    bp__audit_destroy(&audit);
}

/* A split is right, not followed, upside down, missing: in calm assets and in wild ones. */
static void test_splits(void)
{
    for (int round = 0; round < 400; round++) {
        series plain, split;
        const double usual = 0.002 + 0.018 * uniform(), r = ratio[draw(&state, sizeof ratio / sizeof *ratio)];
        const bp__audit_event right = split_of(r), inverted = split_of(1 / r), none = split_of(1.002);
        walk(&plain, usual);
        split = plain;
        shift(&split, r, AT, D);
        check(&plain, NULL, 0, BP__NUM_FINDINGS, 0);
        check(&plain, &none, 1, BP__NUM_FINDINGS, 0);
        check(&split, &right, 1, BP__NUM_FINDINGS, 0);
        check(&plain, &right, 1, BP__FOUND_SPLIT_CONTRADICTED, 100 * (1 / r - 1));
        check(&split, &inverted, 1, BP__FOUND_SPLIT_INVERTED, 100 * (r * r - 1));
    }
}

static void test_missing_splits(void)
{
    for (int round = 0; round < 400; round++) {
        series s;
        const double usual = 0.002 + 0.005 * uniform(), r = ratio[draw(&state, sizeof ratio / sizeof *ratio)];
        walk(&s, usual);
        shift(&s, r, AT, D);
        /* the open is where the split has put it */
        s.value[0][AT] = s.value[3][AT - 1] * r;
        s.value[1][AT] = fmax(s.value[0][AT], s.value[3][AT]);
        s.value[2][AT] = fmin(s.value[0][AT], s.value[3][AT]);
        check(&s, NULL, 0, BP__FOUND_SPLIT_MISSING, 100 * (r - 1));
        shift(&s, 1 / r, AT + 1, D);
        check(&s, NULL, 0, BP__FOUND_SPIKE, 100 * (r - 1));
        walk(&s, usual);
        shift(&s, r < 1 ? 0.01 : 1000, AT, D);
        check(&s, NULL, 0, BP__FOUND_UNIT_CHANGE, r < 1 ? -99 : 99900);
    }
}

static void test_dividends(void)
{
    for (int round = 0; round < 300; round++) {
        series s;
        walk(&s, 0.01);
        const double before = s.value[3][AT - 1];
        bp__audit_event e = {.sid = 7, .date = day[AT], .kind = BP__AUDIT_DIVIDEND};
        e.value = 0.02 * before * uniform();
        check(&s, &e, 1, BP__NUM_FINDINGS, 0);
        e.value = before * (1 + 20 * uniform());
        check(&s, &e, 1, BP__FOUND_DIVIDEND_BEYOND, 100 * e.value / before);
        e.value = before * (0.3 + 0.6 * uniform());
        check(&s, &e, 1, BP__FOUND_DIVIDEND_CONTRADICTED, 100 * e.value / before);
        shift(&s, 1 - e.value / before, AT, D);
        check(&s, &e, 1, BP__FOUND_DIVIDEND_LARGE, 100 * e.value / before);
        /* with a split on the same day, in shares as after it */
        const bp__audit_event both[] = {split_of(0.5), {7, day[AT], BP__AUDIT_DIVIDEND, e.value / 2}};
        shift(&s, 0.5, AT, D);
        check(&s, both, 2, BP__FOUND_DIVIDEND_LARGE, 100 * e.value / before);
    }
}

/* A jump on the day of a dividend: the percentage is not that of the two closes, and the sentence says why. */
static void test_jump_with_dividend(void)
{
    for (int k = 0; k < 2; k++) {
        series s;
        walk(&s, 0.01);
        shift(&s, 0.62, AT, D); /* no simple ratio */
        const bp__audit_event e = {7, day[AT], BP__AUDIT_DIVIDEND, 0.01 * s.value[3][AT - 1]};
        bp__audit *audit = look(&s, &e, (size_t)k);
        const bp__findings *f = bp__audit_findings(audit);
        CU_ASSERT_EQUAL_FATAL(f->count[BP__FOUND_JUMP], 1);
        CU_ASSERT_EQUAL(strstr(f->kept[BP__FOUND_JUMP].row[0].text, "counted in") != NULL, k == 1);
        bp__audit_destroy(&audit);
    }
}

/* The same event twice is one finding of its own, and the pair is contradicted. */
static void test_twice(void)
{
    series s;
    walk(&s, 0.005);
    shift(&s, 0.5, AT, D);
    const bp__audit_event twice[] = {split_of(0.5), split_of(0.5)};
    bp__audit *audit = look(&s, twice, 2);
    const bp__findings *f = bp__audit_findings(audit);
    CU_ASSERT_EQUAL(f->count[BP__FOUND_EVENT_TWICE], 1);
    CU_ASSERT_EQUAL(f->count[BP__FOUND_SPLIT_CONTRADICTED], 1);
    bp__audit_destroy(&audit);
}

/* A split in a hole acts on the first close after it; one before the first or after the last acts on nothing. */
static void test_split_in_a_hole(void)
{
    for (int round = 0; round < 50; round++) {
        series s;
        walk(&s, 0.01);
        shift(&s, 0.25, AT, D);
        for (size_t t = AT - 1; t < AT + 4; t++)
            for (int k = 0; k < 4; k++) s.value[k][t] = NAN;
        const bp__audit_event e = split_of(0.25);
        bp__audit *audit = look(&s, &e, 1);
        CU_ASSERT_EQUAL(bp__findings_total(bp__audit_findings(audit)), 1); /* volumes without a price */
        bp__audit_destroy(&audit);
        walk(&s, 0.01);
        const bp__audit_event outside[] = {{7, day[0] - BP_NS_PER_DAY, BP__AUDIT_SPLIT, 0.5},
                                           {7, day[0], BP__AUDIT_SPLIT, 0.5},
                                           {7, day[D - 1] + BP_NS_PER_DAY, BP__AUDIT_SPLIT, 0.5},
                                           {8, day[AT], BP__AUDIT_SPLIT, 0.5}};
        check(&s, outside, 4, BP__NUM_FINDINGS, 0);
    }
}

/* What a search looks at is what the whole audit says of events. */
static void test_events_alone(void)
{
    const bp__audit_thresholds thresholds = BP__AUDIT_DEFAULTS;
    for (int round = 0; round < 300; round++) {
        series s;
        bp__audit_event event[6];
        const size_t n = 1 + draw(&state, 6);
        walk(&s, 0.01);
        for (size_t i = 0; i < n; i++)
            event[i] =
                (bp__audit_event){7, day[1 + draw(&state, D - 1)] - (int64_t)draw(&state, 2) * BP_NS_PER_DAY,
                                  (bp__audit_kind)draw(&state, 3), ratio[draw(&state, 8)]};
        for (size_t t = 0; t < D; t++)
            if (draw(&state, 10) == 0)
                for (int k = 0; k < 5; k++) s.value[k][t] = k < 4 ? NAN : 0;
        qsort(event, n, sizeof *event, bp__audit_event_compare);
        bp__findings alone;
        bp__findings_init(&alone, 100);
        bp__audited a = {.thresholds = &thresholds,
                         .findings = &alone,
                         .sid = 7,
                         .symbol = "A",
                         .day = day,
                         .days = D,
                         .event = event,
                         .num_events = n};
        for (int k = 0; k < 5; k++) a.value[k] = s.value[k];
        bp__audit_events(&a);
        bp__audit *audit = look(&s, event, n);
        for (int k = 0; k < BP__NUM_FINDINGS; k++)
            if (k <= BP__FOUND_SPLIT_INVERTED ||
                (k >= BP__FOUND_DIVIDEND_BEYOND && k <= BP__FOUND_EVENT_TWICE))
                CU_ASSERT_EQUAL(alone.count[k], bp__audit_findings(audit)->count[k]);
        bp__audit_destroy(&audit);
        bp__findings_fini(&alone);
    }
}

/* Bars --------------------------------------------------------------------------------------------- */

static void test_bars(void)
{
    for (int round = 0; round < 200; round++) {
        series s;
        size_t want[BP__NUM_FINDINGS] = {0};
        walk(&s, 0.01);
        for (size_t t = 0; t < D; t++)
            for (int k = 0; k < 4; k++) { /* prices of three sizes, some missing */
                const uint64_t pick = draw(&state, 40);
                if (pick < 3) s.value[k][t] = 90 + 5 * (double)pick;
                if (pick == 3) s.value[k][t] = NAN;
            }
        size_t alone = 0, no_close = 0, partial = 0;
        for (size_t t = 0; t < D; t++) {
            const double o = s.value[0][t], h = s.value[1][t], l = s.value[2][t], c = s.value[3][t];
            const int missing = isnan(o) + isnan(h) + isnan(l) + isnan(c);
            if (missing == 4) alone++;
            if (missing == 4) continue;
            if (missing > 0 && isnan(c)) no_close++;
            if (missing > 0 && !isnan(c)) partial++;
            if (l > h) want[BP__FOUND_HIGH_BELOW_LOW]++;
            if (!(l > h)) want[BP__FOUND_OUTSIDE_RANGE] += (size_t)((o > h || o < l) + (c > h || c < l));
        }
        want[BP__FOUND_VOLUME_ALONE] = alone > 0;
        want[BP__FOUND_PRICE_PARTIAL] = (size_t)((no_close > 0) + (partial > 0));
        bp__audit *audit = look(&s, NULL, 0);
        const bp__findings *f = bp__audit_findings(audit);
        static const bp__finding_kind kinds[] = {BP__FOUND_HIGH_BELOW_LOW, BP__FOUND_OUTSIDE_RANGE,
                                                 BP__FOUND_VOLUME_ALONE, BP__FOUND_PRICE_PARTIAL};
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
            CU_ASSERT_EQUAL(f->count[kinds[i]], want[kinds[i]]);
        bp__audit_destroy(&audit);
    }
}

/* A bad high or low is found in assets of every temper, and days that are wild for their asset are not. */
static void test_wicks(void)
{
    static const double factor[] = {2.5, 4, 10, 100, 1000};
    for (int round = 0; round < 400; round++) {
        series s;
        const double usual = 0.002 + 0.06 * uniform(), f = factor[draw(&state, 5)];
        walk(&s, usual);
        check(&s, NULL, 0, BP__NUM_FINDINGS, 0);
        const double high = s.value[1][AT], low = s.value[2][AT];
        s.value[1][AT] = high * (f < 4 && usual > 0.02 ? 10 : f);
        const double top = fmax(s.value[0][AT], s.value[3][AT]);
        check(&s, NULL, 0, BP__FOUND_WICK, 100 * (s.value[1][AT] / top - 1));
        s.value[1][AT] = high * 1.6; /* wild, but it happens */
        check(&s, NULL, 0, BP__NUM_FINDINGS, 0);
        s.value[1][AT] = high;
        s.value[2][AT] = low / 200;
        check(&s, NULL, 0, BP__FOUND_WICK, -99.5);
        s.value[0][AT] = NAN; /* one price is enough to tell */
        bp__audit *audit = look(&s, NULL, 0);
        CU_ASSERT_EQUAL(bp__audit_findings(audit)->count[BP__FOUND_WICK], 1);
        bp__audit_destroy(&audit);
    }
    /* an asset of which every day ranges over half its price has seen worse */
    series s;
    walk(&s, 0.01);
    for (size_t t = 0; t < D; t++) s.value[2][t] *= 0.6;
    s.value[1][AT] *= 3;
    check(&s, NULL, 0, BP__NUM_FINDINGS, 0);
}

/* Who has which symbol: as a plain comparison of all pairs has it. */
static void test_owners(void)
{
    static const char *const symbol[] = {"BRK.B", "BRK/B", "brk_b", "BRKB", "BRK B", "AAPL", "MSFT"};
    for (int round = 0; round < 500; round++) {
        bp__audit_owner o[8], kept[8];
        bp__findings f;
        const size_t n = 1 + draw(&state, 8);
        size_t m = 0, backwards = 0, unknown = 0, shared = 0;
        bool alike = false;
        for (size_t i = 0; i < n; i++) {
            const int64_t from = (int64_t)draw(&state, 20), to = from + (int64_t)draw(&state, 8) - 1;
            o[i] = (bp__audit_owner){symbol[draw(&state, 7)], (int64_t)draw(&state, 5),
                                     draw(&state, 6) ? from * BP_NS_PER_DAY : BP_TIME_MISSING,
                                     draw(&state, 6) ? to * BP_NS_PER_DAY : BP_TIME_MISSING,
                                     draw(&state, 9) > 0};
            const bool wrong =
                o[i].start != BP_TIME_MISSING && o[i].end != BP_TIME_MISSING && o[i].end < o[i].start;
            unknown += !o[i].known;
            backwards += wrong;
            if (o[i].known && !wrong) kept[m++] = o[i];
        }
        for (size_t i = 0; i < m; i++) {
            bool overlaps = false;
            for (size_t k = 0; k < m; k++) {
                const int64_t end = kept[k].end == BP_TIME_MISSING ? INT64_MAX : kept[k].end;
                const bool before = kept[k].start != kept[i].start ? kept[k].start < kept[i].start
                                                                   : kept[k].sid < kept[i].sid;
                if (kept[k].sid == kept[i].sid) continue;
                overlaps |= strcmp(kept[i].symbol, kept[k].symbol) == 0 && before && end >= kept[i].start;
                alike |= strcmp(kept[i].symbol, kept[k].symbol) != 0 &&
                         strncasecmp(kept[i].symbol, "BRK", 3) == 0 &&
                         strncasecmp(kept[k].symbol, "BRK", 3) == 0 && kept[i].symbol[3] != ' ' &&
                         kept[k].symbol[3] != ' ';
            }
            shared += overlaps;
        }
        bp__findings_init(&f, 100);
        bp__audit_owners(&f, o, n);
        CU_ASSERT_EQUAL(f.count[BP__FOUND_MAPPING_BACKWARDS], backwards);
        CU_ASSERT_EQUAL(f.count[BP__FOUND_MAPPING_SID], unknown);
        CU_ASSERT_EQUAL(f.count[BP__FOUND_SYMBOL_SHARED], shared);
        CU_ASSERT_EQUAL(f.count[BP__FOUND_SYMBOL_ALIKE] > 0, alike);
        bp__findings_fini(&f);
    }
}

/* Runs of equal bars, which holes do not end: as many as a plain count finds. */
static void test_stale(void)
{
    for (int round = 0; round < 200; round++) {
        series s;
        size_t want = 0, run = 0, last = D;
        walk(&s, 0.01);
        for (size_t t = 1; t < D; t++) {
            if (draw(&state, 5) != 0)
                for (int k = 0; k < 4; k++) s.value[k][t] = s.value[k][t - 1];
        }
        for (size_t t = 0; t < D; t++)
            if (draw(&state, 12) == 0)
                for (int k = 0; k < 4; k++) s.value[k][t] = NAN;
        for (size_t t = 0; t <= D; t++) {
            if (t < D && isnan(s.value[3][t])) continue;
            const bool same =
                t < D && last < D && s.value[3][t] == s.value[3][last] && s.value[0][t] == s.value[0][last];
            if (!same) {
                want += run >= 5;
                run = 0;
            }
            run++;
            last = t;
        }
        bp__audit *audit = look(&s, NULL, 0);
        CU_ASSERT_EQUAL(bp__audit_findings(audit)->count[BP__FOUND_STALE], want);
        bp__audit_destroy(&audit);
    }
}

/* All assets --------------------------------------------------------------------------------------- */

#define N 12

/* Who trades when, at random; recounted plainly. Nobody trades on weekends. */
static void test_market(void)
{
    for (int round = 0; round < 60; round++) {
        static series s[N];
        static bool trades[N][D];
        size_t holes = 0, few = 0, blank = 0, early = 0, late = 0;
        bp__audit *audit;
        MUST(bp__audit_create(NULL, day, D, 1000, &audit));
        for (size_t i = 0; i < N; i++) {
            const size_t begin = draw(&state, 3) ? 0 : draw(&state, D / 2);
            const size_t end = draw(&state, 3) ? D : D / 2 + 1 + draw(&state, D / 2);
            walk(&s[i], 0.01);
            for (size_t t = 0; t < D; t++) {
                const uint64_t mood = (t * 2654435761u + (uint64_t)round) % 11; /* of the session */
                trades[i][t] =
                    t >= begin && t < end && (mood == 0 ? draw(&state, 15) == 0 : draw(&state, 12) != 0);
                for (int k = 0; k < 5 && !trades[i][t]; k++) s[i].value[k][t] = k < 4 ? NAN : 0;
            }
            const bp__audit_input in = input_of(&s[i], (int64_t)i);
            MUST(bp__audit_series(audit, &in));
        }
        MUST(bp__audit_finish(audit));

        size_t first[N], last[N], trading[D] = {0}, alive[D] = {0};
        for (size_t i = 0; i < N; i++) {
            first[i] = 0;
            last[i] = D - 1;
            while (!trades[i][first[i]]) first[i]++;
            while (!trades[i][last[i]]) last[i]--;
            late += first[i] > 0;
            early += last[i] < D - 1;
            for (size_t t = first[i]; t <= last[i]; t++) alive[t]++, trading[t] += trades[i][t];
        }
        for (size_t t = 0; t < D; t++) {
            blank += trading[t] == 0;
            few += trading[t] > 0 && alive[t] >= 3 &&
                   (trading[t] == 1 || (double)trading[t] < 0.2 * (double)alive[t]);
        }
        for (size_t i = 0; i < N; i++) {
            bool any = false;
            for (size_t t = first[i]; t <= last[i]; t++) any |= !trades[i][t] && 2 * trading[t] >= alive[t];
            holes += any;
        }
        const bp__findings *f = bp__audit_findings(audit);
        CU_ASSERT_EQUAL(f->count[BP__FOUND_BLANK_SESSION], blank);
        CU_ASSERT_EQUAL(f->count[BP__FOUND_FEW_ASSETS], few);
        CU_ASSERT_EQUAL(f->count[BP__FOUND_HOLE], holes);
        CU_ASSERT_EQUAL(f->count[BP__FOUND_ENDS_EARLY], early);
        CU_ASSERT_EQUAL(f->count[BP__FOUND_BEGINS_LATE], late);
        bp__audit_destroy(&audit);
    }
}

static void test_weekdays(void)
{
    static const char *const name = "TFSSMTW"; /* from 1970-01-01, a Thursday */
    for (int64_t d = -1000; d < 1000; d++)
        CU_ASSERT_EQUAL(bp__audit_is_weekend(d * BP_NS_PER_DAY), name[((d % 7) + 7) % 7] == 'S');
}

/* Findings ----------------------------------------------------------------------------------------- */

/* The heaviest are kept, whatever their order: as a sort of all would have it. */
static void test_heaviest(void)
{
    for (int round = 0; round < 200; round++) {
        bp__findings f;
        double weight[60];
        const size_t n = 1 + draw(&state, 60), most = 1 + draw(&state, 12);
        bp__findings_init(&f, most);
        for (size_t i = 0; i < n; i++) {
            weight[i] = (double)draw(&state, 20);
            bp__findings_add(&f, BP__FOUND_JUMP, (int64_t)i, "A", day[0], 1, weight[i], "%zu", i);
        }
        const bp__finding **sorted;
        size_t kept, heavy = 0;
        MUST(bp__findings_sort(&f, &sorted, &kept));
        CU_ASSERT_EQUAL(kept, n < most ? n : most);
        CU_ASSERT_EQUAL(f.count[BP__FOUND_JUMP], n);
        for (size_t i = 0; i < n; i++) heavy += weight[i] >= BP__HEAVY;
        CU_ASSERT_EQUAL(f.heavy, heavy);
        for (size_t i = 0; i < kept; i++) {
            size_t before = 0; /* that are heavier, or as heavy and of a lower sid */
            for (size_t k = 0; k < n; k++)
                before += weight[k] > sorted[i]->weight ||
                          (weight[k] == sorted[i]->weight && (int64_t)k < sorted[i]->sid);
            CU_ASSERT_EQUAL(before, i);
        }
        free(sorted);
        bp__findings_fini(&f);
    }
}

typedef struct part {
    bp__audit *audit;
    const series *s;
    size_t first;
    int failures;
} part;

static void *look_at_part(void *argument)
{
    part *p = argument;
    for (size_t i = p->first; i < 400; i += 4) {
        const bp__audit_input in = input_of(&p->s[i % N], (int64_t)i);
        p->failures += bp__failed(bp__audit_series(p->audit, &in));
    }
    return NULL;
}

/* Four threads find what one finds, and keep the same of it. */
static void test_threads(void)
{
    static series s[N];
    char *text[2] = {NULL, NULL};
    for (size_t i = 0; i < N; i++) {
        walk(&s[i], 0.01);
        shift(&s[i], ratio[i % 8], AT + i % 5, D);
    }
    for (int k = 0; k < 2; k++) {
        pthread_t thread[4];
        part p[4];
        bp__audit *audit;
        size_t size;
        MUST(bp__audit_create(NULL, day, D, 5, &audit));
        for (int64_t i = 0; i < 400; i += 3)
            MUST(bp__audit_add_event(audit, i, BP__AUDIT_SPLIT, day[10], 0.5));
        for (size_t i = 0; i < 4; i++) {
            p[i] = (part){.audit = audit, .s = s, .first = i};
            CU_ASSERT_EQUAL_FATAL(pthread_create(&thread[i], NULL, look_at_part, &p[i]), 0);
            if (k == 0) pthread_join(thread[i], NULL);
        }
        for (size_t i = 0; i < 4; i++) {
            if (k == 1) pthread_join(thread[i], NULL);
            CU_ASSERT_EQUAL(p[i].failures, 0);
        }
        MUST(bp__audit_finish(audit));
        FILE *file = open_memstream(&text[k], &size);
        CU_ASSERT_PTR_NOT_NULL_FATAL(file);
        MUST(bp__findings_print(bp__audit_findings(audit), file, ""));
        fclose(file);
        bp__audit_destroy(&audit);
    }
    CU_ASSERT(strstr(text[0], "and ") != NULL); /* more than are kept */
    CU_ASSERT_STRING_EQUAL(text[0], text[1]);
    free(text[0]);
    free(text[1]);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"splits", test_splits},
        {"missing splits", test_missing_splits},
        {"dividends", test_dividends},
        {"a jump with a dividend", test_jump_with_dividend},
        {"twice", test_twice},
        {"a split in a hole", test_split_in_a_hole},
        {"events alone", test_events_alone},
        {"bars", test_bars},
        {"wicks", test_wicks},
        {"who has which symbol", test_owners},
        {"stale prices", test_stale},
        {"all assets", test_market},
        {"weekdays", test_weekdays},
        {"the heaviest", test_heaviest},
        {"threads", test_threads},
        CU_TEST_INFO_NULL,
    };
    make_days();
    return suite_main("audit", tests);
}
