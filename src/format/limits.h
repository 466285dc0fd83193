/* SPDX-License-Identifier: Apache-2.0 */
/* Limits and fixed values of the format; docs/format.md, section 13 says why. */
#ifndef BFCI_FORMAT_LIMITS_H
#define BFCI_FORMAT_LIMITS_H

#include <bfc/container.h>

#include "base/path.h"

enum {
    SUPER_SIZE = 4096,
    COMMIT_SIZE = 4096,
    COMMIT_ALIGN = 4096,
    FRAME_HEADER_SIZE = 32,
    PAGE_HEADER_SIZE = 4,
    TABLE_REF_SIZE = 64,
    PAGE_REF_SIZE = 56,

    ALIGN_SHIFT_MAX = 12,
    PAGE_SHIFT_MIN = 14, /* the largest entry fits */
    PAGE_SHIFT_MAX = 16,
    PAGE_SHIFT_DEFAULT = 14,
    PAGE_SIZE_MAX = 1 << PAGE_SHIFT_MAX,

    BLOCK_SHIFT_MIN = 12,
    BLOCK_SHIFT_MAX = 22,
    BLOCK_SIZE_MIN = 1 << BLOCK_SHIFT_MIN,
    BLOCK_SIZE_MAX = 1 << BLOCK_SHIFT_MAX,
    BLOCK_SIZE_DEFAULT = 1 << 20,
    BLOCK_SIZE_LOW_MEMORY = 1 << 18,

    KEY_MAX = 264,
    VALUE_MAX = 8192,
    LEVEL_MAX = 7, /* 8 levels */

    LINK_MAX_LEN = 4095,
    XATTR_NAME_MAX_LEN = 255,
    XATTR_VALUE_MAX_LEN = 65536,
    XATTR_SET_MAX = 1 << 20,
    INLINE_MAX = 4096, /* xattr sets and blobs kept in the table itself */
    EXTENTS_INLINE_MAX = 64,
    EXTENTS_ENTRY_MAX = 128,
    BLOB_NAME_MAX = 255,
    BLOB_SIZE_MAX = 64 << 20,
    TREE_LABEL_MAX = 255,
    TREES_MAX = 1 << 17,
    SIGNATURES_MAX = 1 << 16,
    DEVICE_MAJOR_MAX = (1 << 12) - 1,
    DEVICE_MINOR_MAX = (1 << 20) - 1,
    HOLE_GRAIN = 4096, /* writers: holes are whole multiples of this, or end the file */
};

#define FILE_SIZE_MAX ((uint64_t)INT64_MAX)
#define ID_MAX UINT32_C(4294967294)
#define ROOT_TREE 0

enum bfci_table {
    TABLE_TREES = 1,
    TABLE_INODES = 2,
    TABLE_DIRENTS = 3,
    TABLE_LINKS = 4,
    TABLE_XATTRS = 5,
    TABLE_EXTENTS = 6,
    TABLE_BLOCKS = 7,
    TABLE_CONTENTS = 8,
    TABLE_BLOBS = 9,
    TABLE_SIGNATURES = 10,
    TABLE_COUNT = 11,     /* one above the last id */
    TABLE_SLOTS = 16,     /* references in a commit record */
    TABLE_ROOTED_END = 10 /* the root digest covers tables 1 to 9 */
};

enum bfci_comp {
    COMP_NONE = 0,
    COMP_ZSTD = 1,
    COMP_ZSTD_X86 = 2 /* of blocks alone */
};

#endif
