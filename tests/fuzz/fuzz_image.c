/* The image of a bundle: whatever its table of columns says, what passes the check lies in its memory. */
#include "core/bundle.h"
#include "fuzz.h"

/* Every byte of every column can be read, by whoever holds the bundle. */
static void read_all(const bp__image *image, uint64_t bytes)
{
    const bp_bundle bundle = {.image = image, .name = "fuzz"};
    const char *const begin = (const char *)image, *const end = begin + bytes;
    unsigned sum = 0;
    for (bp_column c = 0; c < BP_NUM_COLUMNS; c++) {
        bp_array a;
        FUZZ_HOLDS(bp_bundle_column(&bundle, c, &a));
        const uint64_t n = a.shape[0] * a.shape[1] * bp__type_bytes(a.type);
        const char *from = a.data;
        FUZZ_HOLDS(n == 0 || (from >= begin && n <= (uint64_t)(end - from)));
        for (uint64_t i = 0; i < n; i++) sum += (unsigned char)from[i];
        for (uint64_t i = 0; a.type == BP_TYPE_U32 && i < a.shape[0]; i++)
            sum += (unsigned)strlen(bp_bundle_text(&bundle, ((const uint32_t *)a.data)[i]));
    }
    FUZZ_HOLDS(strlen(image->schema_version) < sizeof image->schema_version);
    FUZZ_HOLDS(strlen(image->calendar_name) < sizeof image->calendar_name);
    volatile unsigned kept = sum; /* so that nothing of it is left out */
    (void)kept;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char hash[2][BP__HASH_TEXT];
    bp__image *image = fuzz_copy(bytes, size);
    if (bp__image_selfcheck(image, size) == BP_OK) {
        read_all(image, size);
        FUZZ_HOLDS(bp__content_hash(image, hash[0]) == BP_OK && bp__content_hash(image, hash[1]) == BP_OK);
        FUZZ_HOLDS(strcmp(hash[0], hash[1]) == 0);
    }
    free(image);
    return 0;
}

static void put_columns(bp__head *head, bool all)
{
    const int64_t numbers[] = {1, 5, 9};
    const double factors[] = {1000, 10, 1};
    uint32_t text[3];
    for (int i = 0; i < 3; i++) FUZZ_HOLDS(bp__head_text(head, i == 1 ? "ABC" : "D", &text[i]) == BP_OK);
    FUZZ_HOLDS(bp__head_put(head, BP_COL_SID, numbers, 3, 1) == BP_OK);
    FUZZ_HOLDS(bp__head_put(head, BP_COL_CURRENCY, "USDEURXXX", 3, 3) == BP_OK);
    FUZZ_HOLDS(bp__head_put(head, BP_COL_ASSET_SYMBOL, text, 3, 1) == BP_OK);
    FUZZ_HOLDS(bp__head_put(head, BP_COL_FACTOR, factors, 3, 1) == BP_OK);
    for (bp_column c = BP__FIRST_BULK; all && c <= BP__LAST_BULK; c++)
        FUZZ_HOLDS(bp__head_reserve(head, c, 3, c <= BP_COL_VOLUME ? 2 : 1) == BP_OK);
}

size_t fuzz_seed(unsigned number, uint8_t *bytes)
{
    bp__head *head;
    void *sealed;
    uint64_t head_bytes, image_bytes;
    if (number > 2) return 0;
    FUZZ_HOLDS(bp__head_create(&head) == BP_OK);
    bp__head_names(head, "v2", "XNYS");
    if (number > 0) put_columns(head, number > 1);
    FUZZ_HOLDS(bp__head_seal(head, &sealed, &head_bytes, &image_bytes) == BP_OK);
    FUZZ_HOLDS(image_bytes <= FUZZ_SEED_MAX);
    memset(bytes, 0, image_bytes);
    memcpy(bytes, sealed, head_bytes);
    free(sealed);
    bp__head_destroy(&head);
    return image_bytes;
}
