/* Helpers over whole panels, beside the loops that one writes first, and beside copying a panel.
 *
 *     mpirun -n 1 bench_panel [--assets 1000] [--sessions 2520] [--k 20] [--holes 0] [--repeats 7] [--json]
 *
 * The bundle is made in memory: random walks, one asset in four with a split, of which --holes per mille have no close at
 * a session. Cases are helpers, of the adjusted closes; `copy` is memcpy of a panel; `close` the column itself.
 * Everything is written into memory that has been written to before. Samples:
 *
 *  panel  ns per asset and session: ours
 *  naive  the same of a plain loop: a sliding sum (which is not exact), one recursion a row, qsort for each session,
 *         a walk through a column at a time
 *  found  ns to find a panel in a cache that keeps it (case `cache`), all of it
 */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mpi.h>

#include "backtest/panel_cache.h"
#include "core/bundle.h"
#include "support.h"

typedef struct bench {
    int assets, sessions, k, holes, repeats;
    const bp_bundle *bundle;
    bp__scope *scope;
    double *x, *out; /* panels */
} bench;

static volatile double sink;

static void must(bp_status s)
{
    if (s != BP_OK) bench_die("%s: %s", bp_status_name(s), bp_error_text());
}

static void *allocate(size_t bytes)
{
    void *p = malloc(bytes + 1);
    if (!p) bench_die("no memory for %zu bytes", bytes);
    return p;
}

/* A bundle in memory ------------------------------------------------------------------------------ */

static double uniform(uint64_t *state) /* splitmix64 */
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static void put_assets(const bench *b, bp__head *head)
{
    const size_t n = (size_t)b->assets, d = (size_t)b->sessions;
    int64_t *sid = allocate(n * sizeof *sid), *end = allocate(n * sizeof *end),
            *day = allocate(d * sizeof *day);
    double *ratio = allocate(n * sizeof *ratio);
    uint32_t *symbol = allocate(n * sizeof *symbol);
    for (size_t t = 0; t < d; t++) day[t] = (14610 + (int64_t)t) * BP_NS_PER_DAY;
    for (size_t i = 0; i < n; i++) {
        sid[i] = (int64_t)i;
        end[i] = (int64_t)d - 1;
        must(bp__head_text(head, "S", &symbol[i]));
    }
    must(bp__head_put(head, BP_COL_SID, sid, n, 1));
    must(bp__head_put(head, BP_COL_DAY, day, d, 1));
    must(bp__head_put(head, BP_COL_LIFE_END, end, n, 1));
    must(bp__head_put(head, BP_COL_ASSET_SID, sid, n, 1));
    must(bp__head_put(head, BP_COL_ASSET_SYMBOL, symbol, n, 1));
    for (size_t i = 0; i < n / 4; i++) {
        sid[i] = 4 * (int64_t)i;
        end[i] = day[d / 2];
        ratio[i] = 0.5;
    }
    must(bp__head_put(head, BP_COL_SPLIT_SID, sid, n / 4, 1));
    must(bp__head_put(head, BP_COL_SPLIT_DATE, end, n / 4, 1));
    must(bp__head_put(head, BP_COL_SPLIT_RATIO, ratio, n / 4, 1));
    for (bp_column c = BP_COL_OPEN; c <= BP_COL_VOLUME; c++) must(bp__head_reserve(head, c, n, d));
    free(sid);
    free(end);
    free(day);
    free(ratio);
    free(symbol);
}

static void release(const bp_bundle *bundle)
{
    free((void *)(uintptr_t)bundle->image);
    free((void *)(uintptr_t)bundle);
}

static void make_bundle(bench *b)
{
    bp__head *head;
    void *bytes;
    uint64_t head_bytes, image_bytes, seed = 1;
    must(bp__head_create(&head));
    put_assets(b, head);
    must(bp__head_seal(head, &bytes, &head_bytes, &image_bytes));
    bp__head_destroy(&head);
    void *image = aligned_alloc(BP__IMAGE_ALIGN, image_bytes);
    bp_bundle *bundle = allocate(sizeof *bundle);
    if (!image) bench_die("no memory for a bundle");
    memset(image, 0, image_bytes);
    memcpy(image, bytes, head_bytes);
    free(bytes);
    for (int i = 0; i < b->assets; i++) {
        double price = 10 + 90 * uniform(&seed);
        for (int t = 0; t < b->sessions; t++) {
            const size_t at = (size_t)i * (size_t)b->sessions + (size_t)t;
            price *= 0.98 + 0.0402 * uniform(&seed);
            const double seen = uniform(&seed) * 1000 < b->holes ? NAN : price;
            for (bp_column c = BP_COL_OPEN; c < BP_COL_VOLUME; c++)
                ((double *)bp__image_fill(image, c))[at] = seen;
        }
    }
    *bundle = (bp_bundle){.image = image, .release = release, .name = "panel"};
    b->bundle = bundle;
}

