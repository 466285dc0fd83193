/* SPDX-License-Identifier: Apache-2.0 */
/* The two ends of a version 1 container: its header, and the footer that leads to the index. */
#include "format/v1.h"

enum {
    AT_CRC = 8,
    AT_AFTER_CRC = 12,
    SALT_FIELD_SIZE = 32,
    HEADER_RESERVED = 4024,
    FOOTER_RESERVED = 16
};

static bool all_zero(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i])
            return false;
    return true;
}

int bfci_v1_header_decode(const uint8_t raw[V1_HEADER_SIZE], bfci_v1_header *out, bfc_err *err)
{
    bfci_v1_header h = {0};
    rd r = rd_over(raw + AT_AFTER_CRC, V1_HEADER_SIZE - AT_AFTER_CRC);

    if (memcmp(raw, V1_MAGIC, 8) != 0)
        return bfci_fail_at(err, BFC_E_UNSUPPORTED, 0, "not a version 1 container");
    const size_t len = V1_HEADER_SIZE - AT_AFTER_CRC;
    if (bfci_crc32c(raw + AT_AFTER_CRC, len) != bfci_v1_crc_usual(get_u32le(raw + AT_CRC), len))
        return bfci_fail_at(err, BFC_E_CORRUPT, AT_CRC, "checksum mismatch in the header");
    (void)rd_u32(&r); /* block size: of no consequence for readers */
    h.features = rd_u64(&r);
    const uint8_t *uuid = rd_take(&r, BFC_UUID_SIZE);
    const uint8_t *salt = rd_take(&r, SALT_FIELD_SIZE);
    bool reserved = rd_zeros(&r, HEADER_RESERVED);
    if (!uuid || !salt || !reserved || !rd_finished(&r))
        return bfci_fail_at(err, BFC_E_CORRUPT, 0, "reserved bytes of the header are not zero");
    if (h.features & ~(uint64_t)V1_FEATURES)
        return bfci_fail_at(err, BFC_E_UNSUPPORTED, 16,
                            "a version 1 container with unknown features (0x%llx)",
                            (unsigned long long)h.features);
    memcpy(h.uuid, uuid, sizeof h.uuid);
    memcpy(h.salt, salt, sizeof h.salt);
    h.has_salt = !all_zero(salt, SALT_FIELD_SIZE);
    *out = h;
    return 0;
}

static int check_place(const bfci_v1_footer *f, uint64_t end, bfc_err *err)
{
    if (f->index_size > V1_INDEX_MAX)
        return bfci_fail_at(err, BFC_E_LIMIT, end, "an index of %llu bytes; %d are allowed",
                            (unsigned long long)f->index_size, V1_INDEX_MAX);
    if (f->index_offset < V1_HEADER_SIZE || f->index_offset > end ||
        f->index_size > end - f->index_offset || f->index_size < V1_INDEX_HEAD_SIZE)
        return bfci_fail_at(err, BFC_E_CORRUPT, end,
                            "the footer says that the index is %llu bytes at byte %llu, which are "
                            "not there",
                            (unsigned long long)f->index_size, (unsigned long long)f->index_offset);
    return 0;
}

int bfci_v1_footer_decode(const uint8_t raw[V1_FOOTER_SIZE], uint64_t file_size,
                          bfci_v1_footer *out, bfc_err *err)
{
    const uint64_t end = file_size - V1_FOOTER_SIZE;
    bfci_v1_footer f = {0};
    rd r = rd_over(raw, V1_FOOTER_SIZE);

    const uint8_t *tag = rd_take(&r, 8);
    f.index_size = rd_u64(&r);
    f.index_crc = bfci_v1_crc_usual(rd_u32(&r), f.index_size);
    f.index_offset = rd_u64(&r);
    bool zeros = rd_zeros(&r, 4 + FOOTER_RESERVED); /* a container's checksum was never made */
    const uint8_t *last = rd_take(&r, 8);
    if (!tag || !last || memcmp(tag, V1_MAGIC_INDEX, 8) != 0 || memcmp(last, V1_MAGIC_END, 8) != 0)
        return bfci_fail_at(err, BFC_E_CORRUPT, end,
                            "no footer at its end: the file is cut off, or was never finished");
    if (!zeros)
        return bfci_fail_at(err, BFC_E_CORRUPT, end, "reserved bytes of the footer are not zero");
    BFC_TRY(check_place(&f, end, err));
    *out = f;
    return 0;
}
