/* Images: the builder, what selfcheck refuses, and the view of a bundle. Names of bundles. */
#include "tests/core/make_image.h"

#include <stdio.h>

#include "core/loader.h"

/* Three assets, four sessions, the last two rows of the asset table beyond the daily bars. */
static bp__image *sample(void)
{
    static const int64_t sid[] = {-5, 0, 7}, day[] = {10, 20, 30, 40}, asset[] = {-5, 7, 9, 11};
    uint32_t symbol[4];
    bp__head *head;
    MUST(bp__head_create(&head));
    MUST(bp__head_text(head, "AAA", &symbol[0]));
    MUST(bp__head_text(head, "", &symbol[1]));
    MUST(bp__head_text(head, "\u6771\u4eac", &symbol[2]));
    MUST(bp__head_text(head, "ZZZ", &symbol[3]));
    MUST(bp__head_put(head, BP_COL_SID, sid, 3, 1));
    MUST(bp__head_put(head, BP_COL_DAY, day, 4, 1));
    MUST(bp__head_put(head, BP_COL_CURRENCY, "USDXXXJPY", 3, 3));
    MUST(bp__head_put(head, BP_COL_ASSET_SID, asset, 4, 1));
    MUST(bp__head_put(head, BP_COL_ASSET_SYMBOL, symbol, 4, 1));
    MUST(bp__head_put(head, BP_COL_FACTOR, (const double[]){1000, 1e6, 10}, 3, 1));
    MUST(bp__head_reserve(head, BP_COL_CLOSE, 3, 4));
    MUST(bp__head_reserve(head, BP_COL_MINUTE_DT, 9, 1));
    bp__head_names(head, NULL, "XNYS");
    bp__image *image = make_image(head);
    double *close = bp__image_fill(image, BP_COL_CLOSE);
    for (int i = 0; i < 12; i++) close[i] = i;
    return image;
}

static void test_builder(void)
{
    bp__image *image = sample();
    CU_ASSERT_EQUAL(bp__image_selfcheck(image, image->bytes), BP_OK);
    CU_ASSERT_EQUAL(bp__image_selfcheck(image, image->bytes + 4096), BP_OK); /* an extent is in whole pages */
    CU_ASSERT_EQUAL(image->bytes % BP__IMAGE_ALIGN, 0);
    CU_ASSERT_EQUAL(image->head_bytes % BP__IMAGE_ALIGN, 0);
    CU_ASSERT_EQUAL(image->head_bytes, image->column[BP__FIRST_BULK].offset);
    CU_ASSERT_STRING_EQUAL(image->schema_version, "v1");
    CU_ASSERT_STRING_EQUAL(image->calendar_name, "XNYS");
    uint64_t end = sizeof *image;
    for (int n = 0; n < 2 * BP_NUM_COLUMNS; n++) { /* small columns first, then bulk ones */
        const int c = n % BP_NUM_COLUMNS;
        if (bp__column_is_bulk((bp_column)c) != (n >= BP_NUM_COLUMNS)) continue;
        const bp__image_column *col = &image->column[c];
        CU_ASSERT_EQUAL(col->offset % BP__IMAGE_ALIGN, 0);
        CU_ASSERT(col->offset >= end && col->offset - end < BP__IMAGE_ALIGN);
        CU_ASSERT_EQUAL(col->bytes, col->shape[0] * col->shape[1] * bp__type_bytes((bp_type)col->type));
        CU_ASSERT(col->ndim == 2 || col->shape[1] == 1);
        CU_ASSERT_EQUAL(bp__image_fill(image, (bp_column)c), col->bytes ? (char *)image + col->offset : NULL);
        end = col->offset + col->bytes;
    }
    CU_ASSERT(image->bytes >= end && image->bytes - end < BP__IMAGE_ALIGN);
    free(image);
}

