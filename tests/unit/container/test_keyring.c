/* SPDX-License-Identifier: Apache-2.0 */
/* Wrapping a file key for every kind of key, and finding it again: what opens, what does not, in
 * which order, and what is said. The cost is the least that the format allows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cursor.h"
#include "codec/kdf.h"
#include "container/keyring_parts.h"
#include "format/key_text.h"
#include "format/sealed.h"

enum {
    NOW = 1700000000
};

struct ring {
    uint8_t file_key[BFCI_KEY_SIZE], uuid[BFC_UUID_SIZE], check[BFCI_KEY_SIZE];
    uint8_t slots[BFCI_KEY_SLOTS_SIZE];
    bfc_err err;
};

static struct ring new_ring(void)
{
    struct ring r = {.err = BFC_ERR_INIT};
    memset(r.file_key, 0x77, sizeof r.file_key);
    memset(r.uuid, 0x55, sizeof r.uuid);
    assert_int_equal(bfci_key_check(r.file_key, r.uuid, r.check, NULL), 0);
    return r;
}

static bfc_keys *new_keys(void)
{
    bfc_keys *keys = NULL;
    assert_int_equal(bfc_keys_new(NULL, &keys, NULL), 0);
    assert_int_equal(bfc_keys_set_cost(keys, 1, KEY_SLOT_MEMORY_MIN, NULL), 0);
    return keys;
}

static bfc_keys *with_password(const char *password)
{
    bfc_keys *keys = new_keys();
    assert_int_equal(bfc_keys_add_password(keys, password, strlen(password), NULL), 0);
    return keys;
}

/* A secret of equal bytes, in a file. */
static const char *secret_file(const char *name, const void *bytes, size_t len)
{
    static char path[300];
    const char *folder = getenv("TMPDIR");
    (void)snprintf(path, sizeof path, "%s/bfc-keyring-%d-%s", folder ? folder : "/tmp",
                   (int)getpid(), name);
    (void)unlink(path);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0600), 0);
    return path;
}

static bfc_keys *with_key_file(uint8_t fill)
{
    bfc_keys *keys = new_keys();
    uint8_t bytes[BFC_KEY_FILE_SIZE];
    memset(bytes, fill, sizeof bytes);
    const char *path = secret_file("key", bytes, sizeof bytes);
    assert_int_equal(bfc_keys_add_key_file(keys, path, NULL), 0);
    assert_int_equal(unlink(path), 0);
    return keys;
}

static void recipient_of(uint8_t fill, char text[BFC_KEY_TEXT_MAX])
{
    uint8_t secret[BFCI_KEY_SIZE], key[BFCI_KEY_SIZE];
    memset(secret, fill, sizeof secret);
    assert_int_equal(bfci_box_public(key, secret, NULL), 0);
    bfci_key_text_encode(KEY_FORM_RECIPIENT, key, text);
}

static bfc_keys *with_identity(uint8_t fill)
{
    bfc_keys *keys = new_keys();
    uint8_t secret[BFCI_KEY_SIZE];
    char text[BFC_KEY_TEXT_MAX];
    memset(secret, fill, sizeof secret);
    bfci_key_text_encode(KEY_FORM_IDENTITY, secret, text);
    const char *path = secret_file("identity", text, strlen(text));
    assert_int_equal(bfc_keys_add_identity(keys, path, NULL), 0);
    assert_int_equal(unlink(path), 0);
    return keys;
}

static void wrap(struct ring *r, const bfc_keys *keys)
{
    int rc = bfci_keyring_wrap(keys, r->file_key, NOW, r->slots, &r->err);
    if (rc < 0)
        fail_msg("%s", r->err.msg);
}

/* The number of the slot, or the code. */
static int unwrap(struct ring *r, const bfc_keys *keys)
{
    uint8_t key[BFCI_KEY_SIZE] = {0};
    int slot = -1;
    int rc = bfci_keyring_unwrap(keys, r->slots, r->uuid, r->check, "app.bfc", key, &slot, &r->err);
    if (rc < 0) {
        assert_int_equal(slot, -1);
        assert_int_equal(key[0], 0);
        return rc;
    }
    assert_memory_equal(key, r->file_key, sizeof key);
    return slot;
}