/* The loops that one writes first ------------------------------------------------------------------- */

/* On rows without holes; NaN spreads, which takes as long. */
static void naive_along(const bench *b, bp__helper helper, const double *x, double *y)
{
    const int n = b->sessions, k = b->k;
    double sum = 0, squares = 0, e = x[0], up = 0, down = 0;
    for (int j = 0; j < n; j++) {
        const double d = j ? x[j] - x[j - 1] : 0, old = j >= k ? x[j - k] : 0;
        switch (helper) {
        case BP__STD:
        case BP__SCORE: squares += x[j] * x[j] - old * old; /* fall through */
        case BP__SMA: sum += x[j] - old; break;
        case BP__EMA: e += 2.0 / (k + 1) * (x[j] - e); break;
        case BP__RSI:
            up = (up * (k - 1) + (d > 0 ? d : 0)) / k;
            down = (down * (k - 1) + (d < 0 ? -d : 0)) / k;
            break;
        default: break;
        }
        const double deviation = sqrt((squares - sum * sum / k) / (k - 1));
        const double value = helper == BP__SMA       ? sum / k
                             : helper == BP__STD     ? deviation
                             : helper == BP__SCORE   ? (x[j] - sum / k) / deviation
                             : helper == BP__EMA     ? e
                             : helper == BP__RSI     ? 100 * up / (up + down)
                             : helper == BP__RETURNS ? x[j] / old - 1
                                                     : old;
        y[j] = j < k ? NAN : value;
    }
}

static const double *sorted_by;
static size_t sorted_stride;

static int by_value(const void *a, const void *b)
{
    const double x = sorted_by[*(const size_t *)a * sorted_stride],
                 y = sorted_by[*(const size_t *)b * sorted_stride];
    return (x > y) - (x < y);
}

static void naive_rank(const bench *b, size_t *order, size_t t)
{
    const size_t d = (size_t)b->sessions;
    size_t n = 0;
    sorted_by = b->x + t;
    sorted_stride = d;
    for (size_t i = 0; i < (size_t)b->assets; i++) {
        b->out[i * d + t] = NAN;
        if (!isnan(b->x[i * d + t])) order[n++] = i;
    }
    qsort(order, n, sizeof *order, by_value);
    for (size_t i = 0; i < n; i++) b->out[order[i] * d + t] = (double)(i + 1);
}

static void naive_zscore(const bench *b, size_t t)
{
    const size_t d = (size_t)b->sessions, assets = (size_t)b->assets;
    double sum = 0, squares = 0;
    size_t n = 0;
    for (size_t i = 0; i < assets; i++) {
        const double x = b->x[i * d + t];
        if (isnan(x)) continue;
        sum += x;
        n++;
    }
    const double mean = sum / (double)n;
    for (size_t i = 0; i < assets; i++) {
        const double x = b->x[i * d + t] - mean;
        if (!isnan(x)) squares += x * x;
    }
    const double deviation = sqrt(squares / (double)(n - 1));
    for (size_t i = 0; i < assets; i++) b->out[i * d + t] = (b->x[i * d + t] - mean) / deviation;
}

static void naive(const bench *b, bp__helper helper)
{
    const size_t assets = (size_t)b->assets, d = (size_t)b->sessions;
    size_t *order = allocate(assets * sizeof *order);
    for (size_t t = 0; t < d && helper == BP__RANK; t++) naive_rank(b, order, t);
    for (size_t t = 0; t < d && helper == BP__ZSCORE; t++) naive_zscore(b, t);
    for (size_t i = 0; i < assets && bp__helper_takes_k(helper); i++)
        naive_along(b, helper, b->x + i * d, b->out + i * d);
    free(order);
}

/* Measuring ----------------------------------------------------------------------------------------- */

static double per_cell(const bench *b, double from)
{
    const double seconds = bench_seconds() - from;
    sink = b->out[(size_t)b->sessions - 1];
    return seconds * 1e9 / ((double)b->assets * b->sessions);
}

static const char *case_of(bp__helper helper)
{
    return helper == BP__SCORE ? "zscore_rolling" : bp__helper_name(helper);
}

