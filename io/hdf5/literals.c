/* DESIGN
 *
 * Blocks are short, so that codes follow the bytes: neighbours in a plane belong to one asset, and have its price.
 * The code lengths in front of a block are written with four bits each; what a cleverer form would save is less than
 * one byte in 200. Codes of at most 12 bits let four of them pass before the bits are written.
 */
#include "io/hdf5/literals.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK         16384 /* bytes */
#define MAX_BITS      12    /* of a code; deflate would allow 15 */
#define END           256   /* the symbol that ends a block */
#define NUM_SYMBOLS   257
#define NUM_DISTANCES 2 /* never used, but old decoders want a complete code */
#define HEADER_BITS   (3 + 5 + 5 + 4 + 19 * 3 + 4 * (NUM_SYMBOLS + NUM_DISTANCES))
#define ALIGN_BYTES   5 /* an empty stored block */

typedef struct bits {
    uint64_t held;
    unsigned count; /* at most 7 between two calls */
    uint8_t *next;
} bits;

typedef struct code {
    uint16_t bits; /* the first one lowest */
    uint8_t length;
} code;

static void flush(bits *b)
{
    memcpy(b->next, &b->held, sizeof b->held); /* whole bytes count, the rest is written again */
    b->next += b->count / 8;
    b->held >>= b->count / 8 * 8;
    b->count %= 8;
}

static void put(bits *b, uint64_t value, unsigned length)
{
    b->held |= value << b->count;
    b->count += length;
}

/* Lengths --------------------------------------------------------------------------------------- */

typedef struct symbol {
    uint32_t frequency;
    uint16_t value;
} symbol;

static int rarest_first(const void *a, const void *b)
{
    const symbol *x = a, *y = b;
    if (x->frequency != y->frequency) return x->frequency < y->frequency ? -1 : 1;
    return x->value < y->value ? -1 : 1;
}

/* How many codes of each length Huffman's tree has. Leaves and joined nodes are two queues that are in order: the next
 * two to be joined are at their heads. `s` is sorted, n >= 2. */
static void count_lengths(const symbol *s, size_t n, unsigned count[NUM_SYMBOLS])
{
    uint32_t weight[NUM_SYMBOLS];
    uint16_t parent[2 * NUM_SYMBOLS], depth[2 * NUM_SYMBOLS]; /* nodes: n leaves, n - 1 joined ones */
    size_t leaf = 0, joined = 0;
    for (size_t made = 0; made < n - 1; made++) {
        weight[made] = 0;
        for (int k = 0; k < 2; k++) {
            const bool is_leaf = leaf < n && (joined == made || s[leaf].frequency <= weight[joined]);
            weight[made] += is_leaf ? s[leaf].frequency : weight[joined];
            parent[is_leaf ? leaf++ : n + joined++] = (uint16_t)(n + made);
        }
    }
    depth[2 * n - 2] = 0;
    for (size_t i = 2 * n - 2; i-- > 0;) {
        depth[i] = (uint16_t)(depth[parent[i]] + 1);
        if (i < n) count[depth[i]]++;
    }
}

/* Shorten codes beyond MAX_BITS, and lengthen others for that until all of them fit again (Kraft). */
static void limit_lengths(unsigned count[NUM_SYMBOLS])
{
    unsigned used = 0; /* in units of the longest code */
    for (unsigned l = MAX_BITS + 1; l < NUM_SYMBOLS; l++) count[MAX_BITS] += count[l];
    for (unsigned l = 1; l <= MAX_BITS; l++) used += count[l] << (MAX_BITS - l);
    for (; used > 1u << MAX_BITS; used--) {
        unsigned l = MAX_BITS - 1;
        while (count[l] == 0) l--;
        count[l]--;
        count[l + 1] += 2;
        count[MAX_BITS]--;
    }
}

/* The longest codes go to the rarest symbols. */
static void choose_lengths(const uint32_t frequency[NUM_SYMBOLS], code table[NUM_SYMBOLS])
{
    symbol s[NUM_SYMBOLS];
    unsigned count[NUM_SYMBOLS] = {0};
    size_t n = 0;
    memset(table, 0, NUM_SYMBOLS * sizeof *table);
    for (uint16_t v = 0; v < NUM_SYMBOLS; v++)
        if (frequency[v] > 0) s[n++] = (symbol){.frequency = frequency[v], .value = v};
    qsort(s, n, sizeof *s, rarest_first);
    count_lengths(s, n, count);
    limit_lengths(count);
    size_t i = 0;
    for (unsigned l = MAX_BITS; l > 0; l--)
        for (unsigned k = 0; k < count[l]; k++) table[s[i++].value].length = (uint8_t)l;
}