static void expect_said(const struct ring *r, const char *words)
{
    if (!strstr(r->err.msg, words))
        fail_msg("'%s' is not in: %s", words, r->err.msg);
}

static bfci_key_slot slot_of(const struct ring *r, unsigned number)
{
    bfci_key_slot slot = {0};
    assert_int_equal(
        bfci_key_slot_decode(r->slots + number * BFCI_KEY_SLOT_SIZE, number, &slot, NULL), 0);
    return slot;
}

static void test_keyring__each_kind(void **state)
{
    (void)state;
    bfc_keys *const right[] = {with_password("secret"), with_key_file(1), with_identity(2)};
    bfc_keys *const wrong[] = {with_password("secreT"), with_key_file(3), with_identity(4)};
    struct ring r = new_ring();

    for (size_t i = 0; i < ARRAY_LEN(right); i++) {
        struct ring alone = new_ring();
        wrap(&r, right[i]);
        wrap(&alone, right[i]);
        assert_int_equal(slot_of(&alone, 0).type, KEY_SLOT_PASSWORD + i);
        assert_int_equal(slot_of(&alone, 0).time, NOW);
        assert_int_equal(unwrap(&alone, right[i]), 0);
        for (size_t k = 0; k < ARRAY_LEN(wrong); k++) {
            assert_int_equal(unwrap(&alone, wrong[k]), BFC_E_DENIED);
            expect_said(&alone, "none of the keys that were given opens it");
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(right); i++)
        assert_int_equal(unwrap(&r, right[i]), i);
    for (size_t i = 0; i < ARRAY_LEN(right); i++) {
        bfc_keys_free(right[i]);
        bfc_keys_free(wrong[i]);
    }
}

static void test_keyring__slots_as_documented(void **state)
{
    (void)state;
    static const uint8_t nonce[BFCI_NONCE_SIZE];
    struct ring r = new_ring();
    bfc_keys *keys = with_password("secret");
    uint8_t key[BFCI_KEY_SIZE], got[BFCI_KEY_SIZE];
    bool authentic = false;
    AUTO(bfci_aead) bfci_aead *aead = NULL;

    wrap(&r, keys);
    bfci_key_slot slot = slot_of(&r, 0);
    assert_int_equal(slot.passes, 1);
    assert_int_equal(slot.memory_kib, KEY_SLOT_MEMORY_MIN);
    assert_int_equal(
        bfci_argon2id(key, (const uint8_t *)"secret", 6, slot.salt, 1, KEY_SLOT_MEMORY_MIN, NULL),
        0);
    assert_int_equal(bfci_aead_new(&aead, NULL), 0);
    assert_int_equal(bfci_aead_set_key(aead, key, NULL), 0);
    assert_int_equal(bfci_aead_open(aead, nonce, r.slots, 48, r.slots + 48, 32, r.slots + 80, got,
                                    &authentic, NULL),
                     0);
    assert_true(authentic);
    assert_memory_equal(got, r.file_key, sizeof got);
    bfc_keys_free(keys);
}

static void test_keyring__several_at_once(void **state)
{
    (void)state;
    char text[BFC_KEY_TEXT_MAX];
    struct ring r = new_ring();
    bfc_keys *keys = with_identity(9), *other = with_identity(8), *first = with_password("a");

    wrap(&r, first);
    recipient_of(8, text);
    assert_int_equal(bfc_keys_add_recipient(keys, text, NULL), 0);
    assert_int_equal(bfc_keys_add_recipient(keys, text, NULL), 0); /* no second slot */
    recipient_of(9, text);
    assert_int_equal(bfc_keys_add_recipient(keys, text, NULL), 0); /* nor for the identity's own */
    assert_int_equal(bfc_keys_add_password(keys, "b", 1, NULL), 0);
    assert_int_equal(bfc_keys_add_password(keys, "b", 1, NULL), 0);
    wrap(&r, keys);
    assert_int_equal(slot_of(&r, 1).type, KEY_SLOT_PASSWORD);
    assert_int_equal(slot_of(&r, 2).type, KEY_SLOT_RECIPIENT);
    assert_int_equal(slot_of(&r, 3).type, KEY_SLOT_RECIPIENT);
    assert_int_equal(slot_of(&r, 4).type, KEY_SLOT_FREE);
    assert_int_equal(unwrap(&r, first), 0);
    assert_int_equal(unwrap(&r, keys), 2); /* the identity before the password */
    assert_int_equal(unwrap(&r, other), 3);

    assert_int_equal(bfci_keyring_wrap(other, r.file_key, NOW, r.slots, &r.err), BFC_E_EXISTS);
    bfc_keys_free(keys);
    bfc_keys_free(other);
    bfc_keys_free(first);
}

static void test_keyring__fills_gaps_and_ends(void **state)
{
    (void)state;
    struct ring r = new_ring();
    bfc_keys *one = with_key_file(1), *last = with_key_file(200), *keys = new_keys();
    uint8_t before[BFCI_KEY_SLOTS_SIZE];

    for (unsigned i = 0; i < BFCI_KEY_SLOTS; i++)
        wrap(&r, one);
    memset(r.slots + 7 * BFCI_KEY_SLOT_SIZE, 0, BFCI_KEY_SLOT_SIZE);
    wrap(&r, last);
    assert_int_equal(unwrap(&r, last), 7);
    memcpy(before, r.slots, sizeof before);
    assert_int_equal(bfci_keyring_wrap(one, r.file_key, NOW, r.slots, &r.err), BFC_E_LIMIT);
    expect_said(&r, "20");
    assert_memory_equal(before, r.slots, sizeof before);

    memset(r.slots, 0, sizeof r.slots);
    for (uint8_t i = 0; i <= BFCI_KEY_SLOTS; i++) {
        char text[BFC_KEY_TEXT_MAX];
        recipient_of(i, text);
        assert_int_equal(bfc_keys_add_recipient(keys, text, NULL), 0);
    }
    assert_int_equal(bfci_keyring_wrap(keys, r.file_key, NOW, r.slots, &r.err), BFC_E_LIMIT);
    expect_said(&r, "21 keys");
    bfc_keys_free(one);
    bfc_keys_free(last);
    bfc_keys_free(keys);
}

static void test_keyring__nothing_given(void **state)
{
    (void)state;
    struct ring r = new_ring();
    bfc_keys *keys = with_password("a"), *empty = new_keys();
    char text[BFC_KEY_TEXT_MAX];

    assert_int_equal(bfci_keyring_wrap(NULL, r.file_key, NOW, r.slots, &r.err), BFC_E_INVALID);
    assert_int_equal(bfci_keyring_wrap(empty, r.file_key, NOW, r.slots, &r.err), BFC_E_INVALID);
    expect_said(&r, "--recipient");
    wrap(&r, keys);
    assert_int_equal(unwrap(&r, NULL), BFC_E_DENIED);
    expect_said(&r, "it is encrypted (1 password): give");
    expect_said(&r, "--password-file, --key-file, --identity");
    /* A recipient opens nothing. */
    recipient_of(1, text);
    assert_int_equal(bfc_keys_add_recipient(empty, text, NULL), 0);
    assert_int_equal(unwrap(&r, empty), BFC_E_DENIED);
    expect_said(&r, "it is encrypted (1 password): give");
    bfc_keys_free(keys);
    bfc_keys_free(empty);
}

static void test_keyring__hostile_slots(void **state)
{
    (void)state;
    struct ring r = new_ring();
    bfc_keys *keys = with_password("a");

    assert_int_equal(unwrap(&r, keys), BFC_E_CORRUPT);
    expect_said(&r, "none of the key slots");
    wrap(&r, keys);
    for (size_t at = KEY_SLOT_AT_TIME; at < KEY_SLOT_AT_WRAPPED + 48; at++) {
        struct ring changed = r;
        changed.slots[at] ^= 1;
        assert_true(unwrap(&changed, keys) < 0);
    }
    struct ring costly = r;
    put_u32le(costly.slots + KEY_SLOT_AT_MEMORY, KEY_SLOT_MEMORY_MAX + 1);
    assert_int_equal(unwrap(&costly, keys), BFC_E_LIMIT);
    expect_said(&costly, "key slot 0");
    expect_said(&costly, "8192 to 4194304 KiB");
    /* A slot that opens and holds another key. */
    memset(r.check, 0, sizeof r.check);
    assert_int_equal(unwrap(&r, keys), BFC_E_CORRUPT);
    expect_said(&r, "another container's key");
    bfc_keys_free(keys);
}

static void test_keyring__damaged_box(void **state)
{
    (void)state;
    struct ring r = new_ring();
    bfc_keys *keys = with_identity(3);

    wrap(&r, keys);
    r.slots[KEY_SLOT_AT_WRAPPED + 79] ^= 1;
    assert_int_equal(unwrap(&r, keys), BFC_E_CORRUPT);
    expect_said(&r, "does not open");
    bfc_keys_free(keys);
}

/* ── The prompt ── */

struct script {
    const char *const *answers;
    unsigned calls;
    int code;
    enum bfc_prompt_purpose purpose;
};

static int answer(void *ctx, const bfc_prompt *about, char *password, size_t *len, bfc_err *err)
{
    struct script *s = ctx;
    (void)err;
    s->purpose = about->purpose;
    assert_int_equal(about->attempt, s->calls + 1);
    if (about->purpose == BFC_PROMPT_OPEN)
        assert_string_equal(about->what, "app.bfc");
    if (s->code < 0)
        return s->code;
    *len = strlen(s->answers[s->calls]);
    memcpy(password, s->answers[s->calls++], *len);
    return 0;
}

static void test_keyring__prompt(void **state)
{
    (void)state;
    static const char *const answers[] = {"one", "two", "three", "four"};
    struct ring r = new_ring();
    bfc_keys *keys = with_password("three"), *asking = new_keys();
    struct script s = {answers, 0, 0, BFC_PROMPT_CREATE};

    wrap(&r, keys);
    bfc_keys_set_prompt(asking, answer, &s);
    assert_int_equal(unwrap(&r, asking), 0);
    assert_int_equal(s.calls, 3);
    assert_int_equal(s.purpose, BFC_PROMPT_OPEN);
    assert_int_equal(unwrap(&r, asking), 0); /* what fitted is kept */
    assert_int_equal(s.calls, 3);
    bfc_keys_free(asking);

    static const char *const wrong[] = {"one", "two", "four", "three"};
    asking = new_keys();
    s = (struct script){wrong, 0, 0, BFC_PROMPT_OPEN};
    bfc_keys_set_prompt(asking, answer, &s);
    assert_int_equal(unwrap(&r, asking), BFC_E_DENIED);
    assert_int_equal(s.calls, 3);
    expect_said(&r, "none of the keys");
    bfc_keys_free(asking);
    bfc_keys_free(keys);
}

static void test_keyring__prompt_is_not_for_nothing(void **state)
{
    (void)state;
    static const char *const answers[] = {"x"};
    struct ring r = new_ring();
    bfc_keys *file = with_key_file(1), *other = with_key_file(2), *password = with_password("p");
    struct script s = {answers, 0, 0, BFC_PROMPT_CREATE};

    wrap(&r, file);
    bfc_keys_set_prompt(other, answer, &s);
    assert_int_equal(unwrap(&r, other), BFC_E_DENIED); /* no password would open it */
    assert_int_equal(s.calls, 0);
    wrap(&r, password);
    bfc_keys_set_prompt(password, answer, &s);
    assert_int_equal(unwrap(&r, password), 1); /* it fits */
    assert_int_equal(s.calls, 0);
    bfc_keys_free(file);
    bfc_keys_free(other);
    bfc_keys_free(password);
}

static void test_keyring__prompt_without_answer(void **state)
{
    (void)state;
    struct ring r = new_ring();
    bfc_keys *keys = with_password("p"), *asking = new_keys();
    struct script s = {NULL, 0, BFC_E_NOT_FOUND, BFC_PROMPT_CREATE};

    wrap(&r, keys);
    bfc_keys_set_prompt(asking, answer, &s);
    assert_int_equal(unwrap(&r, asking), BFC_E_DENIED);
    expect_said(&r, "is encrypted");
    s.code = BFC_E_CANCELLED;
    assert_int_equal(unwrap(&r, asking), BFC_E_CANCELLED);
    bfc_keys_free(keys);
    bfc_keys_free(asking);
}

static void test_keyring__prompt_for_a_new_one(void **state)
{
    (void)state;
    static const char *const answers[] = {"new"};
    struct ring r = new_ring();
    bfc_keys *asking = new_keys(), *keys = with_password("new");
    struct script s = {answers, 0, 0, BFC_PROMPT_OPEN};

    bfc_keys_set_prompt(asking, answer, &s);
    wrap(&r, asking);
    assert_int_equal(s.purpose, BFC_PROMPT_CREATE);
    assert_int_equal(unwrap(&r, keys), 0);
    bfc_keys_free(asking);
    bfc_keys_free(keys);
}

/* Many threads with one bunch and a prompt: one of them asks. */
struct shared {
    struct ring ring;
    bfc_keys *keys;
};

static void *open_it(void *ctx)
{
    struct shared *shared = ctx;
    struct ring r = shared->ring;
    uint8_t key[BFCI_KEY_SIZE];
    int rc =
        bfci_keyring_unwrap(shared->keys, r.slots, r.uuid, r.check, "app.bfc", key, NULL, &r.err);
    return rc == 0 && memcmp(key, r.file_key, sizeof key) == 0 ? ctx : NULL;
}

static void test_keyring__threads(void **state)
{
    (void)state;
    static const char *const answers[] = {"p"};
    struct shared shared = {new_ring(), new_keys()};
    struct script s = {answers, 0, 0, BFC_PROMPT_OPEN};
    bfc_keys *keys = with_password("p");
    pthread_t threads[6];

    wrap(&shared.ring, keys);
    bfc_keys_set_prompt(shared.keys, answer, &s);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, open_it, &shared), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        void *good = NULL;
        assert_int_equal(pthread_join(threads[i], &good), 0);
        assert_non_null(good);
    }
    assert_int_equal(s.calls, 1);
    bfc_keys_free(keys);
    bfc_keys_free(shared.keys);
}

