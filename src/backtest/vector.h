/** @file src/backtest/vector.h
 * A vector of doubles, and a mask of its lanes, in the instruction set that BP__ISA says: what the files
 * isa_….c set. Nobody else includes it.
 *
 * Every operation rounds as the scalar one does. Masks are of the instruction set's own type.
 */
#ifndef BP_BACKTEST_VECTOR_H
#define BP_BACKTEST_VECTOR_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if BP__ISA == 512

#include <immintrin.h>

#define WIDTH 8 /* doubles of a vector */
#ifdef BP__NARROW
#define GROUP              1
#define BP__ISA_NAME(name) name##_avx512_narrow
#else
#define GROUP              4 /* vectors whose sums are kept in registers */
#define BP__ISA_NAME(name) name##_avx512
#endif

typedef __m512d vector;
typedef __mmask8 mask;

static inline vector load(const double *p)
{
    return _mm512_load_pd(p);
}
/* Aligned or not. */
static inline vector load_any(const double *p)
{
    return _mm512_loadu_pd(p);
}
static inline void store(double *p, vector x)
{
    _mm512_store_pd(p, x);
}
static inline void store_any(double *p, vector x)
{
    _mm512_storeu_pd(p, x);
}
static inline vector root(vector a)
{
    return _mm512_sqrt_pd(a);
}
static inline vector all(double x)
{
    return _mm512_set1_pd(x);
}
static inline vector larger(vector a, vector b)
{
    return _mm512_max_pd(a, b);
}
static inline vector smaller(vector a, vector b)
{
    return _mm512_min_pd(a, b);
}
static inline vector whole(vector a)
{
    return _mm512_roundscale_pd(a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
}
static inline vector magnitude(vector a)
{
    return _mm512_abs_pd(a);
}
static inline mask less(vector a, vector b)
{
    return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ);
}
static inline mask at_most(vector a, vector b)
{
    return _mm512_cmp_pd_mask(a, b, _CMP_LE_OQ);
}
static inline mask differ(vector a, vector b)
{
    return _mm512_cmp_pd_mask(a, b, _CMP_NEQ_UQ);
}
static inline mask both(mask a, mask b)
{
    return a & b;
}
static inline mask either(mask a, mask b)
{
    return a | b;
}
static inline mask not(mask a)
{
    return (mask)~a;
}
/* Elsewhere 0. */
static inline vector where(mask m, vector a)
{
    return _mm512_maskz_mov_pd(m, a);
}
static inline vector choose(mask m, vector a, vector b)
{
    return _mm512_mask_mov_pd(b, m, a);
}
static inline vector add_where(mask m, vector a, vector b)
{
    return _mm512_mask_add_pd(a, m, a, b);
}
static inline bool any(mask m)
{
    return m != 0;
}
static inline uint64_t bits_of(mask m)
{
    return m;
}
static inline mask mask_of(uint64_t bits)
{
    return (mask)bits;
}
static inline vector next_up(vector a, int64_t units)
{
    return _mm512_castsi512_pd(_mm512_add_epi64(_mm512_castpd_si512(a), _mm512_set1_epi64(units)));
}

#elif BP__ISA == 2

#include <immintrin.h>

#define WIDTH              4
#define GROUP              2
#define BP__ISA_NAME(name) name##_avx2

typedef __m256d vector;
typedef __m256d mask;

