/* SPDX-License-Identifier: Apache-2.0 */
/* Names that go to a registry, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "net/reference.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void expect(const char *typed, const char *text, bool is_short)
{
    bfci_remote_ref ref, again;
    char got[REMOTE_TEXT_SIZE];
    bfc_err err = BFC_ERR_INIT;

    if (bfci_remote_ref_parse(typed, &ref, &err) < 0)
        fail_msg("%s", err.msg);
    bfci_remote_ref_text(&ref, got);
    assert_string_equal(got, text);
    assert_int_equal(ref.is_short, is_short);
    assert_int_equal(bfci_remote_ref_parse(got, &again, &err), 0);
    bfci_remote_ref_text(&again, got);
    assert_string_equal(got, text);
}

static void refused(const char *typed, int code, const char *part)
{
    bfci_remote_ref ref = {.host = "kept"};
    bfc_err err = BFC_ERR_INIT;

    assert_int_equal(bfci_remote_ref_parse(typed, &ref, &err), code);
    if (!strstr(err.msg, part))
        fail_msg("'%s' is not in: %s", part, err.msg);
    assert_string_equal(ref.host, "kept");
}

static void test_reference__defaults(void **state)
{
    (void)state;
    expect("alpine", "docker.io/library/alpine:latest", true);
    expect("alpine:3.19", "docker.io/library/alpine:3.19", true);
    expect("docker://alpine", "docker.io/library/alpine:latest", true);
    expect("user/app", "docker.io/user/app:latest", true);
    expect("docker.io/alpine", "docker.io/library/alpine:latest", false);
    expect("index.docker.io/alpine", "docker.io/library/alpine:latest", false);
    expect("Docker.IO/a/b", "docker.io/a/b:latest", false);
    expect("quay.io/alpine", "quay.io/alpine:latest", false);
    expect("localhost/a", "localhost/a:latest", false);
    expect("localhost:5000/a/b:t", "localhost:5000/a/b:t", false);
    expect("host:1/a", "host:1/a:latest", false);
    expect("Host.Example:5000/x", "host.example:5000/x:latest", false);
    expect("[::1]:5000/a", "[::1]:5000/a:latest", false);
    expect("[FE80::1]/a:b", "[fe80::1]/a:b", false);
    expect("a/b/c/d", "docker.io/a/b/c/d:latest", true);
}

static void test_reference__digests(void **state)
{
    (void)state;
    expect("alpine@sha256:" HEX, "docker.io/library/alpine@sha256:" HEX, true);
    expect("q.io/a:1@sha256:" HEX, "q.io/a:1@sha256:" HEX, false);
    refused("a@sha256:" HEX "0", BFC_E_INVALID, "digest");
    refused("a@sha256:0123", BFC_E_INVALID, "digest");
    refused("a@", BFC_E_INVALID, "digest");
    refused("a@sha256:" HEX "@sha256:" HEX, BFC_E_INVALID, "digest");
    refused("a@sha512:" HEX HEX, BFC_E_UNSUPPORTED, "sha512");
    refused(HEX, BFC_E_INVALID, "is a digest");
    refused("@sha256:" HEX, BFC_E_INVALID, "not allowed");
}

static void test_reference__refused(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "A",   "a/",         "/a",  "a//b", "a/../b", "a..b", "-a",
        "a-",  "a___b",      "a b", "a\nb", "q.io/",  "q.io", NULL,
        "a/B", "a/\xc3\xa4", "..",  "./a",  "../a/b", "a+b",  "http://a/b"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        if (paths[i] && strcmp(paths[i], "q.io") != 0)
            refused(paths[i], BFC_E_INVALID, "is no name of an image");
    refused("", BFC_E_INVALID, "empty");
    refused("docker://", BFC_E_INVALID, "empty");
    refused("a:", BFC_E_INVALID, "tag");
    refused("a:b:c", BFC_E_INVALID, "tag");
    refused("a:.b", BFC_E_INVALID, "tag");
    refused("a.b:0/c", BFC_E_INVALID, "registry");
    refused("a.b:65536/c", BFC_E_INVALID, "registry");
    refused("a..b/c", BFC_E_INVALID, "registry");
    refused("a.b:80:80/c", BFC_E_INVALID, "registry");
    refused("[::1/c", BFC_E_INVALID, "registry");
    refused("[x::1]/c", BFC_E_INVALID, "registry");
    refused("user@host/a", BFC_E_INVALID, "digest");
}

static void test_reference__lengths(void **state)
{
    (void)state;
    char text[1024], tag[BFCI_TAG_MAX + 2];
    bfci_remote_ref ref;

    memset(text, 'a', sizeof text);
    memcpy(text, "q.io/", 5);
    text[5 + REMOTE_PATH_MAX] = '\0';
    assert_int_equal(bfci_remote_ref_parse(text, &ref, NULL), 0);
    assert_int_equal(strlen(ref.path), REMOTE_PATH_MAX);
    text[5 + REMOTE_PATH_MAX] = 'a';
    text[6 + REMOTE_PATH_MAX] = '\0';
    refused(text, BFC_E_INVALID, "255 are allowed");
    text[5 + REMOTE_PATH_MAX] = '\0';
    refused(text + 5, BFC_E_INVALID, "263 bytes"); /* with library/ */
    memset(text, 'a', REMOTE_HOST_MAX + 1);
    memcpy(text + REMOTE_HOST_MAX - 1, ".a/b", 5);
    refused(text, BFC_E_INVALID, "registry");
    memset(tag, 't', sizeof tag - 1);
    tag[sizeof tag - 1] = '\0';
    (void)snprintf(text, sizeof text, "a:%s", tag);
    refused(text, BFC_E_INVALID, "tag");
    text[2 + BFCI_TAG_MAX] = '\0';
    assert_int_equal(bfci_remote_ref_parse(text, &ref, NULL), 0);
}

