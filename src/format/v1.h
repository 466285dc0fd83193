/* SPDX-License-Identifier: Apache-2.0 */
/* Containers of format version 1, which the first bfc tool wrote (docs/format-v1.md). They are read
 * and never written, so there are decoders only. All checks that the bytes alone allow are here;
 * what needs more than one entry (duplicates, overlaps) is the reader's. */
#ifndef BFCI_FORMAT_V1_H
#define BFCI_FORMAT_V1_H

#include "base/cursor.h"
#include "codec/digest.h"
#include "format/limits.h"

enum {
    V1_HEADER_SIZE = 4096,
    V1_FOOTER_SIZE = 56,
    V1_INDEX_HEAD_SIZE = 8,
    V1_INDEX_ENTRY_FIXED = 52, /* of an entry, its path left out */
    V1_OBJECT_FIXED = 40,      /* of an object's header, its name left out */
    V1_OBJECT_ALIGN = 16,
    V1_VERSION = 1,
    V1_PATH_MAX = 65535, /* an object's name_len has 16 bits */
    V1_SALT_SIZE = 16,
    V1_KEY_SIZE = 32,
    V1_NONCE_SIZE = 12,
    V1_TAG_SIZE = 16,
    V1_INDEX_MAX = 512 << 20, /* some five million entries */
    V1_FEATURE_ZSTD = 1,
    V1_FEATURE_AEAD = 2,
    V1_FEATURES = 3
};

#define V1_MAGIC "BFCFv1\0" /* 8 bytes with the literal's own NUL, as the next two */
#define V1_MAGIC_INDEX "BFCFIDX"
#define V1_MAGIC_END "BFCFEND"

typedef struct bfci_v1_header {
    uint64_t features;
    uint8_t uuid[BFC_UUID_SIZE];
    bool has_salt;              /* the key is made from a password */
    uint8_t salt[V1_SALT_SIZE]; /* for Argon2id */
} bfci_v1_header;

typedef struct bfci_v1_footer {
    uint64_t index_offset, index_size;
    uint32_t index_crc;
} bfci_v1_footer;

typedef struct bfci_v1_entry {
    const char *path; /* in the index's bytes, not NUL-terminated */
    uint32_t path_len;
    uint8_t type;  /* enum bfc_type: file, dir, symlink */
    uint8_t comp;  /* enum bfci_comp */
    bool sealed;   /* ChaCha20-Poly1305 */
    uint16_t mode; /* 0 to 07777 */
    uint32_t mtime_ns;
    uint32_t crc; /* CRC32C of the content, in its usual form */
    int64_t mtime;
    uint64_t offset, size; /* of the object, header and all */
    uint64_t raw;          /* bytes of the content; of a link's target */
} bfci_v1_entry;

/* Version 1 has CRC32C with initial and final values of zero. CRCs are linear, so that the usual
 * form differs by what as many zero bytes give. */
static inline uint32_t bfci_v1_crc_usual(uint32_t crc, uint64_t len)
{
    return crc ^ bfci_crc32c_zeros(0, len);
}

/* `file_size` bounds what the footer may say. */
int bfci_v1_header_decode(const uint8_t raw[V1_HEADER_SIZE], bfci_v1_header *out, bfc_err *err);
int bfci_v1_footer_decode(const uint8_t raw[V1_FOOTER_SIZE], uint64_t file_size,
                          bfci_v1_footer *out, bfc_err *err);

/* Starts to read an index; *count is at most what its bytes could hold. */
int bfci_v1_index_begin(rd *r, uint32_t *count, bfc_err *err);
/* The next entry: its path is legal, its object lies between `low` and `high`. */
int bfci_v1_index_next(rd *r, uint64_t low, uint64_t high, bfci_v1_entry *out, bfc_err *err);

/* Bytes of an object before its content. */
static inline uint64_t bfci_v1_object_head(uint32_t path_len)
{
    return bfci_align_up((uint64_t)V1_OBJECT_FIXED + path_len, V1_OBJECT_ALIGN);
}
/* An object's header against the entry that leads to it: bfci_v1_object_head() bytes at `raw`.
 * *stored: bytes of the content behind it. */
int bfci_v1_object_check(const uint8_t *raw, const bfci_v1_entry *e, uint64_t *stored,
                         bfc_err *err);

/* The order in which a tree is walked: a folder right before all that is below it, names by byte.
 */
int bfci_v1_compare_paths(const char *a, size_t a_len, const char *b, size_t b_len);

#endif
