/* SPDX-License-Identifier: Apache-2.0 */
/* The commit record: what makes a segment part of the container. Its root digest covers all that a
 * reader of the commit can reach, so it is recomputed whenever a record is read. */
#include "format/commit.h"

#include "base/cursor.h"
#include "codec/digest.h"

enum {
    COMMIT_VERSION = 1,
    COMMIT_CRC_FROM = COMMIT_AT_CRC + 4,
    COMMIT_ROOTED_COUNTERS = COMMIT_AT_ROOT_DIGEST - COMMIT_AT_NEXT_INO,
    COMMIT_TABLES_SIZE = COMMIT_AT_KEY_SLOTS - COMMIT_AT_TABLES,
    COMMIT_SEALED_SIZE = COMMIT_ROOTED_COUNTERS + COMMIT_TABLES_SIZE,
    COMMIT_AT_KEYLESS = COMMIT_AT_KEY_CHECK + SEALED_CHECK_SIZE, /* reserved from here on */
    TABLE_REF_AT_LEVEL = 21,
    TABLE_REF_AT_RESERVED = 22,
    TABLE_REF_AT_DIGEST = 24,
    TABLE_REF_AT_COUNT = 56
};

static void table_ref_encode(const bfci_table_ref *t, uint8_t *out)
{
    if (!t->root.offset)
        return;
    put_u64le(out, t->root.offset);
    put_u32le(out + 8, t->root.stored);
    put_u32le(out + 12, t->root.raw);
    put_u32le(out + 16, t->root.crc);
    out[20] = t->root.comp;
    out[TABLE_REF_AT_LEVEL] = t->level;
    memcpy(out + TABLE_REF_AT_DIGEST, t->root.digest, BFC_DIGEST_SIZE);
    put_u64le(out + TABLE_REF_AT_COUNT, t->count);
}

static bool zeros(const uint8_t *bytes, size_t len)
{
    rd r = rd_over(bytes, len);
    return rd_zeros(&r, len);
}

static int table_ref_decode(const uint8_t *raw, uint64_t end, const bfci_super *super,
                            bfci_table_ref *out, bfc_err *err)
{
    if (zeros(raw, TABLE_REF_SIZE)) {
        *out = (bfci_table_ref){0};
        return 0;
    }
    bfci_table_ref t = {
        .root = {.offset = get_u64le(raw),
                 .stored = get_u32le(raw + 8),
                 .raw = get_u32le(raw + 12),
                 .crc = get_u32le(raw + 16),
                 .comp = raw[20]},
        .level = raw[TABLE_REF_AT_LEVEL],
        .count = get_u64le(raw + TABLE_REF_AT_COUNT),
    };
    memcpy(t.root.digest, raw + TABLE_REF_AT_DIGEST, BFC_DIGEST_SIZE);
    BFC_TRY(bfci_ref_check(&t.root, end, UINT32_C(1) << super->page_shift,
                           bfci_super_is_sealed(super), err));
    if (t.root.comp > COMP_ZSTD || t.level > LEVEL_MAX || t.count == 0 ||
        get_u16le(raw + TABLE_REF_AT_RESERVED) != 0)
        return bfci_fail_at(err, BFC_E_CORRUPT, t.root.offset,
                            "table reference with illegal values");
    *out = t;
    return 0;
}

static int root_digest(const uint8_t *record, uint8_t out[BFC_DIGEST_SIZE], bfc_err *err)
{
    static const char domain[16] = "bfc root digest"; /* with its NUL */
    const size_t tables_len = (size_t)(TABLE_ROOTED_END - 1) * TABLE_REF_SIZE;

    AUTO(bfci_sha256_ctx) bfci_sha256_ctx *sha = NULL;
    BFC_TRY(bfci_sha256_new(&sha, err));
    BFC_TRY(bfci_sha256_start(sha, err));
    BFC_TRY(bfci_sha256_update(sha, domain, sizeof domain, err));
    BFC_TRY(bfci_sha256_update(sha, record + COMMIT_AT_NEXT_INO, COMMIT_ROOTED_COUNTERS, err));
    BFC_TRY(bfci_sha256_update(sha, record + COMMIT_AT_TABLES + TABLE_REF_SIZE, tables_len, err));
    return bfci_sha256_finish(sha, out, err);
}

static void put_crc(uint8_t *record)
{
    put_u32le(record + COMMIT_AT_CRC,
              bfci_crc32c(record + COMMIT_CRC_FROM, COMMIT_SIZE - COMMIT_CRC_FROM));
}

