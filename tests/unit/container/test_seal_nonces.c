/* SPDX-License-Identifier: Apache-2.0 */
/* No key ever sees a nonce twice. The linker puts this program between the library and its cipher
 * (--wrap), so that it sees every pair there is: of blocks, pages, records, slots and temporary
 * files, through creates, appends, blocks that were given back, attempts that failed, copies that
 * went separate ways, and compaction. */
#include "seal_fixture.h"

#include <pthread.h>

#include "codec/aead.h"
#include "container/feed.h"

enum {
    AEADS_MAX = 4096,
    PAIRS_MAX = 1 << 20
};

typedef struct pair {
    uint8_t key[BFCI_KEY_SIZE], nonce[BFCI_NONCE_SIZE];
} pair;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    const bfci_aead *aead;
    uint8_t key[BFCI_KEY_SIZE];
} known[AEADS_MAX];
static size_t known_count;
static pair pairs[PAIRS_MAX];
static size_t pair_count;

int __real_bfci_aead_set_key(bfci_aead *aead, const uint8_t key[BFCI_KEY_SIZE], bfc_err *err);
int __wrap_bfci_aead_set_key(bfci_aead *aead, const uint8_t key[BFCI_KEY_SIZE], bfc_err *err);
int __real_bfci_aead_seal(bfci_aead *aead, const uint8_t nonce[BFCI_NONCE_SIZE], const void *ad,
                          size_t ad_len, const uint8_t *in, size_t len, uint8_t *out,
                          uint8_t tag[BFCI_TAG_SIZE], bfc_err *err);
int __wrap_bfci_aead_seal(bfci_aead *aead, const uint8_t nonce[BFCI_NONCE_SIZE], const void *ad,
                          size_t ad_len, const uint8_t *in, size_t len, uint8_t *out,
                          uint8_t tag[BFCI_TAG_SIZE], bfc_err *err);

static size_t find(const bfci_aead *aead)
{
    size_t i = 0;

    while (i < known_count && known[i].aead != aead)
        i++;
    return i;
}

int __wrap_bfci_aead_set_key(bfci_aead *aead, const uint8_t key[BFCI_KEY_SIZE], bfc_err *err)
{
    pthread_mutex_lock(&lock);
    size_t i = find(aead);
    assert_true(i < AEADS_MAX);
    known_count = MAX(known_count, i + 1);
    known[i].aead = aead;
    memcpy(known[i].key, key, BFCI_KEY_SIZE);
    pthread_mutex_unlock(&lock);
    return __real_bfci_aead_set_key(aead, key, err);
}

int __wrap_bfci_aead_seal(bfci_aead *aead, const uint8_t nonce[BFCI_NONCE_SIZE], const void *ad,
                          size_t ad_len, const uint8_t *in, size_t len, uint8_t *out,
                          uint8_t tag[BFCI_TAG_SIZE], bfc_err *err)
{
    pthread_mutex_lock(&lock);
    size_t i = find(aead);
    assert_true(i < known_count && pair_count < PAIRS_MAX);
    memcpy(pairs[pair_count].key, known[i].key, BFCI_KEY_SIZE);
    memcpy(pairs[pair_count++].nonce, nonce, BFCI_NONCE_SIZE);
    pthread_mutex_unlock(&lock);
    return __real_bfci_aead_seal(aead, nonce, ad, ad_len, in, len, out, tag, err);
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(pair));
}

static void none_twice(size_t at_least)
{
    assert_true(pair_count >= at_least);
    qsort(pairs, pair_count, sizeof *pairs, compare);
    for (size_t i = 1; i < pair_count; i++)
        if (memcmp(&pairs[i - 1], &pairs[i], sizeof *pairs) == 0)
            fail_msg("a pair of key and nonce was used twice, of %zu", pair_count);
}

static void put_noise(struct care *c, const char *name, size_t len, uint64_t seed)
{
    AUTO_FREE uint8_t *bytes = malloc(len);

    assert_non_null(bytes);
    care_noise(bytes, len, seed);
    care_put(c->src, name, bytes, len);
}

static void test_nonces__creates_and_appends(void **state)
{
    struct care *c = *state;
    AUTO(bfc_keys) bfc_keys *keys = seal_keys(c, 1);
    bfc_compact_options o = BFC_COMPACT_OPTIONS_INIT;

    put_noise(c, "one", 300000, 1);
    seal_commit(c, c->file, false, keys);
    put_noise(c, "two", 300000, 2);
    seal_commit(c, c->file, true, keys);
    seal_commit(c, c->other, false, keys);
    o.keys = keys;
    o.replace = true;
    care_ok(c, bfc_compact(c->file, c->other, &o, NULL, &c->err));
    none_twice(400);
}

