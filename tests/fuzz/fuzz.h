/** @file tests/fuzz/fuzz.h
 * A fuzz target is a file fuzz_NAME.c: it takes any bytes, hands them to code that reads what others have made, and dies
 * where a promise does not hold.
 *
 *  - libFuzzer finds new bytes by what they reach (preset `fuzz`, scripts/fuzz.sh).
 *  - corpus.c runs the target over its seeds, and over the files of tests/fuzz/corpus/NAME, with any compiler: an ordinary
 *    test, by which nothing that was found once comes back.
 *
 * An error that names what is wrong is a fine answer to any bytes. Memory that is not theirs, undefined arithmetic, a value
 * that another way of reading gives otherwise, and work without end are not.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FUZZ_SEED_MAX 65536

/** The target, by libFuzzer's name for it. @return 0 */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/** What the search begins with, besides the files of the corpus: well-formed inputs, made by the code that writes such.
 *  @param[out] bytes  [FUZZ_SEED_MAX]
 *  @return its size; 0: there is no seed of that number */
size_t fuzz_seed(unsigned number, uint8_t *bytes);

/** A promise; libFuzzer keeps the input of a process that aborts. */
#define FUZZ_HOLDS(promise)                                                                                  \
    do {                                                                                                     \
        if (!(promise)) {                                                                                    \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #promise);                     \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

/** Whether a bool holds 0 or 1, and no other byte that came from elsewhere. */
#define FUZZ_IS_BOOL(value) (*(const unsigned char *)&(value) <= 1)

/** Memory that must be there. */
static inline void *fuzz_room(size_t size)
{
    void *room = malloc(size ? size : 1);
    FUZZ_HOLDS(room != NULL);
    return room;
}

/** The same with bytes in it: of exactly that size, so that a sanitizer sees what is read behind them. */
static inline void *fuzz_copy(const void *bytes, size_t size)
{
    void *copy = fuzz_room(size);
    if (size > 0) memcpy(copy, bytes, size);
    return copy;
}

/** As text. @return owned: free() */
static inline char *fuzz_text(const void *bytes, size_t size)
{
    char *text = fuzz_room(size + 1);
    if (size > 0) memcpy(text, bytes, size);
    text[size] = '\0';
    return text;
}

/** Bytes that an input is taken from, piece by piece. */
typedef struct fuzz_tape {
    const uint8_t *at;
    size_t left;
} fuzz_tape;

/** The next number; 0 at the end. @param[in] width  at most 8 bytes */
static inline uint64_t fuzz_take(fuzz_tape *tape, size_t width)
{
    uint64_t value = 0;
    if (width > tape->left) width = tape->left;
    for (size_t i = 0; i < width; i++) value |= (uint64_t)tape->at[i] << 8 * i;
    tape->at += width;
    tape->left -= width;
    return value;
}

/** The next line, without its end. @return owned: free(); NULL at the end */
static inline char *fuzz_take_line(fuzz_tape *tape)
{
    if (tape->left == 0) return NULL;
    const uint8_t *end = memchr(tape->at, '\n', tape->left);
    const size_t n = end ? (size_t)(end - tape->at) : tape->left, taken = n + (end != NULL);
    char *line = fuzz_text(tape->at, n);
    tape->at += taken;
    tape->left -= taken;
    return line;
}

/** A seed that is put together piece by piece. */
typedef struct fuzz_pen {
    uint8_t *bytes;
    size_t size;
} fuzz_pen;

static inline void fuzz_put(fuzz_pen *pen, const void *bytes, size_t size)
{
    FUZZ_HOLDS(size <= FUZZ_SEED_MAX - pen->size);
    if (size > 0) memcpy(pen->bytes + pen->size, bytes, size);
    pen->size += size;
}

static inline void fuzz_put_byte(fuzz_pen *pen, unsigned byte)
{
    const uint8_t one = (uint8_t)byte;
    fuzz_put(pen, &one, 1);
}

/** Of seeds that are texts, one by number. @return its size; 0: there are fewer */
static inline size_t fuzz_seed_text(const char *const *text, size_t count, unsigned number, uint8_t *bytes)
{
    fuzz_pen pen = {bytes, 0};
    if (number >= count) return 0;
    fuzz_put(&pen, text[number], strlen(text[number]));
    return pen.size;
}

#define FUZZ_TEXTS(text, number, bytes)                                                                      \
    fuzz_seed_text((text), sizeof(text) / sizeof *(text), (number), (bytes))

#endif
