/* SPDX-License-Identifier: Apache-2.0 */
/* verify: what is right passes; each kind of wrong, made with every checksum in order, is told and
 * named; what is damaged is told with all files that it touches; nothing that is made up at random
 * brings it down. */
#include "care_fixture.h"

/* ── A crafted container that is right: /a, /d/b (the same file), /d/c (a link), /d/s (sparse), /x
 * (xattrs) ── */

enum {
    ROOT = 1,
    FILE_A,
    DIR_D,
    LINK_C,
    SPARSE_S,
    XATTR_X,
    INODES_END,
    BLOCK_LEN = 8192
};

static const char set_value[] = "\1\6user.k\1v"; /* one attribute */

static void base(struct craft *k, const char *path)
{
    uint8_t block[BLOCK_LEN], key[32], digest[BFC_DIGEST_SIZE];
    bfci_inode dir = {.type = BFC_TYPE_DIR, .mode = 0755},
               link = {.type = BFC_TYPE_SYMLINK, .mode = 0777};

    craft_begin(k, path);
    care_noise(block, sizeof block, 7);
    craft_block(k, 0, block, sizeof block);
    craft_block(k, 1, block, 4096);
    craft_tree(k, ROOT_TREE, ROOT);
    craft_inode(k, ROOT, &dir);
    craft_inode(k, DIR_D, &dir);
    bfci_inode a = craft_file(block, 5000, 0, 0);
    craft_inode(k, FILE_A, &a);
    craft_number(k, TABLE_CONTENTS, bfci_key_content(a.digest), FILE_A);
    link.link_len = 1;
    link.link[0] = 'a';
    craft_inode(k, LINK_C, &link);

    bfci_inode s = {.type = BFC_TYPE_FILE, .mode = 0600, .size = 1 << 20, .extent_count = 2};
    s.extent[0] = (bfci_extent){.start = 4096, .len = 4096, .block = 1};
    s.extent[1] = (bfci_extent){.start = 65536, .len = 100, .block = 0, .offset = 6000};
    bfci_sha256_ctx *sha = NULL;
    bfci_hasher h;
    assert_int_equal(bfci_sha256_new(&sha, NULL), 0);
    assert_int_equal(bfci_hasher_start(&h, sha, true, NULL), 0);
    (void)bfci_hasher_hole(&h, 4096, NULL);
    (void)bfci_hasher_data(&h, block, 4096, NULL);
    (void)bfci_hasher_hole(&h, 65536 - 8192, NULL);
    (void)bfci_hasher_data(&h, block + 6000, 100, NULL);
    (void)bfci_hasher_hole(&h, (1 << 20) - 65636, NULL);
    assert_int_equal(bfci_hasher_finish(&h, &s.crc, s.digest, NULL), 0);
    bfci_sha256_free(sha);
    craft_inode(k, SPARSE_S, &s);

    assert_int_equal(bfci_sha256(set_value, sizeof set_value - 1, digest, NULL), 0);
    uint8_t value[64] = {0};
    memcpy(value + 1, set_value, sizeof set_value - 1);
    craft_put(k, TABLE_XATTRS, (bfci_span){digest, sizeof digest}, value, sizeof set_value);
    bfci_inode x = {.type = BFC_TYPE_FILE, .mode = 0644, .flags = INODE_XATTRS};
    memcpy(x.xattrs, digest, sizeof digest);
    craft_inode(k, XATTR_X, &x);

    craft_name(k, ROOT, "a", BFC_TYPE_FILE, FILE_A);
    craft_name(k, ROOT, "d", BFC_TYPE_DIR, DIR_D);
    craft_name(k, ROOT, "x", BFC_TYPE_FILE, XATTR_X);
    craft_name(k, DIR_D, "b", BFC_TYPE_FILE, FILE_A);
    craft_name(k, DIR_D, "c", BFC_TYPE_SYMLINK, LINK_C);
    craft_name(k, DIR_D, "s", BFC_TYPE_FILE, SPARSE_S);
    craft_number(k, TABLE_LINKS, bfci_key_u64(key, FILE_A), 2);
    craft_put(k, TABLE_BLOBS, (bfci_span){(const uint8_t *)"note", 4}, "\0text", 5);
    k->commit.next_ino = INODES_END;
    k->commit.next_block = 2;
    k->commit.files = 3;
    k->commit.dirs = 2;
    k->commit.symlinks = 1;
    k->commit.content_bytes = 5000 + (1 << 20);
}