int bfci_commit_encode(bfci_commit *c, uint8_t out[COMMIT_SIZE], bfc_err *err)
{
    memset(out, 0, COMMIT_SIZE);
    memcpy(out + COMMIT_AT_MAGIC, COMMIT_MAGIC, 8);
    put_u32le(out + COMMIT_AT_VERSION, COMMIT_VERSION);
    memcpy(out + COMMIT_AT_UUID, c->uuid, BFC_UUID_SIZE);
    put_u64le(out + COMMIT_AT_SEQ, c->seq);
    put_u64le(out + COMMIT_AT_OFFSET, c->offset);
    put_u64le(out + COMMIT_AT_SEGMENT, c->segment);
    put_u64le(out + COMMIT_AT_PREVIOUS, c->previous);
    memcpy(out + COMMIT_AT_PREVIOUS_DIGEST, c->previous_digest, BFC_DIGEST_SIZE);
    put_u64le(out + COMMIT_AT_TIME, (uint64_t)c->time);
    put_u32le(out + COMMIT_AT_TIME_NS, c->time_ns);
    put_u64le(out + COMMIT_AT_NEXT_INO, c->next_ino);
    put_u64le(out + COMMIT_AT_NEXT_BLOCK, c->next_block);
    put_u64le(out + COMMIT_AT_FILES, c->files);
    put_u64le(out + COMMIT_AT_DIRS, c->dirs);
    put_u64le(out + COMMIT_AT_SYMLINKS, c->symlinks);
    put_u64le(out + COMMIT_AT_OTHERS, c->others);
    put_u64le(out + COMMIT_AT_CONTENT_BYTES, c->content_bytes);
    put_u64le(out + COMMIT_AT_DATA_STORED, c->data_stored);
    put_u64le(out + COMMIT_AT_DATA_RAW, c->data_raw);
    for (unsigned i = 1; i < TABLE_COUNT; i++)
        table_ref_encode(&c->table[i], out + COMMIT_AT_TABLES + i * TABLE_REF_SIZE);

    BFC_TRY(root_digest(out, c->root_digest, err));
    memcpy(out + COMMIT_AT_ROOT_DIGEST, c->root_digest, BFC_DIGEST_SIZE);
    if (c->sealed) {
        memcpy(out + COMMIT_AT_SALT, c->salt, sizeof c->salt);
        memcpy(out + COMMIT_AT_KEY_CHECK, c->key_check, sizeof c->key_check);
        memcpy(out + COMMIT_AT_KEY_SLOTS, c->key_slots, sizeof c->key_slots);
    }
    put_crc(out);
    return 0;
}

/* What nobody uses, in any container. */
static bool reserved_is_zero(const uint8_t *raw)
{
    return zeros(raw + 108, 4) &&
           zeros(raw + COMMIT_AT_KEYLESS, COMMIT_AT_TABLES - COMMIT_AT_KEYLESS);
}

static bool sealed_reserved_is_zero(const uint8_t *raw)
{
    const uint8_t *unused_tables = raw + COMMIT_AT_TABLES + TABLE_COUNT * TABLE_REF_SIZE;
    return zeros(raw + 184, COMMIT_AT_ROOT_DIGEST - 184) &&
           zeros(raw + COMMIT_AT_TABLES, TABLE_REF_SIZE) &&
           zeros(unused_tables, (size_t)(raw + COMMIT_AT_KEY_SLOTS - unused_tables));
}

static int check_identity(const uint8_t *raw, uint64_t offset, const uint8_t *uuid, bfc_err *err)
{
    if (memcmp(raw, COMMIT_MAGIC, 8) != 0)
        return bfci_fail_at(err, BFC_E_CORRUPT, offset, "no commit record where one should be");
    if (bfci_crc32c(raw + COMMIT_CRC_FROM, COMMIT_SIZE - COMMIT_CRC_FROM) !=
        get_u32le(raw + COMMIT_AT_CRC))
        return bfci_fail_at(err, BFC_E_CORRUPT, offset, "commit record checksum mismatch");
    if (memcmp(raw + COMMIT_AT_UUID, uuid, BFC_UUID_SIZE) != 0 ||
        get_u64le(raw + COMMIT_AT_OFFSET) != offset)
        return bfci_fail_at(err, BFC_E_CORRUPT, offset,
                            "commit record of another container or another place");
    if (get_u32le(raw + COMMIT_AT_VERSION) != COMMIT_VERSION)
        return bfci_fail_at(err, BFC_E_UNSUPPORTED, offset, "commit record of unknown version %u",
                            get_u32le(raw + COMMIT_AT_VERSION));
    return 0;
}

