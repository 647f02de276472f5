#include "io/ingest/adjclose.h"

#include <math.h>
#include <stdlib.h>

#include "core/day.h"

#define WINDOW      20    /* days that a level is taken from */
#define FLOAT_NOISE 4e-7  /* vendors compute in single precision */
#define EXACT_CLOSE 2     /* closes of so many decimals were traded; finer ones are computed and rounded */
#define SPLIT_BELOW 0.905 /* a split of 10 for 9 is the smallest that is taken for one */
#define SPLIT_NEAR  1e-4  /* of a fraction, beside noise */
#define SPLIT_ROUGH 0.7   /* and of 3 for 2, where noise would make a fraction of nearly everything */
#define MUCH_NOISE  1e-3
#define BESIDE      0.95 /* a dividend on the day of a split leaves more of the price than that */
#define OFTEN_ROWS  20   /* events are rarer than one in so many rows, */
#define OFTEN_DAYS  25   /* or than one in so many days: of weekly bars */
#define FEW         2    /* events that even a short file may have */

static int by_day(const void *a, const void *b)
{
    const bp__event *x = a, *y = b;
    return (x->day > y->day) - (x->day < y->day);
}

void bp__events_sort(bp__events *events)
{
    if (events->n > 1) qsort(events->row, events->n, sizeof *events->row, by_day);
}

/* By how much the ratio of a pair may be off, relatively. */
static double noise(const bp__pair *p, const int decimals[2])
{
    double x = FLOAT_NOISE + 0.5 * pow(10, -decimals[1]) / p->adjusted;
    if (decimals[0] > EXACT_CLOSE) x += 0.5 * pow(10, -decimals[0]) / p->close;
    return x;
}

static double ratio(const bp__pair *p)
{
    return p->adjusted / p->close;
}

static bool is_jump(const bp__pair *p, const int decimals[2])
{
    return fabs(ratio(&p[-1]) / ratio(&p[0]) - 1) > noise(&p[-1], decimals) + noise(&p[0], decimals);
}

static double level(const bp__pair *p, size_t n)
{
    double adjusted = 0, close = 0;
    for (size_t i = 0; i < n; i++) adjusted += p[i].adjusted, close += p[i].close;
    return adjusted / close;
}

/* The ratio before day i over that from day i on. */
static double jump_at(const bp__pair *pairs, size_t n, size_t i, const int decimals[2])
{
    size_t from = i - 1, to = i + 1;
    while (from > 0 && i - from < WINDOW && !is_jump(&pairs[from], decimals)) from--;
    while (to < n && to - i < WINDOW && !is_jump(&pairs[to], decimals)) to++;
    return level(&pairs[from], i - from) / level(&pairs[i], to - i);
}

/* k / m for q near m / k: new shares per old one; 0 if there is no such fraction. */
static double as_split(double q, double near)
{
    if (q > (near > MUCH_NOISE ? SPLIT_ROUGH : SPLIT_BELOW) && q <= 1) return 0;
    for (int m = 1; m <= 10; m++) {
        const int k = (int)lround(m / q);
        if (k < 1 || (m > 1 && k > 20) || k == m) continue;
        if (fabs(q * k / m - 1) <= near) return (double)k / m;
    }
    for (int m = 11; m <= 1000 && q > 10; m++) /* one new share for many old ones */
        if (fabs(q / m - 1) <= near) return 1.0 / m;
    return 0;
}

/* A split on whose day a dividend was paid as well: q is a bit less than that of the split alone.
 * @return new shares per old one; 0 if there is none such */
static double beside_dividend(double q)
{
    static const double common[] = {1.5,     2,       3,       4,       5,       6,       7,
                                    8,       10,      20,      1 / 2.,  1 / 3.,  1 / 4.,  1 / 5.,
                                    1 / 6.,  1 / 7.,  1 / 8.,  1 / 10., 1 / 15., 1 / 20., 1 / 25.,
                                    1 / 30., 1 / 40., 1 / 50., 1 / 100.};
    for (size_t i = 0; i < sizeof common / sizeof *common; i++)
        if (q * common[i] > BESIDE && q * common[i] < 1) return common[i];
    return 0;
}

/* The event of a day that the file gives; NULL. */
static const bp__event *find(const bp__events *events, size_t n, int64_t day)
{
    const bp__event key = {.day = day};
    return n > 0 ? bsearch(&key, events->row, n, sizeof key, by_day) : NULL;
}

/* What makes q of the price before. @return false: nothing that is wanted, or known */
static bool explain(double q, double before, double near, bool dividends, bool splits, bp__event *e)
{
    double split = splits ? as_split(q, SPLIT_NEAR + near) : 0;
    const bool exact = split > 0;
    if (!exact && splits && dividends) split = beside_dividend(q);
    if (split > 0) e->split = split;
    if (!exact && dividends && q * e->split < 1) e->dividend = before * (1 - q * e->split);
    return e->split != 1 || e->dividend != 0;
}

bool bp__adjclose_often(const bp__pair *pairs, size_t n, size_t found)
{
    if (found <= FEW) return false;
    const int64_t days = (pairs[n - 1].day - pairs[0].day) / BP_NS_PER_DAY;
    return found * OFTEN_ROWS > n && (int64_t)found * OFTEN_DAYS > days;
}

bp_status bp__adjclose_events(const bp__pair *pairs, size_t n, const int decimals[2], bool dividends,
                              bool splits, bp__events *events, bp__adjclose *found)
{
    const size_t given = events->n;
    *found = (bp__adjclose){0};
    for (size_t i = 1; i < n; i++) {
        if (!is_jump(&pairs[i], decimals)) continue;
        const double before = pairs[i - 1].close,
                     near = noise(&pairs[i - 1], decimals) + noise(&pairs[i], decimals);
        double q = jump_at(pairs, n, i, decimals);
        const bp__event *known = find(events, given, pairs[i].day);
        if (known) q /= (1 - known->dividend / before) / known->split;
        if (!(q > 0) || !isfinite(q) || fabs(q - 1) <= near) continue;
        bp__event e = {.day = pairs[i].day, .split = 1};
        if (explain(q, before, near, dividends, splits, &e)) {
            BP__APPEND(events, e);
            if (found->n < BP__ADJCLOSE_SHOWN) found->first[found->n] = e;
        } else if (splits && q > 1) {
            if (!found->odd) found->odd = &pairs[i], found->q = q;
        } else {
            continue;
        }
        found->n++;
    }
    bp__events_sort(events);
    return BP_OK;
}