static void test_verify__passes_what_is_right(void **state)
{
    struct care *c = *state;
    struct craft k;
    bfc_verify_report r = {0};

    base(&k, c->file);
    craft_end(&k);
    if (care_verify(c, c->file, false, 0, &r) != 0)
        fail_msg("%s", c->problems);
    assert_int_equal(r.problems, 0);
    assert_int_equal(r.blocks, 2);
    assert_int_equal(r.pages, 8);
    assert_int_equal(r.entries, 7);
    assert_int_equal(r.bytes, 0);
    assert_memory_equal(r.root_digest, k.commit.root_digest, BFC_DIGEST_SIZE);
    if (care_verify(c, c->file, true, 1, &r) != 0)
        fail_msg("%s", c->problems);
    assert_int_equal(r.bytes, 5000 + 4096 + 100);
}

/* ── Each kind of wrong ── */

static bfci_span ino_key(uint64_t ino)
{
    static uint8_t key[8];
    return bfci_key_u64(key, ino);
}

static void get_inode(struct craft *k, uint64_t ino, bfci_inode *n)
{
    struct craft_entry *e = craft_find(k, TABLE_INODES, ino_key(ino));
    assert_non_null(e);
    assert_int_equal(bfci_inode_decode((bfci_span){e->value, e->value_len}, n, NULL), 0);
}

/* clang-format off: one line each */
static void wrong_dangling(struct craft *k)
{
    craft_name(k, ROOT, "gone", BFC_TYPE_FILE, 77);
}
static void wrong_type(struct craft *k)
{
    craft_name(k, DIR_D, "c", BFC_TYPE_FIFO, LINK_C);
}
static void wrong_loop(struct craft *k)
{
    craft_name(k, DIR_D, "up", BFC_TYPE_DIR, ROOT);
}
static void wrong_twice(struct craft *k)
{
    craft_name(k, ROOT, "e", BFC_TYPE_DIR, DIR_D);
}
static void wrong_links(struct craft *k)
{
    craft_number(k, TABLE_LINKS, ino_key(FILE_A), 3);
}
static void wrong_no_links(struct craft *k)
{
    craft_remove(k, TABLE_LINKS, ino_key(FILE_A));
}
static void wrong_links_low(struct craft *k)
{
    craft_number(k, TABLE_LINKS, ino_key(FILE_A), 1);
}
static void wrong_links_dir(struct craft *k)
{
    craft_number(k, TABLE_LINKS, ino_key(DIR_D), 2);
}
static void wrong_links_none(struct craft *k)
{
    craft_number(k, TABLE_LINKS, ino_key(78), 2);
}
static void wrong_hint(struct craft *k)
{
    craft_number(k, TABLE_CONTENTS, (bfci_span){(const uint8_t *)"12345678", CONTENT_KEY_LEN},
                 FILE_A);
}
static void wrong_hint_dir(struct craft *k)
{
    craft_number(k, TABLE_CONTENTS, (bfci_span){(const uint8_t *)"12345678", CONTENT_KEY_LEN},
                 DIR_D);
}
static void wrong_hint_gone(struct craft *k)
{
    craft_number(k, TABLE_CONTENTS, (bfci_span){(const uint8_t *)"12345678", CONTENT_KEY_LEN}, 99);
}
static void wrong_name(struct craft *k)
{
    craft_name(k, ROOT, "..", BFC_TYPE_FILE, FILE_A);
}
static void wrong_folder(struct craft *k)
{
    craft_name(k, 66, "n", BFC_TYPE_FILE, FILE_A);
}
static void wrong_in_file(struct craft *k)
{
    craft_name(k, XATTR_X, "n", BFC_TYPE_FILE, LINK_C);
}
static void wrong_root(struct craft *k)
{
    craft_tree(k, ROOT_TREE, FILE_A);
}
static void wrong_no_tree(struct craft *k)
{
    craft_remove(k, TABLE_TREES, (bfci_span){(const uint8_t[4]){0}, 4});
}
static void wrong_next_ino(struct craft *k)
{
    k->commit.next_ino = XATTR_X;
}
static void wrong_next_block(struct craft *k)
{
    k->commit.next_block = 1;
}
static void wrong_files(struct craft *k)
{
    k->commit.files++;
}
static void wrong_content(struct craft *k)
{
    k->commit.content_bytes++;
}
static void wrong_stored(struct craft *k)
{
    k->commit.data_stored++;
}
static void wrong_count(struct craft *k)
{
    k->commit.table[TABLE_INODES].count = 1;
}
static void wrong_inode(struct craft *k)
{
    craft_put(k, TABLE_INODES, ino_key(LINK_C), "\11\0", 2);
}
static void wrong_key(struct craft *k)
{
    craft_put(k, TABLE_BLOCKS, (bfci_span){(const uint8_t *)"abc", 3}, "x", 1);
}
/* clang-format on */

