/* SPDX-License-Identifier: Apache-2.0 */
/* Storing entries that do not come from a folder: the layers of images. The feeder decides which
 * inodes, names and trees there are; this stores contents, attributes and blobs for it. */
#ifndef BFCI_CONTAINER_FEED_H
#define BFCI_CONTAINER_FEED_H

#include "container/hasher.h"
#include "container/intake.h"

/* The sums of the content at hand, which is whole. */
typedef int bfci_feed_sums_fn(void *ctx, uint32_t *crc, uint8_t digest[BFC_DIGEST_SIZE],
                              bfc_err *err);

typedef struct bfci_feed {
    bfci_intake *in;         /* borrowed, as the next */
    bfci_stage *stage;       /* for names, links, trees: bfci_stage_…() */
    const bfci_source *base; /* the commit before; NULL in a new container */
    const char *beside; /* path of the container, and whether that is sealed: for temporary files */
    bool sealed;
    unsigned layers; /* bfci_memory has it */
    uint64_t next_ino;
    bfci_feed_sums_fn *sums; /* somebody else hashes the contents; NULL: the feed does */
    void *sums_ctx;

    bfci_sha256_ctx *sha;
    bfci_hasher hasher;
    bool gathers; /* the content at hand is small: it is stored when it is whole */
    bool in_run, sparse, may_be_known;
    bool settled, known; /* it is hashed, and stored unless it was there */
    bfci_kind kind;
    uint64_t size, at; /* of the content at hand; at in it */
    uint32_t crc;
    uint8_t digest[BFC_DIGEST_SIZE];
    buf gathered, record;
} bfci_feed;

/* Fills a commit; called once, by bfc_writer_commit(). */
typedef int bfci_feed_fn(void *ctx, bfci_feed *feed, bfc_err *err);
/* The writer's commit takes what `fn` feeds it, and no folder. `ctx` is borrowed. */
void bfci_writer_feed(bfc_writer *w, bfci_feed_fn *fn, void *ctx);
/* A container that is made gets the file key and the key slots of another: who can read that one
 * can read this one. `from` is borrowed until the commit; NULL: not sealed on that account. */
void bfci_writer_inherit(bfc_writer *w, const bfci_seal *from);
/* As bfc_writer_append(), for a writer that is fed: the container may hold several trees. */
int bfci_writer_append_fed(const char *path, const bfc_writer_options *options, bfc_writer **out,
                           bfc_err *err);

/* A new container in an empty file that is open, and that no name is given: one that lives as long
 * as its descriptor. The writer makes a descriptor of its own. `beside`: where what does not fit
 * into memory may be put meanwhile. */
int bfci_writer_create_unnamed(int fd, const char *beside, const bfc_writer_options *options,
                               bfc_writer **out, bfc_err *err);

static inline uint64_t bfci_feed_ino(bfci_feed *f)
{
    return f->next_ino++;
}

/* A file's content: begin, then its bytes and holes in order, then end. `name` tells what it may be
 * like; `sparse`: it has a hole. Nothing else may be stored in between. */
int bfci_feed_begin(bfci_feed *f, const char *name, uint64_t size, bool sparse, bfc_err *err);
int bfci_feed_data(bfci_feed *f, const uint8_t *bytes, size_t len, bfc_err *err);
int bfci_feed_hole(bfci_feed *f, uint64_t len, bfc_err *err);
/* Sets size and sums of `n`, whose number will be `ino`. Equal content that is there already is not
 * stored again. */
int bfci_feed_end(bfci_feed *f, uint64_t ino, bfci_inode *n, bfc_err *err);
/* Stores an inode, and the content that was fed for it: right after bfci_feed_end(). `again`: an
 * inode of this number and type was stored in this commit before. */
int bfci_feed_inode(bfci_feed *f, uint64_t ino, bfci_inode *n, bool again, bfc_err *err);
/* Stores a set of attributes, sorted by name, for `n`. */
int bfci_feed_xattrs(bfci_feed *f, const bfci_xattr_item *items, size_t count, bfci_inode *n,
                     bfc_err *err);

void bfci_feed_release(bfci_feed *f);

/* Stores bytes that become a blob when they get their name by bfci_stage_blob(). `bytes` must live
 * until then if the result is inline. */
int bfci_feed_blob(bfci_feed *f, const uint8_t *bytes, size_t len, bfci_stored *out, bfc_err *err);

#endif
