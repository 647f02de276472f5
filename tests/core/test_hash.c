/* Both hashes: known answers, a second computation of the Merkle tree, and what a version says. */
#include "tests/core/make_image.h"

#include <openssl/sha.h>

#define MIB    (UINT64_C(1) << 20)
#define DAY(n) ((n)*BP_NS_PER_DAY)

/* computed_hash ---------------------------------------------------------------------------------- */

static void test_vectors(void)
{
    static const struct {
        const char *symbols[5];
        size_t n;
        const char *start, *end, *hash;
    } vectors[] = {
        {{"MSFT", "AAPL", "GOOGL"},
         3,
         "2020-01-01T00:00:00",
         "2023-12-31T00:00:00",
         "7dcf04559030313e7e6e55eeac6bc4fe50d0cd5a534c8d2ac4e92a24f9b86376"},
        {{NULL},
         0,
         "2000-01-01T00:00:00",
         "2099-12-31T00:00:00",
         "dcc3be0037b4227da014270dd69b4cd55d1f954f3ace5794f2c528d032ed4663"},
        {{"AAPL", "MSFT", "AAPL"},
         3,
         "2020-01-01T00:00:00",
         "2023-12-31T00:00:00",
         "2a831da10fda08737b0deb3ea58c325da6ceb9913db6a6175ebd93a7de1eda61"},
        {{"\u6771\u4eac", "zzz", "\u00c9CO", "Z\u00fcrich", "AAPL"},
         5,
         "2020-01-01T00:00:00",
         "2023-12-31T00:00:00",
         "ba30b71d913ea25bb9fa83885b3a865427e1a8e12c1d1710d4b726397323f52d"},
        {{"AAPL", "MSFT"},
         2,
         "2020-01-01",
         "2023-12-31",
         "3e2757e80f47230459287792cbfbec258c8bc12a66dc8c7efb8f9984c0471fc1"},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        const char *first = vectors[i].symbols[0];
        char hash[BP__HASH_TEXT] = "";
        CU_ASSERT_EQUAL(
            bp__computed_hash(vectors[i].symbols, vectors[i].n, vectors[i].start, vectors[i].end, "v1", hash),
            BP_OK);
        CU_ASSERT_STRING_EQUAL(hash, vectors[i].hash);
        CU_ASSERT_PTR_EQUAL(vectors[i].symbols[0], first); /* the caller's order stays */
    }
    char v1[BP__HASH_TEXT], v2[BP__HASH_TEXT];
    MUST(bp__computed_hash(vectors[0].symbols, 3, "2020-01-01", "2023-12-31", "v1", v1));
    MUST(bp__computed_hash(vectors[0].symbols, 3, "2020-01-01", "2023-12-31", "v2", v2));
    CU_ASSERT_STRING_NOT_EQUAL(v1, v2);
}

/* content_hash ----------------------------------------------------------------------------------- */

typedef struct digest {
    unsigned char bytes[SHA256_DIGEST_LENGTH];
} digest;