static void wrong_set(struct craft *k)
{
    for (size_t i = 0; i < k->count; i++)
        if (k->entry[i].table == TABLE_XATTRS)
            k->entry[i].value[k->entry[i].value_len - 1] ^= 1;
}
static void wrong_no_set(struct craft *k)
{
    for (size_t i = 0; i < k->count; i++)
        if (k->entry[i].table == TABLE_XATTRS)
            k->entry[i].key[5] ^= 1;
}
static void wrong_unnamed(struct craft *k)
{
    uint8_t key[KEY_MAX];
    craft_remove(k, TABLE_DIRENTS, bfci_key_dirent(key, DIR_D, "c", 1));
}
static void wrong_island(struct craft *k)
{
    const bfci_inode dir = {.type = BFC_TYPE_DIR, .mode = 0755};
    craft_inode(k, 40, &dir);
    craft_inode(k, 41, &dir);
    craft_name(k, 40, "in", BFC_TYPE_DIR, 41);
    craft_name(k, 41, "out", BFC_TYPE_DIR, 40);
    k->commit.next_ino = 50;
    k->commit.dirs += 2;
}
static void wrong_block(struct craft *k)
{
    bfci_inode n;
    get_inode(k, FILE_A, &n);
    n.extent[0].block = 5;
    craft_inode(k, FILE_A, &n);
}
static void wrong_beyond(struct craft *k)
{
    bfci_inode n;
    get_inode(k, FILE_A, &n);
    n.extent[0].offset = BLOCK_LEN - 4999;
    craft_inode(k, FILE_A, &n);
}
static void wrong_run(struct craft *k)
{
    bfci_inode n;
    get_inode(k, FILE_A, &n);
    n.extent[0] = (bfci_extent){.len = 5000, .block = 0, .shift = 12}; /* block 0 has 8192 bytes */
    craft_inode(k, FILE_A, &n);
}
static void wrong_run_huge(struct craft *k)
{
    bfci_inode n;
    get_inode(k, FILE_A, &n);
    n.size = UINT64_C(1) << 62;
    n.extent[0] = (bfci_extent){.len = UINT64_C(1) << 62, .block = 0, .shift = 13};
    craft_inode(k, FILE_A, &n);
}
static void put_spilled(struct craft *k, uint64_t ino, uint64_t from, uint64_t len)
{
    uint8_t key[16];
    const bfci_extent e = {.start = from, .len = len, .block = 0};
    buf b = BUF_INIT;
    bfci_extents_entry_encode(&b, &e, 1);
    craft_put_buf(k, TABLE_EXTENTS, bfci_key_pair(key, ino, from), &b);
}
static void wrong_spilled_extra(struct craft *k)
{
    put_spilled(k, FILE_A, 0, 10);
}
static void wrong_spilled_stray(struct craft *k)
{
    put_spilled(k, 60, 0, 10);
}
static void wrong_spilled_none(struct craft *k)
{
    bfci_inode n;
    get_inode(k, FILE_A, &n);
    n.flags |= INODE_SPILLED;
    n.extent_count = 0;
    craft_inode(k, FILE_A, &n);
}
static void wrong_spilled_overlap(struct craft *k)
{
    wrong_spilled_none(k);
    put_spilled(k, FILE_A, 0, 100);
    put_spilled(k, FILE_A, 99, 100);
}
static void change_block(struct craft *k, uint64_t number, uint64_t offset, uint32_t raw)
{
    struct craft_entry *e = craft_find(k, TABLE_BLOCKS, ino_key(number));
    bfci_ref ref;
    buf b = BUF_INIT;
    assert_int_equal(bfci_block_decode((bfci_span){e->value, e->value_len}, &ref, NULL), 0);
    ref.offset = offset ? offset : ref.offset;
    ref.raw = raw ? raw : ref.raw;
    bfci_block_encode(&b, &ref);
    craft_put_buf(k, TABLE_BLOCKS, ino_key(number), &b);
}
static void wrong_overlap(struct craft *k)
{
    change_block(k, 1, SUPER_SIZE + FRAME_HEADER_SIZE + 100, 0);
}
static void wrong_outside(struct craft *k)
{
    change_block(k, 1, UINT64_C(1) << 40, 0);
}
static void wrong_raw(struct craft *k)
{
    change_block(k, 1, 0, 65537);
}
static void wrong_blob(struct craft *k)
{
    craft_put(k, TABLE_BLOBS, (bfci_span){(const uint8_t *)"note", 4}, "\2text", 5);
}

