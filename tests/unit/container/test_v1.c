/* SPDX-License-Identifier: Apache-2.0 */
/* Encrypted containers of version 1: right keys, wrong ones and none, damage told from a wrong key,
 * and contents of many pieces, of which no byte may come out before all were authenticated. What
 * needs no key is in tests/e2e/v1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "codec/digest.h"
#include "container/v1_sealed.h"
#include "sys/file.h"

#define PASSWORD "correct horse"
#define BIG_PATH "dir/big"

static bfc_keys *with_password(const char *password)
{
    bfc_keys *keys = NULL;
    assert_int_equal(bfc_keys_new(NULL, &keys, NULL), 0);
    assert_int_equal(bfc_keys_add_password(keys, password, strlen(password), NULL), 0);
    return keys;
}

static bfc_keys *with_key_file(const char *path)
{
    bfc_keys *keys = NULL;
    assert_int_equal(bfc_keys_new(NULL, &keys, NULL), 0);
    assert_int_equal(bfc_keys_add_key_file(keys, path, NULL), 0);
    return keys;
}

static bfc_reader *open_with(const char *path, const bfc_keys *keys)
{
    bfc_reader_options o = BFC_READER_OPTIONS_INIT;
    bfc_reader *r = NULL;
    o.keys = keys;
    assert_int_equal(bfc_reader_open(path, &o, &r, NULL),
                     0); /* whatever the keys: names are plain */
    return r;
}

static int read_at(bfc_reader *r, const char *path, uint64_t offset, char *out, size_t len,
                   bfc_err *err)
{
    bfc_entry e;
    size_t got = 0;
    assert_int_equal(bfc_reader_stat(r, path, &e, NULL), 0);
    int rc = bfc_reader_read(r, e.ino, offset, out, len, &got, err);
    if (rc == 0)
        out[got] = '\0';
    return rc;
}

static void expect(const char *path, bfc_keys *keys, int code, const char *words)
{
    bfc_err err = BFC_ERR_INIT;
    bfc_verify_options verify = BFC_VERIFY_OPTIONS_INIT;
    char text[16] = "";
    bfc_reader *r = open_with(path, keys);

    assert_int_equal(read_at(r, "v1src/hello.txt", 0, text, 15, &err), code);
    if (code == 0)
        assert_string_equal(text, "hello\n");
    else
        assert_non_null(strstr(err.msg, words));
    bfc_reader_close(r);
    verify.deep = true;
    verify.keys = keys;
    assert_int_equal(bfc_verify(path, &verify, NULL, &err), code);
    bfc_keys_free(keys);
}

static void test_v1__opens_with_the_right_key(void **state)
{
    (void)state;
    expect(SAMPLES "/pw.bfc", with_password(PASSWORD), 0, "");
    expect(SAMPLES "/key.bfc", with_key_file(SAMPLES "/key.bin"), 0, "");
}

static const char *folder(void)
{
    const char *dir = getenv("TMPDIR");
    return dir ? dir : "/tmp";
}

static const char *scratch(const char *name, const void *bytes, size_t len)
{
    static char path[300];
    AUTO_FD int fd = -1;
    (void)snprintf(path, sizeof path, "%s/bfc-v1-%d-%s", folder(), (int)getpid(), name);
    assert_int_equal(bfci_open(AT_FDCWD, path, O_CREAT | O_TRUNC | O_WRONLY, 0600, &fd, NULL), 0);
    assert_int_equal(bfci_write_all(fd, bytes, len, NULL), 0);
    return path;
}

static void test_v1__refuses_wrong_keys(void **state)
{
    static const uint8_t other[BFC_KEY_FILE_SIZE] = {1};
    const char *wrong = scratch("key", other, sizeof other);

    (void)state;
    expect(SAMPLES "/pw.bfc", with_password("incorrect horse"), BFC_E_DENIED, "wrong password");
    expect(SAMPLES "/pw.bfc", NULL, BFC_E_DENIED, "none was given (--password-file)");
    expect(SAMPLES "/pw.bfc", with_key_file(wrong), BFC_E_DENIED, "none was given");
    expect(SAMPLES "/key.bfc", with_key_file(wrong), BFC_E_DENIED, "wrong key file");
    expect(SAMPLES "/key.bfc", with_password(PASSWORD), BFC_E_DENIED, "(--key-file)");
    assert_int_equal(unlink(wrong), 0);
}

