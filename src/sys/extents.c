/* SPDX-License-Identifier: Apache-2.0 */
/* Where the blocks of a file lie, by FIEMAP: some at a time, as far as the caller wants to go. */
#include "sys/extents.h"

#include <errno.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "sys/retry.h"

#define AT_ONCE 128
/* Its place is not known, not on the device, or not as long as its content. */
#define NO_PLACE                                                                                   \
    (FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_ENCODED |                      \
     FIEMAP_EXTENT_DATA_INLINE | FIEMAP_EXTENT_DATA_TAIL)

/* *count is 0 at the end, and where the file system has no answer. */
static int ask(int fd, uint64_t from, struct fiemap *map, size_t *count, bfc_err *err)
{
    int rc;

    map->fm_start = from;
    map->fm_length = FIEMAP_MAX_OFFSET - from;
    map->fm_flags = 0;
    map->fm_extent_count = AT_ONCE;
    BFCI_RETRY(rc, ioctl(fd, FS_IOC_FIEMAP, map));
    *count = rc < 0 ? 0 : MIN(map->fm_mapped_extents, AT_ONCE);
    if (rc == 0 || errno == EOPNOTSUPP || errno == ENOTTY || errno == ENOSYS || errno == EINVAL ||
        errno == EBADR)
        return 0;
    return bfci_fail_errno(err, errno, "ask where its blocks are");
}

int bfci_shared_extents(int fd, size_t *max, bfci_shared_fn *fn, void *ctx, bfc_err *err)
{
    AUTO_FREE struct fiemap *map = NULL;
    uint64_t from = 0;
    bool more = true;
    size_t count = 0;

    BFC_TRY(bfci_alloc_zero(1, sizeof *map + AT_ONCE * sizeof *map->fm_extents, &map, err));
    while (more && *max > 0) {
        BFC_TRY(ask(fd, from, map, &count, err));
        more = count > 0;
        for (size_t i = 0; i<count && * max> 0; i++, --*max) {
            const struct fiemap_extent *e = &map->fm_extents[i];
            if ((e->fe_flags & FIEMAP_EXTENT_SHARED) && !(e->fe_flags & NO_PLACE))
                BFC_TRY(fn(ctx, e->fe_physical, e->fe_length, err));
            more = !(e->fe_flags & FIEMAP_EXTENT_LAST) && e->fe_logical >= from &&
                   e->fe_length > 0 &&
                   !bfci_add_overflows(e->fe_logical, e->fe_length, &from); /* or it would loop */
        }
    }
    return 0;
}
