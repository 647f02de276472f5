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
#include <sys/file.h>
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
static const bp__journal_how fresh = {.resume = false}, resuming = {.resume = true},
                             replacing = {.replace = true};

static bp_status read_again(void)
{
    seen = (struct seen){0};
    return bp__journal_read(path, &visitor);
}

static bp_status resume(bp__journal **journal)
{
    bp__journal_refusal refusal;
    seen = (struct seen){0};
    return bp__journal_open(path, &head, &resuming, &visitor, journal, &refusal);
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
    bp__journal_refusal refusal;
    unlink(path);
    MUST(bp__journal_open(path, &head, &fresh, &visitor, &j, &refusal));
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
    bp__journal_refusal refusal;
    make_file();
    FAILS(bp__journal_open(path, &head, &fresh, &visitor, &j, &refusal), BP_EBUSY, "--resume");
    CU_ASSERT(refusal == BP__JOURNAL_UNFINISHED && !j);
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

    MUST(bp__journal_open(path, &head, &fresh, &visitor, &j, &refusal)); /* and be replaced */
    bp__journal_close(&j);
    MUST(read_again());
    expect_results(RESULTS + 5); /* by a search that has come to its first bundle */
    MUST(bp__journal_open(path, &head, &fresh, &visitor, &j, &refusal));
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
            FAILS(read_again(), BP_EINVAL, "not a journal");
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
    bp__journal_refusal refusal;
    char nowhere[sizeof folder + 16];
    snprintf(nowhere, sizeof nowhere, "%s/missing/j", folder);
    const char *text = "index,status\n0,done\n";
    put(text, strlen(text));
    FAILS(bp__journal_open(path, &head, &fresh, &visitor, &j, &refusal), BP_EINVAL, "not a journal");
    FAILS(resume(&j), BP_EINVAL, "not a journal");
    CU_ASSERT_EQUAL(size_now(), strlen(text));
    put("", 0);
    FAILS(read_again(), BP_EFORMAT, "empty");
    FAILS(bp__journal_read(folder, &visitor), BP_EIO, "not a regular file");
    FAILS(bp__journal_open(folder, &head, &fresh, &visitor, &j, &refusal), BP_EIO, folder);
    FAILS(bp__journal_open(nowhere, &head, &fresh, &visitor, &j, &refusal), BP_EIO, nowhere);
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
    bp__journal_refusal refusal;
    *(bp_status *)result = bp__journal_open(path, &head, &resuming, &visitor, &j, &refusal);
    bp__journal_close(&j);
    return NULL;
}