static bool chain_is_legal(const bfci_commit *c)
{
    /* A segment may have no frames: a commit that changes no table is one. */
    if (c->seq == 0 || c->offset % COMMIT_ALIGN || c->segment > c->offset)
        return false;
    if (c->seq == 1)
        return c->previous == 0 && c->segment == SUPER_SIZE &&
               zeros(c->previous_digest, BFC_DIGEST_SIZE);
    return c->previous >= SUPER_SIZE && c->previous < c->offset &&
           c->segment == c->previous + COMMIT_SIZE;
}

/* All that is there without a key, of a container of either kind. */
static bool plain_is_legal(const uint8_t *raw, const bfci_commit *c)
{
    if (!chain_is_legal(c) || c->time_ns > 999999999 || !reserved_is_zero(raw))
        return false;
    bool has_slots = !zeros(raw + COMMIT_AT_KEY_SLOTS, COMMIT_KEY_SLOTS_SIZE);
    return c->sealed
               ? has_slots
               : !has_slots && zeros(raw + COMMIT_AT_SALT, COMMIT_AT_KEYLESS - COMMIT_AT_SALT);
}

/* The fields that a sealed container has sealed; `raw` has them plain. */
static int decode_fields(const uint8_t *raw, const bfci_super *super, bfci_commit *c, bfc_err *err)
{
    uint8_t digest[BFC_DIGEST_SIZE];

    c->next_ino = get_u64le(raw + COMMIT_AT_NEXT_INO);
    c->next_block = get_u64le(raw + COMMIT_AT_NEXT_BLOCK);
    c->files = get_u64le(raw + COMMIT_AT_FILES);
    c->dirs = get_u64le(raw + COMMIT_AT_DIRS);
    c->symlinks = get_u64le(raw + COMMIT_AT_SYMLINKS);
    c->others = get_u64le(raw + COMMIT_AT_OTHERS);
    c->content_bytes = get_u64le(raw + COMMIT_AT_CONTENT_BYTES);
    c->data_stored = get_u64le(raw + COMMIT_AT_DATA_STORED);
    c->data_raw = get_u64le(raw + COMMIT_AT_DATA_RAW);
    if (c->next_ino < 2 || !sealed_reserved_is_zero(raw))
        return bfci_fail_at(err, BFC_E_CORRUPT, c->offset, "commit record with illegal values");
    for (unsigned i = 1; i < TABLE_COUNT; i++)
        BFC_TRY(table_ref_decode(raw + COMMIT_AT_TABLES + i * TABLE_REF_SIZE, c->offset, super,
                                 &c->table[i], err));
    BFC_TRY(root_digest(raw, digest, err));
    if (memcmp(digest, c->root_digest, BFC_DIGEST_SIZE) != 0)
        return bfci_fail_at(err, BFC_E_CORRUPT, c->offset,
                            "root digest of the commit record mismatch");
    c->hidden = false;
    return 0;
}

int bfci_commit_decode(const uint8_t raw[COMMIT_SIZE], uint64_t offset, const bfci_super *super,
                       bfci_commit *out, bfc_err *err)
{
    BFC_TRY(check_identity(raw, offset, super->uuid, err));
    bfci_commit c = {
        .seq = get_u64le(raw + COMMIT_AT_SEQ),
        .offset = offset,
        .segment = get_u64le(raw + COMMIT_AT_SEGMENT),
        .previous = get_u64le(raw + COMMIT_AT_PREVIOUS),
        .time = (int64_t)get_u64le(raw + COMMIT_AT_TIME),
        .time_ns = get_u32le(raw + COMMIT_AT_TIME_NS),
        .sealed = bfci_super_is_sealed(super),
        .hidden = true,
    };
    memcpy(c.uuid, super->uuid, BFC_UUID_SIZE);
    memcpy(c.previous_digest, raw + COMMIT_AT_PREVIOUS_DIGEST, BFC_DIGEST_SIZE);
    memcpy(c.root_digest, raw + COMMIT_AT_ROOT_DIGEST, BFC_DIGEST_SIZE);
    if (!plain_is_legal(raw, &c))
        return bfci_fail_at(err, BFC_E_CORRUPT, offset, "commit record with illegal values");
    if (c.sealed) {
        memcpy(c.salt, raw + COMMIT_AT_SALT, sizeof c.salt);
        memcpy(c.key_check, raw + COMMIT_AT_KEY_CHECK, sizeof c.key_check);
        memcpy(c.key_slots, raw + COMMIT_AT_KEY_SLOTS, sizeof c.key_slots);
    } else {
        BFC_TRY(decode_fields(raw, super, &c, err));
    }
    *out = c;
    return 0;
}