static void test_nonces__copies_that_go_separate_ways(void **state)
{
    struct care *c = *state;
    AUTO(bfc_keys) bfc_keys *keys = seal_keys(c, 1);
    size_t len = 0;

    put_noise(c, "one", 100000, 1);
    seal_commit(c, c->file, false, keys);
    AUTO_FREE uint8_t *bytes = care_load(c->file, &len);
    care_put(c->root, "b.bfc", bytes, len); /* c->other */
    put_noise(c, "two", 100000, 2);
    seal_commit(c, c->file, true, keys);
    put_noise(c, "two", 100000, 3);
    seal_commit(c, c->other, true, keys);
    none_twice(80);
}

/* The same segment is begun again and again, at the same place. */
static void test_nonces__attempts_that_fail(void **state)
{
    struct care *c = *state;
    AUTO(bfc_keys) bfc_keys *keys = seal_keys(c, 1);

    put_noise(c, "one", 100000, 1);
    seal_commit(c, c->file, false, keys);
    put_noise(c, "two", 200000, 2);
    for (int i = 0; i < 5; i++) {
        bfc_writer_options o = BFC_WRITER_OPTIONS_INIT;
        AUTO(bfc_writer) bfc_writer *w = NULL;
        o.block_size = 4096;
        o.keys = keys;
        care_ok(c, bfc_writer_append(c->file, &o, &w, &c->err));
        care_ok(c, bfc_writer_add_root(w, c->src, &c->err));
        care_ok(c, bfc_writer_add(w, c->src, "two", &c->err));
        char gone[600];
        (void)snprintf(gone, sizeof gone, "%s/zz-gone", c->src);
        care_put_text(c->src, "zz-gone", "x");
        care_ok(c, bfc_writer_add(w, c->src, "zz-gone", &c->err));
        assert_int_equal(unlink(gone), 0);
        assert_true(bfc_writer_commit(w, NULL, &c->err) < 0);
    }
    /* Cut off by a crash behind the last frame, and done again. */
    uint64_t whole = care_size(c->file);
    for (int i = 0; i < 3; i++) {
        seal_commit(c, c->file, true, keys);
        assert_int_equal(truncate(c->file, (off_t)whole), 0);
    }
    none_twice(200);
}

/* A large content that turns out to be known: its blocks and their numbers are given back. */
static int feed_twice(void *ctx, bfci_feed *feed, bfc_err *err)
{
    const uint8_t *bytes = ctx;
    const bfci_tree tree = {.kind = TREE_ROOTFS, .root = 1, .label = {(const uint8_t *)"", 0}};
    static const char *const name[] = {"a", "b", "c"};
    bfci_inode root = {.type = BFC_TYPE_DIR, .mode = 0755};
    const size_t len = 3 << 20;
    uint64_t top = bfci_feed_ino(feed);

    feed->in->extent_count = 0;
    BFC_TRY(bfci_feed_inode(feed, top, &root, false, err));
    BFC_TRY(bfci_stage_tree(feed->stage, ROOT_TREE, &tree, err));
    for (size_t i = 0; i < ARRAY_LEN(name); i++) {
        bfci_inode n = {.type = BFC_TYPE_FILE, .mode = 0644};
        uint64_t ino = bfci_feed_ino(feed);
        BFC_TRY(bfci_feed_begin(feed, name[i], len, false, err));
        BFC_TRY(bfci_feed_data(feed, bytes, len, err));
        BFC_TRY(bfci_feed_end(feed, ino, &n, err));
        BFC_TRY(bfci_feed_inode(feed, ino, &n, false, err));
        BFC_TRY(bfci_stage_dirent(feed->stage, top, name[i], BFC_TYPE_FILE, ino, err));
    }
    return 0;
}

static void test_nonces__blocks_that_are_given_back(void **state)
{
    struct care *c = *state;
    AUTO(bfc_keys) bfc_keys *keys = seal_keys(c, 1);
    AUTO_FREE uint8_t *bytes = malloc(3 << 20);
    bfc_writer_options o = BFC_WRITER_OPTIONS_INIT;
    AUTO(bfc_writer) bfc_writer *w = NULL;

    assert_non_null(bytes);
    care_noise(bytes, 3 << 20, 5);
    o.block_size = 4096;
    o.encrypt = true;
    o.keys = keys;
    care_ok(c, bfc_writer_create(c->file, &o, &w, &c->err));
    bfci_writer_feed(w, feed_twice, bytes);
    care_ok(c, bfc_writer_commit(w, NULL, &c->err));
    care_ok(c, seal_verify(c, c->file, true, keys, NULL));
    assert_true(care_size(c->file) < (5 << 20)); /* once, not three times */
    none_twice(2 * 768);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CARE_TEST(test_nonces__creates_and_appends),
        CARE_TEST(test_nonces__copies_that_go_separate_ways),
        CARE_TEST(test_nonces__attempts_that_fail),
        CARE_TEST(test_nonces__blocks_that_are_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
