#include "core/image.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC     UINT64_C(0x31474d4950444e42) /* "BNDPIMG1", little-endian */
#define MAX_BYTES (UINT64_C(1) << 62)

static const struct {
    bp_type type;
    uint32_t ndim;
    const char *name;
} column_def[BP_NUM_COLUMNS] = {
#define X(id, name, type, ndim) [BP_COL_##id] = {BP_TYPE_##type, ndim, name},
    BP_COLUMN_MAP(X)
#undef X
};

struct bp__head {
    char schema_version[16];
    char calendar_name[32];
    char checksum[sizeof((bp__image *)0)->checksum];
    void *data[BP_NUM_COLUMNS];        /* owned; small columns only */
    uint64_t shape[BP_NUM_COLUMNS][2]; /* rows 0: never given */
    char *strings;
    uint32_t strings_len, strings_cap;
};

/* Changes whenever a compiler or an edit changes what the bytes of an image mean. */
static uint64_t layout_id(void)
{
    const uint64_t facts[] = {
        sizeof(bp__image),
        offsetof(bp__image, column),
        offsetof(bp__image, schema_version),
        sizeof(bp__image_column),
        offsetof(bp__image_column, shape),
        offsetof(bp__image_column, type),
        BP_NUM_COLUMNS,
        BP__FIRST_BULK,
        BP__LAST_BULK,
        BP__IMAGE_ALIGN,
    };
    uint64_t id = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) id = (id ^ facts[i]) * UINT64_C(0x100000001b3);
    for (size_t c = 0; c < BP_NUM_COLUMNS; c++)
        id = (id ^ ((uint64_t)column_def[c].type << 8 | column_def[c].ndim)) * UINT64_C(0x100000001b3);
    return id;
}

const char *bp_column_name(bp_column column)
{
    return (unsigned)column < BP_NUM_COLUMNS ? column_def[column].name : NULL;
}

uint32_t bp__type_bytes(bp_type type)
{
    switch (type) {
    case BP_TYPE_I64:
    case BP_TYPE_F64: return 8;
    case BP_TYPE_U32: return 4;
    case BP_TYPE_BYTES: return 1;
    }
    return 0;
}

static uint64_t round_up(uint64_t n)
{
    return (n + BP__IMAGE_ALIGN - 1) & ~(uint64_t)(BP__IMAGE_ALIGN - 1);
}

/* Bytes of rows × cols elements; false if that is beyond any image. */
static bool column_bytes(bp_column column, uint64_t rows, uint64_t cols, uint64_t *bytes)
{
    uint64_t n;
    return !__builtin_mul_overflow(rows, cols, &n) &&
           !__builtin_mul_overflow(n, bp__type_bytes(column_def[column].type), bytes) && *bytes < MAX_BYTES;
}

bp_status bp__head_create(bp__head **head)
{
    *head = calloc(1, sizeof **head);
    if (!*head) BP_FAIL(BP_ENOMEM, "no memory for the head of an image");
    strcpy((*head)->schema_version, "v1");
    uint32_t empty; /* offset 0 is "" in every image */
    bp_status s = bp__head_text(*head, "", &empty);
    if (bp__failed(s)) bp__head_destroy(head);
    return s;
}

void bp__head_destroy(bp__head **head)
{
    if (!*head) return;
    for (int c = 0; c < BP_NUM_COLUMNS; c++) free((*head)->data[c]);
    free((*head)->strings);
    free(*head);
    *head = NULL;
}

static void copy_text(char *to, size_t size, const char *from)
{
    size_t n = strnlen(from, size - 1);
    memset(to, 0, size);
    memcpy(to, from, n);
}

void bp__head_names(bp__head *head, const char *schema_version, const char *calendar_name)
{
    if (schema_version) copy_text(head->schema_version, sizeof head->schema_version, schema_version);
    if (calendar_name) copy_text(head->calendar_name, sizeof head->calendar_name, calendar_name);
}

