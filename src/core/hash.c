/* DESIGN of the content hash
 *
 * Every column is cut into blocks of 1 MiB. A leaf is SHA-256(0x00, block); two neighbours make
 * SHA-256(0x01, left, right), an odd one moves up unchanged: the Merkle root of the column, so that
 * blocks can be hashed in any order, by anybody. The column's digest is SHA-256(0x02, name, NUL, type,
 * ndim, shape, root), the image's SHA-256(0x03, schema version, digests of all columns). Every NaN of a
 * bar has the same bits (decoding makes them), so equal values have equal bytes. Columns of factors are left
 * out: they say how a file stored its values, and the same values stored otherwise are the same content.
 *
 * A checksum is of one file and not of what many may have in common, so it covers them: it is SHA-256(0x04, content hash as
 * text, calendar's name, digests of the columns of factors).
 */
#include "core/hash.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#define DIGEST sizeof(bp__digest)
#define BLOCK  (UINT64_C(1) << 20)

#define SSL_TRY(call)                                                                                        \
    do {                                                                                                     \
        if ((call) != 1) {                                                                                   \
            s = ssl_failure();                                                                               \
            goto done;                                                                                       \
        }                                                                                                    \
    } while (0)

static bp_status ssl_failure(void)
{
    char why[160];
    ERR_error_string_n(ERR_get_error(), why, sizeof why);
    BP_FAIL(BP_ESYS, "SHA-256 failed in OpenSSL: %s", why);
}

static void to_hex(const unsigned char digest[DIGEST], char text[BP__HASH_TEXT])
{
    for (size_t i = 0; i < DIGEST; i++) snprintf(text + 2 * i, 3, "%02x", digest[i]);
}

static int by_code_point(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b); /* UTF-8 keeps their order */
}

bp_status bp__computed_hash(const char *const *symbols, size_t n, const char *start, const char *end,
                            const char *schema_version, char hash[BP__HASH_TEXT])
{
    bp_status s = BP_OK;
    unsigned char digest[DIGEST];
    const char *const tail[] = {"|", start, "|", end, "|", schema_version};
    const char **sorted = malloc((n ? n : 1) * sizeof *sorted);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!sorted || !ctx) {
        s = bp__fail(BP_ENOMEM, "no memory to hash %zu symbols", n);
        goto done;
    }
    memcpy(sorted, symbols, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_code_point);
    SSL_TRY(EVP_DigestInit_ex(ctx, EVP_sha256(), NULL));
    for (size_t i = 0; i < n; i++) {
        if (i) SSL_TRY(EVP_DigestUpdate(ctx, ",", 1));
        SSL_TRY(EVP_DigestUpdate(ctx, sorted[i], strlen(sorted[i])));
    }
    for (size_t i = 0; i < sizeof tail / sizeof *tail; i++)
        SSL_TRY(EVP_DigestUpdate(ctx, tail[i], strlen(tail[i])));
    SSL_TRY(EVP_DigestFinal_ex(ctx, digest, NULL));
    to_hex(digest, hash);
done:
    EVP_MD_CTX_free(ctx);
    free(sorted);
    return s;
}

/* SHA-256(tag, a, b) */
static bp_status hash2(EVP_MD_CTX *ctx, unsigned char tag, const void *a, size_t na, const void *b, size_t nb,
                       unsigned char out[DIGEST])
{
    bp_status s = BP_OK;
    SSL_TRY(EVP_DigestInit_ex(ctx, EVP_sha256(), NULL));
    SSL_TRY(EVP_DigestUpdate(ctx, &tag, 1));
    SSL_TRY(EVP_DigestUpdate(ctx, a, na));
    SSL_TRY(EVP_DigestUpdate(ctx, b, nb));
    SSL_TRY(EVP_DigestFinal_ex(ctx, out, NULL));
done:
    return s;
}

static bp_status merkle_root(EVP_MD_CTX *ctx, const bp__image *image, bp_column column, bp__need_bytes *need,
                             void *context, unsigned char root[DIGEST])
{
    const unsigned char *data = (const unsigned char *)image + image->column[column].offset;
    const uint64_t bytes = image->column[column].bytes;
    bp_status s = BP_OK;
    uint64_t n = bytes ? (bytes + BLOCK - 1) / BLOCK : 1;
    unsigned char(*node)[DIGEST] = malloc(n * sizeof *node);
    if (!node) BP_FAIL(BP_ENOMEM, "no memory to hash a column of %llu bytes", (unsigned long long)bytes);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t at = i * BLOCK, size = bytes - at < BLOCK ? bytes - at : BLOCK;
        if (need) s = need(context, column, at, at + size);
        if (s == BP_OK) s = hash2(ctx, 0x00, data + at, size, "", 0, node[i]);
        if (bp__failed(s)) goto done;
    }
    for (; n > 1; n = (n + 1) / 2) {
        for (uint64_t i = 0; i + 1 < n; i += 2) {
            s = hash2(ctx, 0x01, node[i], DIGEST, node[i + 1], DIGEST, node[i / 2]);
            if (bp__failed(s)) goto done;
        }
        if (n % 2) memmove(node[n / 2], node[n - 1], DIGEST);
    }
    memcpy(root, node[0], DIGEST);