static void test_lock(void)
{
    bp__journal *j = begin(), *other;
    bp__journal_refusal refusal;
    append(j, 0, 3);
    FAILS(bp__journal_open(path, &head, &fresh, &visitor, &other, &refusal), BP_EBUSY, "another job");
    CU_ASSERT_EQUAL(refusal, BP__JOURNAL_FINE);
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

static const char *lock_path(void)
{
    static char name[80];
    snprintf(name, sizeof name, "%s" BP__JOURNAL_LOCK, path);
    return name;
}

static void put_lock(const char *content, mode_t mode)
{
    FILE *f = fopen(lock_path(), "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs(content, f);
    CU_ASSERT_EQUAL(fclose(f), 0);
    CU_ASSERT_EQUAL(chmod(lock_path(), mode), 0);
}

/* Whoever may read a journal can lock it, but keeps nobody from it; the lock itself is closed to others. */
static void test_lock_is_private(void)
{
    bp__journal *j = begin();
    struct stat st;
    CU_ASSERT(stat(lock_path(), &st) == 0 && (st.st_mode & 0777) == 0600);
    append(j, 0, 3);
    bp__journal_close(&j);
    CU_ASSERT(lstat(lock_path(), &st) != 0); /* it goes with its holder */

    const int reader = open(path, O_RDONLY | O_CLOEXEC);
    CU_ASSERT_EQUAL_FATAL(flock(reader, LOCK_EX), 0);
    MUST(resume(&j));
    bp__journal_close(&j);
    MUST(read_again());
    close(reader);
    expect_results(3);

    /* what a killed job left is nobody's */
    put_lock("", 0600);
    MUST(resume(&j));
    bp__journal_close(&j);
    CU_ASSERT(lstat(lock_path(), &st) != 0);
}

/* What is called like a lock and is none is left alone. */
static void test_no_lock_of_ours(void)
{
    bp__journal *j;
    struct stat st;
    make_file();
    put_lock("notes", 0600);
    FAILS(resume(&j), BP_EIO, "it is not empty");
    CU_ASSERT(stat(lock_path(), &st) == 0 && st.st_size == 5);
    put_lock("", 0644);
    FAILS(resume(&j), BP_EIO, "others may open it");
    CU_ASSERT(stat(lock_path(), &st) == 0 && (st.st_mode & 0777) == 0644);
    put_lock("", 0600);
    char other[96];
    snprintf(other, sizeof other, "%s.other", path);
    CU_ASSERT_EQUAL_FATAL(rename(lock_path(), other), 0);
    CU_ASSERT_EQUAL_FATAL(symlink(other, lock_path()), 0);
    FAILS(resume(&j), BP_EIO, "it is a symbolic link");
    CU_ASSERT(lstat(lock_path(), &st) == 0 && S_ISLNK(st.st_mode));
    unlink(lock_path());
    CU_ASSERT_EQUAL_FATAL(link(other, lock_path()), 0);
    FAILS(resume(&j), BP_EIO, "it has several names");
    unlink(other);
    if (chown(lock_path(), 12345, 12345) == 0) { /* not everybody may */
        FAILS(resume(&j), BP_EIO, "it belongs to another user");
        MUST(read_again()); /* without it */
        expect_results(RESULTS);
    }
    CU_ASSERT_EQUAL(unlink(lock_path()), 0);
}

/* In a folder of everybody's a name may be anybody's link. */
static void test_links(void)
{
    bp__journal *j;
    bp__journal_refusal refusal;
    char other[96];
    snprintf(other, sizeof other, "%s.other", path);
    for (int there = 0; there < 3; there++) { /* a link to nothing, to an empty file, a second name of it */
        unlink(path);
        if (there) CU_ASSERT_EQUAL_FATAL(close(open(other, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)), 0);
        CU_ASSERT_EQUAL_FATAL(there == 2 ? link(other, path) : symlink(other, path), 0);
        FAILS(bp__journal_open(path, &head, &fresh, &visitor, &j, &refusal), BP_EIO,
              there == 2 ? "has other names" : "symbolic link");
        FAILS(resume(&j), BP_EIO, path);
        struct stat st;
        CU_ASSERT(there ? stat(other, &st) == 0 && st.st_size == 0 : stat(other, &st) != 0);
    }
    unlink(other);
    unlink(path);

    make_file();
    CU_ASSERT_EQUAL_FATAL(rename(path, other), 0);
    CU_ASSERT_EQUAL_FATAL(symlink(other, path), 0);
    MUST(read_again()); /* reading through a link harms nobody */
    expect_results(RESULTS);
    unlink(other);
    unlink(path);
}

/* Results of another search are replaced only if that is said. */
static void test_another_search(void)
{
    const bp__journal_head other = {"program other\nbundle else\n", SKIPS, sizeof SKIPS},
                           same = {"program of a version behind\nbundle demo\n", SKIPS, sizeof SKIPS};
    bp__journal *j;
    bp__journal_refusal refusal;
    make_file();
    FAILS(bp__journal_open(path, &other, &replacing, &visitor, &j, &refusal), BP_EBUSY, "interrupted");
    CU_ASSERT_EQUAL(refusal, BP__JOURNAL_UNFINISHED);
    MUST(resume(&j));
    MUST(bp__journal_finish(j));
    bp__journal_close(&j);

    FAILS(bp__journal_open(path, &other, &fresh, &visitor, &j, &refusal), BP_EINVAL,
          "(bundle: there 'demo', here 'else'); give --replace");
    CU_ASSERT_EQUAL(refusal, BP__JOURNAL_FOREIGN);
    MUST(read_again());
    expect_results(RESULTS);
    MUST(bp__journal_open(path, &same, &fresh, &visitor, &j, &refusal));
    bp__journal_close(&j);
    MUST(read_again());
    expect_results(RESULTS);
    MUST(bp__journal_open(path, &other, &replacing, &visitor, &j, &refusal));
    MUST(bp__journal_bundle(j, 3, hash));
    bp__journal_close(&j);
    CU_ASSERT(size_now() < starts[4]);
}

#define FORGED (8u << 20)

/* Marks within marks: each could begin a record of half the file. */
static void forge(void)
{
    char *text = malloc(FORGED);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    make_file();
    memcpy(text, bytes, starts[5]);
    uint32_t mark[3] = {0, 5, FORGED / 2};
    memcpy(mark, bytes + starts[4], sizeof *mark);
    for (size_t at = starts[5] + 1; at + sizeof mark <= FORGED; at += sizeof mark)
        memcpy(text + at, mark, sizeof mark);
    put(text, FORGED);
    free(text);
}

static unsigned asked;

static bool ask_once(void *context)
{
    (void)context;
    return ++asked == 0;
}

/* Each candidate looked at from beginning to end would take half an hour. */
static void test_forged(void)
{
    const bp__journal_how stopped = {.resume = true, .go_on = ask_once};
    bp__journal *j;
    bp__journal_refusal refusal;
    forge();
    FAILS(read_again(), BP_EFORMAT, "the journal is damaged");
    FAILS(resume(&j), BP_EFORMAT, "the journal is damaged");
    asked = 0;
    FAILS(bp__journal_open(path, &head, &stopped, &visitor, &j, &refusal), BP_ESTOPPED, path);
    CU_ASSERT_EQUAL(asked, 1);
    CU_ASSERT_EQUAL(size_now(), FORGED);
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
        {"lock of one's own", test_lock_is_private},
        {"what is no lock", test_no_lock_of_ours},
        {"links", test_links},
        {"another search", test_another_search},
        {"forged", test_forged},
        {"full disk", test_full_disk},
        CU_TEST_INFO_NULL,
    };
    int code = suite_main("journal", tests);
    unlink(path);
    rmdir(folder);
    return code;
}