void bp__head_checksum(bp__head *head, const char *checksum)
{
    copy_text(head->checksum, sizeof head->checksum, checksum);
}

bp_status bp__head_put(bp__head *head, bp_column column, const void *data, uint64_t rows, uint64_t cols)
{
    assert(!bp__column_is_bulk(column) && column != BP_COL_STRINGS && !head->data[column]);
    uint64_t bytes;
    if (!column_bytes(column, rows, cols, &bytes))
        BP_FAIL(BP_ERANGE, "%s: %llu rows are too many", bp_column_name(column), (unsigned long long)rows);
    head->shape[column][0] = rows;
    head->shape[column][1] = cols;
    if (bytes == 0) return BP_OK;
    head->data[column] = malloc(bytes);
    if (!head->data[column])
        BP_FAIL(BP_ENOMEM, "%s: no memory for %llu bytes", bp_column_name(column), (unsigned long long)bytes);
    memcpy(head->data[column], data, bytes);
    return BP_OK;
}

bp_status bp__head_reserve(bp__head *head, bp_column column, uint64_t rows, uint64_t cols)
{
    assert(bp__column_is_bulk(column));
    uint64_t bytes;
    if (!column_bytes(column, rows, cols, &bytes))
        BP_FAIL(BP_ERANGE, "%s: %llu x %llu values are too many", bp_column_name(column),
                (unsigned long long)rows, (unsigned long long)cols);
    head->shape[column][0] = rows;
    head->shape[column][1] = cols;
    return BP_OK;
}

bp_status bp__head_text(bp__head *head, const char *text, uint32_t *offset)
{
    size_t n = strlen(text) + 1;
    if (n == 1 && head->strings_len > 0) {
        *offset = 0;
        return BP_OK;
    }
    if (n > UINT32_MAX - head->strings_len) BP_FAIL(BP_ERANGE, "more than 4 GiB of texts in one bundle");
    uint32_t need = head->strings_len + (uint32_t)n;
    if (need > head->strings_cap) {
        uint64_t cap = head->strings_cap ? 2 * (uint64_t)head->strings_cap : 4096;
        if (cap < need) cap = need;
        if (cap > UINT32_MAX) cap = UINT32_MAX;
        char *grown = realloc(head->strings, cap);
        if (!grown) BP_FAIL(BP_ENOMEM, "no memory for the texts of a bundle");
        head->strings = grown;
        head->strings_cap = (uint32_t)cap;
    }
    memcpy(head->strings + head->strings_len, text, n);
    *offset = head->strings_len;
    head->strings_len = need;
    return BP_OK;
}

/* Give the small or the bulk columns their places, from *at on. */
static bp_status lay_out(const bp__head *head, bool bulk, bp__image_column *table, uint64_t *at)
{
    for (int c = 0; c < BP_NUM_COLUMNS; c++) {
        if (bp__column_is_bulk((bp_column)c) != bulk) continue;
        bp__image_column *col = &table[c];
        col->type = column_def[c].type;
        col->ndim = column_def[c].ndim;
        col->shape[0] = head->shape[c][0];
        col->shape[1] = head->shape[c][0] ? head->shape[c][1] : (col->ndim == 1);
        col->offset = *at;
        if (!column_bytes((bp_column)c, col->shape[0], col->shape[1], &col->bytes) ||
            *at > MAX_BYTES - col->bytes)
            BP_FAIL(BP_ERANGE, "the bundle's image would be larger than 2^62 bytes");
        *at = round_up(*at + col->bytes);
    }
    return BP_OK;
}