static void test_empty(void)
{
    bp__head *head;
    MUST(bp__head_create(&head));
    MUST(bp__head_put(head, BP_COL_SID, NULL, 0, 1));
    MUST(bp__head_reserve(head, BP_COL_OPEN, 0, 5));
    bp__image *image = make_image(head);
    CU_ASSERT_EQUAL(bp__image_selfcheck(image, image->bytes), BP_OK);
    const bp_bundle *b = make_bundle(image, "empty");
    bp_array array;
    for (int c = 0; c < BP_NUM_COLUMNS; c++) {
        CU_ASSERT_TRUE(bp_bundle_column(b, (bp_column)c, &array));
        CU_ASSERT_EQUAL(array.shape[0], c == BP_COL_STRINGS); /* offset 0 is "" everywhere */
        CU_ASSERT_EQUAL(bp__image_fill(image, (bp_column)c) != NULL, c == BP_COL_STRINGS);
    }
    size_t row;
    CU_ASSERT_EQUAL(bp_bundle_num_assets(b), 0);
    CU_ASSERT_EQUAL(bp_bundle_num_sessions(b), 0);
    CU_ASSERT_EQUAL(bp_bundle_row(b, 0, &row), BP_ENOSID);
    CU_ASSERT_STRING_EQUAL(bp_bundle_symbol(b, 0), "");
    CU_ASSERT_STRING_EQUAL(bp_bundle_text(b, 0), "");
    bp_bundle_release(&b);
}

static void test_names_cut(void)
{
    bp__head *head;
    MUST(bp__head_create(&head));
    bp__head_names(head, "a schema version that is long", "a calendar whose name is even longer than that");
    bp__head_names(head, NULL, NULL);
    bp__image *image = make_image(head);
    CU_ASSERT_STRING_EQUAL(image->schema_version, "a schema versio");
    CU_ASSERT_STRING_EQUAL(image->calendar_name, "a calendar whose name is even l");
    free(image);
}

static void test_texts(void)
{
    enum { TEXTS = 5000 };
    static uint32_t at[TEXTS];
    char text[16];
    uint32_t empty;
    bp__head *head;
    MUST(bp__head_create(&head));
    for (uint32_t i = 0; i < TEXTS; i++) {
        snprintf(text, sizeof text, "S%u", i);
        MUST(bp__head_text(head, text, &at[i]));
    }
    MUST(bp__head_text(head, "", &empty));
    const bp_bundle *b = make_bundle(make_image(head), "texts");
    for (uint32_t i = 0; i < TEXTS; i++) {
        snprintf(text, sizeof text, "S%u", i);
        CU_ASSERT_STRING_EQUAL(bp_bundle_text(b, at[i]), text);
    }
    CU_ASSERT_STRING_EQUAL(bp_bundle_text(b, empty), "");
    bp_array strings;
    CU_ASSERT_TRUE(bp_bundle_column(b, BP_COL_STRINGS, &strings));
    CU_ASSERT_STRING_EQUAL(bp_bundle_text(b, (uint32_t)strings.shape[0] - 1), "");
    CU_ASSERT_STRING_EQUAL(bp_bundle_text(b, (uint32_t)strings.shape[0]), "");
    CU_ASSERT_STRING_EQUAL(bp_bundle_text(b, UINT32_MAX), "");
    bp_bundle_release(&b);
}

static void test_overflow(void)
{
    static const uint64_t shapes[][2] = {
        {UINT64_MAX, 1},                        /* × 8 wraps */
        {UINT64_C(1) << 32, UINT64_C(1) << 32}, /* the product is 0 */
        {UINT64_C(1) << 61, 1},                 /* × 8 is 0 */
        {(UINT64_C(1) << 61) + 1, 1},           /* × 8 is 8 */
        {UINT64_C(1) << 59, 1},                 /* 2^62 bytes */
    };
    bp__head *head;
    int64_t value = 0;
    void *bytes;
    uint64_t head_bytes, image_bytes;
    MUST(bp__head_create(&head));
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        FAILS(bp__head_reserve(head, BP_COL_OPEN, shapes[i][0], shapes[i][1]), BP_ERANGE, "data/open");
        FAILS(bp__head_put(head, BP_COL_SID, &value, shapes[i][0], shapes[i][1]), BP_ERANGE, "index/sid");
    }
    /* each may be that large, but not all together */
    for (int c = BP_COL_OPEN; c <= BP_COL_VOLUME; c++)
        MUST(bp__head_reserve(head, (bp_column)c, (UINT64_C(1) << 59) - 1, 1));
    FAILS(bp__head_seal(head, &bytes, &head_bytes, &image_bytes), BP_ERANGE, "2^62");
    bp__head_destroy(&head);
    CU_ASSERT_PTR_NULL(head);
    bp__head_destroy(&head);
}

/* selfcheck -------------------------------------------------------------------------------------- */

