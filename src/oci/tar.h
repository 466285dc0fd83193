/* SPDX-License-Identifier: Apache-2.0 */
/* Reading tar archives as a stream, so that nothing of them is lost: every byte goes to the sink,
 * as content of a file or as what stands around it. ustar (POSIX.1-1988), pax (POSIX.1-2001, pax,
 * "pax Interchange Format"; with SCHILY.xattr, LIBARCHIVE.xattr, GNU.sparse 0.0, 0.1, 1.0), GNU
 * (long names, old sparse, base-256 numbers), star, v7. Headers that carry no content are the same
 * as for Go's archive/tar, which the engines use: links, devices, folders and FIFOs have none,
 * whatever their size field says. */
#ifndef BFCI_OCI_TAR_H
#define BFCI_OCI_TAR_H

#include "base/base.h"

enum {
    TAR_BLOCK = 512,
    TAR_PATH_MAX = 1 << 16,   /* bytes of a name or link target */
    TAR_PAX_MAX = 4 << 20,    /* bytes of one extended header */
    TAR_RANGES_MAX = 1 << 20, /* in the map of a sparse file */
    TAR_XATTRS_SIZE_MAX = 2 << 20
};

/* Holes from here on are left out, smaller ones are written as zeros. Image-spec, layer.md, advises
 * against sparse entries, and engines that keep layers by tar-split cannot give them back; but what
 * must not happen is that a file of some KiB fills the disk. */
#define TAR_HOLES_MIN (UINT64_C(256) << 20)

enum bfci_tar_kind {
    TAR_FILE,
    TAR_HARDLINK,
    TAR_SYMLINK,
    TAR_CHAR,
    TAR_BLOCK_DEVICE,
    TAR_DIR,
    TAR_FIFO,
    TAR_OTHER /* volume labels and vendors' own kinds: in no tree, kept as bytes */
};

typedef struct bfci_tar_range {
    uint64_t offset, len; /* in the file; rising, apart, len 1 or more */
} bfci_tar_range;

typedef struct bfci_tar_xattr {
    const char *name; /* NUL-terminated: "user.x" */
    const uint8_t *value;
    size_t len;
} bfci_tar_xattr;

/* One entry with all that headers before it said. Everything is borrowed for the call. */
typedef struct bfci_tar_entry {
    enum bfci_tar_kind kind;
    char typeflag;    /* as it stands in the header */
    const char *path; /* as it stands there, NUL-terminated; empty only of TAR_OTHER */
    const char *link; /* of links, else "" */
    uint32_t mode;    /* 0 to 07777 */
    uint64_t uid, gid;
    int64_t mtime;
    uint32_t mtime_ns;
    uint32_t major, minor;
    uint64_t size;               /* of the file; of one with holes: the real size */
    uint64_t data_size;          /* bytes of it that stand in the archive */
    const bfci_tar_range *range; /* of a file with holes: where those bytes belong */
    size_t range_count;
    bool sparse;
    const bfci_tar_xattr *xattr; /* sorted by name, each name once */
    size_t xattr_count;
    uint64_t offset; /* of its header in the archive */
} bfci_tar_entry;

typedef struct bfci_tar_sink {
    void *ctx;
    /* A whole header block, of any kind (also of "x", "g", "L", "K", and the zero blocks at the
     * end). */
    int (*header)(void *ctx, const uint8_t block[TAR_BLOCK], bfc_err *err);
    /* Other bytes that are no content: extended headers' bodies, padding, sparse maps, content of
     * TAR_OTHER, what follows the end. */
    int (*other)(void *ctx, const uint8_t *bytes, size_t len, bfc_err *err);
    /* A new entry; its header was given before. */
    int (*entry)(void *ctx, const bfci_tar_entry *e, bfc_err *err);
    /* Content of the last TAR_FILE entry: its data_size bytes, in order, in any portions. */
    int (*data)(void *ctx, const uint8_t *bytes, size_t len, bfc_err *err);
    /* The entry's content is complete (called also where data_size is 0, and for every kind). */
    int (*entry_end)(void *ctx, bfc_err *err);
} bfci_tar_sink;

typedef struct bfci_tar bfci_tar;
/* `sink` is copied. */
int bfci_tar_new(const bfci_tar_sink *sink, bfci_tar **out, bfc_err *err);
void bfci_tar_free(bfci_tar *t); /* NULL is allowed */
BFCI_DEFINE_AUTO(bfci_tar, bfci_tar_free)
/* BFC_E_CORRUPT names the byte of the archive ("at byte 1024 of the tar") and what is wrong. */
int bfci_tar_feed(bfci_tar *t, const uint8_t *bytes, size_t len, bfc_err *err);
/* The end of the archive: after two, one or no zero blocks, with or without padding after the last
 * entry; BFC_E_CORRUPT if it is in the middle of a header or of content. */
int bfci_tar_finish(bfci_tar *t, bfc_err *err);
/* For archives that can be sought in: bytes of content that come next and need not be fed (0 when
 * it is in anything else), and that so many of them were passed over. data() is not called for
 * them. */
uint64_t bfci_tar_skippable(const bfci_tar *t);
void bfci_tar_skip(bfci_tar *t, uint64_t count);

/* ── Writing: the one dialect in which layers are made here: pax where ustar does not do ── */

typedef struct bfci_tar_out {
    int (*write)(void *ctx, const void *bytes, size_t len, bfc_err *err);
    void *ctx;
} bfci_tar_out;
/* The headers of an entry (path without leading "/", folders with a "/" at the end are written so
 * by this function); then the caller writes data_size bytes and bfci_tar_pad(). A file with ranges
 * is written as GNU.sparse 1.0; data_size is the sum of its ranges. */
int bfci_tar_write_entry(const bfci_tar_out *out, const bfci_tar_entry *e, bfc_err *err);
int bfci_tar_pad(const bfci_tar_out *out, uint64_t data_size, bfc_err *err);
int bfci_tar_write_end(const bfci_tar_out *out, bfc_err *err);

#endif
