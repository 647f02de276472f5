/* Merging journals that are whole, lack results, have them twice, or have what the search cannot have. */
#include "core/suite.h"

#include "search/journal.h"
#include "search/merge.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[] = "/tmp/bundlepool-merge-XXXXXX";
static char path[2][64];
static char hash[BP__HASH_DIGITS + 1];
static bp__bundle_name names[] = {"alpha"};

static void make_spec(bp__spec *spec, uint64_t slice, const char *metrics)
{
    const bp_strategy *strategy;
    bp__spec_init(spec);
    spec->bundle = names;
    spec->num_bundles = 1;
    spec->slice = slice;
    spec->num_slices = 2;
    if (metrics) MUST(bp__spec_set_metrics(spec, metrics));
    MUST(bp__builtin_find("sma_cross", &strategy));
    MUST(bp__spec_set_strategy(spec, strategy, ""));
    MUST(bp__grid_set(&spec->grid, "fast=2,3"));
    MUST(bp__grid_set(&spec->grid, "slow=10,20"));
}

static const bp__journal_visitor nobody = {NULL, NULL, NULL, NULL, NULL};

static bp__skips skips; /* what the next journal says of them; all zero: what its search has */

static const bp__journal_how fresh = {.resume = false};

/* A slice of two tasks: each value tells its task and its column.
 * @param[in] odd  what its last result is like instead; NULL: like the others */
static void write_slice(uint64_t slice, const char *metrics, const bp__result *odd)
{
    bp__spec spec;
    bp__skips own;
    char *text;
    void *packed;
    bp__journal *j;
    bp__journal_refusal refusal;
    make_spec(&spec, slice, metrics);
    MUST(bp__spec_text(&spec, &text));
    MUST(bp__skips_find(&spec, &own));
    bp__journal_head head = {.spec = text};
    MUST(bp__skips_pack(skips.word ? &skips : &own, &packed, &head.skips_size));
    head.skips = packed;
    unlink(path[slice - 1]);
    MUST(bp__journal_open(path[slice - 1], &head, &fresh, &nobody, &j, &refusal));
    MUST(bp__journal_bundle(j, 0, hash));
    for (uint64_t task = slice - 1; task < 4; task += 2) {
        bp__result r = {.task = task, .num_values = spec.num_metrics};
        for (unsigned k = 0; k < spec.num_metrics; k++) r.value[k] = (double)task + 0.125 * k;
        MUST(bp__journal_result(j, odd && task >= 2 ? odd : &r));
    }
    MUST(bp__journal_finish(j));
    bp__journal_close(&j);
    bp__skips_fini(&own);
    free(packed);
    free(text);
    bp__grid_fini(&spec.grid);
}

static bp_status merge_having(int first, int count, const char *objective, const char *having, uint64_t *best)
{
    const char *const paths[] = {path[0], path[1], path[0]};
    const bp__merge_ranking ranking = {.objective = objective, .having = having};
    bp__spec spec;
    bp__results results;
    bp_status s = bp__merge(paths + first, count, &ranking, &spec, &results);
    if (s == BP_OK) {
        CU_ASSERT_EQUAL(results.done, 4);
        for (uint64_t task = 0; task < 4; task++)
            for (unsigned k = 0; k < spec.num_metrics; k++)
                CU_ASSERT_EQUAL(bp__results_values(&results, task)[k], (double)task + 0.125 * k);
        *best = results.best;
    }
    bp__results_fini(&results);
    bp__spec_fini(&spec);
    return s;
}

static bp_status merge(int first, int count, const char *objective, uint64_t *best)
{
    return merge_having(first, count, objective, NULL, best);
}

static void test_whole(void)
{
    uint64_t best;
    write_slice(1, NULL, NULL);
    write_slice(2, NULL, NULL);
    MUST(merge(0, 2, NULL, &best));
    CU_ASSERT_EQUAL(best, 3);
    MUST(merge(0, 2, "max_drawdown", &best)); /* the least is the best */
    CU_ASSERT_EQUAL(best, 0);
    FAILS(merge(0, 2, "win_rate", &best), BP_ENOTFOUND,
          "win_rate is not in the journals, choose from total_return");
    write_slice(1, "win_rate,trades", NULL);
    FAILS(merge(0, 2, NULL, &best), BP_EINVAL, "is of another search");
    write_slice(2, "win_rate,trades", NULL);
    MUST(merge(0, 2, NULL, &best)); /* without sharpe the first column ranks */
    CU_ASSERT_EQUAL(best, 3);
    MUST(merge(0, 2, "trades", &best));
    CU_ASSERT_EQUAL(best, 0);
}

