/* SPDX-License-Identifier: Apache-2.0 */
/* The map: open addressing with linear probing, at most three quarters full; removal closes the
 * gap, so there are no tombstones. A slot with the keys (0, 0) is free; the entry that really has
 * these keys stands in one more slot behind the table, used when its key_a is not 0. */
#include "base/map.h"

#include "base/hash.h"

struct bfci_map_slot {
    uint64_t key_a, key_b, value;
};

enum {
    MAP_FIRST = 16
};

static bool is_free(const struct bfci_map_slot *slot)
{
    return slot->key_a == 0 && slot->key_b == 0;
}

static size_t home_of(const bfci_map *m, uint64_t key_a, uint64_t key_b)
{
    return (size_t)bfci_hash(m->slot, key_a, key_b) & (m->cap - 1);
}

/* The slot that holds the keys, or the free one where they belong. */
static struct bfci_map_slot *find(const bfci_map *m, uint64_t key_a, uint64_t key_b)
{
    size_t i = home_of(m, key_a, key_b);
    while (!is_free(&m->slot[i]) && (m->slot[i].key_a != key_a || m->slot[i].key_b != key_b))
        i = (i + 1) & (m->cap - 1);
    return &m->slot[i];
}

void bfci_map_release(bfci_map *m)
{
    free(m->slot);
    *m = (bfci_map)BFCI_MAP_INIT;
}

uint64_t *bfci_map_get(const bfci_map *m, uint64_t key_a, uint64_t key_b)
{
    if (m->cap == 0)
        return NULL;
    struct bfci_map_slot *slot = key_a || key_b ? find(m, key_a, key_b) : &m->slot[m->cap];
    return is_free(slot) ? NULL : &slot->value;
}

static int grow(bfci_map *m, bfc_err *err)
{
    bfci_map bigger = BFCI_MAP_INIT;
    size_t slots;
    if (bfci_mul_overflows(m->cap, (size_t)2, &bigger.cap))
        return bfci_fail_nomem(err);
    if (bigger.cap == 0)
        bigger.cap = MAP_FIRST;
    slots = bigger.cap + 1;
    BFC_TRY(bfci_alloc_zero(slots, sizeof *bigger.slot, &bigger.slot, err));
    bigger.used = m->used;
    for (size_t i = 0; i < m->cap; i++)
        if (!is_free(&m->slot[i]))
            *find(&bigger, m->slot[i].key_a, m->slot[i].key_b) = m->slot[i];
    if (m->cap)
        bigger.slot[bigger.cap] = m->slot[m->cap];
    free(m->slot);
    *m = bigger;
    return 0;
}

int bfci_map_put(bfci_map *m, uint64_t key_a, uint64_t key_b, uint64_t value, bfc_err *err)
{
    uint64_t *old = bfci_map_get(m, key_a, key_b);
    if (old) {
        *old = value;
        return 0;
    }
    if (m->used >= m->cap - m->cap / 4)
        BFC_TRY(grow(m, err));
    if (key_a || key_b)
        *find(m, key_a, key_b) = (struct bfci_map_slot){key_a, key_b, value};
    else
        m->slot[m->cap] = (struct bfci_map_slot){1, 0, value};
    m->used++;
    return 0;
}

void bfci_map_remove(bfci_map *m, uint64_t key_a, uint64_t key_b)
{
    if (!bfci_map_get(m, key_a, key_b))
        return;
    m->used--;
    if (!key_a && !key_b) {
        m->slot[m->cap] = (struct bfci_map_slot){0, 0, 0};
        return;
    }
    size_t mask = m->cap - 1;
    size_t gap = (size_t)(find(m, key_a, key_b) - m->slot);
    for (size_t i = (gap + 1) & mask; !is_free(&m->slot[i]); i = (i + 1) & mask) {
        size_t home = home_of(m, m->slot[i].key_a, m->slot[i].key_b);
        /* It may move back only if the gap is not before its home. */
        if (((i - home) & mask) >= ((i - gap) & mask)) {
            m->slot[gap] = m->slot[i];
            gap = i;
        }
    }
    m->slot[gap] = (struct bfci_map_slot){0, 0, 0};
}

bool bfci_map_next(const bfci_map *m, size_t *at, uint64_t *key_a, uint64_t *key_b, uint64_t *value)
{
    if (m->cap == 0)
        return false;
    while (*at <= m->cap) {
        size_t i = (*at)++;
        const struct bfci_map_slot *slot = &m->slot[i];
        if (is_free(slot))
            continue;
        *key_a = i == m->cap ? 0 : slot->key_a;
        *key_b = slot->key_b;
        *value = slot->value;
        return true;
    }
    return false;
}
