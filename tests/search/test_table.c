/* Reading results back: columns in any order, what other programs make of a CSV, and errors that name the line. */
#include "core/suite.h"

#include "search/table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char path[] = "/tmp/bundlepool-table-XXXXXX";

static void put(const char *text, size_t size)
{
    FILE *f = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT_EQUAL_FATAL(fwrite(text, 1, size, f), size);
    CU_ASSERT_EQUAL_FATAL(fclose(f), 0);
}

static bp_status read_text(const char *text, bp__table *t)
{
    put(text, strlen(text));
    return bp__table_read(path, t);
}

static void ranks(const bp__table *t, const char *objective, const uint64_t *expected,
                  uint64_t expected_count)
{
    double *value, *score;
    uint64_t *order, count;
    MUST(bp__table_score(t, objective, &value, &score));
    MUST(bp__table_rank(t, score, &order, &count));
    CU_ASSERT_EQUAL(count, expected_count);
    CU_ASSERT(count == expected_count && memcmp(order, expected, count * sizeof *order) == 0);
    free(value);
    free(score);
    free(order);
}

static void test_own(void)
{
    bp__table t;
    char text[80];
    MUST(read_text("index,status,fast,side,sharpe,max_drawdown\n"
                   "0,done,5,long,1.5,0.25\n"
                   "1,skipped,0.10000000000000001,both,,\n"
                   "2,failed,7,long,,\n"
                   "3,done,9,both,nan,nan\n"
                   "4,done,9,long,2.5,0.5\n",
                   &t));
    CU_ASSERT(t.num_rows == 5 && t.num_params == 2 && t.num_metrics == 2 && !t.several);
    CU_ASSERT_STRING_EQUAL(t.param[0], "fast");
    CU_ASSERT(t.outcome[1] == BP__SKIPPED && t.outcome[2] == BP__FAILED && t.outcome[4] == BP__DONE);
    CU_ASSERT(t.cell[2].number == 0.1 && !t.cell[2].word);
    CU_ASSERT_STRING_EQUAL(t.cell[3].word, "both");
    CU_ASSERT(t.cell[1].word == t.cell[9].word); /* kept once */
    CU_ASSERT(t.value[0] == 1.5 && isnan(t.value[2]) && isnan(t.value[6]));
    CU_ASSERT(t.index[4] == 4 && t.line[4] == 6);
    CU_ASSERT_STRING_EQUAL(bp__table_text(&t, 1, text, sizeof text), "fast=0.1 side=both");
    CU_ASSERT_STRING_EQUAL(bp__table_text(&t, 1, text, 8), "fast=0.");
    ranks(&t, NULL, (uint64_t[]){4, 0, 3}, 3);
    ranks(&t, "max_drawdown", (uint64_t[]){0, 4, 3}, 3); /* the least is the best */
    ranks(&t, "sharpe - 10 * max_drawdown", (uint64_t[]){0, 4, 3}, 3);
    ranks(&t, "fast + max_drawdown", (uint64_t[]){4, 0, 3}, 3);
    FAILS(bp__table_score(&t, "calmar", &(double *){NULL}, &(double *){NULL}), BP_ENOTFOUND,
          "calmar is not in /tmp/bundlepool-table-");
    CU_ASSERT(strstr(bp_error_text(), "choose from sharpe, max_drawdown") != NULL);
    bp__table_fini(&t);
}

/* Sorted, filtered and written again by a spreadsheet or by pandas */
static void test_others(void)
{
    bp__table t;
    MUST(read_text("\xef\xbb\xbf"
                   "sharpe,\"status\",bundle,\"a \"\"b\"\"\",index\r\n"
                   "1.5,done,eu,5.0,3\r\n"
                   "\r\n"
                   ",done,us,\"7\",1\r\n"
                   "-inf,\"done\",eu,-1e3,0",
                   &t));
    CU_ASSERT(t.num_rows == 3 && t.num_params == 1 && t.several);
    CU_ASSERT_STRING_EQUAL(t.param[0], "a \"b\"");
    CU_ASSERT(t.cell[0].number == 5 && t.cell[1].number == 7 && t.cell[2].number == -1000);
    CU_ASSERT(isnan(t.value[1]) && t.value[2] == -INFINITY);
    CU_ASSERT(t.bundle[0] == t.bundle[2] && strcmp(t.bundle[1], "us") == 0 && t.line[2] == 5);
    ranks(&t, NULL, (uint64_t[]){0, 2, 1}, 3);
    bp__table_fini(&t);

    MUST(read_text("index,status,sharpe,trades\n0,done,2,0\n1,done,1,5\n2,done,nan,5\n", &t));
    ranks(&t, NULL, (uint64_t[]){1, 0, 2}, 3); /* what never traded is no better than what is undefined */
    bp__table_fini(&t);

    MUST(read_text("index,status,trades\n", &t)); /* no row, no parameter */
    CU_ASSERT(t.num_rows == 0 && t.num_params == 0);
    ranks(&t, NULL, (uint64_t[]){0}, 0);
    bp__table_fini(&t);
}