/* ── Sealed fields ── */

/* The one nonce that no counter can make. */
static const uint8_t record_nonce[BFCI_NONCE_SIZE] = {255, 255, 255, 255, 255, 255,
                                                      255, 255, 255, 255, 255, 255};

/* Everything that is plain in superblock and record is associated data. */
static void put_ad(const bfci_super *super, const uint8_t *record,
                   uint8_t ad[SUPER_SIZE + COMMIT_SIZE])
{
    uint8_t *plain = ad + SUPER_SIZE;

    bfci_super_encode(super, ad);
    memcpy(plain, record, COMMIT_SIZE);
    memset(plain + COMMIT_AT_CRC, 0, 4);
    memset(plain + COMMIT_AT_TAG, 0, SEALED_TAG_SIZE);
    memset(plain + COMMIT_AT_NEXT_INO, 0, COMMIT_ROOTED_COUNTERS);
    memset(plain + COMMIT_AT_TABLES, 0, COMMIT_TABLES_SIZE);
}

static void gather(const uint8_t *record, uint8_t fields[COMMIT_SEALED_SIZE])
{
    memcpy(fields, record + COMMIT_AT_NEXT_INO, COMMIT_ROOTED_COUNTERS);
    memcpy(fields + COMMIT_ROOTED_COUNTERS, record + COMMIT_AT_TABLES, COMMIT_TABLES_SIZE);
}

static void spread(const uint8_t fields[COMMIT_SEALED_SIZE], uint8_t *record)
{
    memcpy(record + COMMIT_AT_NEXT_INO, fields, COMMIT_ROOTED_COUNTERS);
    memcpy(record + COMMIT_AT_TABLES, fields + COMMIT_ROOTED_COUNTERS, COMMIT_TABLES_SIZE);
}

int bfci_commit_seal(const bfci_super *super, bfci_aead *aead, uint8_t record[COMMIT_SIZE],
                     bfc_err *err)
{
    uint8_t ad[SUPER_SIZE + COMMIT_SIZE], fields[COMMIT_SEALED_SIZE];

    put_ad(super, record, ad);
    gather(record, fields);
    BFC_TRY(bfci_aead_seal(aead, record_nonce, ad, sizeof ad, fields, sizeof fields, fields,
                           record + COMMIT_AT_TAG, err));
    spread(fields, record);
    put_crc(record);
    return 0;
}

int bfci_commit_open(const bfci_super *super, bfci_aead *aead, const uint8_t record[COMMIT_SIZE],
                     bfci_commit *c, bfc_err *err)
{
    uint8_t ad[SUPER_SIZE + COMMIT_SIZE], fields[COMMIT_SEALED_SIZE], raw[COMMIT_SIZE];
    bfci_commit opened = *c;
    bool authentic = false;

    put_ad(super, record, ad);
    gather(record, fields);
    BFC_TRY(bfci_aead_open(aead, record_nonce, ad, sizeof ad, fields, sizeof fields,
                           record + COMMIT_AT_TAG, fields, &authentic, err));
    if (!authentic)
        return bfci_fail_at(err, BFC_E_CORRUPT, c->offset,
                            "the commit record, or the superblock, was changed: its tag is wrong");
    memcpy(raw, record, sizeof raw);
    spread(fields, raw);
    BFC_TRY(decode_fields(raw, super, &opened, err));
    *c = opened;
    return 0;
}

void bfci_commit_info(const bfci_commit *c, bfc_commit_info *out)
{
    *out = (bfc_commit_info){
        .seq = c->seq,
        .offset = c->offset,
        .segment_bytes = c->offset + COMMIT_SIZE - c->segment,
        .time = c->time,
        .time_ns = c->time_ns,
        .files = c->files,
        .dirs = c->dirs,
        .symlinks = c->symlinks,
        .others = c->others,
        .content_bytes = c->content_bytes,
        .data_stored = c->data_stored,
        .data_raw = c->data_raw,
        .hidden = c->hidden,
    };
    memcpy(out->root_digest, c->root_digest, BFC_DIGEST_SIZE);
}
