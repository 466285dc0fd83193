/* SPDX-License-Identifier: Apache-2.0 */
/* Large files that are read ahead. */
#include "container/large.h"

#include "sys/file.h"
#include "sys/inspect.h"

int bfci_large_open(bfci_pool *pool, const bfci_item *item, bool noatime, bfci_large *out,
                    bfc_err *err)
{
    AUTO_FD int fd = -1;
    struct stat st;
    bool sparse = false;
    bfci_stream *stream = NULL;

    BFC_TRY(bfci_item_open(item, noatime, &fd, &st, err));
    BFC_TRY(bfci_has_hole(fd, &st, &sparse, err));
    BFC_TRY(bfci_stream_new(pool, fd, (uint64_t)st.st_size, sparse, &stream, err));
    *out = (bfci_large){
        .item = item,
        .fd = bfci_steal_fd(&fd),
        .size = (uint64_t)st.st_size,
        .sparse = sparse,
        .stream = stream,
    };
    return 0;
}

void bfci_large_release(bfci_large *l)
{
    if (!l->item)
        return;
    bfci_stream_free(l->stream); /* it reads from the file until then */
    bfci_fd_close(&l->fd);
    *l = (bfci_large){0};
}

static bool is_large(const bfci_item *item)
{
    return item->rc == 0 && item->streamed && item->link_count == 0;
}

void bfci_ahead_fill(bfci_ahead *a, bfci_pool *pool, bfci_batch *b, bool noatime, unsigned most)
{
    while (a->count < MIN(most, (unsigned)LARGE_AHEAD_MAX) && a->looked < bfci_batch_count(b)) {
        const bfci_item *item = bfci_batch_item(b, a->looked++);
        if (is_large(item) && bfci_large_open(pool, item, noatime, &a->file[a->count], NULL) == 0)
            a->count++;
    }
}

bool bfci_ahead_take(bfci_ahead *a, const bfci_item *item, bfci_large *out)
{
    if (a->count == 0 || a->file[0].item != item)
        return false;
    *out = a->file[0];
    a->count--;
    memmove(a->file, a->file + 1, a->count * sizeof *a->file);
    a->file[a->count] = (bfci_large){0};
    return true;
}

void bfci_ahead_release(bfci_ahead *a)
{
    for (unsigned i = 0; i < a->count; i++)
        bfci_large_release(&a->file[i]);
    *a = (bfci_ahead){0};
}
