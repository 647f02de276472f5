#include "optimizer/dry_run.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "core/json.h"
#include "core/text.h"
#include "optimizer/guard.h"
#include "optimizer/out.h"
#include "optimizer/report.h"
#include "search/estimate.h"

/* "about 12 s", "about 3 h 20 min": no more digits than an estimate deserves. */
static const char *duration(double seconds, char text[48])
{
    if (seconds < 1e-3)
        snprintf(text, 48, "%.0f us", seconds * 1e6);
    else if (seconds < 1)
        snprintf(text, 48, seconds < 0.01 ? "%.1f ms" : "%.0f ms", seconds * 1e3);
    else if (seconds < 10)
        snprintf(text, 48, "%.1f s", seconds);
    else if (seconds < 120)
        snprintf(text, 48, "%.0f s", seconds);
    else if (seconds < 7200)
        snprintf(text, 48, "%.0f min", seconds / 60);
    else if (seconds < 48 * 3600.0)
        snprintf(text, 48, "%d h %d min", (int)(seconds / 3600), (int)(seconds / 60) % 60);
    else
        snprintf(text, 48, "%.1f days", seconds / 86400);
    return text;
}

/* On one node, with what rank 0 has more than the others. */
static uint64_t node_bytes(const bp__options *o, const bp__estimate *e, uint64_t ranks)
{
    const bool pooled = bp_config_should_use_pool(&o->conduct.cfg);
    return (pooled ? 1 : ranks) * e->bundle_bytes + ranks * e->rank_bytes + e->results_bytes;
}

static void print(const bp__options *o, const bp__estimate *e, uint64_t ranks)
{
    char a[48], b[48], c[48];
    const bp__spec *spec = &o->spec;
    const char *s = ranks == 1 ? "" : "s";
    bp__report_grid(stdout, spec);
    printf("\nbundles: %" PRIu64, spec->num_bundles);
    for (uint64_t i = 0; i < spec->num_bundles; i++)
        bp__text_print(stdout, "%s%s", i ? "," : " (", spec->bundle[i]);
    printf(")\ncombinations: %" PRIu64 " to be tested, %" PRIu64 " skipped\n", e->backtests, e->skipped);
    bp__text_line(stdout,
                  "time: about %s on %" PRIu64 " rank%s: %s to load, and %" PRIu64 " backtests of %s each",
                  duration(bp__estimate_seconds(e, ranks), a), ranks, s, duration(e->load_s, b), e->backtests,
                  duration(e->backtests ? e->total_s / (double)e->backtests : 0, c));
    bp__text_line(stdout,
                  "  from %" PRIu64
                  " of them, timed here, on one rank (%s to %s), if each rank has a core; here are %ld",
                  e->samples, duration(e->shortest_s, a), duration(e->longest_s, b),
                  sysconf(_SC_NPROCESSORS_ONLN));
    bp__text_print(stdout, "memory: about %s on a node with %" PRIu64 " rank%s: ",
                   bp__bytes_text(node_bytes(o, e, ranks), a), ranks, s);
    bp__text_line(stdout, "%s of the %sbundle%s, %s for each rank, %s of results",
                  bp__bytes_text(e->bundle_bytes, a), spec->num_bundles > 1 ? "largest " : "",
                  bp_config_should_use_pool(&o->conduct.cfg) ? "" : " for each rank",
                  bp__bytes_text(e->rank_bytes, b), bp__bytes_text(e->results_bytes, c));
    printf("nothing was written\n");
}

static void print_json(const bp__options *o, const bp__estimate *e, uint64_t ranks)
{
    bp__json json = {.file = stdout}, *j = &json;
    bp__json_open(j, NULL, '{');
    bp__json_open(j, "bundles", '[');
    for (uint64_t i = 0; i < o->spec.num_bundles; i++) bp__json_text(j, NULL, o->spec.bundle[i]);
    bp__json_close(j, ']');
    bp__json_int(j, "combinations", (int64_t)e->rows);
    bp__json_int(j, "skipped", (int64_t)e->skipped);
    bp__json_int(j, "backtests", (int64_t)e->backtests);
    bp__json_int(j, "ranks", (int64_t)ranks);
    bp__json_number(j, "seconds", bp__estimate_seconds(e, ranks));
    bp__json_number(j, "load_seconds", e->load_s);
    bp__json_number(j, "seconds_on_one_rank", e->load_s + e->total_s);
    bp__json_open(j, "samples", '{');
    bp__json_int(j, "backtests", (int64_t)e->samples);
    bp__json_int(j, "failed", (int64_t)e->failed);
    bp__json_number(j, "shortest_seconds", e->shortest_s);
    bp__json_number(j, "longest_seconds", e->longest_s);
    bp__json_close(j, '}');
    bp__json_open(j, "memory", '{');
    bp__json_int(j, "node_bytes", (int64_t)node_bytes(o, e, ranks));
    bp__json_int(j, "bundle_bytes", (int64_t)e->bundle_bytes);
    bp__json_int(j, "rank_bytes", (int64_t)e->rank_bytes);
    bp__json_int(j, "results_bytes", (int64_t)e->results_bytes);
    bp__json_close(j, '}');
    bp__json_close(j, '}');
}

int bp__run_dry(const bp__options *o, int num_ranks)
{
    bp__estimate e;
    const uint64_t ranks = o->ranks ? o->ranks : (uint64_t)num_ranks;
    if (o->out && bp__failed(bp__check_out(o, &o->spec, NULL)))
        return bp__program_error(bp__optimizer(), BP__EXIT_USAGE);
    bp_status s = bp__guard_begin(o, false, 0, 1);
    bp__guard_enter(NULL, NULL, 0);
    if (s == BP_OK) s = bp__estimate_search(&o->spec, &o->conduct.cfg, o->conduct.cache_memory, &e);
    bp__guard_leave(NULL);
    bp__guard_end();
    if (bp__failed(s)) return bp__program_error(bp__optimizer(), BP__EXIT_FAILED);
    if (o->json)
        print_json(o, &e, ranks);
    else
        print(o, &e, ranks);
    if (e.failed > 0)
        bp__report_problem("warning", "%" PRIu64 " of the %" PRIu64 " backtests that were tried failed: %s",
                           e.failed, e.samples, e.why);
    return bp__failed(bp__check_stdout()) ? bp__program_error(bp__optimizer(), BP__EXIT_FAILED)
                                          : BP__EXIT_DONE;
}