static const struct wrong {
    void (*make)(struct craft *k);
    const char *expected;
} wrongs[] = {
    {wrong_dangling, "[gone] its inode 77 is missing"},
    {wrong_type, "[d/c] an entry gives it another type than its inode"},
    {wrong_loop, "[] the folder is entered from more than one place"},
    {wrong_twice, "[d] the folder is entered from more than one place"},
    {wrong_links, "[a] has 2 names, the table of links says 3"},
    {wrong_no_links, "[a] has several names, which the table of links does not tell"},
    {wrong_links_low, "a count of names below 2"},
    {wrong_links_dir, "[d] a folder in the table of links"},
    {wrong_links_none, "the table of links names inode 78, which does not exist"},
    {wrong_hint, "[a] the table of contents names it under another digest"},
    {wrong_hint_dir, "[d] the table of contents names it under another digest"},
    {wrong_hint_gone, "the table of contents names inode 99, which does not exist"},
    {wrong_name, "directory entry with an illegal name '..'"},
    {wrong_folder, "entries of folder 66, which does not exist"},
    {wrong_in_file, "entries of folder 6, which does not exist"},
    {wrong_root, "the root of tree 0, inode 2, is not a folder"},
    {wrong_no_tree, "the commit has no file system tree"},
    {wrong_next_ino, "[x] inode number that is not between 0 and next_ino"},
    {wrong_next_block, "block number not below next_block"},
    {wrong_files, "the commit record says files 4, counted were 3"},
    {wrong_content, "the commit record says content_bytes"},
    {wrong_stored, "the commit record says data_stored"},
    {wrong_count, "the table of inodes has 6 entries, the commit record says 7"},
    {wrong_inode, "[d/c] malformed inode"},
    {wrong_key, "key of a wrong length"},
    {wrong_set, "[x] its set of extended attributes is damaged"},
    {wrong_no_set, "[x] its set of extended attributes is missing"},
    {wrong_unnamed, "inode 4: no name leads to it"},
    {wrong_island, "inode 41: no tree leads to this folder"},
    {wrong_block, "[a] content in block 5, which is not there"},
    {wrong_beyond, "[a] content beyond the end of block 0"},
    {wrong_run, "[a] content runs through blocks from 0 on whose sizes differ"},
    {wrong_run_huge, "which are not all there"},
    {wrong_spilled_extra, "[a] entries in the extents table for an inode that has none there"},
    {wrong_spilled_stray, "extents of an inode that does not exist"},
    {wrong_spilled_none, "[a] no extents in the extents table"},
    {wrong_spilled_overlap, "[a] extents overlap"},
    {wrong_overlap, "a frame begins here, before the one before it ends"},
    {wrong_outside, "a reference points outside"},
    {wrong_raw, "a reference with illegal sizes"},
    {wrong_blob, "malformed reference to stored bytes"},
};

