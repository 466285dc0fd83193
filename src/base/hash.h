/* SPDX-License-Identifier: Apache-2.0 */
/* The hash of map and set. Keys may come from strangers (inode numbers in a container), so it is
 * seeded by where the table lies in memory: nobody can prepare keys that all collide. */
#ifndef BFCI_BASE_HASH_H
#define BFCI_BASE_HASH_H

#include <stdint.h>

__extension__ typedef unsigned __int128 bfci_u128;

/* Both halves of the product, so that every bit of the operands reaches every bit of the result. */
static inline uint64_t bfci_hash_fold(uint64_t a, uint64_t b)
{
    bfci_u128 product = (bfci_u128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t bfci_hash(const void *table, uint64_t a, uint64_t b)
{
    uint64_t seed = ((uint64_t)(uintptr_t)table ^ 0x6a09e667f3bcc908u) * 0x9e3779b97f4a7c15u;
    uint64_t h = bfci_hash_fold(a ^ seed, b ^ (seed >> 32 | seed << 32) ^ 0xbb67ae8584caa73bu);
    return bfci_hash_fold(h ^ a ^ seed, 0x9e3779b97f4a7c15u);
}

#endif
