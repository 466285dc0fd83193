/* SPDX-License-Identifier: Apache-2.0 */
/* Contents by digest: a ring of those of this commit with an index over it, then the hints of the
 * commit before. A hint is believed only after the inode that it names was seen to have the same
 * digest and size, and no hole: the digest of a file with holes could be made to equal that of
 * another file without. */
#include "container/dedup.h"

#include "base/map.h"

enum {
    LARGE_SIZE = 512 << 10 /* sizes are noted from here on */
};

typedef struct known {
    uint8_t digest[BFC_DIGEST_SIZE];
    uint64_t len, block;
    uint32_t offset;
    uint8_t shift;
} known;

struct bfci_dedup {
    known *ring;
    size_t cap, count, most; /* of the ring */
    size_t next;             /* where it goes on when it is full */
    uint32_t *index;         /* positions in the ring plus 1; 0: free */
    size_t index_cap;        /* a power of two, at least twice count */
    bfci_map sizes;
    bfci_tables *base;
    bfci_cursor contents, inodes;
    bfci_inode inode;
};

int bfci_dedup_new(const bfci_source *base, bfci_memory memory, bfci_dedup **out, bfc_err *err)
{
    AUTO(bfci_dedup) bfci_dedup *d = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *d, &d, err));
    d->most = memory.contents;
    if (base) {
        BFC_TRY(bfci_tables_new(base, &d->base, err));
        bfci_cursor_init(&d->contents, d->base, TABLE_CONTENTS);
        bfci_cursor_init(&d->inodes, d->base, TABLE_INODES);
    }
    *out = bfci_steal(&d);
    return 0;
}

void bfci_dedup_free(bfci_dedup *d)
{
    if (!d)
        return;
    if (d->base) {
        bfci_cursor_release(&d->contents);
        bfci_cursor_release(&d->inodes);
        bfci_tables_free(d->base);
    }
    bfci_map_release(&d->sizes);
    free(d->ring);
    free(d->index);
    free(d);
}

/* ── The ring's index: open addressing, entries move up when one is removed ── */

static size_t home(const bfci_dedup *d, const uint8_t *digest)
{
    return (size_t)get_u64le(digest) & (d->index_cap - 1);
}

/* Where the digest is, or where it would go. */
static size_t find_slot(const bfci_dedup *d, const uint8_t *digest)
{
    size_t at = home(d, digest);

    while (d->index[at] && memcmp(d->ring[d->index[at] - 1].digest, digest, BFC_DIGEST_SIZE) != 0)
        at = (at + 1) & (d->index_cap - 1);
    return at;
}

static void remove_slot(bfci_dedup *d, size_t hole)
{
    size_t mask = d->index_cap - 1;

    for (size_t at = (hole + 1) & mask; d->index[at]; at = (at + 1) & mask) {
        size_t from_home = (at - home(d, d->ring[d->index[at] - 1].digest)) & mask;
        if (from_home >= ((at - hole) & mask)) {
            d->index[hole] = d->index[at];
            hole = at;
        }
    }
    d->index[hole] = 0;
}

static int grow_index(bfci_dedup *d, bfc_err *err)
{
    size_t cap = MAX(2 * d->index_cap, (size_t)1024);

    free(bfci_steal(&d->index));
    d->index_cap = 0;
    BFC_TRY(bfci_alloc_zero(cap, sizeof *d->index, &d->index, err));
    d->index_cap = cap;
    for (size_t i = 0; i < d->count; i++)
        d->index[find_slot(d, d->ring[i].digest)] = (uint32_t)i + 1;
    return 0;
}

int bfci_dedup_add(bfci_dedup *d, const uint8_t digest[BFC_DIGEST_SIZE], const bfci_extent *extent,
                   bfc_err *err)
{
    if (2 * (d->count + 1) > d->index_cap)
        BFC_TRY(grow_index(d, err));
    if (extent->len >= LARGE_SIZE)
        BFC_TRY(bfci_map_put(&d->sizes, extent->len, 0, 1, err));
    size_t at = d->count;
    if (d->count == d->most) {
        at = d->next;
        d->next = (d->next + 1) % d->most;
        remove_slot(d, find_slot(d, d->ring[at].digest));
    } else {
        BFC_TRY(bfci_reserve(&d->ring, &d->cap, d->count + 1, sizeof *d->ring, err));
        d->count++;
    }
    known *k = &d->ring[at];
    *k = (known){.len = extent->len,
                 .block = extent->block,
                 .offset = extent->offset,
                 .shift = extent->shift};
    memcpy(k->digest, digest, BFC_DIGEST_SIZE);
    d->index[find_slot(d, digest)] = (uint32_t)at + 1;
    return 0;
}

static bool find_known(const bfci_dedup *d, const uint8_t *digest, uint64_t size, bfci_extent *out)
{
    if (d->index_cap == 0)
        return false;
    uint32_t position = d->index[find_slot(d, digest)];
    if (!position || d->ring[position - 1].len != size)
        return false;
    const known *k = &d->ring[position - 1];
    *out = (bfci_extent){.len = k->len, .block = k->block, .offset = k->offset, .shift = k->shift};
    return true;
}

static int find_in_base(bfci_dedup *d, const uint8_t *digest, uint64_t size, bool *found,
                        bfci_extent *out, bfc_err *err)
{
    uint64_t ino;
    const bfci_inode *n = &d->inode;

    BFC_TRY(bfci_cursor_find(&d->contents, bfci_key_content(digest), found, err));
    if (!*found)
        return 0;
    BFC_TRY(bfci_number_decode(d->contents.value, &ino, err));
    BFC_TRY(bfci_load_inode(&d->inodes, ino, &d->inode, err));
    *found = n->type == BFC_TYPE_FILE && n->size == size && n->extent_count == 1 &&
             n->extent[0].len == size && memcmp(n->digest, digest, BFC_DIGEST_SIZE) == 0;
    if (*found)
        *out = n->extent[0];
    return 0;
}

int bfci_dedup_find(bfci_dedup *d, const uint8_t digest[BFC_DIGEST_SIZE], uint64_t size,
                    bool *found, bfci_extent *out, bfc_err *err)
{
    *found = find_known(d, digest, size, out);
    if (*found || !d->base)
        return 0;
    return find_in_base(d, digest, size, found, out, err);
}

bool bfci_dedup_may_have_size(const bfci_dedup *d, uint64_t size)
{
    return d->base != NULL || bfci_map_get(&d->sizes, size, 0) != NULL;
}
