/* What the readers of a bundle cost. bench_readers.sh runs it in turns with bench_readers.py, which does the
 * same on the same file with h5py and pandas.
 *
 *     mpirun -n 1 bench_readers --root DIR --bundle NAME [--repeat K] [--seconds S] [--json]
 *
 * Per call, of many at random:
 * - value: bp_reader_daily_value of a close
 * - last_traded: bp_reader_daily_last_traded
 * - lookup: bp_reader_lookup_symbol as of a day
 * - window: bp_reader_window, 20 adjusted closes
 * - minute_value: bp_reader_minute_value, at minutes with a bar
 *
 * As a whole:
 * - create: bp_reader_create
 * - load: bp_reader_daily_load of all closes, [sessions][assets]; `rate` is over the bytes of the table
 * - memcpy: of as many bytes from the bundle's closes into the same table
 * - load_some: all five columns of 50 assets over 252 sessions
 * - minute_load: the closes of up to 50 assets at all minutes of the market
 * - load_adjustments: of all assets over all sessions; `per_adjustment` is that over their number
 *
 * Tables are written before the clock starts, so that no page is new. K numbers the samples, which are one
 * for each case: who wants more calls it again. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mpi.h>

#include <bundlepool/bundlepool.h>

#include "support.h"

enum { QUESTIONS = 1 << 16, SOME_ASSETS = 50, SOME_SESSIONS = 252, WINDOW = 20 };

typedef struct question {
    int64_t sid, day;
    const char *symbol;
} question;

static const bp_bundle *bundle;
static bp_reader *reader;
static question *questions; /* [QUESTIONS] */
static double seconds = 0.2;
static int repeat;
static volatile double sink;

static void must(bp_status s)
{
    if (s != BP_OK) bench_die("%s", bp_error_text());
}

static void *room_for(size_t count, size_t size)
{
    void *room = malloc((count ? count : 1) * size);
    if (!room) bench_die("no memory for %zu elements", count);
    memset(room, 1, count * size);
    return room;
}

/* Questions --------------------------------------------------------------------------------------- */

static uint64_t draw(uint64_t *state, uint64_t below)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (*state * UINT64_C(0x2545f4914f6cdd1d) >> 16) % below;
}

static void make_questions(const int64_t *sids, size_t num_sids, const int64_t *days, size_t num_days)
{
    uint64_t seed = 17;
    for (size_t i = 0; i < QUESTIONS; i++) {
        questions[i] = (question){.sid = sids[draw(&seed, num_sids)], .day = days[draw(&seed, num_days)]};
        must(bp_reader_symbol_of(reader, questions[i].sid, BP_TIME_MISSING, &questions[i].symbol));
    }
}

static bp_status ask_value(const question *q, double *value)
{
    return bp_reader_daily_value(reader, q->sid, q->day, BP_FIELD_CLOSE, value);
}

static bp_status ask_last_traded(const question *q, double *value)
{
    int64_t day;
    bp_status s = bp_reader_daily_last_traded(reader, q->sid, q->day, &day);
    *value = (double)day;
    return s;
}

static bp_status ask_lookup(const question *q, double *value)
{
    int64_t sid;
    bp_status s = bp_reader_lookup_symbol(reader, q->symbol, q->day, BP_LOOKUP_STRICT, &sid);
    *value = (double)sid;
    return s;
}

static bp_status ask_window(const question *q, double *value)
{
    double closes[WINDOW];
    bp_status s =
        bp_reader_window(reader, q->sid, BP_FIELD_CLOSE, q->day, WINDOW, q->day, BP_ADJUST_ALL, closes);
    *value = closes[0];
    return s;
}

static bp_status ask_minute_value(const question *q, double *value)
{
    return bp_reader_minute_value(reader, q->sid, q->day, BP_FIELD_CLOSE, value);
}

/* Only questions that have an answer are timed: what an error costs is another matter. */
static size_t keep_answered(bp_status (*ask)(const question *, double *), question *kept)
{
    size_t n = 0;
    double value = 0;
    for (size_t i = 0; i < QUESTIONS; i++)
        if (ask(&questions[i], &value) == BP_OK) kept[n++] = questions[i];
    return n;
}

