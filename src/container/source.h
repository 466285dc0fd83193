/* SPDX-License-Identifier: Apache-2.0 */
/* A container file seen as of one commit: finding the commit, reading payloads. It is not changed
 * after it was opened, so that threads may share it. */
#ifndef BFCI_CONTAINER_SOURCE_H
#define BFCI_CONTAINER_SOURCE_H

#include "codec/zstd.h"
#include "container/seal.h"
#include "sys/arena.h"

typedef struct bfci_source {
    int fd;
    uint64_t file_size;
    uint64_t end; /* of the last whole commit; what is behind it is torn */
    bfci_super super;
    bfci_commit commit; /* the one that is looked at */
    uint64_t last_seq;
    unsigned slots[4];  /* key slots of the last commit, by their type */
    bool check_digests; /* SHA-256 of every payload that is read */
    bfci_seal *seal;    /* owned; NULL: not sealed, or not unlocked */
} bfci_source;

#define BFCI_SOURCE_INIT                                                                           \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

/* Reads the superblock and finds the last whole commit. The descriptor stays the caller's on
 * failure and becomes the source's on success. */
int bfci_source_open_fd(int fd, bfci_source *out, bfc_err *err);
/* What is read of a sealed container from then on is opened; `what` is its name for words to the
 * user. Does nothing where it is not sealed. BFC_E_DENIED: no key, or none fits. */
int bfci_source_unlock(bfci_source *s, const bfc_keys *keys, const char *what, bfc_err *err);
static inline bool bfci_source_is_sealed(const bfci_source *s)
{
    return bfci_super_is_sealed(&s->super);
}
/* Goes back to the commit that `at` names (bfc_reader_options.at). */
int bfci_source_select(bfci_source *s, const char *at, bfc_err *err);
/* The commit before `c`; BFC_E_NOT_FOUND if it is the first. Checks the chain. */
int bfci_source_previous(const bfci_source *s, const bfci_commit *c, bfci_commit *out,
                         bfc_err *err);
void bfci_source_release(bfci_source *s);

void bfci_source_info(const bfci_source *s, bfc_container_info *out);

/* What one thread needs to read payloads. */
typedef struct bfci_unpacker bfci_unpacker;
int bfci_unpacker_new(bfci_unpacker **out, bfc_err *err);
void bfci_unpacker_free(bfci_unpacker *u); /* NULL is allowed */
/* Large payloads are read into memory of the arena, which is borrowed. */
void bfci_unpacker_use(bfci_unpacker *u, bfci_arena *arena);
BFCI_DEFINE_AUTO(bfci_unpacker, bfci_unpacker_free)

/* References are checked by this before anything is read by them. */
int bfci_source_check_ref(const bfci_source *s, const bfci_ref *ref, uint32_t raw_max,
                          bfc_err *err);
/* Reads a payload as stored into `stored` (ref->stored bytes) and checks it against the reference.
 */
int bfci_source_read_stored(const bfci_source *s, const bfci_ref *ref, uint8_t *stored,
                            bfc_err *err);
/* The same, opened and decompressed into `raw` (ref->raw bytes). `frame`: what it is read as. */
int bfci_source_read(const bfci_source *s, bfci_frame_id frame, const bfci_ref *ref,
                     bfci_unpacker *u, uint8_t *raw, bfc_err *err);
/* The same, of which only the first `want` bytes are needed: *got are there, not fewer. */
int bfci_source_read_start(const bfci_source *s, bfci_frame_id frame, const bfci_ref *ref,
                           bfci_unpacker *u, uint8_t *raw, uint32_t want, uint32_t *got,
                           bfc_err *err);

#endif
