/* SPDX-License-Identifier: Apache-2.0 */
/* The commit record; docs/format.md, section 5. */
#ifndef BFCI_FORMAT_COMMIT_H
#define BFCI_FORMAT_COMMIT_H

#include "format/sealed.h"
#include "format/superblock.h"

enum commit_at {
    COMMIT_AT_MAGIC = 0,
    COMMIT_AT_CRC = 8,
    COMMIT_AT_VERSION = 12,
    COMMIT_AT_UUID = 16,
    COMMIT_AT_SEQ = 32,
    COMMIT_AT_OFFSET = 40,
    COMMIT_AT_SEGMENT = 48,
    COMMIT_AT_PREVIOUS = 56,
    COMMIT_AT_PREVIOUS_DIGEST = 64,
    COMMIT_AT_TIME = 96,
    COMMIT_AT_TIME_NS = 104,
    COMMIT_AT_NEXT_INO = 112,
    COMMIT_AT_NEXT_BLOCK = 120,
    COMMIT_AT_FILES = 128,
    COMMIT_AT_DIRS = 136,
    COMMIT_AT_SYMLINKS = 144,
    COMMIT_AT_OTHERS = 152,
    COMMIT_AT_CONTENT_BYTES = 160,
    COMMIT_AT_DATA_STORED = 168,
    COMMIT_AT_DATA_RAW = 176,
    COMMIT_AT_ROOT_DIGEST = 224,
    COMMIT_AT_SALT = 256,
    COMMIT_AT_TAG = 288,
    COMMIT_AT_KEY_CHECK = 304,
    COMMIT_AT_TABLES = 512,
    COMMIT_AT_KEY_SLOTS = 1536
};

enum {
    COMMIT_KEY_SLOTS_SIZE = COMMIT_SIZE - COMMIT_AT_KEY_SLOTS
};

#define COMMIT_MAGIC "BFCFcmt" /* 8 bytes with the literal's own NUL */

typedef struct bfci_table_ref {
    bfci_ref root; /* root.offset 0: the table is empty */
    uint8_t level;
    uint64_t count;
} bfci_table_ref;

typedef struct bfci_commit {
    uint8_t uuid[BFC_UUID_SIZE];
    uint64_t seq, offset, segment, previous;
    uint8_t previous_digest[BFC_DIGEST_SIZE];
    int64_t time;
    uint32_t time_ns;
    uint64_t next_ino, next_block;
    uint64_t files, dirs, symlinks, others, content_bytes, data_stored, data_raw;
    uint8_t root_digest[BFC_DIGEST_SIZE];
    bfci_table_ref table[TABLE_SLOTS];
    /* Of a sealed container. */
    bool sealed;
    bool hidden; /* next_ino to data_raw and the tables are not known: they were not opened */
    uint8_t salt[SEALED_SALT_SIZE], key_check[SEALED_CHECK_SIZE];
    uint8_t key_slots[COMMIT_KEY_SLOTS_SIZE];
} bfci_commit;

/* Fills in root_digest, both in `c` and in the record. The record of a sealed container is then
 * still to be sealed. */
int bfci_commit_encode(bfci_commit *c, uint8_t out[COMMIT_SIZE], bfc_err *err);
/* Checks all that can be checked without another byte of the file: magic, crc, that it says it
 * stands at `offset` in the container `super`, legal fields, the root digest, references before
 * `offset`. Of a sealed container: the fields that are plain; the others stay hidden. */
int bfci_commit_decode(const uint8_t raw[COMMIT_SIZE], uint64_t offset, const bfci_super *super,
                       bfci_commit *out, bfc_err *err);
void bfci_commit_info(const bfci_commit *c, bfc_commit_info *out);

/* ── Sealed fields; docs/format.md, section 11 ── */

/* Encrypts them in an encoded record; `aead` has the key of the record's segment, which seals no
 * other record. */
int bfci_commit_seal(const bfci_super *super, bfci_aead *aead, uint8_t record[COMMIT_SIZE],
                     bfc_err *err);
/* Decodes those of a record that bfci_commit_decode() took, into `c`. BFC_E_CORRUPT: the record, or
 * the superblock, is not what was sealed, whatever their checksums say. */
int bfci_commit_open(const bfci_super *super, bfci_aead *aead, const uint8_t record[COMMIT_SIZE],
                     bfci_commit *c, bfc_err *err);

#endif