static void time_calls(const char *name, bp_status (*ask)(const question *, double *))
{
    question *kept = room_for(QUESTIONS, sizeof *kept);
    const size_t n = keep_answered(ask, kept);
    double value = 0, sum = 0, took = 0, from = bench_seconds();
    uint64_t calls = 0;
    while (n > 0 && took < seconds) {
        for (size_t i = 0; i < n; i++, calls++) {
            ask(&kept[i], &value);
            sum += value;
        }
        took = bench_seconds() - from;
    }
    sink = sum;
    free(kept);
    if (n == 0)
        bench_missing(name, "time", "ns", "no question has an answer in this bundle");
    else
        bench_sample(name, "time", "ns", repeat, took * 1e9 / (double)calls);
}

/* Tables ------------------------------------------------------------------------------------------ */

/* What is timed as a whole. */
typedef struct table {
    const bp_field *fields;
    size_t num_fields, num_sids, num_rows;
    const int64_t *sids, *rows; /* sessions, or minutes */
    double **out;
    bp_adjustment *adjustments;
    size_t num_adjustments;
} table;

static void run_load(const table *t)
{
    must(bp_reader_daily_load(reader, t->fields, t->num_fields, t->rows[0], t->rows[t->num_rows - 1], t->sids,
                              t->num_sids, t->out, 0));
}

static void run_memcpy(const table *t)
{
    memcpy(t->out[0], bp_bundle_daily(bundle, BP_COL_CLOSE), t->num_rows * t->num_sids * sizeof(double));
}

static void run_minute_load(const table *t)
{
    must(bp_reader_minute_load(reader, t->fields, t->num_fields, t->rows, t->num_rows, t->sids, t->num_sids,
                               t->out, 0));
}

static void run_adjustments(const table *t)
{
    size_t count;
    must(bp_reader_load_adjustments(reader, t->rows, t->num_rows, t->sids, t->num_sids, BP_FIELD_CLOSE,
                                    BP_ADJUST_ALL, t->adjustments, t->num_adjustments, &count));
}

static void run_create(const table *t)
{
    bp_reader *another;
    (void)t;
    must(bp_reader_create(bundle, &another));
    bp_reader_destroy(&another);
}

/* @return seconds of one run */
static double time_runs(const char *name, void (*run)(const table *), const table *t)
{
    uint64_t runs = 0;
    double took = 0, from = bench_seconds();
    for (; took < seconds; runs++, took = bench_seconds() - from) run(t);
    took /= (double)runs;
    bench_sample(name, "time", "ns", repeat, took * 1e9);
    return took;
}

static void time_table(const char *name, void (*run)(const table *), const table *t)
{
    const double bytes = (double)(t->num_fields * t->num_rows * t->num_sids * sizeof(double));
    bench_sample(name, "rate", "B/s", repeat, bytes / time_runs(name, run, t));
}

static void measure_daily(void)
{
    static const bp_field close = BP_FIELD_CLOSE;
    static const bp_field all[] = {BP_FIELD_OPEN, BP_FIELD_HIGH, BP_FIELD_LOW, BP_FIELD_CLOSE,
                                   BP_FIELD_VOLUME};
    table t = {
        .fields = &close,
        .num_fields = 1,
        .sids = bp_bundle_sids(bundle),
        .num_sids = bp_bundle_num_assets(bundle),
        .rows = bp_bundle_sessions(bundle),
        .num_rows = bp_bundle_num_sessions(bundle),
    };
    double *out[5];
    t.out = out;
    out[0] = room_for(t.num_rows * t.num_sids, sizeof(double));
    time_table("memcpy", run_memcpy, &t);
    time_table("load", run_load, &t);
    free(out[0]);

    must(bp_reader_load_adjustments(reader, t.rows, t.num_rows, t.sids, t.num_sids, close, BP_ADJUST_ALL,
                                    NULL, 0, &t.num_adjustments));
    t.adjustments = room_for(t.num_adjustments, sizeof *t.adjustments);
    const double took = time_runs("load_adjustments", run_adjustments, &t);
    if (t.num_adjustments > 0)
        bench_sample("load_adjustments", "per_adjustment", "ns", repeat,
                     took * 1e9 / (double)t.num_adjustments);
    free(t.adjustments);

    t.fields = all;
    t.num_fields = 5;
    if (t.num_sids > SOME_ASSETS) t.num_sids = SOME_ASSETS;
    if (t.num_rows > SOME_SESSIONS) t.num_rows = SOME_SESSIONS;
    for (int f = 0; f < 5; f++) out[f] = room_for(t.num_rows * t.num_sids, sizeof(double));
    time_table("load_some", run_load, &t);
    for (int f = 0; f < 5; f++) free(out[f]);
    time_runs("create", run_create, &t);
}

