/* The journal: what is read is what was written, or nothing, wherever it is cut or damaged. Also locks, and
 * a full disk. */
#include "core/suite.h"

#include "search/journal.h"

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define RESULTS 12
#define VALUES  7 /* of each that went well */
#define SPEC    "program test\nbundle demo\n"
#define SKIPS   "which are skipped\0compressed"

static char folder[] = "/tmp/bundlepool-journal-XXXXXX";
static char path[64];
static char hash[BP__HASH_DIGITS + 1];

/* What visitors have seen ------------------------------------------------------------------------- */

static struct seen {
    unsigned specs, skips, bundles, results;
    bp__result result[64];
} seen;

static bp_status see_spec(void *context, const char *text)
{
    (void)context;
    seen.specs++;
    CU_ASSERT_STRING_EQUAL(text, SPEC);
    return BP_OK;
}

static bp_status see_skips(void *context, const void *content, size_t length)
{
    (void)context;
    seen.skips++;
    CU_ASSERT(length == sizeof SKIPS && memcmp(content, SKIPS, sizeof SKIPS) == 0);
    return BP_OK;
}

static bp_status see_bundle(void *context, uint64_t bundle, const char *content_hash)
{
    (void)context;
    seen.bundles++;
    CU_ASSERT_EQUAL(bundle, 3);
    CU_ASSERT_STRING_EQUAL(content_hash, hash);
    return BP_OK;
}

static bp_status see_result(void *context, const bp__result *result)
{
    (void)context;
    CU_ASSERT_FATAL(seen.results < 64);
    seen.result[seen.results++] = *result;
    return BP_OK;
}

static const bp__journal_visitor visitor = {see_spec, see_skips, see_bundle, see_result, NULL};
static const bp__journal_head head = {SPEC, SKIPS, sizeof SKIPS};

static bp_status read_again(void)
{
    seen = (struct seen){0};
    return bp__journal_read(path, &visitor);
}

static bp_status resume(bp__journal **journal)
{
    bool unfinished;
    seen = (struct seen){0};
    return bp__journal_open(path, &head, true, &visitor, journal, &unfinished);
}

/* Writing ----------------------------------------------------------------------------------------- */

/* Number i of a sequence; every fourth has failed. */
static bp__result make_result(unsigned i)
{
    bp__result r = {.task = 7 * i + 1,
                    .num_values = VALUES,
                    .value = {i + 0.25, -1.0 / (i + 1), NAN, 1e300, 0, -0.0, i * 1000}};
    if (i % 4 != 3) return r;
    r = (bp__result){.task = 7 * i + 1, .status = BP_ERANGE};
    snprintf(r.why, sizeof r.why, "%0*d", (int)(i * 10 % (BP__WHY_MAX - 1)), (int)i);
    return r;
}

static void expect_result(const bp__result *r, unsigned i)
{
    bp__result expected = make_result(i);
    CU_ASSERT_EQUAL(r->task, expected.task);
    CU_ASSERT_EQUAL(r->status, expected.status);
    CU_ASSERT_EQUAL(r->num_values, expected.num_values);
    CU_ASSERT(memcmp(&r->value, &expected.value, sizeof r->value) == 0);
    CU_ASSERT_STRING_EQUAL(r->why, expected.why);
}

static void expect_results(unsigned count)
{
    CU_ASSERT_EQUAL_FATAL(seen.results, count);
    for (unsigned i = 0; i < count; i++) expect_result(&seen.result[i], i);
}

static bp__journal *begin(void)
{
    bp__journal *j;
    bool unfinished;
    unlink(path);
    MUST(bp__journal_open(path, &head, false, &visitor, &j, &unfinished));
    MUST(bp__journal_bundle(j, 3, hash));
    return j;
}

static void append(bp__journal *j, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        const bp__result r = make_result(i);
        MUST(bp__journal_result(j, &r));
    }
    MUST(bp__journal_write(j));
}

static char bytes[64 * 1024];
static size_t size;
static size_t starts[RESULTS + 4]; /* of records: the search, what is skipped, the bundle, each result */

static size_t size_now(void)
{
    struct stat st;
    CU_ASSERT_EQUAL_FATAL(stat(path, &st), 0);
    return (size_t)st.st_size;
}

static void put(const char *content, size_t length)
{
    FILE *f = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT_EQUAL(fwrite(content, 1, length, f), length);
    CU_ASSERT_EQUAL(fclose(f), 0);
}

/* An unfinished journal of RESULTS results, in the file and in `bytes`. */
static void make_file(void)
{
    bp__journal *j = begin();
    starts[0] = 16;
    starts[1] = starts[0] + 16 + strlen(SPEC);
    starts[2] = starts[1] + 16 + sizeof SKIPS;
    for (unsigned i = 0; i < RESULTS; i++) {
        starts[3 + i] = size_now();
        append(j, i, i + 1);
    }
    bp__journal_close(&j);
    starts[RESULTS + 3] = size = size_now();
    FILE *f = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT_EQUAL_FATAL(fread(bytes, 1, sizeof bytes, f), size);
    fclose(f);
}