static void test_v1__extract_and_compact_take_keys(void **state)
{
    bfc_compact_options compact = BFC_COMPACT_OPTIONS_INIT;
    char text[16], path[300];
    bfc_err err = BFC_ERR_INIT;

    (void)state;
    (void)snprintf(path, sizeof path, "%s/bfc-v1-%d-new", folder(), (int)getpid());
    assert_int_equal(bfc_compact(SAMPLES "/key.bfc", path, &compact, NULL, &err), BFC_E_DENIED);
    assert_int_equal(access(path, F_OK), -1);
    bfc_keys *keys = with_key_file(SAMPLES "/key.bin");
    compact.keys = keys;
    assert_int_equal(bfc_compact(SAMPLES "/key.bfc", path, &compact, NULL, &err), 0);
    bfc_reader *r = NULL; /* what was encrypted stays so */
    assert_int_equal(bfc_reader_open(path, NULL, &r, &err), BFC_E_DENIED);
    r = open_with(path, keys);
    assert_int_equal(read_at(r, "v1src/hello.txt", 0, text, 15, &err), 0);
    assert_string_equal(text, "hello\n");
    bfc_reader_close(r);
    bfc_keys_free(keys);
    assert_int_equal(unlink(path), 0);
}

/* ── Asking ── */

struct asker {
    unsigned right_at, calls; /* the attempt that gives the right password; 0: none */
};

static int answer(void *ctx, const bfc_prompt *about, char *password, size_t *len, bfc_err *err)
{
    struct asker *a = ctx;
    const char *word = ++a->calls == a->right_at ? PASSWORD : "no";

    (void)err;
    assert_int_equal(about->purpose, BFC_PROMPT_OPEN);
    assert_int_equal(about->attempt, a->calls);
    assert_string_equal(about->what, SAMPLES "/pw.bfc");
    memcpy(password, word, strlen(word));
    *len = strlen(word);
    return 0;
}

static void ask(struct asker *a, int code)
{
    char text[16];
    bfc_keys *keys = NULL;

    assert_int_equal(bfc_keys_new(NULL, &keys, NULL), 0);
    bfc_keys_set_prompt(keys, answer, a);
    bfc_reader *r = open_with(SAMPLES "/pw.bfc", keys);
    assert_int_equal(a->calls, 0); /* a list needs none */
    assert_int_equal(read_at(r, "v1src/hello.txt", 0, text, 15, NULL), code);
    bfc_reader_close(r);
    if (code == 0) { /* it is kept */
        unsigned before = a->calls;
        r = open_with(SAMPLES "/pw.bfc", keys);
        assert_int_equal(read_at(r, "v1src/hello.txt", 0, text, 15, NULL), 0);
        bfc_reader_close(r);
        assert_int_equal(a->calls, before);
    }
    bfc_keys_free(keys);
}

static void test_v1__asks_for_a_password(void **state)
{
    struct asker second = {.right_at = 2}, never = {0};

    (void)state;
    ask(&second, 0);
    assert_int_equal(second.calls, 2);
    ask(&never, BFC_E_DENIED);
    assert_int_equal(never.calls, 3);
}

/* ── Damage ── */

static void flip(const char *path, uint64_t at)
{
    AUTO_FD int fd = -1;
    uint8_t byte;
    assert_int_equal(bfci_open(AT_FDCWD, path, O_RDWR, 0, &fd, NULL), 0);
    assert_int_equal(bfci_pread_exact(fd, &byte, 1, at, NULL), 0);
    byte ^= 1;
    assert_int_equal(bfci_pwrite_all(fd, &byte, 1, at, NULL), 0);
}

