/* SPDX-License-Identifier: Apache-2.0 */
/* compact: the new container has all of one commit and nothing else, is the same file each time
 * where that is asked for, and never comes to be from something damaged. */
#include "care_fixture.h"

static int compact(struct care *c, const char *from, const char *to, bool reproducible,
                   bfc_compact_report *report)
{
    bfc_compact_options o = BFC_COMPACT_OPTIONS_INIT;
    o.reproducible = reproducible;
    o.replace = true;
    o.jobs = 2;
    return bfc_compact(from, to, &o, report, &c->err);
}

/* Three commits; the second replaces content of the first, so that blocks and a hint are left over.
 */
static void history(struct care *c)
{
    uint8_t noise[50000];

    care_noise(noise, sizeof noise, 1);
    care_put(c->src, "big", noise, sizeof noise);
    care_put_text(c->src, "stays", "the same all the time");
    care_commit(c, c->file, false);
    care_noise(noise, sizeof noise, 2);
    care_put(c->src, "big", noise, sizeof noise);
    care_commit(c, c->file, true);
    care_put_text(c->src, "new", "one more");
    care_commit(c, c->file, true);
}

static void add_walk(bfc_reader *r, struct care *c, bfci_sha256_ctx *sha)
{
    bfc_walk *w = NULL;
    const bfc_entry *e = NULL;

    care_ok(c, bfc_walk_open(r, NULL, &w, &c->err));
    for (;;) {
        uint8_t bytes[60000];
        size_t got = 0;
        care_ok(c, bfc_walk_next(w, &e, &c->err));
        if (!e)
            break;
        (void)bfci_sha256_update(sha, e->path, e->path_len + 1, NULL);
        (void)bfci_sha256_update(sha, &e->ino, sizeof e->ino, NULL);
        (void)bfci_sha256_update(sha, &e->mtime, sizeof e->mtime, NULL);
        (void)bfci_sha256_update(sha, &e->mode, sizeof e->mode, NULL);
        if (e->type == BFC_TYPE_FILE)
            care_ok(c, bfc_reader_read(r, e->ino, 0, bytes, sizeof bytes, &got, &c->err));
        (void)bfci_sha256_update(sha, bytes, got, NULL);
    }
    bfc_walk_close(w);
}

/* A digest over all that a reader sees. */
static void fingerprint(struct care *c, const char *path, const char *at,
                        uint8_t out[BFC_DIGEST_SIZE])
{
    bfc_reader_options o = BFC_READER_OPTIONS_INIT;
    bfc_reader *r = NULL;
    bfci_sha256_ctx *sha = NULL;

    o.at = at;
    care_ok(c, bfc_reader_open(path, &o, &r, &c->err));
    assert_int_equal(bfci_sha256_new(&sha, NULL), 0);
    assert_int_equal(bfci_sha256_start(sha, NULL), 0);
    add_walk(r, c, sha);
    assert_int_equal(bfci_sha256_finish(sha, out, NULL), 0);
    bfci_sha256_free(sha);
    bfc_reader_close(r);
}

static void expect_same_bytes(const char *one, const char *two)
{
    size_t len = 0, other_len = 0;
    AUTO_FREE uint8_t *bytes = care_load(one, &len);
    AUTO_FREE uint8_t *other = care_load(two, &other_len);
    assert_int_equal(len, other_len);
    assert_memory_equal(bytes, other, len);
}

static void test_compact__keeps_the_commit_and_drops_the_rest(void **state)
{
    struct care *c = *state;
    bfc_compact_report r = {0};
    uint8_t before[BFC_DIGEST_SIZE], after[BFC_DIGEST_SIZE];

    history(c);
    care_ok(c, compact(c, c->file, c->other, false, &r));
    assert_int_equal(r.old_size, care_size(c->file));
    assert_int_equal(r.new_size, care_size(c->other));
    assert_true(r.new_size + 45000 < r.old_size);
    assert_true(r.blocks_dropped >= 12);
    assert_true(r.blocks_kept >= 13);
    assert_int_equal(r.commit.seq, 1);
    assert_int_equal(r.commit.files, 3);
    care_expect_clean(c, c->other);
    fingerprint(c, c->file, NULL, before);
    fingerprint(c, c->other, NULL, after);
    assert_memory_equal(before, after, sizeof before);
}

