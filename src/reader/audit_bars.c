/* What each daily bar tells, and runs of equal ones. */
#include <math.h>
#include <stdlib.h>

#include "reader/audit_series.h"

#define HAIR   1e-9 /* what arithmetic may add to equal prices */
#define SAMPLE 24   /* bars on each side from which the usual range is taken */
#define WICK   2.0  /* how many times the open and the close a high must be of even the calmest asset */
#define WILD   8.0  /* and of any other, in its usual ranges */

#define LEAST_PRICE 1e-12 /* a share, coin or contract in any currency costs more, */
#define MOST_PRICE  1e12  /* and less */

/* Bars of one asset that have the same thing the matter with them are one finding. */
typedef struct some {
    size_t bars;
    int64_t first;
} some;

static void count(some *s, int64_t day)
{
    if (s->bars++ == 0) s->first = day;
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

/* Comparisons with NaN are false: what is missing is in no wrong place. */
static void check_range(const bp__audited *a, size_t t)
{
    static const char *const name[] = {"open", "close"};
    const double price[] = {a->value[0][t], a->value[3][t]}, high = a->value[1][t], low = a->value[2][t];
    if (low > high * (1 + HAIR)) {
        const double size = 100 * (low / high - 1);
        BP__FOUND(a, HIGH_BELOW_LOW, a->day[t], size, size, "the high, %.6g, is below the low, %.6g", high,
                  low);
        return;
    }
    for (int i = 0; i < 2; i++) {
        if (price[i] > high * (1 + HAIR)) {
            const double above = 100 * (price[i] / high - 1);
            BP__FOUND(a, OUTSIDE_RANGE, a->day[t], above, above, "the %s, %.6g, is above the high, %.6g",
                      name[i], price[i], high);
        } else if (price[i] < low * (1 - HAIR)) {
            const double below = 100 * (low / price[i] - 1);
            BP__FOUND(a, OUTSIDE_RANGE, a->day[t], below, below, "the %s, %.6g, is below the low, %.6g",
                      name[i], price[i], low);
        }
    }
}

/* Wicks -------------------------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* From low to high on a usual day around session t, as the logarithm of a ratio: a median. */
static double usual_range(const bp__audited *a, size_t t)
{
    double range[2 * SAMPLE];
    size_t n = 0;
    const size_t first = t > SAMPLE ? t - SAMPLE : 0;
    for (size_t i = first; i < a->days && i < first + sizeof range / sizeof *range; i++) {
        const double high = a->value[1][i], low = a->value[2][i];
        if (i != t && bp__audit_priced(high) && bp__audit_priced(low) && high >= low)
            range[n++] = log(high / low);
    }
    if (n == 0) return 0;
    qsort(range, n, sizeof *range, by_size);
    return range[n / 2];
}

/* The larger and the smaller of two prices, of which one may be missing: as fmax() and fmin(), without a call. */
static double larger(double x, double y)
{
    return x > y || isnan(y) ? x : y;
}

static double smaller(double x, double y)
{
    return x < y || isnan(y) ? x : y;
}

/* A high or a low so far from where the session begins and ends that no day of this asset explains it: a bad tick. */
static void check_wicks(const bp__audited *a, size_t t)
{
    static const char *const name[] = {"high", "low"};
    const double open = a->value[0][t], close = a->value[3][t], end[] = {a->value[1][t], a->value[2][t]};
    const double body[] = {larger(open, close), smaller(open, close)};
    for (int i = 0; i < 2; i++) {
        if (!bp__audit_priced(end[i]) || !bp__audit_priced(body[i])) continue;
        const double ratio = i == 0 ? end[i] / body[i] : body[i] / end[i];
        if (!(ratio > WICK) || log(ratio) <= WILD * usual_range(a, t)) continue;
        const double size = 100 * (ratio - 1);
        BP__FOUND(a, WICK, a->day[t], i == 0 ? size : 100 * (1 / ratio - 1), size < 1e9 ? size : 1e9,
                  "the %s is %.6g, though the session opens at %.6g and closes at %.6g: a bad price?",
                  name[i], end[i], open, close);
    }
}

/* Prices that nothing costs: a factor of the file, or a unit, is wrong. */
static void check_size(const bp__audited *a)
{
    for (size_t t = 0; t < a->days; t++) {
        const double close = a->value[3][t];
        if (!bp__audit_priced(close) || (close >= LEAST_PRICE && close <= MOST_PRICE)) continue;
        BP__FOUND(a, PRICE_SIZE, a->day[t], close, 5, "a close of %.6g: a wrong scaling factor, or unit?",
                  close);
        return; /* of the others it is the same */
    }
}

/* Runs of equal bars ------------------------------------------------------------------------------- */

static bool same_prices(const bp__audited *a, size_t s, size_t t)
{
    for (int k = 0; k < 4; k++)
        if (!(a->value[k][s] == a->value[k][t])) return false;
    return true;
}

static void end_run(const bp__audited *a, size_t first, size_t n)
{
    if (n < a->thresholds->stale) return;
    BP__FOUND(a, STALE, a->day[first], (double)n, n < 100 ? 0.04 * (double)n : 4,
              "the same four prices in %zu sessions, close %.6g: no news, or no trades?", n,
              a->value[3][first]);
}

static void check_runs(const bp__audited *a)
{
    size_t first = SIZE_MAX, last = 0, n = 0, bars = 0, run = 0;
    double lowest = INFINITY, highest = 0;
    for (size_t t = 0; t < a->days; t++) {
        const double close = a->value[3][t];
        if (!bp__audit_priced(close)) continue;
        if (first == SIZE_MAX) first = t;
        lowest = smaller(lowest, close);
        highest = larger(highest, close);
        bars++;
    }
    if (bars >= a->thresholds->stale && lowest == highest) {
        BP__FOUND(a, CONSTANT, a->day[first], (double)bars, 3, "the close is %.6g in all of its %zu sessions",
                  lowest, bars);
        return;
    }
    for (size_t t = first; t < a->days; t++) {
        if (!bp__audit_priced(a->value[3][t])) continue;
        if (n > 0 && same_prices(a, last, t)) {
            n++;
        } else {
            end_run(a, run, n);
            run = t;
            n = 1;
        }
        last = t;
    }
    end_run(a, run, n);
}

/* Volumes ------------------------------------------------------------------------------------------ */

static void tell_volumes(const bp__audited *a, const some *alone, const some *zero, bool any)
{
    if (alone->bars > 0)
        BP__FOUND(a, VOLUME_ALONE, alone->first, (double)alone->bars, 0.5,
                  "%zu daily bar%s with a volume but no price; this is the first", alone->bars,
                  plural(alone->bars));
    if (zero->bars == 0) return;
    if (!any)
        BP__FOUND(a, VOLUME_ZERO, zero->first, (double)zero->bars, 0.3,
                  "no volume in any session; the price moves in %zu", zero->bars);
    else
        BP__FOUND(a, VOLUME_ZERO, zero->first, (double)zero->bars, 1,
                  "%zu daily bar%s without volume in which the price moves; this is the first", zero->bars,
                  plural(zero->bars));
}

/* Whether there is nothing to be said of a bar on its own: no price is missing or out of its range, which is too narrow for
 * a wick, and there is a volume. So are nearly all. */
static bool is_ordinary(const bp__audited *a, size_t t)
{
    const double open = a->value[0][t], high = a->value[1][t], low = a->value[2][t], close = a->value[3][t];
    return low > 0 && high < 0.99 * WICK * low && low <= open && open <= high && low <= close &&
           close <= high && a->value[4][t] > 0;
}

void bp__audit_bars(const bp__audited *a)
{
    some partial = {0}, no_close = {0}, alone = {0}, zero = {0};
    size_t bars = 0;
    bool any = false;
    double last = NAN;
    for (size_t t = 0; t < a->days; t++) {
        const double open = a->value[0][t], high = a->value[1][t], low = a->value[2][t],
                     close = a->value[3][t];
        if (is_ordinary(a, t)) {
            bars++;
            any = true;
            last = close;
            continue;
        }
        const int missing = isnan(open) + isnan(high) + isnan(low) + isnan(close);
        if (missing == 4) {
            if (a->value[4][t] > 0) count(&alone, a->day[t]);
            continue;
        }
        bars++;
        any |= a->value[4][t] > 0;
        if (missing > 0) count(isnan(close) ? &no_close : &partial, a->day[t]);
        check_range(a, t);
        check_wicks(a, t);
        const bool moves = high > low || close < last || close > last;
        if (!(a->value[4][t] > 0) && moves) count(&zero, a->day[t]);
        if (!isnan(close)) last = close;
    }
    if (no_close.bars > 0)
        BP__FOUND(a, PRICE_PARTIAL, no_close.first, (double)no_close.bars, 2,
                  "%zu daily bar%s without a close, but with other prices; this is the first", no_close.bars,
                  plural(no_close.bars));
    if (partial.bars > 0)
        BP__FOUND(a, PRICE_PARTIAL, partial.first, (double)partial.bars, 0.5,
                  "%zu daily bar%s with a close, but some prices missing; this is the first", partial.bars,
                  plural(partial.bars));
    tell_volumes(a, &alone, &zero, any);
    if (bars == 0) return;
    check_runs(a);
    check_size(a);
}
