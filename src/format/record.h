/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of the tables: inodes, extents, dirents, blocks, trees, blobs, xattr sets;
 * docs/format.md, sections 6 to 9. Decoders give BFC_E_CORRUPT. */
#ifndef BFCI_FORMAT_RECORD_H
#define BFCI_FORMAT_RECORD_H

#include "format/page.h"

/* ── Keys ── */

static inline bfci_span bfci_key_u32(uint8_t out[4], uint32_t number)
{
    put_u32be(out, number);
    return (bfci_span){out, 4};
}

static inline bfci_span bfci_key_u64(uint8_t out[8], uint64_t number)
{
    put_u64be(out, number);
    return (bfci_span){out, 8};
}

static inline bfci_span bfci_key_pair(uint8_t out[16], uint64_t number, uint64_t second)
{
    put_u64be(out, number);
    put_u64be(out + 8, second);
    return (bfci_span){out, 16};
}

/* The contents table: so few bytes suffice for a hint. */
enum {
    CONTENT_KEY_LEN = 5
};
static inline bfci_span bfci_key_content(const uint8_t digest[BFC_DIGEST_SIZE])
{
    return (bfci_span){digest, CONTENT_KEY_LEN};
}

static inline bfci_span bfci_key_dirent(uint8_t out[KEY_MAX], uint64_t dir, const char *name,
                                        size_t len)
{
    put_u64be(out, dir);
    memcpy(out + 8, name, len);
    return (bfci_span){out, 8 + len};
}

/* ── Extents ── */

typedef struct bfci_extent {
    uint64_t start;  /* in the file */
    uint64_t len;    /* 1 or more */
    uint64_t block;  /* the first */
    uint32_t offset; /* in the first block */
    uint8_t shift;   /* 0: in one block; else log2 of the raw size of all blocks but the last */
} bfci_extent;

void bfci_extents_encode(buf *b, const bfci_extent *extents, size_t count, uint64_t from);
/* Reads `count` extents; the first gap counts from `from`, none ends after `size`. */
void bfci_extents_decode(rd *r, bfci_extent *out, size_t count, uint64_t from, uint64_t size);
/* Length, offset and shift agree with each other. */
bool bfci_extent_is_legal(const bfci_extent *e);
/* Number of blocks that an extent runs through. */
uint64_t bfci_extent_blocks(const bfci_extent *e);

/* A value of the extents table. `out` holds EXTENTS_ENTRY_MAX. */
int bfci_extents_entry_decode(bfci_span value, uint64_t from, uint64_t size, bfci_extent *out,
                              size_t *count, bfc_err *err);
void bfci_extents_entry_encode(buf *b, const bfci_extent *extents, size_t count);

/* ── Inodes ── */

enum {
    INODE_XATTRS = 1,
    INODE_SPILLED = 2, /* extents are in the extents table */
    INODE_SYNTHETIC = 4,
    INODE_DENSE = 8, /* one extent from 0 to the size: of it only block, offset and shift are
                        written. Set and taken away by the encoder */
    INODE_FLAGS = 15
};

typedef struct bfci_inode {
    uint8_t type; /* enum bfc_type */
    uint8_t flags;
    uint16_t mode;
    uint32_t uid, gid;
    int64_t mtime;
    uint32_t mtime_ns;
    uint8_t xattrs[BFC_DIGEST_SIZE]; /* with INODE_XATTRS */
    uint64_t size;                   /* of a file */
    uint32_t crc;
    uint8_t digest[BFC_DIGEST_SIZE];
    size_t extent_count; /* inline ones; 0 with INODE_SPILLED */
    bfci_extent extent[EXTENTS_INLINE_MAX];
    uint32_t major, minor;
    size_t link_len;
    char link[LINK_MAX_LEN + 1]; /* NUL-terminated */
} bfci_inode;

void bfci_inode_encode(buf *b, const bfci_inode *n);
int bfci_inode_decode(bfci_span value, bfci_inode *out, bfc_err *err);

/* ── The others ── */

typedef struct bfci_dirent {
    uint8_t type;
    uint64_t ino;
} bfci_dirent;
void bfci_dirent_encode(buf *b, const bfci_dirent *d);
int bfci_dirent_decode(bfci_span value, bfci_dirent *out, bfc_err *err);
/* Splits a key of the dirents table; checks the name. */
int bfci_dirent_key_decode(bfci_span key, uint64_t *dir, bfci_span *name, bfc_err *err);

void bfci_block_encode(buf *b, const bfci_ref *ref);
int bfci_block_decode(bfci_span value, bfci_ref *out, bfc_err *err);

/* links, contents: a single varint. */
void bfci_number_encode(buf *b, uint64_t number);
int bfci_number_decode(bfci_span value, uint64_t *out, bfc_err *err);

enum bfci_tree_kind {
    TREE_ROOTFS = 0,
    TREE_LAYER = 1,
    TREE_MERGED = 2,
    TREE_KEPT = 3 /* files that only a recipe needs */
};
typedef struct bfci_tree {
    uint8_t kind;
    uint64_t root;
    bfci_span label;
} bfci_tree;
void bfci_tree_encode(buf *b, const bfci_tree *t);
int bfci_tree_decode(bfci_span value, bfci_tree *out, bfc_err *err);

/* Bytes that are in the table itself, or in data blocks: values of xattrs and blobs. */
typedef struct bfci_stored {
    bool is_inline;
    bfci_span bytes; /* inline */
    uint64_t size;
    bool has_sums; /* blobs that are not inline */
    uint32_t crc;
    uint8_t digest[BFC_DIGEST_SIZE];
    size_t extent_count;
    bfci_extent extent[EXTENTS_INLINE_MAX];
} bfci_stored;
void bfci_stored_encode(buf *b, const bfci_stored *s);
int bfci_stored_decode(bfci_span value, bool with_sums, uint64_t size_max, bfci_stored *out,
                       bfc_err *err);

/* One attribute of a set. */
typedef struct bfci_xattr_item {
    bfci_span name, value;
} bfci_xattr_item;
/* Items must be sorted by name. */
void bfci_xattr_set_encode(buf *b, const bfci_xattr_item *items, size_t count);
/* Calls fn for each item of an encoded set after the whole set was checked. */
typedef int bfci_xattr_fn(void *ctx, const bfci_xattr_item *item, bfc_err *err);
int bfci_xattr_set_each(bfci_span set, bfci_xattr_fn *fn, void *ctx, size_t *count, bfc_err *err);

#endif