/* Put `value` over one u64 field, expect a refusal, and put the old one back. */
static void doctored(bp__image *image, uint64_t *field, uint64_t value)
{
    uint64_t size = image->bytes, was = *field;
    if (value == was) return;
    *field = value;
    CU_ASSERT_EQUAL(bp__image_selfcheck(image, size), BP_EFORMAT);
    *field = was;
}

static void test_doctored_fields(void)
{
    bp__image *image = sample();
    uint64_t *const headers[] = {&image->magic, &image->layout_id, &image->bytes, &image->head_bytes};
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        for (int bit = 0; bit < 64; bit++) doctored(image, headers[i], *headers[i] ^ UINT64_C(1) << bit);
    for (int c = 0; c < BP_NUM_COLUMNS; c++) {
        bp__image_column *col = &image->column[c];
        for (int bit = 0; bit < 64; bit++) {
            doctored(image, &col->offset, col->offset ^ UINT64_C(1) << bit);
            doctored(image, &col->bytes, col->bytes ^ UINT64_C(1) << bit);
            if (col->bytes == 0) continue; /* an empty column may as well have another shape */
            doctored(image, &col->shape[0], col->shape[0] ^ UINT64_C(1) << bit);
            doctored(image, &col->shape[1], col->shape[1] ^ UINT64_C(1) << bit);
        }
        for (int bit = 0; bit < 32; bit++) {
            col->type ^= UINT32_C(1) << bit;
            CU_ASSERT_EQUAL(bp__image_selfcheck(image, image->bytes), BP_EFORMAT);
            col->type ^= UINT32_C(1) << bit;
            col->ndim ^= UINT32_C(1) << bit;
            CU_ASSERT_EQUAL(bp__image_selfcheck(image, image->bytes), BP_EFORMAT);
            col->ndim ^= UINT32_C(1) << bit;
        }
    }
    CU_ASSERT_EQUAL(bp__image_selfcheck(image, image->bytes), BP_OK); /* all is as it was */
    CU_ASSERT_EQUAL(bp__image_selfcheck(image, image->bytes - 1), BP_EFORMAT);
    CU_ASSERT_EQUAL(bp__image_selfcheck(image, sizeof *image - 1), BP_EFORMAT);
    CU_ASSERT_EQUAL(bp__image_selfcheck(image, 0), BP_EFORMAT);
    free(image);
}

/* One-dimensional columns whose second extent is not 1, over as many bytes as before. */
static void test_doctored_shapes(void)
{
    bp__image *image = sample();
    bp__image_column *empty = &image->column[BP_COL_SPLIT_SID], *row = &image->column[BP_COL_DAY];
    CU_ASSERT_EQUAL_FATAL(empty->bytes, 0);
    doctored(image, &empty->shape[1], 0);
    doctored(image, &empty->shape[1], 7);
    row->shape[0] = 2;
    row->shape[1] = 2;
    CU_ASSERT_EQUAL(bp__image_selfcheck(image, image->bytes), BP_EFORMAT);
    free(image);
}

static void test_doctored_texts(void)
{
    bp__image *image = sample();
    char *strings = bp__image_fill(image, BP_COL_STRINGS);
    strings[image->column[BP_COL_STRINGS].bytes - 1] = 'x';
    FAILS(bp__image_selfcheck(image, image->bytes), BP_EFORMAT, "texts");
    free(image);
    image = sample();
    memset(image->schema_version, 'v', sizeof image->schema_version);
    CU_ASSERT_EQUAL(bp__image_selfcheck(image, image->bytes), BP_EFORMAT);
    free(image);
    image = sample();
    memset(image->calendar_name, 'c', sizeof image->calendar_name);
    CU_ASSERT_EQUAL(bp__image_selfcheck(image, image->bytes), BP_EFORMAT);
    free(image);
}

