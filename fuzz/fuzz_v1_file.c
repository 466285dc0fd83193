/* SPDX-License-Identifier: Apache-2.0 */
/* A whole container of version 1. Bytes 0 and 1: how long the objects are that follow; the rest is
 * the index. The harness adds what a mutation of bytes can never hit: the header, the footer and
 * their sums. Contents have sums of their own, so that most are read to their end and refused. */
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

#include "format/v1.h"
#include "sys/file.h"

enum {
    INPUT_MAX = 1 << 17
};

static void put_footer(uint8_t out[V1_FOOTER_SIZE], uint64_t at, const uint8_t *index, size_t len)
{
    memset(out, 0, V1_FOOTER_SIZE);
    memcpy(out, V1_MAGIC_INDEX, 8);
    put_u64le(out + 8, len);
    put_u32le(out + 16, bfci_v1_crc_usual(bfci_crc32c(index, len), len));
    put_u64le(out + 20, at);
    memcpy(out + V1_FOOTER_SIZE - 8, V1_MAGIC_END, 8);
}

static void put_header(uint8_t out[V1_HEADER_SIZE])
{
    const size_t len = V1_HEADER_SIZE - 12;

    memset(out, 0, V1_HEADER_SIZE);
    memcpy(out, V1_MAGIC, 8);
    put_u32le(out + 8, bfci_v1_crc_usual(bfci_crc32c(out + 12, len), len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t header[V1_HEADER_SIZE], footer[V1_FOOTER_SIZE];

    if (size < 2 || size > INPUT_MAX)
        return 0;
    size_t objects = MIN((size_t)get_u16le(data), size - 2);
    const uint8_t *index = data + 2 + objects;
    const size_t index_len = size - 2 - objects;
    const uint64_t at = V1_HEADER_SIZE + objects;
    put_header(header);
    put_footer(footer, at, index, index_len);

    AUTO_FD int fd = memfd_create("fuzz", MFD_CLOEXEC);
    FUZZ_CHECK(fd >= 0);
    FUZZ_CHECK(bfci_pwrite_all(fd, header, sizeof header, 0, NULL) == 0);
    FUZZ_CHECK(bfci_pwrite_all(fd, data + 2, objects, V1_HEADER_SIZE, NULL) == 0);
    FUZZ_CHECK(bfci_pwrite_all(fd, index, index_len, at, NULL) == 0);
    FUZZ_CHECK(bfci_pwrite_all(fd, footer, sizeof footer, at + index_len, NULL) == 0);
    fuzz_exercise(fd, NULL);
    return 0;
}
