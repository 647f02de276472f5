/* Jumps of the close from one session to the next that no event explains.
 *
 * DESIGN. Real prices jump, too: so what kind of jump it is matters more than that it is one. A ratio of whole numbers
 * that the open shows already looks like a split that is missing; one of 100 or 1000, like another unit; one that is
 * taken back at once, like a bad price. Only these are heavy; any other jump is told with a weight that makes it heavy
 * only where no market moves so.
 */
#include <math.h>

#include "reader/audit_series.h"

#define UNIT_SLACK 0.10 /* logarithm: what the market may add to a change of unit */
#define BACK       0.25 /* of the jump: what may be left of it when it is taken back */
#define REAL_PART  0.04 /* weight of a percent of a jump that may well be real */

/* New shares for an old one. */
static const double usual_split[] = {1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 25, 30, 40, 50};
static const double unit[] = {100, 1000, 10000, 100000, 1000000};

static double weight_of(double log_ratio)
{
    const double weight = 100 * expm1(fabs(log_ratio));
    return weight < 1e9 ? weight : 1e9;
}

/* The split that explains a move: new shares for an old one, or 0.
 *
 * The nearer a ratio is to 1, the more often a market moves by it on its own, and the nearer the move must be. */
static double looks_like_split(double move, double usual)
{
    for (size_t i = 0; i < sizeof usual_split / sizeof *usual_split; i++) {
        const double size = log(usual_split[i]);
        const double most = size < 0.6 ? 0.03 : 0.05, least = size < 0.6 ? 0.01 : 0.015;
        const double slack = fmin(most, fmax(least, size < 0.6 ? usual : 1.5 * usual));
        if (fabs(fabs(log(move)) - size) <= slack) return move < 1 ? usual_split[i] : 1 / usual_split[i];
    }
    return 0;
}

static double looks_like_unit(double move)
{
    for (size_t i = 0; i < sizeof unit / sizeof *unit; i++)
        if (fabs(fabs(log(move)) - log(unit[i])) <= UNIT_SLACK) return move > 1 ? unit[i] : 1 / unit[i];
    return 0;
}

/* The first close at or after t, or the number of sessions. */
static size_t close_from(const bp__audited *a, size_t t)
{
    while (t < a->days && !bp__audit_priced(a->value[3][t])) t++;
    return t;
}

static bool is_taken_back(const bp__audited *a, size_t before, size_t t)
{
    const size_t next = close_from(a, t + 1);
    if (next >= a->days) return false;
    const double *close = a->value[3];
    return fabs(log(close[next] / close[before])) < BACK * fabs(log(close[t] / close[before]));
}

/* @param[in] move   of the close, but for what events explain
 * @param[in] events  there are some
 * @return whether the next session takes it back, and is told with it */
static bool tell_jump(const bp__audited *a, size_t before, size_t t, double move, bool events)
{
    char text[48];
    const double from = a->value[3][before], to = a->value[3][t], open = a->value[0][t];
    const double size = 100 * (move - 1), usual = bp__audit_usual_move(a, t);
    const double units = looks_like_unit(move);
    const char *counted = events ? ", with what is paid or split in between counted in" : "";
    /* a split is there when the day opens, and the open has had less time to move on */
    const double opening = bp__audit_priced(open) ? move * open / to : move;
    const bool opens = fabs(log(opening / move)) < 0.5 * fabs(log(move));
    double shares = opens ? looks_like_split(opening, usual) : 0;
    if (opens && shares == 0) shares = looks_like_split(move, usual);
    if (is_taken_back(a, before, t)) {
        BP__FOUND(a, SPIKE, a->day[t], size, weight_of(log(move)),
                  "the close goes from %.6g to %.6g, and the next session takes it back: a bad price?", from,
                  to);
        return true;
    }
    if (units != 0)
        BP__FOUND(
            a, UNIT_CHANGE, a->day[t], size, weight_of(log(move)),
            "the close goes from %.6g to %.6g, by a factor of %.6g%s: another unit, such as pence for pounds, or a "
            "split that is missing?",
            from, to, units > 1 ? units : 1 / units, counted);
    else if (shares != 0)
        BP__FOUND(a, SPLIT_MISSING, a->day[t], size, weight_of(log(move)),
                  "the close goes from %.6g to %.6g, as with a %s split, and no split is given", from, to,
                  bp__audit_ratio_text(shares, text));
    else
        BP__FOUND(a, JUMP, a->day[t], size, REAL_PART * weight_of(log(move)),
                  "the close goes from %.6g to %.6g, by %+.4g %%%s", from, to, size, counted);
    return false;
}

/* Whether a move may be a jump: a logarithm takes longer than everything else here, and hardly any session needs it. The
 * margin is wider than any rounding. */
static bool may_jump(double move, double jump)
{
    const double most = (1 + jump / 100) * (1 - 1e-9);
    return move > most || move * most < 1;
}

void bp__audit_jumps(const bp__audited *a)
{
    const double *close = a->value[3], least = log1p(a->thresholds->jump / 100);
    size_t before = close_from(a, 0), e = 0;
    bool passed = false; /* the move is the way back of a spike */
    while (e < a->num_events && before < a->days && a->event[e].date <= a->day[before]) e++;
    for (size_t t; before < a->days && (t = close_from(a, before + 1)) < a->days; before = t) {
        const size_t first = e;
        while (e < a->num_events && a->event[e].date <= a->day[t]) e++;
        const double move =
            e > first ? bp__audit_gap(a, before, t, &a->event[first], e - first) : close[t] / close[before];
        const bool jumps =
            may_jump(move, a->thresholds->jump) && fabs(log(move)) > least; /* not with NaN: told already */
        passed = jumps && !passed && tell_jump(a, before, t, move, e > first);
    }
}