static void test_reference__at(void **state)
{
    (void)state;
    bfci_remote_ref ref;
    char name[REMOTE_NAME_SIZE];

    assert_int_equal(bfci_remote_ref_at("quay.io", "a/b:1", &ref, NULL), 0);
    bfci_remote_ref_name(&ref, name);
    assert_string_equal(name, "quay.io/a/b");
    assert_string_equal(ref.tag, "1");
    assert_int_equal(bfci_remote_ref_at("docker.io", "a", &ref, NULL), 0);
    assert_string_equal(ref.path, "library/a");
    assert_int_equal(bfci_remote_ref_at("registry", "a", &ref, NULL), BFC_E_INVALID);
}

static void test_reference__hosts(void **state)
{
    (void)state;
    static const char *const inside[] = {"localhost",    "localhost:5000", "LOCALHOST", "127.0.0.1",
                                         "127.1.2.3:80", "[::1]",          "[::1]:5000"};
    static const char *const outside[] = {
        "localhost.example", "127.0.0.1.example", "127.1",     "128.0.0.1", "[::2]",
        "example.localhost", "[::ffff:7f00:1]",   "0.0.0.0",   "",          "[",
        "1127.0.0.1",        "xlocalhost",        "localhostx"};
    for (size_t i = 0; i < ARRAY_LEN(inside); i++)
        assert_true(bfci_remote_is_loopback(inside[i]));
    for (size_t i = 0; i < ARRAY_LEN(outside); i++)
        if (bfci_remote_is_loopback(outside[i]))
            fail_msg("%s", outside[i]);
    assert_string_equal(bfci_remote_api_host("docker.io"), "registry-1.docker.io");
    assert_string_equal(bfci_remote_api_host("quay.io:1"), "quay.io:1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference__defaults), cmocka_unit_test(test_reference__digests),
        cmocka_unit_test(test_reference__refused),  cmocka_unit_test(test_reference__lengths),
        cmocka_unit_test(test_reference__at),       cmocka_unit_test(test_reference__hosts),
    };
    return cmocka_run_group_tests_name("net reference", tests, NULL, NULL);
}