/* Offsets that run once around 2^64 and come back to an image that is smaller than its header. */
static void test_wrapped_offsets(void)
{
    bp__image *image = sample();
    const uint64_t size = image->bytes, largest = (UINT64_C(1) << 62) - BP__IMAGE_ALIGN;
    uint64_t at = image->column[0].offset, left = -at; /* to the wrap */
    for (int c = 0; c < BP_NUM_COLUMNS; c++) {
        bp__image_column *col = &image->column[c];
        uint64_t bytes = c == BP_COL_STRINGS ? BP__IMAGE_ALIGN : 0;
        if (c < BP_COL_STRINGS && bp__type_bytes((bp_type)col->type) == 8 && left > 0) {
            bytes = left < largest ? left : largest;
            left -= bytes;
        }
        uint64_t width = bp__type_bytes((bp_type)col->type);
        col->shape[0] = bytes / width;
        col->shape[1] = bytes || col->ndim == 1;
        col->bytes = bytes;
        col->offset = at;
        at += bytes;
    }
    image->head_bytes = image->bytes = at;
    CU_ASSERT_EQUAL_FATAL(at, BP__IMAGE_ALIGN);
    ((char *)image)[BP__IMAGE_ALIGN - 1] = '\0'; /* where the texts would end */
    CU_ASSERT_EQUAL(bp__image_selfcheck(image, size), BP_EFORMAT);
    free(image);
}

/* A bundle --------------------------------------------------------------------------------------- */

static int released;

static void count_release(const bp_bundle *bundle)
{
    released++;
    free_bundle(bundle);
}

static void test_bundle(void)
{
    bp__image *image = sample();
    const bp_bundle *b = make_bundle(image, "sample");
    CU_ASSERT_STRING_EQUAL(bp_bundle_name(b), "sample");
    CU_ASSERT_EQUAL(bp_bundle_bytes(b), image->bytes);
    CU_ASSERT_EQUAL(bp_bundle_generation(b), 17);
    CU_ASSERT_EQUAL(bp_bundle_num_assets(b), 3);
    CU_ASSERT_EQUAL(bp_bundle_num_sessions(b), 4);
    CU_ASSERT_EQUAL(bp_bundle_sids(b)[2], 7);
    CU_ASSERT_EQUAL(bp_bundle_sessions(b)[3], 40);
    const double *close = bp_bundle_daily(b, BP_COL_CLOSE);
    CU_ASSERT_PTR_NOT_NULL_FATAL(close);
    CU_ASSERT_EQUAL(close[11], 11.0);
    CU_ASSERT_PTR_NOT_NULL(bp_bundle_daily(b, BP_COL_OPEN));
    CU_ASSERT_PTR_NOT_NULL(bp_bundle_daily(b, BP_COL_VOLUME));
    CU_ASSERT_PTR_NULL(bp_bundle_daily(b, BP_COL_MINUTE_CLOSE));
    CU_ASSERT_PTR_NULL(bp_bundle_daily(b, BP_COL_SID));
    CU_ASSERT_PTR_NULL(bp_bundle_daily(b, BP_NUM_COLUMNS));

    bp_array a;
    CU_ASSERT_TRUE(bp_bundle_column(b, BP_COL_CURRENCY, &a));
    CU_ASSERT(a.type == BP_TYPE_BYTES && a.ndim == 2 && a.shape[0] == 3 && a.shape[1] == 3);
    CU_ASSERT(memcmp(a.data, "USDXXXJPY", 9) == 0);
    CU_ASSERT_TRUE(bp_bundle_column(b, BP_COL_MINUTE_DT, &a));
    CU_ASSERT(a.type == BP_TYPE_I64 && a.ndim == 1 && a.shape[0] == 9 && a.shape[1] == 1);
    CU_ASSERT_TRUE(bp_bundle_column(b, BP_COL_FACTOR, &a));
    CU_ASSERT(a.type == BP_TYPE_F64 && a.ndim == 1 && a.shape[0] == 3 && ((const double *)a.data)[1] == 1e6);
    CU_ASSERT_FALSE(bp_bundle_column(b, BP_NUM_COLUMNS, &a));
    CU_ASSERT_FALSE(bp_bundle_column(b, (bp_column)-1, &a));
    CU_ASSERT_STRING_EQUAL(bp_column_name(BP_COL_CLOSE), "data/close");
    CU_ASSERT_STRING_EQUAL(bp_column_name(BP_COL_MAP_SID), "assets/symbol_mappings/sid");
    CU_ASSERT_PTR_NULL(bp_column_name(BP_NUM_COLUMNS));

    CU_ASSERT_STRING_EQUAL(bp_bundle_symbol(b, 0), "AAA");
    CU_ASSERT_STRING_EQUAL(bp_bundle_symbol(b, 1), ""); /* sid 0 is in no asset table */
    CU_ASSERT_STRING_EQUAL(bp_bundle_symbol(b, 2), ""); /* sid 7's symbol is empty */
    CU_ASSERT_STRING_EQUAL(bp_bundle_symbol(b, 3), ""); /* no such row */

    ((bp_bundle *)(uintptr_t)b)->release = count_release;
    bp_bundle_release(&b);
    CU_ASSERT_PTR_NULL(b);
    bp_bundle_release(&b); /* NULL inside is allowed */
    CU_ASSERT_EQUAL(released, 1);
}

