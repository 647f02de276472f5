/* DESIGN
 *
 * A helper works on the observations of an asset, side by side. A row without holes has them so already, and the
 * results go straight to where they belong; of another row the observations are gathered, and the results are spread
 * over the sessions that they stay for.
 *
 * Averages that run on from one value to the next wait for every addition. So rows are taken in groups: those of a group
 * go forward together, and one row's additions fill the time that another waits. Each keeps its own order. */
#include <math.h>
#include <stdlib.h>

#include "backtest/exact.h"
#include "backtest/moving.h"
#include "backtest/panel_kernels.h"

#define GROUP 8

/* Observations of an asset, and what becomes of them. */
typedef struct row {
    const double *x;   /* [count] */
    double *y;         /* [count] */
    const int32_t *at; /* [count] their columns, less `shift`; NULL: begin + j */
    int32_t shift;
    int32_t begin; /* first column; `end` where there is none */
    int32_t count;
    int32_t end; /* column of the delisting, or the panel's width */
} row;

/* Memory for one row where it has holes. */
typedef struct gathered {
    double *x, *y;
    int32_t *at;
} gathered;

typedef struct work {
    double *hi, *lo; /* [columns + 1] prefix sums */
    double *mean;    /* [columns] */
    gathered room[GROUP];
    double *numbers;  /* where all of these are */
    int32_t *columns; /* where those of gathered.at are */
} work;

static bp_status work_init(work *w, size_t columns)
{
    w->numbers = malloc((3 + 2 * GROUP) * (columns + 1) * sizeof *w->numbers);
    w->columns = malloc(GROUP * (columns + 1) * sizeof *w->columns);
    if (!w->numbers || !w->columns) return BP_ENOMEM;
    double *at = w->numbers;
    w->hi = at;
    w->lo = at += columns + 1;
    w->mean = at += columns + 1;
    for (size_t i = 0; i < GROUP; i++) {
        w->room[i].x = at += columns + 1;
        w->room[i].y = at += columns + 1;
        w->room[i].at = w->columns + i * (columns + 1);
    }
    return BP_OK;
}

static void work_fini(work *w)
{
    free(w->numbers);
    free(w->columns);
}

/* Rows ------------------------------------------------------------------------------------------ */

static row observe_closes(const bp__scope *s, size_t asset, const gathered *room)
{
    const bp__asset *a = &s->asset[asset];
    const int32_t end = bp__panel_end(s, asset);
    return (row){.x = bp__scope_closes(s, asset, room->x),
                 .at = a->session,
                 .shift = s->first,
                 .begin = a->count > 0 ? a->first + s->first : end,
                 .count = a->count,
                 .end = end};
}

/* The columns of x before `end` that have a value. */
static row observe(const double *restrict x, int32_t end, const gathered *room)
{
    int32_t begin = 0, last = end - 1, count = 0;
    while (begin < end && isnan(x[begin])) begin++;
    while (last >= begin && isnan(x[last])) last--;
    for (int32_t i = begin; i <= last; i++) count += !isnan(x[i]);
    if (count == last - begin + 1) return (row){.x = x + begin, .begin = begin, .count = count, .end = end};
    double *restrict value = room->x;
    int32_t *restrict at = room->at;
    for (int32_t i = begin, j = 0; i <= last; i++) { /* there is room for what is written once too often */
        value[j] = x[i];
        at[j] = i;
        j += !isnan(x[i]);
    }
    return (row){.x = value, .at = at, .begin = begin, .count = count, .end = end};
}

/* Every result stays until the next one. */
static void spread(const row *r, int32_t columns, double *out)
{
    for (int32_t i = 0; i < r->begin; i++) out[i] = NAN;
    for (int32_t j = 0, i = r->begin; r->at && j < r->count; j++) {
        const int32_t until = j + 1 < r->count ? r->at[j + 1] + r->shift : r->end;
        for (; i < until; i++) out[i] = r->y[j];
    }
    for (int32_t i = r->begin + r->count; !r->at && r->count > 0 && i < r->end; i++)
        out[i] = r->y[r->count - 1];
    for (int32_t i = r->end; i < columns; i++) out[i] = NAN;
}