static void test_verify__tells_each_kind_of_wrong(void **state)
{
    struct care *c = *state;

    for (size_t i = 0; i < ARRAY_LEN(wrongs); i++) {
        struct craft k;
        bfc_verify_report r = {0};
        base(&k, c->file);
        wrongs[i].make(&k);
        craft_end(&k);
        int rc = care_verify(c, c->file, i % 2 == 0, 1, &r);
        if (rc != BFC_E_CORRUPT)
            fail_msg("'%s' passed", wrongs[i].expected);
        care_expect_problem(c, wrongs[i].expected);
        assert_true(r.problems > 0);
        assert_int_equal(c->err.code, BFC_E_CORRUPT);
    }
}

static void test_verify__looks_at_the_padding(void **state)
{
    struct care *c = *state;
    struct craft k;

    base(&k, c->file);
    craft_end(&k);
    care_flip(c->file, k.commit.offset - 1);
    assert_int_equal(care_verify(c, c->file, false, 1, NULL), BFC_E_CORRUPT);
    care_expect_problem(c, "padding before the commit record that is not zero");
}

/* ── Trees ── */

static void test_verify__lets_trees_share_folders(void **state)
{
    struct care *c = *state;
    const bfci_inode dir = {.type = BFC_TYPE_DIR, .mode = 0755};
    struct craft k;
    bfc_verify_report r = {0};

    base(&k, c->file);
    craft_tree(&k, 1, 40);
    craft_tree(&k, 2, DIR_D);
    craft_inode(&k, 40, &dir);
    craft_name(&k, 40, "of the other tree", BFC_TYPE_DIR, DIR_D);
    k.commit.next_ino = 41;
    k.commit.dirs++;
    craft_end(&k);
    if (care_verify(c, c->file, false, 1, &r) != 0)
        fail_msg("%s", c->problems);
    assert_int_equal(r.entries, 7 + 3); /* names and roots */
}

static void test_verify__limits_depth(void **state)
{
    struct care *c = *state;
    const bfci_inode dir = {.type = BFC_TYPE_DIR, .mode = 0755};

    for (int too_deep = 0; too_deep < 2; too_deep++) {
        struct craft k;
        uint64_t depth = BFCI_DEPTH_MAX + (uint64_t)too_deep;
        craft_begin(&k, c->file);
        craft_tree(&k, ROOT_TREE, 1);
        for (uint64_t ino = 1; ino <= depth + 1; ino++) {
            craft_inode(&k, ino, &dir);
            if (ino > 1)
                craft_name(&k, ino - 1, "d", BFC_TYPE_DIR, ino);
        }
        k.commit.next_ino = depth + 2;
        k.commit.dirs = depth + 1;
        craft_end(&k);
        assert_int_equal(care_verify(c, c->file, false, 1, NULL), too_deep ? BFC_E_CORRUPT : 0);
        if (too_deep)
            care_expect_problem(c, "lies deeper than 4096 names");
    }
}

/* ── Content ── */

static void test_verify__deep_checks_what_files_say_of_their_content(void **state)
{
    struct care *c = *state;
    static const char *const expected[] = {"[a] content digest mismatch",
                                           "[a] content checksum mismatch",
                                           "[d/s] content digest mismatch"};

    for (int i = 0; i < 3; i++) {
        struct craft k;
        bfci_inode n;
        base(&k, c->file);
        get_inode(&k, i == 2 ? SPARSE_S : FILE_A, &n);
        if (i == 1)
            n.crc ^= 1;
        else
            n.digest[31] ^= 1;
        craft_inode(&k, i == 2 ? SPARSE_S : FILE_A, &n);
        craft_end(&k);
        care_ok(c, care_verify(c, c->file, false, 1, NULL)); /* quick does not look */
        assert_int_equal(care_verify(c, c->file, true, 1, NULL), BFC_E_CORRUPT);
        care_expect_problem(c, expected[i]);
    }
}

static void test_verify__names_every_file_in_a_damaged_block(void **state)
{
    struct care *c = *state;
    struct craft k;
    bfc_verify_report r = {0};

    base(&k, c->file);
    craft_end(&k);
    care_flip(c->file,
              SUPER_SIZE + FRAME_HEADER_SIZE + 20); /* block 0: a and s have content there */
    care_ok(c, care_verify(c, c->file, false, 1, NULL));
    assert_int_equal(care_verify(c, c->file, true, 3, &r), BFC_E_CORRUPT);
    assert_int_equal(r.problems, 3);
    care_expect_problem(c, "[-] block 0: checksum mismatch");
    care_expect_problem(c, "[a] content damaged: bytes 0 to 4999 lie in block 0");
    care_expect_problem(c, "[d/s] content damaged: bytes 65536 to 65635 lie in block 0");
}