bp_status bp__head_seal(bp__head *head, void **bytes, uint64_t *head_bytes, uint64_t *image_bytes)
{
    head->shape[BP_COL_STRINGS][0] = head->strings_len;
    head->shape[BP_COL_STRINGS][1] = 1;

    bp__image h = {.magic = MAGIC, .layout_id = layout_id()};
    memcpy(h.schema_version, head->schema_version, sizeof h.schema_version);
    memcpy(h.calendar_name, head->calendar_name, sizeof h.calendar_name);
    memcpy(h.checksum, head->checksum, sizeof h.checksum);
    h.head_bytes = round_up(sizeof h);
    BP_TRY(lay_out(head, false, h.column, &h.head_bytes));
    h.bytes = h.head_bytes;
    BP_TRY(lay_out(head, true, h.column, &h.bytes));

    char *out = calloc(1, h.head_bytes);
    if (!out) BP_FAIL(BP_ENOMEM, "no memory for %llu bytes", (unsigned long long)h.head_bytes);
    memcpy(out, &h, sizeof h);
    for (int c = 0; c < BP_NUM_COLUMNS; c++) {
        if (bp__column_is_bulk((bp_column)c)) continue;
        const void *from = c == BP_COL_STRINGS ? head->strings : head->data[c];
        if (h.column[c].bytes) memcpy(out + h.column[c].offset, from, h.column[c].bytes);
    }
    *bytes = out;
    *head_bytes = h.head_bytes;
    *image_bytes = h.bytes;
    return BP_OK;
}

void *bp__image_fill(void *image, bp_column column)
{
    const bp__image_column *c = &((const bp__image *)image)->column[column];
    return c->bytes ? (char *)image + c->offset : NULL;
}

/* Check that the small or the bulk columns lie one after the other, from *at on. */
static bp_status check_places(const bp__image *image, bool bulk, uint64_t *at)
{
    for (int c = 0; c < BP_NUM_COLUMNS; c++) {
        if (bp__column_is_bulk((bp_column)c) != bulk) continue;
        const bp__image_column *col = &image->column[c];
        uint64_t size = 0;
        if (col->type != (uint32_t)column_def[c].type || col->ndim != column_def[c].ndim ||
            col->offset != *at || !column_bytes((bp_column)c, col->shape[0], col->shape[1], &size) ||
            size != col->bytes || *at > image->bytes || size > image->bytes - *at ||
            (col->ndim == 1 && col->shape[1] != 1))
            BP_FAIL(BP_EFORMAT, "image: column %s is inconsistent", column_def[c].name);
        *at = round_up(*at + size);
    }
    return BP_OK;
}

bp_status bp__image_selfcheck(const bp__image *image, uint64_t bytes)
{
    if (bytes < sizeof *image || image->magic != MAGIC) BP_FAIL(BP_EFORMAT, "no image: wrong magic");
    if (image->layout_id != layout_id()) BP_FAIL(BP_EFORMAT, "an image of another layout");
    if (image->bytes > bytes || image->head_bytes > image->bytes)
        BP_FAIL(BP_EFORMAT, "image of %llu bytes in %llu", (unsigned long long)image->bytes,
                (unsigned long long)bytes);
    uint64_t at = round_up(sizeof *image);
    BP_TRY(check_places(image, false, &at));
    if (at != image->head_bytes) BP_FAIL(BP_EFORMAT, "image: head of a wrong size");
    BP_TRY(check_places(image, true, &at));
    if (at != image->bytes)
        BP_FAIL(BP_EFORMAT, "image: %llu bytes behind the last column",
                (unsigned long long)(image->bytes - at));
    if (!memchr(image->schema_version, '\0', sizeof image->schema_version) ||
        !memchr(image->calendar_name, '\0', sizeof image->calendar_name) ||
        !memchr(image->checksum, '\0', sizeof image->checksum))
        BP_FAIL(BP_EFORMAT, "image: its names do not end");
    const bp__image_column *texts = &image->column[BP_COL_STRINGS];
    if (texts->bytes == 0 || ((const char *)image)[texts->offset + texts->bytes - 1] != '\0')
        BP_FAIL(BP_EFORMAT, "image: texts do not end");
    return BP_OK;
}