static void refused(const char *text, const char *words)
{
    bp__table t;
    FAILS(read_text(text, &t), BP_EFORMAT, words);
    CU_ASSERT(strncmp(bp_error_text(), path, sizeof path - 1) == 0);
    bp__table_fini(&t);
}

static void test_refused(void)
{
#define HEAD "index,status,fast,sharpe\n"
    bp__table t;
    refused("", ": it is empty");
    refused("chapter,pages\n1,20\n", ", line 1: there is no column index; this is not a file of results");
    refused("index,fast,sharpe\n", "no column status");
    refused("index,status,fast\n", "no column sharpe, or of another metric");
    refused(",index,status,sharpe\n", "column 1 has no name; leave it out, such as the row numbers");
    refused("index,status,fast,fast,sharpe\n", "two columns are called 'fast'");
    refused("index,status,sharpe,sharpe\n", "two columns are called 'sharpe'");
    refused("index,status,\"fast,sharpe\n", "line 1: a quotation mark is not closed");
    refused(HEAD "0,done,5,1\n1,done,\"5\"x,1\n", ", line 3: 'x,1' stands behind a quotation mark");
    refused(HEAD "0,done,5\n", "line 2: 3 values in 4 columns");
    refused(HEAD "0,done,5,1,2\n", "5 values in 4 columns");
    refused(HEAD "0,well,5,1\n", "the status 'well'");
    refused(HEAD "-1,done,5,1\n", "the index '-1'");
    refused(HEAD "0.5,done,5,1\n", "the index '0.5'");
    refused(HEAD "0,done,,1\n", "fast is empty");
    refused(HEAD "0,done,5x,1\n", "fast: '5x' is neither a number nor a word");
    refused(HEAD "0,done,5,high\n", "sharpe: 'high' is not a number");
    refused(HEAD "0,done,5,0x10\n", "sharpe: '0x10'");
    refused("bundle," HEAD ",0,done,5,1\n", "the name of the bundle is empty");
    put(HEAD "0,done\0,5,1\n", sizeof HEAD + 11);
    FAILS(bp__table_read(path, &t), BP_EFORMAT, "line 2: this is not text");
    bp__table_fini(&t);
    FAILS(bp__table_read("/dev/null", &t), BP_EIO, "is not a regular file");
    bp__table_fini(&t);
    FAILS(bp__table_read("/nonesuch.csv", &t), BP_EIO, "/nonesuch.csv: cannot be read");
    bp__table_fini(&t);
}

/* More columns, rows and words than there is room for at first, or at all */
static void test_many(void)
{
    bp__table t;
    char *text;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs(HEAD, f);
    for (int i = 0; i < 5000; i++) fprintf(f, "%d,done,w%d,%d\n", i, i, i);
    fclose(f);
    MUST(read_text(text, &t));
    CU_ASSERT(t.num_rows == 5000 && t.num_words == 5000);
    CU_ASSERT(t.value[4999] == 4999 && strcmp(t.cell[4999].word, "w4999") == 0);
    bp__table_fini(&t);
    free(text);

    f = open_memstream(&text, &size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs("index,status,sharpe", f);
    for (int i = 0; i < 65; i++) fprintf(f, ",p%d", i);
    fclose(f);
    refused(text, "more than 64 parameters");
    free(text);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"as a search writes it", test_own},
        {"as other programs do", test_others},
        {"refused", test_refused},
        {"many", test_many},
        CU_TEST_INFO_NULL,
    };
    const int fd = mkstemp(path);
    if (fd < 0) return 1;
    close(fd);
    const int rc = suite_main("table", tests);
    unlink(path);
    return rc;
}