/* How results are ranked is chosen when they are merged, out of what the journals have. */
static void test_ranking(void)
{
    uint64_t best;
    write_slice(1, NULL, NULL);
    write_slice(2, NULL, NULL);
    MUST(merge(0, 2, "sharpe - 2 * cagr", &best));
    CU_ASSERT_EQUAL(best, 0);
    MUST(merge(0, 2, "-(fast - 3) * (slow - 20) * sharpe", &best)); /* 0 but for the first */
    CU_ASSERT_EQUAL(best, 1);
    MUST(merge_having(0, 2, NULL, "sharpe < 3", &best));
    CU_ASSERT_EQUAL(best, 2);
    MUST(merge_having(0, 2, NULL, "slow == 20 and trades < 3", &best));
    CU_ASSERT_EQUAL(best, 1);
    MUST(merge_having(0, 2, NULL, "sharpe > 99", &best));
    CU_ASSERT_EQUAL(best, BP__NO_TASK);
    FAILS(merge(0, 2, "sharpe - skew", &best), BP_ENOTFOUND,
          "--objective: skew is not in the journals, choose from");
    FAILS(merge_having(0, 2, NULL, "skew < 0", &best), BP_ENOTFOUND, "--having: skew is not in the journals");
    FAILS(merge(0, 2, "sharpe - quick", &best), BP_EINVAL, "there is no 'quick', choose from");
    FAILS(merge_having(0, 2, NULL, "sharpe", &best), BP_EINVAL, "neither true nor false");

    write_slice(1, "sharpe", NULL); /* trades is kept all the same, and hidden */
    write_slice(2, "sharpe", NULL);
    MUST(merge(0, 2, "trades", &best));
    CU_ASSERT_EQUAL(best, 0);
    MUST(merge_having(0, 2, NULL, "trades < 2", &best));
    CU_ASSERT_EQUAL(best, 1);
}

/* What the journals say is skipped is skipped, whatever this program would have thought. */
static void test_skips(void)
{
    uint64_t best, bits[1] = {8}; /* 3, 20 */
    skips = (bp__skips){.word = bits, .size = 4, .count = 1};
    write_slice(1, NULL, NULL);
    write_slice(2, NULL, &(bp__result){.task = 1, .status = BP_ERANGE});
    const char *const paths[] = {path[0], path[1]};
    bp__spec spec;
    bp__results results;
    MUST(bp__merge(paths, 2, &(bp__merge_ranking){0}, &spec, &results));
    CU_ASSERT(results.done == 3 && results.skipped == 1 && results.outcome[3] == BP__SKIPPED);
    bp__results_fini(&results);
    bp__spec_fini(&spec);
    skips.word = NULL;
    write_slice(2, NULL, NULL);
    FAILS(merge(0, 2, NULL, &best), BP_EINVAL, "it skips other combinations than");
    skips = (bp__skips){.word = bits, .size = 3};
    write_slice(1, NULL, NULL);
    FAILS(merge(0, 2, NULL, &best), BP_EFORMAT,
          "what it says of skipped combinations cannot be of its search");
    skips.word = NULL;
}

static void test_missing_and_doubled(void)
{
    uint64_t best;
    write_slice(1, NULL, NULL);
    write_slice(2, NULL, NULL);
    FAILS(merge(0, 1, NULL, &best), BP_EINVAL,
          "2 of 4 combinations are in none of the journals: 1 (fast=2 slow=20), 3");
    FAILS(merge(0, 3, NULL, &best), BP_EINVAL, "leave one of them out");
}

/* Records whose checksum is right and whose contents are not. */
static void test_forged(void)
{
    static const bp__result forged[] = {
        {.task = 3, .num_values = 0}, /* done, without values */
        {.task = 3, .num_values = 6}, /* with too few */
        {.task = 3, .num_values = 8}, /* with too many */
        {.task = 4, .num_values = 7}, /* no such combination */
        {.task = UINT64_MAX, .num_values = 7},
    };
    uint64_t best;
    write_slice(1, NULL, NULL);
    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
        write_slice(2, NULL, &forged[i]);
        FAILS(merge(0, 2, NULL, &best), BP_EFORMAT, "a result that the search cannot have");
    }
}

int main(void)
{
    memset(hash, 'a', sizeof hash - 1);
    if (!mkdtemp(folder)) return 1;
    for (int i = 0; i < 2; i++) snprintf(path[i], sizeof path[i], "%s/%d", folder, i);
    CU_TestInfo tests[] = {
        {"whole", test_whole},           {"ranking", test_ranking},
        {"what is skipped", test_skips}, {"missing and doubled", test_missing_and_doubled},
        {"forged", test_forged},         CU_TEST_INFO_NULL,
    };
    const int code = suite_main("merge", tests);
    for (int i = 0; i < 2; i++) unlink(path[i]);
    rmdir(folder);
    return code;
}