static void test_v1__tells_damage_from_a_wrong_key(void **state)
{
    /* The last byte of each file's tag: hello.txt, zero, файл.txt, ls, random.bin, numbers.txt. */
    static const uint64_t tags[] = {4385, 4541, 4645, 156209, 456301, 565287};
    bfc_keys *keys = with_password(PASSWORD);
    bfc_err err = BFC_ERR_INIT;
    uint8_t *bytes = NULL;
    char text[16];
    size_t len = 0;

    (void)state;
    assert_int_equal(bfci_read_file(AT_FDCWD, SAMPLES "/pw.bfc", 1 << 20, &bytes, &len, NULL), 0);
    const char *path = scratch("damaged", bytes, len);
    free(bytes);
    for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
        flip(path, tags[i]);
        bfc_reader *r = open_with(path, keys);
        int rc = read_at(r, "v1src/hello.txt", 0, text, 15, &err);
        bfc_reader_close(r);
        /* As long as any file opens, the key is right. */
        assert_int_equal(rc, i + 1 < ARRAY_LEN(tags) ? BFC_E_CORRUPT : BFC_E_DENIED);
    }
    bfc_keys_free(keys);
    assert_int_equal(unlink(path), 0);
}

/* ── A large content ── */

enum {
    BIG = 3 * V1_PIECE_SIZE + 12345
};

static uint8_t big_byte(size_t at)
{
    return (uint8_t)(at * 2654435761u >> 13);
}

static uint32_t v1_crc(const void *bytes, size_t len)
{
    return bfci_v1_crc_usual(bfci_crc32c(bytes, len), len); /* its own inverse */
}

static void put_fields(buf *b, uint64_t stored, uint32_t crc)
{
    buf_u32(b, 0100644);
    buf_u64(b, 1000000000);
    if (stored == 0) { /* in the index */
        buf_u32(b, 0);
        buf_u32(b, 1);
    }
    buf_u64(b, BIG);
    if (stored)
        buf_u64(b, stored);
    buf_u32(b, crc);
}

static void put_object(buf *b, const uint8_t *key, const uint8_t *plain, uint32_t crc)
{
    static const uint8_t kind[] = {1, 0, 1, 0, sizeof BIG_PATH - 1, 0, 0, 0};
    static const uint8_t nonce[V1_NONCE_SIZE] = {7};
    AUTO(bfci_aead) bfci_aead *aead = NULL;
    uint8_t tag[V1_TAG_SIZE];

    bfci_buf_put(b, kind, sizeof kind);
    put_fields(b, BIG + V1_NONCE_SIZE + V1_TAG_SIZE, crc);
    bfci_buf_put(b, BIG_PATH, sizeof BIG_PATH - 1);
    while (b->len % V1_OBJECT_ALIGN)
        buf_u8(b, 0);
    bfci_buf_put(b, nonce, sizeof nonce);
    uint8_t *sealed = bfci_buf_room(b, BIG);
    assert_non_null(sealed);
    assert_int_equal(bfci_aead_new(&aead, NULL), 0);
    assert_int_equal(bfci_aead_set_key(aead, key, NULL), 0);
    assert_int_equal(
        bfci_aead_seal(aead, nonce, BIG_PATH, sizeof BIG_PATH - 1, plain, BIG, sealed, tag, NULL),
        0);
    b->len += BIG;
    bfci_buf_put(b, tag, sizeof tag);
}

static void put_index(buf *b, uint64_t size, uint32_t crc)
{
    size_t at = b->len;

    buf_u32(b, V1_VERSION);
    buf_u32(b, 1);
    buf_u32(b, sizeof BIG_PATH - 1);
    bfci_buf_put(b, BIG_PATH, sizeof BIG_PATH - 1);
    buf_u64(b, V1_HEADER_SIZE);
    buf_u64(b, size);
    put_fields(b, 0, crc);
    size_t len = b->len - at;
    uint32_t index_crc = v1_crc(b->data + at, len);
    bfci_buf_put(b, V1_MAGIC_INDEX, 8);
    buf_u64(b, len);
    buf_u32(b, index_crc);
    buf_u64(b, at);
    for (int i = 0; i < 20; i++)
        buf_u8(b, 0);
    bfci_buf_put(b, V1_MAGIC_END, 8);
}