/* Minutes ----------------------------------------------------------------------------------------- */

static void measure_minutes(void)
{
    static const bp_field close = BP_FIELD_CLOSE;
    double *out;
    table t = {.fields = &close, .num_fields = 1, .out = &out, .sids = bp_reader_minute_sids(reader)};
    t.num_sids = bp_reader_num_minute_sids(reader);
    if (t.num_sids > SOME_ASSETS) t.num_sids = SOME_ASSETS;
    if (t.num_sids > 0)
        must(bp_reader_minutes(reader, BP_AXIS_MARKET, bp_reader_minute_first_session(reader),
                               bp_reader_minute_last_available(reader), t.sids, t.num_sids, NULL, 0,
                               &t.num_rows));
    if (t.num_rows == 0) {
        bench_missing("minute_load", "time", "ns", "the bundle has no minute bars");
        bench_missing("minute_value", "time", "ns", "the bundle has no minute bars");
        return;
    }
    int64_t *minutes = room_for(t.num_rows, sizeof *minutes);
    must(bp_reader_minutes(reader, BP_AXIS_MARKET, bp_reader_minute_first_session(reader),
                           bp_reader_minute_last_available(reader), t.sids, t.num_sids, minutes, t.num_rows,
                           &t.num_rows));
    t.rows = minutes;
    out = room_for(t.num_rows * t.num_sids, sizeof *out);
    time_table("minute_load", run_minute_load, &t);
    make_questions(t.sids, t.num_sids, minutes, t.num_rows);
    time_calls("minute_value", ask_minute_value);
    free(out);
    free(minutes);
}

/* The program ------------------------------------------------------------------------------------- */

static _Noreturn void usage(FILE *out, int code)
{
    fputs("usage: mpirun -n 1 bench_readers --root DIR --bundle NAME [--repeat 0] [--seconds 0.2] [--json]\n"
          "Measures what the readers of a bundle cost; bench_readers.sh does it beside h5py and pandas.\n",
          out);
    MPI_Finalize();
    exit(code);
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {{"root", 1, 0, 'r'},
                                          {"bundle", 1, 0, 'b'},
                                          {"repeat", 1, 0, 'n'},
                                          {"seconds", 1, 0, 's'},
                                          {"json", 0, 0, 'j'},
                                          {"help", 0, 0, 'h'},
                                          {0}};
    const char *root = "bundles", *name = NULL;
    char *end = "";
    bench_name = "readers";
    MPI_Init(&argc, &argv);
    for (int o; (o = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        if (o == 'r')
            root = optarg;
        else if (o == 'b')
            name = optarg;
        else if (o == 'n')
            repeat = (int)strtol(optarg, &end, 10);
        else if (o == 's')
            seconds = strtod(optarg, &end);
        else if (o == 'j')
            bench_json = true;
        else
            usage(o == 'h' ? stdout : stderr, o == 'h' ? 0 : 2);
        if (*end) usage(stderr, 2);
    }
    if (!name || optind < argc || repeat < 0 || !(seconds > 0)) usage(stderr, 2);
    must(bp_bundle_load(root, name, &bundle));
    must(bp_reader_create(bundle, &reader));
    if (bp_bundle_num_assets(bundle) == 0 || bp_bundle_num_sessions(bundle) == 0)
        bench_die("%s: no daily bars", name);
    bench_condition("bundle", name);
    bench_condition("by", "readers");
    questions = room_for(QUESTIONS, sizeof *questions);
    make_questions(bp_bundle_sids(bundle), bp_bundle_num_assets(bundle), bp_bundle_sessions(bundle),
                   bp_bundle_num_sessions(bundle));
    time_calls("value", ask_value);
    time_calls("last_traded", ask_last_traded);
    time_calls("lookup", ask_lookup);
    time_calls("window", ask_window);
    measure_daily();
    measure_minutes();
    free(questions);
    bp_reader_destroy(&reader);
    bp_bundle_release(&bundle);
    MPI_Finalize();
    return 0;
}