static void test_compact__keeps_the_commit_asked_for(void **state)
{
    struct care *c = *state;
    bfc_compact_options o = BFC_COMPACT_OPTIONS_INIT;
    uint8_t before[BFC_DIGEST_SIZE], after[BFC_DIGEST_SIZE];

    history(c);
    o.at = "1";
    care_ok(c, bfc_compact(c->file, c->other, &o, NULL, &c->err));
    care_expect_clean(c, c->other);
    fingerprint(c, c->file, "1", before);
    fingerprint(c, c->other, NULL, after);
    assert_memory_equal(before, after, sizeof before);
    fingerprint(c, c->file, NULL, before);
    assert_memory_not_equal(before, after, sizeof before);
}

static void test_compact__gives_the_same_file_each_time(void **state)
{
    struct care *c = *state;
    char third[320];

    history(c);
    (void)snprintf(third, sizeof third, "%s/c.bfc", c->root);
    care_ok(c, compact(c, c->file, c->other, true, NULL));
    care_ok(c, compact(c, c->file, third, true, NULL));
    expect_same_bytes(c->other, third);
    care_ok(c, compact(c, c->other, third, true, NULL)); /* there is nothing left to do */
    expect_same_bytes(c->other, third);
    care_ok(c, compact(c, c->file, third, false, NULL)); /* drawn: another one */
    size_t len = 0, other_len = 0;
    AUTO_FREE uint8_t *bytes = care_load(c->other, &len);
    AUTO_FREE uint8_t *other = care_load(third, &other_len);
    assert_int_equal(len, other_len);
    assert_memory_not_equal(bytes + SUPER_AT_UUID, other + SUPER_AT_UUID, BFC_UUID_SIZE);
}

static void test_compact__goes_on_being_appended_to(void **state)
{
    struct care *c = *state;

    history(c);
    care_ok(c, compact(c, c->file, c->other, false, NULL));
    care_put_text(c->src, "later", "after the compaction");
    care_commit(c, c->other, true);
    care_expect_clean(c, c->other);
}

static void test_compact__replaces_only_when_told(void **state)
{
    struct care *c = *state;
    bfc_compact_options o = BFC_COMPACT_OPTIONS_INIT;
    size_t len = 0;

    history(c);
    care_put_text(c->root, "b.bfc", "precious");
    assert_int_equal(bfc_compact(c->file, c->other, &o, NULL, &c->err), BFC_E_EXISTS);
    AUTO_FREE uint8_t *kept = care_load(c->other, &len);
    assert_string_equal((const char *)kept, "precious");
    o.replace = true;
    assert_int_equal(bfc_compact(c->file, c->file, &o, NULL, &c->err), BFC_E_INVALID);
    assert_int_equal(unlink(c->other), 0);
    assert_int_equal(symlink(c->file, c->other), 0);
    assert_int_equal(bfc_compact(c->file, c->other, &o, NULL, &c->err), BFC_E_INVALID);
    care_expect_clean(c, c->file);
}

/* ── Damage ── */

/* Offset of the payload of a block that the commit uses, or does not use. */
static uint64_t find_block(struct care *c, bool of_last)
{
    size_t len = 0;
    AUTO_FREE uint8_t *bytes = care_load(c->file, &len);
    uint64_t found = 0;

    for (size_t at = SUPER_SIZE; at + FRAME_HEADER_SIZE < len; at++) {
        bfci_frame f;
        if (bytes[at] != 'B' || bfci_frame_decode(bytes + at, at, false, &f, NULL) < 0)
            continue;
        if (f.kind == FRAME_DATA && (of_last || !found))
            found = at + FRAME_HEADER_SIZE;
        at += FRAME_HEADER_SIZE + f.stored - 1;
    }
    assert_true(found > 0);
    return found;
}

