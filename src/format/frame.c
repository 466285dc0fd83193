/* SPDX-License-Identifier: Apache-2.0 */
/* Frame headers and references to payloads. Pure: bytes in, values out; nothing is read from a file
 * here, and no payload is looked at. */
#include "format/frame.h"

#include "codec/digest.h"

static const uint8_t frame_magic[4] = {'B', 'F', 'C', 'k'};

void bfci_frame_encode(const bfci_frame *f, uint8_t out[FRAME_HEADER_SIZE])
{
    memset(out, 0, FRAME_HEADER_SIZE);
    memcpy(out + FRAME_AT_MAGIC, frame_magic, sizeof frame_magic);
    out[FRAME_AT_KIND] = f->kind;
    out[FRAME_AT_COMP] = f->comp;
    put_u16le(out + FRAME_AT_FLAGS, f->sealed ? FRAME_FLAG_SEALED : 0);
    put_u32le(out + FRAME_AT_STORED, f->stored);
    put_u32le(out + FRAME_AT_RAW, f->raw);
    put_u64le(out + FRAME_AT_NUMBER, f->number);
    put_u32le(out + FRAME_AT_PAYLOAD_CRC, f->payload_crc);
    put_u32le(out + FRAME_AT_HEADER_CRC, bfci_crc32c(out, FRAME_AT_HEADER_CRC));
}

int bfci_frame_decode(const uint8_t raw[FRAME_HEADER_SIZE], uint64_t offset, bool sealed,
                      bfci_frame *out, bfc_err *err)
{
    if (memcmp(raw + FRAME_AT_MAGIC, frame_magic, sizeof frame_magic) != 0)
        return bfci_fail_at(err, BFC_E_CORRUPT, offset, "no frame header where one should be");
    if (bfci_crc32c(raw, FRAME_AT_HEADER_CRC) != get_u32le(raw + FRAME_AT_HEADER_CRC))
        return bfci_fail_at(err, BFC_E_CORRUPT, offset, "frame header checksum mismatch");

    bfci_frame f = {
        .kind = raw[FRAME_AT_KIND],
        .comp = raw[FRAME_AT_COMP],
        .stored = get_u32le(raw + FRAME_AT_STORED),
        .raw = get_u32le(raw + FRAME_AT_RAW),
        .number = get_u64le(raw + FRAME_AT_NUMBER),
        .payload_crc = get_u32le(raw + FRAME_AT_PAYLOAD_CRC),
        .sealed = sealed,
    };
    bool legal = ((f.kind == FRAME_DATA && f.comp <= COMP_ZSTD_X86) ||
                  (f.kind == FRAME_PAGE && f.comp <= COMP_ZSTD)) &&
                 get_u16le(raw + FRAME_AT_FLAGS) == (sealed ? FRAME_FLAG_SEALED : 0) &&
                 f.stored > 0 && f.raw > 0 && (f.comp != COMP_NONE || f.stored == f.raw) &&
                 (!sealed || (f.comp == COMP_NONE && bfci_sealed_size_ok(f.stored)));
    if (!legal)
        return bfci_fail_at(err, BFC_E_CORRUPT, offset, "frame header with illegal values");
    *out = f;
    return 0;
}

bfci_frame bfci_frame_of(enum bfci_frame_kind kind, uint64_t number, const bfci_ref *ref,
                         bool sealed)
{
    return (bfci_frame){.kind = (uint8_t)kind,
                        .comp = sealed ? COMP_NONE : ref->comp,
                        .stored = ref->stored,
                        .raw = sealed ? ref->stored : ref->raw,
                        .number = number,
                        .payload_crc = ref->crc,
                        .sealed = sealed};
}

static bool sizes_are_legal(const bfci_ref *ref, uint32_t raw_max, bool sealed)
{
    if (ref->comp > COMP_ZSTD_X86 || ref->raw == 0 || ref->raw > raw_max)
        return false;
    size_t plain = sealed ? bfci_sealed_size(ref->raw) : ref->raw;
    if (ref->comp == COMP_NONE)
        return ref->stored == plain;
    return ref->stored <= plain && (!sealed || bfci_sealed_size_ok(ref->stored));
}

int bfci_ref_check(const bfci_ref *ref, uint64_t end, uint32_t raw_max, bool sealed, bfc_err *err)
{
    uint64_t payload_end;
    if (ref->offset < SUPER_SIZE + FRAME_HEADER_SIZE || ref->stored == 0 ||
        bfci_add_overflows(ref->offset, ref->stored, &payload_end) || payload_end > end)
        return bfci_fail_at(err, BFC_E_CORRUPT, ref->offset,
                            "a reference points outside of the committed part of the file");
    if (!sizes_are_legal(ref, raw_max, sealed))
        return bfci_fail_at(err, BFC_E_CORRUPT, ref->offset, "a reference with illegal sizes");
    return 0;
}
