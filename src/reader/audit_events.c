/* Splits, mergers and dividends beside the closes before and after them.
 *
 * DESIGN. An event states how the price should move from one close to the next: by R. The move m differs from that by
 * what the market did that day, which is small beside R if R is large enough to be told at all. So three readings are
 * compared by the distance of logarithms: the event is right (m = R), the prices know of it already or it never was
 * (m = 1), it is upside down (m = 1 / R). The event is contradicted where the first is off by more than the market
 * moves on its wildest days, and another explains the move better. Who applies it nevertheless is wrong by m / R, and
 * that is the weight.
 */
#include <math.h>
#include <stdlib.h>

#include "core/search.h"
#include "reader/audit_series.h"

#define SAMPLE     24   /* moves on each side from which the usual one is taken */
#define LEAST_LOG  0.12 /* a wild day of the calmest asset */
#define WILD       5.0  /* of any other, in its usual moves */
#define MOST_USUAL 0.10
#define SURELY     0.7 /* another reading is better unless the stated one is nearer than this part of it */

int bp__audit_event_compare(const void *a, const void *b)
{
    const bp__audit_event *x = a, *y = b;
    if (x->sid != y->sid) return x->sid < y->sid ? -1 : 1;
    if (x->date != y->date) return x->date < y->date ? -1 : 1;
    if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
    if (x->value != y->value) return x->value < y->value ? -1 : 1;
    return 0;
}

/* The market --------------------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

double bp__audit_usual_move(const bp__audited *a, size_t t)
{
    double move[2 * SAMPLE];
    size_t n = 0;
    const double *close = a->value[3];
    const size_t first = t > SAMPLE ? t - SAMPLE : 1;
    for (size_t i = first; i < a->days && i < first + sizeof move / sizeof *move; i++)
        if (i != t && bp__audit_priced(close[i - 1]) && bp__audit_priced(close[i]))
            move[n++] = fabs(log(close[i] / close[i - 1]));
    if (n == 0) return 0;
    qsort(move, n, sizeof *move, by_size);
    const double usual = 1.4826 * move[n / 2]; /* of a normal distribution: its standard deviation */
    return usual < MOST_USUAL ? usual : MOST_USUAL;
}

static double wild_move(const bp__audited *a, size_t t)
{
    const double wild = WILD * bp__audit_usual_move(a, t);
    return wild > LEAST_LOG ? wild : LEAST_LOG;
}

/* Words -------------------------------------------------------------------------------------------- */

const char *bp__audit_ratio_text(double shares, char text[48])
{
    for (int old = 1; old <= 20; old++) {
        const double new = shares *old;
        if (new >= 0.999 && new < 10000 && fabs(new - round(new)) < 1e-3 * new) {
            snprintf(text, 48, "%.0f for %d", round(new), old);
            return text;
        }
    }
    if (shares < 1 && shares > 1e-6) { /* 1 for 25 */
        const double old = 1 / shares;
        if (fabs(old - round(old)) < 1e-3 * old) {
            snprintf(text, 48, "1 for %.0f", round(old));
            return text;
        }
    }
    snprintf(text, 48, "%.6g for 1", shares);
    return text;
}

static double percent(double ratio)
{
    return 100 * (ratio - 1);
}

/* By how much, whichever way. */
static double weight_of(double log_ratio)
{
    return 100 * expm1(fabs(log_ratio));
}

/* Events ------------------------------------------------------------------------------------------- */

/* What the events between two closes state together. */
typedef struct stated {
    double ratio;  /* of splits and mergers */
    double amount; /* of dividends */
    size_t num_ratios;
    int64_t ratio_date, amount_date; /* of the first */
    const char *name;                /* of the first ratio */
} stated;

static stated state(const bp__audit_event *event, size_t n)
{
    stated s = {.ratio = 1};
    for (size_t i = 0; i < n; i++) {
        const bp__audit_event *e = &event[i];
        if (!(e->value > 0 && e->value <= DBL_MAX)) continue; /* told with the tables */
        if (e->kind == BP__AUDIT_DIVIDEND) {
            if (s.amount == 0) s.amount_date = e->date;
            s.amount += e->value;
        } else {
            if (s.num_ratios++ == 0) {
                s.ratio_date = e->date;
                s.name = e->kind == BP__AUDIT_SPLIT ? "split" : "merger";
            }
            s.ratio *= e->value;
        }
    }
    return s;
}