done:
    free(node);
    return s;
}

static bp_status digest_column(EVP_MD_CTX *ctx, const bp__image *image, bp_column column,
                               bp__need_bytes *need, void *context, bp__digest *digest)
{
    const bp__image_column *col = &image->column[column];
    struct {
        uint64_t type, ndim, shape[2];
        unsigned char root[DIGEST];
    } what = {.type = col->type, .ndim = col->ndim, .shape = {col->shape[0], col->shape[1]}};
    const char *name = bp_column_name(column);
    BP_TRY(merkle_root(ctx, image, column, need, context, what.root));
    return hash2(ctx, 0x02, name, strlen(name) + 1, &what, sizeof what, digest->bytes);
}

bp_status bp__column_digest(const bp__image *image, bp_column column, bp__need_bytes *need, void *context,
                            bp__digest *digest)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx) BP_FAIL(BP_ENOMEM, "no memory to hash an image");
    const bp_status s = digest_column(ctx, image, column, need, context, digest);
    EVP_MD_CTX_free(ctx);
    return s;
}

/* SHA-256(tag, lead, digests of those columns that are factors, or of the others). */
static bp_status hash_columns(unsigned char tag, const void *lead, size_t size, const bp__digest *digest,
                              bool factors, char hash[BP__HASH_TEXT])
{
    bp__digest chosen[BP_NUM_COLUMNS], root;
    size_t n = 0;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx) BP_FAIL(BP_ENOMEM, "no memory to hash an image");
    for (int c = 0; c < BP_NUM_COLUMNS; c++)
        if (bp__column_is_factor((bp_column)c) == factors) chosen[n++] = digest[c];
    const bp_status s = hash2(ctx, tag, lead, size, chosen, n * DIGEST, root.bytes);
    EVP_MD_CTX_free(ctx);
    if (s == BP_OK) to_hex(root.bytes, hash);
    return s;
}

bp_status bp__content_hash_of(const bp__image *image, const bp__digest digest[BP_NUM_COLUMNS],
                              char hash[BP__HASH_TEXT])
{
    return hash_columns(0x03, image->schema_version, sizeof image->schema_version, digest, false, hash);
}

bp_status bp__content_hash(const bp__image *image, char hash[BP__HASH_TEXT])
{
    bp__digest digest[BP_NUM_COLUMNS];
    for (int c = 0; c < BP_NUM_COLUMNS; c++)
        BP_TRY(bp__column_digest(image, (bp_column)c, NULL, NULL, &digest[c]));
    return bp__content_hash_of(image, digest, hash);
}

bp_status bp__image_checksum(const bp__image *image, const char content_hash[BP__HASH_TEXT],
                             char checksum[BP__HASH_TEXT])
{
    struct {
        char content_hash[BP__HASH_TEXT - 1], calendar_name[sizeof image->calendar_name];
    } lead;
    bp__digest digest[BP_NUM_COLUMNS];
    memcpy(lead.content_hash, content_hash, sizeof lead.content_hash);
    memcpy(lead.calendar_name, image->calendar_name, sizeof lead.calendar_name);
    for (int c = BP_COL_FACTOR; c <= BP_COL_MINUTE_VOLUME_FACTOR; c++)
        BP_TRY(bp__column_digest(image, (bp_column)c, NULL, NULL, &digest[c]));
    return hash_columns(0x04, &lead, sizeof lead, digest, true, checksum);
}

bp_status bp__bytes_hash(const void *bytes, size_t size, char hash[BP__HASH_TEXT])
{
    bp_status s = BP_OK;
    unsigned char digest[DIGEST];
    SSL_TRY(EVP_Digest(bytes, size, digest, NULL, EVP_sha256(), NULL));
    to_hex(digest, hash);
done:
    return s;
}

/* All bytes into a digest. */
static bp_status digest_file(EVP_MD_CTX *ctx, int fd, const char *label, unsigned char *buffer, size_t size)
{
    bp_status s = BP_OK;
    for (off_t at = 0;;) {
        const ssize_t n = pread(fd, buffer, size, at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) BP_FAIL_ERRNO(BP_EIO, errno, "%.200s: cannot be read", label);
        if (n == 0) return BP_OK;
        SSL_TRY(EVP_DigestUpdate(ctx, buffer, (size_t)n));
        at += n;
    }
done:
    return s;
}

bp_status bp__file_hash(int fd, const char *label, char hash[BP__HASH_TEXT])
{
    bp_status s = BP_OK;
    unsigned char digest[DIGEST], buffer[16384];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx) BP_FAIL(BP_ENOMEM, "%.200s: no memory to hash it", label);
    SSL_TRY(EVP_DigestInit_ex(ctx, EVP_sha256(), NULL));
    s = digest_file(ctx, fd, label, buffer, sizeof buffer);
    if (bp__failed(s)) goto done;
    SSL_TRY(EVP_DigestFinal_ex(ctx, digest, NULL));
    to_hex(digest, hash);
done:
    EVP_MD_CTX_free(ctx);
    return s;
}
