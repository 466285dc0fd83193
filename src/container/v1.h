/* SPDX-License-Identifier: Apache-2.0 */
/* Version 1 containers (docs/format-v1.md), which are read and never written. A file is opened and
 * its index checked as a whole; what it says goes, through the feed, into a container of version 2:
 * with the contents to convert it, without them to be looked at by the reader (v1_view.c). */
#ifndef BFCI_CONTAINER_V1_H
#define BFCI_CONTAINER_V1_H

#include <bfc/keys.h>

#include "container/reader.h"
#include "format/v1.h"

/* An entry of the tree; the root, number 1, comes first, parents before what is in them. */
typedef struct bfci_v1_node {
    const bfci_v1_entry *entry; /* NULL: a folder that the index takes for granted */
    const char *path;           /* in the index; of the root "" */
    uint32_t path_len;
    uint32_t parent; /* number of its folder's node; 0 of the root */
} bfci_v1_node;

typedef struct bfci_v1 {
    int fd;
    uint64_t file_size;
    bfci_v1_header header;
    bfci_v1_footer footer;
    uint8_t *index;
    bfci_v1_entry *entry; /* in the order of a walk */
    uint32_t entry_count;
    bfci_v1_node *node; /* number n is node[n - 1] */
    size_t node_count, node_cap;
    uint64_t files, dirs, symlinks, content_bytes, stored_bytes;
    bool compressed;     /* any of them is */
    size_t sealed_count; /* entries that are encrypted */

    const bfc_keys *keys; /* borrowed, may be NULL */
    const char *name;     /* of the file, for prompts; borrowed */
    uint8_t *key;         /* locked memory; NULL until bfci_v1_unlock() */
} bfci_v1;

/* What encrypted contents are to be opened with, when they are; `name` is the file's. */
static inline void bfci_v1_use_keys(bfci_v1 *v, const bfc_keys *keys, const char *name)
{
    v->keys = keys;
    v->name = name;
}
/* Finds the key by trying those that were given, and asks for a password where it may (v1_lock.c).
 * BFC_E_DENIED when none fits. To be called before a stream of an encrypted content is opened; not
 * by two threads at once. */
int bfci_v1_unlock(bfci_v1 *v, bfc_err *err);

/* Whether the file begins as one. */
bool bfci_v1_sniff(int fd);
/* Reads and checks header, footer and index. The descriptor stays the caller's on failure. */
int bfci_v1_open(int fd, bfci_v1 **out, bfc_err *err);
void bfci_v1_free(bfci_v1 *v); /* NULL is allowed */
BFCI_DEFINE_AUTO(bfci_v1, bfci_v1_free)

static inline const bfci_v1_entry *bfci_v1_entry_of(const bfci_v1 *v, uint64_t ino)
{
    return ino >= 1 && ino <= v->node_count ? v->node[ino - 1].entry : NULL;
}

/* ── Contents (v1_content.c) ── */

/* The header of an entry's object, checked; where its content stands, and how long it is. */
int bfci_v1_object(const bfci_v1 *v, const bfci_v1_entry *e, uint64_t *at, uint64_t *stored,
                   bfc_err *err);
/* The target of a symbolic link, checked; `out` holds LINK_MAX_LEN + 1 bytes. */
int bfci_v1_link(const bfci_v1 *v, const bfci_v1_entry *e, char *out, bfc_err *err);

/* The content of a file from its start to its end. Memory is bounded whatever its size. Several
 * threads may have one each. */
typedef struct bfci_v1_stream bfci_v1_stream;
/* Both are borrowed for the stream's life. An encrypted content is authenticated before this
 * returns. */
int bfci_v1_stream_open(const bfci_v1 *v, const bfci_v1_entry *e, bfci_v1_stream **out,
                        bfc_err *err);
void bfci_v1_stream_free(bfci_v1_stream *s); /* NULL is allowed */
BFCI_DEFINE_AUTO(bfci_v1_stream, bfci_v1_stream_free)
/* Bytes that were read so far. */
uint64_t bfci_v1_stream_at(const bfci_v1_stream *s);
/* The next bytes; *got is less than `len` only at the end. The last of them come after size and
 * checksum of the whole were compared. */
int bfci_v1_stream_read(bfci_v1_stream *s, uint8_t *out, size_t len, size_t *got, bfc_err *err);

/* ── Into version 2 (v1_feed.c) ── */

/* A container of version 2 at `path`, with all contents. Owners are 0, since none were recorded. It
 * is encrypted if the writer's options say so: the caller decides.
 * `blob` of `blob_len` bytes gets the name `blob_name`, if that is not NULL. */
typedef struct bfci_v1_conversion {
    const char *path;
    const bfc_writer_options *writer;
    const char *blob_name, *blob;
    size_t blob_len;
} bfci_v1_conversion;
int bfci_v1_convert(bfci_v1 *v, const bfci_v1_conversion *how, bfc_commit_info *info, bfc_err *err);
/* The tree without the contents, as a file in memory that has no name. */
int bfci_v1_shadow(bfci_v1 *v, const bfc_hooks *hooks, int *fd, bfc_err *err);

/* ── What the reader looks at (v1_view.c) ── */

typedef struct bfci_v1_view {
    bfci_v1 *file;
    uint64_t ino; /* of the content at hand */
    bfci_v1_stream *stream;
} bfci_v1_view;

/* Takes the descriptor over on success, and gives that of a shadow in its place. */
/* `name` is borrowed for the view's life. */
int bfci_v1_view_open(int *fd, const char *name, const bfc_reader_options *options,
                      bfci_v1_view **out, bfc_err *err);
void bfci_v1_view_free(bfci_v1_view *view); /* NULL is allowed */
/* As bfc_reader_read(), within the file's size. Reading backwards begins anew. */
int bfci_v1_view_read(bfci_v1_view *view, uint64_t ino, uint64_t offset, uint8_t *out, size_t len,
                      bfc_err *err);
void bfci_v1_info(const bfci_v1 *v, bfc_container_info *out);

/* ── Checking (v1_verify.c) ── */

/* bfc_verify() of an open file, which it takes over. */
int bfci_v1_verify(int *fd, const char *name, const bfc_verify_options *options,
                   bfc_verify_report *report, bfc_err *first, bfc_err *err);

#endif