static void test_verify__deep_compares_frame_headers(void **state)
{
    struct care *c = *state;
    struct craft k;
    uint8_t header[FRAME_HEADER_SIZE];
    bfci_frame f;

    base(&k, c->file);
    craft_end(&k);
    AUTO_FD int fd = open(c->file, O_RDWR | O_CLOEXEC);
    assert_int_equal(bfci_pread_exact(fd, header, sizeof header, SUPER_SIZE, NULL), 0);
    assert_int_equal(bfci_frame_decode(header, SUPER_SIZE, false, &f, NULL), 0);
    f.number = 9;
    bfci_frame_encode(&f, header);
    assert_int_equal(bfci_pwrite_all(fd, header, sizeof header, SUPER_SIZE, NULL), 0);
    assert_int_equal(care_verify(c, c->file, true, 1, NULL), BFC_E_CORRUPT);
    care_expect_problem(c, "frame header differs from the block table");
}

/* Large files go another way than small ones: through the ring. */
static void test_verify__deep_checks_large_files(void **state)
{
    struct care *c = *state;
    const size_t len = 9 << 20;
    uint8_t *bytes = malloc(len);
    bfc_verify_report r = {0};

    assert_non_null(bytes);
    care_noise(bytes, len, 3);
    memset(bytes + (2 << 20), 0, 1 << 20); /* a hole, if the writer makes one */
    care_put(c->src, "large", bytes, len);
    care_put_text(c->src, "small", "little");
    free(bytes);
    care_commit(c, c->file, false);
    for (unsigned jobs = 1; jobs <= 3; jobs++) {
        if (care_verify(c, c->file, true, jobs, &r) != 0)
            fail_msg("%s", c->problems);
        assert_true(r.bytes >= (8 << 20) + 6);
    }
    care_flip(c->file, 5 << 20);
    assert_int_equal(care_verify(c, c->file, true, 2, &r), BFC_E_CORRUPT);
    care_expect_problem(c, "[large] content damaged");
    assert_null(strstr(c->problems, "[small]"));
}

/* ── Unreadable pages ── */

static void put_many(struct care *c, int count)
{
    for (int i = 0; i < count; i++) {
        char name[32], text[64];
        (void)snprintf(name, sizeof name, "file%05d", i);
        (void)snprintf(text, sizeof text, "content of file %d", i);
        care_put_text(c->src, name, text);
    }
}

/* Every page is damaged once: the run goes on, and tells of that page. */
static void test_verify__goes_on_after_an_unreadable_page(void **state)
{
    struct care *c = *state;
    bfc_verify_report whole = {0};
    size_t len = 0, pages = 0, with_paths = 0;

    put_many(c, 1500);
    care_commit(c, c->file, false);
    care_ok(c, care_verify(c, c->file, false, 1, &whole));
    uint8_t *bytes = care_load(c->file, &len);
    for (size_t at = SUPER_SIZE; at + FRAME_HEADER_SIZE < len; at++) {
        bfci_frame f;
        bfc_verify_report r = {0};
        if (bytes[at] != 'B' || bfci_frame_decode(bytes + at, at, false, &f, NULL) < 0)
            continue;
        size_t middle = at + FRAME_HEADER_SIZE + f.stored / 2;
        at += FRAME_HEADER_SIZE + f.stored - 1;
        if (f.kind != FRAME_PAGE)
            continue;
        pages++;
        care_flip(c->file, middle);
        assert_int_equal(care_verify(c, c->file, false, 1, &r), BFC_E_CORRUPT);
        care_expect_problem(c, "lost");
        with_paths += strstr(c->problems, "[file0") != NULL;
        assert_true(r.pages < whole.pages);
        care_flip(c->file, middle);
    }
    free(bytes);
    assert_int_equal(pages, whole.pages);
    assert_true(with_paths > 2); /* inodes and blocks: their files are named */
    care_expect_clean(c, c->file);
}

