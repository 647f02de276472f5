/* DESIGN
 *
 * Assets of one session lie a whole row apart, each in a cache line, and often a page, of its own. So a few sessions at a
 * time are taken through all rows, and what a line holds is used while the line is there. Sums of several sessions run
 * side by side; each adds its assets in their order. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backtest/exact.h"
#include "backtest/panel_kernels.h"

#define RANKED 16 /* sessions at a time: two cache lines of a row */
#define SCORED 32

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Ranks ----------------------------------------------------------------------------------------- */

typedef struct item {
    uint64_t key; /* in the order of the numbers */
    size_t asset;
} item;

typedef struct ranking {
    item *item, *spare; /* [rows] */
    double *block;      /* [RANKED][rows] values, and then their ranks */
} ranking;

/* -0.0 and 0.0 are equal, and have to have one key. */
static inline uint64_t key_of(double x)
{
    uint64_t bits;
    x += 0.0;
    memcpy(&bits, &x, sizeof bits);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

/* The smaller one of two heads goes first, without a branch: which one that is, nobody can foresee. */
static void merge(const item *a, const item *a_end, const item *b_end, item *to)
{
    const item *b = a_end;
    while (a < a_end && b < b_end) {
        /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): both runs were filled, as long as they are */
        const size_t second = b->key < a->key, mask = -second;
        to->key = (a->key & ~mask) | (b->key & mask);
        to->asset = (a->asset & ~mask) | (b->asset & mask);
        to++;
        b += second;
        a += 1 - second;
    }
    while (a < a_end) *to++ = *a++;
    while (b < b_end) *to++ = *b++;
}

/* @return where the sorted items are: one of the two */
static const item *sort(ranking *r, size_t n)
{
    item *from = r->item, *to = r->spare;
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t i = 0; i < n; i += 2 * width)
            merge(from + i, from + least(i + width, n), from + least(i + 2 * width, n), to + i);
        item *other = from;
        from = to;
        to = other;
    }
    return from;
}

/* In place: values become their ranks. */
static void rank_session(ranking *r, size_t rows, double *value)
{
    size_t n = 0;
    for (size_t i = 0; i < rows; i++)
        if (!isnan(value[i])) r->item[n++] = (item){key_of(value[i]), i};
    const item *sorted = sort(r, n);
    for (size_t begin = 0, end; begin < n; begin = end) {
        /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): n were filled */
        for (end = begin + 1; end < n && sorted[end].key == sorted[begin].key;) end++;
        const double average = (double)(begin + 1 + end) / 2;
        for (size_t i = begin; i < end; i++) value[sorted[i].asset] = average;
    }
}

static bp_status rank(const bp__panel *x, double *out)
{
    const size_t rows = x->rows, columns = x->columns;
    ranking r = {.item = malloc((rows + 1) * sizeof *r.item),
                 .spare = malloc((rows + 1) * sizeof *r.spare),
                 .block = malloc((RANKED * rows + 1) * sizeof *r.block)};
    const bp_status status = r.item && r.spare && r.block ? BP_OK : BP_ENOMEM;
    for (size_t first = 0; status == BP_OK && first < columns; first += RANKED) {
        const size_t n = least(RANKED, columns - first);
        for (size_t i = 0; i < rows; i++)
            for (size_t t = 0; t < n; t++) r.block[t * rows + i] = x->value[i * x->stride + first + t];
        for (size_t t = 0; t < n; t++) rank_session(&r, rows, r.block + t * rows);
        for (size_t i = 0; i < rows; i++)
            for (size_t t = 0; t < n; t++) out[i * columns + first + t] = r.block[t * rows + i];
    }
    free(r.item);
    free(r.spare);
    free(r.block);
    return status;
}

/* Scores ---------------------------------------------------------------------------------------- */

static void add_squares(const double *restrict x, const double *restrict mean, size_t n,
                        double *restrict squares)
{
    for (size_t t = 0; t < n; t++) {
        const double d = x[t] - mean[t];
        squares[t] += isnan(x[t]) ? 0 : d * d;
    }
}

static void score(const double *restrict x, const double *restrict mean, const double *restrict deviation,
                  size_t n, double *restrict out)
{
    for (size_t t = 0; t < n; t++) out[t] = deviation[t] > 0 ? (x[t] - mean[t]) / deviation[t] : NAN;
}

static bp_status zscore(const bp__panel *x, double *out)
{
    for (size_t first = 0; first < x->columns; first += SCORED) {
        const size_t n = least(SCORED, x->columns - first);
        const double *from = x->value + first;
        double hi[SCORED] = {0}, lo[SCORED] = {0}, count[SCORED] = {0}, squares[SCORED] = {0};
        double mean[SCORED], deviation[SCORED];
        for (size_t i = 0; i < x->rows; i++) bp__sums_add(from + i * x->stride, n, hi, lo, count);
        for (size_t t = 0; t < n; t++) mean[t] = bp__sum_mean(hi[t], lo[t], count[t]);
        for (size_t i = 0; i < x->rows; i++) add_squares(from + i * x->stride, mean, n, squares);
        for (size_t t = 0; t < n; t++) deviation[t] = count[t] > 1 ? sqrt(squares[t] / (count[t] - 1)) : NAN;
        for (size_t i = 0; i < x->rows; i++)
            score(from + i * x->stride, mean, deviation, n, out + i * x->columns + first);
    }
    return BP_OK;
}

bp_status bp__panel_across(bp__helper helper, const bp__panel *x, double *out)
{
    return (helper == BP__RANK ? rank : zscore)(x, out);
}
