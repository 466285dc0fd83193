/* SPDX-License-Identifier: Apache-2.0 */
/* Indexes, and which of their images is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "oci/manifest.h"

#include "documents.h"

static int parse(const char *json, bfci_index *out, bfc_err *err)
{
    return bfci_index_parse((const uint8_t *)json, strlen(json), "index 'i'", out, err);
}

/* The position, or a code. */
static int pick(const char *json, const char *platform, bfc_err *err)
{
    AUTO_INDEX bfci_index index = {0};
    AUTO_PLATFORM bfci_platform want = {0};
    size_t position = SIZE_MAX;

    assert_int_equal(parse(json, &index, NULL), 0);
    assert_int_equal(bfci_platform_parse(platform, &want, NULL), 0);
    int rc = bfci_index_pick(&index, &want, "index 'i'", &position, err);
    if (rc < 0)
        assert_true(position == SIZE_MAX);
    return rc < 0 ? rc : (int)position;
}

static void test_index__of_buildx(void **state)
{
    (void)state;
    AUTO_INDEX bfci_index index = {0};
    assert_int_equal(parse(buildx_index, &index, NULL), 0);
    assert_int_equal(index.count, 3);
    assert_true(index.entry[0].is_statement);
    assert_false(index.entry[1].is_statement);
    assert_string_equal(index.entry[1].platform.os, "linux");
    assert_string_equal(index.entry[1].platform.arch, "amd64");
    assert_null(index.entry[1].platform.variant);
    assert_int_equal(pick(buildx_index, "linux/amd64", NULL), 1);
    assert_int_equal(pick(buildx_index, "linux/arm64", NULL), 2);
}

static void test_index__of_a_layout(void **state)
{
    (void)state;
    AUTO_INDEX bfci_index index = {0};
    assert_int_equal(parse(layout_index, &index, NULL), 0);
    assert_string_equal(index.entry[0].ref_name, "v1");
    assert_int_equal(pick(layout_index, "linux/riscv64", NULL), 0); /* the only one */
}

#define ARMS                                                                                       \
    ENTRY(DIGEST_A, VARIANT("arm", "v5"))                                                          \
    "," ENTRY(DIGEST_A, VARIANT("arm", "v7")) "," ENTRY(DIGEST_A, VARIANT("arm", "v6")) "," ENTRY( \
        DIGEST_B, VARIANT("arm", "v6")) "," ENTRY(DIGEST_A, VARIANT("arm64", "v8"))