static inline vector load(const double *p)
{
    return _mm256_load_pd(p);
}
static inline vector load_any(const double *p)
{
    return _mm256_loadu_pd(p);
}
static inline void store(double *p, vector x)
{
    _mm256_store_pd(p, x);
}
static inline void store_any(double *p, vector x)
{
    _mm256_storeu_pd(p, x);
}
static inline vector root(vector a)
{
    return _mm256_sqrt_pd(a);
}
static inline vector all(double x)
{
    return _mm256_set1_pd(x);
}
static inline vector larger(vector a, vector b)
{
    return _mm256_max_pd(a, b);
}
static inline vector smaller(vector a, vector b)
{
    return _mm256_min_pd(a, b);
}
static inline vector whole(vector a)
{
    return _mm256_floor_pd(a);
}
static inline vector magnitude(vector a)
{
    return _mm256_andnot_pd(_mm256_set1_pd(-0.0), a);
}
static inline mask less(vector a, vector b)
{
    return _mm256_cmp_pd(a, b, _CMP_LT_OQ);
}
static inline mask at_most(vector a, vector b)
{
    return _mm256_cmp_pd(a, b, _CMP_LE_OQ);
}
static inline mask differ(vector a, vector b)
{
    return _mm256_cmp_pd(a, b, _CMP_NEQ_UQ);
}
static inline mask both(mask a, mask b)
{
    return _mm256_and_pd(a, b);
}
static inline mask either(mask a, mask b)
{
    return _mm256_or_pd(a, b);
}
static inline mask not(mask a)
{
    return _mm256_xor_pd(a, _mm256_castsi256_pd(_mm256_set1_epi64x(-1)));
}
static inline vector where(mask m, vector a)
{
    return _mm256_and_pd(m, a);
}
static inline vector choose(mask m, vector a, vector b)
{
    return _mm256_blendv_pd(b, a, m);
}
static inline vector add_where(mask m, vector a, vector b)
{
    return a + where(m, b);
}
static inline bool any(mask m)
{
    return _mm256_movemask_pd(m) != 0;
}
static inline uint64_t bits_of(mask m)
{
    return (uint64_t)_mm256_movemask_pd(m);
}
static inline mask mask_of(uint64_t bits)
{
    const __m256i lane = _mm256_setr_epi64x(1, 2, 4, 8);
    return _mm256_castsi256_pd(
        _mm256_cmpeq_epi64(_mm256_and_si256(_mm256_set1_epi64x((int64_t)bits), lane), lane));
}
static inline vector next_up(vector a, int64_t units)
{
    return _mm256_castsi256_pd(_mm256_add_epi64(_mm256_castpd_si256(a), _mm256_set1_epi64x(units)));
}

#else

/* What every processor has whose vectors are of 16 bytes, as the compiler sees fit. */
#define WIDTH              2
#define GROUP              4
#define BP__ISA_NAME(name) name##_portable

typedef double vector __attribute__((vector_size(16)));
typedef int64_t mask __attribute__((vector_size(16))); /* of each lane all bits, or none */

static inline vector load(const double *p)
{
    vector x;
    memcpy(&x, p, sizeof x);
    return x;
}
static inline vector load_any(const double *p)
{
    return load(p);
}
static inline void store(double *p, vector x)
{
    memcpy(p, &x, sizeof x);
}
static inline void store_any(double *p, vector x)
{
    store(p, x);
}
static inline vector root(vector a)
{
    return (vector){sqrt(a[0]), sqrt(a[1])};
}
static inline vector all(double x)
{
    return (vector){x, x};
}
static inline mask less(vector a, vector b)
{
    return a < b;
}
static inline mask at_most(vector a, vector b)
{
    return a <= b;
}
static inline mask differ(vector a, vector b)
{
    return a != b;
}
static inline mask both(mask a, mask b)
{
    return a & b;
}
static inline mask either(mask a, mask b)
{
    return a | b;
}
static inline mask not(mask a)
{
    return ~a;
}
static inline vector where(mask m, vector a)
{
    return (vector)(m & (mask)a);
}
static inline vector choose(mask m, vector a, vector b)
{
    return (vector)((m & (mask)a) | (~m & (mask)b));
}
static inline vector larger(vector a, vector b)
{
    return choose(a > b, a, b);
}
static inline vector smaller(vector a, vector b)
{
    return choose(a < b, a, b);
}
static inline vector magnitude(vector a)
{
    return (vector)((mask)a & INT64_MAX);
}
static inline vector add_where(mask m, vector a, vector b)
{
    return a + where(m, b);
}
static inline bool any(mask m)
{
    return (m[0] | m[1]) != 0;
}
static inline uint64_t bits_of(mask m)
{
    return (uint64_t)(m[0] & 1) | (uint64_t)(m[1] & 2);
}
static inline mask mask_of(uint64_t bits)
{
    return (mask){-(int64_t)(bits & 1), -(int64_t)(bits >> 1 & 1)};
}
static inline vector next_up(vector a, int64_t units)
{
    return (vector)((mask)a + units);
}

/* Of a number that is not negative: adding 2^52 leaves no room for a fraction, and rounds to the nearest. */
static inline vector whole(vector a)
{
    const vector shift = all(0x1p52), nearest = (a + shift) - shift;
    const vector down = nearest - where(nearest > a, all(1));
    return choose(a < shift, down, a);
}

#endif

#endif