/* The inode of the root and those of all other folders are lost: paths are told all the same. */
static void test_verify__tells_paths_below_lost_folders(void **state)
{
    struct care *c = *state;
    struct craft k;

    base(&k, c->file);
    craft_remove(&k, TABLE_INODES, ino_key(ROOT));
    craft_remove(&k, TABLE_INODES, ino_key(DIR_D));
    wrong_inode(&k); /* d/c: damage in the table is what lets folders be adopted */
    craft_end(&k);
    assert_int_equal(care_verify(c, c->file, false, 1, NULL), BFC_E_CORRUPT);
    care_expect_problem(c, "[d] its inode 3 is missing");
    care_expect_problem(c, "[d/c] malformed inode");
}

/* ── Flips and random entries ── */

static void test_verify__sees_every_flipped_byte(void **state)
{
    struct care *c = *state;
    struct craft k;

    base(&k, c->file);
    craft_end(&k);
    uint64_t size = care_size(c->file);
    for (uint64_t at = 0; at < size;
         at += at < SUPER_SIZE || at > size - 2 * COMMIT_SIZE ? 41 : 1) {
        if (at == SUPER_SIZE + FRAME_HEADER_SIZE)
            at += BLOCK_LEN - 200; /* a block is a block */
        care_flip(c->file, at);
        if (care_verify(c, c->file, true, 1, NULL) == 0)
            fail_msg("the flip of byte %" PRIu64 " was not seen", at);
        care_flip(c->file, at);
    }
    care_expect_clean(c, c->file);
}

/* Checksums right, meaning at random. Whatever it says, it returns. */
static void test_verify__survives_random_entries(void **state)
{
    struct care *c = *state;
    uint64_t seed = getenv("BFC_TEST_SEED") ? strtoull(getenv("BFC_TEST_SEED"), NULL, 10) : 1;
    size_t passed = 0;

    print_message("seed %" PRIu64 "\n", seed);
    for (int round = 0; round < 400; round++) {
        struct craft k;
        uint8_t random[64];
        care_noise(random, sizeof random, seed * 100000 + (uint64_t)round);
        base(&k, c->file);
        for (int i = 0; i <= random[0] % 3; i++) {
            struct craft_entry *e = &k.entry[random[1 + i] % k.count];
            if (e->value_len == 0)
                continue;
            size_t at = random[5 + i] % e->value_len;
            e->value[at] = random[10 + i] & 1 ? random[15 + i] : (uint8_t)(e->value[at] + 1);
            if (random[20 + i] % 8 == 0)
                e->key[e->key_len - 1] ^= random[25 + i];
            if (random[30 + i] % 8 == 0)
                e->value_len = random[35 + i] % (e->value_len + 1);
        }
        for (size_t i = 0; i < k.count; i++)
            for (size_t j = i + 1; j < k.count; j++)
                if (craft_compare(&k.entry[i], &k.entry[j]) == 0)
                    k.entry[j--] = k.entry[--k.count];
        craft_end(&k);
        int rc = care_verify(c, c->file, true, 2, NULL);
        assert_true(rc == 0 || rc == BFC_E_CORRUPT);
        passed += rc == 0;
    }
    assert_true(passed < 100); /* modes, owners and times may be anything */
}

/* ── Options ── */

static int told; /* calls of the hook */
static void count_progress(void *ctx, const bfc_progress *p)
{
    (void)ctx;
    assert_string_equal(p->phase, "verify");
    told++;
}

static void test_verify__heeds_its_hooks(void **state)
{
    struct care *c = *state;
    struct craft k;
    int cancel = 0;
    const bfc_hooks hooks = {.progress = count_progress, .cancel = &cancel};
    bfc_verify_options o = BFC_VERIFY_OPTIONS_INIT;

    base(&k, c->file);
    craft_end(&k);
    o.hooks = &hooks;
    o.deep = true;
    care_ok(c, bfc_verify(c->file, &o, NULL, &c->err));
    assert_true(told > 0);
    cancel = 1;
    assert_int_equal(bfc_verify(c->file, &o, NULL, &c->err), BFC_E_CANCELLED);
}