static const char *make_big(const uint8_t *key)
{
    AUTO_BUF buf b = BUF_INIT;
    AUTO_FREE uint8_t *plain = malloc(BIG);
    uint8_t header[V1_HEADER_SIZE] = V1_MAGIC;

    assert_non_null(plain);
    for (size_t i = 0; i < BIG; i++)
        plain[i] = big_byte(i);
    uint32_t crc = v1_crc(plain, BIG);
    put_u32le(header + 8, v1_crc(header + 12, V1_HEADER_SIZE - 12));
    bfci_buf_put(&b, header, sizeof header);
    put_object(&b, key, plain, crc);
    put_index(&b, b.len - V1_HEADER_SIZE, crc);
    assert_false(b.bad);
    return scratch("big", b.data, b.len);
}

static void check_range(bfc_reader *r, uint64_t at, size_t len)
{
    AUTO_FREE char *out = malloc(len + 1);
    assert_non_null(out);
    assert_int_equal(read_at(r, BIG_PATH, at, out, len, NULL), 0);
    for (size_t i = 0; i < MIN(len, BIG - (size_t)at); i += 97)
        assert_int_equal((uint8_t)out[i], big_byte((size_t)at + i));
}

static void test_v1__reads_pieces(void **state)
{
    static const uint8_t key[BFC_KEY_FILE_SIZE] = {3, 1, 4};
    char key_path[300];

    (void)state;
    (void)snprintf(key_path, sizeof key_path, "%s", scratch("key", key, sizeof key));
    bfc_keys *keys = with_key_file(key_path);
    const char *path = make_big(key);
    bfc_reader *r = open_with(path, keys);
    for (uint64_t at = 0; at < BIG; at += 300007)
        check_range(r, at, 300007);
    check_range(r, V1_PIECE_SIZE - 1, 2); /* backwards */
    check_range(r, 2 * V1_PIECE_SIZE + 5, BIG);
    bfc_reader_close(r);
    bfc_keys_free(keys);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(unlink(key_path), 0);
}

/* Somebody changes the file after its tag was found right. */
static void test_v1__sees_a_change_meanwhile(void **state)
{
    static const uint8_t key[BFC_KEY_FILE_SIZE] = {3, 1, 4};
    const char *path = make_big(key);
    AUTO(bfci_v1) bfci_v1 *v = NULL;
    AUTO(bfci_v1_sealed) bfci_v1_sealed *s = NULL;
    AUTO_FREE uint8_t *piece = malloc(V1_PIECE_SIZE);
    bfc_err err = BFC_ERR_INIT;
    bool fits = false;
    size_t len = 0;
    int fd = -1;

    (void)state;
    assert_int_equal(bfci_open(AT_FDCWD, path, O_RDONLY, 0, &fd, NULL), 0);
    assert_int_equal(bfci_v1_open(fd, &v, NULL), 0);
    assert_int_equal(bfci_v1_sealed_open(v, &v->entry[0], key, &fits, &s, NULL), 0);
    assert_true(fits && bfci_v1_sealed_size(s) == BIG);
    flip(path, V1_HEADER_SIZE + 2 * V1_PIECE_SIZE);
    assert_int_equal(bfci_v1_sealed_next(s, piece, &len, &err), 0);
    assert_int_equal(len, V1_PIECE_SIZE);
    assert_int_equal(bfci_v1_sealed_next(s, piece, &len, &err), BFC_E_CORRUPT);
    assert_non_null(strstr(err.msg, "was changed while it was read"));
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_v1__opens_with_the_right_key),
        cmocka_unit_test(test_v1__refuses_wrong_keys),
        cmocka_unit_test(test_v1__extract_and_compact_take_keys),
        cmocka_unit_test(test_v1__asks_for_a_password),
        cmocka_unit_test(test_v1__tells_damage_from_a_wrong_key),
        cmocka_unit_test(test_v1__reads_pieces),
        cmocka_unit_test(test_v1__sees_a_change_meanwhile),
    };
    return cmocka_run_group_tests_name("v1", tests, NULL, NULL);
}