static void tell_twice(const bp__audited *a, const bp__audit_event *event, size_t n, double price)
{
    for (size_t i = 1; i < n; i++) {
        const bp__audit_event *e = &event[i];
        if (bp__audit_event_compare(e - 1, e) != 0) continue;
        if (e->kind == BP__AUDIT_DIVIDEND)
            BP__FOUND(a, EVENT_TWICE, e->date, 2, 100 * e->value / price,
                      "the same dividend of %.6g a share is there twice: both are paid", e->value);
        else if (e->value > 0 && e->value <= DBL_MAX)
            BP__FOUND(a, EVENT_TWICE, e->date, 2, weight_of(log(e->value)),
                      "the same %s of ratio %.6g is there twice: both are applied",
                      e->kind == BP__AUDIT_SPLIT ? "split" : "merger", e->value);
    }
}

/* @param[in] move  of the close, but for dividends
 * @return whether it is contradicted, and told */
static bool contradicted(const bp__audited *a, const stated *s, double move, double wild, double before,
                         double after)
{
    char ratio[48];
    const double error = fabs(log(move / s->ratio)), none = fabs(log(move)),
                 inverted = fabs(log(move * s->ratio));
    const double better = none < inverted ? none : inverted;
    if (error <= wild || error <= SURELY * better) return false;
    const double gain = percent(move / s->ratio), weight = weight_of(error);
    bp__audit_ratio_text(1 / s->ratio, ratio);
    if (inverted < none && inverted < wild)
        BP__FOUND(
            a, SPLIT_INVERTED, s->ratio_date, gain, weight,
            "a %s %s, but the close goes from %.6g to %.6g: it looks inverted; as it is, a holder's value changes "
            "by %+.4g %%",
            ratio, s->name, before, after, gain);
    else
        BP__FOUND(
            a, SPLIT_CONTRADICTED, s->ratio_date, gain, weight,
            "a %s %s, but the close goes from %.6g to %.6g%s: as it is, a holder's value changes by %+.4g %%",
            ratio, s->name, before, after,
            none < wild ? ", as if prices were adjusted already or there were no split" : "", gain);
    return true;
}

/* @param[in] move  of the close, but for splits
 *  @return whether it is contradicted, and told */
static bool dividend_contradicted(const bp__audited *a, const stated *s, double move, double wild,
                                  double before, double after)
{
    const double share = s->amount / before, size = 100 * share;
    if (share >= 1) {
        BP__FOUND(a, DIVIDEND_BEYOND, s->amount_date, size, size,
                  "a dividend of %.6g a share, which is %.4g %% of the price before, %.6g", s->amount, size,
                  before);
        return true;
    }
    const double error = fabs(log(move / (1 - share))), none = fabs(log(move));
    const bool shows = -log1p(-share) > wild; /* else the market hides it */
    if (shows && error > wild && error > none) {
        BP__FOUND(
            a, DIVIDEND_CONTRADICTED, s->amount_date, size, size,
            "a dividend of %.6g a share, %.4g %% of the price before, but the close goes from %.6g to %.6g",
            s->amount, size, before, after);
        return true;
    }
    if (size > a->thresholds->dividend) /* the price agrees, or it is within a wild day */
        BP__FOUND(a, DIVIDEND_LARGE, s->amount_date, size, error <= wild / 2 ? size / 100 : size / 20,
                  "a dividend of %.6g a share, %.4g %% of the price before, %.6g", s->amount, size, before);
    return false;
}

double bp__audit_gap(const bp__audited *a, size_t before, size_t after, const bp__audit_event *event,
                     size_t n)
{
    const double from = a->value[3][before], to = a->value[3][after];
    double move = to / from;
    const stated s = state(event, n);
    bool told = false;
    tell_twice(a, event, n, from);
    if (s.num_ratios == 0 && s.amount == 0) return move;
    const double wild = wild_move(a, after);
    if (s.amount > 0) told = dividend_contradicted(a, &s, move / s.ratio, wild, from * s.ratio, to);
    if (s.amount > 0 && !told) move /= 1 - s.amount / (from * s.ratio);
    if (s.num_ratios > 0) told |= contradicted(a, &s, move, wild, from, to);
    return told ? NAN : move / s.ratio;
}

void bp__audit_events(const bp__audited *a)
{
    const double *close = a->value[3];
    for (size_t i = 0; i < a->num_events;) {
        const size_t day = bp__first_from(a->day, a->days, a->event[i].date);
        size_t after = day, before = day, n = 1;
        while (after < a->days && !bp__audit_priced(close[after])) after++;
        while (before > 0 && !bp__audit_priced(close[before - 1])) before--;
        if (after == a->days) return; /* and so do all that follow */
        while (i + n < a->num_events && a->event[i + n].date <= a->day[after]) n++;
        if (before > 0) bp__audit_gap(a, before - 1, after, &a->event[i], n);
        i += n;
    }
}
