/* SPDX-License-Identifier: Apache-2.0 */
/* The set: a hash table of runs of 512 numbers, a bit each. A slot without any bit is free: numbers
 * are never taken out. */
#include "base/map.h"

#include "base/hash.h"

enum {
    SET_FIRST = 8,
    RUN_SHIFT = 9,
    RUN_WORDS = 8
};

struct bfci_set_slot {
    uint64_t run; /* number >> RUN_SHIFT */
    uint64_t bits[RUN_WORDS];
};

static bool is_free(const struct bfci_set_slot *slot)
{
    uint64_t any = 0;
    for (size_t i = 0; i < RUN_WORDS; i++)
        any |= slot->bits[i];
    return any == 0;
}

/* The slot of the run, or the free one where it belongs. */
static struct bfci_set_slot *find(const bfci_set *s, uint64_t run)
{
    size_t i = (size_t)bfci_hash(s->slot, run, 0) & (s->cap - 1);
    /* Compare first: a matching slot that is in use is the common case. */
    while (s->slot[i].run != run && !is_free(&s->slot[i]))
        i = (i + 1) & (s->cap - 1);
    return &s->slot[i];
}

static size_t word_of(uint64_t number)
{
    return (size_t)(number >> 6) % RUN_WORDS;
}

static uint64_t bit_of(uint64_t number)
{
    return (uint64_t)1 << (number & 63);
}

void bfci_set_release(bfci_set *s)
{
    free(s->slot);
    *s = (bfci_set)BFCI_SET_INIT;
}

bool bfci_set_has(const bfci_set *s, uint64_t number)
{
    if (s->cap == 0)
        return false;
    /* A free slot may look like run 0; it has no bits. */
    const struct bfci_set_slot *slot = find(s, number >> RUN_SHIFT);
    return slot->run == number >> RUN_SHIFT && (slot->bits[word_of(number)] & bit_of(number)) != 0;
}

static int grow(bfci_set *s, bfc_err *err)
{
    bfci_set bigger = BFCI_SET_INIT;
    if (bfci_mul_overflows(s->cap, (size_t)2, &bigger.cap))
        return bfci_fail_nomem(err);
    if (bigger.cap == 0)
        bigger.cap = SET_FIRST;
    BFC_TRY(bfci_alloc_zero(bigger.cap, sizeof *bigger.slot, &bigger.slot, err));
    bigger.used = s->used;
    for (size_t i = 0; i < s->cap; i++)
        if (!is_free(&s->slot[i]))
            *find(&bigger, s->slot[i].run) = s->slot[i];
    free(s->slot);
    *s = bigger;
    return 0;
}

int bfci_set_add(bfci_set *s, uint64_t number, bool *added, bfc_err *err)
{
    uint64_t run = number >> RUN_SHIFT, bit = bit_of(number);
    struct bfci_set_slot *slot = s->cap ? find(s, run) : NULL;
    if (!slot || is_free(slot)) {
        if (s->used >= s->cap - s->cap / 4) {
            BFC_TRY(grow(s, err));
            slot = find(s, run);
        }
        slot->run = run;
        s->used++;
    }
    *added = (slot->bits[word_of(number)] & bit) == 0;
    slot->bits[word_of(number)] |= bit;
    return 0;
}
