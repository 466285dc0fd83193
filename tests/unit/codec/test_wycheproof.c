/* SPDX-License-Identifier: Apache-2.0 */
/* Project Wycheproof's vectors for X25519, Ed25519 and HKDF-SHA-256, through our own functions.
 * They stand in two packages of Debian 12, golang-github-cloudflare-circl-dev (JSON) and
 * librust-hkdf-dev (a format of its own); those for ChaCha20-Poly1305 in none, so that test_aead.c
 * has cases of the same kinds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glob.h>
#include <jansson.h>
#include <stdio.h>

#include "codec/box.h"
#include "codec/digest.h"
#include "codec/kdf.h"
#include "codec/sign.h"

#define CIRCL "/usr/share/gocode/src/github.com/cloudflare/circl/"
#define X25519_FILE CIRCL "dh/x25519/testdata/wycheproof_kat.json"
#define ED25519_FILE CIRCL "sign/ed25519/testdata/wycheproof_Ed25519.json"
#define HKDF_FILES "/usr/share/cargo/registry/hkdf-*/tests/data/wycheproof-sha256.blb"

enum {
    SKIPPED = 77,
    FIELD_MAX = 4096,
    HKDF_FILE_MAX = 1 << 20
};

static const char *hkdf_file;

static json_t *load(const char *path)
{
    json_t *all = json_load_file(path, 0, NULL);

    assert_non_null(all);
    return all;
}

static const char *text(const json_t *test, const char *field)
{
    const char *value = json_string_value(json_object_get(test, field));

    assert_non_null(value);
    return value;
}

static size_t bytes(const json_t *test, const char *field, uint8_t out[FIELD_MAX])
{
    const char *hex = text(test, field);
    size_t len = strlen(hex) / 2;

    assert_true(len <= FIELD_MAX);
    assert_true(bfci_unhex(hex, out, len));
    return len;
}

static void failed(const json_t *test)
{
    fail_msg("number %d: %s", (int)json_integer_value(json_object_get(test, "tcId")),
             text(test, "comment"));
}

/* ── X25519 ── */

/* Points that are not on the curve, or written with a number that is not reduced, are multiplied
 * like others (RFC 7748, section 5); a product of zero is refused (section 6.1). */
static bool x25519_is_right(const json_t *test)
{
    static const uint8_t zeros[BFCI_KEY_SIZE];
    uint8_t point[FIELD_MAX], secret[FIELD_MAX], want[FIELD_MAX], out[BFCI_KEY_SIZE];

    assert_int_equal(bytes(test, "public", point), BFCI_KEY_SIZE);
    assert_int_equal(bytes(test, "private", secret), BFCI_KEY_SIZE);
    assert_int_equal(bytes(test, "shared", want), BFCI_KEY_SIZE);
    int rc = bfci_x25519(out, secret, point, NULL);
    if (memcmp(want, zeros, sizeof zeros) == 0)
        return rc == BFC_E_INVALID;
    return rc == 0 && memcmp(out, want, sizeof out) == 0;
}

static void test_wycheproof__x25519(void **state)
{
    json_t *all = load(X25519_FILE), *test = NULL;
    size_t i = 0;

    (void)state;
    assert_true(json_array_size(all) >= 80);
    json_array_foreach(all, i, test)
    {
        if (!x25519_is_right(test))
            failed(test);
    }
    json_decref(all);
}

/* ── Ed25519 ── */

static bool ed25519_is_right(const json_t *test, const uint8_t *key, const uint8_t *seed)
{
    uint8_t message[FIELD_MAX], signature[FIELD_MAX], ours[BFCI_SIGNATURE_SIZE];
    size_t len = bytes(test, "msg", message), signature_len = bytes(test, "sig", signature);
    bool want = strcmp(text(test, "result"), "valid") == 0, valid = false;

    if (signature_len != BFCI_SIGNATURE_SIZE) /* none that our function can be given */
        return !want;
    assert_int_equal(bfci_sign_verify(signature, key, message, len, &valid, NULL), 0);
    assert_int_equal(bfci_sign(ours, seed, message, len, NULL), 0);
    return valid == want && (!want || memcmp(ours, signature, sizeof ours) == 0);
}