/* SHA-256(tag, data) */
static digest tagged(unsigned char tag, const void *data, size_t n)
{
    digest d;
    unsigned char *all = malloc(n + 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(all);
    all[0] = tag;
    if (n) memcpy(all + 1, data, n);
    SHA256(all, n + 1, d.bytes);
    free(all);
    return d;
}

/* By recursion: the left half is the largest power of two of blocks that leaves something on the right. */
static digest merkle(const unsigned char *data, uint64_t bytes)
{
    if (bytes <= MIB) return tagged(0x00, data, bytes);
    uint64_t left = MIB;
    while (2 * left < bytes) left *= 2;
    digest both[2] = {merkle(data, left), merkle(data + left, bytes - left)};
    return tagged(0x01, both, sizeof both);
}

static void expected_hash(const bp__image *image, char text[BP__HASH_TEXT])
{
    struct {
        char schema[16];
        digest column[BP_COL_MINUTE_VOLUME + 1];
    } all;
    memcpy(all.schema, image->schema_version, sizeof all.schema);
    for (int c = 0; c <= BP_COL_MINUTE_VOLUME; c++) { /* not how values are stored */
        const bp__image_column *col = &image->column[c];
        const char *name = bp_column_name((bp_column)c);
        uint64_t facts[4] = {col->type, col->ndim, col->shape[0], col->shape[1]};
        digest root = merkle((const unsigned char *)image + col->offset, col->bytes);
        char what[128];
        size_t n = strlen(name) + 1;
        memcpy(what, name, n);
        memcpy(what + n, facts, sizeof facts);
        memcpy(what + n + sizeof facts, &root, sizeof root);
        all.column[c] = tagged(0x02, what, n + sizeof facts + sizeof root);
    }
    digest root = tagged(0x03, &all, sizeof all);
    for (size_t i = 0; i < sizeof root; i++) {
        text[2 * i] = "0123456789abcdef"[root.bytes[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[root.bytes[i] & 15];
    }
    text[BP__HASH_TEXT - 1] = '\0';
}

typedef struct hash_text {
    char text[BP__HASH_TEXT];
} hash_text;

static hash_text hash_of(const bp__image *image)
{
    hash_text h;
    MUST(bp__content_hash(image, h.text));
    return h;
}

static bool same(hash_text a, hash_text b)
{
    return strcmp(a.text, b.text) == 0;
}

/* Two assets and three sessions. */
static bp__head *small_head(void)
{
    static const int64_t sid[] = {3, 8}, day[] = {DAY(10), DAY(11), DAY(14)};
    bp__head *head;
    MUST(bp__head_create(&head));
    MUST(bp__head_put(head, BP_COL_SID, sid, 2, 1));
    MUST(bp__head_put(head, BP_COL_DAY, day, 3, 1));
    MUST(bp__head_reserve(head, BP_COL_CLOSE, 2, 3));
    return head;
}

static void test_content(void)
{
    bp__image *a = make_image(small_head()), *b = make_image(small_head());
    hash_text h = hash_of(a);
    char expected[BP__HASH_TEXT];
    expected_hash(a, expected);
    CU_ASSERT_STRING_EQUAL(h.text, expected);
    CU_ASSERT(same(h, hash_of(b)));

    /* every byte of every value, small and bulk */
    for (int c = 0; c < BP_NUM_COLUMNS; c++) {
        unsigned char *data = bp__image_fill(b, (bp_column)c);
        for (uint64_t i = 0; i < b->column[c].bytes; i++) {
            data[i] ^= 0x80;
            CU_ASSERT_FALSE(same(h, hash_of(b)));
            data[i] ^= 0x80;
        }
    }
    CU_ASSERT(same(h, hash_of(b)));
    free(a);
    free(b);
}

/* Values that a file stores with a factor for each asset are the same values. */
static void test_factors(void)
{
    static const double factors[] = {1000, 1e6};
    bp__image *image[2];
    for (int i = 0; i < 2; i++) {
        bp__head *head = small_head();
        if (i == 1)
            for (int c = BP_COL_FACTOR; c <= BP_COL_MINUTE_VOLUME_FACTOR; c++)
                MUST(bp__head_put(head, (bp_column)c, factors, 2, 1));
        image[i] = make_image(head);
    }
    MUST(bp__image_selfcheck(image[1], image[1]->bytes));
    for (int c = BP_COL_FACTOR; c <= BP_COL_MINUTE_VOLUME_FACTOR; c++) {
        const bp__image_column *col = &image[1]->column[c];
        CU_ASSERT(col->bytes == sizeof factors && col->offset + col->bytes <= image[1]->head_bytes);
        CU_ASSERT(memcmp(bp__image_fill(image[1], (bp_column)c), factors, sizeof factors) == 0);
    }
    CU_ASSERT(same(hash_of(image[0]), hash_of(image[1])));
    /* known since before there were factors: journals hold such hashes */
    CU_ASSERT_STRING_EQUAL(hash_of(image[0]).text,
                           "e8f2042850e640256d08b791f26b5074157d1b424fb889f68878bab94951b572");
    free(image[0]);
    free(image[1]);
}

/* A checksum covers what the content hash leaves out, and nothing of itself. */
static void test_checksum(void)
{
    static const double factors[] = {1000, 1e6};
    bp__head *head = small_head();
    for (int c = BP_COL_FACTOR; c <= BP_COL_MINUTE_VOLUME_FACTOR; c++)
        MUST(bp__head_put(head, (bp_column)c, factors, 2, 1));
    bp__image *image = make_image(head);
    const hash_text content = hash_of(image);
    char was[BP__HASH_TEXT], is[BP__HASH_TEXT];
    MUST(bp__image_checksum(image, content.text, was));
    CU_ASSERT_EQUAL(strlen(was), 64);
    CU_ASSERT_STRING_NOT_EQUAL(was, content.text);
    for (int c = BP_COL_FACTOR; c <= BP_COL_MINUTE_VOLUME_FACTOR; c++) {
        unsigned char *data = bp__image_fill(image, (bp_column)c);
        for (uint64_t i = 0; i < image->column[c].bytes; i++) {
            data[i] ^= 0x80;
            MUST(bp__image_checksum(image, content.text, is));
            CU_ASSERT_STRING_NOT_EQUAL(was, is);
            data[i] ^= 0x80;
        }
    }
    for (size_t i = 0; i < sizeof image->calendar_name; i++) {
        image->calendar_name[i] ^= 1;
        MUST(bp__image_checksum(image, content.text, is));
        CU_ASSERT_STRING_NOT_EQUAL(was, is);
        image->calendar_name[i] ^= 1;
    }
    strcpy(image->checksum, was);
    MUST(bp__image_checksum(image, content.text, is));
    CU_ASSERT_STRING_EQUAL(was, is);
    hash_text other = content;
    other.text[63] = (char)(other.text[63] == '0' ? '1' : '0');
    MUST(bp__image_checksum(image, other.text, is));
    CU_ASSERT_STRING_NOT_EQUAL(was, is);
    free(image);
}

static void test_shape_and_place(void)
{
    static const int64_t values[6] = {1, 2, 3, 4, 5, 6};
    static const unsigned char bytes[6] = "XXXXXX";
    bp__image *image[6];
    const bp_column first = BP_COL_LIFE_START,
                    second = BP_COL_LIFE_END; /* neighbours of one type and shape */
    for (size_t i = 0; i < 6; i++) {
        bp__head *head = small_head();
        if (i == 1) MUST(bp__head_put(head, first, values, 6, 1));
        if (i == 2) MUST(bp__head_put(head, second, values, 6, 1));
        if (i == 3) MUST(bp__head_put(head, first, values, 5, 1));
        if (i == 4) MUST(bp__head_put(head, BP_COL_CURRENCY, bytes, 2, 3));
        if (i == 5) MUST(bp__head_put(head, BP_COL_CURRENCY, bytes, 3, 2));
        image[i] = make_image(head);
    }
    for (size_t i = 0; i < 6; i++)
        for (size_t k = 0; k < i; k++) CU_ASSERT_FALSE(same(hash_of(image[i]), hash_of(image[k])));
    for (size_t i = 0; i < 6; i++) free(image[i]);
}

static void test_schema(void)
{
    hash_text h[3];
    static const char *const schema[] = {NULL, "v1", "v2"};
    for (size_t i = 0; i < 3; i++) {
        bp__head *head = small_head();
        bp__head_names(head, schema[i], NULL);
        bp__image *image = make_image(head);
        h[i] = hash_of(image);
        free(image);
    }
    CU_ASSERT(same(h[0], h[1]));
    CU_ASSERT_FALSE(same(h[1], h[2]));
}

static void test_blocks(void)
{
    static const uint64_t sizes[] = {MIB - 1, MIB, MIB + 1, 2 * MIB, 3 * MIB, 5 * MIB + 7};
    uint64_t state = 1;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint64_t n = sizes[i];
        unsigned char *data = malloc(n);
        CU_ASSERT_PTR_NOT_NULL_FATAL(data);
        for (uint64_t k = 0; k < n; k++) data[k] = (unsigned char)draw(&state, 256);
        bp__head *head = small_head();
        MUST(bp__head_put(head, BP_COL_CURRENCY, data, n, 1));
        free(data);
        bp__image *image = make_image(head);
        hash_text h = hash_of(image);
        char expected[BP__HASH_TEXT];
        expected_hash(image, expected);
        CU_ASSERT_STRING_EQUAL(h.text, expected);
        unsigned char *first = bp__image_fill(image, BP_COL_CURRENCY);
        for (uint64_t at = 0; at < n; at += MIB) { /* the first byte of each block, and the last of all */
            first[at] ^= 1;
            CU_ASSERT_FALSE(same(h, hash_of(image)));
            first[at] ^= 1;
        }
        first[n - 1] ^= 1;
        CU_ASSERT_FALSE(same(h, hash_of(image)));
        free(image);
    }
}

/* A version -------------------------------------------------------------------------------------- */

typedef struct market {
    size_t assets, sessions;
    const char *symbol[3];
    int64_t start[3], end[3];
} market;

static const bp_bundle *bundle_of(const market *m)
{
    static const int64_t sid[3] = {1, 2, 3},
                         day[3] = {DAY(18262), DAY(18263), DAY(18264)}; /* from 2020-01-01 */
    uint32_t symbol[3];
    bp__head *head;
    MUST(bp__head_create(&head));
    for (size_t i = 0; i < m->assets; i++) MUST(bp__head_text(head, m->symbol[i], &symbol[i]));
    MUST(bp__head_put(head, BP_COL_DAY, day, m->sessions, 1));
    MUST(bp__head_put(head, BP_COL_ASSET_SID, sid, m->assets, 1));
    MUST(bp__head_put(head, BP_COL_ASSET_SYMBOL, symbol, m->assets, 1));
    MUST(bp__head_put(head, BP_COL_ASSET_START, m->start, m->assets, 1));
    MUST(bp__head_put(head, BP_COL_ASSET_END, m->end, m->assets, 1));
    return make_bundle(make_image(head), "quandl");
}

static void dates_are(const market *m, const char *start, const char *end)
{
    const bp_bundle *b = bundle_of(m);
    bp_version v = bp_version_init();
    MUST(bp_bundle_version(b, &v));
    CU_ASSERT_STRING_EQUAL(v.date_range[0], start);
    CU_ASSERT_STRING_EQUAL(v.date_range[1], end);
    bp_version_fini(&v);
    bp_bundle_release(&b);
}

static void test_version(void)
{
    static const char *const sorted[] = {"AAPL", "GOOGL", "MSFT"};
    const market m = {3,
                      3,
                      {"MSFT", "AAPL", "GOOGL"},
                      {DAY(18263), DAY(18262), DAY(18300)},
                      {DAY(19000), DAY(19722), DAY(18400)}};
    const bp_bundle *b = bundle_of(&m);
    bp_version v = bp_version_init();
    MUST(bp_bundle_version(b, &v));
    CU_ASSERT_STRING_EQUAL(v.bundle_name, "quandl");
    CU_ASSERT_EQUAL(v.num_assets, 3);
    for (size_t i = 0; i < 3; i++) CU_ASSERT_STRING_EQUAL(v.asset_list[i], sorted[i]);
    CU_ASSERT_STRING_EQUAL(v.date_range[0], "2020-01-01T00:00:00");
    CU_ASSERT_STRING_EQUAL(v.date_range[1], "2023-12-31T00:00:00");
    CU_ASSERT_STRING_EQUAL(v.schema_version, "v1");
    CU_ASSERT_STRING_EQUAL(v.computed_hash,
                           "7dcf04559030313e7e6e55eeac6bc4fe50d0cd5a534c8d2ac4e92a24f9b86376");
    CU_ASSERT_STRING_EQUAL(v.content_hash, hash_of(b->image).text);
    bp_version_fini(&v);
    CU_ASSERT(!v.asset_list && v.num_assets == 0);
    bp_version_fini(&v); /* zeroed is allowed */
    bp_bundle_release(&b);
}

static void test_dates(void)
{
    const int64_t none = BP_TIME_MISSING;
    dates_are(&(market){.sessions = 0}, "2000-01-01T00:00:00", "2099-12-31T00:00:00");
    dates_are(&(market){.sessions = 3}, "2020-01-01T00:00:00", "2020-01-03T00:00:00");
    /* what is missing does not count, unless all are */
    dates_are(&(market){2, 3, {"A", "B"}, {none, DAY(18300)}, {DAY(18400), none}}, "2020-02-08T00:00:00",
              "2020-05-18T00:00:00");
    dates_are(&(market){2, 3, {"A", "B"}, {none, none}, {none, none}}, "2000-01-01T00:00:00",
              "2099-12-31T00:00:00");
    dates_are(&(market){2, 3, {"A", "B"}, {none, none}, {DAY(1), DAY(2)}}, "2000-01-01T00:00:00",
              "2099-12-31T00:00:00");
    /* before 1970, and a time within a day, cut to seconds */
    dates_are(&(market){1, 3, {"A"}, {DAY(-1) - 1}, {DAY(0) + 1500000000}}, "1969-12-30T23:59:59",
              "1970-01-01T00:00:01");

    const bp_bundle *b = bundle_of(&(market){.sessions = 0});
    bp_version v = bp_version_init();
    MUST(bp_bundle_version(b, &v));
    CU_ASSERT_EQUAL(v.num_assets, 0);
    CU_ASSERT_STRING_EQUAL(v.computed_hash,
                           "dcc3be0037b4227da014270dd69b4cd55d1f954f3ace5794f2c528d032ed4663");
    bp_version_fini(&v);
    bp_bundle_release(&b);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"known answers", test_vectors},
        {"every value counts", test_content},
        {"factors do not count", test_factors},
        {"but in a checksum", test_checksum},
        {"shape and place count", test_shape_and_place},
        {"schema version counts", test_schema},
        {"block boundaries", test_blocks},
        {"version of a bundle", test_version},
        {"date range", test_dates},
        CU_TEST_INFO_NULL,
    };
    return suite_main("hash", tests);
}