static void test_compact__refuses_a_damaged_block(void **state)
{
    struct care *c = *state;

    history(c);
    care_put_text(c->root, "b.bfc", "precious");
    care_flip(c->file, find_block(c, true) + 3);
    assert_int_equal(compact(c, c->file, c->other, false, NULL), BFC_E_CORRUPT);
    assert_non_null(strstr(c->err.msg, "checksum mismatch"));
    assert_int_equal(care_size(c->other), 8); /* untouched */
    AUTO_FD int dir = open(c->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bfci_dir_list list = BFCI_DIR_LIST_INIT;
    assert_int_equal(bfci_dir_read(dir, &list, NULL), 0);
    assert_int_equal(list.count, 3); /* a.bfc, b.bfc, src: nothing half done */
    bfci_dir_list_release(&list);
}

static void test_compact__does_not_mind_damage_that_nothing_needs(void **state)
{
    struct care *c = *state;

    history(c);
    care_flip(c->file, find_block(c, false) + 3); /* content that was replaced */
    care_ok(c, compact(c, c->file, c->other, false, NULL));
    care_expect_clean(c, c->other);
}

/* ── What only crafted containers have ── */

static void test_compact__drops_what_nothing_refers_to(void **state)
{
    struct care *c = *state;
    struct craft k;
    uint8_t bytes[100] = {1}, digest[BFC_DIGEST_SIZE], value[16] = {0, 1, 1, 'n', 1, 'v'};
    bfc_compact_report r = {0};
    const bfci_inode dir = {.type = BFC_TYPE_DIR, .mode = 0755};

    craft_begin(&k, c->file);
    craft_block(&k, 3, bytes, 60);
    craft_block(&k, 8, bytes, 100);
    craft_tree(&k, ROOT_TREE, 1);
    craft_inode(&k, 1, &dir);
    bfci_inode n = craft_file(bytes, 70, 8, 0);
    craft_inode(&k, 5, &n);
    craft_name(&k, 1, "f", BFC_TYPE_FILE, 5);
    assert_int_equal(bfci_sha256(value + 1, 5, digest, NULL), 0);
    craft_put(&k, TABLE_XATTRS, (bfci_span){digest, sizeof digest}, value, 6);
    static const uint8_t who[64] = "who", what[73] = {1, 'w', 'h', 'a', 't'};
    craft_put(&k, TABLE_SIGNATURES, (bfci_span){who, sizeof who}, what, sizeof what);
    craft_number(&k, TABLE_CONTENTS, bfci_key_content(n.digest), 5);
    k.commit.next_ino = 6;
    k.commit.next_block = 9;
    k.commit.files = k.commit.dirs = 1;
    k.commit.content_bytes = 70;
    craft_end(&k);
    care_expect_clean(c, c->file);

    care_ok(c, compact(c, c->file, c->other, true, &r));
    assert_int_equal(r.blocks_kept, 1);
    assert_int_equal(r.blocks_dropped, 1);
    assert_int_equal(r.commit.data_stored, 100);
    care_expect_clean(c, c->other);

    bfci_source s = BFCI_SOURCE_INIT;
    int fd = open(c->other, O_RDONLY | O_CLOEXEC);
    assert_int_equal(bfci_source_open_fd(fd, &s, NULL), 0);
    assert_int_equal(s.commit.table[TABLE_XATTRS].count, 0);
    assert_int_equal(s.commit.table[TABLE_SIGNATURES].count, 0);
    assert_int_equal(s.commit.table[TABLE_CONTENTS].count, 1);
    assert_int_equal(s.commit.table[TABLE_BLOCKS].count, 1);
    assert_int_equal(s.commit.next_block, 9);
    bfci_source_release(&s);
}

static void test_compact__refuses_content_in_blocks_that_are_not_there(void **state)
{
    struct care *c = *state;
    struct craft k;
    uint8_t bytes[100] = {1};

    craft_begin(&k, c->file);
    craft_block(&k, 0, bytes, 100);
    bfci_inode n = craft_file(bytes, 100, 0, 0);
    n.size = UINT64_C(1) << 60;
    n.extent[0] = (bfci_extent){.len = n.size, .shift = 12};
    craft_inode(&k, 1, &n);
    k.commit.next_ino = 2;
    craft_end(&k);
    assert_int_equal(compact(c, c->file, c->other, false, NULL), BFC_E_CORRUPT);
    assert_int_equal(access(c->other, F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CARE_TEST(test_compact__keeps_the_commit_and_drops_the_rest),
        CARE_TEST(test_compact__keeps_the_commit_asked_for),
        CARE_TEST(test_compact__gives_the_same_file_each_time),
        CARE_TEST(test_compact__goes_on_being_appended_to),
        CARE_TEST(test_compact__replaces_only_when_told),
        CARE_TEST(test_compact__refuses_a_damaged_block),
        CARE_TEST(test_compact__does_not_mind_damage_that_nothing_needs),
        CARE_TEST(test_compact__drops_what_nothing_refers_to),
        CARE_TEST(test_compact__refuses_content_in_blocks_that_are_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