/* Every present and every missing sid in tables of every small length. */
static void test_rows(void)
{
    for (size_t n = 0; n <= 17; n++) {
        int64_t sid[17];
        for (size_t i = 0; i < n; i++) sid[i] = 3 * (int64_t)i - 6;
        if (n > 0) sid[0] = INT64_MIN;
        if (n > 1) sid[n - 1] = INT64_MAX;
        bp__head *head;
        MUST(bp__head_create(&head));
        MUST(bp__head_put(head, BP_COL_SID, sid, n, 1));
        MUST(bp__head_put(head, BP_COL_ASSET_SID, sid, n / 2, 1)); /* another table, another length */
        const bp_bundle *b = make_bundle(make_image(head), "rows");
        for (size_t i = 0; i < n; i++) {
            size_t row = 99;
            CU_ASSERT_EQUAL(bp_bundle_row(b, sid[i], &row), BP_OK);
            CU_ASSERT_EQUAL(row, i);
            row = 99;
            CU_ASSERT_EQUAL(bp_bundle_asset_row(b, sid[i], &row), i < n / 2 ? BP_OK : BP_ENOSID);
            CU_ASSERT_EQUAL(row, i < n / 2 ? i : 99);
        }
        for (int64_t missing = -8; missing < 60; missing += 3) {
            size_t row = 99;
            FAILS(bp_bundle_row(b, missing, &row), BP_ENOSID, "rows: no sid");
            CU_ASSERT_EQUAL(row, 99);
        }
        bp_bundle_release(&b);
    }
}

static void test_bundle_names(void)
{
    static const char *const good[] = {"a", "quandl", "A.b_c-9", "-", "_", "a..b", "h5.h5"};
    static const char *const bad[] = {"",     ".",   "..",  ".hidden", "/..", "../x", "a/b",
                                      "a\\b", "a b", "a\n", "\u00e9",  "a%s", "*"};
    char path[64], name[BP_NAME_MAX + 2];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CU_ASSERT_EQUAL(bp__bundle_name_check(good[i]), BP_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        FAILS(bp__bundle_name_check(bad[i]), BP_EINVAL, "name");
        CU_ASSERT_PTR_NULL(strchr(bp_error_text(), '\n')); /* one line */
        CU_ASSERT_EQUAL(bp__bundle_path("bundles", bad[i], path, sizeof path), BP_EINVAL);
    }
    FAILS(bp__bundle_name_check(NULL), BP_EINVAL, "empty");
    memset(name, 'n', sizeof name);
    name[BP_NAME_MAX + 1] = '\0';
    FAILS(bp__bundle_name_check(name), BP_EINVAL, "too long");
    name[BP_NAME_MAX] = '\0';
    CU_ASSERT_EQUAL(bp__bundle_name_check(name), BP_OK);

    MUST(bp__bundle_path("some/root", "quandl", path, sizeof path));
    CU_ASSERT_STRING_EQUAL(path, "some/root/quandl.h5");
    MUST(bp__bundle_path("some/root", "quandl", path, sizeof "some/root/quandl.h5"));
    FAILS(bp__bundle_path("some/root", "quandl", path, sizeof "some/root/quandl.h5" - 1), BP_EINVAL,
          "too long");
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"builder", test_builder},
        {"empty columns", test_empty},
        {"names of the header", test_names_cut},
        {"texts", test_texts},
        {"overflow of shapes", test_overflow},
        {"doctored fields", test_doctored_fields},
        {"doctored shapes", test_doctored_shapes},
        {"doctored texts", test_doctored_texts},
        {"wrapped offsets", test_wrapped_offsets},
        {"bundle", test_bundle},
        {"rows of sids", test_rows},
        {"names of bundles", test_bundle_names},
        CU_TEST_INFO_NULL,
    };
    return suite_main("image", tests);
}
