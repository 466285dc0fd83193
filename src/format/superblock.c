/* SPDX-License-Identifier: Apache-2.0 */
/* The superblock: written once, read first. */
#include "format/superblock.h"

#include "base/cursor.h"
#include "codec/digest.h"

enum {
    SUPER_VERSION = 2,
    SUPER_HASH_SHA256 = 1,
    SUPER_SUM_CRC32C = 1,
    SUPER_CRC_FROM = SUPER_AT_CRC + 4
};

void bfci_super_encode(const bfci_super *s, uint8_t out[SUPER_SIZE])
{
    memset(out, 0, SUPER_SIZE);
    memcpy(out + SUPER_AT_MAGIC, SUPER_MAGIC, 8);
    put_u32le(out + SUPER_AT_VERSION, SUPER_VERSION);
    memcpy(out + SUPER_AT_UUID, s->uuid, BFC_UUID_SIZE);
    put_u64le(out + SUPER_AT_FEATURES_IGNORE, s->features_ignore);
    put_u64le(out + SUPER_AT_FEATURES_READ_ONLY, s->features_read_only);
    put_u64le(out + SUPER_AT_FEATURES_REFUSE, s->features_refuse);
    out[SUPER_AT_ALIGN_SHIFT] = s->align_shift;
    out[SUPER_AT_PAGE_SHIFT] = s->page_shift;
    out[SUPER_AT_HASH] = SUPER_HASH_SHA256;
    out[SUPER_AT_SUM] = SUPER_SUM_CRC32C;
    put_u32le(out + SUPER_AT_BLOCK_MAX, s->block_max);
    put_u32le(out + SUPER_AT_CRC, bfci_crc32c(out + SUPER_CRC_FROM, SUPER_SIZE - SUPER_CRC_FROM));
}

static bool all_zero(const uint8_t *bytes, size_t len)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0;
}

static int check_identity(const uint8_t *raw, bfc_err *err)
{
    if (memcmp(raw, SUPER_MAGIC_V1, 8) == 0)
        return bfci_fail_at(err, BFC_E_UNSUPPORTED, 0,
                            "a container of format version 1, which can only be read: 'bfc "
                            "compact' makes one of version 2 from it");
    if (memcmp(raw, SUPER_MAGIC, 8) != 0)
        return bfci_fail_at(err, BFC_E_UNSUPPORTED, 0, "not a bfc container");
    if (get_u32le(raw + SUPER_AT_VERSION) != SUPER_VERSION)
        return bfci_fail_at(err, BFC_E_UNSUPPORTED, SUPER_AT_VERSION,
                            "a container of format version %u; this version reads 2",
                            get_u32le(raw + SUPER_AT_VERSION));
    return 0;
}

int bfci_super_decode(const uint8_t raw[SUPER_SIZE], bfci_super *out, bfc_err *err)
{
    BFC_TRY(check_identity(raw, err));
    uint64_t refuse = get_u64le(raw + SUPER_AT_FEATURES_REFUSE);
    if (refuse & ~FEATURES_KNOWN)
        return bfci_fail_at(err, BFC_E_UNSUPPORTED, SUPER_AT_FEATURES_REFUSE,
                            "the container needs features that this version does not know (0x%llx)",
                            (unsigned long long)(refuse & ~FEATURES_KNOWN));
    if (bfci_crc32c(raw + SUPER_CRC_FROM, SUPER_SIZE - SUPER_CRC_FROM) !=
        get_u32le(raw + SUPER_AT_CRC))
        return bfci_fail_at(err, BFC_E_CORRUPT, SUPER_AT_CRC, "superblock checksum mismatch");
    bfci_super s = {
        .features_ignore = get_u64le(raw + SUPER_AT_FEATURES_IGNORE),
        .features_read_only = get_u64le(raw + SUPER_AT_FEATURES_READ_ONLY),
        .features_refuse = refuse,
        .align_shift = raw[SUPER_AT_ALIGN_SHIFT],
        .page_shift = raw[SUPER_AT_PAGE_SHIFT],
        .block_max = get_u32le(raw + SUPER_AT_BLOCK_MAX),
    };
    memcpy(s.uuid, raw + SUPER_AT_UUID, BFC_UUID_SIZE);
    bool legal = !all_zero(s.uuid, BFC_UUID_SIZE) && s.align_shift <= ALIGN_SHIFT_MAX &&
                 (!bfci_super_is_sealed(&s) || s.align_shift == 0) &&
                 s.page_shift >= PAGE_SHIFT_MIN && s.page_shift <= PAGE_SHIFT_MAX &&
                 raw[SUPER_AT_HASH] == SUPER_HASH_SHA256 && raw[SUPER_AT_SUM] == SUPER_SUM_CRC32C &&
                 s.block_max >= BLOCK_SIZE_MIN && s.block_max <= BLOCK_SIZE_MAX &&
                 all_zero(raw + SUPER_AT_RESERVED, SUPER_SIZE - SUPER_AT_RESERVED);
    if (!legal)
        return bfci_fail_at(err, BFC_E_CORRUPT, SUPER_AT_ALIGN_SHIFT,
                            "superblock with illegal values");
    *out = s;
    return 0;
}

int bfci_super_derive_uuid(const uint8_t root_digest[BFC_DIGEST_SIZE], uint8_t out[BFC_UUID_SIZE],
                           bfc_err *err)
{
    static const char domain[] = "bfc uuid v2"; /* hashed with its NUL */
    uint8_t input[sizeof domain + BFC_DIGEST_SIZE], digest[BFC_DIGEST_SIZE];

    memcpy(input, domain, sizeof domain);
    memcpy(input + sizeof domain, root_digest, BFC_DIGEST_SIZE);
    BFC_TRY(bfci_sha256(input, sizeof input, digest, err));
    memcpy(out, digest, BFC_UUID_SIZE);
    out[6] = (uint8_t)((out[6] & 0x0f) | 0x80);
    out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
    return 0;
}
