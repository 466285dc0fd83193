/* SPDX-License-Identifier: Apache-2.0 */
/* The superblock. Byte 0 of the input: odd means that the checksum is put right. */
#include "fuzz.h"

#include "codec/digest.h"
#include "format/superblock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t again[SUPER_SIZE];
    bfci_super super;

    if (size < 1)
        return 0;
    uint8_t *raw = calloc(1, SUPER_SIZE);
    FUZZ_CHECK(raw);
    memcpy(raw, data + 1, MIN(size - 1, (size_t)SUPER_SIZE));
    if (data[0] & 1)
        put_u32le(raw + SUPER_AT_CRC, bfci_crc32c(raw + 12, SUPER_SIZE - 12));
    if (bfci_super_decode(raw, &super, NULL) == 0) {
        bfci_super_encode(&super, again);
        FUZZ_CHECK(memcmp(raw, again, SUPER_SIZE) == 0);
    }
    free(raw);
    return 0;
}
