/** @file src/core/atomic.h
 * Atomic operations by names that end in their memory order: where one is used, the order is what matters,
 * and none can be written without one. `at` points to any _Atomic integer. Only operations that are in use
 * are here.
 */
#ifndef BP_CORE_ATOMIC_H
#define BP_CORE_ATOMIC_H

#include <stdatomic.h>

#define bp__load_relaxed(at) atomic_load_explicit(at, memory_order_relaxed)
#define bp__load_acquire(at) atomic_load_explicit(at, memory_order_acquire)
#define bp__load_seq_cst(at) atomic_load_explicit(at, memory_order_seq_cst)

#define bp__store_relaxed(at, value) atomic_store_explicit(at, value, memory_order_relaxed)
#define bp__store_release(at, value) atomic_store_explicit(at, value, memory_order_release)
#define bp__store_seq_cst(at, value) atomic_store_explicit(at, value, memory_order_seq_cst)

/* Each returns what was there before. */
#define bp__add_relaxed(at, value) atomic_fetch_add_explicit(at, value, memory_order_relaxed)
#define bp__add_release(at, value) atomic_fetch_add_explicit(at, value, memory_order_release)
#define bp__add_seq_cst(at, value) atomic_fetch_add_explicit(at, value, memory_order_seq_cst)
#define bp__or_seq_cst(at, value)  atomic_fetch_or_explicit(at, value, memory_order_seq_cst)
#define bp__sub_relaxed(at, value) atomic_fetch_sub_explicit(at, value, memory_order_relaxed)
#define bp__sub_release(at, value) atomic_fetch_sub_explicit(at, value, memory_order_release)
#define bp__or_relaxed(at, bits)   atomic_fetch_or_explicit(at, bits, memory_order_relaxed)

/** Store `wanted` if *at is *expected; else load it into *expected. May fail spuriously, so use it in a loop.
 *  @return whether it was stored */
#define bp__cas_weak_seq_cst(at, expected, wanted)                                                           \
    atomic_compare_exchange_weak_explicit(at, expected, wanted, memory_order_seq_cst, memory_order_seq_cst)

#endif