static void test_index__pick(void **state)
{
    (void)state;
    static const struct {
        const char *json, *platform;
        int expected;
    } cases[] = {
        {INDEX(ARMS), "linux/arm/v7", 1},
        {INDEX(ARMS), "linux/arm", 1}, /* which is v7 */
        {INDEX(ARMS), "linux/armhf", 1},
        {INDEX(ARMS), "linux/arm/v8", 1},
        {INDEX(ARMS), "linux/arm/v6", 2}, /* the first of two */
        {INDEX(ARMS), "linux/arm/v5", 0},
        {INDEX(ARMS), "linux/arm/v4", BFC_E_NOT_FOUND},
        {INDEX(ARMS), "linux/arm64", 4},
        {INDEX(ARMS), "linux/aarch64", 4},
        {INDEX(ARMS), "linux/arm64/v8.2", 4},
        {INDEX(ARMS), "linux/arm64/v9", 4},
        {INDEX(ARMS), "linux/amd64", BFC_E_NOT_FOUND},
        {INDEX(ENTRY(DIGEST_A, PLATFORM("linux", "arm"))), "linux/arm/v6", BFC_E_NOT_FOUND},
        {INDEX(ENTRY(DIGEST_A, PLATFORM("linux", "arm"))), "linux/arm/v7", 0},
        {INDEX(ENTRY(DIGEST_A, PLATFORM("linux", "arm64"))), "linux/arm/v7", BFC_E_NOT_FOUND},
        {INDEX(ENTRY(DIGEST_A, PLATFORM("linux", "aarch64"))), "linux/arm64/v8", 0},
        {INDEX(ENTRY(DIGEST_A, VARIANT("arm64", "v9"))), "linux/arm64", BFC_E_NOT_FOUND},
        {INDEX(ENTRY(DIGEST_A, VARIANT("arm64", "v8.6"))), "linux/arm64/v9", BFC_E_NOT_FOUND},
        {INDEX(ENTRY(DIGEST_A, VARIANT("arm64", "v8.5"))), "linux/arm64/v9", 0},
        {INDEX(ENTRY(DIGEST_A, VARIANT("amd64", "v2")) "," ENTRY(
             DIGEST_A, PLATFORM("linux", "amd64")) "," ENTRY(DIGEST_A, VARIANT("amd64", "v3"))),
         "linux/amd64", 1},
        {INDEX(ENTRY(DIGEST_A, PLATFORM("linux", "amd64")) "," ENTRY(
             DIGEST_A, VARIANT("amd64", "v3")) "," ENTRY(DIGEST_A, VARIANT("amd64", "v2"))),
         "linux/amd64/v4", 1},
        {INDEX(ENTRY(DIGEST_A, PLATFORM("linux", "386"))), "linux/amd64", BFC_E_NOT_FOUND},
        {INDEX(ENTRY(DIGEST_A, PLATFORM("windows", "amd64"))), "linux/amd64", BFC_E_NOT_FOUND},
        {INDEX(ENTRY(DIGEST_A, PLATFORM("darwin", "arm64"))), "macos/arm64", 0},
        {INDEX(ENTRY(DIGEST_A, VARIANT("mips64le", "r6"))), "linux/mips64le", BFC_E_NOT_FOUND},
        {INDEX(ENTRY(DIGEST_A, VARIANT("mips64le", "r6"))), "linux/mips64le/r6", 0},
        /* Statements, whichever sign they carry, are never taken. */
        {INDEX(ENTRY(DIGEST_A, STATEMENT PLATFORM("linux", "amd64"))), "linux/amd64",
         BFC_E_NOT_FOUND},
        {INDEX(ENTRY(DIGEST_A, STATEMENT)), "linux/amd64", BFC_E_NOT_FOUND},
        {INDEX(ENTRY(DIGEST_A, PLATFORM("unknown", "unknown"))), "unknown/unknown",
         BFC_E_NOT_FOUND},
        {INDEX(ENTRY(DIGEST_A, STATEMENT) "," ENTRY(DIGEST_B, "")), "linux/amd64", 1},
        /* Without a platform: only where there is no choice. */
        {INDEX(ENTRY(DIGEST_A, "") "," ENTRY(DIGEST_B, "")), "linux/amd64", BFC_E_NOT_FOUND},
        {INDEX(ENTRY(DIGEST_A, "") "," ENTRY(DIGEST_B, PLATFORM("linux", "amd64"))), "linux/amd64",
         1},
        {INDEX(ENTRY(DIGEST_A, ",\"platform\":{\"os\":\"\"}")), "linux/amd64", 0},
        {INDEX(""), "linux/amd64", BFC_E_NOT_FOUND},
        /* What is no image at all is none of the choices. */
        {INDEX("{\"mediaType\":\"text/plain\",\"digest\":\"" DIGEST_A "\",\"size\":1},"
               "{\"mediaType\":\"" OCI_TYPE "index.v1+json\",\"digest\":\"" DIGEST_A
               "\",\"size\":1}"),
         "linux/amd64", 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int got = pick(cases[i].json, cases[i].platform, NULL);
        if (got != cases[i].expected)
            fail_msg("%s for %s: %d, expected %d", cases[i].json, cases[i].platform, got,
                     cases[i].expected);
    }
}

static void test_index__messages(void **state)
{
    (void)state;
    bfc_err err = BFC_ERR_INIT;
    assert_int_equal(pick(buildx_index, "linux/s390x", &err), BFC_E_NOT_FOUND);
    assert_string_equal(err.msg, "index 'i': there is no image for linux/s390x, but for: "
                                 "'linux/amd64, linux/arm64'");
    assert_int_equal(pick(INDEX(ENTRY(DIGEST_A, VARIANT("a\\u001b", "'"))), "linux/s390x", &err),
                     BFC_E_NOT_FOUND);
    assert_non_null(strstr(err.msg, "'linux/a\\x1b/\\x27'"));
    assert_int_equal(pick(INDEX(""), "linux/s390x", &err), BFC_E_NOT_FOUND);
    assert_non_null(strstr(err.msg, "no entry tells its platform"));
}

static void test_index__hostile(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        enum bfc_code code;
        const char *message;
    } bad[] = {
        {INDEX("7"), BFC_E_CORRUPT, "index 'i': manifests[0]: an object was expected"},
        {INDEX(ENTRY(DIGEST_A, ",\"platform\":[]")), BFC_E_CORRUPT, "manifests[0].platform: an"},
        {INDEX(ENTRY(DIGEST_A, "") "," ENTRY(DIGEST_A, ",\"platform\":{\"os\":1}")), BFC_E_CORRUPT,
         "manifests[1].platform.os: a string was expected"},
        {INDEX(ENTRY("md5:0", "")), BFC_E_UNSUPPORTED, "manifests[0].digest: digest 'md5:0'"},
        {"{\"manifests\":{}}", BFC_E_CORRUPT, "manifests: an array was expected"},
        {"{\"mediaType\":\"" OCI_TYPE "index.v1+json\"}", BFC_E_CORRUPT, "manifests: an array is"},
        {"{\"mediaType\":\"" OCI_TYPE "index.v1+json\",\"manifests\":[],\"layers\":[]}",
         BFC_E_CORRUPT, "members of an image manifest and of an image index"},
        {oci_manifest, BFC_E_CORRUPT, "it is an image manifest, an image index was expected"},
        {docker_schema_1, BFC_E_UNSUPPORTED, "schema 1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        AUTO_INDEX bfci_index index = {0};
        bfc_err err = BFC_ERR_INIT;
        int rc = parse(bad[i].json, &index, &err);
        if (rc != bad[i].code || !strstr(err.msg, bad[i].message))
            fail_msg("%s: got %d \"%s\"", bad[i].json, rc, err.msg);
        assert_null(index.entry);
    }
}

static void test_index__entries_are_limited(void **state)
{
    (void)state;
    AUTO_BUF buf b = BUF_INIT;
    AUTO_INDEX bfci_index index = {0};
    bfc_err err = BFC_ERR_INIT;
    bfci_buf_printf(&b, "{\"manifests\":[" ENTRY(DIGEST_A, ""));
    for (size_t i = 1; i < INDEX_ENTRIES_MAX; i++)
        bfci_buf_printf(&b, "," ENTRY(DIGEST_B, ""));
    bfci_buf_printf(&b, "]}");
    assert_int_equal(bfci_index_parse(b.data, b.len, "i", &index, NULL), 0);
    assert_int_equal(index.count, INDEX_ENTRIES_MAX);
    b.len -= 2;
    bfci_buf_printf(&b, ",{}]}");
    bfci_index_release(&index);
    assert_int_equal(bfci_index_parse(b.data, b.len, "i", &index, &err), BFC_E_LIMIT);
    assert_string_equal(err.msg, "i: manifests: it has 4097 items, 4096 are allowed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_index__of_buildx), cmocka_unit_test(test_index__of_a_layout),
        cmocka_unit_test(test_index__pick),      cmocka_unit_test(test_index__messages),
        cmocka_unit_test(test_index__hostile),   cmocka_unit_test(test_index__entries_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