static size_t ed25519_group(const json_t *group)
{
    json_t *pair = json_object_get(group, "key"), *tests = json_object_get(group, "tests");
    uint8_t key[FIELD_MAX], seed[FIELD_MAX], ours[BFCI_KEY_SIZE];
    json_t *test = NULL;
    size_t i = 0;

    assert_int_equal(bytes(pair, "pk", key), BFCI_KEY_SIZE);
    assert_int_equal(bytes(pair, "sk", seed), BFCI_KEY_SIZE);
    assert_int_equal(bfci_sign_public(ours, seed, NULL), 0);
    assert_memory_equal(ours, key, sizeof ours);
    json_array_foreach(tests, i, test)
    {
        if (!ed25519_is_right(test, key, seed))
            failed(test);
    }
    return i;
}

static void test_wycheproof__ed25519(void **state)
{
    json_t *all = load(ED25519_FILE), *group = NULL;
    size_t i = 0, count = 0;

    (void)state;
    json_array_foreach(json_object_get(all, "testGroups"), i, group) count += ed25519_group(group);
    assert_int_equal(count, json_integer_value(json_object_get(all, "numberOfTests")));
    json_decref(all);
}

/* ── HKDF: blobs, of which those that come often stand at the beginning ── */

struct blobs {
    const uint8_t *at, *end;
    struct blob {
        const uint8_t *bytes;
        size_t len;
    } often[64];
    size_t often_count;
};

/* Groups of seven bits, the highest first; each but the first counts one more than it says. */
static size_t number(struct blobs *b)
{
    size_t value = 0;

    for (;;) {
        assert_true(b->at < b->end && value < HKDF_FILE_MAX);
        uint8_t byte = *b->at++;
        value = value << 7 | (byte & 0x7f);
        if (!(byte & 0x80))
            return value;
        value++;
    }
}

static struct blob take(struct blobs *b, size_t len)
{
    assert_true(len <= (size_t)(b->end - b->at));
    b->at += len;
    return (struct blob){b->at - len, len};
}

static struct blob next(struct blobs *b)
{
    size_t head = number(b);

    if (!(head & 1))
        return take(b, head >> 1);
    assert_true(head >> 1 < b->often_count);
    return b->often[head >> 1];
}

/* Our keys are the first 32 bytes of what HKDF gives, however much was asked for. */
static size_t hkdf_tests(struct blobs *b)
{
    size_t count = 0;

    for (; b->at < b->end; count++) {
        uint8_t out[BFCI_KEY_SIZE];
        struct blob key = next(b), salt = next(b), info = next(b), want = next(b);
        assert_int_equal(bfci_hkdf(out, key.bytes, key.len, salt.len ? salt.bytes : NULL, salt.len,
                                   info.len ? info.bytes : NULL, info.len, NULL),
                         0);
        assert_memory_equal(out, want.bytes, MIN(sizeof out, want.len));
    }
    return count;
}

static void test_wycheproof__hkdf(void **state)
{
    static uint8_t file[HKDF_FILE_MAX];
    struct blobs b = {.at = file};
    FILE *f = fopen(hkdf_file, "re");

    (void)state;
    assert_non_null(f);
    b.end = file + fread(file, 1, sizeof file, f);
    (void)fclose(f);
    b.often_count = number(&b);
    assert_true(b.often_count <= ARRAY_LEN(b.often));
    for (size_t i = 0; i < b.often_count; i++)
        b.often[i] = take(&b, number(&b));
    assert_true(hkdf_tests(&b) >= 80);
}

/* ── */

static char *find(const char *pattern)
{
    glob_t found;
    char *path = NULL;

    if (glob(pattern, 0, NULL, &found) == 0) {
        path = strdup(found.gl_pathv[0]);
        globfree(&found);
    } else {
        printf("there is no %s\n", pattern);
    }
    return path;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wycheproof__x25519),
        cmocka_unit_test(test_wycheproof__ed25519),
        cmocka_unit_test(test_wycheproof__hkdf),
    };
    AUTO_FREE char *x25519 = find(X25519_FILE);
    AUTO_FREE char *ed25519 = find(ED25519_FILE);
    AUTO_FREE char *hkdf = find(HKDF_FILES);

    if (!x25519 || !ed25519 || !hkdf) {
        printf("install golang-github-cloudflare-circl-dev and librust-hkdf-dev\n");
        return SKIPPED;
    }
    hkdf_file = hkdf;
    return cmocka_run_group_tests_name("wycheproof", tests, NULL, NULL);
}
