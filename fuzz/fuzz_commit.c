/* SPDX-License-Identifier: Apache-2.0 */
/* The commit record. Byte 0 of the input: bit 0 means that root digest and checksum are put right;
 * bits 1 to 6 choose the page size, bit 7 a sealed container. The record may be given short: the
 * rest is zero. */
#include "fuzz.h"

#include "codec/digest.h"
#include "format/commit.h"

static void repair(uint8_t *raw)
{
    uint8_t covered[16 + 112 + 576] = "bfc root digest";

    memcpy(covered + 16, raw + COMMIT_AT_NEXT_INO, 112);
    memcpy(covered + 128, raw + COMMIT_AT_TABLES + TABLE_REF_SIZE, 576);
    FUZZ_CHECK(bfci_sha256(covered, sizeof covered, raw + COMMIT_AT_ROOT_DIGEST, NULL) == 0);
    put_u32le(raw + COMMIT_AT_CRC, bfci_crc32c(raw + 12, COMMIT_SIZE - 12));
}

/* Under a key that nobody sealed with: what is not authentic must be left alone. */
static void open_it(const bfci_super *super, const uint8_t *raw, bfci_commit *commit)
{
    static const uint8_t key[BFCI_KEY_SIZE] = {7};
    AUTO(bfci_aead) bfci_aead *aead = NULL;

    FUZZ_CHECK(bfci_aead_new(&aead, NULL) == 0);
    FUZZ_CHECK(bfci_aead_set_key(aead, key, NULL) == 0);
    FUZZ_CHECK(bfci_commit_open(super, aead, raw, commit, NULL) < 0 && commit->hidden);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t again[COMMIT_SIZE];
    bfci_super super = {0};
    bfci_commit commit;
    bfc_commit_info info;

    if (size < 1)
        return 0;
    uint8_t *raw = calloc(1, COMMIT_SIZE);
    FUZZ_CHECK(raw);
    memcpy(raw, data + 1, MIN(size - 1, (size_t)COMMIT_SIZE));
    if (data[0] & 1)
        repair(raw);
    memcpy(super.uuid, raw + COMMIT_AT_UUID, sizeof super.uuid);
    super.page_shift = (uint8_t)(PAGE_SHIFT_MIN + (data[0] >> 1 & 63) % 3);
    super.features_refuse = data[0] & 128 ? FEATURE_REFUSE_SEALED : 0;
    if (bfci_commit_decode(raw, get_u64le(raw + COMMIT_AT_OFFSET), &super, &commit, NULL) == 0) {
        bfci_commit_info(&commit, &info);
        if (commit.hidden) {
            open_it(&super, raw, &commit);
            free(raw);
            return 0;
        }
        FUZZ_CHECK(bfci_commit_encode(&commit, again, NULL) == 0);
        FUZZ_CHECK(memcmp(raw, again, COMMIT_SIZE) == 0);
    }
    free(raw);
    return 0;
}
