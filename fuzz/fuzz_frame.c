/* SPDX-License-Identifier: Apache-2.0 */
/* Frame headers and references. The first 32 bytes are a header, whose checksum is put right; 56
 * more are a page reference, 16 more an end and a greatest size to check it against. Whether the
 * container is sealed is what the header says. */
#include "fuzz.h"

#include "codec/digest.h"
#include "format/page.h"

static void try_ref(const uint8_t *data, bool sealed)
{
    bfci_ref ref;
    uint8_t again[PAGE_REF_SIZE];

    if (bfci_page_ref_decode((bfci_span){data, PAGE_REF_SIZE}, &ref, NULL) < 0)
        return;
    bfci_page_ref_encode(&ref, again);
    FUZZ_CHECK(memcmp(data, again, PAGE_REF_SIZE) == 0);
    uint64_t end = get_u64le(data + PAGE_REF_SIZE);
    uint32_t raw_max = get_u32le(data + PAGE_REF_SIZE + 8);
    if (bfci_ref_check(&ref, end, raw_max, sealed, NULL) == 0)
        FUZZ_CHECK(ref.raw <= raw_max && ref.offset <= end && ref.stored <= end - ref.offset);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t raw[FRAME_HEADER_SIZE], again[FRAME_HEADER_SIZE];
    bfci_frame frame;

    if (size < sizeof raw)
        return 0;
    memcpy(raw, data, sizeof raw);
    put_u32le(raw + FRAME_AT_HEADER_CRC, bfci_crc32c(raw, FRAME_AT_HEADER_CRC));
    bool sealed = raw[FRAME_AT_FLAGS] & FRAME_FLAG_SEALED;
    if (bfci_frame_decode(raw, 4096, sealed, &frame, NULL) == 0) {
        bfci_frame_encode(&frame, again);
        FUZZ_CHECK(memcmp(raw, again, sizeof raw) == 0);
    }
    (void)bfci_frame_decode(data, 4096, sealed, &frame, NULL);
    if (size >= sizeof raw + PAGE_REF_SIZE + 16)
        try_ref(data + sizeof raw, sealed);
    return 0;
}
