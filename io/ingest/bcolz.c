#include "io/ingest/bcolz.h"

#include <blosc.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/ingest/meta.h"

#define HEADER 16
/* bcolz makes blocks of 32 KiB to some MiB */
#define BLOCK_MOST (UINT64_C(64) << 20)
#define ROWS_MOST  (INT64_C(1) << 48)

/* A name below a table. */
#define NAME_MOST 512

/* Opening --------------------------------------------------------------------------------------- */

static bp_status load_meta(bp__bcolz *column, const char *file, bp__meta *meta)
{
    char name[NAME_MOST];
    snprintf(name, sizeof name, "%s/meta/%s", column->path, file);
    return bp__meta_load(column->sealed, name, meta);
}

static bp_status read_storage(bp__bcolz *column, const bp__meta *meta)
{
    static const struct {
        const char *name;
        size_t size;
        bool is_signed;
    } type[] = {{"uint32", 4, false}, {"<u4", 4, false}, {"int32", 4, true}, {"<i4", 4, true},
                {"uint64", 8, false}, {"<u8", 8, false}, {"int64", 8, true}, {"<i8", 8, true}};
    const json_t *dtype;
    int64_t rows;
    BP_TRY(bp__meta_get(meta, "dtype", JSON_STRING, &dtype));
    for (size_t i = 0; i < sizeof type / sizeof *type; i++) {
        if (strcmp(json_string_value(dtype), type[i].name) != 0) continue;
        column->item_size = type[i].size;
        column->is_signed = type[i].is_signed;
    }
    if (column->item_size == 0)
        BP_FAIL(BP_EFORMAT,
                "%s/%s: 'dtype' is '%.40s': whole numbers of 4 or 8 bytes are read, such as uint32",
                meta->root, meta->name, json_string_value(dtype));
    BP_TRY(bp__meta_integer(meta, "chunklen", 1, (int64_t)(BLOCK_MOST / column->item_size), &rows));
    column->block_rows = (size_t)rows;
    return BP_OK;
}

static bp_status read_sizes(bp__bcolz *column, const bp__meta *meta)
{
    int64_t *shape;
    size_t n;
    BP_TRY(bp__meta_integers(meta, "shape", &shape, &n));
    const int64_t rows = n == 1 ? shape[0] : -1;
    free(shape);
    if (rows < 0 || rows > ROWS_MOST)
        BP_FAIL(BP_EFORMAT, "%s/%s: 'shape' is not that of a column: one number of rows", meta->root,
                meta->name);
    column->rows = (uint64_t)rows;
    return BP_OK;
}

static void block_name(const bp__bcolz *column, uint64_t block, char name[NAME_MOST])
{
    snprintf(name, NAME_MOST, "%s/data/__%" PRIu64 ".blp", column->path, block);
}

/* A number of rows is no reason to take memory: the last block that it asks for has to be there. */
static bp_status check_last_block(const bp__bcolz *column)
{
    char name[NAME_MOST];
    bool there;
    if (column->rows == 0) return BP_OK;
    block_name(column, (column->rows - 1) / column->block_rows, name);
    BP_TRY(bp__sealed_has(column->sealed, name, S_IFREG, &there));
    if (there) return BP_OK;
    BP_FAIL(BP_EFORMAT, "%s/%s: is missing, though %s/meta/sizes tells of %" PRIu64 " rows",
            column->sealed->root, name, column->path, column->rows);
}

static bp_status open_column(bp__bcolz *column)
{
    bp__meta meta;
    BP_TRY(load_meta(column, "storage", &meta));
    bp_status s = read_storage(column, &meta);
    bp__meta_free(&meta);
    BP_TRY(s);
    BP_TRY(load_meta(column, "sizes", &meta));
    s = read_sizes(column, &meta);
    bp__meta_free(&meta);
    BP_TRY(s);
    return check_last_block(column);
}

bp_status bp__bcolz_open(bp__sealed *sealed, const char *path, bp__bcolz *column)
{
    *column = (bp__bcolz){.sealed = sealed, .path = strdup(path)};
    if (!column->path) BP_FAIL(BP_ENOMEM, "%s/%s: no memory", sealed->root, path);
    bp_status s = strlen(path) < NAME_MOST / 2
                      ? open_column(column)
                      : bp__fail(BP_EFORMAT, "%s/%.60s...: the name is too long", sealed->root, path);
    if (bp__failed(s)) bp__bcolz_close(column);
    return s;
}

void bp__bcolz_close(bp__bcolz *column)
{
    free(column->path);
    *column = (bp__bcolz){0};
}

/* Blocks ---------------------------------------------------------------------------------------- */

static size_t rows_of(const bp__bcolz *column, uint64_t block)
{
    const uint64_t left = column->rows - block * column->block_rows;
    return left < column->block_rows ? (size_t)left : column->block_rows;
}

