/* SPDX-License-Identifier: Apache-2.0 */
/* Decompression: 3 bytes of the size that is expected, then the frame. */
#include "fuzz.h"

#include "codec/zstd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(bfci_decompressor) bfci_decompressor *d = NULL;

    if (size < 3)
        return 0;
    size_t raw_len = data[0] | (size_t)data[1] << 8 | (size_t)(data[2] & 15) << 16;
    uint8_t *raw = malloc(raw_len ? raw_len : 1);
    FUZZ_CHECK(raw && bfci_decompressor_new(&d, NULL) == 0);
    (void)bfci_decompress(d, data + 3, size - 3, raw, raw_len, NULL);

    uint8_t *frame = fuzz_copy(data + 3, size - 3);
    size_t got = data[0] + 1;
    if (got < raw_len && bfci_decompress_start(d, frame, size - 3, raw, raw_len, &got, NULL) == 0)
        FUZZ_CHECK(got > data[0] && got <= raw_len);
    FUZZ_CHECK(size == 3 || memcmp(frame, data + 3, size - 3) == 0);
    free(frame);
    free(raw);
    return 0;
}