static void test_keyring__cancel(void **state)
{
    (void)state;
    struct ring r = new_ring();
    bfc_keys *keys = with_password("p"), *stopped = NULL;
    int cancel = 1;
    bfc_hooks hooks = {.cancel = &cancel};

    wrap(&r, keys);
    assert_int_equal(bfc_keys_new(&hooks, &stopped, NULL), 0);
    assert_int_equal(bfc_keys_add_password(stopped, "p", 1, NULL), 0);
    assert_int_equal(unwrap(&r, stopped), BFC_E_CANCELLED);
    bfc_keys_free(keys);
    bfc_keys_free(stopped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keyring__each_kind),
        cmocka_unit_test(test_keyring__slots_as_documented),
        cmocka_unit_test(test_keyring__several_at_once),
        cmocka_unit_test(test_keyring__fills_gaps_and_ends),
        cmocka_unit_test(test_keyring__nothing_given),
        cmocka_unit_test(test_keyring__hostile_slots),
        cmocka_unit_test(test_keyring__damaged_box),
        cmocka_unit_test(test_keyring__prompt),
        cmocka_unit_test(test_keyring__prompt_is_not_for_nothing),
        cmocka_unit_test(test_keyring__prompt_without_answer),
        cmocka_unit_test(test_keyring__prompt_for_a_new_one),
        cmocka_unit_test(test_keyring__threads),
        cmocka_unit_test(test_keyring__cancel),
    };
    return cmocka_run_group_tests_name("keyring", tests, NULL, NULL);
}