static uint16_t reverse(unsigned value, unsigned length)
{
    unsigned reversed = 0;
    for (unsigned i = 0; i < length; i++) reversed |= (value >> i & 1) << (length - 1 - i);
    return (uint16_t)reversed;
}

/* Codes of one length are consecutive, in the order of the symbols, as deflate has it. */
static void assign_codes(code table[NUM_SYMBOLS])
{
    unsigned next = 0;
    for (unsigned l = 1; l <= MAX_BITS; l++, next <<= 1)
        for (size_t v = 0; v < NUM_SYMBOLS; v++)
            if (table[v].length == l) table[v].bits = reverse(next++, l);
}

/* Blocks ---------------------------------------------------------------------------------------- */

static void count_bytes(const uint8_t *from, size_t n, uint32_t frequency[NUM_SYMBOLS])
{
    uint32_t apart[4][256] = {{0}}; /* equal neighbours would wait for each other */
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (size_t k = 0; k < 4; k++) apart[k][from[i + k]]++;
    for (; i < n; i++) apart[0][from[i]]++;
    for (size_t v = 0; v < 256; v++) frequency[v] = apart[0][v] + apart[1][v] + apart[2][v] + apart[3][v];
    frequency[END] = 1;
}

/* Lengths of codes are themselves coded: here 0 to 15, with four bits each, whose code is its value reversed. */
static void put_header(bits *b, const code table[NUM_SYMBOLS])
{
    put(b, 0, 1); /* not the last block */
    put(b, 2, 2); /* with codes of its own */
    put(b, NUM_SYMBOLS - 257, 5);
    put(b, NUM_DISTANCES - 1, 5);
    put(b, 19 - 4, 4);
    flush(b);
    for (unsigned i = 0; i < 19; i++, flush(b)) put(b, i < 3 ? 0 : 4, 3); /* the first three stand for runs */
    for (unsigned v = 0; v < NUM_SYMBOLS; v++, flush(b)) put(b, reverse(table[v].length, 4), 4);
    for (unsigned v = 0; v < NUM_DISTANCES; v++, flush(b)) put(b, reverse(1, 4), 4);
}

static void put_codes(bits *b, const code table[NUM_SYMBOLS], const uint8_t *from, size_t n)
{
    size_t i = 0;
    for (; i + 4 <= n; i += 4, flush(b))
        for (size_t k = 0; k < 4; k++) put(b, table[from[i + k]].bits, table[from[i + k]].length);
    for (; i < n; i++, flush(b)) put(b, table[from[i]].bits, table[from[i]].length);
    put(b, table[END].bits, table[END].length);
    flush(b);
}

static bool put_block(bits *b, const uint8_t *from, size_t n, const uint8_t *end)
{
    uint32_t frequency[NUM_SYMBOLS];
    code table[NUM_SYMBOLS];
    size_t size = HEADER_BITS + b->count;
    count_bytes(from, n, frequency);
    choose_lengths(frequency, table);
    for (size_t v = 0; v < NUM_SYMBOLS; v++) size += frequency[v] * table[v].length;
    /* bits are written eight bytes at a time */
    if ((size_t)(end - b->next) < size / 8 + sizeof b->held + ALIGN_BYTES + 1) return false;
    assign_codes(table);
    put_header(b, table);
    put_codes(b, table, from, n);
    return true;
}

size_t bp__deflate_literals(const uint8_t *from, size_t n, uint8_t *to, size_t room)
{
    static const uint8_t empty[4] = {0, 0, 0xff, 0xff};
    bits b = {.next = to};
    for (size_t i = 0; i < n; i += BLOCK)
        if (!put_block(&b, from + i, n - i < BLOCK ? n - i : BLOCK, to + room)) return 0;
    if (n == 0) return 0;
    put(&b, 0, 3); /* a stored block, not the last */
    b.count = (b.count + 7) / 8 * 8;
    flush(&b);
    memcpy(b.next, empty, sizeof empty);
    return (size_t)(b.next - to) + sizeof empty;
}
