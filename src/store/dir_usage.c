/* SPDX-License-Identifier: Apache-2.0 */
/* What takes how much in a directory store. A file that has several names takes its room once:
 * files are told apart by device and inode. So do blocks that several files have, since one began
 * as a copy of the other: they are told apart by where they lie. */
#include "store/dir.h"

#include <fcntl.h>

#include "base/map.h"
#include "store/facts.h"
#include "sys/extents.h"
#include "sys/file.h"

/* Bounds memory and time. What lies in more pieces is taken for the image's own. */
#define PIECES_MAX (UINT32_C(1) << 20)

struct blocks {
    uint64_t device, start, end;
};

struct tally {
    bfci_map seen; /* (device, inode) */
    uint64_t device;
    struct blocks *blocks; /* that are shared, by whomever */
    size_t block_count, block_cap;
    size_t pieces_left;
    bfc_store_usage sum;
};

static void tally_release(struct tally *t)
{
    bfci_map_release(&t->seen);
    free(t->blocks);
}

/* What a damaged image takes is counted; what would be in it cannot be. */
static int count_content(struct tally *t, const bfci_found *found, bfc_err *err)
{
    AUTO(bfc_image_info) bfc_image_info *info = NULL;

    int rc = bfci_facts_read(found->path, found->ref->text, NULL, NULL, &info, err);
    if (rc == BFC_E_NOMEM)
        return rc;
    if (rc == 0)
        t->sum.content_bytes += info->content_bytes;
    return 0;
}

static int note_blocks(void *ctx, uint64_t start, uint64_t len, bfc_err *err)
{
    struct tally *t = ctx;
    uint64_t end;

    if (bfci_add_overflows(start, len, &end))
        return 0;
    BFC_TRY(bfci_reserve(&t->blocks, &t->block_cap, t->block_count + 1, sizeof *t->blocks, err));
    t->blocks[t->block_count++] = (struct blocks){t->device, start, end};
    return 0;
}

static int by_place(const void *a, const void *b)
{
    const struct blocks *x = a, *y = b;

    if (x->device != y->device)
        return x->device < y->device ? -1 : 1;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return 0;
}

/* Bytes that were met before. What is shared with files outside of the store is met once only. */
static uint64_t met_again(struct tally *t)
{
    uint64_t sum = 0, end = 0, device = 0;

    if (t->block_count > 0)
        qsort(t->blocks, t->block_count, sizeof *t->blocks, by_place);
    for (size_t i = 0; i < t->block_count; i++) {
        const struct blocks *b = &t->blocks[i];
        if (b->device != device)
            end = 0;
        device = b->device;
        if (b->start < end)
            sum += MIN(b->end, end) - b->start;
        end = MAX(end, b->end);
    }
    return sum;
}

/* One that was deleted in the meantime shares nothing any more. */
static int count_blocks(struct tally *t, const bfci_found *found, bfc_err *err)
{
    AUTO_FD int fd = -1;

    t->device = found->device;
    int rc = bfci_open(AT_FDCWD, found->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, &fd, err);
    if (rc == BFC_E_NOT_FOUND)
        return 0;
    BFC_TRY(rc);
    return bfci_shared_extents(fd, &t->pieces_left, note_blocks, t, err);
}

static int count_one(void *ctx, const bfci_found *found, bfc_err *err)
{
    struct tally *t = ctx;

    t->sum.images++;
    t->sum.image_bytes += found->size;
    if (bfci_map_get(&t->seen, found->device, found->inode)) {
        t->sum.shared_bytes += found->size;
        return 0;
    }
    BFC_TRY(bfci_map_put(&t->seen, found->device, found->inode, 0, err));
    t->sum.disk_bytes += found->disk_bytes;
    BFC_TRY(count_blocks(t, found, err));
    return count_content(t, found, err);
}

int bfci_dirstore_usage(bfc_store *store, bfc_store_usage *sum, bfc_err *err)
{
    __attribute__((cleanup(tally_release))) struct tally t = {.seen = BFCI_MAP_INIT,
                                                              .pieces_left = PIECES_MAX};

    BFC_TRY(bfci_dirstore_scan(store, count_one, &t, err));
    uint64_t again = met_again(&t);
    t.sum.disk_bytes -= MIN(again, t.sum.disk_bytes);
    t.sum.shared_bytes += again;
    *sum = t.sum;
    return 0;
}