static void test_verify__compares_the_root_digest(void **state)
{
    struct care *c = *state;
    struct craft k;
    uint8_t digest[BFC_DIGEST_SIZE];
    bfc_verify_options o = BFC_VERIFY_OPTIONS_INIT;

    base(&k, c->file);
    craft_end(&k);
    memcpy(digest, k.commit.root_digest, sizeof digest);
    o.root_digest = digest;
    care_ok(c, bfc_verify(c->file, &o, NULL, &c->err));
    digest[3] ^= 1;
    assert_int_equal(bfc_verify(c->file, &o, NULL, &c->err), BFC_E_CORRUPT);
    assert_non_null(strstr(c->err.msg, "not the one asked for"));
}

static void test_verify__looks_at_the_commit_asked_for(void **state)
{
    struct care *c = *state;
    bfc_verify_options o = BFC_VERIFY_OPTIONS_INIT;
    bfc_verify_report r = {0};

    care_put_text(c->src, "one", "1");
    care_commit(c, c->file, false);
    care_put_text(c->src, "two", "2");
    care_commit(c, c->file, true);
    o.at = "1";
    care_ok(c, bfc_verify(c->file, &o, &r, &c->err));
    assert_int_equal(r.entries, 2);
    o.at = NULL;
    care_ok(c, bfc_verify(c->file, &o, &r, &c->err));
    assert_int_equal(r.entries, 3);
    o.at = "3";
    assert_int_equal(bfc_verify(c->file, &o, &r, &c->err), BFC_E_NOT_FOUND);
}

static void test_verify__follows_the_chain_of_commits(void **state)
{
    struct care *c = *state;
    bfc_commit_info first;
    bfc_reader *r = NULL;
    bfc_container_info info;

    care_put_text(c->src, "one", "1");
    care_commit(c, c->file, false);
    care_ok(c, bfc_reader_open(c->file, NULL, &r, &c->err));
    care_ok(c, bfc_reader_info(r, &info, &c->err));
    first = info.commit;
    bfc_reader_close(r);
    care_put_text(c->src, "two", "2");
    care_commit(c, c->file, true);
    care_expect_clean(c, c->file);
    care_flip(c->file, first.offset + COMMIT_AT_TIME);
    assert_int_equal(care_verify(c, c->file, false, 1, NULL), BFC_E_CORRUPT);
    care_expect_problem(c, "commits before it cannot be told");
}

static void test_verify__says_the_same_with_any_number_of_threads(void **state)
{
    struct care *c = *state;
    char one[sizeof c->problems];

    put_many(c, 600);
    care_commit(c, c->file, false);
    for (uint64_t at = 4200; at < 24000; at += 5000)
        care_flip(c->file, at);
    assert_int_equal(care_verify(c, c->file, true, 1, NULL), BFC_E_CORRUPT);
    memcpy(one, c->problems, sizeof one);
    assert_int_equal(care_verify(c, c->file, true, 4, NULL), BFC_E_CORRUPT);
    assert_string_equal(one, c->problems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CARE_TEST(test_verify__passes_what_is_right),
        CARE_TEST(test_verify__tells_each_kind_of_wrong),
        CARE_TEST(test_verify__looks_at_the_padding),
        CARE_TEST(test_verify__lets_trees_share_folders),
        CARE_TEST(test_verify__limits_depth),
        CARE_TEST(test_verify__deep_checks_what_files_say_of_their_content),
        CARE_TEST(test_verify__names_every_file_in_a_damaged_block),
        CARE_TEST(test_verify__deep_compares_frame_headers),
        CARE_TEST(test_verify__deep_checks_large_files),
        CARE_TEST(test_verify__goes_on_after_an_unreadable_page),
        CARE_TEST(test_verify__tells_paths_below_lost_folders),
        CARE_TEST(test_verify__sees_every_flipped_byte),
        CARE_TEST(test_verify__survives_random_entries),
        CARE_TEST(test_verify__heeds_its_hooks),
        CARE_TEST(test_verify__compares_the_root_digest),
        CARE_TEST(test_verify__looks_at_the_commit_asked_for),
        CARE_TEST(test_verify__follows_the_chain_of_commits),
        CARE_TEST(test_verify__says_the_same_with_any_number_of_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