/* Whole records of results in the first `length` bytes. */
static unsigned whole(size_t length)
{
    unsigned n = 0;
    while (n < RESULTS && starts[4 + n] <= length) n++;
    return n;
}

/* Tests ------------------------------------------------------------------------------------------- */

static void test_round_trip(void)
{
    make_file();
    MUST(read_again());
    CU_ASSERT(seen.specs == 1 && seen.skips == 1 && seen.bundles == 1);
    expect_results(RESULTS);
}

static void test_life(void)
{
    bp__journal *j;
    bool unfinished;
    make_file();
    FAILS(bp__journal_open(path, &head, false, &visitor, &j, &unfinished), BP_EBUSY, "--resume");
    CU_ASSERT(unfinished && !j);
    MUST(read_again()); /* it is as it was */
    expect_results(RESULTS);

    MUST(resume(&j));
    expect_results(RESULTS);
    append(j, RESULTS, RESULTS + 5);
    MUST(bp__journal_finish(j));
    bp__journal_close(&j);
    MUST(resume(&j)); /* a finished one can be read once more */
    expect_results(RESULTS + 5);
    bp__journal_close(&j);

    MUST(bp__journal_open(path, &head, false, &visitor, &j, &unfinished)); /* and be replaced */
    bp__journal_close(&j);
    MUST(read_again());
    expect_results(RESULTS + 5); /* by a search that has come to its first bundle */
    MUST(bp__journal_open(path, &head, false, &visitor, &j, &unfinished));
    MUST(bp__journal_bundle(j, 3, hash));
    bp__journal_close(&j);
    MUST(read_again());
    CU_ASSERT(seen.specs == 1 && seen.skips == 1 && seen.bundles == 1 && seen.results == 0);
    bp__journal_close(&j); /* NULL by now */
}

/* A record that is not whole is cut off, whatever its length was to be; what follows is whole again. */
static void test_every_cut(void)
{
    bp__journal *j;
    make_file();
    for (size_t length = 0; length <= size; length++) {
        put(bytes, length);
        MUST(resume(&j));
        unsigned n = whole(length);
        expect_results(n);
        CU_ASSERT(seen.specs == (n > 0) && seen.skips == (n > 0)); /* without a result it begins anew */
        if (seen.bundles == 0) MUST(bp__journal_bundle(j, 3, hash));
        append(j, n, n + 2);
        bp__journal_close(&j);
        MUST(read_again());
        CU_ASSERT(seen.specs == 1 && seen.skips == 1 && seen.bundles == 1);
        expect_results(n + 2);
    }
}

static void test_torn_by_a_crash(void)
{
    static const char zeros[4096];
    bp__journal *j;
    make_file();
    for (int garbage = 0; garbage < 2; garbage++) {
        char longer[sizeof bytes];
        memcpy(longer, bytes, size);
        /* no whole record is among these bytes; `garbage` goes up to the next one's mark */
        memcpy(longer + size, garbage ? bytes + starts[4] + 4 : zeros, 600);
        put(longer, garbage ? size + starts[5] - starts[4] - 4 : size + 600);
        MUST(resume(&j));
        expect_results(RESULTS);
        bp__journal_close(&j);
        CU_ASSERT_EQUAL(size_now(), size);
    }
}

/* Whole records in an order that no journal has. */
static void test_order(void)
{
    char other[sizeof bytes];
    make_file();
    /* what is skipped is said behind the first bundle, twice, or not at all */
    const size_t spec_end = starts[1], skips_end = starts[2], bundle_end = starts[3];
    memcpy(other, bytes, spec_end);
    memcpy(other + spec_end, bytes + skips_end, bundle_end - skips_end);
    memcpy(other + spec_end + bundle_end - skips_end, bytes + spec_end, skips_end - spec_end);
    put(other, bundle_end);
    FAILS(read_again(), BP_EFORMAT, "a record in the wrong place");
    memcpy(other, bytes, skips_end);
    memcpy(other + skips_end, bytes + spec_end, skips_end - spec_end);
    put(other, skips_end + skips_end - spec_end);
    FAILS(read_again(), BP_EFORMAT, "a record in the wrong place");
    memcpy(other, bytes, spec_end);
    memcpy(other + spec_end, bytes + skips_end, size - skips_end);
    put(other, size - (skips_end - spec_end));
    FAILS(read_again(), BP_EFORMAT, "a record in the wrong place");
    CU_ASSERT(seen.specs == 1 && seen.results == 0);
}

