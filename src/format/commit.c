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

static int table_ref_decode(const uint8_t *raw, uint64_t end, uint32_t page_max,
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
    BFC_TRY(bfci_ref_check(&t.root, end, page_max, err));
    if (t.level > LEVEL_MAX || t.count == 0 || get_u16le(raw + TABLE_REF_AT_RESERVED) != 0)
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
    put_u32le(out + COMMIT_AT_CRC,
              bfci_crc32c(out + COMMIT_CRC_FROM, COMMIT_SIZE - COMMIT_CRC_FROM));
    return 0;
}

static bool reserved_is_zero(const uint8_t *raw)
{
    const uint8_t *unused_tables = raw + COMMIT_AT_TABLES + TABLE_COUNT * TABLE_REF_SIZE;
    return zeros(raw + 108, 4) && zeros(raw + 184, COMMIT_AT_ROOT_DIGEST - 184) &&
           zeros(raw + COMMIT_AT_SALT, COMMIT_AT_TABLES - COMMIT_AT_SALT) &&
           zeros(raw + COMMIT_AT_TABLES, TABLE_REF_SIZE) &&
           zeros(unused_tables, (size_t)(raw + COMMIT_SIZE - unused_tables));
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

int bfci_commit_decode(const uint8_t raw[COMMIT_SIZE], uint64_t offset,
                       const uint8_t uuid[BFC_UUID_SIZE], uint8_t page_shift, bfci_commit *out,
                       bfc_err *err)
{
    BFC_TRY(check_identity(raw, offset, uuid, err));
    bfci_commit c = {
        .seq = get_u64le(raw + COMMIT_AT_SEQ),
        .offset = offset,
        .segment = get_u64le(raw + COMMIT_AT_SEGMENT),
        .previous = get_u64le(raw + COMMIT_AT_PREVIOUS),
        .time = (int64_t)get_u64le(raw + COMMIT_AT_TIME),
        .time_ns = get_u32le(raw + COMMIT_AT_TIME_NS),
        .next_ino = get_u64le(raw + COMMIT_AT_NEXT_INO),
        .next_block = get_u64le(raw + COMMIT_AT_NEXT_BLOCK),
        .files = get_u64le(raw + COMMIT_AT_FILES),
        .dirs = get_u64le(raw + COMMIT_AT_DIRS),
        .symlinks = get_u64le(raw + COMMIT_AT_SYMLINKS),
        .others = get_u64le(raw + COMMIT_AT_OTHERS),
        .content_bytes = get_u64le(raw + COMMIT_AT_CONTENT_BYTES),
        .data_stored = get_u64le(raw + COMMIT_AT_DATA_STORED),
        .data_raw = get_u64le(raw + COMMIT_AT_DATA_RAW),
    };
    memcpy(c.uuid, uuid, BFC_UUID_SIZE);
    memcpy(c.previous_digest, raw + COMMIT_AT_PREVIOUS_DIGEST, BFC_DIGEST_SIZE);
    memcpy(c.root_digest, raw + COMMIT_AT_ROOT_DIGEST, BFC_DIGEST_SIZE);
    if (!chain_is_legal(&c) || c.time_ns > 999999999 || c.next_ino < 2 || !reserved_is_zero(raw))
        return bfci_fail_at(err, BFC_E_CORRUPT, offset, "commit record with illegal values");

    for (unsigned i = 1; i < TABLE_COUNT; i++)
        BFC_TRY(table_ref_decode(raw + COMMIT_AT_TABLES + i * TABLE_REF_SIZE, offset,
                                 UINT32_C(1) << page_shift, &c.table[i], err));
    uint8_t digest[BFC_DIGEST_SIZE];
    BFC_TRY(root_digest(raw, digest, err));
    if (memcmp(digest, c.root_digest, BFC_DIGEST_SIZE) != 0)
        return bfci_fail_at(err, BFC_E_CORRUPT, offset,
                            "root digest of the commit record mismatch");
    *out = c;
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
    };
    memcpy(out->root_digest, c->root_digest, BFC_DIGEST_SIZE);
}