/* What stands before the buffer, and what the buffer says of itself. */
static bp_status check_block(const bp__bcolz *column, const char *name, const unsigned char *bytes,
                             size_t size, size_t want)
{
    static const unsigned char one[8] = {1};
    const char *root = column->sealed->root;
    size_t holds;
    if (size < HEADER + BLOSC_MIN_HEADER_LENGTH)
        BP_FAIL(BP_EFORMAT, "%s/%s: cut off: it has %zu bytes", root, name, size);
    if (memcmp(bytes, "blpk", 4) != 0)
        BP_FAIL(BP_EFORMAT, "%s/%s: not a block of bcolz: it does not begin with 'blpk'", root, name);
    if (memcmp(bytes + 8, one, sizeof one) != 0)
        BP_FAIL(BP_EFORMAT, "%s/%s: not a block of bcolz: it holds more or less than one", root, name);
    if (blosc_cbuffer_validate(bytes + HEADER, size - HEADER, &holds) != 0)
        BP_FAIL(BP_EFORMAT, "%s/%s: the block is damaged or cut off: its %zu bytes are not what it says",
                root, name, size - HEADER);
    if (holds != want)
        BP_FAIL(BP_EFORMAT, "%s/%s: the block holds %zu bytes, %zu are expected by %s/meta", root, name,
                holds, want, column->path);
    return BP_OK;
}

static bp_status unpack(const bp__bcolz *column, const char *name, const unsigned char *buffer, size_t want,
                        unsigned char *to)
{
    const int got = blosc_decompress_ctx(buffer, to, want, 1);
    const char *library = blosc_cbuffer_complib(buffer);
    if (got >= 0 && (size_t)got == want) return BP_OK;
    if (got == -5)
        BP_FAIL(BP_EFORMAT, "%s/%s: compressed with %s, which this machine's libblosc does not have",
                column->sealed->root, name, library ? library : "something");
    BP_FAIL(BP_EFORMAT, "%s/%s: the block is damaged: it cannot be unpacked", column->sealed->root, name);
}

static bp_status load_block(bp__bcolz_cursor *cursor, uint64_t block)
{
    const bp__bcolz *column = cursor->column;
    const size_t rows = rows_of(column, block), want = rows * column->item_size;
    char name[NAME_MOST], *file;
    size_t size;
    cursor->rows = 0;
    if (!cursor->bytes && !(cursor->bytes = malloc(rows_of(column, 0) * column->item_size)))
        BP_FAIL(BP_ENOMEM, "%s/%s: no memory for a block", column->sealed->root, column->path);
    block_name(column, block, name);
    bp_status s = bp__sealed_load(column->sealed, name, HEADER + want + BLOSC_MAX_OVERHEAD, &file, &size);
    if (s == BP_ENOTFOUND) BP_FAIL(BP_EFORMAT, "%s/%s: is missing", column->sealed->root, name);
    BP_TRY(s);
    s = check_block(column, name, (unsigned char *)file, size, want);
    if (s == BP_OK) s = unpack(column, name, (unsigned char *)file + HEADER, want, cursor->bytes);
    free(file);
    BP_TRY(s);
    cursor->block = block;
    cursor->rows = rows;
    return BP_OK;
}

/* Values ---------------------------------------------------------------------------------------- */

static int64_t widen(const bp__bcolz *column, const unsigned char *at)
{
    uint32_t narrow;
    int64_t wide;
    if (column->item_size == 8) {
        memcpy(&wide, at, sizeof wide);
        return !column->is_signed && wide < 0 ? INT64_MAX : wide;
    }
    memcpy(&narrow, at, sizeof narrow);
    return column->is_signed ? (int32_t)narrow : (int64_t)narrow;
}

/* Rows of the block at hand. */
static bp_status convert(const bp__bcolz_cursor *cursor, size_t from, size_t n, uint32_t *value)
{
    const bp__bcolz *column = cursor->column;
    const unsigned char *at = cursor->bytes + from * column->item_size;
    if (column->item_size == 4 && !column->is_signed) {
        memcpy(value, at, n * sizeof *value);
        return BP_OK;
    }
    for (size_t i = 0; i < n; i++, at += column->item_size) {
        const int64_t x = widen(column, at);
        if (x < 0 || x > UINT32_MAX)
            BP_FAIL(BP_EFORMAT, "%s/%s: row %" PRIu64 " is not within 0 and 4294967295", column->sealed->root,
                    column->path, cursor->block * column->block_rows + from + i);
        value[i] = (uint32_t)x;
    }
    return BP_OK;
}

bp_status bp__bcolz_read(bp__bcolz_cursor *cursor, uint64_t first, size_t n, uint32_t *value)
{
    const size_t block_rows = cursor->column->block_rows;
    while (n > 0) {
        const uint64_t block = first / block_rows;
        if (cursor->rows == 0 || cursor->block != block) BP_TRY(load_block(cursor, block));
        const size_t from = (size_t)(first % block_rows);
        const size_t take = n < cursor->rows - from ? n : cursor->rows - from;
        BP_TRY(convert(cursor, from, take, value));
        first += take;
        value += take;
        n -= take;
    }
    return BP_OK;
}

void bp__bcolz_cursor_fini(bp__bcolz_cursor *cursor)
{
    free(cursor->bytes);
    *cursor = (bp__bcolz_cursor){0};
}
