/* SPDX-License-Identifier: Apache-2.0 */
/* Contents that are known: of this commit, and of the one before through its hints, which may lie.
 */
#include "care_fixture.h"

#include "container/dedup.h"

static void digest_of(uint8_t out[BFC_DIGEST_SIZE], uint32_t i)
{
    assert_int_equal(bfci_sha256(&i, sizeof i, out, NULL), 0);
}

static void test_dedup__knows_what_was_added(void **state)
{
    struct care *c = *state;
    AUTO(bfci_dedup) bfci_dedup *d = NULL;
    uint8_t digest[BFC_DIGEST_SIZE];
    bfci_extent out;
    bool found = true;

    care_ok(c, bfci_dedup_new(NULL, bfci_memory_of(false, 2), &d, &c->err));
    for (uint32_t i = 0; i < 5000; i++) {
        digest_of(digest, i);
        care_ok(c, bfci_dedup_find(d, digest, 1 + i, &found, &out, &c->err));
        assert_false(found);
        care_ok(c, bfci_dedup_add(d, digest, &(bfci_extent){.len = 1 + i, .block = i}, &c->err));
    }
    for (uint32_t i = 0; i < 5000; i++) {
        digest_of(digest, i);
        care_ok(c, bfci_dedup_find(d, digest, 1 + i, &found, &out, &c->err));
        assert_true(found && out.block == i && out.len == 1 + i);
        care_ok(c, bfci_dedup_find(d, digest, 2 + i, &found, &out, &c->err)); /* another size */
        assert_false(found);
    }
    assert_false(bfci_dedup_may_have_size(d, 1 << 20)); /* worth knowing of large files only */
    care_ok(c, bfci_dedup_add(d, digest, &(bfci_extent){.len = 1 << 20, .shift = 12}, &c->err));
    assert_true(bfci_dedup_may_have_size(d, 1 << 20));
}

/* A container with one file; its hint leads to inode `hint`. */
static void with_hint(struct care *c, uint64_t hint, uint8_t digest[BFC_DIGEST_SIZE])
{
    struct craft k;
    uint8_t block[4096];
    const bfci_inode dir = {.type = BFC_TYPE_DIR, .mode = 0755};

    craft_begin(&k, c->file);
    care_noise(block, sizeof block, 1);
    craft_block(&k, 0, block, sizeof block);
    craft_tree(&k, ROOT_TREE, 1);
    craft_inode(&k, 1, &dir);
    bfci_inode file = craft_file(block, 4000, 0, 5);
    craft_inode(&k, 2, &file);
    craft_name(&k, 1, "f", BFC_TYPE_FILE, 2);
    memcpy(digest, file.digest, BFC_DIGEST_SIZE);
    craft_number(&k, TABLE_CONTENTS, bfci_key_content(file.digest), hint);
    k.commit.next_ino = 3;
    k.commit.next_block = 1;
    craft_end(&k);
}

static void test_dedup__follows_hints_but_does_not_believe_them(void **state)
{
    struct care *c = *state;

    for (uint64_t hint = 1; hint <= 3; hint++) {
        bfci_source source = BFCI_SOURCE_INIT;
        uint8_t digest[BFC_DIGEST_SIZE];
        bfci_dedup *d = NULL;
        bfci_extent out;
        bool found = false;

        with_hint(c, hint, digest);
        int fd = open(c->file, O_RDONLY | O_CLOEXEC);
        care_ok(c, bfci_source_open_fd(fd, &source, &c->err));
        care_ok(c, bfci_dedup_new(&source, bfci_memory_of(false, 2), &d, &c->err));
        int rc = bfci_dedup_find(d, digest, 4000, &found, &out, &c->err);
        if (hint == 2) {
            assert_int_equal(rc, 0);
            assert_true(found && out.block == 0 && out.offset == 5 && out.len == 4000);
            digest[31] ^= 1; /* the hint's bytes are the same, the content is not */
            care_ok(c, bfci_dedup_find(d, digest, 4000, &found, &out, &c->err));
            assert_false(found);
        } else {
            assert_true(rc == BFC_E_CORRUPT || (rc == 0 && !found));
        }
        bfci_dedup_free(d);
        bfci_source_release(&source);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CARE_TEST(test_dedup__knows_what_was_added),
        CARE_TEST(test_dedup__follows_hints_but_does_not_believe_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
