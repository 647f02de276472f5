#include "backtest/account.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/number.h"

#define ZIPLINE_LIMIT  0.025
#define ZIPLINE_IMPACT 0.1
#define FRACTION       0.05 /* a bare number of basis points below it is asked about */

const char *const bp__fill_names[] = {"open", "close", NULL};
const char *const bp__dividends_names[] = {"ex", "pay", "reinvest", "none", NULL};

bp__account bp__account_init(void)
{
    return (bp__account){.cash = 10e6, .max_leverage = 1};
}

static bp_status check_cost(const char *what, double x, double below)
{
    if (x >= 0 && x < below) return BP_OK;
    BP_FAIL(BP_EINVAL, "%s of %g is out of range; allowed are 0 to less than %g", what, x, below);
}

bp_status bp__account_check(const bp__account *a)
{
    if (!(a->cash > 0 && a->cash <= DBL_MAX)) BP_FAIL(BP_EINVAL, "cash of %g: it must be positive", a->cash);
    if (!(a->max_leverage >= 1))
        BP_FAIL(BP_EINVAL, "max-leverage of %g is out of range; allowed are 1 and more, or none",
                a->max_leverage);
    BP_TRY(check_cost("commission in basis points", a->commission_bps, 10000));
    BP_TRY(check_cost("slippage in basis points", a->slippage_bps, 10000));
    BP_TRY(check_cost("commission per share", a->commission_per_share, 1e6));
    BP_TRY(check_cost("minimum commission per order", a->commission_min, 1e9));
    BP_TRY(check_cost("commission per order", a->commission_per_order, 1e9));
    if (!(a->volume_limit >= 0 && a->volume_limit <= 1))
        BP_FAIL(BP_EINVAL,
                "slippage: limit=%g is out of range; it is a share of a bar's volume, more than 0 to 1",
                a->volume_limit);
    return check_cost("slippage: impact", a->price_impact, 1e6);
}

/* Costs as text --------------------------------------------------------------------------------- */

/* "5bps", "0.05%", "5" */
static bool read_bps(const char *text, size_t n, double *bps, bool *doubtful)
{
    if (n > 3 && memcmp(text + n - 3, "bps", 3) == 0) return bp__number_from(text, n - 3, bps);
    if (n > 1 && text[n - 1] == '%') {
        if (!bp__number_from(text, n - 1, bps)) return false;
        *bps *= 100;
        return true;
    }
    if (!bp__number_from(text, n, bps)) return false;
    *doubtful |= *bps > 0 && *bps < FRACTION;
    return true;
}

/* "NAME=X" */
static bool read_named(const char *text, size_t n, const char *name, double *x)
{
    const size_t m = strlen(name);
    return n > m + 1 && memcmp(text, name, m) == 0 && text[m] == '=' &&
           bp__number_from(text + m + 1, n - m - 1, x);
}

static bool ends_with(const char *text, size_t n, const char *end)
{
    const size_t m = strlen(end);
    return n > m && memcmp(text + n - m, end, m) == 0;
}

/* One of several parts. @return false: it is none, or there is one of its kind already */
static bool read_commission(const char *text, size_t n, bp__account *a, bool *doubtful)
{
    const size_t first = strcspn(text, ",") < n ? strcspn(text, ",") : n;
    if (ends_with(text, n, "/order") && a->commission_per_order == 0)
        return bp__number_from(text, n - strlen("/order"), &a->commission_per_order);
    if (ends_with(text, first, "/share") && a->commission_per_share == 0)
        return bp__number_from(text, first - strlen("/share"), &a->commission_per_share) &&
               (first == n || read_named(text + first + 1, n - first - 1, "min", &a->commission_min));
    return a->commission_bps == 0 && read_bps(text, n, &a->commission_bps, doubtful);
}

/* Up to the next `+` that joins parts: that of an exponent does not. */
static size_t part_length(const char *text)
{
    size_t n = strcspn(text, "+");
    while (text[n] && n > 0 && (text[n - 1] == 'e' || text[n - 1] == 'E'))
        n += 1 + strcspn(text + n + 1, "+");
    return n;
}

bp_status bp__commission_from(const char *text, bp__account *account, bool *doubtful)
{
    bp__account a = *account;
    a.commission_bps = a.commission_per_share = a.commission_min = a.commission_per_order = 0;
    *doubtful = false;
    for (const char *part = text;;) {
        const size_t n = part_length(part);
        if (!read_commission(part, n, &a, doubtful))
            BP_FAIL(
                BP_EINVAL,
                "'%.60s' is not a commission; write 5bps, 0.05%%, 0.0075/share, 0.0075/share,min=1, 1/order, or "
                "several joined by +",
                text);
        if (!part[n]) break;
        part += n + 1;
    }
    BP_TRY(bp__account_check(&a));
    *account = a;
    return BP_OK;
}

static bool read_volume(const char *text, bp__account *a)
{
    a->volume_limit = ZIPLINE_LIMIT;
    a->price_impact = ZIPLINE_IMPACT;
    while (*text) {
        const size_t n = strcspn(++text, ",");
        if (!read_named(text, n, "limit", &a->volume_limit) &&
            !read_named(text, n, "impact", &a->price_impact))
            return false;
        text += n;
    }
    return a->volume_limit > 0;
}

bp_status bp__slippage_from(const char *text, bp__account *account, bool *doubtful)
{
    static const char volume[] = "volume";
    const size_t n = strlen(volume);
    bp__account a = *account;
    a.slippage_bps = a.volume_limit = a.price_impact = 0;
    *doubtful = false;
    const bool by_volume = strncmp(text, volume, n) == 0 && (!text[n] || text[n] == ',');
    if (by_volume ? !read_volume(text + n, &a) : !read_bps(text, strlen(text), &a.slippage_bps, doubtful))
        BP_FAIL(BP_EINVAL,
                "'%.60s' is not a slippage; write 5bps, 0.05%%, volume, or volume,limit=0.025,impact=0.1",
                text);
    BP_TRY(bp__account_check(&a));
    *account = a;
    return BP_OK;
}

/* Append to a text, behind a `+` if it is not the first part. */
static void append(char *text, size_t size, const char *part, const char *unit)
{
    const size_t used = strlen(text);
    snprintf(text + used, size - used, "%s%s%s", used ? "+" : "", part, unit);
}

const char *bp__commission_text(const bp__account *a, char *text, size_t size)
{
    char number[32];
    text[0] = '\0';
    if (a->commission_bps > 0) append(text, size, bp__number_text(a->commission_bps, number), "bps");
    if (a->commission_per_share > 0 || a->commission_min > 0)
        append(text, size, bp__number_text(a->commission_per_share, number), "/share");
    if (a->commission_min > 0) {
        const size_t used = strlen(text);
        snprintf(text + used, size - used, ",min=%s", bp__number_text(a->commission_min, number));
    }
    if (a->commission_per_order > 0)
        append(text, size, bp__number_text(a->commission_per_order, number), "/order");
    if (!text[0]) snprintf(text, size, "0bps");
    return text;
}

const char *bp__slippage_text(const bp__account *a, char *text, size_t size)
{
    char x[32], y[32];
    if (a->volume_limit > 0)
        snprintf(text, size, "volume,limit=%s,impact=%s", bp__number_text(a->volume_limit, x),
                 bp__number_text(a->price_impact, y));
    else
        snprintf(text, size, "%sbps", bp__number_text(a->slippage_bps, x));
    return text;
}