static void measure(const bench *b, int repeat)
{
    const size_t bytes = (size_t)b->assets * (size_t)b->sessions * sizeof(double);
    double from = bench_seconds();
    memcpy(b->out, b->x, bytes);
    bench_sample("copy", "naive", "ns", repeat, per_cell(b, from));
    from = bench_seconds();
    must(bp__panel_column(b->scope, BP_BAR_CLOSE, b->out));
    bench_sample("close", "panel", "ns", repeat, per_cell(b, from));
    for (bp__helper h = 0; h < BP__NUM_HELPERS; h++) {
        from = bench_seconds();
        must(bp__panel_apply(b->scope, h, bp__helper_takes_k(h) ? b->k : 0, NULL, b->out));
        bench_sample(case_of(h), "panel", "ns", repeat, per_cell(b, from));
        from = bench_seconds();
        naive(b, h);
        bench_sample(case_of(h), "naive", "ns", repeat, per_cell(b, from));
    }
}

static void measure_cache(const bench *b, bp__panels *panels, int repeat)
{
    enum { TIMES = 100000 };
    bp__kept *kept;
    must(bp__panels_apply(panels, BP__SMA, b->k, NULL, &kept));
    bp__kept_release(&kept);
    const double from = bench_seconds();
    for (int i = 0; i < TIMES; i++) {
        must(bp__panels_apply(panels, BP__SMA, b->k, NULL, &kept));
        bp__kept_release(&kept);
    }
    bench_sample("cache", "found", "ns", repeat, (bench_seconds() - from) * 1e9 / TIMES);
}

static void run(bench *b)
{
    bp__panels *panels;
    const size_t cells = (size_t)b->assets * (size_t)b->sessions;
    make_bundle(b);
    must(bp__scope_create(b->bundle, NULL, BP_TIME_MISSING, BP_TIME_MISSING, 1, &b->scope));
    if (bp__panel_columns(b->scope) != (size_t)b->sessions)
        bench_die("--holes leaves sessions without a close");
    must(bp__panels_create(b->scope, 2 * cells * sizeof(double), 0, &panels));
    b->x = allocate(cells * sizeof(double));
    b->out = allocate(cells * sizeof(double));
    must(bp__panel_column(b->scope, BP_BAR_CLOSE, b->x));
    memset(b->out, 0, cells * sizeof(double));
    for (int i = 0; i < b->repeats; i++) {
        measure(b, i);
        measure_cache(b, panels, i);
    }
    bp__panels_destroy(&panels);
    bp__scope_destroy(&b->scope);
    bp_bundle_release(&b->bundle);
    free(b->x);
    free(b->out);
}

static void usage(FILE *to)
{
    fputs(
        "usage: bench_panel [--assets N] [--sessions N] [--k N] [--holes PERMILLE] [--repeats N] [--json]\n",
        to);
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {
        {"assets", 1, 0, 'a'},  {"sessions", 1, 0, 's'}, {"k", 1, 0, 'k'},    {"holes", 1, 0, 'o'},
        {"repeats", 1, 0, 'n'}, {"json", 0, 0, 'j'},     {"help", 0, 0, 'h'}, {0}};
    bench b = {.assets = 1000, .sessions = 2520, .k = 20, .repeats = 7};
    int rank, size, o;
    bool asked = false, wrong = false;
    bench_name = "panel";
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (o) {
        case 'a': b.assets = atoi(optarg); break;
        case 's': b.sessions = atoi(optarg); break;
        case 'k': b.k = atoi(optarg); break;
        case 'o': b.holes = atoi(optarg); break;
        case 'n': b.repeats = atoi(optarg); break;
        case 'j': bench_json = true; break;
        case 'h': asked = true; break;
        default: wrong = true;
        }
    }
    wrong = wrong || optind < argc || b.assets < 2 || b.assets > 100000 || b.sessions < 2 ||
            b.sessions > 100000 || b.k < 2 || b.k >= b.sessions || b.holes < 0 || b.holes > 900 ||
            b.repeats < 1 || size > 1;
    if (asked || wrong) {
        if (rank == 0) usage(asked ? stdout : stderr);
        MPI_Finalize();
        return asked ? 0 : 2;
    }
    bench_condition_number("assets", b.assets);
    bench_condition_number("sessions", b.sessions);
    bench_condition_number("k", b.k);
    bench_condition_number("holes_permille", b.holes);
    run(&b);
    MPI_Finalize();
    return 0;
}