/* One byte is not what it was: an error that says where, or, in the last record, that record is gone. */
static void test_every_damage(void)
{
    make_file();
    uint64_t state = 88172645463325252u;
    for (size_t at = 0; at < size; at++) {
        char damaged[sizeof bytes], where[64];
        memcpy(damaged, bytes, size);
        damaged[at] ^= (char)(1 + draw(&state, 255));
        put(damaged, size);
        unsigned record = 0;
        while (at >= starts[record + 1] && record < RESULTS + 2) record++;
        if (at < 16) {
            FAILS(read_again(), BP_EFORMAT, "not a journal");
        } else if (record == RESULTS + 2) {
            MUST(read_again());
            expect_results(RESULTS - 1);
        } else {
            snprintf(where, sizeof where, "at byte %zu;", starts[record]);
            FAILS(read_again(), BP_EFORMAT, where);
        }
    }
}

static void test_what_is_no_journal(void)
{
    bp__journal *j;
    bool unfinished;
    char nowhere[sizeof folder + 16];
    snprintf(nowhere, sizeof nowhere, "%s/missing/j", folder);
    const char *text = "index,status\n0,done\n";
    put(text, strlen(text));
    FAILS(bp__journal_open(path, &head, false, &visitor, &j, &unfinished), BP_EFORMAT, "not a journal");
    FAILS(resume(&j), BP_EFORMAT, "not a journal");
    CU_ASSERT_EQUAL(size_now(), strlen(text));
    put("", 0);
    FAILS(read_again(), BP_EFORMAT, "empty");
    FAILS(bp__journal_read(folder, &visitor), BP_EIO, "not a regular file");
    FAILS(bp__journal_open(folder, &head, false, &visitor, &j, &unfinished), BP_EIO, folder);
    FAILS(bp__journal_open(nowhere, &head, false, &visitor, &j, &unfinished), BP_EIO, nowhere);
    unlink(path);
    CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0);
    FAILS(resume(&j), BP_EIO, "not a regular file"); /* and it does not hang */
    FAILS(read_again(), BP_EIO, "not a regular file");
    unlink(path);
    FAILS(read_again(), BP_EIO, path);
}

static void *resume_in_thread(void *result)
{
    bp__journal *j;
    bool unfinished;
    *(bp_status *)result = bp__journal_open(path, &head, true, &visitor, &j, &unfinished);
    bp__journal_close(&j);
    return NULL;
}

static void test_lock(void)
{
    bp__journal *j = begin(), *other;
    bool unfinished;
    append(j, 0, 3);
    FAILS(bp__journal_open(path, &head, false, &visitor, &other, &unfinished), BP_EBUSY, "another job");
    CU_ASSERT(!unfinished);
    FAILS(read_again(), BP_EBUSY, "another job");

    /* a process that resumes waits for one that is still dying */
    pthread_t thread;
    bp_status s = BP_ESYS;
    seen = (struct seen){0};
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, resume_in_thread, &s), 0);
    append(j, 3, 5);
    bp__journal_close(&j);
    pthread_join(thread, NULL);
    CU_ASSERT_EQUAL(s, BP_OK);
    expect_results(5);
}

static void test_full_disk(void)
{
    struct rlimit limit, before;
    bp__journal *j;
    unsigned n = 0;
    signal(SIGXFSZ, SIG_IGN);
    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &before), 0);
    for (rlim_t more = 0; more < 200; more += 13) {
        j = begin();
        limit = before;
        limit.rlim_cur = size_now() + 300 + more;
        CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &limit), 0);
        bp_status s = BP_OK;
        for (n = 0; s == BP_OK && n < 100; n++) {
            const bp__result r = make_result(n);
            MUST(bp__journal_result(j, &r));
            s = bp__journal_write(j);
        }
        CU_ASSERT(s == BP_EIO && strstr(bp_error_text(), path));
        FAILS(bp__journal_write(j), BP_EIO, path); /* for ever */
        FAILS(bp__journal_sync(j), BP_EIO, path);
        CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &before), 0);
        bp__journal_close(&j);
        MUST(resume(&j)); /* what got in is there, and it goes on */
        expect_results(n - 1);
        append(j, n - 1, n + 1);
        bp__journal_close(&j);
        MUST(read_again());
        expect_results(n + 1);
    }
}

int main(void)
{
    memset(hash, 'a', sizeof hash - 1);
    if (!mkdtemp(folder)) return 1;
    snprintf(path, sizeof path, "%s/journal", folder);
    CU_TestInfo tests[] = {
        {"what was written is read", test_round_trip},
        {"new, unfinished, finished", test_life},
        {"cut at every byte", test_every_cut},
        {"torn by a crash", test_torn_by_a_crash},
        {"damaged at every byte", test_every_damage},
        {"records in another order", test_order},
        {"what is no journal", test_what_is_no_journal},
        {"lock", test_lock},
        {"full disk", test_full_disk},
        CU_TEST_INFO_NULL,
    };
    int code = suite_main("journal", tests);
    unlink(path);
    rmdir(folder);
    return code;
}