/* Kernels --------------------------------------------------------------------------------------- */

static int32_t least(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static void no_values(double *y, int32_t count)
{
    for (int32_t j = 0; j < count; j++) y[j] = NAN;
}

/* Means of windows that are as finite as can be, although all of the numbers together are not. */
static void means_of_run(work *w, const double *x, int32_t n, int32_t k, double *mean)
{
    bp__prefix_sums(x, (size_t)n, w->hi, w->lo);
    if (isfinite(w->hi[n])) {
        bp__moving_means(bp__isa_best(), w->hi, w->lo, n, k, mean);
        return;
    }
    no_values(mean, least(k - 1, n));
    for (int32_t j = k - 1; j < n; j++) mean[j] = bp__mean(x + j - (k - 1), (size_t)k);
}

/* As bp_market_means(). An infinite number would spoil every prefix sum behind it: only the windows that it is in have no
 * mean. */
static void means(work *w, const row *r, int32_t k, double *mean)
{
    const double *x = r->x;
    const int32_t n = r->count;
    bp__prefix_sums(x, (size_t)n, w->hi, w->lo);
    if (isfinite(w->hi[n])) {
        bp__moving_means(bp__isa_best(), w->hi, w->lo, n, k, mean);
        return;
    }
    for (int32_t begin = 0, end; begin < n; begin = end + 1) {
        for (end = begin; end < n && isfinite(x[end]);) end++;
        means_of_run(w, x + begin, end - begin, k, mean + begin);
        if (end < n) mean[end] = NAN;
    }
}

static void sma(work *w, const row *group, size_t n, int32_t k)
{
    for (size_t i = 0; i < n; i++) means(w, &group[i], k, group[i].y);
}

static void deviations(work *w, const row *group, size_t n, int32_t k)
{
    for (size_t i = 0; i < n; i++) {
        means(w, &group[i], k, w->mean);
        bp__moving_deviations(bp__isa_best(), group[i].x, group[i].count, k, w->mean, group[i].y);
    }
}

static void scores(work *w, const row *group, size_t n, int32_t k)
{
    for (size_t i = 0; i < n; i++) {
        const double *restrict x = group[i].x, *restrict mean = w->mean;
        double *restrict y = group[i].y;
        deviations(w, &group[i], 1, k);
        for (int32_t j = 0; j < group[i].count; j++) y[j] = y[j] > 0 ? (x[j] - mean[j]) / y[j] : NAN;
    }
}

static void returns(work *w, const row *group, size_t n, int32_t k)
{
    (void)w;
    for (size_t i = 0; i < n; i++) {
        const double *restrict x = group[i].x;
        double *restrict y = group[i].y;
        no_values(y, least(k, group[i].count));
        for (int32_t j = k; j < group[i].count; j++) y[j] = x[j] / x[j - k] - 1;
    }
}

static void shift(work *w, const row *group, size_t n, int32_t k)
{
    (void)w;
    for (size_t i = 0; i < n; i++) {
        no_values(group[i].y, least(k, group[i].count));
        for (int32_t j = k; j < group[i].count; j++) group[i].y[j] = group[i].x[j - k];
    }
}

/* How many observations all rows of a full group have; 0: the group is not full. */
static int32_t in_common(const row *group, size_t n)
{
    int32_t count = n == GROUP ? group[0].count : 0;
    for (size_t i = 1; i < n; i++) count = least(count, group[i].count);
    return count;
}

/* Equal numbers stay what they are: the difference is 0. */
static inline double ema_next(double e, double x, double alpha)
{
    return e + alpha * (x - e);
}

static void ema(work *w, const row *group, size_t n, int32_t k)
{
    const double alpha = 2 / ((double)k + 1);
    const int32_t common = in_common(group, n);
    double e[GROUP] = {0};
    (void)w;
    for (size_t i = 0; i < n; i++) {
        no_values(group[i].y, least(k - 1, group[i].count));
        if (group[i].count >= k) e[i] = group[i].y[k - 1] = bp__mean(group[i].x, (size_t)k);
    }
    for (int32_t j = k; j < common; j++)
        for (size_t i = 0; i < GROUP; i++) group[i].y[j] = e[i] = ema_next(e[i], group[i].x[j], alpha);
    for (size_t i = 0; i < n; i++)
        for (int32_t j = common > k ? common : k; j < group[i].count; j++)
            group[i].y[j] = e[i] = ema_next(e[i], group[i].x[j], alpha);
}

typedef struct averages {
    double up, down;
} averages;

static inline averages rsi_add(averages a, const double *x)
{
    const double d = x[0] - x[-1];
    return (averages){a.up + (d > 0 ? d : 0), a.down + (d < 0 ? -d : 0)};
}

static inline averages rsi_next(averages a, const double *x, double k)
{
    const double d = x[0] - x[-1];
    return (averages){(a.up * (k - 1) + (d > 0 ? d : 0)) / k, (a.down * (k - 1) + (d < 0 ? -d : 0)) / k};
}

static inline double rsi_of(averages a)
{
    return 100 * a.up / (a.up + a.down);
}

static void rsi(work *w, const row *group, size_t n, int32_t k)
{
    const int32_t common = in_common(group, n);
    averages a[GROUP] = {{0, 0}};
    (void)w;
    for (size_t i = 0; i < n; i++) {
        const row *r = &group[i];
        no_values(r->y, least(k, r->count));
        if (r->count <= k) continue;
        a[i] = (averages){0, 0};
        for (int32_t j = 1; j <= k; j++) a[i] = rsi_add(a[i], r->x + j);
        a[i].up /= k;
        a[i].down /= k;
        r->y[k] = rsi_of(a[i]);
    }
    for (int32_t j = k + 1; j < common; j++)
        for (size_t i = 0; i < GROUP; i++) {
            a[i] = rsi_next(a[i], group[i].x + j, k);
            group[i].y[j] = rsi_of(a[i]);
        }
    for (size_t i = 0; i < n; i++)
        for (int32_t j = common > k ? common : k + 1; j < group[i].count; j++) {
            a[i] = rsi_next(a[i], group[i].x + j, k);
            group[i].y[j] = rsi_of(a[i]);
        }
}

/* All rows -------------------------------------------------------------------------------------- */

typedef void kernel(work *w, const row *group, size_t n, int32_t k);

static kernel *const KERNEL[] = {
    [BP__SMA] = sma, [BP__STD] = deviations, [BP__EMA] = ema,     [BP__RETURNS] = returns,
    [BP__RSI] = rsi, [BP__SCORE] = scores,   [BP__SHIFT] = shift,
};

bp_status bp__panel_along(const bp__scope *s, bp__helper helper, int32_t k, const bp__panel *x, double *out)
{
    const size_t columns = bp__panel_columns(s);
    work w = {0};
    const bp_status status = work_init(&w, columns);
    for (size_t first = 0; status == BP_OK && first < s->num_assets; first += GROUP) {
        row group[GROUP];
        size_t n = 0;
        for (; n < GROUP && first + n < s->num_assets; n++) {
            const size_t asset = first + n;
            group[n] = x ? observe(x->value + asset * x->stride, bp__panel_end(s, asset), &w.room[n])
                         : observe_closes(s, asset, &w.room[n]);
            group[n].y = group[n].at ? w.room[n].y : out + asset * columns + group[n].begin;
        }
        KERNEL[helper](&w, group, n, k);
        for (size_t i = 0; i < n; i++) spread(&group[i], (int32_t)columns, out + (first + i) * columns);
    }
    work_fini(&w);
    return status;
}
