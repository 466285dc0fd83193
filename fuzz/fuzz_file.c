/* SPDX-License-Identifier: Apache-2.0 */
/* A whole container as bytes. The harness puts right what a mutation of bytes can never hit: magic
 * and sums of the superblock, and place, root digest and sums of the record that stands last. What
 * is between, and the sums of pages in references, are left to items.c, which builds them.
 *
 * To keep inputs small, the superblock is the first 64 bytes and the record the next 1152, both
 * filled up with zeros; then come the frames. */
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

#include "codec/digest.h"
#include "format/commit.h"
#include "format/superblock.h"
#include "sys/file.h"

enum {
    SUPER_PART = 64,
    RECORD_PART = 1152,
    INPUT_MAX = 1 << 20
};

static void repair_record(uint8_t *raw, uint64_t offset, const uint8_t *super)
{
    uint8_t covered[16 + 112 + 576] = "bfc root digest";

    memcpy(raw, COMMIT_MAGIC, 8);
    memcpy(raw + COMMIT_AT_UUID, super + SUPER_AT_UUID, BFC_UUID_SIZE);
    put_u64le(raw + COMMIT_AT_OFFSET, offset);
    memcpy(covered + 16, raw + COMMIT_AT_NEXT_INO, 112);
    memcpy(covered + 128, raw + COMMIT_AT_TABLES + TABLE_REF_SIZE, 576);
    FUZZ_CHECK(bfci_sha256(covered, sizeof covered, raw + COMMIT_AT_ROOT_DIGEST, NULL) == 0);
    put_u32le(raw + COMMIT_AT_CRC, bfci_crc32c(raw + 12, COMMIT_SIZE - 12));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t super[SUPER_SIZE] = {0}, record[COMMIT_SIZE] = {0};

    if (size < SUPER_PART + RECORD_PART || size > INPUT_MAX)
        return 0;
    const uint8_t *frames = data + SUPER_PART + RECORD_PART;
    const size_t frames_len = size - SUPER_PART - RECORD_PART;
    const uint64_t offset = bfci_align_up(SUPER_SIZE + frames_len, COMMIT_ALIGN);
    memcpy(super, data, SUPER_PART);
    memcpy(super, SUPER_MAGIC, 8);
    put_u32le(super + SUPER_AT_CRC, bfci_crc32c(super + 12, SUPER_SIZE - 12));
    memcpy(record, data + SUPER_PART, RECORD_PART);
    repair_record(record, offset, super);

    AUTO_FD int fd = memfd_create("fuzz", MFD_CLOEXEC);
    FUZZ_CHECK(fd >= 0);
    FUZZ_CHECK(bfci_pwrite_all(fd, super, sizeof super, 0, NULL) == 0);
    FUZZ_CHECK(bfci_pwrite_all(fd, frames, frames_len, SUPER_SIZE, NULL) == 0);
    FUZZ_CHECK(bfci_pwrite_all(fd, record, sizeof record, offset, NULL) == 0);
    fuzz_exercise(fd, NULL);
    return 0;
}
